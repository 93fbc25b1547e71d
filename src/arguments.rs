//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Sweeps of Generative Cooperative Learning for video anomaly detection, on one machine or on a cluster of workers.
#[derive(Debug, Parser)]
#[command(name = "gcl-sweep", version = crate::version::LONG, propagate_version = true)]
#[command(
    after_help = "Exit codes: 0 ok, 2 usage, 10 invalid sweep or data set, 11 finished but jobs failed, \
    12 coordinator unreachable, 13 store unusable, 14 a selftest deviates, 130 interrupted."
)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub global: Global,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// How tables are printed on stdout
    #[arg(long, value_enum, default_value_t = Format::Text, global = true, help_heading = "Output")]
    pub format: Format,
    /// More talk on stderr (-v: info, -vv: debug, -vvv: trace); RUST_LOG is obeyed too
    #[arg(short, long, action = clap::ArgAction::Count, global = true, help_heading = "Output")]
    pub verbose: u8,
    /// Log lines on stderr as JSON
    #[arg(long, global = true, help_heading = "Output")]
    pub log_json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people
    Text,
    /// JSON for programs
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a sweep on this machine: coordinator, workers, report
    Run(Run),
    /// Show what a sweep would run; nothing is started
    Plan(Plan),
    /// Start a coordinator: it queues jobs, keeps results, answers workers and users
    Coordinator(Coordinator),
    /// Start a worker: it fetches jobs from a coordinator and trains them
    Worker(Worker),
    /// Submit a sweep to a running coordinator
    Submit(Submit),
    /// Show the sweeps of a coordinator, or the jobs of one sweep
    Status(Status),
    /// Follow a sweep until it is settled
    Watch(SweepOf),
    /// Take unfinished jobs out
    Cancel(Target),
    /// Start no more jobs of a sweep, or not this one
    Pause(Target),
    /// Start them again
    Resume(Target),
    /// Queue failed, quarantined and cancelled jobs again
    Retry(Target),
    /// Say why a job is where it is
    Explain(Job),
    /// Show the workers of a coordinator
    Workers(Connection),
    /// Show what a job's trainer logged
    Logs(Job),
    /// Write the report and the CSV files of a sweep
    Report(Report),
    /// Data sets: make, import, inspect
    #[command(subcommand)]
    Data(Data),
    /// Videos to a data set of features (needs ffmpeg)
    Extract(Extract),
    /// List every job parameter: type, unit, range, default, section of the paper
    Params(Params),
    /// Replay reference traces on this device and print the largest deviation
    Selftest(Selftest),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// Where data sets are.
#[derive(Debug, Clone, Args)]
pub struct DataFolders {
    /// Folder of a data set, by the name that sweep files use; repeatable
    #[arg(long = "data", value_name = "NAME=DIR", value_parser = parse_data_folder)]
    pub data: Vec<(String, PathBuf)>,
    /// The same as a list `NAME=DIR:NAME=DIR`; an entry without `=` is a folder whose subfolders are data sets
    #[arg(
        long,
        env = "GCL_DATA",
        value_name = "LIST",
        hide = true,
        default_value = ""
    )]
    pub data_list: String,
}

#[derive(Debug, Args)]
pub struct Run {
    /// The sweep file
    pub sweep: PathBuf,
    /// Folder for the report, the CSV files and the state
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Worker processes [default: one per core, at most one per job, on the CPU]
    #[arg(long, value_name = "N")]
    pub workers: Option<usize>,
    /// Device of the workers: auto, cpu, cuda:N
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Threads of each worker [default: cores divided by workers]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// State folder [default: OUT/state]; give one to share results between folders
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Most jobs that the file may mean
    #[arg(long, value_name = "N", default_value_t = sweeps::Limits::default().max_jobs)]
    pub max_jobs: usize,
    #[command(flatten)]
    pub folders: DataFolders,
}

#[derive(Debug, Args)]
pub struct Plan {
    /// The sweep file
    pub sweep: PathBuf,
    /// State folder in which to look for what is done already (that of a `run`: OUT/state)
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Most jobs that the file may mean
    #[arg(long, value_name = "N", default_value_t = sweeps::Limits::default().max_jobs)]
    pub max_jobs: usize,
    /// Print every job, not only the groups
    #[arg(long)]
    pub jobs: bool,
    #[command(flatten)]
    pub folders: DataFolders,
}

