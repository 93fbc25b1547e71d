//! The real trainer: prepared data kept between jobs, `gcl::train` on a thread of its own, a checkpoint after each epoch.

mod cache;
mod scratch;
mod training_log;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use datasets::Dataset;
use gcl::{Checkpoint, Observer, Prepared, Request, StopFlag, TrainError};
use proto::telemetry::Telemetry;
use sweeps::{
    DatasetFacts, DatasetSource, DeviceInfo, Digest, EpochPoint, Failure, FailureClass, JobId,
    JobSpec, Training,
};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use self::cache::{Bytes, Cache};
use self::scratch::{Saved, Scratch};
use self::training_log::TrainingLog;
use crate::dedicated_thread;
use crate::telemetry::Meter;
use crate::trainer::{Artifact, Ended, Event, Finished, Task, Trainer};

/// Epochs of small data sets take milliseconds: a checkpoint of each would cost more than doing them again.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// What the trainer must be told.
pub struct Settings {
    /// What it computes on.
    pub device: gcl::Device,
    /// Folders of named data sets (`--data NAME=DIR`).
    pub folders: BTreeMap<String, PathBuf>,
    /// Where checkpoints lie. Workers that share it can take up each other's jobs.
    pub scratch: PathBuf,
    /// Bytes of checkpoints that are kept; the oldest go first.
    pub scratch_bytes: u64,
    /// Bytes of prepared data that are kept in memory between jobs; what was used least recently goes first.
    pub cache_bytes: usize,
    /// Bytes of mapped features that are kept open between jobs, likewise; they are the page cache's.
    pub mapped_bytes: usize,
    /// Measures the device.
    pub meter: Meter,
}

/// A trainer that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A folder of a data set cannot be used.
    #[error("the data set `{name}` in {} cannot be used", .folder.display())]
    Dataset {
        /// Its name.
        name: String,
        /// Its folder.
        folder: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: Box<datasets::DatasetError>,
    },
    /// The scratch folder cannot be used.
    #[error("the scratch folder {} cannot be used", .folder.display())]
    Scratch {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        #[source]
        cause: std::io::Error,
    },
}

/// The real trainer.
pub struct Candle {
    inner: Arc<Inner>,
}

struct Inner {
    device: gcl::Device,
    /// Named data sets as they were at the start.
    folders: BTreeMap<String, Named>,
    scratch: Scratch,
    cache: Cache,
    meter: Meter,
    /// What the GPU said when it failed; a CUDA context does not survive that.
    broken: OnceLock<String>,
}

/// A named data set.
struct Named {
    folder: PathBuf,
    digest: Digest,
    facts: DatasetFacts,
}

impl Candle {
    /// Opens the data sets, to know their digests; this reads all of a set that nobody has opened before.
    pub fn open(settings: Settings) -> Result<Self, StartError> {
        let mut folders = BTreeMap::new();
        for (name, folder) in settings.folders {
            match datasets::open(&folder) {
                Ok(dataset) => {
                    let named = Named {
                        digest: dataset.digest,
                        facts: dataset.facts(),
                        folder,
                    };
                    folders.insert(name, named);
                }
                Err(cause) => {
                    return Err(StartError::Dataset {
                        name,
                        folder,
                        cause: Box::new(cause),
                    });
                }
            }
        }
        let scratch =
            Scratch::open(&settings.scratch, settings.scratch_bytes).map_err(|cause| {
                StartError::Scratch {
                    folder: settings.scratch,
                    cause,
                }
            })?;
        Ok(Self {
            inner: Arc::new(Inner {
                device: settings.device,
                folders,
                scratch,
                cache: Cache::new(Bytes {
                    own: settings.cache_bytes,
                    mapped: settings.mapped_bytes,
                }),
                meter: settings.meter,
                broken: OnceLock::new(),
            }),
        })
    }
}

#[async_trait]
impl Trainer for Candle {
    fn device(&self) -> DeviceInfo {
        self.inner.device.info().clone()
    }

    fn device_for(&self, job: &JobSpec) -> DeviceInfo {
        self.inner.device.info_for(&Training::of(job))
    }

    fn memory_bytes(&self) -> Option<u64> {
        self.inner.meter.memory_bytes()
    }

    fn driver(&self) -> Option<String> {
        self.inner.meter.driver()
    }

    fn telemetry(&self) -> Option<Telemetry> {
        self.inner.meter.reading()
    }

    fn datasets(&self) -> BTreeMap<String, Digest> {
        self.inner
            .folders
            .iter()
            .map(|(name, named)| (name.clone(), named.digest))
            .collect()
    }

