//! What people call a job: its variant, swept values and seed in the sweep they look at.

use std::collections::BTreeMap;
use std::sync::Arc;

use proto::nouns::{Row, RowGroup};
use sweeps::{Cell, JobId, Value};

/// Names of a sweep's jobs for people, made when they are asked for: a million jobs share few groups.
#[derive(Debug, Default)]
pub struct Labels {
    columns: Vec<String>,
    jobs: BTreeMap<JobId, (Arc<RowGroup>, u64)>,
}

impl Labels {
    /// The labels of a sweep's rows. A job of several cells is called like the first.
    pub fn of_rows(columns: &[String], rows: &[Row]) -> Self {
        let mut jobs = BTreeMap::new();
        for row in rows {
            jobs.entry(row.job_id)
                .or_insert_with(|| (row.group.clone(), row.seed));
        }
        Self {
            columns: columns.to_owned(),
            jobs,
        }
    }

    /// What the job's cell has in common with others, where the sweep has the job.
    pub fn group(&self, job: &JobId) -> Option<&RowGroup> {
        self.jobs.get(job).map(|(group, _)| &**group)
    }

    /// `GCL_B learning_rate=1e-4 seed 3`; the job's id where the sweep has no such job.
    pub fn text(&self, job: &JobId) -> String {
        match self.jobs.get(job) {
            Some((group, seed)) => text(&self.columns, &group.variant, &group.point, *seed),
            None => job.short(),
        }
    }

    /// The number of different jobs.
    pub fn len(&self) -> usize {
        self.jobs.len()
    }
}

/// A cell's name.
pub fn label(columns: &[String], cell: &Cell) -> String {
    text(columns, &cell.variant, &cell.point, cell.job.seed)
}

/// A row's name.
pub fn label_of_row(columns: &[String], row: &Row) -> String {
    text(columns, &row.group.variant, &row.group.point, row.seed)
}

/// What rows that differ in their seed alone are called.
pub fn label_of_group(columns: &[String], group: &RowGroup) -> String {
    without_seed(columns, &group.variant, &group.point)
}

fn text(columns: &[String], variant: &str, point: &[Option<Value>], seed: u64) -> String {
    without_seed(columns, variant, point) + &format!(" seed {seed}")
}

fn without_seed(columns: &[String], variant: &str, point: &[Option<Value>]) -> String {
    let mut text = variant.to_owned();
    for (column, value) in columns.iter().zip(point) {
        if let Some(value) = value {
            text += &format!(" {column}={value}");
        }
    }
    text
}
