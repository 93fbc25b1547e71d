//! What is said to the coordinator and what it answers, as plain data over the nouns of `sweeps`.
//!
//! The RPC services convert these to and from the wire; the engine hands them to the scheduler. Nothing here does
//! anything. [`worker`] is what workers say, [`client`] what people and reports ask, [`refusal`] every way to be told no,
//! [`watch`] what a subscriber hears.

pub mod audit;
pub mod client;
pub mod refusal;
pub mod rows;
pub mod state_kind;
pub mod upkeep;
pub mod watch;
pub mod worker;

use std::fmt;

use serde::{Deserialize, Serialize};
use sweeps::{AttemptNumber, JobId};

pub use audit::{Audit, AuditStamp, AuditVerdict, Audited, TOLERANCE};
pub use client::{
    AttemptFailure, Control, ControlAction, Counts, DatasetKnown, Explanation, JobView, LeaseView,
    LogLine, Measured, Requirements, Submit, Submitted, SweepInfo, SweepSummary, Target,
    WorkerState, WorkerView,
};
pub use refusal::Refusal;
pub use rows::{Row, RowGroup};
pub use state_kind::StateKind;
pub use upkeep::{Collected, Piece};
pub use watch::{Change, WatchEvent};
pub use worker::{
    Assignment, Fail, Finish, FinishAnswer, Goodbye, Hello, LeaseAnswer, LeaseRequest, Next, Order,
    Progress, Receipt, Release, Report, ReportAnswer, StopReason, Welcome,
};

/// Milliseconds since 1970, as the coordinator's clock has them. The clock never runs backwards within one process.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// That many milliseconds later.
    #[must_use]
    pub fn plus(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }

    /// Milliseconds from `earlier` to here; 0 when it is not earlier.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// One worker process, numbered by the coordinator at its hello. A restarted process is another one; its name stays.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct WorkerId(pub u64);

impl fmt::Display for WorkerId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A lease: a job and the attempt that fences it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LeaseKey {
    /// The job.
    pub job: JobId,
    /// The attempt.
    pub attempt: AttemptNumber,
}