    fn facts(&self, dataset: &DatasetSource) -> Option<DatasetFacts> {
        match dataset {
            DatasetSource::Named(name) => Some(self.inner.folders.get(name)?.facts.clone()),
            DatasetSource::Synthetic(_) | DatasetSource::Video(_) => None,
        }
    }

    fn warm(&self) -> Vec<Digest> {
        self.inner.cache.digests()
    }

    fn broken(&self) -> Option<String> {
        self.inner.broken.get().cloned()
    }

    async fn train(
        &self,
        task: Task,
        events: mpsc::Sender<Event>,
        stop: CancellationToken,
    ) -> Ended {
        let (inner, flag) = (Arc::clone(&self.inner), StopFlag::new());
        let raise = {
            let flag = flag.clone();
            move || flag.stop()
        };
        dedicated_thread::run("trainer", stop, raise, move || {
            inner.train(&task, &events, &flag)
        })
        .await
    }

    fn forget(&self, job: JobId) {
        self.inner.scratch.remove(job);
    }
}

impl Inner {
    fn train(&self, task: &Task, events: &mpsc::Sender<Event>, stop: &StopFlag) -> Ended {
        let begin = Instant::now();
        for line in training_log::beginning(task, self.device.info(), self.device.threads()) {
            say(events, line);
        }
        let waiting = self.meter.waiting();
        let prepared = self.prepared(task);
        drop(waiting);
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(failure) => return Ended::Failed(failure),
        };
        info!(
            seconds = begin.elapsed().as_secs_f64(),
            "the data are ready"
        );
        say(events, training_log::data_ready(begin.elapsed(), &prepared));
        let saved = self.scratch.load(task.job_id).unwrap_or_default();
        match self.attempt(task, &prepared, events, stop, &saved, begin) {
            Err(TrainError::BadCheckpoint { message }) => {
                warn!(message, "a checkpoint cannot be used; training begins anew");
                let line = format!("a checkpoint cannot be used; training begins anew: {message}");
                say(events, line);
                self.scratch.remove(task.job_id);
                self.attempt(task, &prepared, events, stop, &Saved::default(), begin)
            }
            other => other,
        }
        .unwrap_or_else(|error| {
            if let TrainError::Device { message } = &error
                && self.device.info().kind.starts_with("cuda")
            {
                let _ = self.broken.set(message.clone());
            }
            Ended::Failed(error.failure())
        })
    }

    fn attempt(
        &self,
        task: &Task,
        prepared: &Prepared,
        events: &mpsc::Sender<Event>,
        stop: &StopFlag,
        saved: &Saved,
        begin: Instant,
    ) -> Result<Ended, TrainError> {
        let checkpoint = saved
            .checkpoint
            .as_deref()
            .map(Checkpoint::from_bytes)
            .transpose()?;
        let resumed = saved.resumed + u32::from(checkpoint.is_some());
        if let Some(checkpoint) = &checkpoint {
            info!(phase = %checkpoint.phase(), epoch = checkpoint.epoch(), "going on from a checkpoint");
            let line = format!(
                "going on after epoch {} of {} from a checkpoint, taken up for the {resumed}. time",
                checkpoint.epoch(),
                checkpoint.phase()
            );
            say(events, line);
            // A coordinator that lost the live epochs of the first part gets them again.
            for point in checkpoint.curve() {
                let _ = events.blocking_send(Event::Epoch(point.clone()));
            }
        }
        let keeper = Keeper {
            scratch: &self.scratch,
            job: task.job_id,
            begin,
            before: saved.duration_s,
            resumed,
        };
        let mut hearing = Hearing {
            meter: &self.meter,
            keeper: &keeper,
            events,
            kept: Instant::now(),
            begun: false,
            log: TrainingLog::default(),
        };
        let request = Request {
            job: &task.job,
            dataset: prepared,
            device: &self.device,
            stop,
            checkpoint,
        };
        match gcl::train(&request, &mut hearing) {
            Ok(trained) => {
                for line in hearing.log.end(begin.elapsed(), &trained.outcome) {
                    say(events, line);
                }
                Ok(Ended::Finished(Box::new(Finished {
                    outcome: trained.outcome,
                    artifacts: trained
                        .artifacts
                        .into_iter()
                        .map(|(name, bytes)| Artifact { name, bytes })
                        .collect(),
                    duration_s: keeper.duration_s(),
                    resumed,
                })))
            }
            Err(TrainError::Stopped(checkpoint)) => {
                say(
                    events,
                    "stopped at a batch boundary; a checkpoint is kept".to_owned(),
                );
                keeper.keep(&checkpoint);
                Ok(Ended::Stopped)
            }
            Err(error) => Err(error),
        }
    }

    /// The job's data, checked to be those that it names.
    fn prepared(&self, task: &Task) -> Result<Arc<Prepared>, Failure> {
        let scaling = Training::of(&task.job).feature_scaling;
        if let Some(prepared) = self.cache.get(task.dataset, scaling) {
            return Ok(prepared);
        }
        let dataset = self.dataset(&task.job.dataset)?;
        if dataset.digest != task.dataset {
            return Err(Failure::new(
                FailureClass::BadData,
                format!(
                    "the copy of the data set `{}` here has the digest {}, the job names {}",
                    task.job.dataset, dataset.digest, task.dataset
                ),
            ));
        }
        // What may go must go before the new data come: both need not fit at once.
        self.cache.make_room(bytes_of(&dataset));
        let prepared = Prepared::new(&dataset, scaling).map_err(|error| error.failure())?;
        Ok(self.cache.insert(task.dataset, prepared))
    }

    fn dataset(&self, source: &DatasetSource) -> Result<Dataset, Failure> {
        let result = match source {
            DatasetSource::Synthetic(synthetic) => datasets::synthesize(synthetic),
            // Extractions are not this trainer's: see `crate::extraction`.
            DatasetSource::Video(_) => {
                return Err(Failure::new(
                    FailureClass::BadData,
                    "this worker extracts no videos: start it with --videos NAME=DIR",
                ));
            }
            DatasetSource::Named(name) => {
                let Some(named) = self.folders.get(name) else {
                    return Err(Failure::new(
                        FailureClass::BadData,
                        format!("this worker has no data set `{name}`: give it --data {name}=DIR"),
                    ));
                };
                // Opened anew: the files may have changed since the start, and the digest tells.
                datasets::open(&named.folder)
            }
        };
        result.map_err(|error| Failure::new(FailureClass::BadData, proto::error_chain(&error)))
    }
}

