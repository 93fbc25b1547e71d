//! Every way in which the coordinator says no. A variant exists because somebody reacts differently to it.

use sweeps::{AttemptNumber, Digest, JobId};

use super::WorkerId;

/// Every way in which the coordinator says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The attempt is not the job's live lease any more. The worker drops it; a result is still welcome.
    #[error("attempt {attempt} of job {} is over", .job.short())]
    StaleLease {
        /// The job.
        job: JobId,
        /// The attempt that was named.
        attempt: AttemptNumber,
    },
    /// The worker must say hello (again).
    #[error("worker {0} is not known here: say hello first")]
    UnknownWorker(WorkerId),
    /// No such job.
    #[error("there is no job {}", .0.short())]
    UnknownJob(JobId),
    /// The attempt was never handed out: a record from another coordinator, or a forged one.
    #[error("attempt {attempt} of job {} was never handed out", .job.short())]
    UnknownAttempt {
        /// The job.
        job: JobId,
        /// The attempt that was named.
        attempt: AttemptNumber,
    },
    /// No such sweep.
    #[error("there is no sweep `{0}`")]
    UnknownSweep(String),
    /// No worker of that name.
    #[error("there is no worker named `{0}`")]
    NoSuchWorker(String),
    /// The sweep file has faults.
    #[error("{rendered}")]
    InvalidSweep {
        /// All faults with their lines, ready to be shown.
        rendered: String,
    },
    /// Nobody knows the digest of a data set.
    #[error(
        "nobody knows the data set `{0}`: give its folder (--data {0}=DIR), write dataset.digest in the file, or start a worker that has it"
    )]
    UnknownDataset(String),
    /// Workers have different copies of a data set, and the submission does not say which is meant.
    #[error("workers have different copies of the data set `{name}` ({}): write dataset.digest in the file", list(.digests))]
    DatasetConflict {
        /// The data set.
        name: String,
        /// The copies' digests.
        digests: Vec<Digest>,
    },
    /// The message says something impossible: a record whose data set is not the job's, say.
    #[error("{0}")]
    Invalid(String),
    /// The record names an artifact that was not stored.
    #[error("artifact {0} of the record is not stored here: put it first")]
    MissingArtifact(Digest),
    /// More than the coordinator takes.
    #[error("{0}")]
    TooLarge(String),
    /// The state folder cannot be written now (a full disk). Nothing was acknowledged; try again later.
    #[error("the coordinator cannot write its state: {0}")]
    Storage(String),
    /// The coordinator is stopping, or too busy. Try again later.
    #[error("the coordinator is not available: {0}")]
    Unavailable(String),
}

impl Refusal {
    /// The stable name that machines read.
    pub fn code(&self) -> &'static str {
        match self {
            Self::StaleLease { .. } => "stale-lease",
            Self::UnknownWorker(_) => "unknown-worker",
            Self::UnknownJob(_) => "unknown-job",
            Self::UnknownAttempt { .. } => "unknown-attempt",
            Self::UnknownSweep(_) => "unknown-sweep",
            Self::NoSuchWorker(_) => "no-such-worker",
            Self::InvalidSweep { .. } => "invalid-sweep",
            Self::UnknownDataset(_) => "unknown-dataset",
            Self::DatasetConflict { .. } => "dataset-conflict",
            Self::Invalid(_) => "invalid",
            Self::MissingArtifact(_) => "missing-artifact",
            Self::TooLarge(_) => "too-large",
            Self::Storage(_) => "storage",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// Whether the same message may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Storage(_) | Self::Unavailable(_))
    }
}

fn list(digests: &[Digest]) -> String {
    digests
        .iter()
        .map(Digest::short)
        .collect::<Vec<_>>()
        .join(", ")
}
