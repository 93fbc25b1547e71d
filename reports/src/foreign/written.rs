//! A cell of ours as other programs have runs: settings and numbers by name.

use std::path::Path;

use sweeps::{CellResult, Digest, EpochPoint, JobStatus, Phase};

use crate::error::ReportError;
use crate::results::SweepResults;

/// A run to be written.
pub(super) struct Written<'a> {
    pub(super) result: &'a CellResult,
    /// 64 hexadecimal digits, of the sweep and the cell: a job of two cells is two runs.
    pub(super) id: String,
    /// `GCL_B learning_rate=1e-4 seed 3`.
    pub(super) name: String,
    pub(super) parameters: Vec<(String, String)>,
}

/// What a curve's numbers are called, in the order of [`EpochPoint::numbers`].
const NUMBERS: [&str; 8] = [
    "auc_d",
    "auc_g",
    "loss_d",
    "loss_g",
    "positive_share_g",
    "positive_share_d",
    "agreement_gd",
    "agreement_truth",
];

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
    /// The numbers of each epoch of the main phase, by name; the last has the metrics of the record too.
    pub(super) fn epochs(&self) -> Vec<Vec<(&'static str, f64)>> {
        let (record, live) = (self.result.record.as_ref(), &self.result.live);
        let curve: &[EpochPoint] = record.map_or(live, |record| &record.outcome.curve);
        let main = curve.iter().filter(|point| point.phase == Phase::Train);
        let mut epochs: Vec<Vec<(&'static str, f64)>> = main
            .map(|point| {
                let numbers = NUMBERS.into_iter().zip(point.numbers());
                numbers
                    .filter_map(|(name, number)| Some((name, number?)))
                    .collect()
            })
            .collect();
        if let Some(record) = record {
            let metrics = &record.outcome.metrics;
            let mut last = vec![("duration_s", record.provenance.duration_s)];
            last.extend(self.result.auc().map(|auc| ("auc", auc)));
            for (score, names) in [
                (
                    metrics.d,
                    [
                        "auc_d",
                        "ap_d",
                        "ano_auc_d",
                        "macro_auc_d",
                        "far_d",
                        "recall_at_fpr10_d",
                    ],
                ),
                (
                    metrics.g,
                    [
                        "auc_g",
                        "ap_g",
                        "ano_auc_g",
                        "macro_auc_g",
                        "far_g",
                        "recall_at_fpr10_g",
                    ],
                ),
            ] {
                let Some(score) = score else { continue };
                let numbers = [
                    score.auc,
                    score.ap,
                    score.ano_auc,
                    score.macro_auc,
                    score.far,
                    score.recall_at_fpr10,
                ];
                last.extend(
                    names
                        .into_iter()
                        .zip(numbers)
                        .filter_map(|(name, number)| Some((name, number?))),
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
