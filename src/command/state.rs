//! State folders that no coordinator has open: `plan --state`, `report --state`.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use sweeps::{JobId, JobStatus};

use crate::arguments::Connection;
use crate::client::Client;
use crate::command::coordinator::{Security, Serving, serve};
use crate::error::CommandError;

/// Opens an existing state folder on a loopback port.
///
/// # Errors
/// There is none, or a coordinator has it.
pub async fn serve_existing(state: &Path) -> Result<Serving, CommandError> {
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
        &Security::loopback(),
        Duration::from_mins(1),
    )
    .await
}

/// The jobs that have a record in a state folder; none where there is no folder yet.
pub fn done_jobs(state: &Path) -> Result<BTreeSet<JobId>, CommandError> {
    if !state.is_dir() {
        return Ok(BTreeSet::new());
    }
    super::runtime()?.block_on(async {
        let serving = serve_existing(state).await?;
        let done = ask(&serving).await;
        serving.stop().await?;
        done
    })
}

async fn ask(serving: &Serving) -> Result<BTreeSet<JobId>, CommandError> {
    let connection = Connection::to(format!("http://{}", serving.address));
    let client = Client::new(&connection)?;
    let mut done = BTreeSet::new();
    for sweep in client.sweeps().await? {
        let take = |cell: sweeps::CellResult| {
            if cell.status == JobStatus::Done {
                done.insert(cell.job_id);
            }
        };
        client
            .each_cell(&sweep.name, take)
            .await
            .map_err(|error| client.failed(error))?;
    }
    Ok(done)
}
