//! `report`.

use std::path::PathBuf;

use clap::Args;

use super::client::Connection;

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
