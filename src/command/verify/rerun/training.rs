//! Training the sample, some jobs at the same time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use proto::error_chain;
use proto::nouns::TOLERANCE;
use publication::comparison::{Verdict, compare};
use publication::layout;
use publication::verification::JobCheck;
use sweeps::{AttemptNumber, DatasetSource, JobId, Provenance, TRAINER_REVISION};
use tokio::sync::{Semaphore, mpsc};
use worker::{Ended, Task, Trainer};

use super::{Drawn, Rerun};
use crate::clock::Stopwatch;
use crate::error::CommandError;
use crate::output::say;
use crate::version;

/// Bytes of prepared data that are kept between jobs.
const CACHE_BYTES: usize = 4 << 30;

/// The folders of data sets by their names, or why one cannot be used.
type Data = BTreeMap<String, Result<PathBuf, String>>;

impl Rerun<'_> {
    /// Runs the jobs, and says on what and how each compares, in the order of the sample.
    pub async fn run(&self, jobs: &[JobId]) -> Result<(String, Vec<JobCheck>), CommandError> {
        let (drawn, mut checks) = self.drawn(jobs);
        let data = self.data()?;
        let mut runnable = Vec::new();
        for drawn in drawn {
            match obstacle(&drawn, &data) {
                Some(why) => checks.push(drawn.check(Verdict::NotRun, why)),
                None => runnable.push(drawn),
            }
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let probe = gcl::open_device(self.device, Some(1))?;
        let is_gpu = probe.info().kind.starts_with("cuda");
        let usual = if is_gpu { 1 } else { cores };
        let lanes = self.lanes.unwrap_or(usual).min(runnable.len()).max(1);
        let device = gcl::open_device(self.device, Some((cores / lanes).max(1)))?;
        let told = format!("{} ({})", device.info().kind, device.info().name);
        if runnable.is_empty() {
            return Ok((told, ordered(jobs, checks)));
        }
        let trainer = Arc::new(self.trainer(device, data)?);
        let stop = crate::interrupt::token()
            .map_err(|error| CommandError::Other(format!("cannot listen for signals: {error}")))?;
        let free = Arc::new(Semaphore::new(lanes));
        let count = runnable.len();
        let mut running = tokio::task::JoinSet::new();
        for (number, drawn) in runnable.iter().enumerate() {
            let (trainer, free, stop) = (Arc::clone(&trainer), Arc::clone(&free), stop.clone());
            let task = Task {
                job_id: drawn.job,
                attempt: AttemptNumber(1),
                job: drawn.cell().job.clone(),
                dataset: drawn.record.provenance.dataset_digest,
            };
            running.spawn(async move {
                let _place = free.acquire().await;
                let watch = Stopwatch::start();
                let (events, mut heard) = mpsc::channel(64);
                let listen = async { while heard.recv().await.is_some() {} };
                let (ended, ()) = tokio::join!(trainer.train(task, events, stop), listen);
                (number, ended, watch.elapsed().as_secs_f64())
            });
        }
        let mut done = 0;
        while let Some(joined) = running.join_next().await {
            let (number, ended, seconds) = joined
                .map_err(|error| CommandError::Other(format!("a trainer broke down: {error}")))?;
            let drawn = &runnable[number];
            if stop.is_cancelled() {
                return Err(CommandError::Interrupted(
                    "interrupted: not every job of the sample was run".into(),
                ));
            }
            let mut check = compared(drawn, ended, trainer.as_ref());
            check.seconds = seconds;
            done += 1;
            say(&format!(
                "{done}/{count} {}: {}",
                check.cell,
                check.verdict.words()
            ));
            checks.push(check);
        }
        Ok((told, ordered(jobs, checks)))
    }

    fn trainer(
        &self,
        device: gcl::Device,
        data: Data,
    ) -> Result<worker::candle::Candle, CommandError> {
        let ordinal = self
            .device
            .strip_prefix("cuda:")
            .and_then(|number| number.parse().ok())
            .unwrap_or(0);
        let assigned = worker::gpu::Assigned::default();
        let meter =
            worker::telemetry::Meter::start(device.info(), ordinal, device.threads(), &assigned);
        worker::candle::Candle::open(worker::candle::Settings {
            device,
            folders: data
                .into_iter()
                .filter_map(|(name, folder)| Some((name, folder.ok()?)))
                .collect(),
            scratch: self.scratch.join("checkpoints"),
            scratch_bytes: 1 << 30,
            cache_bytes: CACHE_BYTES,
            mapped_bytes: CACHE_BYTES,
            meter,
        })
        .map_err(|error| CommandError::Input(error_chain(&error)))
    }

    /// The folders of data sets: those that are named, else those in the box, copied, since who opens a data set keeps its
    /// digest beside it. And why others cannot be used.
    fn data(&self) -> Result<Data, CommandError> {
        let mut usable = Data::new();
        for data in &self.opened.datasets {
            let name = &data.facts.name;
            let folder = if let Some(folder) = self.folders.0.get(name) {
                folder.clone()
            } else if data.files.is_empty() {
                continue;
            } else {
                let copy = self.scratch.join("data").join(&data.named.files);
                let below = layout::dataset_folder(&data.named.files);
                for (path, _) in &data.files {
                    let bytes = std::fs::read(self.opened.folder.join(path)).map_err(|error| {
                        CommandError::io("read", &self.opened.folder.join(path), &error)
                    })?;
                    let plain = path.strip_prefix(&format!("{below}/")).unwrap_or(path);
                    crate::command::published::put(&copy, plain, &bytes)?;
                }
                copy
            };
            let opened = datasets::open(&folder).map_err(|error| error_chain(&error));
            let checked = opened.and_then(|dataset| match data.facts.digest {
                Some(told) if told != dataset.digest => Err(format!(
                    "the copy of `{name}` here has the digest {}, the jobs read {}",
                    dataset.digest.short(),
                    told.short()
                )),
                _ => Ok(folder),
            });
            usable.insert(name.clone(), checked);
        }
        Ok(usable)
    }
}

