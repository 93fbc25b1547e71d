//! One attempt: the trainer runs, its epochs go out, orders come in, and the end is told.

use std::sync::Arc;
use std::time::Duration;

use proto::limits::CURVE_POINTS;
use sweeps::{
    ArtifactRef, Digest, EpochPoint, Failure, FailureClass, FinalMetrics, JobSpec, Outcome,
    Provenance, RunRecord, Training,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tracing::{Instrument, info, info_span, warn};

use crate::config::OnDrain;
use crate::deliver::{Blobs, Delivered, Parcel};
use crate::error::WorkerError;
use crate::heart::Heart;
use crate::link::{Assignment, Work};
use crate::run::Worker;
use crate::trainer::{Ended, Event, Finished, Task};
use crate::verdict::Verdict;
use proto::nouns::{LeaseKey, StopReason};

/// Epochs and log lines between the trainer and the heartbeat, which takes them at once: room for a burst of log lines.
const EVENTS: usize = 64;

/// Why the trainer was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stopping {
    /// A signal.
    Shutdown,
    /// The coordinator wants the worker to go.
    Drain,
    /// The coordinator wants the attempt to stop.
    Order,
    /// The coordinator was silent for too long.
    Orphaned,
    /// A number was not finite.
    Diverged,
}

impl Worker {
    /// Does one job to its end, whatever that is; answers the next work where `asks_on`.
    pub(crate) async fn attempt(
        &self,
        heart: &Heart,
        assignment: Assignment,
        asks_on: bool,
    ) -> Result<Work, WorkerError> {
        let LeaseKey { job, attempt } = assignment.key;
        let span = info_span!("attempt", job = %job.short(), %attempt, worker = self.config.name);
        let end = self
            .run_attempt(heart, assignment, asks_on)
            .instrument(span)
            .await;
        heart.let_go(LeaseKey { job, attempt });
        if self.config.lanes <= 1 {
            self.note_leases(heart);
        }
        end
    }

    async fn run_attempt(
        &self,
        heart: &Heart,
        assignment: Assignment,
        asks_on: bool,
    ) -> Result<Work, WorkerError> {
        let key = assignment.key;
        if let Some(reason) = heart.order(key) {
            info!(?reason, "the job was taken back before it began");
            return Ok(Work::default());
        }
        let task = match task_of(assignment, self.trainer.revision()) {
            Ok(task) => task,
            Err(failure) => return self.fail(heart, key, failure, asks_on).await,
        };
        info!(dataset = %task.job.dataset, seed = task.job.seed, "training begins");
        let (ended, stopping) = self.train(heart, task.clone()).await?;
        match ended {
            // A result is welcome whatever was ordered meanwhile.
            Ended::Finished(finished) => match check(&finished.outcome) {
                Ok(()) => self.hand_in(heart, &task, *finished, asks_on).await,
                Err(failure) => self.fail(heart, key, failure, asks_on).await,
            },
            Ended::Failed(failure) => self.fail(heart, key, failure, asks_on).await,
            Ended::Stopped => match stopping {
                Some(Stopping::Shutdown) => {
                    info!("training stopped; the job goes back");
                    self.hand_back(key, "its worker was told to stop").await;
                    Ok(Work::default())
                }
                Some(Stopping::Drain) => {
                    info!("training stopped; the job goes back");
                    self.hand_back(key, "its worker is drained").await;
                    Ok(Work::default())
                }
                Some(Stopping::Order) => {
                    let reason = heart.order(key);
                    info!(?reason, "training stopped by order");
                    if matches!(
                        reason,
                        Some(StopReason::Finished | StopReason::Cancelled | StopReason::Unknown)
                    ) {
                        self.trainer.forget(key.job);
                    }
                    Ok(Work::default())
                }
                Some(Stopping::Orphaned) => {
                    let (silent, last) = self.link.silence();
                    Err(WorkerError::Orphaned { silent, last })
                }
                Some(Stopping::Diverged) => {
                    let failure = Failure::new(
                        FailureClass::Diverged,
                        "an epoch ended with a number that is not finite",
                    );
                    self.fail(heart, key, failure, asks_on).await
                }
                None => {
                    let failure = Failure::new(
                        FailureClass::Trainer,
                        "the trainer stopped without being told",
                    );
                    self.fail(heart, key, failure, asks_on).await
                }
            },
        }
    }

