//! `publish` and `verify`.

use std::path::PathBuf;

use clap::Args;

use super::client::Connection;
use super::run::DataFolders;

#[derive(Debug, Args)]
pub struct Publish {
    /// Names of sweeps; without any, all that there are
    pub sweeps: Vec<String>,
    /// Folder for the published results (a box); must be new or empty
    #[arg(long, value_name = "BOX")]
    pub out: PathBuf,
    /// Publish from the folder of a `run` (its --out), under way or not, instead of asking a coordinator
    #[arg(long, value_name = "DIR", conflicts_with = "state")]
    pub run: Option<PathBuf>,
    /// Publish from this state folder, which a coordinator may have open
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    #[command(flatten)]
    pub folders: DataFolders,
    /// Put the files of this data set (a --data) into the box, at most 64 MiB; its licence must allow that; repeatable
    #[arg(long, value_name = "NAME")]
    pub include_data: Vec<String>,
    /// Title of the published results [default: Results of its sweeps]
    #[arg(long)]
    pub title: Option<String>,
    /// An author, as `Given Family`; repeatable
    #[arg(long = "author", value_name = "NAME", conflicts_with = "anonymous")]
    pub authors: Vec<String>,
    /// Licence of the results, as an SPDX identifier such as CC-BY-4.0
    #[arg(long, value_name = "SPDX")]
    pub licence: Option<String>,
    /// Take names, hosts and paths out, for double-blind review
    #[arg(long)]
    pub anonymous: bool,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 all that was checked is as the box says, 10 this is no box, 17 something is not as the box says, \
    18 nothing differs but not every job of the sample could be run here, 130 interrupted."
)]
pub struct Verify {
    /// A folder that `gcl-sweep publish` made
    #[arg(value_name = "BOX")]
    pub folder: PathBuf,
    /// Which share of the finished jobs is run again; 0 runs none
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    pub fraction: f64,
    /// Which jobs: a seed means the same ones everywhere [default: drawn at random]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub folders: DataFolders,
    /// Device: auto, cpu, cuda:N
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Jobs that run at the same time [default: one per core, on a GPU one]
    #[arg(long, value_name = "N", value_parser = super::numbers::positive)]
    pub workers: Option<usize>,
    /// Write what was found as a page of HTML too
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}
