//! One attempt: the trainer runs, its epochs go out, orders come in, and the end is told.

use std::sync::Arc;
use std::time::Duration;

use client::decision::CallDecision;
use client::link::{Assignment, LeaseResponse};
use proto::limits::CURVE_POINTS;
use proto::nouns::{LeaseKey, Next, StopReason};
use sweeps::{Failure, FailureClass, JobSpec, Outcome, Provenance, Training};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tracing::{Instrument, info, info_span, warn};

use crate::config::OnDrain;
use crate::context::Context;
use crate::delivery::{Delivered, Delivery};
use crate::error::{WorkerError, panic_text};
use crate::heartbeat::{Heartbeat, Lease};
use crate::record::record_of;
use crate::trainer::{Ended, Event, Finished, Task};
use crate::wording::clean_failure;

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

/// One attempt at a job that this worker holds.
pub(crate) struct Attempt {
    context: Arc<Context>,
    heartbeat: Arc<Heartbeat>,
    lease: Lease,
    /// Whether the end of this attempt may ask for the next job.
    asks_on: bool,
}

impl Attempt {
    pub(crate) fn new(
        context: Arc<Context>,
        heartbeat: Arc<Heartbeat>,
        lease: Lease,
        asks_on: bool,
    ) -> Self {
        Self {
            context,
            heartbeat,
            lease,
            asks_on,
        }
    }

    /// Does the job to its end, whatever that is; answers the next work where it may ask for it.
    pub(crate) async fn run(self, assignment: Assignment) -> Result<LeaseResponse, WorkerError> {
        let LeaseKey { job, attempt } = self.lease.key();
        let span =
            info_span!("attempt", job = %job.short(), %attempt, worker = self.context.config.name);
        let begin = Instant::now();
        let context = Arc::clone(&self.context);
        let ended = self.run_to_its_end(assignment).instrument(span).await;
        context.walltime.note(begin.elapsed());
        ended
    }

    async fn run_to_its_end(self, assignment: Assignment) -> Result<LeaseResponse, WorkerError> {
        if let Some(reason) = self.lease.order() {
            info!(?reason, "the job was taken back before it began");
            return Ok(LeaseResponse::default());
        }
        let task = match task_of(assignment, self.context.trainer.revision()) {
            Ok(task) => task,
            Err(failure) => return self.fail(failure).await,
        };
        info!(dataset = %task.job.dataset, seed = task.job.seed, "training begins");
        let (ended, stopping) = self.train(task.clone()).await?;
        match ended {
            // A result is welcome whatever was ordered meanwhile.
            Ended::Finished(finished) => match check(&finished.outcome) {
                Ok(()) => self.hand_in(&task, *finished).await,
                Err(failure) => self.fail(failure).await,
            },
            Ended::Failed(failure) => self.fail(failure).await,
            Ended::Stopped => self.stopped(stopping).await,
        }
    }

    /// The trainer stopped without a result.
    async fn stopped(self, stopping: Option<Stopping>) -> Result<LeaseResponse, WorkerError> {
        match why(stopping, self.lease.order()) {
            Some(Stopping::Shutdown) => {
                info!("training stopped; the job goes back");
                self.hand_back("its worker was told to stop").await;
                Ok(LeaseResponse::default())
            }
            Some(Stopping::Drain) => {
                info!("training stopped; the job goes back");
                self.hand_back("its worker is drained").await;
                Ok(LeaseResponse::default())
            }
            Some(Stopping::Order) => {
                let reason = self.lease.order();
                info!(?reason, "training stopped by order");
                if matches!(
                    reason,
                    Some(StopReason::Finished | StopReason::Cancelled | StopReason::Unknown)
                ) {
                    self.context.trainer.forget(self.lease.key().job);
                }
                Ok(LeaseResponse::default())
            }
            Some(Stopping::Orphaned) => {
                let (silent, last) = self.context.link.silence();
                Err(WorkerError::Orphaned { silent, last })
            }
            Some(Stopping::Diverged) => {
                let failure = Failure::new(
                    FailureClass::Diverged,
                    "an epoch ended with a number that is not finite",
                );
                self.fail(failure).await
            }
            None => {
                let failure = Failure::new(
                    FailureClass::Trainer,
                    "the trainer stopped without being told",
                );
                self.fail(failure).await
            }
        }
    }

