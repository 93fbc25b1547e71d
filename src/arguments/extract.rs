//! `extract`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

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

fn parse_share(text: &str) -> Result<(usize, usize), String> {
    text.split_once('/')
        .and_then(|(first, count)| Some((first.parse().ok()?, count.parse().ok()?)))
        .filter(|(first, count)| first < count)
        .ok_or_else(|| "write I/N with I below N, such as 0/4".to_owned())
}
