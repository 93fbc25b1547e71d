//! What people and reports ask, and what they are answered.

use std::collections::BTreeMap;

use crate::limits::TEXT_BYTES;
use crate::page::cut;
use crate::telemetry::Telemetry;
use looks::ClaimsView;
use serde::{Deserialize, Serialize};
use sweeps::{AttemptNumber, DeviceInfo, Digest, Failure, JobId, JobSpec, JobStatus};

use super::{AuditStamp, LeaseKey, Timestamp, WorkerId};

/// Submits a sweep file. Under the name of an earlier one it replaces it: new cells run, cells that fell out are hidden.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Submit {
    /// The file's name, for messages.
    pub file: String,
    /// The file's text.
    pub text: String,
    /// Digests of named data sets as the submitter's own folders have them.
    pub datasets: BTreeMap<String, Digest>,
    /// Higher goes first. 0 is usual.
    pub priority: i32,
    /// What a worker must have.
    pub requirements: Requirements,
    /// The most jobs that the file may mean; `None` is the language's own limit.
    pub max_jobs: Option<usize>,
    /// Only say what would happen.
    pub dry_run: bool,
    /// Of a file with claims: add no seeds for those that are undecided.
    pub fixed_seeds: bool,
}

/// What a worker must have to get a sweep's jobs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Requirements {
    /// How the kind of its device begins: `cuda`, `cpu-avx512f`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Labels, all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Memory of its device in bytes, at least; a worker that does not know its own is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
}

/// What a submission means, or would mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// The sweep's name.
    pub sweep: String,
    /// Cells of the grid.
    pub cells: u64,
    /// Different jobs among them.
    pub jobs: u64,
    /// Jobs that nobody knew before.
    pub new: u64,
    /// Jobs that are done already.
    pub done: u64,
    /// Jobs that an other sweep brought (done or not).
    pub shared: u64,
    /// Cells of the earlier version that fell out.
    pub hidden: u64,
}

/// A sweep, or one job, to control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// All of a sweep, by its name.
    Sweep(String),
    /// One job.
    Job(JobId),
}

/// What to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlAction {
    /// Take unfinished jobs out (those that no other sweep wants); running ones are told to stop.
    Cancel,
    /// Start no more of them.
    Pause,
    /// Start them again.
    Resume,
    /// Queue failed, quarantined and cancelled jobs again, with fresh budgets.
    Retry,
}

/// Cancels, pauses, resumes or retries a sweep or a job. Answered by the number of jobs that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// What.
    pub target: Target,
    /// How.
    pub action: ControlAction,
}

/// Jobs by status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts(pub [u64; JobStatus::ALL.len()]);

impl Counts {
    /// The number of jobs of that status.
    pub fn of(&self, status: JobStatus) -> u64 {
        self.0[status as usize]
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Whether nothing will happen by itself any more.
    pub fn is_settled(&self) -> bool {
        self.of(JobStatus::Pending) + self.of(JobStatus::Running) == 0
    }
}

/// A sweep in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepSummary {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Higher goes first.
    pub priority: i32,
    /// Whether it is paused.
    pub paused: bool,
    /// Whether it was cancelled.
    pub cancelled: bool,
    /// When it was submitted, last version.
    pub submitted_at: Timestamp,
    /// Cells of the grid.
    pub cells: u64,
    /// Its different jobs by status.
    pub counts: Counts,
}

/// Everything about a sweep but its cells.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepInfo {
    /// As in a list.
    pub summary: SweepSummary,
    /// The file's name as it was submitted.
    pub file: String,
    /// The file's text.
    pub text: String,
    /// Names of the swept parameters but `seed`.
    pub columns: Vec<String>,
    /// Its data sets as shown to people, with the digests that its jobs have.
    pub datasets: BTreeMap<String, Digest>,
    /// Data sets that found no room in the answer.
    pub more_datasets: u64,
    /// The trainer's revision in its jobs' ids.
    pub trainer_revision: u32,
    /// Records of its jobs that differed though they must not.
    pub discrepancies: u64,
    /// Milliseconds of attempts of its jobs that ended without a result, from lease to end.
    pub lost_ms: u64,
    /// What audits of its jobs found.
    pub audit: AuditStamp,
    /// Of a sweep with `[adaptive]`: where its claims stand.
    pub claims: Option<Box<ClaimsView>>,
}

