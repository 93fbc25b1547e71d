//! One cell of a sweep's grid, and what became of it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::choice::choices;
use crate::id::JobId;
use crate::job::JobSpec;
use crate::parameter::Role;
use crate::parameters::Parameters;
use crate::record::{EpochPoint, RunRecord};
use crate::value::Value;

/// One cell of a sweep's grid. Two cells may share a job: the same training under two names runs once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The variant's name; a sweep without variants has one, named like the sweep.
    pub variant: String,
    /// The values of the swept parameters, in the order of [`crate::expansion::Expansion::columns`]; `None` where an
    /// included row does not set one.
    pub point: Vec<Option<Value>>,
    /// The training run.
    pub job: JobSpec,
    /// What is decided when reporting.
    pub reporting: Reporting,
}

/// What is decided when reporting, and therefore not part of a job's id.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reporting {
    /// The score whose AUC is `auc`.
    pub score_by: ScoreBy,
    /// Width of a Gaussian over a video's segment scores, in segments; 0 is off.
    pub score_smoothing: f64,
    /// About so many segments of each test video make a clip, which the metrics take for a video; `None`: whole videos.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_segments: Option<u32>,
}

choices! {
    /// Which network scores.
    #[derive(Default, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum ScoreBy {
        /// σ(D(f)). Methods without a D fall back on their only score.
        #[default]
        Discriminator = "discriminator",
        /// The reconstruction error.
        Generator = "generator",
        /// `distil` by a reconstruction: error and logit of D together. The record has it in the place of G's score.
        Fused = "fused",
    }
}

impl ScoreBy {
    /// Which of D's number and G's is reported: that of the score, or of the only one there is.
    pub fn of<T>(self, d: Option<T>, g: Option<T>) -> Option<T> {
        match self {
            Self::Discriminator => d.or(g),
            Self::Generator | Self::Fused => g.or(d),
        }
    }
}

impl Reporting {
    /// The reporting parameters of `given`, over the defaults.
    pub fn of(given: &Parameters) -> Self {
        let resolved = given.resolved(Role::Reporting);
        Self {
            score_by: match resolved.choice("score_by").unwrap_or_default() {
                // Set in [job] for the variants that have an error beside D.
                ScoreBy::Fused if !given.can_fuse() => ScoreBy::default(),
                score => score,
            },
            score_smoothing: resolved
                .get("score_smoothing")
                .and_then(Value::as_float)
                .unwrap_or(0.0),
            clip_segments: resolved
                .get("evaluation.clip_segments")
                .and_then(Value::as_integer)
                .and_then(|segments| u32::try_from(segments).ok()),
        }
    }
}

impl Default for Reporting {
    fn default() -> Self {
        Self {
            score_by: ScoreBy::Discriminator,
            score_smoothing: 0.0,
            clip_segments: None,
        }
    }
}

impl Reporting {
    /// Whether the metrics are those of the record: of whole videos and scores as they are.
    pub fn is_of_record(&self) -> bool {
        self.score_smoothing <= 0.0 && self.clip_segments.is_none()
    }
}

/// The state of a job as users see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobStatus {
    /// Waits for a worker.
    Pending,
    /// Leased.
    Running,
    /// Has a record.
    Done,
    /// Its retries are used up, or retrying cannot help.
    Failed,
    /// Failed on two different workers; waits for a person.
    Quarantined,
    /// Taken out by a person.
    Cancelled,
}

impl JobStatus {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Running,
        Self::Done,
        Self::Failed,
        Self::Quarantined,
        Self::Cancelled,
    ];

    /// The word in tables and CSV files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Quarantined => "quarantined",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it ended without a result by its own fault.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Quarantined)
    }

    /// Whether nothing will happen to the job any more by itself.
    pub fn is_settled(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// What became of a cell: the row that reports are made of.
#[derive(Debug, Clone, PartialEq)]
pub struct CellResult {
    /// The cell.
    pub cell: Cell,
    /// The id of its job.
    pub job_id: JobId,
    /// Where the job stands.
    pub status: JobStatus,
    /// The record of a finished job.
    pub record: Option<Arc<RunRecord>>,
    /// Epochs that a running job has reported so far; empty for a finished one, whose record has them.
    pub live: Vec<EpochPoint>,
    /// Attempts so far.
    pub attempts: u32,
    /// The last failure, of a job that has no record.
    pub error: Option<String>,
}

impl CellResult {
    /// The AUC that the cell reports: of `score_by`, or of the only score there is.
    pub fn auc(&self) -> Option<f64> {
        let metrics = &self.record.as_ref()?.outcome.metrics;
        let (d, g) = (
            metrics.d.and_then(|score| score.auc),
            metrics.g.and_then(|score| score.auc),
        );
        self.cell.reporting.score_by.of(d, g)
    }
}
