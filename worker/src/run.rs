//! A worker's life: hello, what the process before left undone, work, goodbye.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::Config;
use crate::deliver::Parcel;
use crate::error::{Exit, WorkerError};
use crate::heart::Heart;
use crate::link::{Assignment, Link, Trouble, Work};
use crate::spool::{Place, Spool};
use crate::trainer::Trainer;
use crate::verdict::Verdict;
use proto::nouns::{Hello, LeaseKey, Next};

/// The share of the grace period that a trainer gets; the rest is for handing jobs back.
const TRAINERS_SHARE: f64 = 0.8;

/// One worker process.
pub(crate) struct Worker {
    pub(crate) config: Config,
    pub(crate) trainer: Arc<dyn Trainer>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) link: Arc<Link>,
    pub(crate) spool: Arc<Spool>,
}

/// The way to the coordinator, and what this process says of itself there.
fn introduce(config: &Config, trainer: &dyn Trainer) -> Link {
    let hello = Hello {
        name: config.name.clone(),
        session: config.session,
        device: trainer.device(),
        version: config.version.clone(),
        trainer_revision: trainer.revision(),
        slots: config.slots,
        datasets: trainer.datasets(),
        labels: config.labels.clone(),
        memory_bytes: trainer.memory_bytes(),
        driver: trainer.driver(),
    };
    Link::new(
        config.channel.clone(),
        config.bearer.clone(),
        &hello,
        (config.backoff_first, config.backoff_most),
        config.seed,
    )
}

/// Works until it is told to stop, or cannot go on. `shutdown` is the gentle way: the job stops at its next batch
/// boundary, keeps its checkpoint and goes back; a second signal is the caller's to obey, by ending the process.
pub async fn run(
    config: Config,
    trainer: Arc<dyn Trainer>,
    shutdown: CancellationToken,
) -> Result<Exit, WorkerError> {
    let spool = Spool::open(&config.spool)?;
    run_in(spool, config, trainer, shutdown).await
}

/// [`run`] with a spool folder that is locked already: the one that the settings name, or one beside it ([`Place`]).
pub async fn run_in(
    spool: Spool,
    config: Config,
    trainer: Arc<dyn Trainer>,
    shutdown: CancellationToken,
) -> Result<Exit, WorkerError> {
    let spool = Arc::new(spool);
    let link = Arc::new(introduce(&config, &*trainer));
    let worker = Arc::new(Worker {
        config,
        trainer,
        shutdown,
        link,
        spool,
    });
    worker.live().await
}

impl Worker {
    async fn live(self: &Arc<Self>) -> Result<Exit, WorkerError> {
        if !self.introduce().await? {
            return Ok(Exit::Stopped);
        }
        let abandoned = Place::abandoned(&self.config.spool);
        for spool in
            std::iter::once(Arc::clone(&self.spool)).chain(abandoned.into_iter().map(Arc::new))
        {
            if !self.clear(&spool).await? {
                self.leave("stopped").await;
                return Ok(Exit::Stopped);
            }
        }
        let heart = Arc::new(Heart::start(
            Arc::clone(&self.link),
            Arc::clone(&self.trainer),
        ));
        self.note_leases(&heart);
        let mut queue = VecDeque::new();
        let exit = if self.config.lanes > 1 {
            self.work_in_lanes(&heart, &mut queue).await
        } else {
            self.work(&heart, &mut queue).await
        };
        for assignment in queue {
            self.hand_back(assignment.key, "its worker goes").await;
            heart.let_go(assignment.key);
        }
        self.note_leases(&heart);
        heart.stop();
        self.leave(match &exit {
            Ok(exit) => match exit {
                Exit::Stopped => "stopped",
                Exit::Drained => "drained",
                Exit::Idle => "idle",
                Exit::JobsDone => "did its jobs",
            },
            Err(_) => "failed",
        })
        .await;
        exit
    }

