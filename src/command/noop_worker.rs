//! `gcl-sweep worker --noop`: a worker whose jobs train nothing, for `benches/` and for tests that kill processes.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use worker::noop::Noop;

use crate::arguments::Worker;
use crate::client;
use crate::error::{CommandError, chain};
use crate::{clock, interrupt, version};

/// Works until it is told to stop.
pub fn worker(arguments: &Worker) -> Result<(), CommandError> {
    let name = arguments.name.clone().unwrap_or_else(|| "noop".to_owned());
    let seconds = |seconds| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    let trainer = Noop {
        job: Duration::from_millis(arguments.noop_milliseconds),
    };
    let lanes = arguments.noop_lanes.max(1);
    // A job costs nothing but its calls, and they are all one connection's: a second thread would only be woken for it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::Other(format!("cannot start the runtime: {error}")))?;
    runtime.block_on(async {
        let shutdown: CancellationToken = interrupt::token()
            .map_err(|error| CommandError::Other(format!("cannot listen for signals: {error}")))?;
        let (channel, bearer) = client::dial(&arguments.connection)?;
        let seed = clock::unix_milliseconds().wrapping_mul(0x9E37_79B9_7F4A_7C15)
            ^ u64::from(std::process::id());
        let config = worker::Config {
            bearer,
            version: version::LONG.to_owned(),
            slots: lanes,
            lanes,
            grace: seconds(arguments.grace),
            orphan_timeout: seconds(arguments.orphan_timeout),
            idle_timeout: arguments.idle_timeout.map(seconds),
            exit_after_jobs: arguments.exit_after_jobs,
            ..worker::Config::new(channel, name, arguments.scratch.join("spool"), seed)
        };
        worker::run(config, Arc::new(trainer), shutdown)
            .await
            .map(|exit| tracing::info!(?exit, "the worker leaves"))
            .map_err(|error| match &error {
                worker::WorkerError::Orphaned { .. } => CommandError::Unreachable(chain(&error)),
                _ => CommandError::Other(chain(&error)),
            })
    })
}
