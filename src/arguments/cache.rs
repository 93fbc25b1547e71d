//! The cache of finished results.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Where the cache is, and how large it may be.
#[derive(Debug, Clone, Args)]
pub struct CachePlace {
    /// Folder of the cache of finished results; `off`: none [default: gcl-sweep in XDG_CACHE_HOME, or in ~/.cache]
    #[arg(
        long = "cache",
        value_name = "DIR",
        env = "GCL_CACHE",
        hide_env_values = true,
        global = true
    )]
    pub folder: Option<PathBuf>,
    /// GiB that the cache may have: what was used longest ago goes first
    #[arg(
        long = "cache-gib",
        value_name = "N",
        env = "GCL_CACHE_GIB",
        hide_env_values = true,
        default_value_t = 4.0,
        value_parser = gib,
        global = true
    )]
    pub gib: f64,
}

/// Whether and where finished results are looked for, and kept.
#[derive(Debug, Clone, Args)]
pub struct Cache {
    #[command(flatten)]
    pub place: CachePlace,
    /// Take over no result from the cache of finished results, and keep none there
    #[arg(long)]
    pub no_cache: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "`run` keeps every result there, and takes over those of jobs that an earlier run of yours has trained, in whatever folder: with the same \
    parameters, data, trainer and kind of device the result is the same to the bit. `run --no-cache` does neither."
)]
pub struct CacheCommand {
    #[command(subcommand)]
    pub action: Option<CacheAction>,
    #[command(flatten)]
    pub place: CachePlace,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub enum CacheAction {
    /// Show where it is and what is in it; the same as no action
    Show,
    /// Remove every result from it; the folders of runs keep theirs
    Clear,
}

fn gib(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(gib) if gib > 0.0 && gib <= 1e6 => Ok(gib),
        _ => Err("it must be a number of GiB above 0, such as 4 or 0.5".into()),
    }
}
