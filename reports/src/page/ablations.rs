//! What each swept parameter does.

use std::collections::BTreeMap;

use sweeps::Value;

use super::Section;
use super::html::{Cell, Table, escape, interval, percent};
use crate::factor::{Factor, factors};
use crate::generated::is_data;
use crate::order::{compare_points, compare_values};
use crate::pairing::by_dataset;
use crate::summary::SummaryRow;
use statistics::{bootstrap_interval, interquartile_mean};

/// Values of one setting up to which its interquartile mean gets an interval: the work grows with their number.
const MOST_RESAMPLED: usize = 200;
/// Runs from which on: of fewer, the bootstrap covers far less than it says. From here on it covers somewhat less, which a
/// simulation in the tests bounds.
const FEWEST_RESAMPLED: usize = 6;
/// Values of a parameter up to which their lines get intervals, for the same reason.
const MOST_VALUES: usize = 50;

/// A line of a table: the rows of one value on one data set.
struct Line<'a> {
    dataset: Option<String>,
    value: &'a Value,
    rows: Vec<&'a SummaryRow>,
}

/// What each swept parameter does: all runs with one of its values, whatever the other settings, each data set by itself.
/// The data set is no parameter: the gap between two of them is the effect of nothing that somebody chose.
pub(super) fn ablations(section: &Section<'_>) -> String {
    let results = section.results;
    let mut html = String::new();
    for factor in factors(results) {
        let name = factor.full_name(&results.columns);
        if is_data(factor.name(&results.columns)) {
            continue;
        }
        let lines = lines(section, &factor);
        if lines.is_empty() {
            continue;
        }
        html.push_str(&format!(
            "<h3>{}</h3>\n{}",
            escape(&name),
            table(section, &name, &lines)
        ));
    }
    if !html.is_empty() {
        html.push_str(&format!(
            "<p class=\"note\">The interquartile mean is the mean of the middle half of the runs. Its interval resamples seeds within each \
             combination of the other settings (bootstrap; it covers somewhat less than 95%), and is given for {FEWEST_RESAMPLED} to \
             {MOST_RESAMPLED} runs and up to {MOST_VALUES} values. A line in which not \
             every run finished may be of other settings than its neighbours. Each data set has lines of its own.</p>\n"
        ));
    }
    html
}

/// The lines of a factor, by data set and value; none where no data set has two values.
fn lines<'a>(section: &'a Section<'_>, factor: &Factor) -> Vec<Line<'a>> {
    let (results, rows) = (section.results, &section.rows);
    let column = factor.column;
    let mut lines: Vec<Line<'a>> = Vec::new();
    for group in by_dataset(results, rows) {
        let mut rows: Vec<&SummaryRow> = group
            .into_iter()
            .map(|index| &rows[index])
            .filter(|row| row.point.get(column).is_some_and(Option::is_some))
            .collect();
        let value_of = |row: &SummaryRow| row.point[column].clone();
        rows.sort_by(|left, right| compare_points(&[value_of(left)], &[value_of(right)]));
        let mut found: Vec<Line<'a>> = Vec::new();
        for row in rows {
            let Some(value) = row.point[column].as_ref() else {
                continue;
            };
            match found.last_mut() {
                Some(line) if compare_values(line.value, value).is_eq() => line.rows.push(row),
                _ => found.push(Line {
                    dataset: crate::pairing::dataset(results, row),
                    value,
                    rows: vec![row],
                }),
            }
        }
        if found.len() > 1 {
            lines.extend(found);
        }
    }
    lines
}

fn table(section: &Section<'_>, name: &str, lines: &[Line<'_>]) -> String {
    let results = section.results;
    let several = lines.iter().any(|line| line.dataset.is_some());
    let mut columns: Vec<String> = Vec::new();
    if several {
        columns.push("Data set".into());
    }
    columns.extend(
        [
            "Value",
            "#AUC %, interquartile mean",
            "#95% interval",
            "#Worst seed",
            "#Best seed",
            "#n",
            "Not finished",
        ]
        .map(String::from),
    );
    let caption = if several {
        format!("{name}: over all variants and other settings of a data set together")
    } else {
        format!("{name}: over all variants and other settings together")
    };
    let mut table = Table::new(&caption, Some("copy"), &columns);
    let mut counts: BTreeMap<&Option<String>, usize> = BTreeMap::new();
    for line in lines {
        *counts.entry(&line.dataset).or_default() += 1;
    }
    let few = counts.values().all(|values| *values <= MOST_VALUES);
    for line in lines {
        let strata: Vec<Vec<f64>> = line
            .rows
            .iter()
            .map(|row| row.aucs(results))
            .filter(|aucs| !aucs.is_empty())
            .collect();
        let pooled = strata.concat();
        let resampled = if few && (FEWEST_RESAMPLED..=MOST_RESAMPLED).contains(&pooled.len()) {
            let strata: Vec<&[f64]> = strata.iter().map(Vec::as_slice).collect();
            bootstrap_interval(&strata, |drawn| interquartile_mean(&drawn.concat()))
        } else {
            None
        };
        let sum =
            |count: fn(&SummaryRow) -> usize| line.rows.iter().map(|row| count(row)).sum::<usize>();
        let (expected, failed, missing) = (
            sum(|row| row.expected),
            sum(|row| row.failed),
            sum(|row| row.missing),
        );
        let iqm = interquartile_mean(&pooled);
        let shortfall = [(failed, "failed"), (missing, "missing")]
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| format!("{number} {word}"))
            .collect::<Vec<_>>()
            .join(", ");
        let mut cells = Vec::new();
        if several {
            cells.push(Cell::Text(line.dataset.clone().unwrap_or_default()));
        }
        cells.extend([
            Cell::Head(line.value.to_string()),
            Cell::Number(percent(iqm), iqm.map(|iqm| iqm * 100.0)),
            Cell::Number(interval(resampled), None),
            Cell::Number(percent(pooled.iter().copied().reduce(f64::min)), None),
            Cell::Number(percent(pooled.iter().copied().reduce(f64::max)), None),
            Cell::Number(
                format!("{} of {expected}", pooled.len()),
                Some(pooled.len() as f64),
            ),
            Cell::Text(shortfall),
        ]);
        table.row(if failed + missing > 0 { "short" } else { "" }, cells);
    }
    table.finish()
}
