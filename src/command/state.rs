//! State folders that no coordinator has open: `plan --state`, `report --state`.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use client::CallError;
use proto::Reason;
use proto::nouns::{Submit, Submitted};
use sweeps::{JobId, JobStatus};

use crate::arguments::Connection;
use crate::client::Client;
use crate::command::coordinator::{Security, Serving, serve};
use crate::command::estimate::Durations;
use crate::error::CommandError;

/// Opens an existing state folder on a loopback port.
///
/// # Errors
/// There is none, or a coordinator has it.
pub async fn serve_existing(state: &Path, security: &Security) -> Result<Serving, CommandError> {
    if !state.is_dir() {
        return Err(CommandError::Store(format!(
            "there is no state folder {}",
            state.display()
        )));
    }
    // No worker will come: the lease's length does not matter.
    serve(
        state,
        SocketAddr::from(([127, 0, 0, 1], 0)),
        security,
        Duration::from_mins(1),
    )
    .await
}

/// What a state folder knows of a sweep that may be submitted to it.
#[derive(Debug, Default)]
pub struct Known {
    /// Every job that has a record there.
    pub done: BTreeSet<JobId>,
    /// How long finished jobs took.
    pub durations: Durations,
    /// What submitting the file would mean; `None` where there is no folder yet, or a data set is not known.
    pub meaning: Option<Submitted>,
}

/// What a state folder knows.
pub fn known(state: &Path, submit: &Submit) -> Result<Known, CommandError> {
    if !state.is_dir() {
        return Ok(Known::default());
    }
    super::runtime()?.block_on(async {
        let serving = serve_existing(state, &Security::loopback()).await?;
        let known = ask(&serving, submit).await;
        serving.stop().await?;
        known
    })
}

async fn ask(serving: &Serving, submit: &Submit) -> Result<Known, CommandError> {
    let connection = Connection::to(format!("http://{}", serving.address));
    let client = Client::new(&connection)?;
    let mut done = BTreeSet::new();
    let mut durations = Durations::default();
    for sweep in client.sweeps().await? {
        let take = |cell: sweeps::CellResult| {
            if cell.status == JobStatus::Done && done.insert(cell.job_id) {
                durations.add(&sweep.name, &cell);
            }
        };
        client
            .each_cell(&sweep.name, take)
            .await
            .map_err(|error| client.failed(error))?;
    }
    let submit = Submit {
        dry_run: true,
        ..submit.clone()
    };
    let meaning = match client.submit(&submit).await {
        Ok(meaning) => Some(meaning),
        // Nothing to tell of jobs without an id; `plan` says which data set is missing.
        Err(CallError::Refused {
            reason: Some(Reason::UnknownDataset | Reason::DatasetConflict),
            ..
        }) => None,
        Err(error) => return Err(client.failed(error)),
    };
    Ok(Known {
        done,
        durations,
        meaning,
    })
}
