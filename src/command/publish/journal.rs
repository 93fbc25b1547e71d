//! The journal of a state folder as a box has it: entries of other sweeps withheld, names taken out where they must be.

use std::collections::BTreeSet;

use coordinator::state::JournalEntry;
use publication::fact::{Fact, Subject};
use publication::{Aliases, Line, chain};
use serde_json::Value;
use sweeps::JobId;

use crate::error::CommandError;

/// The entries as lines, those of other sweeps by their hashes alone. `is_alone`: there are no others.
pub fn lines(
    entries: Vec<JournalEntry>,
    sweeps: &[String],
    jobs: &BTreeSet<JobId>,
    is_alone: bool,
) -> Result<Vec<Line>, CommandError> {
    let mut lines = Vec::with_capacity(entries.len());
    // Parts of a submission belong to the one that has begun.
    let mut is_begun_ours = false;
    for entry in entries {
        let text = String::from_utf8(entry.payload).map_err(|_| {
            CommandError::Store(format!(
                "entry {} of the journal is no text",
                entry.sequence
            ))
        })?;
        let is_ours = is_alone || {
            let value: Value = serde_json::from_str(&text).map_err(|error| {
                CommandError::Store(format!(
                    "entry {} of the journal cannot be read: {error}",
                    entry.sequence
                ))
            })?;
            let subject = Subject::of(&value);
            let is_ours = if subject.is_part {
                is_begun_ours
            } else if subject.is_image {
                false
            } else if let Some(sweep) = &subject.sweep {
                sweeps.contains(sweep)
            } else {
                subject.jobs.is_empty() || subject.jobs.iter().any(|job| jobs.contains(job))
            };
            if value["entry"] == "submission-begun" {
                is_begun_ours = is_ours;
            }
            is_ours
        };
        lines.push(Line {
            sequence: entry.sequence,
            snapshot: entry.snapshot_before,
            before: entry.before,
            chain: entry.chain,
            entry: is_ours.then_some(text),
        });
    }
    Ok(lines)
}

/// Other names for the workers, in the order in which the journal has them.
pub fn aliases(lines: &[Line]) -> Aliases {
    let mut names: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    };
    for line in lines {
        match line.entry.as_deref().map(Fact::read) {
            Some(Ok(Fact::WorkerJoined { hello, .. })) => add(&hello.name),
            Some(Ok(Fact::Finished { record, .. })) => add(&record.provenance.worker),
            Some(Ok(Fact::Failed { worker, .. })) => add(&worker),
            _ => {}
        }
    }
    Aliases::of_workers(names.iter().map(String::as_str))
}

/// The same entries without names, hashed anew.
pub fn without_names(lines: Vec<Line>, aliases: &Aliases) -> Result<Vec<Line>, CommandError> {
    let changed = lines
        .into_iter()
        .map(|mut line| {
            if let Some(entry) = &mut line.entry {
                let mut value: Value =
                    serde_json::from_str(entry).map_err(|error| CommandError::other(&error))?;
                aliases.value(&mut value);
                *entry = value.to_string();
            }
            Ok(line)
        })
        .collect::<Result<Vec<Line>, CommandError>>()?;
    Ok(chain::hashed_anew(&changed))
}
