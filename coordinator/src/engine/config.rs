//! The settings of an engine.

use std::path::PathBuf;

use super::metrics::Metrics;
use super::opening::Opening;
use crate::scheduler::Policy;
use crate::store::index::{OpenIndex, sled_index};
use crate::store::journal;

/// The settings of an engine.
#[derive(Clone)]
pub struct Config {
    /// The state folder. Journal, index and artifacts are in it.
    pub state: PathBuf,
    /// How the scheduler decides.
    pub policy: Policy,
    /// How the journal is kept.
    pub journal: journal::Options,
    /// The longest artifact that is taken, in bytes.
    pub longest_artifact: u64,
    /// Bytes that uploads and snapshots leave free on the journal's disk; `None`: a tenth of it, at most 256 MiB. Where the
    /// artifacts have a disk of their own, uploads leave a tenth of that one free, and no more than this.
    pub reserve: Option<u64>,
    /// Random bits, by which a state that was restored from a backup draws the number of its new life.
    pub random: u64,
    /// Throw the index away at the start and make it again.
    pub rebuild_index: bool,
    /// What opens the index.
    pub open_index: OpenIndex,
    /// What counts what is written.
    pub metrics: Metrics,
    /// The revision of the trainer that sweeps are submitted for: [`sweeps::NOOP_REVISION`] makes a state folder whose
    /// jobs train nothing, [`sweeps::REHEARSAL_REVISION`] one of rehearsals.
    pub trainer_revision: u32,
    /// What tells how far the opening has come.
    pub opening: Opening,
}

impl Config {
    /// Defaults in that state folder.
    pub fn new(state: impl Into<PathBuf>) -> Self {
        Self {
            state: state.into(),
            policy: Policy::default(),
            journal: journal::Options::default(),
            longest_artifact: 1 << 30,
            reserve: None,
            random: 0,
            rebuild_index: false,
            open_index: sled_index(),
            metrics: Metrics::new(),
            trainer_revision: sweeps::TRAINER_REVISION,
            opening: Opening::default(),
        }
    }
}
