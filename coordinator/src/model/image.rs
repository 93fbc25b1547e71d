//! The scheduler's state as data: what a snapshot of the journal holds in place of the entries that led to it.
//!
//! It comes in parts, so that no entry is as long as a journal. Like entries, images are read for as long as there are state
//! folders: a field that is added gets `serde(default)`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sweeps::{AttemptNumber, Digest, JobId};

use crate::model::cells::CellTable;
use crate::model::claims::SweepClaims;
use crate::model::submission::Submission;
use proto::nouns::{
    AttemptFailure, AuditVerdict, Hello, Receipt, Requirements, Timestamp, WorkerId,
};

/// An image that cannot be the state of any scheduler.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the snapshot contradicts itself: {0}")]
pub struct ImageError(pub(crate) &'static str);

/// Jobs of one part: some megabytes of JSON.
pub const JOBS_PER_PART: usize = 10_000;

/// A part of the state. They come in the order of these variants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "part", rename_all = "kebab-case")]
pub enum ImagePart {
    /// Everything begins.
    Begin {
        /// The number that the next worker gets.
        next_worker: u64,
        /// The life of the state; 0 of one that was never restored.
        #[serde(default, skip_serializing_if = "is_first")]
        life: u64,
    },
    /// One version of a sweep.
    Grid {
        /// The sweep's number; `u32::MAX` of a submission that has not ended, or never did.
        sweep: u32,
        /// The trainer's revision.
        trainer_revision: u32,
        /// Its cells; `None` where nothing refers to them any more.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "optional")]
        table: Option<Arc<CellTable>>,
        /// The numbers of its cells' jobs; empty of an old version.
        jobs: Vec<u32>,
    },
    /// A sweep.
    Sweep(Box<SweepImage>),
    /// A submission that has begun and not ended; what there is of its cells is in its grid.
    Staged {
        /// The number of its grid.
        grid: u32,
        /// How many cells it will have.
        cells: u64,
        /// What it is, without its cells and ids.
        submission: Box<Submission>,
    },
    /// A worker.
    Worker {
        /// Its number.
        worker: WorkerId,
        /// What it said.
        hello: Box<Hello>,
        /// What it is blamed by, where that is not its name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        identity: Option<String>,
        /// When it came.
        joined_at: Timestamp,
        /// Why it is sent away.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        draining: Option<String>,
        /// Jobs it finished.
        finished: u64,
        /// Attempts that failed on it.
        failed: u64,
    },
    /// Jobs, in the order of their numbers.
    Jobs {
        /// The next of them.
        jobs: Vec<JobImage>,
    },
    /// That was all.
    End {
        /// How many jobs there are.
        jobs: u64,
        /// By a worker's name: the numbers of the jobs that failed there since its last success.
        blame: BTreeMap<String, BTreeSet<u32>>,
    },
}

/// A sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepImage {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// The file's name.
    pub file: String,
    /// The file's text.
    pub text: String,
    /// Higher goes first.
    pub priority: i32,
    /// What a worker must have.
    pub requirements: Requirements,
    /// The trainer's revision.
    pub trainer_revision: u32,
    /// When it was submitted, last version.
    pub submitted_at: Timestamp,
    /// The number of its current grid.
    pub grid: u32,
    /// Whether it is paused.
    pub paused: bool,
    /// Whether it was cancelled.
    pub cancelled: bool,
    /// Records that differed though they must not.
    pub discrepancies: u64,
    /// Its claims, and the looks at them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<Box<SweepClaims>>,
}

/// A job. Names are short: there may be a million.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobImage {
    /// Its id.
    pub id: JobId,
    /// Grid and cell that brought it.
    pub home: (u32, u32),
    /// Grids and cells that mean it now.
    #[serde(default, rename = "places", skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<(u32, u32)>,
    /// Attempts handed out.
    #[serde(default, skip_serializing_if = "is_none")]
    pub attempts: AttemptNumber,
    /// Where it stands.
    pub state: StateImage,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<HistoryImage>,
    /// Whether a person put it on hold.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// An audit that is not over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditImage>,
}

/// An audit that is not over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditImage {
    /// Attempts that failed.
    pub failures: u32,
    /// Who runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseImage>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde takes"
)]
fn is_unknown(work: &u64) -> bool {
    *work == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde takes"
)]
fn is_first(life: &u64) -> bool {
    *life == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde takes"
)]
fn is_none(attempt: &AttemptNumber) -> bool {
    attempt.0 == 0
}

/// A job's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StateImage {
    /// It waits.
    Queued,
    /// Somebody has it.
    Leased(LeaseImage),
    /// It is done.
    Done(Box<DoneImage>),
    /// It failed.
    Failed,
    /// It failed on two workers.
    Quarantined,
    /// A person cancelled it.
    Cancelled,
}

/// A lease.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeaseImage {
    /// The attempt.
    pub attempt: AttemptNumber,
    /// Who has it.
    pub worker: WorkerId,
    /// Since when.
    pub since: Timestamp,
}

/// What is remembered of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DoneImage {
    /// The attempt that made it.
    pub attempt: AttemptNumber,
    /// Attempts that it took.
    pub attempts: AttemptNumber,
    /// The digest of its outcome.
    pub outcome: Digest,
    /// The kind of device.
    pub device_kind: String,
    /// The trainer's revision.
    pub trainer_revision: u32,
    /// The worker's name.
    pub worker: String,
    /// What was compared with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compared: Vec<(AttemptNumber, Receipt)>,
    /// The final AUCs.
    pub scores: [Option<f64>; 2],
    /// How its last audit ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditVerdict>,
    /// Epochs of its curve.
    #[serde(default)]
    pub epochs: u32,
    /// What it cost, counted; 0 where that was not remembered yet.
    #[serde(default, skip_serializing_if = "is_unknown")]
    pub work: u64,
    /// Codes of its warnings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Of a result that was taken over from its user's cache: since when it is there, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_since_ms: Option<u64>,
}

/// What went wrong with a job so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryImage {
    /// The last failures, oldest first.
    pub failures: Vec<AttemptFailure>,
    /// Failures by class.
    pub counts: Vec<u32>,
    /// Names of workers on which it failed.
    pub blamed: BTreeSet<String>,
    /// Milliseconds of attempts that ended without a result.
    #[serde(default)]
    pub lost_ms: u64,
}

mod optional {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::model::cells::CellTable;

    #[expect(clippy::ref_option, reason = "the form that serde takes")]
    pub(super) fn serialize<S: Serializer>(
        table: &Option<Arc<CellTable>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        table.as_deref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<CellTable>>, D::Error> {
        Ok(Option::<CellTable>::deserialize(deserializer)?.map(Arc::new))
    }
}