    /// Runs the trainer, passes on what happens, stops it when there is a reason.
    async fn train(&self, task: Task) -> Result<(Ended, Option<Stopping>), WorkerError> {
        let context = &self.context;
        let (events, mut arriving) = mpsc::channel(EVENTS);
        let ordered = self.lease.stop();
        let stop = ordered.child_token();
        let mut training = {
            let (trainer, stop) = (Arc::clone(&context.trainer), stop.clone());
            tokio::spawn(async move { trainer.train(task, events, stop).await }.in_current_span())
        };
        let mut stopping = None;
        let mut deadline: Option<Instant> = None;
        loop {
            let reason = tokio::select! {
                ended = &mut training => {
                    // What it said last is in the channel still.
                    while let Ok(event) = arriving.try_recv() {
                        self.lease.progress(event);
                    }
                    let ended = ended.unwrap_or_else(|error| Ended::Failed(panicked(error)));
                    return Ok((ended, stopping));
                }
                Some(event) = arriving.recv() => {
                    if let Event::Epoch(point) = &event
                        && !point.is_finite()
                    {
                        Stopping::Diverged
                    } else {
                        self.lease.progress(event);
                        continue;
                    }
                }
                () = ordered.cancelled(), if stopping.is_none() => Stopping::Order,
                () = context.shutdown.cancelled(), if stopping.is_none() => Stopping::Shutdown,
                () = self.heartbeat.drain().cancelled(),
                    if stopping.is_none() && context.config.on_drain == OnDrain::HandBack => Stopping::Drain,
                () = context.link.silent_for(context.config.orphan_timeout), if stopping.is_none() => Stopping::Orphaned,
                () = sleep_until(deadline.unwrap_or_else(far_away)), if deadline.is_some() => {
                    warn!("the trainer does not stop; it is left behind");
                    training.abort();
                    if stopping == Some(Stopping::Shutdown) {
                        return Ok((Ended::Stopped, stopping));
                    }
                    return Err(WorkerError::Stuck(context.trainers_grace()));
                }
            };
            stopping.get_or_insert(reason);
            stop.cancel();
            deadline.get_or_insert_with(|| Instant::now() + context.trainers_grace());
        }
    }

    async fn hand_in(self, task: &Task, finished: Finished) -> Result<LeaseResponse, WorkerError> {
        let context = &self.context;
        info!(
            epochs = finished.outcome.curve.len(),
            duration_s = finished.duration_s,
            "training ended"
        );
        let provenance = Provenance {
            attempt: task.attempt,
            worker: context.config.name.clone(),
            device: context.trainer.device_for(&task.job),
            version: context.config.version.clone(),
            trainer_revision: context.trainer.revision(),
            dataset_digest: task.dataset,
            duration_s: finished.duration_s,
            resumed: finished.resumed,
            cached_since_ms: None,
            dataset: context.trainer.facts(&task.job.dataset).map(Box::new),
        };
        let (record, artifacts) = record_of(task.job_id, finished, provenance);
        let delivery = Delivery {
            record: Arc::new(record),
            artifacts: Some(Arc::new(artifacts)),
            spool: Arc::clone(&context.spool),
        };
        self.lease.flush().await;
        match delivery.deliver(context, self.next().as_ref()).await {
            Ok(Delivered::Acknowledged(work)) => {
                context.trainer.forget(task.job_id);
                self.lease.settle();
                Ok(work)
            }
            // Said as a failure too: the job must not come back for ever.
            Ok(Delivered::Refused(message)) => {
                let failure = Failure::new(
                    FailureClass::Trainer,
                    format!("the coordinator will not take the record: {message}"),
                );
                self.fail(failure).await
            }
            // The record waits in the spool: another attempt would be for nothing.
            Ok(Delivered::Kept) => {
                self.lease.settle();
                Ok(LeaseResponse::default())
            }
            Err(error) => {
                self.lease.settle();
                Err(error)
            }
        }
    }

