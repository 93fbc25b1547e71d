//! A cell of ours as other programs have runs: settings and numbers by name.

use std::path::Path;

use sweeps::{CellResult, Digest, EpochPoint, JobStatus, Phase};

use crate::error::ReportError;
use crate::files::EPOCH_COLUMNS;
use crate::results::SweepResults;
use crate::summary::METRICS;

/// A run to be written.
pub(super) struct Written<'a> {
    pub(super) result: &'a CellResult,
    /// 64 hexadecimal digits, of the sweep and the cell: a job of two cells is two runs.
    pub(super) id: String,
    /// `GCL_B learning_rate=1e-4 seed 3`.
    pub(super) name: String,
    pub(super) parameters: Vec<(String, String)>,
}

/// The cells of a sweep, in its order.
pub(super) fn cells(results: &SweepResults) -> impl Iterator<Item = Written<'_>> {
    results.cells.iter().map(|result| {
        let cell = &result.cell;
        let mut name = cell.variant.clone();
        let mut parameters = vec![
            ("variant".to_owned(), cell.variant.clone()),
            ("seed".to_owned(), cell.job.seed.to_string()),
            ("dataset".to_owned(), cell.job.dataset.to_string()),
            ("job_id".to_owned(), result.job_id.to_string()),
            ("sweep".to_owned(), results.name.clone()),
        ];
        for (column, value) in results.columns.iter().zip(&cell.point) {
            if let Some(value) = value {
                name += &format!(" {column}={value}");
                parameters.push((column.clone(), value.to_string()));
            }
        }
        name += &format!(" seed {}", cell.job.seed);
        for (key, value) in cell.job.parameters.iter() {
            let key = key.to_owned();
            if !parameters.iter().any(|(known, _)| *known == key) {
                parameters.push((key, value.to_string()));
            }
        }
        parameters.retain(|(_, value)| !value.is_empty());
        parameters.sort();
        let id = Digest::of(format!("{}\n{name}\n{}", results.name, result.job_id).as_bytes());
        Written {
            id: id.to_string(),
            name,
            parameters,
            result,
        }
    })
}

impl Written<'_> {
    /// The numbers of each epoch of the main phase, by the names that our tables have for them; the last has the metrics of the record too.
    pub(super) fn epochs(&self) -> Vec<Vec<(String, f64)>> {
        let (record, live) = (self.result.record.as_ref(), &self.result.live);
        let curve: &[EpochPoint] = record.map_or(live, |record| &record.outcome.curve);
        let main = curve.iter().filter(|point| point.phase == Phase::Train);
        // What follows the epoch in its table, in the order of `EpochPoint::numbers`.
        let mut names = EPOCH_COLUMNS.iter();
        names.find(|column| **column == "epoch");
        let mut epochs: Vec<Vec<(String, f64)>> = main
            .map(|point| {
                let numbers = names.clone().zip(point.numbers());
                let known =
                    numbers.filter_map(|(name, number)| Some(((*name).to_owned(), number?)));
                known.collect()
            })
            .collect();
        if let Some(record) = record {
            let metrics = &record.outcome.metrics;
            let mut last = vec![("duration_s".to_owned(), record.provenance.duration_s)];
            last.extend(self.result.auc().map(|auc| ("auc".to_owned(), auc)));
            for (score, network) in [(metrics.d, "d"), (metrics.g, "g")] {
                let Some(score) = score else { continue };
                let numbers = METRICS.into_iter().map(|(name, of)| (name, of(&score)));
                last.extend(
                    numbers
                        .filter_map(|(name, number)| Some((format!("{name}_{network}"), number?))),
                );
            }
            if epochs.is_empty() {
                epochs.push(Vec::new());
            }
            if let Some(epoch) = epochs.last_mut() {
                epoch.retain(|(name, _)| !last.iter().any(|(other, _)| other == name));
                epoch.extend(last);
            }
        }
        epochs
    }

    /// Whether it failed for good.
    pub(super) fn has_failed(&self) -> bool {
        matches!(
            self.result.status,
            JobStatus::Failed | JobStatus::Quarantined | JobStatus::Cancelled
        )
    }
}

/// Writes a file and the folders above it.
pub(super) fn put(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(ReportError::write(folder))?;
    }
    std::fs::write(path, bytes).map_err(ReportError::write(path))
}
