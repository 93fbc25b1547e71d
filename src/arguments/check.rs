//! `params` and `selftest`.

use std::path::PathBuf;

use clap::Args;

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