    /// Tells a failure until it is heard. It is not kept on disk: a lease that runs out says nearly the same.
    async fn fail(self, failure: Failure) -> Result<LeaseResponse, WorkerError> {
        let context = &self.context;
        let failure = clean_failure(&failure);
        warn!(%failure, "the attempt failed");
        self.lease.flush().await;
        let next = self.next();
        let mut failures = 0;
        let work = loop {
            match context
                .link
                .fail(self.lease.key(), &failure, next.as_ref())
                .await
            {
                Ok(work) => break work,
                Err(trouble)
                    if matches!(
                        trouble.decision,
                        CallDecision::Retry | CallDecision::HelloAgain
                    ) =>
                {
                    failures += 1;
                    if !context.pause(&trouble, failures).await? {
                        break LeaseResponse::default();
                    }
                }
                Err(trouble) => {
                    info!(message = trouble.message, "the failure is not wanted");
                    break LeaseResponse::default();
                }
            }
        };
        self.lease.settle();
        Ok(work)
    }

    async fn hand_back(self, reason: &str) {
        self.lease.flush().await;
        self.context.release(self.lease.key(), reason).await;
        self.lease.settle();
    }

    /// What to ask for together with the end of this attempt; nothing when this worker is about to go.
    fn next(&self) -> Option<Next> {
        let goes = self.context.shutdown.is_cancelled()
            || self.heartbeat.drain().is_cancelled()
            || self.context.trainer.broken().is_some()
            || !self.context.walltime.has_time();
        (self.asks_on && !goes).then(|| {
            let mut held = self.heartbeat.held();
            held.retain(|held| *held != self.lease.key());
            Next {
                slots: self
                    .context
                    .config
                    .slots
                    .max(1)
                    .saturating_sub(held.len() as u32),
                held,
                warm: self.context.trainer.warm(),
            }
        })
    }
}

/// Why the trainer was told to stop. An order reaches the trainer by itself: its end may be seen before the order is.
fn why(told: Option<Stopping>, order: Option<StopReason>) -> Option<Stopping> {
    told.or(order.map(|_| Stopping::Order))
}

/// The task, if it is one that this program can do.
fn task_of(assignment: Assignment, revision: u32) -> Result<Task, Failure> {
    let LeaseKey {
        job: job_id,
        attempt,
    } = assignment.key;
    let other_version = |what: String| Failure::new(FailureClass::Trainer, what);
    let job = assignment
        .job
        .map_err(|error| other_version(proto::error_chain(&error)))?;
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
    if outcome.is_finite() {
        Ok(())
    } else {
        Err(Failure::new(
            FailureClass::Diverged,
            "the result holds a number that is not finite",
        ))
    }
}

fn panicked(error: tokio::task::JoinError) -> Failure {
    let message = match error.try_into_panic() {
        Ok(panic) => format!("the trainer panicked: {}", panic_text(&*panic)),
        Err(error) => format!("the trainer vanished: {error}"),
    };
    Failure::new(FailureClass::Trainer, message)
}

/// A time that does not come, for an arm that is switched off.
fn far_away() -> Instant {
    Instant::now() + Duration::from_hours(24 * 365)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_that_is_seen_before_its_order_is_one_by_order() {
        let order = Some(StopReason::Cancelled);
        assert_eq!(why(None, order), Some(Stopping::Order));
        assert_eq!(why(None, None), None);
        // What was told first counts.
        assert_eq!(why(Some(Stopping::Drain), order), Some(Stopping::Drain));
    }
}
