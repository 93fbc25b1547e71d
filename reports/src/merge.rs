//! Several sweeps as one table: their cells under the columns that any of them has, with the data set as a column of its own.

use std::collections::{BTreeMap, BTreeSet};

use sweeps::{CellResult, Digest, Parameters, Value};

use crate::generated;
use crate::results::SweepResults;
use crate::summary::summary;
use crate::versions::short_names;

/// The sweeps as one. Rows of one variant at one point stand together only where their settings are known and equal, or where
/// they are of one sweep; elsewhere the variant bears its sweep's name. A job that two sweeps share is counted once.
pub fn merge(sweeps: &[&SweepResults]) -> SweepResults {
    let mut names = dataset_names(sweeps);
    for results in sweeps {
        name_by_seed(results, &mut names);
    }
    let several = names.values().collect::<BTreeSet<_>>().len() > 1;
    let mut columns: Vec<String> = Vec::new();
    if several {
        columns.push("dataset".to_owned());
    }
    for column in sweeps.iter().flat_map(|results| &results.columns) {
        if column != "dataset" && !columns.contains(column) {
            columns.push(column.clone());
        }
    }
    let mut rows: Vec<(usize, CellResult)> = Vec::new();
    for (index, results) in sweeps.iter().enumerate() {
        for result in &results.cells {
            let mut result = result.clone();
            let point = columns
                .iter()
                .map(|column| match column.as_str() {
                    "dataset" => names
                        .get(&dataset_key(&result))
                        .map(|name| Value::Text(name.clone())),
                    name => value_of(results, &result, name),
                })
                .collect();
            result.cell.point = point;
            rows.push((index, result));
        }
    }
    tell_apart(sweeps, &mut rows);
    let mut seen: BTreeSet<(String, String, u64, [u8; 32])> = BTreeSet::new();
    let cells = rows
        .into_iter()
        .map(|(_, result)| result)
        .filter(|result| {
            seen.insert((
                result.cell.variant.clone(),
                format!("{:?}", result.cell.point),
                result.cell.job.seed,
                result.job_id.0,
            ))
        })
        .collect();
    let mut datasets = Vec::new();
    for info in sweeps.iter().flat_map(|results| results.datasets_in_use()) {
        if !datasets.contains(&info) {
            datasets.push(info);
        }
    }
    SweepResults {
        name: sweeps
            .iter()
            .map(|results| results.name.as_str())
            .collect::<Vec<_>>()
            .join(" + "),
        datasets,
        columns,
        cells,
        version: sweeps
            .first()
            .map(|results| results.version.clone())
            .unwrap_or_default(),
        cards: sweeps
            .iter()
            .flat_map(|results| results.cards.clone())
            .collect(),
        warnings_lost: sweeps.iter().any(|results| results.warnings_lost),
        rehearsal: sweeps.iter().any(|results| results.rehearsal),
        ..SweepResults::default()
    }
}

/// Name and digest of the data set that a cell was trained on, as far as they are known.
fn dataset_key(result: &CellResult) -> (String, Digest) {
    let digest = result
        .record
        .as_ref()
        .map_or(Digest([0; 32]), |record| record.provenance.dataset_digest);
    (result.cell.job.dataset.to_string(), digest)
}

/// What each data set is called: its name, with the start of its digest where two data sets bear one name.
fn dataset_names(sweeps: &[&SweepResults]) -> BTreeMap<(String, Digest), String> {
    let keys: BTreeSet<(String, Digest)> = sweeps
        .iter()
        .flat_map(|results| &results.cells)
        .map(dataset_key)
        .collect();
    let nothing = Digest([0; 32]);
    keys.iter()
        .map(|(name, digest)| {
            let others = keys
                .iter()
                .filter(|(other, known)| other == name && *known != nothing)
                .count();
            let shown = if others > 1 && *digest != nothing {
                format!("{name} ({})", digest.short())
            } else {
                name.clone()
            };
            ((name.clone(), *digest), shown)
        })
        .collect()
}

/// Where each seed of a sweep has generated data of its own, its seeds are no data sets that are compared: they share a name.
fn name_by_seed(results: &SweepResults, names: &mut BTreeMap<(String, Digest), String>) {
    for row in summary(results) {
        let Some(shown) = generated::of_seeds(results, &row) else {
            continue;
        };
        for result in row.cells.iter().filter_map(|cell| results.cells.get(*cell)) {
            let key = dataset_key(result);
            if key.0 != shown
                && let Some(name) = names.get_mut(&key)
                && *name == key.0
            {
                name.clone_from(&shown);
            }
        }
    }
}

/// The value of a column in a cell of a sweep: swept, or of the job's settings where the sweep does not sweep it.
fn value_of(results: &SweepResults, result: &CellResult, column: &str) -> Option<Value> {
    match results.columns.iter().position(|name| name == column) {
        Some(index) => result.cell.point.get(index).cloned().flatten(),
        None => result.cell.job.parameters.get(column).cloned(),
    }
}

/// Gives variants of several sweeps their sweep's name where they are not known to be one method.
fn tell_apart(sweeps: &[&SweepResults], rows: &mut [(usize, CellResult)]) {
    let mut of: BTreeMap<(String, String), Vec<(usize, Parameters)>> = BTreeMap::new();
    for (index, result) in rows.iter() {
        let key = (
            result.cell.variant.clone(),
            format!("{:?}", result.cell.point),
        );
        let known = of.entry(key).or_default();
        if !known.iter().any(|(other, _)| other == index) {
            known.push((*index, result.cell.job.parameters.clone()));
        }
    }
    let ambiguous: BTreeSet<String> = of
        .into_iter()
        .filter(|(_, known)| {
            known
                .windows(2)
                .any(|pair| !pair[0].1.contains("method") || pair[0].1 != pair[1].1)
        })
        .map(|((variant, _), _)| variant)
        .collect();
    let names = short_names(sweeps);
    for (index, result) in rows {
        if ambiguous.contains(&result.cell.variant) {
            result.cell.variant = format!("{} ({})", result.cell.variant, names[*index]);
        }
    }
}
