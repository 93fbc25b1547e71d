//! `params` and `selftest`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use sweeps::{Choice, Show};

#[derive(Debug, Args)]
pub struct Params {
    /// Only parameters whose name contains this
    pub filter: Option<String>,
}

#[derive(Debug, Args)]
pub struct New {
    /// File to write; without it, and with `-`, the text is printed
    pub file: Option<PathBuf>,
    /// What it shall show: GCL_B beside an autoencoder, or a figure or table of the paper
    #[arg(long, value_name = "WHAT", value_parser = PossibleValuesParser::new(Show::WORDS))]
    pub show: Option<String>,
    /// Your data set, whose size and width decide batch and learning rate; without it the sweep generates its data
    #[arg(long, value_name = "NAME=DIR", value_parser = super::run::parse_data_folder)]
    pub data: Option<(String, PathBuf)>,
    /// Seeds [default: those of the file that ships]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub seeds: Option<u32>,
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