/// What a data set will take when it is prepared.
fn bytes_of(dataset: &Dataset) -> Bytes {
    let splits = [&dataset.train, &dataset.test];
    let of = |split: &datasets::Split| {
        if let Some(rows) = split.shared_rows() {
            return Bytes {
                mapped: rows.bytes(),
                ..Bytes::default()
            };
        }
        let each = if split.is_half() { 2 } else { 4 };
        let values = split.segments() * split.crops() * dataset.metadata.feature_dim;
        Bytes {
            own: each * values,
            ..Bytes::default()
        }
    };
    splits
        .map(of)
        .into_iter()
        .fold(Bytes::default(), Bytes::plus)
}

/// A line for the job's log. Nobody may be listening.
fn say(events: &mpsc::Sender<Event>, line: String) {
    let _ = events.blocking_send(Event::Log(line));
}

/// Passes epochs on, and keeps a checkpoint now and then.
struct Hearing<'a> {
    meter: &'a Meter,
    keeper: &'a Keeper<'a>,
    events: &'a mpsc::Sender<Event>,
    kept: Instant,
    begun: bool,
    log: TrainingLog,
}

impl Observer for Hearing<'_> {
    fn on_epoch(&mut self, point: &EpochPoint, checkpoint: &Checkpoint) {
        // Nobody may be listening; the record has all epochs in the end.
        let _ = self.events.blocking_send(Event::Epoch(point.clone()));
        if let Some(line) = self.log.epoch(self.keeper.begin.elapsed(), point) {
            say(self.events, line);
        }
        if self.kept.elapsed() >= CHECKPOINT_EVERY {
            self.keeper.keep(checkpoint);
            self.kept = Instant::now();
        }
    }

    fn on_batch(&mut self) {
        if !std::mem::replace(&mut self.begun, true) {
            debug!("the first batch is learned");
        }
        self.meter.batch();
    }
}

/// Knows where a job's checkpoint goes, and how long it trained until then.
struct Keeper<'a> {
    scratch: &'a Scratch,
    job: JobId,
    begin: Instant,
    /// Seconds of the parts before this one.
    before: f64,
    resumed: u32,
}

impl Keeper<'_> {
    fn duration_s(&self) -> f64 {
        self.before + self.begin.elapsed().as_secs_f64()
    }

    /// A checkpoint that cannot be kept costs time after an interruption, not the job.
    fn keep(&self, checkpoint: &Checkpoint) {
        let saved = match checkpoint.to_bytes() {
            Ok(bytes) => Saved {
                checkpoint: Some(bytes),
                duration_s: self.duration_s(),
                resumed: self.resumed,
            },
            Err(error) => {
                warn!(%error, "a checkpoint cannot be written");
                return;
            }
        };
        if let Err(cause) = self.scratch.save(self.job, &saved) {
            warn!(%cause, "a checkpoint is not kept");
        }
    }
}
