//! Cells that differ in their seed alone.

use proto::nouns::{Counts, RowGroup};
use statistics::{mean, sample_std};
use sweeps::{JobId, JobStatus, Reporting};

use super::pace::Pace;

/// A variant at one point of the swept parameters, over its seeds.
#[derive(Debug)]
pub struct Group {
    /// `GCL_B learning_rate=1e-4`.
    pub label: String,
    /// What is decided when reporting.
    pub reporting: Reporting,
    /// Epochs of all phases of one job.
    pub epochs: u32,
    /// Its cells in the sweep's order: seed and job.
    pub seeds: Vec<(u64, JobId)>,
    /// Its cells by their jobs' status.
    pub counts: Counts,
    pub(super) pace: Pace,
    /// Whole jobs' worth of work that is left.
    pub(super) left: f64,
}

impl Group {
    pub(super) fn new(label: String, group: &RowGroup) -> Self {
        Self {
            label,
            reporting: group.reporting,
            epochs: group.epochs,
            seeds: Vec::new(),
            counts: Counts::default(),
            pace: Pace::default(),
            left: 0.0,
        }
    }

    pub(super) fn add(&mut self, seed: u64, job: JobId, status: JobStatus) {
        self.seeds.push((seed, job));
        self.counts.0[status as usize] += 1;
    }

    pub(super) fn change(&mut self, before: JobStatus, after: JobStatus) {
        self.counts.0[before as usize] -= 1;
        self.counts.0[after as usize] += 1;
    }

    /// Whether nothing will happen to its jobs by itself any more.
    pub fn is_settled(&self) -> bool {
        self.counts.is_settled()
    }

    /// The share of its work that is done, 0 to 1.
    pub fn share(&self) -> f64 {
        (1.0 - self.left / self.seeds.len().max(1) as f64).clamp(0.0, 1.0)
    }

    /// Cells whose jobs are settled.
    pub fn settled(&self) -> u64 {
        JobStatus::ALL
            .iter()
            .filter(|status| status.is_settled())
            .map(|status| self.counts.of(*status))
            .sum()
    }
}

/// Mean ± sample std of AUCs over seeds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    /// How many.
    pub n: usize,
    /// Their mean, `[0, 1]`.
    pub value: f64,
    /// Their sample std; `None` of one.
    pub std: Option<f64>,
}

impl Mean {
    /// Of none, nothing.
    pub fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> = values.collect();
        Some(Self {
            n: values.len(),
            value: mean(&values)?,
            std: sample_std(&values),
        })
    }
}

impl std::fmt::Display for Mean {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:.2}", self.value * 100.0)?;
        match self.std {
            Some(std) => write!(formatter, " ± {:.2}", std * 100.0),
            None => Ok(()),
        }
    }
}
