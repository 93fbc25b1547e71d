//! What the journal holds: the facts from which the scheduler's state follows.
//!
//! An entry is a decision that was made, never a question: replaying one asks no clock and no policy. Old entries are
//! read for as long as there are state folders, so a field that is added gets `serde(default)`.

use looks::Look;
use serde::{Deserialize, Serialize};
use sweeps::{AttemptNumber, Failure, JobId, RunRecord};

use crate::model::cells::TablePart;
use crate::model::image::ImagePart;
use crate::model::submission::Submission;
use proto::nouns::{
    AuditVerdict, ControlAction, Hello, LeaseKey, Receipt, Target, Timestamp, WorkerId,
};

/// A fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub enum Entry {
    /// A sweep was submitted, or replaced by a new version.
    Submitted {
        /// When.
        at: Timestamp,
        /// What.
        submission: Box<Submission>,
    },
    /// A submission of many jobs begins: it comes in parts, and means nothing before its end. One that had begun before, and
    /// has not ended, never will.
    SubmissionBegun {
        /// When.
        at: Timestamp,
        /// What, without its cells and ids.
        submission: Box<Submission>,
        /// How many cells are to come.
        cells: u64,
    },
    /// The next cells of the submission that has begun.
    SubmissionPart {
        /// The cells.
        table: TablePart,
        /// Their job ids.
        ids: Vec<JobId>,
    },
    /// The submission that had begun is whole: now it was submitted.
    SubmissionEnded {
        /// When.
        at: Timestamp,
    },
    /// The submission that had begun will not end.
    SubmissionDropped {
        /// When.
        at: Timestamp,
    },
    /// A sweep or a job was cancelled, paused, resumed or retried.
    #[serde(rename = "steered")]
    Controlled {
        /// When.
        at: Timestamp,
        /// What.
        target: Target,
        /// How.
        action: ControlAction,
    },
    /// A worker said hello, or told something new about itself.
    WorkerJoined {
        /// When.
        at: Timestamp,
        /// Its number.
        worker: WorkerId,
        /// What it said.
        hello: Box<Hello>,
    },
    /// A worker is gone. It held no lease any more.
    WorkerLeft {
        /// When.
        at: Timestamp,
        /// Its number.
        worker: WorkerId,
        /// Why.
        reason: String,
    },
    /// A worker is to get no more jobs.
    WorkerDrained {
        /// When.
        at: Timestamp,
        /// Its number.
        worker: WorkerId,
        /// Why.
        reason: String,
    },
    /// Jobs were given to a worker.
    Leased {
        /// When.
        at: Timestamp,
        /// To whom.
        worker: WorkerId,
        /// Which.
        leases: Vec<LeaseKey>,
    },
    /// Leases were handed back: free retries.
    Released {
        /// When.
        at: Timestamp,
        /// Which.
        leases: Vec<LeaseKey>,
        /// Why.
        reason: String,
    },
    /// An attempt failed.
    Failed {
        /// When.
        at: Timestamp,
        /// The job.
        job: JobId,
        /// The attempt.
        attempt: AttemptNumber,
        /// The worker's name.
        worker: String,
        /// What happened.
        failure: Failure,
        /// What follows.
        verdict: RetryDecision,
    },
    /// A job is done.
    Finished {
        /// When.
        at: Timestamp,
        /// Its record.
        record: Box<RunRecord>,
    },
    /// A second record of a finished job was compared with the first.
    Compared {
        /// When.
        at: Timestamp,
        /// The job.
        job: JobId,
        /// The attempt that made the second.
        attempt: AttemptNumber,
        /// How it compared.
        receipt: Receipt,
        /// The second record, where it differs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        record: Option<Box<RunRecord>>,
        /// What that says about the job's audit, where there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audit: Option<AuditVerdict>,
    },
    /// Finished jobs are to be run once more and compared.
    AuditAsked {
        /// When.
        at: Timestamp,
        /// Of which sweep.
        sweep: String,
        /// Which.
        jobs: Vec<JobId>,
    },
    /// The claims of a sweep were looked at, and seeds were added for those that are undecided.
    Looked {
        /// When.
        at: Timestamp,
        /// Of which sweep.
        sweep: String,
        /// What was seen and decided.
        looks: Vec<Look>,
        /// The cells that are added.
        #[serde(default, skip_serializing_if = "TablePart::is_empty")]
        table: TablePart,
        /// Their job ids.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ids: Vec<JobId>,
        /// The arm of each.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        arms: Vec<u32>,
    },
    /// A sweep with claims was submitted again as it stands: whether seeds are added for those that are undecided.
    Growing {
        /// When.
        at: Timestamp,
        /// Which sweep.
        sweep: String,
        /// Whether they are.
        grows: bool,
    },
    /// A coordinator started on a copy of the state: a backup, or what was restored from one. Another life of the state may
    /// have gone on after the copy was taken; numbers that are given from here on are none of its numbers.
    Restored {
        /// When.
        at: Timestamp,
        /// The number of the new life.
        life: u64,
    },
    /// A part of the whole state, in a snapshot. What was applied before the first of them is forgotten.
    Image {
        /// Which part.
        part: Box<ImagePart>,
    },
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryDecision {
    /// The job is queued again.
    Retry,
    /// The job has failed.
    Failed,
    /// The job failed on two different workers and waits for a person.
    Quarantined,
}

impl Entry {
    /// The job whose record the entry brings.
    pub fn finished(&self) -> Option<&RunRecord> {
        if let Self::Finished { record, .. } = self {
            Some(record)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn journals_keep_the_names_they_were_written_with() {
        let line = r#"{"entry":"steered","at":7,"target":{"sweep":"s"},"action":"pause"}"#;
        let entry = Entry::Controlled {
            at: Timestamp(7),
            target: Target::Sweep("s".into()),
            action: ControlAction::Pause,
        };
        assert_eq!(serde_json::to_string(&entry).unwrap(), line);
        assert_eq!(serde_json::from_str::<Entry>(line).unwrap(), entry);
        let cells = r#"{"id":"ID","home":[0,1],"places":[[2,3]],"state":"queued"}"#;
        let cells = cells.replace("ID", &"07".repeat(32));
        let job: crate::model::image::JobImage = serde_json::from_str(&cells).unwrap();
        assert_eq!(job.cells, [(2, 3)]);
        assert_eq!(serde_json::to_string(&job).unwrap(), cells);
    }
}
