//! What asks a running coordinator.

use std::path::PathBuf;

use clap::Args;
use sweeps::AttemptNumber;

use super::run::{DataFolders, Notify};

/// The coordinator of this machine.
const USUAL_ADDRESS: &str = "http://127.0.0.1:7070";

/// Whom a command asks: a coordinator, or a `run` that is under way.
#[derive(Debug, Clone, Args)]
pub struct Endpoint {
    /// Folder of a `run` that is under way, as its --out (or out/NAME): asks that run instead of a coordinator
    #[arg(id = "run_folder", long = "out", value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub connection: Connection,
}

/// How to reach a coordinator.
#[derive(Debug, Clone, Args)]
pub struct Connection {
    /// Address of the coordinator [default: http://127.0.0.1:7070]
    #[arg(long, env = "GCL_COORDINATOR", value_name = "URL", global = true)]
    pub coordinator: Option<String>,
    /// File with the token
    #[arg(long, env = "GCL_TOKEN_FILE", value_name = "FILE", global = true)]
    pub token_file: Option<PathBuf>,
    /// Certificate of the authority that signed the coordinator's, PEM (with an https address)
    #[arg(long, env = "GCL_CA", value_name = "FILE", global = true)]
    pub ca: Option<PathBuf>,
    /// Our own certificate, PEM, where the coordinator asks for one (tls client)
    #[arg(
        long,
        env = "GCL_CERTIFICATE",
        value_name = "FILE",
        global = true,
        requires = "key"
    )]
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(
        long,
        env = "GCL_KEY",
        value_name = "FILE",
        global = true,
        requires = "certificate"
    )]
    pub key: Option<PathBuf>,
}

impl Connection {
    /// The address that was named, or the usual one.
    pub fn address(&self) -> &str {
        self.coordinator.as_deref().unwrap_or(USUAL_ADDRESS)
    }
}

#[derive(Debug, Args)]
pub struct Submit {
    /// The sweep file
    pub sweep: PathBuf,
    /// Higher goes first
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub priority: i32,
    /// Refuse a file that means more jobs than this
    #[arg(long, value_name = "N", default_value_t = sweeps::Limits::default().max_jobs)]
    pub max_jobs: usize,
    /// Only say what would happen: how much is new, and which cells of the version that is there come, stay and are hidden
    #[arg(long)]
    pub dry_run: bool,
    /// Wait until all jobs are settled
    #[arg(long)]
    pub wait: bool,
    #[command(flatten)]
    pub folders: DataFolders,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Debug, Args)]
pub struct Status {
    /// A sweep's name; without it, all sweeps
    pub sweep: Option<String>,
    #[command(flatten)]
    pub endpoint: Endpoint,
}

#[derive(Debug, Args)]
pub struct Top {
    /// The sweep to begin with; without it, the one that was submitted last
    pub sweep: Option<String>,
    #[command(flatten)]
    pub endpoint: Endpoint,
}

#[derive(Debug, Args)]
pub struct SweepOf {
    /// The sweep's name
    pub sweep: String,
    #[command(flatten)]
    pub endpoint: Endpoint,
}

#[derive(Debug, Args)]
pub struct Watch {
    #[command(flatten)]
    pub of: SweepOf,
    #[command(flatten)]
    pub notify: Notify,
}

#[derive(Debug, Args)]
pub struct Target {
    /// A sweep's name, or a job's id (a unique beginning is enough)
    pub target: String,
    #[command(flatten)]
    pub endpoint: Endpoint,
}

#[derive(Debug, Args)]
pub struct Job {
    /// The job's id; a unique beginning is enough
    pub job: String,
    #[command(flatten)]
    pub endpoint: Endpoint,
}

#[derive(Debug, Args)]
pub struct Logs {
    /// The job's id; a unique beginning is enough
    pub job: String,
    /// Only the lines of this attempt
    #[arg(long, value_name = "N")]
    pub attempt: Option<AttemptNumber>,
    /// Go on with new lines until the job is settled
    #[arg(short, long)]
    pub follow: bool,
    #[command(flatten)]
    pub endpoint: Endpoint,
}
