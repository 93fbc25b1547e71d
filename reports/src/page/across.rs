//! Methods over several data sets: the mean on each, and one interquartile mean over all of them.

use std::collections::BTreeMap;

use super::Section;
use super::html::{Cell, Table, interval, percent};
use crate::statistics::{bootstrap_interval, interquartile_mean, mean};

/// Runs of one method up to which its interquartile mean gets an interval: the work grows with their number.
const MOST_RESAMPLED: usize = 400;
/// Methods that are listed at most.
const MOST: usize = 100;

/// The table of methods that have results on every data set of the section; empty where there is one data set, or no such
/// method.
pub(super) fn across(section: &Section<'_>) -> String {
    let columns = &section.results.columns;
    let mut datasets: Vec<String> = Vec::new();
    let mut methods: Vec<(String, BTreeMap<String, Vec<f64>>)> = Vec::new();
    for row in &section.rows {
        let Some(cell) = row
            .cells
            .first()
            .and_then(|index| section.results.cells.get(*index))
        else {
            continue;
        };
        // The merged table tells two data sets of one name apart by its column.
        let column = columns.iter().position(|name| name == "dataset");
        let dataset = column
            .and_then(|index| row.point.get(index)?.as_ref().map(ToString::to_string))
            .unwrap_or_else(|| cell.cell.job.dataset.to_string());
        if !datasets.contains(&dataset) {
            datasets.push(dataset.clone());
        }
        let mut point = Vec::new();
        for index in &row.shown {
            if let (Some(name), Some(Some(value))) = (columns.get(*index), row.point.get(*index))
                && name != "dataset"
            {
                point.push(format!("{name} = {value}"));
            }
        }
        let label = if point.is_empty() {
            row.variant.clone()
        } else {
            format!("{} · {}", row.variant, point.join(", "))
        };
        let aucs: Vec<f64> = row
            .seeds_and_aucs(section.results)
            .map(|(_, auc)| auc)
            .collect();
        if aucs.is_empty() {
            continue;
        }
        match methods.iter_mut().find(|(other, _)| *other == label) {
            Some((_, of)) => of.entry(dataset).or_default().extend(aucs),
            None => methods.push((label, BTreeMap::from([(dataset, aucs)]))),
        }
    }
    if datasets.len() < 2 {
        return String::new();
    }
    let partial = methods
        .iter()
        .filter(|(_, of)| of.len() < datasets.len())
        .count();
    methods.retain(|(_, of)| of.len() == datasets.len());
    if methods.is_empty() {
        return String::new();
    }
    let mut heads = vec!["Method".to_owned()];
    heads.extend(datasets.iter().map(|name| format!("#{name}, mean AUC %")));
    heads.extend(["#Interquartile mean over all", "#95% interval", "#Runs"].map(String::from));
    let mut table = Table::new(
        "Methods with results on every data set: mean on each, and interquartile mean over the runs of all",
        Some("copy"),
        &heads,
    );
    for (label, of) in methods.iter().take(MOST) {
        let strata: Vec<&[f64]> = datasets
            .iter()
            .filter_map(|name| of.get(name).map(Vec::as_slice))
            .collect();
        let pooled = strata.concat();
        let resampled = if pooled.len() <= MOST_RESAMPLED {
            bootstrap_interval(&strata, |drawn| interquartile_mean(&drawn.concat()))
        } else {
            None
        };
        let iqm = interquartile_mean(&pooled);
        let mut cells = vec![Cell::Head(label.clone())];
        cells.extend(
            strata
                .iter()
                .map(|aucs| Cell::Number(percent(mean(aucs)), mean(aucs))),
        );
        cells.extend([
            Cell::Number(percent(iqm), iqm),
            Cell::Number(interval(resampled), None),
            Cell::Number(pooled.len().to_string(), None),
        ]);
        table.row("", cells);
    }
    let left_out = if partial > 0 {
        format!(
            " {partial} more have results on some of the data sets alone, and no mean over all."
        )
    } else {
        String::new()
    };
    format!(
        "<h3>Over all data sets</h3>\n{}<p class=\"note\">The interquartile mean is that of the middle half of all runs, whatever their data set; its \
         bootstrap interval resamples seeds within each data set. It says how a method does over these data sets, not over others.{left_out}</p>\n",
        table.finish()
    )
}
