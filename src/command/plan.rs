//! `gcl-sweep plan`: what a sweep would run. Nothing is started.

use std::collections::{BTreeMap, BTreeSet};

use sweeps::{Adaptive, Cell, JobId, Training};

use crate::arguments::{Format, Plan};
use crate::command::estimate::Estimate;
use crate::command::known::Known;
use crate::command::places::places;
use crate::command::preflight::{self, Findings};
use crate::command::submit;
use crate::command::sweep_file::{JobKey, SweepFile};
use crate::data_folders::Folders;
use crate::error::CommandError;
use crate::labels;
use crate::output;
use crate::output::counted;

/// A variant at one swept point: the cells that differ only in their seed.
struct Group<'a> {
    first: &'a Cell,
    seeds: Vec<u64>,
    jobs: BTreeSet<JobKey>,
    done: usize,
    /// Steps of an epoch, of a method with batches on known data.
    steps: Option<usize>,
}

/// Prints the groups of the grid, what is done already, and what looks wrong.
pub fn plan(arguments: &Plan, format: Format) -> Result<(), CommandError> {
    let mut file = SweepFile::select(&arguments.selection)?;
    file.open_datasets(&Folders::resolve(&arguments.selection.folders)?)?;
    let found = preflight::check(&file)?;
    let known = known(arguments, &file)?;
    let (done, meaning) = (&known.done, &known.meaning);
    let keys = file.job_keys();
    let is_done = |key: &JobKey| key.id().is_some_and(|id| done.contains(&id));
    let groups = groups(&file, &found, &keys, &is_done);
    let different: BTreeSet<&JobKey> = keys.iter().collect();
    let finished = different.iter().filter(|key| is_done(key)).count();
    let open = file
        .expansion
        .cells
        .iter()
        .zip(&keys)
        .filter(|(_, key)| !is_done(key));
    let estimate = known.durations.estimate(
        &file.spec.name,
        open.map(|(cell, key)| (key, cell, file.digest_of(&cell.job.dataset))),
    );
    match format {
        Format::Json => {
            let mut json = as_json(&file, &keys, done, &groups);
            if let Some(meaning) = meaning {
                json["meaning"] = submit::as_json(meaning);
            }
            json["jobs"] = different.len().into();
            json["done"] = finished.into();
            json["warnings"] = found.warnings.clone().into();
            json["estimate"] = estimate_json(&estimate);
            if let Some(adaptive) = &file.expansion.adaptive {
                json["adaptive"] = serde_json::json!({
                    "claims": adaptive.texts.iter().map(ToString::to_string).collect::<Vec<_>>(),
                    "settings": adaptive.family.settings,
                    "identity": adaptive.identity.short(),
                    "fewest_seeds": adaptive.family.fewest_seeds(),
                    "jobs_at_least": different.len(),
                    "jobs_at_most": different.len() + adaptive.most_added(),
                });
            }
            output::json(&json)?;
        }
        Format::Text if arguments.jobs => {
            for (cell, key) in file.expansion.cells.iter().zip(&keys) {
                let short = key.id().map_or_else(|| "?".repeat(12), |id| id.short());
                let mark = if is_done(key) { "done" } else { "new " };
                output::print(&format!(
                    "{short}  {mark}  {}",
                    labels::label(&file.expansion.columns, cell)
                ))?;
            }
        }
        Format::Text => output::print(&table(&file, &groups))?,
    }
    for source in &file.spec.datasets {
        if file.digest_of(source).is_none() {
            output::say(&format!(
                "note: the data set `{source}` is not known here, so its jobs have no id yet; add --data {source}=DIR"
            ));
        }
    }
    if format == Format::Json {
        return Ok(());
    }
    output::say(&match meaning {
        Some(meaning) => submit::describe(meaning),
        None => describe(&file, different.len(), finished),
    });
    if let Some(adaptive) = &file.expansion.adaptive {
        output::say(&growth(adaptive, different.len()));
    }
    if let Some(time) = estimate.describe(&file.path) {
        output::say(&time);
    }
    Ok(())
}

/// What the state folder knows. One that nobody named is where `run` would put it; whoever holds it open is no reason not to
/// plan.
fn known(arguments: &Plan, file: &SweepFile) -> Result<Known, CommandError> {
    let (_, state) = places(file, arguments.out.as_deref(), arguments.state.as_deref());
    let request = submit::request(file, arguments.selection.max_jobs);
    #[cfg(feature = "coordinator")]
    let known = super::state::known(&state, &request);
    #[cfg(not(feature = "coordinator"))]
    let known: Result<Known, CommandError> = {
        let _ = request;
        Err(super::without_coordinator(&format!(
            "reading {}",
            state.display()
        )))
    };
    if let Ok(Known {
        nothing: Some(why), ..
    }) = &known
        && arguments.state.is_some()
    {
        output::say(&format!("note: {why}"));
    }
    match known {
        Err(CommandError::Store(why) | CommandError::Usage(why)) if arguments.state.is_none() => {
            output::say(&format!(
                "note: what is done in {} is not known: {why}",
                state.display()
            ));
            Ok(Known::default())
        }
        known => known,
    }
}

