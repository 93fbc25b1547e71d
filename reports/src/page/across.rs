//! Methods over several data sets: the mean on each, and one interquartile mean over all of them.

use std::collections::BTreeMap;

use super::Section;
use super::html::{Cell, Table, interval, percent};
use crate::pairing::dataset;
use statistics::{bootstrap_interval, interquartile_mean, mean};

/// Runs of one method up to which its interquartile mean gets an interval: the work grows with their number.
const MOST_RESAMPLED: usize = 400;
/// Methods that are listed at most.
const MOST: usize = 100;

/// The AUCs of a method by data set and seed.
type ByDataset = BTreeMap<String, BTreeMap<u64, f64>>;

/// The table of methods that have results on every data set of the section; empty where there is one data set, or no such
/// method.
pub(super) fn across(section: &Section<'_>) -> String {
    let mut datasets: Vec<String> = Vec::new();
    let mut methods: Vec<(String, ByDataset)> = Vec::new();
    for row in &section.rows {
        let Some(cell) = row.first(section.results) else {
            continue;
        };
        // The merged table tells two data sets of one name apart by its column.
        let dataset =
            dataset(section.results, row).unwrap_or_else(|| cell.cell.job.dataset.to_string());
        if !datasets.contains(&dataset) {
            datasets.push(dataset.clone());
        }
        let settings = row.settings_label(&section.results.columns);
        let label = if settings.is_empty() {
            row.variant.clone()
        } else {
            format!("{} · {settings}", row.variant)
        };
        let aucs: BTreeMap<u64, f64> = row.seeds_and_aucs(section.results).collect();
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
    // A mean over recorded and made-up data would be of neither.
    let synthetic = section
        .datasets
        .iter()
        .filter(|info| info.synthetic)
        .count();
    if synthetic > 0 && synthetic < section.datasets.len() {
        return "<p class=\"note\">No mean is taken over these data sets: some are synthetic and some are not.</p>\n"
            .to_owned();
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
    heads.extend(
        [
            "#Interquartile mean over all",
            "#95% interval",
            "#Seeds finished on all",
        ]
        .map(String::from),
    );
    let mut table = Table::new(
        "Methods with results on every data set: mean on each, and interquartile mean over the runs of all",
        Some("copy"),
        &heads,
    );
    for (label, of) in methods.iter().take(MOST) {
        let strata = common_seeds(&datasets, of);
        let strata: Vec<&[f64]> = strata.iter().map(Vec::as_slice).collect();
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
            Cell::Number((pooled.len() / datasets.len()).to_string(), None),
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
        "<h3>Over all data sets</h3>\n{}<p class=\"note\">Over the seeds that finished on every data set, so that each counts alike. The interquartile mean is that of the middle half of these runs, whatever their data set; its \
         bootstrap interval resamples seeds within each data set. It says how a method does over these data sets, not over others.{left_out}</p>\n",
        table.finish()
    )
}

/// The AUCs on each data set of the seeds that finished on all of them.
fn common_seeds(datasets: &[String], of: &BTreeMap<String, BTreeMap<u64, f64>>) -> Vec<Vec<f64>> {
    let everywhere = |seed: &u64| of.values().all(|aucs| aucs.contains_key(seed));
    datasets
        .iter()
        .filter_map(|name| of.get(name))
        .map(|aucs| {
            aucs.iter()
                .filter(|(seed, _)| everywhere(seed))
                .map(|(_, auc)| *auc)
                .collect()
        })
        .collect()
}
