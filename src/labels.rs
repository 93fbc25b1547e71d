//! What people call a job: its variant, swept values and seed in the sweep they look at.

use std::collections::BTreeMap;

use sweeps::{Cell, CellResult, JobId, ScoreBy};

/// Names of jobs for people.
#[derive(Debug, Default)]
pub struct Labels(BTreeMap<JobId, Label>);

/// One job's name and the epochs that it will report.
#[derive(Debug, Clone)]
pub struct Label {
    /// `GCL_B learning_rate=1e-4 seed 3`.
    pub text: String,
    /// Epochs of all its phases.
    pub epochs: u32,
    /// The score whose AUC it reports.
    pub score_by: ScoreBy,
}

impl Labels {
    /// The labels of cells that already know their jobs.
    pub fn of_cells(columns: &[String], cells: &[CellResult]) -> Self {
        let mut labels = BTreeMap::new();
        for cell in cells {
            labels.entry(cell.job_id).or_insert_with(|| Label {
                text: label(columns, &cell.cell),
                epochs: epochs(&cell.cell),
                score_by: cell.cell.reporting.score_by,
            });
        }
        Self(labels)
    }

    /// The label of that job; its id where the sweep has no such job.
    pub fn get(&self, job: &JobId) -> Label {
        self.0.get(job).cloned().unwrap_or_else(|| Label {
            text: job.short(),
            epochs: 0,
            score_by: ScoreBy::default(),
        })
    }

    /// The number of different jobs.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// A cell's name.
pub fn label(columns: &[String], cell: &Cell) -> String {
    let mut text = cell.variant.clone();
    for (column, value) in columns.iter().zip(&cell.point) {
        if let Some(value) = value {
            text += &format!(" {column}={value}");
        }
    }
    text + &format!(" seed {}", cell.job.seed)
}

fn epochs(cell: &Cell) -> u32 {
    let count = |name: &str| {
        cell.job
            .parameters
            .get(name)
            .and_then(sweeps::Value::as_integer)
            .unwrap_or(0) as u32
    };
    count("epochs") + count("pretrain_epochs") + count("pretrain_discriminator_epochs")
}
