//! What a worker must be told. Nothing here is read from the environment; `main` does that.

use std::path::PathBuf;
use std::time::Duration;

use client::Bearer;
use tonic::transport::Channel;

/// Says what is wrong with the coordinator's address for good, if anything is. It may block for some seconds.
pub type Diagnosis = fn(&str) -> Option<String>;

/// What a worker must be told.
#[derive(Debug, Clone)]
pub struct Config {
    /// The way to the coordinator: [`client::dial`].
    pub channel: Channel,
    /// The token that goes with every call.
    pub bearer: Bearer,
    /// The coordinator's address, and who is asked about it where no call comes through at first.
    pub address: Option<(String, Diagnosis)>,
    /// The worker's name: stays over restarts of the process.
    pub name: String,
    /// A number that this process draws once.
    pub session: u64,
    /// Version of the program.
    pub version: String,
    /// Leases held at a time: the job that trains, and those that wait for it. 1 is usual: the answer to a finished job
    /// carries the next one.
    pub slots: u32,
    /// Attempts at a time. 1 with a real trainer, which has its device for itself; see `lanes`.
    pub lanes: u32,
    /// Labels that a sweep may require.
    pub labels: Vec<String>,
    /// The folder of records that wait for delivery. One process at a time; further ones have folders beside it.
    pub spool: PathBuf,
    /// How long a call for work waits at the coordinator.
    pub poll: Duration,
    /// How long a trainer may take from a request to stop to its end; afterwards it is left behind.
    pub grace: Duration,
    /// How long the coordinator may be silent before the worker gives up.
    pub orphan_timeout: Duration,
    /// Exit after that long without work.
    pub idle_timeout: Option<Duration>,
    /// Exit after that many jobs.
    pub exit_after_jobs: Option<u64>,
    /// How long this process will be let live: it leaves in time, and begins no job that would not be done.
    pub time_left: Option<Duration>,
    /// Whether a job that it hands back goes on elsewhere: other hosts see its checkpoints.
    pub goes_on_elsewhere: bool,
    /// What a drain order does to the job that trains.
    pub on_drain: OnDrain,
    /// The first wait after a failed call; it doubles from there.
    pub backoff_first: Duration,
    /// The longest wait between two tries.
    pub backoff_most: Duration,
    /// Seed of the jitter in those waits: workers that lost their coordinator together must not come back together.
    pub seed: u64,
}

/// What a drain order does to the job that trains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDrain {
    /// It stops at the next batch boundary, keeps its checkpoint and goes back to the queue.
    #[default]
    HandBack,
    /// It is finished first.
    Finish,
}

impl Config {
    /// Usual settings for a worker of that name.
    pub fn new(channel: Channel, name: impl Into<String>, spool: PathBuf, seed: u64) -> Self {
        Self {
            channel,
            bearer: Bearer::default(),
            address: None,
            name: name.into(),
            session: seed,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            slots: 1,
            lanes: 1,
            labels: Vec::new(),
            spool,
            poll: Duration::from_secs(20),
            grace: Duration::from_secs(25),
            orphan_timeout: Duration::from_hours(1),
            idle_timeout: None,
            exit_after_jobs: None,
            time_left: None,
            goes_on_elsewhere: false,
            on_drain: OnDrain::default(),
            backoff_first: Duration::from_millis(100),
            backoff_most: Duration::from_secs(5),
            seed,
        }
    }
}