#[derive(Debug, Args)]
pub struct Coordinator {
    /// State folder
    #[arg(long, value_name = "DIR")]
    pub state: PathBuf,
    /// Address to listen on; beyond loopback it needs TLS and a token, or --insecure
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7070")]
    pub listen: SocketAddr,
    /// Listen beyond loopback without TLS and token: anyone who reaches the port can submit, steer and read
    #[arg(long)]
    pub insecure: bool,
    /// File with the token that every caller must send
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub token_file: Option<PathBuf>,
    /// Certificate (chain) of the coordinator, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// How long a lease lives without a report
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    pub lease_seconds: f64,
    /// Write the address that is listened on into this file (for --listen with port 0)
    #[arg(long, value_name = "FILE")]
    pub address_file: Option<PathBuf>,
}

/// How to reach a coordinator.
#[derive(Debug, Clone, Args)]
pub struct Connection {
    /// Address of the coordinator
    #[arg(
        long,
        env = "GCL_COORDINATOR",
        value_name = "URL",
        default_value = "http://127.0.0.1:7070",
        global = true
    )]
    pub coordinator: String,
    /// File with the token
    #[arg(long, env = "GCL_TOKEN_FILE", value_name = "FILE", global = true)]
    pub token_file: Option<PathBuf>,
    /// Certificate of the authority that signed the coordinator's, PEM (with an https address)
    #[arg(long, env = "GCL_CA", value_name = "FILE", global = true)]
    pub ca: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Worker {
    #[command(flatten)]
    pub connection: Connection,
    /// Name of the worker [default: host name and device]
    #[arg(long)]
    pub name: Option<String>,
    /// Device: auto, cpu, cuda:N
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Folder for checkpoints and undelivered results
    #[arg(long, value_name = "DIR", default_value = "gcl-worker")]
    pub scratch: PathBuf,
    /// Bytes of prepared data kept in memory between jobs
    #[arg(long, value_name = "BYTES", default_value_t = 8 << 30)]
    pub cache_bytes: usize,
    /// Seconds that a stop may take before the process exits without it
    #[arg(long, value_name = "SECONDS", default_value_t = 25.0)]
    pub grace: f64,
    /// Seconds without a coordinator after which the worker gives up
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400.0)]
    pub orphan_timeout: f64,
    /// Exit after so many seconds without work
    #[arg(long, value_name = "SECONDS")]
    pub idle_timeout: Option<f64>,
    /// Exit after so many jobs
    #[arg(long, value_name = "N")]
    pub exit_after_jobs: Option<u64>,
    /// Stop as by SIGTERM when standard input ends: the way in which `run` keeps its workers from outliving it
    #[arg(long, hide = true)]
    pub exit_with_stdin: bool,
    #[command(flatten)]
    pub folders: DataFolders,
}

#[derive(Debug, Args)]
pub struct Submit {
    /// The sweep file
    pub sweep: PathBuf,
    /// Higher goes first
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub priority: i32,
    /// Most jobs that the file may mean
    #[arg(long, value_name = "N", default_value_t = sweeps::Limits::default().max_jobs)]
    pub max_jobs: usize,
    /// Only say what would happen
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
    pub connection: Connection,
}

#[derive(Debug, Args)]
pub struct SweepOf {
    /// The sweep's name
    pub sweep: String,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Debug, Args)]
pub struct Target {
    /// A sweep's name, or a job's id (a unique beginning is enough)
    pub target: String,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Debug, Args)]
pub struct Job {
    /// The job's id; a unique beginning is enough
    pub job: String,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Debug, Args)]
pub struct Report {
    /// Names of sweeps
    #[arg(required = true)]
    pub sweeps: Vec<String>,
    /// Folder for the report and the CSV files
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Read this state folder (of a `run`, or of a coordinator that is not running) instead of asking a coordinator
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Debug, Subcommand)]
pub enum Data {
    /// Check a data set and print what is in it
    Inspect {
        /// The data set's folder
        folder: PathBuf,
    },
    /// Make a synthetic data set from a seed
    Synth(Synth),
    /// Make a data set from features and annotations as they are passed around
    #[command(subcommand)]
    Import(Import),
}

#[derive(Debug, Subcommand)]
pub enum Import {
    /// UCF-Crime: train and test lists, temporal annotation text
    UcfCrime(ImportFrom),
    /// ShanghaiTech in the split of Zhong et al.: train and test lists, folder of frame masks
    #[command(name = "shanghaitech")]
    ShanghaiTech(ImportFrom),
}

