//! Sweeps of one name: versions of it, in the order in which they are given, and what each changes of the one before.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use sweeps::CellResult;

use crate::results::SweepResults;

/// Settings that a sentence names.
const MOST: usize = 12;
/// What stands between a sweep's name and its number.
const BETWEEN: &str = ", version ";

/// The sweeps, those that share a name numbered: a reader must tell their rows apart.
pub(crate) fn named(sweeps: &[SweepResults]) -> Cow<'_, [SweepResults]> {
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for results in sweeps {
        *uses.entry(&results.name).or_default() += 1;
    }
    if uses.values().all(|uses| *uses < 2) {
        return Cow::Borrowed(sweeps);
    }
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let named = sweeps.iter().map(|results| {
        let number = numbers.entry(&results.name).or_default();
        *number += 1;
        let name = if uses[results.name.as_str()] > 1 {
            format!("{}{BETWEEN}{number}", results.name)
        } else {
            results.name.clone()
        };
        SweepResults {
            name,
            ..results.clone()
        }
    });
    Cow::Owned(named.collect())
}

/// What each sweep is called beside the others: its name, with a number where others bear it too.
pub fn names(sweeps: &[SweepResults]) -> Vec<String> {
    named(sweeps)
        .iter()
        .map(|results| results.name.clone())
        .collect()
}

/// What a row of each sweep is called beside its variant: `version 2` where all are versions of one sweep, the sweep's name
/// elsewhere.
pub(crate) fn short_names(sweeps: &[&SweepResults]) -> Vec<String> {
    let parts = |results: &SweepResults| {
        let (name, number) = results.name.rsplit_once(BETWEEN)?;
        Some((name.to_owned(), number.to_owned()))
    };
    let split: Vec<Option<(String, String)>> =
        sweeps.iter().map(|results| parts(results)).collect();
    let one_name = |first: &(String, String)| {
        split
            .iter()
            .all(|other| matches!(other, Some((name, _)) if *name == first.0))
    };
    let versions = matches!(split.first(), Some(Some(first)) if one_name(first));
    let mut names: Vec<String> = Vec::new();
    for (results, split) in sweeps.iter().zip(split) {
        let name = match split {
            Some((_, number)) if versions => format!("version {number}"),
            _ => results.name.clone(),
        };
        // Whoever merges sweeps of one name without numbers must not mix their rows.
        let mut told = name.clone();
        let mut number = 1;
        while names.contains(&told) {
            number += 1;
            told = format!("{name}, {number}");
        }
        names.push(told);
    }
    names
}

/// A sentence for each sweep that is a later version of one before it.
pub(crate) fn sentences(sweeps: &[&SweepResults]) -> Vec<String> {
    let mut last: BTreeMap<&str, &SweepResults> = BTreeMap::new();
    let mut sentences = Vec::new();
    for results in sweeps {
        let Some((name, _)) = results.name.rsplit_once(BETWEEN) else {
            continue;
        };
        if let Some(before) = last.insert(name, results) {
            sentences.push(sentence(before, results));
        }
    }
    sentences
}

fn sentence(before: &SweepResults, after: &SweepResults) -> String {
    // Tables alone know no method.
    let is_known = |result: &CellResult| result.cell.job.parameters.contains("method");
    let mut changes: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut unknown = false;
    let columns: Vec<&String> = after
        .columns
        .iter()
        .filter(|column| before.columns.contains(column))
        .collect();
    let earlier: BTreeMap<_, &CellResult> = before
        .cells
        .iter()
        .rev()
        .map(|result| (key(before, result, &columns), result))
        .collect();
    let mut met = BTreeSet::new();
    let mut new = BTreeSet::new();
    for result in &after.cells {
        let key = key(after, result, &columns);
        let Some(other) = earlier.get(&key) else {
            new.insert(result.cell.variant.as_str());
            continue;
        };
        met.insert(key);
        if other.job_id == result.job_id {
            continue;
        }
        if !is_known(result) || !is_known(other) {
            unknown = true;
            continue;
        }
        for change in settings_that_differ(other, result) {
            changes
                .entry(change)
                .or_default()
                .insert(&result.cell.variant);
        }
    }
    let gone: BTreeSet<&str> = earlier
        .iter()
        .filter(|(key, _)| !met.contains(*key))
        .map(|(_, result)| result.cell.variant.as_str())
        .collect();
    let list = |names: &BTreeSet<&str>| names.iter().copied().collect::<Vec<_>>().join(", ");
    let mut parts: Vec<String> = changes
        .iter()
        .take(MOST)
        .map(|(change, variants)| format!("{change} ({})", list(variants)))
        .collect();
    if changes.len() > MOST {
        parts.push(format!("{} settings more", changes.len() - MOST));
    }
    if unknown {
        parts.push("settings that the tables do not tell".to_owned());
    }
    if !new.is_empty() {
        parts.push(format!("it has more cells of {}", list(&new)));
    }
    if !gone.is_empty() {
        parts.push(format!("it has fewer cells of {}", list(&gone)));
    }
    if parts.is_empty() {
        return format!(
            "“{}” has the jobs of “{}”: nothing differs.",
            after.name, before.name
        );
    }
    format!(
        "What “{}” changes of “{}”: {}. Rows whose jobs are the same in both stand once.",
        after.name,
        before.name,
        parts.join("; ")
    )
}

/// A cell by what both versions can say of it.
fn key(
    results: &SweepResults,
    result: &CellResult,
    columns: &[&String],
) -> (String, u64, Vec<String>) {
    let values = columns.iter().map(|column| {
        let at = results.columns.iter().position(|name| name == *column);
        at.and_then(|at| result.cell.point.get(at)?.as_ref())
            .map_or_else(String::new, ToString::to_string)
    });
    (
        result.cell.variant.clone(),
        result.cell.job.seed,
        values.collect(),
    )
}

/// `epochs 2 → 4`, one for each setting.
fn settings_that_differ(before: &CellResult, after: &CellResult) -> Vec<String> {
    let (before, after) = (&before.cell.job, &after.cell.job);
    let names: BTreeSet<&str> = before
        .parameters
        .iter()
        .chain(after.parameters.iter())
        .map(|(name, _)| name)
        .collect();
    let text = |job: &sweeps::JobSpec, name: &str| {
        job.parameters
            .get(name)
            .map_or_else(|| "–".to_owned(), ToString::to_string)
    };
    let mut changes: Vec<String> = names
        .into_iter()
        .filter(|name| before.parameters.get(name) != after.parameters.get(name))
        .map(|name| format!("{name} {} → {}", text(before, name), text(after, name)))
        .collect();
    let (old, new) = (before.dataset.to_string(), after.dataset.to_string());
    if old != new {
        changes.push(format!("data set {old} → {new}"));
    } else if changes.is_empty() {
        changes.push("the data set's content, or the trainer".to_owned());
    }
    changes
}
