//! `extract`, and what a worker extracts.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub struct Extract {
    /// Folder of videos, or of a folder of images per video
    pub videos: PathBuf,
    /// PyTorch checkpoint or safetensors of the network; random:SEED is for tests, and is said in the metadata
    #[arg(long, value_name = "FILE|random:SEED", value_parser = parse_weights)]
    pub weights: String,
    /// Folder of the data set; an unfinished one is gone on with
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Network: resnext101, resnext50, c3d, efficientnet-lite0
    #[arg(long, default_value = "resnext101")]
    pub backbone: String,
    /// Name of the data set [default: that of its folder]
    #[arg(long)]
    pub name: Option<String>,
    /// Where the videos come from [default: nothing, or what the lists are of]
    #[arg(long, value_name = "TEXT")]
    pub source: Option<String>,
    /// Their licence [default: nothing, or where that of the lists' videos is found]
    #[arg(long, value_name = "TEXT")]
    pub licence: Option<String>,
    /// Device: auto, cpu, cuda:N
    #[arg(long, default_value = "auto", conflicts_with = "coordinator")]
    pub device: String,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N", conflicts_with = "coordinator")]
    pub threads: Option<usize>,
    /// Clips that the network sees at once (on a GPU always eight); does not change the features
    #[arg(
        long,
        value_name = "N",
        default_value_t = 4,
        conflicts_with = "coordinator"
    )]
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
    #[arg(long, value_name = "I/N", default_value = "0/1", value_parser = parse_share, conflicts_with = "coordinator")]
    pub share: (usize, usize),
    /// ffmpeg (5.1 or newer) [default: from PATH]
    #[arg(long, value_name = "PATH", conflicts_with = "coordinator")]
    pub ffmpeg: Option<PathBuf>,
    /// Threads of the decoder
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        conflicts_with = "coordinator"
    )]
    pub decode_threads: usize,
    #[command(flatten)]
    pub splits: SplitLists,
    #[command(flatten)]
    pub cluster: Cluster,
}

/// What says which videos train and which test.
#[derive(Debug, Args)]
#[command(next_help_heading = "Splits and truth")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub struct SplitLists {
    /// List `video,split[,label,anomalous_frames]`; without any list, folders called train… and test… say the split
    #[arg(long, value_name = "CSV", conflicts_with_all = ["ucf_crime", "shanghaitech", "upcam"])]
    pub list: Option<PathBuf>,
    /// The lists and the annotation are those of UCF-Crime, in any of their published forms
    #[arg(long, requires_all = ["train", "test", "annotations"], conflicts_with = "shanghaitech")]
    pub ucf_crime: bool,
    /// The lists and the frame masks are those of ShanghaiTech in the split of Zhong et al.
    #[arg(long = "shanghaitech", requires_all = ["train", "test", "annotations"])]
    pub shanghaitech: bool,
    /// The videos are those of UpCam, and the annotation is its folder of labels; it has no lists
    #[arg(long = "upcam", requires = "annotations", conflicts_with_all = ["ucf_crime", "shanghaitech", "train", "test"])]
    pub upcam: bool,
    /// List of the training videos
    #[arg(long, value_name = "FILE", conflicts_with = "list")]
    pub train: Option<PathBuf>,
    /// List of the test videos
    #[arg(long, value_name = "FILE", conflicts_with = "list")]
    pub test: Option<PathBuf>,
    /// Truth of the test videos: UCF-Crime's annotation text, ShanghaiTech's folder of frame masks, or UpCam's folder of labels
    #[arg(long, value_name = "PATH", conflicts_with = "list")]
    pub annotations: Option<PathBuf>,
    /// Leave out videos that are listed but not in the folder instead of refusing
    #[arg(long, conflicts_with = "list")]
    pub skip_missing: bool,
}

/// Extraction by the workers of a coordinator.
#[derive(Debug, Args)]
#[command(next_help_heading = "On a cluster")]
pub struct Cluster {
    /// Address of a coordinator whose workers extract, a video a job; without it this machine does
    #[arg(long, value_name = "URL")]
    pub coordinator: Option<String>,
    /// Name under which workers know the folder of videos (their --videos NAME=DIR) [default: the folder's own]
    #[arg(long, value_name = "NAME", requires = "coordinator")]
    pub videos_name: Option<String>,
    /// Name of the sweep at the coordinator [default: extract- and the data set's name]
    #[arg(long, value_name = "NAME", requires = "coordinator")]
    pub sweep: Option<String>,
    /// File with the token
    #[arg(long, env = "GCL_TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Certificate of the authority that signed the coordinator's, PEM (with an https address)
    #[arg(long, env = "GCL_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Our own certificate, PEM, where the coordinator asks for one
    #[arg(long, env = "GCL_CERTIFICATE", value_name = "FILE", requires = "key")]
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, env = "GCL_KEY", value_name = "FILE", requires = "certificate")]
    pub key: Option<PathBuf>,
}

/// What a worker extracts.
#[derive(Debug, Args)]
#[command(next_help_heading = "Extraction")]
pub struct Extracting {
    /// A folder of videos, under a name that submitters use: the worker takes extractions of these (repeatable)
    #[arg(long = "videos", value_name = "NAME=DIR", value_parser = parse_videos)]
    pub videos: Vec<(String, PathBuf)>,
    /// Weights that it has; jobs name them by their content (repeatable)
    #[arg(long, value_name = "FILE", requires = "videos")]
    pub weights: Vec<PathBuf>,
    /// Clips that the network sees at once (on a GPU always eight); does not change the features
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = super::numbers::positive)]
    pub extract_batch: usize,
    /// ffmpeg (5.1 or newer) [default: from PATH]
    #[arg(long, value_name = "PATH")]
    pub ffmpeg: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnBroken {
    /// Leave it out, and try it again next time
    Skip,
    /// End the run
    Stop,
}

/// A file, unless it begins with `random:`.
fn parse_weights(text: &str) -> Result<String, String> {
    let path = super::home_path(text.as_ref())?;
    path.into_os_string()
        .into_string()
        .map_err(|_| "its path is no text".to_owned())
}

fn parse_share(text: &str) -> Result<(usize, usize), String> {
    text.split_once('/')
        .and_then(|(first, count)| Some((first.parse().ok()?, count.parse().ok()?)))
        .filter(|(first, count)| first < count)
        .ok_or_else(|| "write I/N with I below N, such as 0/4".to_owned())
}

fn parse_videos(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, folder)) if !name.is_empty() && !folder.is_empty() => {
            Ok((name.to_owned(), super::home_path(folder.as_ref())?))
        }
        _ => Err("write NAME=DIR: the name that submitters use, and the folder".to_owned()),
    }
}
