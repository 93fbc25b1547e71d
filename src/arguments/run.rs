//! `run` and `plan`, and where data sets are.

use std::path::PathBuf;

use clap::Args;

use super::cache::Cache;
use crate::post_to::PostTo;

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

/// A sweep file, which of its cells, and where its data are.
#[derive(Debug, Clone, Args)]
pub struct Selection {
    /// The sweep file
    pub sweep: PathBuf,
    /// Refuse a file that means more jobs than this
    #[arg(long, value_name = "N", default_value_t = sweeps::Limits::default().max_jobs)]
    pub max_jobs: usize,
    /// Only the cells with these values, such as `variant=GCL_B,seed=3`; keys: variant, seed, any axis; repeatable
    #[arg(long, value_name = "KEY=VALUE,…")]
    pub only: Vec<String>,
    #[command(flatten)]
    pub folders: DataFolders,
}

/// The worker processes of this machine.
#[derive(Debug, Clone, Args)]
pub struct Team {
    /// Worker processes [default: one per GPU; on the CPU one per core, at most one per job]
    #[arg(long, value_name = "N", value_parser = super::numbers::positive)]
    pub workers: Option<usize>,
    /// Device of the workers, and of the steps that `rehearse` measures: auto, cpu, cuda:N
    #[arg(long, default_value = "auto")]
    pub device: String,
}

/// Whom to tell: a command, or an address that can be posted to.
fn told(text: &str) -> Result<String, String> {
    match PostTo::typed(text) {
        Some(Err(error)) => Err(error),
        Some(Ok(_)) | None => Ok(text.to_owned()),
    }
}

/// Whom to tell what happens to a sweep.
#[derive(Debug, Clone, Default, Args)]
pub struct Notify {
    /// Run this when the sweep settles, a claim is decided or jobs fail: it gets a line of JSON on its standard input. An address
    /// (http://… or https://…) is posted to
    #[arg(long, value_name = "COMMAND|URL", value_parser = told)]
    pub notify: Option<String>,
    /// Tell of failed jobs only from this many on
    #[arg(long, value_name = "N", default_value_t = 1, requires = "notify", value_parser = clap::value_parser!(u64).range(1..))]
    pub notify_failures: u64,
}

#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    pub selection: Selection,
    /// Of a file with claims (`[adaptive]`): add seeds until every claim is decided, equal within its margin, or at its `max`
    #[arg(long)]
    pub until_decided: bool,
    #[command(flatten)]
    pub notify: Notify,
    /// Folder for the report, the CSV files and the state [default: out/NAME, with --only a folder beside it]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub team: Team,
    /// Threads of each worker [default: cores divided by workers]
    #[arg(long, value_name = "N", value_parser = super::numbers::positive)]
    pub threads: Option<usize>,
    /// State folder [default: OUT/state]; give one to share results between folders. OUT/state leads to it from then on
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Serve the live page of this run on a loopback port, and print its address: whoever has that address may do what you may
    #[arg(long)]
    pub open: bool,
    #[command(flatten)]
    pub cache: Cache,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 ok, 10 the sweep file or a data set is not valid, or a figure or table that the file asks for \
    is not drawn; 11 jobs failed; 13 the folder holds real results; 130 interrupted."
)]
pub struct Rehearse {
    #[command(flatten)]
    pub selection: Selection,
    /// Folder for the rehearsal's report, CSV files, state and stand-ins [default: out/rehearsal/NAME]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub team: Team,
}

#[derive(Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    pub selection: Selection,
    /// Folder of the `run` that is planned [default: out/NAME, with --only a folder beside it]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// State folder in which to look for what is done already [default: OUT/state]
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Print every job, not only the groups
    #[arg(long)]
    pub jobs: bool,
    #[command(flatten)]
    pub cache: Cache,
}

pub(super) fn parse_data_folder(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, folder)) if !name.is_empty() && !folder.is_empty() => {
            Ok((name.to_owned(), super::home_path(folder.as_ref())?))
        }
        _ => Err("write NAME=DIR: the name that the sweep file uses, and the folder".to_owned()),
    }
}