    /// Says hello until it is answered; `false` when told to stop before.
    async fn introduce(&self) -> Result<bool, WorkerError> {
        let mut failures = 0;
        loop {
            let answer = tokio::select! {
                answer = self.link.hello() => answer,
                () = self.shutdown.cancelled() => return Ok(false),
            };
            match answer {
                Ok(warnings) => {
                    info!(worker = self.config.name, "connected");
                    for warning in warnings {
                        warn!("the coordinator says: {warning}");
                    }
                    return Ok(true);
                }
                Err(trouble) if trouble.verdict == Verdict::Retry => {
                    failures += 1;
                    if !self.pause(&trouble, failures).await? {
                        return Ok(false);
                    }
                }
                Err(trouble) => return Err(refused(trouble)),
            }
        }
    }

    /// Delivers the records and hands back the leases that an earlier process left in that folder; `false` when told to stop
    /// before the end.
    async fn clear(&self, spool: &Arc<Spool>) -> Result<bool, WorkerError> {
        // Before the deliveries: a lease whose record waits here is not one to hand back.
        let left_behind = spool.left_behind();
        let waiting = spool.waiting().map_err(|cause| WorkerError::Spool {
            path: spool.folder().to_owned(),
            cause,
        })?;
        for record in waiting {
            info!(job = %record.job_id.short(), "a record waited in the spool");
            let job = record.job_id;
            let parcel = Parcel {
                record: Arc::new(proto::fit(record)),
                artifacts: None,
                spool: Arc::clone(spool),
            };
            match self.deliver(&parcel, None).await? {
                crate::deliver::Delivered::Kept => return Ok(false),
                crate::deliver::Delivered::Acknowledged(_) => self.trainer.forget(job),
                crate::deliver::Delivered::Refused(_) => {}
            }
        }
        for key in left_behind {
            info!(job = %key.job.short(), attempt = %key.attempt, "an earlier process left a job behind: it goes back");
            self.hand_back(key, "its worker process died").await;
        }
        if let Err(cause) = spool.note_leases(&[]) {
            warn!(%cause, "failed to note the leases in the spool folder");
        }
        Ok(true)
    }

    async fn work(
        &self,
        heart: &Heart,
        queue: &mut VecDeque<Assignment>,
    ) -> Result<Exit, WorkerError> {
        let mut started = 0_u64;
        let mut failures = 0;
        let mut idle_since = Instant::now();
        loop {
            if self.shutdown.is_cancelled() {
                return Ok(Exit::Stopped);
            }
            if heart.drain().is_cancelled() {
                return Ok(Exit::Drained);
            }
            if let Some(assignment) = queue.pop_front() {
                failures = 0;
                started += 1;
                let asks_on = self
                    .config
                    .exit_after_jobs
                    .is_none_or(|most| started + (queue.len() as u64) < most);
                let work = self.attempt(heart, assignment, asks_on).await?;
                self.accept(heart, queue, work);
                if let Some(message) = self.trainer.broken() {
                    return Err(WorkerError::Device(message));
                }
                idle_since = Instant::now();
                continue;
            }
            if self
                .config
                .exit_after_jobs
                .is_some_and(|most| started >= most)
            {
                return Ok(Exit::JobsDone);
            }
            let mut wait = self.config.poll;
            if let Some(limit) = self.config.idle_timeout {
                let left = limit.saturating_sub(idle_since.elapsed());
                if left.is_zero() {
                    return Ok(Exit::Idle);
                }
                wait = wait.min(left);
            }
            let mut next = self.next(heart);
            if let Some(most) = self.config.exit_after_jobs {
                next.slots = next
                    .slots
                    .min((most - started).try_into().unwrap_or(u32::MAX));
            }
            let answer = tokio::select! {
                answer = self.link.lease(next, wait) => answer,
                () = self.shutdown.cancelled() => return Ok(Exit::Stopped),
            };
            match answer {
                Ok(work) => {
                    failures = 0;
                    self.accept(heart, queue, work);
                }
                Err(trouble) if matches!(trouble.verdict, Verdict::Retry | Verdict::HelloAgain) => {
                    failures += 1;
                    if !self.pause(&trouble, failures).await? {
                        return Ok(Exit::Stopped);
                    }
                }
                Err(trouble) => return Err(refused(trouble)),
            }
        }
    }

