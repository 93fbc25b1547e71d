//! `report` and `export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use reports::Mapping;

use super::client::Connection;

#[derive(Debug, Args)]
pub struct Report {
    /// Names of sweeps; with --from they may be left out and mean all
    #[arg(required_unless_present = "from")]
    pub sweeps: Vec<String>,
    /// Folder for the report and the CSV files; where it is the folder of a `run` and neither --state nor --coordinator is
    /// given, that run is read, under way or not. With --figure: a file, or a folder (without it: stdout)
    #[arg(long, value_name = "DIR", required_unless_present_any = ["figure", "from"])]
    pub out: Option<PathBuf>,
    /// Read this state folder (of a `run` or a coordinator, running or not) instead of asking a coordinator
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Read results.csv and epochs.csv instead: either file, or their folder; several stand side by side. The CSV of a
    /// figure (report/figures/NAME.csv) draws that figure again: to --out, or to stdout
    #[arg(long, value_name = "CSV|DIR", num_args = 1.., conflicts_with = "state")]
    pub from: Vec<PathBuf>,
    /// With --from: results of another program (MLflow's mlruns, W&B's offline runs, TensorBoard's event files, any table), and what
    /// is what in them: auc=METRIC (auc=METRIC% where in percent), variant=PARAMETER, seed=PARAMETER (seed=# numbers the runs of a
    /// row), further NAME=PARAMETER for what was swept, path={variant}-seed{seed} for what stands in a run's folder, sweep=NAME
    #[arg(long, value_name = "NAME=NAME,…", requires = "from")]
    pub map: Option<Mapping>,
    /// Write this figure alone: fig5, fig10, auc, …
    #[arg(long, value_name = "NAME")]
    pub figure: Option<String>,
    /// As PNG of 300 dpi instead of SVG
    #[arg(long)]
    pub png: bool,
    /// Renew the report while jobs arrive, until all are settled
    #[arg(long, conflicts_with_all = ["state", "from", "figure"])]
    pub watch: bool,
    /// Seconds between two looks of --watch
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub every: u64,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Debug, Args)]
pub struct Export {
    /// The sweep's name; with --from it may be left out where the file has one sweep
    #[arg(required_unless_present = "from")]
    pub sweep: Option<String>,
    /// Which lines: one per cell, per epoch, or per variant and swept point
    #[arg(long, value_enum, default_value_t = ExportTable::Results)]
    pub table: ExportTable,
    /// Write the cells as runs of another program, into the folder --out
    #[arg(
        long,
        value_enum,
        value_name = "PROGRAM",
        conflicts_with = "table",
        requires = "out"
    )]
    pub to: Option<Program>,
    /// File to write instead of stdout; the folder of a `run` instead: read that run, under way or not, and write to stdout
    #[arg(long, value_name = "FILE|DIR")]
    pub out: Option<PathBuf>,
    /// Read this state folder instead of asking a coordinator
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Read results.csv and epochs.csv instead: either file, or their folder
    #[arg(long, value_name = "CSV|DIR", conflicts_with = "state")]
    pub from: Option<PathBuf>,
    /// With --from: what is what in the results of another program, as for `report`
    #[arg(long, value_name = "NAME=NAME,…", requires = "from")]
    pub map: Option<Mapping>,
    #[command(flatten)]
    pub connection: Connection,
}

/// Programs that keep runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Program {
    /// A file store of MLflow, which its user interface and `mlflow.search_runs` read
    Mlflow,
    /// Offline runs of W&B, for `wandb sync`
    WandbOffline,
}

/// The tables of a sweep, called as their files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportTable {
    /// One line per cell of the grid
    Results,
    /// One line per cell, phase and epoch
    Epochs,
    /// One line per variant and swept point
    Summary,
}
