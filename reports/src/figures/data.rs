//! The CSV of the figures that are drawn from cells and epochs. A line says which figure it belongs to, so that the file
//! alone draws it again; every cell that was asked for has one, so that n and "of how many" are known too.

use sweeps::{CellResult, Phase};

use super::dots::Published;
use super::overlay::reported;
use crate::files::{Table, curve};
use crate::results::SweepResults;
use crate::summary::SummaryRow;

/// Columns of a figure that is drawn from cells; the swept parameters follow.
pub(super) const CELL_COLUMNS: [&str; 10] = [
    "figure",
    "sweep",
    "variant",
    "seed",
    "status",
    "auc",
    "auc_d",
    "auc_g",
    "published",
    "published_std",
];

/// Columns of a figure that is drawn from epochs; the swept parameters follow. `auc` is that of the reported score.
pub(super) const EPOCH_COLUMNS: [&str; 9] = [
    "figure", "sweep", "variant", "seed", "status", "epoch", "auc", "auc_d", "auc_g",
];

/// A line per cell of `rows`, in their order. `published` may be empty.
pub(super) fn cell_table(
    results: &SweepResults,
    rows: &[SummaryRow],
    published: &[Option<Published>],
    figure: &str,
) -> String {
    let columns = results.columns.iter().map(String::as_str);
    let mut table = Table::new(CELL_COLUMNS.into_iter().chain(columns));
    for (index, row) in rows.iter().enumerate() {
        let published = published.get(index).copied().flatten();
        for result in row.cells.iter().map(|index| &results.cells[*index]) {
            start(&mut table, results, result, figure);
            let metrics = result.record.as_ref().map(|record| &record.outcome.metrics);
            table.number(result.auc());
            for score in [
                metrics.and_then(|both| both.d),
                metrics.and_then(|both| both.g),
            ] {
                table.number(score.and_then(|score| score.auc));
            }
            table.number(published.map(|published| published.value / 100.0));
            let std = published.and_then(|published| published.std);
            table.number(std.map(|std| std / 100.0));
            table.point(&row.point, results.columns.len());
            table.end_line();
        }
    }
    table.into_text()
}

/// A line per epoch of every cell of `rows`; a cell without an epoch has one line without numbers.
pub(super) fn epoch_table(results: &SweepResults, rows: &[SummaryRow], figure: &str) -> String {
    let columns = results.columns.iter().map(String::as_str);
    let mut table = Table::new(EPOCH_COLUMNS.into_iter().chain(columns));
    for row in rows {
        for index in &row.cells {
            let result = &results.cells[*index];
            let points = || {
                curve(result)
                    .iter()
                    .filter(|point| point.phase == Phase::Train)
            };
            for point in points() {
                start(&mut table, results, result, figure);
                table.text(&point.epoch.to_string());
                table.number(reported(results, *index, point));
                table.number(point.auc_d);
                table.number(point.auc_g);
                table.point(&row.point, results.columns.len());
                table.end_line();
            }
            if points().next().is_none() {
                start(&mut table, results, result, figure);
                (0..4).for_each(|_| table.text(""));
                table.point(&row.point, results.columns.len());
                table.end_line();
            }
        }
    }
    table.into_text()
}

fn start(table: &mut Table, results: &SweepResults, result: &CellResult, figure: &str) {
    table.text(figure);
    table.text(&results.name);
    table.text(&result.cell.variant);
    table.text(&result.cell.job.seed.to_string());
    table.text(result.status.name());
}
