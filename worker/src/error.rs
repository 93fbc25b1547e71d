//! How a worker ends.

use std::path::PathBuf;
use std::time::Duration;

use proto::version::Incompatible;
use proto::{Reason, WireError};

/// How a worker ended as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It was told to stop by a signal. What ran is handed back, what was finished is delivered or in the spool.
    Stopped,
    /// The coordinator told it to go.
    Drained,
    /// There was no work for as long as `idle_timeout`.
    Idle,
    /// It did as many jobs as it was to do.
    JobsDone,
    /// Its time is nearly up, and no job that it could begin would be done by then.
    TimeIsUp,
}

/// Why a worker cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The spool folder cannot be used.
    #[error("failed to use the spool folder {}", .path.display())]
    Spool {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: std::io::Error,
    },
    /// Another process uses the spool folder.
    #[error(
        "another worker uses the spool folder {}: give each worker of this host its own scratch folder (--scratch DIR)",
        .0.display()
    )]
    SpoolInUse(PathBuf),
    /// The file system of the spool folder has no locks.
    #[error(
        "the file system of {} cannot lock files, so that two workers of one spool would not notice each other: give a folder on a local disk (--scratch DIR; \
         --checkpoints may stay where all hosts see it), or mount the file system with locks",
        .path.display()
    )]
    NoLocks {
        /// What was to be locked.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: std::io::Error,
    },
    /// The coordinator refuses this worker.
    #[error("the coordinator refuses this worker: {message}")]
    Refused {
        /// Why, for programs, where it said so.
        reason: Option<Reason>,
        /// Why, for people.
        message: String,
    },
    /// No connection to the coordinator can come up as things are.
    #[error("{0}")]
    NoWay(String),
    /// The coordinator was never reached, for as long as a worker may be idle.
    #[error("no coordinator answered for {}s, which is the idle timeout ({last})", .waited.as_secs())]
    NeverReached {
        /// How long.
        waited: Duration,
        /// What the last call said.
        last: String,
    },
    /// The coordinator speaks another language.
    #[error(transparent)]
    Incompatible(#[from] Incompatible),
    /// An answer of the coordinator is none that this version understands.
    #[error("the coordinator's answer is invalid")]
    Answer(#[from] WireError),
    /// A trainer was told to stop and did not. Its device cannot be used by this process any more.
    #[error("the trainer did not stop within {}s: start the worker again", .0.as_secs())]
    Stuck(Duration),
    /// The device failed in a way that this process cannot recover from.
    #[error("the device cannot be used any more: {0}")]
    Device(String),
    /// A task of the worker itself vanished.
    #[error("a task of the worker vanished: {0}")]
    Lane(String),
    /// The coordinator was silent for longer than the orphan timeout.
    #[error(
        "the coordinator was silent for {}s ({last}): give up; what is finished waits in the spool folder for the next worker",
        .silent.as_secs()
    )]
    Orphaned {
        /// How long.
        silent: Duration,
        /// What the last call said.
        last: String,
    },
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a word")
}
