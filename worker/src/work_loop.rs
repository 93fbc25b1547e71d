//! The work: as many attempts at a time as there are lanes, and one request for work.
//!
//! One lane is usual: a trainer has its device for itself, and the end of one job carries the next. Many are for trainers that
//! cost nothing, where what counts is the way to the coordinator. One request for work is out at a time, and it names every
//! lease that is held: two at once would each think the other's jobs lost, and get them again. With several lanes, records go
//! out as they come, many at a time on one connection, and the coordinator writes those that arrive together with one sync.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use client::decision::CallDecision;
use client::link::{Assignment, LeaseResponse, Trouble};
use proto::nouns::Next;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;
use tracing::warn;

use crate::attempt::Attempt;
use crate::context::{Context, refused};
use crate::error::{Exit, WorkerError};
use crate::heartbeat::{Heartbeat, Lease};

/// How often the leases that are held are noted on disk; with one lane they are noted at each change.
const NOTED: Duration = Duration::from_millis(100);

type Asked = AbortOnDropHandle<Result<LeaseResponse, Trouble>>;

/// The work of one process, from its hello to its goodbye.
pub(crate) struct WorkLoop {
    context: Arc<Context>,
    heartbeat: Arc<Heartbeat>,
    /// Held and not begun.
    queue: VecDeque<(Lease, Assignment)>,
    running: JoinSet<Result<LeaseResponse, WorkerError>>,
    asked: Option<Asked>,
    /// After a failed request nothing is asked for until then.
    paused_until: Option<Instant>,
    started: u64,
    failures: u32,
    idle_since: Instant,
    noted: Instant,
}

impl WorkLoop {
    pub(crate) fn new(context: Arc<Context>, heartbeat: Arc<Heartbeat>) -> Self {
        Self {
            context,
            heartbeat,
            queue: VecDeque::new(),
            running: JoinSet::new(),
            asked: None,
            paused_until: None,
            started: 0,
            failures: 0,
            idle_since: Instant::now(),
            noted: Instant::now(),
        }
    }

    /// Works until there is a reason to go. Nothing is held afterwards.
    pub(crate) async fn run(mut self) -> Result<Exit, WorkerError> {
        self.note_leases();
        let mut exit = self.work().await;
        // No answer may hand out more.
        self.asked = None;
        // Attempts see the same reason to stop, and end by themselves.
        while let Some(ended) = self.running.join_next().await {
            match ended.map_err(bug).and_then(|ended| ended) {
                Ok(work) => self.accept(work),
                Err(error) => exit = exit.and(Err(error)),
            }
        }
        for (lease, _) in self.queue.drain(..) {
            self.context.release(lease.key(), "its worker goes").await;
            lease.settle();
        }
        self.note_leases();
        exit
    }

    async fn work(&mut self) -> Result<Exit, WorkerError> {
        let lanes = self.context.config.lanes.max(1) as usize;
        let context = Arc::clone(&self.context);
        let heartbeat = Arc::clone(&self.heartbeat);
        loop {
            if context.shutdown.is_cancelled() {
                return Ok(Exit::Stopped);
            }
            if heartbeat.drain().is_cancelled() {
                return Ok(Exit::Drained);
            }
            while self.running.len() < lanes
                && let Some((lease, assignment)) = self.queue.pop_front()
            {
                self.start(lease, assignment);
            }
            if lanes > 1 && self.noted.elapsed() >= NOTED {
                self.note_leases();
            }
            let busy = self.running.len() + self.queue.len();
            if busy > 0 {
                self.idle_since = Instant::now();
            } else if self.left() == Some(0) {
                return Ok(Exit::JobsDone);
            } else if !context.walltime.has_time() {
                return Ok(Exit::TimeIsUp);
            }
            let idle_until = context
                .config
                .idle_timeout
                .filter(|_| busy == 0)
                .and_then(|limit| self.idle_since.checked_add(limit));
            if idle_until.is_some_and(|until| until <= Instant::now()) {
                return Ok(Exit::Idle);
            }
            self.ask(busy, idle_until);
            tokio::select! {
                Some(ended) = self.running.join_next() => {
                    let work = ended.map_err(bug)??;
                    self.idle_since = Instant::now();
                    self.accept(work);
                    if let Some(message) = context.trainer.broken() {
                        return Err(WorkerError::Device(message));
                    }
                }
                answer = answered(&mut self.asked) => {
                    self.asked = None;
                    self.heard(answer.map_err(bug)?)?;
                }
                () = sleep_until(idle_until.unwrap_or_else(Instant::now)), if idle_until.is_some() => {}
                () = sleep_until(self.paused_until.unwrap_or_else(Instant::now)), if self.paused_until.is_some() => {
                    self.paused_until = None;
                }
                () = context.shutdown.cancelled() => {}
                () = heartbeat.drain().cancelled() => {}
            }
        }
    }

