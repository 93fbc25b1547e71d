//! Writing the CSV files.

use std::fs;
use std::path::Path;

use sweeps::{CellResult, JobStatus, Phase, ScoreMetrics};

use super::table::Table;
use super::{EPOCH_COLUMNS, RESULT_COLUMNS};
use crate::error::ReportError;
use crate::order::{compare_cells, compare_points};
use crate::results::SweepResults;
use crate::summary::{METRICS, SummaryRow, summary};

/// Writes `results.csv`, `epochs.csv`, `summary.csv`, `sweep.json` and, of a sweep with claims, `looks.csv` into `folder`, which is made where it does not exist. Each file is
/// written beside its place and moved there, so that a reader never sees half of one.
pub fn write_csv(results: &SweepResults, folder: &Path) -> Result<(), ReportError> {
    fs::create_dir_all(folder).map_err(ReportError::write(folder))?;
    for (name, text) in [
        ("results.csv", write_results(results)),
        ("epochs.csv", write_epochs(results)),
        ("summary.csv", write_summary(results, &summary(results))),
        ("sweep.json", super::about::write_about(results)),
    ] {
        replace_file(&folder.join(name), text.as_bytes())?;
    }
    if let Some(text) = super::looks::write_looks(results) {
        replace_file(&folder.join("looks.csv"), text.as_bytes())?;
    }
    Ok(())
}

/// Writes `bytes` beside `path` and moves them there; nothing is left of what could not be.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let written = fs::write(&part, bytes).and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written.map_err(ReportError::write(path))
}

/// The text of `results.csv`: one line per cell.
pub fn write_results(results: &SweepResults) -> String {
    let mut table = Table::new(RESULT_COLUMNS.iter().copied().chain(names(results)));
    let sweep = results.name_in_tables();
    for (index, result) in sorted(results) {
        let record = result.record.as_deref();
        let lost = results.lost_curves.get(&index);
        let outcome = record.map(|record| &record.outcome);
        let score = |discriminator: bool| {
            outcome.and_then(|outcome| {
                if discriminator {
                    outcome.metrics.d
                } else {
                    outcome.metrics.g
                }
            })
        };
        table.text(&sweep);
        table.text(&result.cell.variant);
        table.text(&result.cell.job.seed.to_string());
        table.text(&result.job_id.to_string());
        table.text(result.status.name());
        table.number(result.auc());
        let both = |table: &mut Table, metric: fn(&ScoreMetrics) -> Option<f64>| {
            table.number(score(true).and_then(|score| metric(&score)));
            table.number(score(false).and_then(|score| metric(&score)));
        };
        both(&mut table, METRICS[0].1);
        table.number(match lost {
            Some(lost) => lost.best_auc_d,
            None => outcome.and_then(|outcome| outcome.best_epoch_auc(|point| point.auc_d)),
        });
        table.number(match lost {
            Some(lost) => lost.best_auc_g,
            None => outcome.and_then(|outcome| outcome.best_epoch_auc(|point| point.auc_g)),
        });
        for (_, metric) in &METRICS[1..] {
            both(&mut table, *metric);
        }
        let epochs = lost.map_or_else(|| epochs(result), |lost| Some(lost.epochs));
        table.text(&epochs.map_or_else(String::new, |epochs| epochs.to_string()));
        table.number(record.map(|record| record.provenance.duration_s));
        table.text(record.map_or("", |record| &record.provenance.device.kind));
        table.text(record.map_or("", |record| &record.provenance.worker));
        table.text(&result.attempts.to_string());
        table.text(match (&result.error, result.status) {
            // A finished job's earlier failures are its attempts' business.
            (Some(error), status) if status != JobStatus::Done => error,
            _ => "",
        });
        table.point(&result.cell.point, results.columns.len());
        table.end_line();
    }
    table.into_text()
}