/// Why a job cannot be run here.
fn obstacle(drawn: &Drawn<'_>, data: &Data) -> Option<String> {
    let revision = drawn.sweep.evidence.trainer_revision;
    if revision != TRAINER_REVISION {
        return Some(format!(
            "its trainer is revision {revision}, this program's {TRAINER_REVISION}: a build of {} runs it",
            drawn.record.provenance.version
        ));
    }
    match &drawn.cell().job.dataset {
        DatasetSource::Named(name) => match data.get(name) {
            Some(Ok(_)) => None,
            Some(Err(why)) => Some(why.clone()),
            None => Some(format!(
                "its data set `{name}` is not here: give --data {name}=DIR"
            )),
        },
        DatasetSource::Video(_) => Some("it extracts a video and trains nothing".to_owned()),
        DatasetSource::Synthetic(_) => None,
    }
}

fn compared(drawn: &Drawn<'_>, ended: Ended, trainer: &dyn Trainer) -> JobCheck {
    let finished = match ended {
        Ended::Finished(finished) => *finished,
        Ended::Stopped => return drawn.check(Verdict::NotRun, "it was stopped".to_owned()),
        Ended::Failed(failure) => {
            return drawn.check(
                Verdict::NotRun,
                format!(
                    "it failed here ({}): {}",
                    failure.class.name(),
                    failure.message
                ),
            );
        }
    };
    let here = trainer.device_for(&drawn.cell().job);
    let provenance = Provenance {
        device: here.clone(),
        version: version::LONG.to_owned(),
        dataset: None,
        cached_since_ms: None,
        duration_s: finished.duration_s,
        ..drawn.record.provenance.clone()
    };
    let (again, _) = worker::record_of(drawn.job, finished, provenance);
    let (verdict, why) = compare(&drawn.record, &again.outcome, &here, TOLERANCE);
    let mut check = drawn.check(verdict, why);
    check.found_auc = drawn.auc(&again.outcome.metrics);
    check
}

/// In the order of the sample.
fn ordered(jobs: &[JobId], checks: Vec<JobCheck>) -> Vec<JobCheck> {
    let mut by_job: BTreeMap<JobId, JobCheck> =
        checks.into_iter().map(|check| (check.job, check)).collect();
    jobs.iter().filter_map(|job| by_job.remove(job)).collect()
}
