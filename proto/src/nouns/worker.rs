//! What a worker says, and what it is answered.
//!
//! Every request may be sent again after a lost answer: a hello with the same session gives the same id, a lease call
//! hands out again what the worker does not list as held, a second finish is compared and harmless, a second fail or
//! release is told that the lease is stale.

use std::collections::BTreeMap;

use crate::telemetry::Telemetry;
use serde::{Deserialize, Serialize};
use sweeps::{AttemptNumber, DeviceInfo, Digest, EpochPoint, Failure, JobId, JobSpec, RunRecord};

use super::{LeaseKey, WorkerId};

/// A worker process introduces itself. It does so at its start, and again whenever it is told
/// [`super::Refusal::UnknownWorker`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// The worker's name: stays over restarts of the process (host and device, say).
    pub name: String,
    /// A number that the process draws once, so that a repeated hello is recognised.
    pub session: u64,
    /// What it computes on.
    pub device: DeviceInfo,
    /// Version of the program.
    pub version: String,
    /// [`sweeps::TRAINER_REVISION`] of the worker. A worker of another revision than a sweep's gets none of its jobs.
    pub trainer_revision: u32,
    /// How many leases it may hold at a time, a prefetched one included. At least 1.
    pub slots: u32,
    /// The named data sets it has, with the digests of its copies.
    pub datasets: BTreeMap<String, Digest>,
    /// Labels that a sweep may require.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Memory of the device, in bytes, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Version of the device's driver, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
}

/// The answer to a hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// The number to sign every other message with.
    pub worker: WorkerId,
    /// How long a lease lives without a report. Report at a third of it.
    pub time_to_live_ms: u64,
    /// What the worker should know and log: a copy of a data set that differs from what sweeps name, say.
    pub warnings: Vec<String>,
}

/// Asks for jobs; waits for them. A worker has at most one call in flight that can hand out jobs (this one, or a finish
/// or fail with `next`): a second one ends the first with an empty answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRequest {
    /// Who asks.
    pub worker: WorkerId,
    /// How many jobs at most.
    pub slots: u32,
    /// Every lease that the worker holds, those included whose end is not yet acknowledged. One that the coordinator gave it and that is not in this list was in an answer
    /// that got lost: it is handed out again.
    pub held: Vec<LeaseKey>,
    /// Digests of the data sets that it has in memory now: their jobs come first.
    pub warm: Vec<Digest>,
    /// How long to wait for work, in milliseconds; 0 answers at once.
    pub wait_ms: u64,
}

/// A job for a worker.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// The job's id.
    pub job_id: JobId,
    /// The attempt, to be sent with everything that concerns it.
    pub attempt: AttemptNumber,
    /// The job.
    pub job: JobSpec,
    /// The digest that its data set must have.
    pub dataset: Digest,
    /// How long the lease lives without a report.
    pub time_to_live_ms: u64,
}

/// The answer to a lease request. No assignments: nothing came up in time, ask again.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LeaseAnswer {
    /// The jobs.
    pub assignments: Vec<Assignment>,
    /// Finish what runs, say goodbye and exit.
    pub drain: bool,
}

/// A heartbeat that carries what happened since the last one. With no progress it only says that the worker is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Who reports.
    pub worker: WorkerId,
    /// One entry for each lease that is to be renewed.
    pub progress: Vec<Progress>,
    /// How the worker's device is doing: sent now and then, kept until the next, never on disk.
    pub telemetry: Option<Telemetry>,
}

/// What happened in one attempt since the last report.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The job.
    pub job: JobId,
    /// The attempt.
    pub attempt: AttemptNumber,
    /// Epochs that ended. Sending one again replaces it.
    pub points: Vec<EpochPoint>,
    /// Lines that the trainer logged. The coordinator keeps a bounded tail.
    pub log: Vec<String>,
}

impl Progress {
    /// The lease that it renews.
    pub fn key(&self) -> LeaseKey {
        LeaseKey {
            job: self.job,
            attempt: self.attempt,
        }
    }
}

/// The answer to a report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportAnswer {
    /// One order per entry of the report, in its order.
    pub orders: Vec<Order>,
    /// Finish what runs, say goodbye and exit.
    pub drain: bool,
}

/// What a worker must do with an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Go on; the lease lives this long from now.
    Continue {
        /// Milliseconds.
        time_to_live_ms: u64,
    },
    /// Stop at the next batch boundary and forget the attempt.
    Stop(StopReason),
}

/// Why an attempt is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The lease ran out or was handed back; a newer attempt may run. A result is still welcome.
    StaleLease,
    /// Another attempt delivered the result.
    Finished,
    /// A person cancelled the job.
    Cancelled,
    /// The attempt ran longer than it may.
    Timeout,
    /// The coordinator has no such job.
    Unknown,
}

/// Asks for the next job together with the end of the last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Next {
    /// As in [`LeaseRequest::slots`].
    pub slots: u32,
    /// As in [`LeaseRequest::held`], without the attempt that ends here.
    pub held: Vec<LeaseKey>,
    /// As in [`LeaseRequest::warm`].
    pub warm: Vec<Digest>,
}

/// An attempt delivers its record. The record's artifacts are stored before. Repeat it until it is answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Finish {
    /// Who delivers; need not be the process that computed it (a spool delivered by its successor).
    pub worker: WorkerId,
    /// The result. Its job and attempt are those of `record.job_id` and `record.provenance.attempt`.
    pub record: Box<RunRecord>,
    /// Also asks for the next job, without waiting.
    pub next: Option<Next>,
}

/// The answer to a finish.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishAnswer {
    /// What became of the record.
    pub receipt: Receipt,
    /// The next jobs, where asked for.
    pub assignments: Vec<Assignment>,
    /// Finish what runs, say goodbye and exit.
    pub drain: bool,
}

/// What became of a delivered record. In each case the worker is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Receipt {
    /// It is the job's record now, on disk.
    Recorded,
    /// The job had a record already, and this one is equal to it to the bit.
    Equal,
    /// The job had a record already, and this one differs though it must not: kept beside it and shown in reports.
    Differs,
    /// The job had a record already, made on another kind of device or trainer revision: nothing to compare.
    NotComparable,
}

impl Receipt {
    /// What became of the record, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Equal => "equal to the one recorded before",
            Self::Differs => "DIFFERENT from the one recorded before",
            Self::NotComparable => "not comparable with the one recorded before",
        }
    }
}

/// An attempt ended without a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fail {
    /// Who says so.
    pub worker: WorkerId,
    /// The job.
    pub job: JobId,
    /// The attempt.
    pub attempt: AttemptNumber,
    /// What happened.
    pub failure: Failure,
    /// Also asks for the next job, without waiting.
    pub next: Option<Next>,
}

/// A worker that must go gives a job back: a free retry. Also what a new process does with leases that its
/// predecessor's spool still lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Who says so.
    pub worker: WorkerId,
    /// The job.
    pub job: JobId,
    /// The attempt.
    pub attempt: AttemptNumber,
    /// One line for people.
    pub reason: String,
}

/// A worker exits. Leases that it still holds are queued again at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goodbye {
    /// Who goes.
    pub worker: WorkerId,
    /// One line for people.
    pub reason: String,
}