/// The text of `epochs.csv`: one line per cell, phase and epoch, those of running jobs included.
pub fn write_epochs(results: &SweepResults) -> String {
    let mut table = Table::new(EPOCH_COLUMNS.iter().copied().chain(names(results)));
    let sweep = results.name_in_tables();
    for (_, result) in sorted(results) {
        let seed = result.cell.job.seed.to_string();
        let id = result.job_id.to_string();
        for point in curve(result) {
            table.text(&sweep);
            table.text(&result.cell.variant);
            table.text(&seed);
            table.text(&id);
            table.text(point.phase.name());
            table.text(&point.epoch.to_string());
            for value in point.numbers() {
                table.number(value);
            }
            table.point(&result.cell.point, results.columns.len());
            table.end_line();
        }
    }
    table.into_text()
}

/// The text of `summary.csv`: one line per variant and swept point. `auc`, `macro_auc` and `ano_auc` are those of `score_by`, `expected` counts the
/// cells that were asked for, `missing` those that are neither finished nor failed. The lines do not name the sweep: in a
/// rehearsal the variant's name says that it is one.
pub fn write_summary(results: &SweepResults, rows: &[SummaryRow]) -> String {
    let mut header: Vec<String> = ["variant", "n", "failed"].map(String::from).to_vec();
    let intervals = ["mean", "std", "ci_low", "ci_high"];
    for metric in ["auc_d", "auc_g", "auc"] {
        header.extend(intervals.map(|part| format!("{metric}_{part}")));
    }
    for (metric, _) in &METRICS[1..] {
        for score in ["d", "g"] {
            header.extend(["mean", "std"].map(|part| format!("{metric}_{score}_{part}")));
        }
    }
    header.extend(["auc_iqm", "auc_n", "expected", "missing"].map(String::from));
    for metric in ["macro_auc", "ano_auc"] {
        header.extend(["mean", "std"].map(|part| format!("{metric}_{part}")));
    }
    let mut table = Table::new(header.iter().map(String::as_str).chain(names(results)));
    let mut rows: Vec<&SummaryRow> = rows.iter().collect();
    rows.sort_by(|left, right| {
        left.variant
            .cmp(&right.variant)
            .then_with(|| compare_points(&left.point, &right.point))
    });
    for row in rows {
        if results.rehearsal {
            table.text(&format!("{} (rehearsal)", row.variant));
        } else {
            table.text(&row.variant);
        }
        table.text(&row.n.to_string());
        table.text(&row.failed.to_string());
        for estimate in [&row.d[0], &row.g[0], &row.auc] {
            table.mean_and_std(estimate);
            table.number(estimate.interval.map(|interval| interval.low));
            table.number(estimate.interval.map(|interval| interval.high));
        }
        for (d, g) in row.d.iter().zip(&row.g).skip(1) {
            table.mean_and_std(d);
            table.mean_and_std(g);
        }
        table.number(row.auc.iqm);
        table.text(&row.auc.n.to_string());
        table.text(&row.expected.to_string());
        table.text(&row.missing.to_string());
        table.mean_and_std(&row.within);
        table.mean_and_std(&row.anomalous);
        table.point(&row.point, results.columns.len());
        table.end_line();
    }
    table.into_text()
}

/// The epochs of a cell: of its record, or those that a running job has reported so far.
pub(crate) fn curve(result: &CellResult) -> &[sweeps::EpochPoint] {
    match &result.record {
        Some(record) => &record.outcome.curve,
        None => &result.live,
    }
}

/// Epochs of the main phase that a finished job has run.
fn epochs(result: &CellResult) -> Option<usize> {
    let record = result.record.as_ref()?;
    Some(
        record
            .outcome
            .curve
            .iter()
            .filter(|point| point.phase == Phase::Train)
            .count(),
    )
}

fn sorted(results: &SweepResults) -> Vec<(usize, &CellResult)> {
    let mut cells: Vec<(usize, &CellResult)> = results.cells.iter().enumerate().collect();
    cells.sort_by(|(_, left), (_, right)| compare_cells(left, right));
    cells
}

fn names(results: &SweepResults) -> impl Iterator<Item = &str> {
    results.columns.iter().map(String::as_str)
}