/// Where a worker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkerState {
    /// Takes jobs.
    Active,
    /// Finishes what it has and goes.
    Draining,
    /// Has not been heard for longer than a lease lives.
    Silent,
    /// Said goodbye.
    Gone,
}

/// A worker in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerView {
    /// Its number.
    pub worker: WorkerId,
    /// Its name.
    pub name: String,
    /// What it computes on.
    pub device: DeviceInfo,
    /// Version of its program.
    pub version: String,
    /// Revision of its trainer.
    pub trainer_revision: u32,
    /// Leases that it may hold.
    pub slots: u32,
    /// Named data sets that it has.
    pub datasets: BTreeMap<String, Digest>,
    /// Where it stands.
    pub state: WorkerState,
    /// Leases that it holds.
    pub leases: Vec<LeaseKey>,
    /// When it said hello.
    pub joined_at: Timestamp,
    /// When it was last heard.
    pub last_seen: Timestamp,
    /// Jobs it finished.
    pub finished: u64,
    /// Attempts that failed on it.
    pub failed: u64,
    /// What an admin should look at: drained since jobs fail on it, a copy of a data set that differs.
    pub warnings: Vec<String>,
    /// Memory of the device, in bytes.
    pub memory_bytes: Option<u64>,
    /// Version of the device's driver.
    pub driver: Option<String>,
    /// The last that it said of how its device is doing.
    pub measured: Option<Measured>,
}

/// How a worker's device was doing, and when that was heard. Forgotten at a restart of the coordinator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// What the worker measured.
    pub telemetry: Telemetry,
    /// When it was heard.
    pub at: Timestamp,
}

/// A failed attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptFailure {
    /// Which attempt.
    pub attempt: AttemptNumber,
    /// The worker's name.
    pub worker: String,
    /// What happened.
    pub failure: Failure,
    /// When it was told.
    pub at: Timestamp,
}

impl AttemptFailure {
    /// `CLASS: MESSAGE (attempt 2 on WORKER)`, cut where it is long: how rows and pages tell it.
    pub fn line(&self) -> String {
        let Self {
            attempt,
            worker,
            failure,
            ..
        } = self;
        let text = format!("{failure} (attempt {attempt} on {worker})");
        cut(&text, TEXT_BYTES)
    }
}

/// A live lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseView {
    /// The attempt.
    pub attempt: AttemptNumber,
    /// The worker's number.
    pub worker: WorkerId,
    /// The worker's name.
    pub worker_name: String,
    /// Since when.
    pub since: Timestamp,
    /// When it ends if nothing is heard.
    pub expires: Timestamp,
}

/// Everything about a job but its record.
#[derive(Debug, Clone, PartialEq)]
pub struct JobView {
    /// Its id.
    pub job_id: JobId,
    /// What it computes.
    pub job: JobSpec,
    /// The digest of its data set.
    pub dataset: Digest,
    /// Where it stands.
    pub status: JobStatus,
    /// Attempts so far.
    pub attempts: u64,
    /// The sweeps and cells (by position) that it belongs to.
    pub cells: Vec<(String, u64)>,
    /// Who has it.
    pub lease: Option<LeaseView>,
    /// The failures that are remembered, oldest first.
    pub failures: Vec<AttemptFailure>,
    /// Whether a person put it on hold.
    pub paused: bool,
    /// Cells that are not in [`Self::cells`].
    pub more_cells: u64,
}

/// Why a job is where it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The job.
    pub view: JobView,
    /// Sentences for people, the most decisive first.
    pub reasons: Vec<String>,
}

/// A line that a trainer logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// The attempt.
    pub attempt: AttemptNumber,
    /// When it arrived.
    pub at: Timestamp,
    /// The line.
    pub text: String,
}

/// A named data set that somebody announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetKnown {
    /// Its name.
    pub name: String,
    /// The copies: digest, and names of the workers that have it. More than one digest is a conflict.
    pub copies: BTreeMap<Digest, Vec<String>>,
}