    /// Runs the trainer, passes on what happens, stops it when there is a reason.
    async fn train(
        &self,
        heart: &Heart,
        task: Task,
    ) -> Result<(Ended, Option<Stopping>), WorkerError> {
        let key = LeaseKey {
            job: task.job_id,
            attempt: task.attempt,
        };
        let (events, mut arriving) = mpsc::channel(EVENTS);
        let ordered = heart.hold(key);
        let stop = ordered.child_token();
        let mut training = {
            let (trainer, stop) = (Arc::clone(&self.trainer), stop.clone());
            tokio::spawn(async move { trainer.train(task, events, stop).await }.in_current_span())
        };
        let mut stopping = None;
        let mut deadline: Option<Instant> = None;
        loop {
            let reason = tokio::select! {
                ended = &mut training => {
                    let ended = ended.unwrap_or_else(|error| Ended::Failed(panicked(error)));
                    return Ok((ended, stopping));
                }
                Some(event) = arriving.recv() => {
                    if let Event::Epoch(point) = &event
                        && !is_finite(point)
                    {
                        Stopping::Diverged
                    } else {
                        heart.progress(key, event);
                        continue;
                    }
                }
                () = ordered.cancelled(), if stopping.is_none() => Stopping::Order,
                () = self.shutdown.cancelled(), if stopping.is_none() => Stopping::Shutdown,
                () = heart.drain().cancelled(),
                    if stopping.is_none() && self.config.on_drain == OnDrain::HandBack => Stopping::Drain,
                () = self.link.silent_for(self.config.orphan_timeout), if stopping.is_none() => Stopping::Orphaned,
                () = sleep_until(deadline.unwrap_or_else(far_away)), if deadline.is_some() => {
                    warn!("the trainer does not stop; it is left behind");
                    training.abort();
                    if stopping == Some(Stopping::Shutdown) {
                        return Ok((Ended::Stopped, stopping));
                    }
                    return Err(WorkerError::Stuck(self.trainers_grace()));
                }
            };
            stopping.get_or_insert(reason);
            stop.cancel();
            deadline.get_or_insert_with(|| Instant::now() + self.trainers_grace());
        }
    }

    async fn hand_in(
        &self,
        heart: &Heart,
        task: &Task,
        finished: Finished,
        asks_on: bool,
    ) -> Result<Work, WorkerError> {
        let mut outcome = finished.outcome;
        let artifacts: Blobs = finished
            .artifacts
            .into_iter()
            .map(|artifact| {
                let digest = Digest::of(&artifact.bytes);
                outcome.artifacts.push(ArtifactRef {
                    name: artifact.name,
                    digest,
                    bytes: artifact.bytes.len() as u64,
                });
                (digest, artifact.bytes)
            })
            .collect();
        info!(
            epochs = outcome.curve.len(),
            duration_s = finished.duration_s,
            "training ended"
        );
        let record = RunRecord {
            job_id: task.job_id,
            outcome,
            provenance: Provenance {
                attempt: task.attempt,
                worker: self.config.name.clone(),
                device: self.trainer.device(),
                version: self.config.version.clone(),
                trainer_revision: self.trainer.revision(),
                dataset_digest: task.dataset,
                duration_s: finished.duration_s,
                resumed: finished.resumed,
                dataset: self.trainer.facts(&task.job.dataset).map(Box::new),
            },
        };
        let parcel = Parcel {
            // It is a result, however long: what is too long of it is cut before it is kept or sent.
            record: Arc::new(proto::fit(record)),
            artifacts: Some(Arc::new(artifacts)),
            spool: Arc::clone(&self.spool),
        };
        let key = LeaseKey {
            job: task.job_id,
            attempt: task.attempt,
        };
        let next = self.next_after(heart, key, asks_on);
        match self.deliver(&parcel, next.as_ref()).await? {
            Delivered::Acknowledged(work) => {
                self.trainer.forget(task.job_id);
                Ok(work)
            }
            // Said as a failure too: the job must not come back for ever.
            Delivered::Refused(message) => {
                let failure = Failure::new(
                    FailureClass::Trainer,
                    format!("the coordinator will not take the record: {message}"),
                );
                self.fail(heart, key, failure, asks_on).await
            }
            Delivered::Kept => Ok(Work::default()),
        }
    }

