//! State folders: repair, export, backup, restore, garbage, audits.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::client::{Connection, Endpoint};

#[derive(Debug, Subcommand)]
pub enum CoordinatorCommand {
    /// Verify the journal of a state folder that no coordinator has open, set a damaged snapshot aside where nothing is lost by
    /// that, and make its index again
    Repair(Repair),
}

#[derive(Debug, Args)]
pub struct Repair {
    /// State folder
    #[arg(long, value_name = "DIR")]
    pub state: PathBuf,
    /// Cut a damaged journal where the damage begins: entries from there on are lost to the coordinator, and kept in files
    /// that end in `.damaged`
    #[arg(long)]
    pub cut: bool,
}

#[derive(Debug, Subcommand)]
pub enum Journal {
    /// Write every entry as a line of JSON; a coordinator may be running
    Export {
        /// State folder
        #[arg(long, value_name = "DIR")]
        state: PathBuf,
    },
}

#[derive(Debug, Args)]
pub struct Audit {
    /// The sweep's name
    pub sweep: String,
    /// Of its finished jobs, how large a share; the same share means the same jobs
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    pub fraction: f64,
    #[command(flatten)]
    pub endpoint: Endpoint,
}

#[derive(Debug, Args)]
pub struct Backup {
    /// Folder for the copy; must be new or empty
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Copy this state folder, instead of asking a running coordinator
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    #[command(flatten)]
    pub connection: Connection,
}

#[derive(Debug, Args)]
pub struct Restore {
    /// The backup
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
    /// The state folder to make; must be new or empty
    #[arg(long, value_name = "DIR")]
    pub state: PathBuf,
}

#[derive(Debug, Args)]
pub struct CollectGarbage {
    /// Collect in this state folder, which no coordinator may have open, instead of asking a running coordinator
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Only say what would be removed
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub connection: Connection,
}
