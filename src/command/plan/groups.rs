//! The groups of a grid, and their table.

use std::collections::BTreeSet;

use sweeps::{Cell, Training};

use crate::command::preflight::{self, Findings};
use crate::command::sweep_file::{JobKey, SweepFile};
use crate::{output, seeds};

/// A variant at one swept point: the cells that differ only in their seed.
pub struct Group<'a> {
    pub first: &'a Cell,
    pub seeds: Vec<u64>,
    pub jobs: BTreeSet<JobKey>,
    pub done: usize,
    /// Steps of an epoch, of a method with batches on known data.
    pub steps: Option<usize>,
}

/// The groups of the cells, in their order.
pub fn groups<'a>(
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
            let shape = found.shapes.get(&cell.job.dataset);
            let shape = shape.filter(|_| training.method.has_batches());
            groups.push(Group {
                first: cell,
                seeds: Vec::new(),
                jobs: BTreeSet::new(),
                done: 0,
                steps: shape
                    .map(|shape| preflight::steps(shape.train as usize, training.batch_size)),
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

/// A line for each group.
pub fn table(file: &SweepFile, groups: &[Group<'_>]) -> String {
    let mut header = vec!["variant"];
    header.extend(file.expansion.columns.iter().map(String::as_str));
    header.extend(["seeds", "jobs", "done", "epochs", "steps/epoch"]);
    let mut table = output::table(&header);
    table.spare(&["steps/epoch", "epochs"]);
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
        row.push(seeds::text(&group.seeds));
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
