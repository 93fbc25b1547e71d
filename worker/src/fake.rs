//! A trainer that follows a script: for tests in virtual time, and for measuring everything but training.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sweeps::{
    DeviceInfo, Digest, EpochPoint, Failure, FailureClass, FinalMetrics, JobId, Outcome, Phase,
    ScoreMetrics,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::trainer::{Artifact, Ended, Event, Finished, Task, Trainer};

type Script = Box<dyn Fn(&Task) -> Vec<Step> + Send + Sync>;

/// A trainer that follows a script.
pub struct Fake {
    script: Script,
    datasets: BTreeMap<String, Digest>,
    device: DeviceInfo,
    broken: AtomicBool,
}

/// One step of a script. After the last one the job is finished.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Train for that long. Stopping is possible at its end, as at a batch boundary, and every `batch` within.
    Work {
        /// How long.
        time: Duration,
        /// The time between two batch boundaries.
        batch: Duration,
    },
    /// An epoch ends, with numbers that follow from the job and the epoch.
    Epoch,
    /// An epoch ends with a loss that is not a number.
    NanEpoch,
    /// A line for people.
    Log(String),
    /// Fail.
    Fail(FailureClass),
    /// The device fails, for this job and every later one of this process.
    Break,
    /// Never come back, whatever is said.
    Hang,
    /// Panic.
    Panic,
    /// Keep that many bytes as an artifact.
    Artifact(usize),
}

impl fmt::Debug for Fake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Fake").finish_non_exhaustive()
    }
}

impl Fake {
    /// Follows that script for every job.
    pub fn new(script: impl Fn(&Task) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self {
            script: Box::new(script),
            datasets: BTreeMap::new(),
            device: DeviceInfo {
                kind: "fake".to_owned(),
                name: "a script".to_owned(),
            },
            broken: AtomicBool::new(false),
        }
    }

    /// That many epochs of that length.
    pub fn epochs(count: usize, each: Duration) -> Self {
        Self::new(move |_| {
            let work = Step::Work {
                time: each,
                batch: each / 10,
            };
            [work, Step::Epoch]
                .into_iter()
                .cycle()
                .take(2 * count)
                .collect()
        })
    }

    /// That also says it has those data sets.
    #[must_use]
    pub fn with_datasets(mut self, datasets: BTreeMap<String, Digest>) -> Self {
        self.datasets = datasets;
        self
    }
}

/// The point of that epoch of that job: the same whoever makes it.
pub fn point(job: JobId, epoch: u32) -> EpochPoint {
    let share = f64::from(job.0[0]) / 256.0;
    EpochPoint {
        auc_d: Some(1.0 - (0.5 + 0.4 * share) / f64::from(epoch + 1)),
        auc_g: Some(1.0 - 0.6 / f64::from(epoch + 1)),
        loss_d: Some(1.0 / f64::from(epoch)),
        loss_g: Some(2.0 / f64::from(epoch)),
        ..EpochPoint::new(Phase::Train, epoch)
    }
}

#[async_trait]
impl Trainer for Fake {
    fn device(&self) -> DeviceInfo {
        self.device.clone()
    }

    fn datasets(&self) -> BTreeMap<String, Digest> {
        self.datasets.clone()
    }

    fn broken(&self) -> Option<String> {
        self.broken
            .load(Ordering::Relaxed)
            .then(|| "the script broke it".to_owned())
    }

    async fn train(
        &self,
        task: Task,
        events: mpsc::Sender<Event>,
        stop: CancellationToken,
    ) -> Ended {
        let begin = Instant::now();
        let mut curve = Vec::new();
        let mut artifacts = Vec::new();
        for step in (self.script)(&task) {
            if stop.is_cancelled() {
                return Ended::Stopped;
            }
            match step {
                Step::Work { time, batch } => {
                    let batch = batch.max(Duration::from_micros(1));
                    let mut left = time;
                    while !left.is_zero() {
                        let part = left.min(batch);
                        sleep(part).await;
                        left -= part;
                        if stop.is_cancelled() {
                            return Ended::Stopped;
                        }
                    }
                }
                Step::Epoch => {
                    let point = point(task.job_id, curve.len() as u32 + 1);
                    curve.push(point.clone());
                    // Nobody may be listening; that is no reason to stop.
                    let _ = events.send(Event::Epoch(point)).await;
                }
                Step::NanEpoch => {
                    let mut point = point(task.job_id, curve.len() as u32 + 1);
                    point.loss_g = Some(f64::NAN);
                    curve.push(point.clone());
                    let _ = events.send(Event::Epoch(point)).await;
                }
                Step::Log(line) => {
                    let _ = events.send(Event::Log(line)).await;
                }
                Step::Fail(class) => {
                    return Ended::Failed(Failure::new(class, "the script says so"));
                }
                Step::Break => {
                    self.broken.store(true, Ordering::Relaxed);
                    let failure = Failure::new(FailureClass::Trainer, "the device failed");
                    return Ended::Failed(failure);
                }
                Step::Hang => std::future::pending().await,
                Step::Panic => panic!("the script says so"),
                Step::Artifact(bytes) => artifacts.push(Artifact {
                    name: format!("artifact-{}", artifacts.len()),
                    bytes: task.job_id.0.iter().copied().cycle().take(bytes).collect(),
                }),
            }
        }
        let last = curve.last();
        let score = |auc: Option<f64>| ScoreMetrics {
            auc,
            ..ScoreMetrics::default()
        };
        let metrics = FinalMetrics {
            d: last.map(|point| score(point.auc_d)),
            g: last.map(|point| score(point.auc_g)),
        };
        Ended::Finished(Box::new(Finished {
            outcome: Outcome {
                curve,
                metrics,
                ..Outcome::default()
            },
            artifacts,
            duration_s: begin.elapsed().as_secs_f64(),
            resumed: 0,
        }))
    }
}
