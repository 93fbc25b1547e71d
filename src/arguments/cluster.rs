//! The two long-running roles.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::client::{Connection, Endpoint};
use super::run::DataFolders;
use super::store::CoordinatorCommand;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Coordinator {
    #[command(subcommand)]
    pub command: Option<CoordinatorCommand>,
    /// State folder
    #[arg(long, value_name = "DIR", required = true)]
    pub state: Option<PathBuf>,
    /// Address to listen on; beyond loopback it needs TLS and a token, or --insecure
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7070", value_parser = super::listen::listen)]
    pub listen: SocketAddr,
    /// Listen beyond loopback without TLS and token: anyone who reaches the port can submit, control and read
    #[arg(long)]
    pub insecure: bool,
    /// File with one token for everything, beside those of `gcl-sweep token`
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// File of the tokens that `gcl-sweep token` makes [default: tokens.json in the state folder, if it is there]
    #[arg(long, value_name = "FILE")]
    pub tokens: Option<PathBuf>,
    /// Certificate (chain) of the coordinator, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// Certificate of the authority that signed the callers' certificates, PEM: callers without one are not let in
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub tls_client_ca: Option<PathBuf>,
    /// Address for /metrics, /healthz, /readyz and the live page /live (127.0.0.1:7071, say); beyond loopback it needs what --listen needs [default: none]
    #[arg(long, value_name = "ADDRESS", value_parser = super::listen::listen)]
    pub http: Option<SocketAddr>,
    /// A name by which browsers call the live page, where it is none of this machine's own (behind a proxy, say); repeatable
    #[arg(long, value_name = "NAME", requires = "http")]
    pub http_host: Vec<String>,
    /// Write the address of --http into this file
    #[arg(long, value_name = "FILE", requires = "http")]
    pub http_address_file: Option<PathBuf>,
    /// Most jobs of one sweep, whatever its submitter asks for
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = super::numbers::positive)]
    pub max_jobs: usize,
    /// Most open connections
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = super::numbers::positive)]
    pub max_connections: usize,
    /// Most of them from one address (of IPv6, from one /64); workers behind one gateway share an address
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = super::numbers::positive)]
    pub max_connections_per_address: usize,
    /// Most uploads of artifacts at a time
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = super::numbers::positive)]
    pub max_uploads: usize,
    /// Most bytes of one artifact
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30, value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    pub max_artifact_bytes: u64,
    /// Bytes that uploads and snapshots leave free on the disk, so that the journal can go on; without it a tenth of the disk,
    /// at most 256 MiB
    #[arg(long, value_name = "BYTES")]
    pub reserve_bytes: Option<u64>,
    /// How long a lease lives without a report
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    pub lease_seconds: f64,
    /// Fill few workers rather than spread jobs: the longest idle ones stay idle, so that an elastic pool can end them (worker --idle-timeout)
    #[arg(long)]
    pub pack_workers: bool,
    /// Write the address that is listened on into this file (for --listen with port 0)
    #[arg(long, value_name = "FILE")]
    pub address_file: Option<PathBuf>,
    #[command(flatten)]
    pub notify: super::run::Notify,
    /// Take workers that train nothing (`worker --noop`), in a state folder of their own
    #[arg(long, hide = true)]
    pub noop: bool,
}

#[derive(Debug, Args)]
pub struct Worker {
    #[command(flatten)]
    pub connection: Connection,
    /// Name of the worker [default: host name and device]
    #[arg(long)]
    pub name: Option<String>,
    /// A label that sweeps may require (repeatable)
    #[arg(long = "label", value_name = "LABEL")]
    pub labels: Vec<String>,
    /// Memory of the device that sweeps may require, in bytes [default: what the device has]
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    pub memory_bytes: Option<u64>,
    /// Device: auto, cpu, cuda:N, or all: one worker process for each GPU that is assigned to this one
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Threads [default: all cores, shared among the processes of --device all]
    #[arg(long, value_name = "N", value_parser = super::numbers::positive)]
    pub threads: Option<usize>,
    /// Folder for checkpoints and undelivered results
    #[arg(long, value_name = "DIR", default_value = "gcl-worker")]
    pub scratch: PathBuf,
    /// Folder for checkpoints alone [default: SCRATCH/checkpoints]; one that several hosts see lets a job go on elsewhere
    #[arg(long, value_name = "DIR")]
    pub checkpoints: Option<PathBuf>,
    /// Bytes of checkpoints kept in their folder; the oldest go first
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 30)]
    pub scratch_bytes: u64,
    /// Bytes of prepared data kept in memory between jobs
    #[arg(long, value_name = "BYTES", default_value_t = 8 << 30)]
    pub cache_bytes: usize,
    /// Bytes of mapped features kept open between jobs; all processes of the host share them in its page cache
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 30)]
    pub mapped_bytes: usize,
    /// Bytes of features kept on a GPU [default: what it has free beside a job's networks and batches]; more are gathered on the host
    #[arg(long, value_name = "BYTES")]
    pub device_data_bytes: Option<usize>,
    /// Seconds that a stop may take before the process exits without it
    #[arg(long, value_name = "SECONDS", default_value_t = 25.0)]
    pub grace: f64,
    /// Seconds without a coordinator after which the worker gives up
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400.0, value_parser = super::numbers::span)]
    pub orphan_timeout: f64,
    /// Exit after so many seconds without work
    #[arg(long, value_name = "SECONDS", value_parser = super::numbers::span)]
    pub idle_timeout: Option<f64>,
    /// Exit after so many jobs
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub exit_after_jobs: Option<u64>,
    /// When this process will be ended, in seconds since 1970 [default: SLURM_JOB_END_TIME, where Slurm says it]: it leaves in time (--grace), and without
    /// --checkpoints begins no job that would not be done by then, as far as the jobs before it tell
    #[arg(long, value_name = "SECONDS")]
    pub until: Option<u64>,
    /// Stop as by SIGTERM when standard input ends: the way in which `run` keeps its workers from outliving it
    #[arg(long, hide = true)]
    pub exit_with_stdin: bool,
    /// Which process of a group this is: what `--device all` adds for those it starts
    #[arg(long, hide = true, value_name = "LABEL/COUNT")]
    pub part_of_group: Option<String>,
    /// So many processes on the CPU instead of one for each GPU: for tests of `--device all`
    #[arg(long, hide = true)]
    pub pretend_devices: Option<usize>,
    /// Train nothing: for measuring everything else. Only a coordinator with --noop takes such a worker
    #[arg(long, hide = true)]
    pub noop: bool,
    /// No-op jobs at a time
    #[arg(
        long,
        hide = true,
        value_name = "N",
        default_value_t = 32,
        requires = "noop"
    )]
    pub noop_lanes: u32,
    /// What a no-op job pretends to take
    #[arg(
        long,
        hide = true,
        value_name = "MS",
        default_value_t = 0,
        requires = "noop"
    )]
    pub noop_milliseconds: u64,
    /// Make every job small: how `rehearse` starts its workers
    #[arg(long, hide = true, conflicts_with = "noop")]
    pub rehearsal: bool,
    #[command(flatten)]
    pub extraction: super::extract::Extracting,
    #[command(flatten)]
    pub folders: DataFolders,
}

#[derive(Debug, Args)]
pub struct Drain {
    /// The worker's name, as `workers` shows it
    pub worker: String,
    /// One line that `workers` shows
    #[arg(long, default_value = "by hand")]
    pub reason: String,
    #[command(flatten)]
    pub endpoint: Endpoint,
}