#[derive(Debug, Args)]
pub struct ImportFrom {
    /// Folder with the features; folders within it are looked into
    #[arg(long, value_name = "DIR")]
    pub features: PathBuf,
    /// List of the training videos
    #[arg(long, value_name = "FILE")]
    pub train: PathBuf,
    /// List of the test videos
    #[arg(long, value_name = "FILE")]
    pub test: PathBuf,
    /// Truth of the test videos: UCF-Crime's annotation text, or ShanghaiTech's folder of frame masks
    #[arg(long, value_name = "PATH")]
    pub annotations: PathBuf,
    /// List that knows the videos' numbers of frames; repeatable
    #[arg(long, value_name = "FILE")]
    pub frame_counts: Vec<PathBuf>,
    /// Folder to make; must not exist
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Name of the data set, under which sweep files know it
    #[arg(long)]
    pub name: String,
    /// What made the features
    #[arg(long, default_value = "unknown")]
    pub extractor: String,
    /// Frames of a segment
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub frames_per_segment: u32,
    /// Leave out videos without features instead of refusing
    #[arg(long)]
    pub skip_missing: bool,
    /// Link to features that can stay as they are instead of copying them
    #[arg(long)]
    pub link: bool,
}

#[derive(Debug, Args)]
pub struct Synth {
    /// Folder to write; must not exist
    pub folder: PathBuf,
    /// Videos altogether; two thirds train, one third tests
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(6..=100_000))]
    pub videos: u32,
    /// Mean length of a video, in segments of 16 frames
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(4..=10_000))]
    pub mean_length: u32,
    /// Feature dimension
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(8..=16_384))]
    pub dimension: u32,
    /// Seed
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// own-cameras, fixed-cameras or hard-bursts
    #[arg(long, default_value = "fixed-cameras", value_parser = parse_regime)]
    pub regime: sweeps::Regime,
}

#[derive(Debug, Args)]
pub struct Extract {
    /// Folder of videos, or of a folder of images per video
    pub videos: PathBuf,
    /// PyTorch checkpoint or safetensors of the network; random:SEED is for tests, and is said in the metadata
    #[arg(long, value_name = "FILE|random:SEED")]
    pub weights: String,
    /// Folder of the data set; an unfinished one is gone on with
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Network: resnext101, resnext50, c3d, efficientnet-lite0
    #[arg(long, default_value = "resnext101")]
    pub backbone: String,
    /// List `video,split[,label,anomalous_frames]`; without it, folders called train… and test… say the split
    #[arg(long, value_name = "CSV")]
    pub list: Option<PathBuf>,
    /// Name of the data set [default: that of its folder]
    #[arg(long)]
    pub name: Option<String>,
    /// Where the videos come from
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub source: String,
    /// Their licence
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub licence: String,
    /// Device: auto, cpu, cuda:N
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Clips that the network sees at once; does not change the numbers
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub batch: usize,
    /// Ten crops of each frame instead of the centre
    #[arg(long)]
    pub ten_crops: bool,
    /// Leave out a short last segment instead of repeating its frames
    #[arg(long)]
    pub drop_last: bool,
    /// Store half precision
    #[arg(long)]
    pub f16: bool,
    /// What to do about a video that cannot be decoded
    #[arg(long, value_enum, default_value_t = OnBroken::Skip)]
    pub on_broken: OnBroken,
    /// This process does every N-th video from the I-th on, counted from 0
    #[arg(long, value_name = "I/N", default_value = "0/1", value_parser = parse_share)]
    pub share: (usize, usize),
    /// ffmpeg (5.1 or newer) [default: from PATH]
    #[arg(long, value_name = "PATH")]
    pub ffmpeg: Option<PathBuf>,
    /// Threads of the decoder
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub decode_threads: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnBroken {
    /// Leave it out, and try it again next time
    Skip,
    /// End the run
    Stop,
}

#[derive(Debug, Args)]
pub struct Params {
    /// Only parameters whose name contains this
    pub filter: Option<String>,
}

#[derive(Debug, Args)]
pub struct Selftest {
    /// Folder of a recorded trace; without it, the small traces built into the program
    #[arg(long, value_name = "DIR")]
    pub case: Vec<PathBuf>,
    /// Device: auto, cpu, cuda:N
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

fn parse_data_folder(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, folder)) if !name.is_empty() && !folder.is_empty() => {
            Ok((name.to_owned(), PathBuf::from(folder)))
        }
        _ => Err("write NAME=DIR: the name that the sweep file uses, and the folder".to_owned()),
    }
}

fn parse_regime(text: &str) -> Result<sweeps::Regime, String> {
    let regimes = sweeps::Regime::ALL;
    regimes
        .iter()
        .find(|(name, _)| *name == text)
        .map(|(_, regime)| *regime)
        .ok_or_else(|| format!("one of: {}", regimes.map(|(name, _)| name).join(", ")))
}

fn parse_share(text: &str) -> Result<(usize, usize), String> {
    text.split_once('/')
        .and_then(|(first, count)| Some((first.parse().ok()?, count.parse().ok()?)))
        .filter(|(first, count)| first < count)
        .ok_or_else(|| "write I/N with I below N, such as 0/4".to_owned())
}
