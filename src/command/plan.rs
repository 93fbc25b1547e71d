//! `gcl-sweep plan`: what a sweep would run. Nothing is started.

use std::collections::{BTreeMap, BTreeSet};

use sweeps::{Cell, DatasetSource, JobId, Training};

use crate::arguments::{Format, Plan};
use crate::command::submit;
use crate::command::sweep_file::SweepFile;
use crate::data_folders::Folders;
use crate::error::CommandError;
use crate::labels;
use crate::output;

/// A variant at one swept point: the cells that differ only in their seed.
struct Group<'a> {
    first: &'a Cell,
    seeds: Vec<u64>,
    done: usize,
    steps: Option<usize>,
}

/// Prints the groups of the grid, what is done already, and what looks wrong.
pub fn plan(arguments: &Plan, format: Format) -> Result<(), CommandError> {
    let mut file = SweepFile::read(&arguments.sweep, arguments.max_jobs)?;
    file.keep_only(&arguments.only, arguments.max_jobs)?;
    file.open_datasets(&Folders::resolve(&arguments.folders)?)?;
    let known = match &arguments.state {
        Some(state) => super::state::known(state, &submit::request(&file, arguments.max_jobs))?,
        None => super::state::Known::default(),
    };
    let (done, meaning) = (known.done, known.meaning);
    let ids = file.job_ids();
    let groups = groups(&file, &ids, &done);
    let different: BTreeSet<&JobId> = ids.iter().flatten().collect();
    let finished = different.iter().filter(|id| done.contains(id)).count();
    match format {
        Format::Json => {
            let mut json = as_json(&file, &ids, &done, &groups);
            if let Some(meaning) = &meaning {
                json["meaning"] = submit::as_json(meaning);
            }
            output::json(&json)?;
        }
        Format::Text if arguments.jobs => {
            for (cell, id) in file.expansion.cells.iter().zip(&ids) {
                let short = id.map_or_else(|| "?".repeat(12), |id| id.short());
                let mark = if id.is_some_and(|id| done.contains(&id)) {
                    "done"
                } else {
                    "new "
                };
                output::print(&format!(
                    "{short}  {mark}  {}",
                    labels::label(&file.expansion.columns, cell)
                ))?;
            }
        }
        Format::Text => output::print(&table(&file, &groups))?,
    }
    for warning in warnings(&groups) {
        output::say(&format!("warning: {warning}"));
    }
    for source in &file.spec.datasets {
        if file.digest_of(source).is_none() {
            output::say(&format!(
                "note: the data set `{source}` is not known here, so its jobs have no id yet; add --data {source}=DIR"
            ));
        }
    }
    if let Some(meaning) = &meaning
        && format == Format::Text
    {
        output::say(&submit::describe(meaning));
    } else if format == Format::Text {
        let jobs = if different.is_empty() {
            file.expansion.cells.len()
        } else {
            different.len()
        };
        let (cells, shared) = (
            file.expansion.cells.len(),
            file.expansion.cells.len() - jobs,
        );
        let shared = if shared > 0 {
            format!(" ({shared} cells share a job with another)")
        } else {
            String::new()
        };
        output::say(&format!(
            "{}: {cells} cells, {jobs} jobs{shared}, {finished} done, {} to run",
            file.spec.name,
            jobs - finished
        ));
    }
    Ok(())
}

fn groups<'a>(
    file: &'a SweepFile,
    ids: &[Option<JobId>],
    done: &BTreeSet<JobId>,
) -> Vec<Group<'a>> {
    let mut rows: BTreeMap<&DatasetSource, Option<usize>> = BTreeMap::new();
    let mut groups: Vec<Group<'a>> = Vec::new();
    for (cell, id) in file.expansion.cells.iter().zip(ids) {
        let is_done = usize::from(id.is_some_and(|id| done.contains(&id)));
        if let Some(group) = groups
            .iter_mut()
            .rev()
            .find(|group| group.first.variant == cell.variant && group.first.point == cell.point)
        {
            group.seeds.push(cell.job.seed);
            group.done += is_done;
            continue;
        }
        let rows = *rows
            .entry(&cell.job.dataset)
            .or_insert_with(|| file.training_rows(&cell.job.dataset));
        let batch = Training::of(&cell.job).batch_size;
        groups.push(Group {
            first: cell,
            seeds: vec![cell.job.seed],
            done: is_done,
            steps: rows.map(|rows| (rows / batch).max(1)),
        });
    }
    groups
}

fn table(file: &SweepFile, groups: &[Group<'_>]) -> String {
    let mut header = vec!["variant"];
    header.extend(file.expansion.columns.iter().map(String::as_str));
    header.extend(["seeds", "jobs", "done", "epochs", "steps/epoch"]);
    let mut table = output::table(&header);
    for group in groups {
        let mut row = vec![group.first.variant.clone()];
        row.extend(
            group
                .first
                .point
                .iter()
                .map(|value| value.as_ref().map(ToString::to_string).unwrap_or_default()),
        );
        row.push(seeds(&group.seeds));
        row.push(group.seeds.len().to_string());
        row.push(group.done.to_string());
        row.push(Training::of(&group.first.job).epochs.to_string());
        row.push(
            group
                .steps
                .map_or_else(|| "?".to_owned(), |steps| steps.to_string()),
        );
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

fn warnings(groups: &[Group<'_>]) -> Vec<String> {
    groups
        .iter()
        .filter_map(|group| {
            let steps = group.steps.filter(|steps| *steps < 10)?;
            Some(format!(
                "`{}` makes {steps} step{} an epoch; with fewer than 10 a run learns little: lower batch_size, and let learning_rate grow as 1/width",
                group.first.variant,
                if steps == 1 { "" } else { "s" }
            ))
        })
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

fn as_json(
    file: &SweepFile,
    ids: &[Option<JobId>],
    done: &BTreeSet<JobId>,
    groups: &[Group<'_>],
) -> serde_json::Value {
    let cells: Vec<_> = file
        .expansion
        .cells
        .iter()
        .zip(ids)
        .map(|(cell, id)| {
            let point: BTreeMap<_, _> = file.expansion.columns.iter().zip(&cell.point).collect();
            serde_json::json!({
                "variant": cell.variant,
                "seed": cell.job.seed,
                "point": point,
                "job_id": id,
                "done": id.is_some_and(|id| done.contains(&id)),
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
