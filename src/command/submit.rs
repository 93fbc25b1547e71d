//! `gcl-sweep submit`: a sweep file to a running coordinator.

use std::path::Path;

use proto::nouns as message;

use crate::arguments::{Format, Submit};
use crate::client::Client;
use crate::command::difference::{Difference, VersionCell};
use crate::command::notify::Notify;
use crate::command::preflight;
use crate::command::sweep_file::SweepFile;
use crate::data_folders::Folders;
use crate::error::CommandError;
use crate::output;
use crate::output::counted;

/// Submits the file, and waits for the end of its jobs where asked.
pub fn submit(arguments: &Submit, format: Format) -> Result<(), CommandError> {
    let mut file = SweepFile::read(&arguments.sweep, arguments.max_jobs)?;
    file.open_datasets(&Folders::resolve(&arguments.folders)?)?;
    preflight::check(&file)?;
    super::runtime()?.block_on(async {
        let client = Client::new(&arguments.connection)?;
        let request = message::Submit {
            priority: arguments.priority,
            dry_run: arguments.dry_run,
            ..request(&file, arguments.max_jobs)
        };
        let submitted = client
            .submit(&request)
            .await
            .map_err(|error| client.failed(error))?;
        let difference = if arguments.dry_run {
            difference(&client, &file, &submitted).await?
        } else {
            None
        };
        match format {
            Format::Json => {
                let mut json = as_json(&submitted);
                if let Some(found) = &difference {
                    json["difference"] = found.as_json();
                }
                output::json(&json)?;
            }
            Format::Text => {
                output::prose(&describe(&submitted))?;
                for line in difference.iter().flat_map(Difference::lines) {
                    output::prose(&line)?;
                }
            }
        }
        if arguments.wait && !arguments.dry_run {
            let notify = Notify::default();
            super::watch::follow(&client, &file.spec.name, Format::Text, notify).await?;
        }
        Ok(())
    })
}

/// What the file changes of the version that the coordinator has, by name; nothing where it has none, or where a data set is not
/// known here and its jobs have no ids.
async fn difference(
    client: &Client,
    file: &SweepFile,
    meaning: &message::Submitted,
) -> Result<Option<Difference>, CommandError> {
    let is_known = |source| file.digest_of(source).is_some();
    if meaning.new == 0 && meaning.hidden == 0 || !file.spec.datasets.iter().all(is_known) {
        return Ok(None);
    }
    let known = client.sweeps().await?;
    if known.iter().all(|sweep| sweep.name != meaning.sweep) {
        return Ok(None);
    }
    let info = client.sweep_info(&meaning.sweep).await?;
    let cells = client.cells(&meaning.sweep).await?;
    let earlier: Vec<_> = cells
        .iter()
        .map(|cell| VersionCell::of(&info.columns, cell))
        .collect();
    Ok(Difference::of_file(
        file,
        &file.job_keys(),
        &earlier,
        meaning.hidden,
    ))
}

/// What is sent.
pub fn request(file: &SweepFile, max_jobs: usize) -> message::Submit {
    message::Submit {
        file: file.path.clone(),
        text: file.spec.text.clone(),
        datasets: file.digests(),
        max_jobs: Some(max_jobs),
        ..message::Submit::default()
    }
}

/// One line on what a submission means.
pub fn describe(submitted: &message::Submitted) -> String {
    let mut text = format!(
        "{}: {}, {}, {} new, {} done, {} to run",
        submitted.sweep,
        counted(submitted.cells, "cell"),
        counted(submitted.jobs, "job"),
        submitted.new,
        submitted.done,
        submitted.jobs.saturating_sub(submitted.done)
    );
    let twice = submitted.cells.saturating_sub(submitted.jobs);
    if twice > 0 {
        text += &format!(", {} with the job of another", counted(twice, "cell"));
    }
    if submitted.shared > 0 {
        text += &format!(", {} shared with other sweeps", submitted.shared);
    }
    if submitted.hidden > 0 {
        text += &format!(
            ", {} of the earlier version hidden",
            counted(submitted.hidden, "cell")
        );
    }
    text
}

/// The same for programs.
pub fn as_json(submitted: &message::Submitted) -> serde_json::Value {
    serde_json::json!({
        "sweep": submitted.sweep, "cells": submitted.cells, "jobs": submitted.jobs, "new": submitted.new,
        "done": submitted.done, "shared": submitted.shared, "hidden": submitted.hidden,
    })
}

/// Why some cells alone are not run in a folder of more of them.
pub(super) fn would_hide(state: &Path, file: &SweepFile, hidden: u64) -> String {
    format!(
        "{} holds {hidden} more jobs of `{}`, which a run of some cells alone would hide there\n\nhint: leave out --out and --state, or give a folder \
         of its own; a cell that failed there is tried again by the whole sweep's `run`",
        state.display(),
        file.spec.name
    )
}
