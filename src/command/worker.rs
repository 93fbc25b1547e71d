//! `gcl-sweep worker`: fetches jobs from a coordinator and trains them.

#[cfg(feature = "train")]
mod group;
pub mod lifeline;
pub mod process;

#[cfg(feature = "cuda")]
pub use group::assignment;
#[cfg(feature = "train")]
pub use real::worker;

/// A control plane trains nothing.
#[cfg(not(feature = "train"))]
pub fn worker(_: &crate::arguments::Worker) -> Result<(), crate::error::CommandError> {
    Err(crate::error::CommandError::Usage(
        "this build has no trainer (it was made without the feature `train`): start workers from a full build".into(),
    ))
}

#[cfg(feature = "train")]
mod real {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::process::{self, seconds};
    use crate::arguments::Worker;
    use crate::data_folders::Folders;
    use crate::error::CommandError;
    use crate::{client, version};
    use proto::error_chain;

    /// Works until it is told to stop.
    pub fn worker(arguments: &Worker) -> Result<(), CommandError> {
        let part = Part::of(arguments)?;
        if arguments.device == "all" && part.is_none() {
            return super::group::group(arguments);
        }
        let shutdown = process::shutdown(arguments);
        let runtime = crate::command::runtime()?;
        let folders = Folders::resolve(&arguments.folders)?;
        let mut own = Own::of(arguments, part);
        let spool = own.spool.clone();
        let place = runtime.block_on(process::place(&spool))?;
        own.settle(arguments, &place);
        let device = gcl::open_device(&own.device, own.threads).map_err(|error| match error {
            gcl::DeviceError::Unusable(message) => CommandError::Device(message),
            gcl::DeviceError::NoSuchName(message) => {
                CommandError::Usage(format!("{message}; so is `all`"))
            }
        })?;
        let device = match arguments.device_data_bytes {
            Some(bytes) => device.with_feature_bytes(bytes),
            None => device,
        };
        if arguments.device == "auto" && device.info().kind.starts_with("cpu") {
            let why = gcl::open_device("cuda:0", None)
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default();
            if let Some(assigned) = worker::gpu::assigned_by(|name| std::env::var(name).ok()) {
                return Err(CommandError::Device(format!(
                    "a GPU is assigned to this process ({assigned}), and it cannot be used: {why}; --device cpu computes without it"
                )));
            }
            tracing::info!(threads = device.threads(), "no GPU is used: {why}");
        }
        let meter = worker::telemetry::Meter::start(
            device.info(),
            ordinal(&own.device),
            device.threads(),
            &super::group::assignment(),
        )
        .announcing(arguments.memory_bytes);
        let trainer = worker::candle::Candle::open(worker::candle::Settings {
            device,
            folders: folders.0,
            scratch: match &arguments.checkpoints {
                Some(folder) => folder.clone(),
                // Shared by the processes of a group: they take up each other's jobs.
                None => arguments.scratch.join("checkpoints"),
            },
            scratch_bytes: arguments.scratch_bytes,
            cache_bytes: arguments.cache_bytes,
            mapped_bytes: arguments.mapped_bytes,
            meter,
        })
        .map_err(|error| CommandError::Input(error_chain(&error)))?;
        let trainer = worker::extraction::Extracting::open(trainer, extraction(arguments, &own)?)
            .map_err(|error| match &error {
            worker::extraction::StartError::Extract(cause) => {
                crate::command::extract::failed(cause)
            }
            worker::extraction::StartError::Scratch { .. } => {
                CommandError::Input(error_chain(&error))
            }
        })?;
        let mut labels = trainer.labels();
        labels.extend(arguments.labels.iter().map(|label| worker::clean(label)));
        let session = process::session()?;
        let outcome = runtime.block_on(async {
            process::obey_signals(&shutdown)?;
            let (channel, bearer) = client::dial(&arguments.connection)?;
            let config = worker::Config {
                bearer,
                address: Some(process::address(arguments)),
                version: version::LONG.to_owned(),
                labels,
                grace: seconds(arguments.grace),
                orphan_timeout: seconds(arguments.orphan_timeout),
                idle_timeout: arguments.idle_timeout.map(seconds),
                exit_after_jobs: arguments.exit_after_jobs,
                time_left: process::time_left(arguments),
                goes_on_elsewhere: arguments.checkpoints.is_some(),
                ..worker::Config::new(channel, own.name, spool, session)
            };
            let trainer: Arc<dyn worker::Trainer> = if arguments.rehearsal {
                Arc::new(worker::rehearsal::Rehearsing(trainer))
            } else {
                Arc::new(trainer)
            };
            worker::run_in(place.spool, config, trainer, shutdown)
                .await
                .map_err(|error| process::failed_at(&error, arguments))
        });
        let exit = outcome?;
        tracing::info!(?exit, "the worker leaves");
        Ok(())
    }