/// One line on how many jobs the claims may make of it.
fn growth(adaptive: &Adaptive, jobs: usize) -> String {
    let settings = &adaptive.family.settings;
    format!(
        "{}: it begins with {jobs} jobs ({} seeds of each side), and `run --until-decided` makes it {} at most ({} seeds); no claim can hold before {} seeds",
        counted(adaptive.family.size(), "claim"),
        settings.min,
        jobs + adaptive.most_added(),
        settings.max,
        adaptive.family.fewest_seeds()
    )
}

/// One line on what a run would be, where no state folder says it.
fn describe(file: &SweepFile, jobs: usize, finished: usize) -> String {
    let cells = file.expansion.cells.len();
    let twice = cells - jobs;
    let twice = if twice > 0 {
        format!(", {} with the job of another", counted(twice, "cell"))
    } else {
        String::new()
    };
    format!(
        "{}: {}, {}, {finished} done, {} to run{twice}",
        file.spec.name,
        counted(cells, "cell"),
        counted(jobs, "job"),
        jobs - finished
    )
}

fn groups<'a>(
    file: &'a SweepFile,
    found: &Findings,
    keys: &[JobKey],
    is_done: &dyn Fn(&JobKey) -> bool,
) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for (cell, key) in file.expansion.cells.iter().zip(keys) {
        let of_point = groups
            .iter_mut()
            .rev()
            .find(|group| group.first.variant == cell.variant && group.first.point == cell.point);
        let group = if let Some(group) = of_point {
            group
        } else {
            let training = Training::of(&cell.job);
            let rows = found.rows.get(&cell.job.dataset);
            let rows = rows.filter(|_| training.method.has_batches());
            groups.push(Group {
                first: cell,
                seeds: Vec::new(),
                jobs: BTreeSet::new(),
                done: 0,
                steps: rows.map(|rows| preflight::steps(*rows, training.batch_size)),
            });
            let last = groups.len() - 1;
            &mut groups[last]
        };
        group.seeds.push(cell.job.seed);
        if group.jobs.insert(*key) {
            group.done += usize::from(is_done(key));
        }
    }
    groups
}

fn table(file: &SweepFile, groups: &[Group<'_>]) -> String {
    let mut header = vec!["variant"];
    header.extend(file.expansion.columns.iter().map(String::as_str));
    header.extend(["seeds", "jobs", "done", "epochs", "steps/epoch"]);
    let mut table = output::table(&header);
    for group in groups {
        let job = &group.first.job;
        let mut row = vec![group.first.variant.clone()];
        row.extend(
            group
                .first
                .point
                .iter()
                .map(|value| value.as_ref().map(ToString::to_string).unwrap_or_default()),
        );
        row.push(seeds(&group.seeds));
        row.push(group.jobs.len().to_string());
        row.push(group.done.to_string());
        // A method that is fitted at once has neither.
        let epochs = job.parameters.get("epochs");
        row.push(epochs.map(ToString::to_string).unwrap_or_default());
        row.push(match group.steps {
            Some(steps) => steps.to_string(),
            None if job.parameters.contains("batch_size") => "?".to_owned(),
            None => String::new(),
        });
        table.add_row(row);
    }
    table.to_string()
}

/// `0–4` for a run of seeds, else a list that is cut after some.
fn seeds(seeds: &[u64]) -> String {
    let run = seeds
        .windows(2)
        .all(|pair| pair[1] == pair[0].wrapping_add(1));
    match seeds {
        [one] => one.to_string(),
        [first, .., last] if run => format!("{first}–{last}"),
        _ => {
            let shown: Vec<String> = seeds.iter().take(6).map(ToString::to_string).collect();
            let more = if seeds.len() > 6 { ", …" } else { "" };
            format!("{}{more}", shown.join(", "))
        }
    }
}

fn estimate_json(estimate: &Estimate) -> serde_json::Value {
    serde_json::json!({
        "seconds": (estimate.known > 0).then_some(estimate.seconds),
        "known_jobs": estimate.known,
        "unknown_jobs": estimate.unknown,
    })
}

fn as_json(
    file: &SweepFile,
    keys: &[JobKey],
    done: &BTreeSet<JobId>,
    groups: &[Group<'_>],
) -> serde_json::Value {
    let cells: Vec<_> = file
        .expansion
        .cells
        .iter()
        .zip(keys)
        .map(|(cell, key)| {
            let point: BTreeMap<_, _> = file.expansion.columns.iter().zip(&cell.point).collect();
            serde_json::json!({
                "variant": cell.variant,
                "seed": cell.job.seed,
                "point": point,
                "job_id": key.id(),
                "done": key.id().is_some_and(|id| done.contains(&id)),
                "dataset": cell.job.dataset.to_string(),
                "parameters": cell.job.parameters,
            })
        })
        .collect();
    serde_json::json!({
        "sweep": file.spec.name,
        "columns": file.expansion.columns,
        "cells": cells,
        "steps_per_epoch": groups.iter().map(|group| (labels::label(&file.expansion.columns, group.first), group.steps)).collect::<BTreeMap<_, _>>(),
    })
}
