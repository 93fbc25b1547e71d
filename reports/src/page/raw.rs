//! Every cell, one line each.

use sweeps::{CellResult, ScoreMetrics, Value};

use super::Section;
use super::html::{Cell, Table, duration, percent};
use crate::order::compare_cells;

/// Lines of the table at most: a page of 20,000 lines still opens, a larger one does not everywhere.
const MOST: usize = 20_000;

pub(super) fn raw(section: &Section<'_>) -> String {
    let results = section.whole;
    let mut cells: Vec<(usize, &CellResult)> = results.cells.iter().enumerate().collect();
    cells.sort_by(|(_, left), (_, right)| compare_cells(left, right));
    let mut columns: Vec<String> = vec!["Variant".into()];
    columns.extend(results.columns.iter().cloned());
    columns.extend(
        [
            "#Seed",
            "Status",
            "#AUC",
            "#AUC of D",
            "#AUC of G",
            "#AP",
            "#FAR",
            "#Epochs",
            "#Time",
            "Device",
            "#Attempts",
            "Job",
        ]
        .map(String::from),
    );
    let mut table = Table::new(
        "AUC, AP and FAR in percent; copies have fractions in full precision",
        Some("filter"),
        &columns,
    );
    for (index, result) in cells.iter().take(MOST) {
        let epochs = results
            .lost_curves
            .get(index)
            .map_or_else(|| crate::files::curve(result).len(), |lost| lost.epochs);
        let record = result.record.as_deref();
        let metrics = record.map(|record| &record.outcome.metrics);
        let (d, g) = (
            metrics.and_then(|metrics| metrics.d),
            metrics.and_then(|metrics| metrics.g),
        );
        let number = |value: Option<f64>| Cell::Number(percent(value), value);
        let reported = |metric: fn(&ScoreMetrics) -> Option<f64>| {
            let reported = result.cell.reporting.score_by.of(d, g);
            number(reported.as_ref().and_then(metric))
        };
        let mut line = vec![Cell::Head(result.cell.variant.clone())];
        line.extend(point_cells(section, result));
        line.extend([
            Cell::Number(result.cell.job.seed.to_string(), None),
            Cell::Text(result.status.name().to_owned()),
            number(result.auc()),
            number(d.and_then(|d| d.auc)),
            number(g.and_then(|g| g.auc)),
            reported(|metrics| metrics.ap),
            reported(|metrics| metrics.far),
            Cell::Number(epochs.to_string(), None),
            record.map_or(Cell::Number("–".into(), None), |record| {
                Cell::Number(
                    duration(record.provenance.duration_s),
                    Some(record.provenance.duration_s),
                )
            }),
            Cell::Text(
                record.map_or_else(String::new, |record| record.provenance.device.kind.clone()),
            ),
            Cell::Number(result.attempts.to_string(), None),
            Cell::Html(format!("<code>{}</code>", result.job_id.short())),
        ]);
        table.row("", line);
    }
    if cells.len() > MOST {
        table.note(&format!("{} more are in results.csv.", cells.len() - MOST));
    }
    let open = if cells.len() <= 100 { " open" } else { "" };
    format!(
        "<details class=\"raw\"{open}><summary>{} cells, one line each</summary>\n{}</details>\n",
        cells.len(),
        table.finish()
    )
}

/// The swept values of a cell, one table cell each.
pub(super) fn point_cells<'a>(
    section: &'a Section<'_>,
    result: &'a CellResult,
) -> impl Iterator<Item = Cell> + 'a {
    value_cells(section, &result.cell.point)
}

/// Swept values, one table cell each.
pub(super) fn value_cells<'a>(
    section: &'a Section<'_>,
    point: &'a [Option<Value>],
) -> impl Iterator<Item = Cell> + 'a {
    (0..section.results.columns.len()).map(|index| {
        match point.get(index).and_then(Option::as_ref) {
            Some(value) if value.as_float().is_some() => {
                Cell::Number(value.to_string(), value.as_float())
            }
            Some(value) => Cell::Text(value.to_string()),
            None => Cell::Text(String::new()),
        }
    })
}
