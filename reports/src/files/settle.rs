//! The jobs behind the lines of `results.csv`: the sweep file in `sweep.json` says with which settings each was trained.

use std::collections::HashMap;

use sweeps::{Cell, Limits, Value, expand_text};

use crate::results::SweepResults;

/// Cells that the file may have beyond those of the table, which can be a part of them.
const MOST: usize = 1_000_000;

/// Variant, seed and the texts of the swept values: what tells a cell from the others in a table.
type Key = (String, u64, Vec<String>);

/// Gives each cell the job, the typed point and the reporting that the sweep file means by it. A file that does not read, or
/// has other columns, leaves the cells as they are: their settings stay unknown, which a report says.
pub(super) fn settle_jobs(results: &mut SweepResults) {
    if results.source_text.is_empty() {
        return;
    }
    let limits = Limits { max_jobs: MOST };
    let Ok((spec, expansion)) = expand_text(&results.source_path, &results.source_text, limits)
    else {
        return;
    };
    // What the file asks of its report, where nothing beside it says so.
    let report = &mut results.report;
    if report.figures.is_empty() {
        report.figures.clone_from(&spec.report.figures);
    }
    if report.tables.is_empty() {
        report.tables.clone_from(&spec.report.tables);
    }
    if report.reference.is_none() {
        report.reference.clone_from(&spec.report.reference);
    }
    // Where each column of the table is in the file's own order.
    let places: Option<Vec<usize>> = results
        .columns
        .iter()
        .map(|column| expansion.columns.iter().position(|other| other == column))
        .collect();
    let Some(places) = places.filter(|places| places.len() == expansion.columns.len()) else {
        return;
    };
    let cells: HashMap<Key, Cell> = expansion
        .cells
        .into_iter()
        .map(|mut cell| {
            cell.point = places
                .iter()
                .map(|place| cell.point.get(*place).cloned().flatten())
                .collect();
            (key(&cell), cell)
        })
        .collect();
    for result in &mut results.cells {
        if let Some(cell) = cells.get(&key(&result.cell)) {
            result.cell = cell.clone();
        }
    }
}

fn key(cell: &Cell) -> Key {
    // A number is itself however it is spelt; every other value is its text.
    let text = |value: &Option<Value>| match value {
        None => String::new(),
        Some(value) => match value.as_float() {
            Some(number) => format!("{number:?}"),
            None => value.to_string(),
        },
    };
    (
        cell.variant.clone(),
        cell.job.seed,
        cell.point.iter().map(text).collect(),
    )
}