    fn start(&mut self, lease: Lease, assignment: Assignment) {
        self.started += 1;
        // With several lanes one request for many jobs is cheaper than one for each.
        let asks_on = self.context.config.lanes <= 1 && self.left() != Some(0);
        let attempt = Attempt::new(
            Arc::clone(&self.context),
            Arc::clone(&self.heartbeat),
            lease,
            asks_on,
        );
        self.running.spawn(attempt.run(assignment));
    }

    /// How many jobs may still be asked for, where that is limited.
    fn left(&self) -> Option<u32> {
        self.context.config.exit_after_jobs.map(|most| {
            let taken = self.started + self.queue.len() as u64;
            u32::try_from(most.saturating_sub(taken)).unwrap_or(u32::MAX)
        })
    }

    /// Asks for work where there are free hands for it.
    fn ask(&mut self, busy: usize, idle_until: Option<Instant>) {
        let config = &self.context.config;
        // Half of the hands are free before more is asked for: one request for many jobs.
        let hungry = if config.lanes > 1 {
            busy <= config.slots.max(1) as usize / 2
        } else {
            busy == 0
        };
        let left = self.left();
        if self.asked.is_some() || self.paused_until.is_some() || !hungry || left == Some(0) {
            return;
        }
        let held = self.heartbeat.held();
        let free = config.slots.max(1).saturating_sub(held.len() as u32);
        let next = Next {
            slots: free.min(left.unwrap_or(u32::MAX)),
            held,
            warm: self.context.trainer.warm(),
        };
        if next.slots == 0 {
            return;
        }
        let wait = idle_until.map_or(config.poll, |until| {
            config
                .poll
                .min(until.saturating_duration_since(Instant::now()))
        });
        let context = Arc::clone(&self.context);
        self.asked = Some(AbortOnDropHandle::new(tokio::spawn(async move {
            context.link.lease(next, wait).await
        })));
    }

    /// The coordinator answered the request for work, or did not.
    fn heard(&mut self, answer: Result<LeaseResponse, Trouble>) -> Result<(), WorkerError> {
        match answer {
            Ok(work) => {
                self.failures = 0;
                self.accept(work);
                Ok(())
            }
            Err(trouble)
                if matches!(
                    trouble.decision,
                    CallDecision::Retry | CallDecision::HelloAgain
                ) =>
            {
                self.failures += 1;
                self.context.check_orphaned()?;
                let wait = self.context.link.backoff(self.failures);
                warn!(
                    message = trouble.message,
                    failures = self.failures,
                    ?wait,
                    "the coordinator is not reached"
                );
                self.paused_until = Some(Instant::now() + wait);
                Ok(())
            }
            Err(trouble) => Err(refused(trouble)),
        }
    }

    /// Takes what was handed out.
    fn accept(&mut self, work: LeaseResponse) {
        if work.drain {
            self.heartbeat.drain().cancel();
        }
        for assignment in work.assignments {
            // An answer that crossed with another may hand out what is held already.
            if let Some(lease) = self.heartbeat.hold(assignment.key) {
                self.queue.push_back((lease, assignment));
            }
        }
        if self.context.config.lanes <= 1 {
            self.note_leases();
        }
    }

    fn note_leases(&mut self) {
        self.noted = Instant::now();
        if let Err(cause) = self.context.spool.note_leases(&self.heartbeat.held()) {
            warn!(%cause, "failed to note the leases in the spool folder");
        }
    }
}

async fn answered(asked: &mut Option<Asked>) -> Result<Result<LeaseResponse, Trouble>, JoinError> {
    match asked {
        Some(asked) => asked.await,
        None => std::future::pending().await,
    }
}

fn bug(error: JoinError) -> WorkerError {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(error) => WorkerError::Lane(error.to_string()),
    }
}