    /// Tells a failure until it is heard. It is not kept on disk: a lease that runs out says nearly the same.
    async fn fail(
        &self,
        heart: &Heart,
        key: LeaseKey,
        failure: Failure,
        asks_on: bool,
    ) -> Result<Work, WorkerError> {
        warn!(%failure, "the attempt failed");
        let next = self.next_after(heart, key, asks_on);
        let mut failures = 0;
        loop {
            match self.link.fail(key, &failure, next.as_ref()).await {
                Ok(work) => return Ok(work),
                Err(trouble) if matches!(trouble.verdict, Verdict::Retry | Verdict::HelloAgain) => {
                    failures += 1;
                    if !self.pause(&trouble, failures).await? {
                        return Ok(Work::default());
                    }
                }
                Err(trouble) => {
                    info!(message = trouble.message, "the failure is not wanted");
                    return Ok(Work::default());
                }
            }
        }
    }

    /// What to ask for together with the end of `key`; nothing when this worker is about to go.
    fn next_after(
        &self,
        heart: &Heart,
        key: LeaseKey,
        asks_on: bool,
    ) -> Option<proto::nouns::Next> {
        let goes = self.shutdown.is_cancelled()
            || heart.drain().is_cancelled()
            || self.trainer.broken().is_some();
        (asks_on && !goes).then(|| {
            let mut next = self.next(heart);
            if next.held.contains(&key) {
                next.held.retain(|held| *held != key);
                next.slots += 1;
            }
            next
        })
    }
}

/// The task, if it is one that this program can do.
fn task_of(assignment: Assignment, revision: u32) -> Result<Task, Failure> {
    let LeaseKey {
        job: job_id,
        attempt,
    } = assignment.key;
    let other_version = |what: String| Failure::new(FailureClass::Trainer, what);
    let job = assignment.job.map_err(|error| {
        let cause = std::error::Error::source(&error)
            .map(|cause| format!(": {cause}"))
            .unwrap_or_default();
        other_version(format!("{error}{cause}"))
    })?;
    let id = job.id_of_revision(assignment.dataset, revision);
    if id != job_id {
        return Err(other_version(format!(
            "this worker's version gives the job the id {}, the coordinator's gives it {}: run the same release on both",
            id.short(),
            job_id.short()
        )));
    }
    let epochs = epochs(&job);
    if epochs > CURVE_POINTS as u64 {
        return Err(other_version(format!(
            "the job has {epochs} epochs in all phases together, a record holds at most {CURVE_POINTS}"
        )));
    }
    Ok(Task {
        job_id,
        attempt,
        job,
        dataset: assignment.dataset,
    })
}

/// At most that many epochs, all phases together.
fn epochs(job: &JobSpec) -> u64 {
    let training = Training::of(job);
    let pretraining = if training.pretraining == sweeps::training::Pretraining::Off {
        0
    } else {
        u64::from(training.pretrain_epochs) + u64::from(training.pretrain_discriminator_epochs)
    };
    u64::from(training.epochs) + pretraining
}

/// A number that is not finite cannot travel, and means that the run diverged, whatever its trainer thinks.
fn check(outcome: &Outcome) -> Result<(), Failure> {
    let FinalMetrics { d, g } = &outcome.metrics;
    let metrics_finite = [d, g].into_iter().flatten().all(|score| {
        [
            score.auc,
            score.ap,
            score.ano_auc,
            score.macro_auc,
            score.far,
            score.recall_at_fpr10,
        ]
        .into_iter()
        .flatten()
        .all(f64::is_finite)
    });
    if metrics_finite && outcome.curve.iter().all(is_finite) {
        Ok(())
    } else {
        Err(Failure::new(
            FailureClass::Diverged,
            "the result holds a number that is not finite",
        ))
    }
}

fn is_finite(point: &EpochPoint) -> bool {
    [
        point.auc_d,
        point.auc_g,
        point.loss_d,
        point.loss_g,
        point.positive_share_g,
        point.positive_share_d,
        point.agreement_gd,
        point.agreement_truth,
    ]
    .into_iter()
    .flatten()
    .all(f64::is_finite)
}

fn panicked(error: tokio::task::JoinError) -> Failure {
    let message = match error.try_into_panic() {
        Ok(panic) => format!("the trainer panicked: {}", panic_text(&*panic)),
        Err(error) => format!("the trainer vanished: {error}"),
    };
    Failure::new(FailureClass::Trainer, message)
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a word")
}

/// A time that does not come, for an arm that is switched off.
fn far_away() -> Instant {
    Instant::now() + Duration::from_hours(24 * 365)
}
