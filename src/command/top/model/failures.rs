//! The jobs of a sweep that have no result, and why.

use std::collections::BTreeMap;

use proto::nouns::Row;
use sweeps::{JobId, JobStatus};

/// A job whose last attempt failed.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// Where it stands: a retry may be queued.
    pub status: JobStatus,
    /// What was told.
    pub message: String,
}

/// By job.
#[derive(Debug, Default)]
pub struct Failures(BTreeMap<JobId, Failure>);

impl Failures {
    /// Those of these rows.
    pub fn of_rows(rows: &[Row]) -> Self {
        let mut failures = Self::default();
        for row in rows {
            failures.hear(row.job_id, row.status, row.error.as_deref());
        }
        failures
    }

    /// A job stands there now.
    pub fn hear(&mut self, job: JobId, status: JobStatus, error: Option<&str>) {
        let is_over = matches!(status, JobStatus::Failed | JobStatus::Quarantined);
        if status == JobStatus::Done {
            self.0.remove(&job);
        } else if let Some(error) = error {
            let message = error.to_owned();
            self.0.insert(job, Failure { status, message });
        } else if let Some(failure) = self.0.get_mut(&job) {
            failure.status = status;
        } else if is_over {
            let message = status.name().to_owned();
            self.0.insert(job, Failure { status, message });
        }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// That one in their order.
    pub fn job(&self, at: usize) -> Option<JobId> {
        self.0.keys().nth(at).copied()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&JobId, &Failure)> {
        self.0.iter()
    }
}
