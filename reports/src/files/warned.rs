//! What jobs warned of, which went on from a checkpoint and which were not trained for the sweep, in `sweep.json`: the tables of
//! results have no column for it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sweeps::{CellResult, Warning};

use crate::results::SweepResults;

/// A warning with the jobs that recorded it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Warned {
    code: String,
    message: String,
    jobs: Vec<String>,
}

/// The warnings of all records, each text once with its jobs.
pub(super) fn warned(results: &SweepResults) -> Vec<Warned> {
    let mut jobs: BTreeMap<&Warning, BTreeSet<String>> = BTreeMap::new();
    for result in &results.cells {
        for warning in result
            .record
            .iter()
            .flat_map(|record| &record.outcome.warnings)
        {
            jobs.entry(warning)
                .or_default()
                .insert(result.job_id.to_string());
        }
    }
    jobs.into_iter()
        .map(|(warning, jobs)| Warned {
            code: warning.code.clone(),
            message: warning.message.clone(),
            jobs: jobs.into_iter().collect(),
        })
        .collect()
}

/// Puts warnings and resumptions back into the records that they were taken from.
pub(super) fn restore(
    results: &mut SweepResults,
    warnings: Vec<Warned>,
    resumed: &BTreeMap<String, u32>,
) {
    let mut of_job: BTreeMap<String, Vec<Warning>> = BTreeMap::new();
    for warned in warnings {
        for job in warned.jobs {
            of_job.entry(job).or_default().push(Warning {
                code: warned.code.clone(),
                message: warned.message.clone(),
            });
        }
    }
    for result in &mut results.cells {
        let job = result.job_id.to_string();
        let (warnings, resumed) = (of_job.get(&job), resumed.get(&job));
        if let Some(record) = result
            .record
            .as_mut()
            .filter(|_| warnings.is_some() || resumed.is_some())
        {
            let record = std::sync::Arc::make_mut(record);
            record.outcome.warnings = warnings.cloned().unwrap_or_default();
            record.provenance.resumed = resumed.copied().unwrap_or(0);
        }
    }
}

/// How often each job was taken up again from a checkpoint, for those that were.
pub(super) fn resumed(results: &SweepResults) -> BTreeMap<String, u32> {
    results
        .cells
        .iter()
        .filter_map(|result| Some((result.job_id, result.record.as_ref()?.provenance.resumed)))
        .filter(|(_, resumed)| *resumed > 0)
        .map(|(job, resumed)| (job.to_string(), resumed))
        .collect()
}

/// Since when the user's cache of finished results has those that were taken over from it.
pub(super) fn taken_over(results: &SweepResults) -> BTreeMap<String, u64> {
    let since = |result: &CellResult| {
        let since = result.record.as_ref()?.provenance.cached_since_ms?;
        Some((result.job_id.to_string(), since))
    };
    results.cells.iter().filter_map(since).collect()
}

/// Puts that back.
pub(super) fn restore_taken_over(results: &mut SweepResults, taken_over: &BTreeMap<String, u64>) {
    if taken_over.is_empty() {
        return;
    }
    for result in &mut results.cells {
        let since = taken_over.get(&result.job_id.to_string());
        if let (Some(record), Some(since)) = (result.record.as_mut(), since) {
            std::sync::Arc::make_mut(record).provenance.cached_since_ms = Some(*since);
        }
    }
}
