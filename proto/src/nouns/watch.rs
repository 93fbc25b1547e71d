//! What a subscriber hears. A slow one misses changes and is told so; it asks for the whole picture again then.

use std::sync::Arc;

use sweeps::{AttemptNumber, EpochPoint, JobId, JobStatus};

use super::{Counts, WorkerState};

/// Something that changed, already on disk when it is heard (epochs excepted: they may be lost).
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A job's status.
    Job {
        /// The job.
        job: JobId,
        /// The sweeps that it belongs to.
        sweeps: Arc<[Arc<str>]>,
        /// Where it stands now.
        status: JobStatus,
        /// Its last attempt; 0 before the first.
        attempt: AttemptNumber,
        /// The name of the worker that has it, had it, or finished it.
        worker: Option<Arc<str>>,
        /// The failure, of an attempt that failed.
        error: Option<Arc<str>>,
        /// The AUCs of D and of G in the record of a finished job.
        scores: [Option<f64>; 2],
    },
    /// Epochs of a running attempt.
    Epochs {
        /// The job.
        job: JobId,
        /// The sweeps that it belongs to.
        sweeps: Arc<[Arc<str>]>,
        /// The attempt.
        attempt: AttemptNumber,
        /// The points; the last one alone in a brief watch.
        points: Arc<[EpochPoint]>,
        /// How many epochs ended.
        ended: u32,
    },
    /// Lines that a running attempt logged.
    Log {
        /// The job.
        job: JobId,
        /// The sweeps that it belongs to.
        sweeps: Arc<[Arc<str>]>,
        /// The attempt.
        attempt: AttemptNumber,
        /// The lines.
        lines: Arc<[String]>,
    },
    /// The jobs of a sweep by status: after its jobs changed, and after it was submitted or controlled.
    Sweep {
        /// Its name.
        name: Arc<str>,
        /// Its different jobs by status.
        counts: Counts,
    },
    /// A worker came, went, or is told to go.
    Worker {
        /// Its name.
        name: Arc<str>,
        /// Where it stands.
        state: WorkerState,
        /// Why.
        reason: Option<Arc<str>>,
    },
}

impl Change {
    /// The job that it is about.
    pub fn job(&self) -> Option<JobId> {
        match self {
            Self::Job { job, .. } | Self::Epochs { job, .. } | Self::Log { job, .. } => Some(*job),
            Self::Sweep { .. } | Self::Worker { .. } => None,
        }
    }

    /// Whether it concerns the sweep of that name.
    pub fn concerns(&self, sweep: &str) -> bool {
        match self {
            Self::Job { sweeps, .. } | Self::Epochs { sweeps, .. } | Self::Log { sweeps, .. } => {
                sweeps.iter().any(|name| &**name == sweep)
            }
            Self::Sweep { name, .. } => &**name == sweep,
            Self::Worker { .. } => false,
        }
    }
}

/// What a watcher hears.
#[derive(Debug, Clone, PartialEq)]
pub enum WatchEvent {
    /// Something changed.
    Change(Change),
    /// The watcher was too slow: that many changes are missing. Ask for the whole picture again.
    Missed(u64),
}