    /// What to ask for, with an empty hand.
    pub(crate) fn next(&self, heart: &Heart) -> Next {
        let held = heart.held();
        Next {
            slots: self.config.slots.max(1).saturating_sub(held.len() as u32),
            held,
            warm: self.trainer.warm(),
        }
    }

    pub(crate) fn accept(&self, heart: &Heart, queue: &mut VecDeque<Assignment>, work: Work) {
        if work.drain {
            heart.drain().cancel();
        }
        let news = !work.assignments.is_empty();
        for assignment in work.assignments {
            // An answer that crossed with another may hand out what is held already.
            if !heart.holds(assignment.key) {
                heart.hold(assignment.key);
                queue.push_back(assignment);
            }
        }
        if news && self.config.lanes <= 1 {
            self.note_leases(heart);
        }
    }

    pub(crate) fn note_leases(&self, heart: &Heart) {
        if let Err(cause) = self.spool.note_leases(&heart.held()) {
            warn!(%cause, "failed to note the leases in the spool folder");
        }
    }

    /// Hands a job back, as long as the grace period allows. That nobody hears it is no harm: the lease runs out.
    pub(crate) async fn hand_back(&self, key: LeaseKey, reason: &str) {
        let limit = self.config.grace.mul_f64(1.0 - TRAINERS_SHARE);
        let tries = async {
            let mut failures = 0;
            loop {
                match self.link.release(key, reason).await {
                    Ok(()) => return,
                    Err(trouble) if matches!(trouble.verdict, Verdict::Retry) => {
                        failures += 1;
                        sleep(self.link.backoff(failures)).await;
                    }
                    Err(trouble) => {
                        info!(job = %key.job.short(), attempt = %key.attempt, message = trouble.message, "a job could not be handed back");
                        return;
                    }
                }
            }
        };
        if timeout(limit, tries).await.is_err() {
            warn!(job = %key.job.short(), attempt = %key.attempt, "nobody heard that a job is handed back: its lease will run out");
        }
    }

    /// How long a trainer may take to stop.
    pub(crate) fn trainers_grace(&self) -> std::time::Duration {
        self.config.grace.mul_f64(TRAINERS_SHARE)
    }

    /// One try: a coordinator that is away will notice by itself.
    async fn leave(&self, reason: &str) {
        let limit = self.config.grace.mul_f64(1.0 - TRAINERS_SHARE);
        if let Ok(Err(trouble)) = timeout(limit, self.link.goodbye(reason)).await {
            info!(message = trouble.message, "goodbye was not heard");
        }
    }

    /// Waits before the next try; `false` when told to stop meanwhile.
    pub(crate) async fn pause(
        &self,
        trouble: &Trouble,
        failures: u32,
    ) -> Result<bool, WorkerError> {
        self.check_orphaned()?;
        let wait = self.link.backoff(failures);
        warn!(
            message = trouble.message,
            failures,
            ?wait,
            "the coordinator is not reached"
        );
        tokio::select! {
            () = sleep(wait) => Ok(true),
            () = self.shutdown.cancelled() => Ok(false),
        }
    }

    pub(crate) fn check_orphaned(&self) -> Result<(), WorkerError> {
        let (silent, last) = self.link.silence();
        if silent >= self.config.orphan_timeout {
            return Err(WorkerError::Orphaned { silent, last });
        }
        Ok(())
    }
}

pub(crate) fn refused(trouble: Trouble) -> WorkerError {
    WorkerError::Refused {
        reason: trouble.reason,
        message: trouble.message,
    }
}
