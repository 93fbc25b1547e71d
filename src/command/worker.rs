//! `gcl-sweep worker`: fetches jobs from a coordinator and trains them.

#[cfg(feature = "train")]
pub use real::worker;

/// A control plane trains nothing.
#[cfg(not(feature = "train"))]
pub fn worker(_: &crate::arguments::Worker) -> Result<(), crate::error::CommandError> {
    Err(crate::error::CommandError::Usage(
        "this build has no trainer (it was made with --no-default-features): start workers from a full build".into(),
    ))
}

#[cfg(feature = "train")]
mod real {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio_util::sync::CancellationToken;

    use crate::arguments::Worker;
    use crate::client;
    use crate::data_folders::Folders;
    use crate::error::{CommandError, chain};
    use crate::{clock, interrupt, version};

    /// Checkpoints that a worker keeps: of the jobs it was interrupted in, the oldest go first.
    const SCRATCH_BYTES: u64 = 16 << 30;

    /// Works until it is told to stop.
    pub fn worker(arguments: &Worker) -> Result<(), CommandError> {
        let folders = Folders::resolve(&arguments.folders)?;
        let name = match &arguments.name {
            Some(name) => name.clone(),
            None => format!("{}-{}", host_name(), arguments.device.replace(':', "")),
        };
        let device = gcl::open_device(&arguments.device, arguments.threads)
            .map_err(|error| CommandError::Usage(error.to_string()))?;
        let trainer = worker::candle::Candle::open(worker::candle::Settings {
            device,
            folders: folders.0,
            scratch: match &arguments.checkpoints {
                Some(folder) => folder.clone(),
                None => arguments.scratch.join("checkpoints"),
            },
            scratch_bytes: SCRATCH_BYTES,
            cache_bytes: arguments.cache_bytes,
            memory_bytes: arguments.memory_bytes,
        })
        .map_err(|error| CommandError::Input(chain(&error)))?;
        let outcome = crate::command::runtime()?.block_on(async {
            let shutdown = interrupt::token().map_err(|error| {
                CommandError::Other(format!("cannot listen for signals: {error}"))
            })?;
            if arguments.exit_with_stdin {
                stop_with_stdin(shutdown.clone());
            }
            let (channel, bearer) = client::dial(&arguments.connection)?;
            // Workers started together must not knock together: the process's number tells them apart.
            let seed = clock::unix_milliseconds().wrapping_mul(0x9E37_79B9_7F4A_7C15)
                ^ u64::from(std::process::id());
            let config = worker::Config {
                bearer,
                labels: arguments.labels.clone(),
                version: version::LONG.to_owned(),
                grace: seconds(arguments.grace),
                orphan_timeout: seconds(arguments.orphan_timeout),
                idle_timeout: arguments.idle_timeout.map(seconds),
                exit_after_jobs: arguments.exit_after_jobs,
                ..worker::Config::new(channel, name, arguments.scratch.join("spool"), seed)
            };
            worker::run(config, Arc::new(trainer), shutdown)
                .await
                .map_err(|error| failed(&error))
        });
        let exit = outcome?;
        tracing::info!(?exit, "the worker leaves");
        Ok(())
    }

    fn failed(error: &worker::WorkerError) -> CommandError {
        use worker::WorkerError;
        let text = chain(error);
        match error {
            WorkerError::Spool { .. } | WorkerError::SpoolInUse(_) => CommandError::Store(text),
            WorkerError::Orphaned { .. } => CommandError::Unreachable(text),
            _ => CommandError::Other(text),
        }
    }

    fn seconds(seconds: f64) -> Duration {
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    /// Standard input ends when the process that started this one does, however it ends.
    fn stop_with_stdin(shutdown: CancellationToken) {
        std::thread::spawn(move || {
            let mut rest = std::io::stdin().lock();
            let _ = std::io::copy(&mut rest, &mut std::io::sink());
            shutdown.cancel();
        });
    }

    fn host_name() -> String {
        nix::unistd::gethostname()
            .ok()
            .and_then(|name| name.into_string().ok())
            .unwrap_or_else(|| "worker".to_owned())
    }
}
