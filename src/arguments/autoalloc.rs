//! `autoalloc`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::client::Connection;

#[derive(Debug, Subcommand)]
pub enum Autoalloc {
    /// Slurm: `sbatch` brings a worker, SIGTERM by `scancel` sends it home
    Slurm(Slurm),
}

#[derive(Debug, Args)]
pub struct Slurm {
    /// The batch script that starts one worker (deploy/slurm/worker.sbatch)
    #[arg(long, value_name = "FILE")]
    pub script: PathBuf,
    /// Allocations to keep even without work
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub min: u32,
    /// Most allocations, those that wait in Slurm's queue included
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max: u32,
    /// Jobs that wait or run for each allocation: higher means fewer workers that live longer
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub jobs_per_worker: u32,
    /// Workers that one allocation starts: on clusters that give whole nodes, the GPUs of a node
    /// (`--pack 4 -- --gres=gpu:4`, with GCL_DEVICE=all in the workers' settings)
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub pack: u32,
    /// Send a worker home after so many seconds without a job
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub idle_after: u64,
    /// An allocation that ends within so many seconds, before its worker said hello, counts as a failure
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub fails_within: u64,
    /// Look at both queues every so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub every: u64,
    /// Slurm's name of the allocations; two autoallocators need two names
    #[arg(long, value_name = "NAME", default_value = "gcl-sweep-worker")]
    pub job_name: String,
    /// Only say what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// End when no job waits or runs and no allocation is left
    #[arg(long)]
    pub until_settled: bool,
    #[command(flatten)]
    pub connection: Connection,
    /// More arguments of sbatch: `-- --partition=gpu --account=vision`. Slurm's other commands are told its --clusters
    /// as well; --array, --wait and --job-name are refused
    #[arg(last = true, value_name = "SBATCH ARGUMENTS")]
    pub sbatch: Vec<String>,
}
