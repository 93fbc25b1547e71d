//! `gcl-sweep worker --noop`: a worker whose jobs train nothing, for `benches/` and for tests that kill processes.

use std::sync::Arc;
use std::time::Duration;

use worker::noop::Noop;

use super::worker::process::{self, seconds};
use crate::arguments::Worker;
use crate::error::CommandError;
use crate::{client, version};

/// Works until it is told to stop.
pub fn worker(arguments: &Worker) -> Result<(), CommandError> {
    let shutdown = process::shutdown(arguments);
    let trainer = Noop {
        job: Duration::from_millis(arguments.noop_milliseconds),
    };
    let lanes = arguments.noop_lanes.max(1);
    let session = process::session()?;
    // A job costs nothing but its calls, and they are all one connection's: a second thread would only be woken for it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::Other(format!("cannot start the runtime: {error}")))?;
    runtime.block_on(async {
        process::obey_signals(&shutdown)?;
        let spool = arguments.scratch.join("spool");
        let place = process::place(&spool).await?;
        let name = process::name(arguments.name.as_deref(), || "noop".to_owned(), &place);
        let (channel, bearer) = client::dial(&arguments.connection)?;
        let config = worker::Config {
            bearer,
            address: Some(process::address(arguments)),
            version: version::LONG.to_owned(),
            slots: lanes,
            lanes,
            grace: seconds(arguments.grace),
            orphan_timeout: seconds(arguments.orphan_timeout),
            idle_timeout: arguments.idle_timeout.map(seconds),
            exit_after_jobs: arguments.exit_after_jobs,
            time_left: process::time_left(arguments),
            goes_on_elsewhere: arguments.checkpoints.is_some(),
            ..worker::Config::new(channel, name, spool, session)
        };
        worker::run_in(place.spool, config, Arc::new(trainer), shutdown)
            .await
            .map(|exit| tracing::info!(?exit, "the worker leaves"))
            .map_err(|error| process::failed_at(&error, arguments))
    })
}