    /// The number of a GPU; `auto` is the first.
    fn ordinal(device: &str) -> usize {
        device
            .strip_prefix("cuda:")
            .and_then(|ordinal| ordinal.parse().ok())
            .unwrap_or(0)
    }

    fn extraction(
        arguments: &Worker,
        own: &Own,
    ) -> Result<worker::extraction::Settings, CommandError> {
        let given = &arguments.extraction;
        let mut videos = BTreeMap::new();
        for (name, folder) in &given.videos {
            if videos.insert(name.clone(), folder.clone()).is_some() {
                return Err(CommandError::Usage(format!(
                    "--videos names two folders for `{name}`: give one"
                )));
            }
        }
        Ok(worker::extraction::Settings {
            videos,
            weights: given.weights.clone(),
            device: own.device.clone(),
            threads: own.threads,
            batch: given.extract_batch,
            ffmpeg: given.ffmpeg.clone(),
            decode_threads: 1,
            // A folder per process, as the spool is.
            scratch: own.spool.with_extension("extraction"),
        })
    }

    /// Which process of a group this is.
    struct Part {
        label: String,
        count: usize,
    }

    impl Part {
        fn of(arguments: &Worker) -> Result<Option<Self>, CommandError> {
            let Some(part) = &arguments.part_of_group else {
                return Ok(None);
            };
            part.rsplit_once('/')
                .and_then(|(label, count)| {
                    Some(Some(Self {
                        label: label.to_owned(),
                        count: count.parse().ok().filter(|count| *count > 0)?,
                    }))
                })
                .ok_or_else(|| {
                    CommandError::Usage(format!("--part-of-group {part} is not LABEL/COUNT"))
                })
        }
    }

    /// What this process has for itself.
    struct Own {
        name: String,
        device: String,
        threads: Option<usize>,
        spool: std::path::PathBuf,
    }

    impl Own {
        fn of(arguments: &Worker, part: Option<Part>) -> Self {
            let Some(Part { label, count }) = part else {
                let device = arguments.device.clone();
                return Self {
                    name: format!("{}-{}", host_name(), device.replace(':', "")),
                    device,
                    threads: arguments.threads,
                    spool: arguments.scratch.join("spool"),
                };
            };
            let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            Self {
                name: format!(
                    "{}-{label}",
                    arguments.name.clone().unwrap_or_else(host_name)
                ),
                // The only one that it sees.
                device: match arguments.pretend_devices {
                    Some(_) => "cpu".to_owned(),
                    None => "cuda:0".to_owned(),
                },
                threads: Some(arguments.threads.unwrap_or((cores / count).max(1))),
                spool: arguments.scratch.join(format!("spool-{label}")),
            }
        }

        /// Knows its place among the processes that share the scratch folder.
        fn settle(&mut self, arguments: &Worker, place: &worker::spool::Place) {
            let usual = std::mem::take(&mut self.name);
            let given = arguments
                .name
                .as_deref()
                .filter(|_| arguments.part_of_group.is_none());
            self.name = process::name(given, || usual, place);
            place.spool.folder().clone_into(&mut self.spool);
        }
    }

    fn host_name() -> String {
        nix::unistd::gethostname()
            .ok()
            .and_then(|name| name.into_string().ok())
            .unwrap_or_else(|| "worker".to_owned())
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn gpus_are_counted_by_name() {
            let numbers = ["auto", "cpu", "cuda:0", "cuda:3"].map(ordinal);
            assert_eq!(numbers, [0, 0, 0, 3]);
        }
    }
}
