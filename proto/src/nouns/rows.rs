//! Where the jobs of a sweep stand, without their records: what displays need, in tens of bytes a job.

use std::sync::Arc;

use sweeps::{JobId, JobStatus, Reporting, Value};

/// What cells that differ in their seed alone have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct RowGroup {
    /// The variant's name.
    pub variant: String,
    /// The swept values, in the order of the sweep's columns.
    pub point: Vec<Option<Value>>,
    /// What the cells report.
    pub reporting: Reporting,
    /// Epochs of all phases of such a job.
    pub epochs: u32,
}

/// Where the job of a cell stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What the cell shares with others.
    pub group: Arc<RowGroup>,
    /// The cell's seed.
    pub seed: u64,
    /// The cell's job.
    pub job_id: JobId,
    /// Where the job stands.
    pub status: JobStatus,
    /// Attempts so far.
    pub attempts: u32,
    /// Epochs that the job has reported.
    pub epochs: u32,
    /// What a finished cell reports, not smoothed.
    pub auc: Option<f64>,
    /// The last failure, of a job that has no record.
    pub error: Option<String>,
    /// Codes of the record's warnings, each once.
    pub warnings: Vec<String>,
}
