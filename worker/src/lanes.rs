//! Several attempts at a time: for trainers that cost nothing, where what counts is the way to the coordinator.
//!
//! One request for work is out at a time, and it names every lease that is held: two at once would each think the
//! other's jobs lost, and get them again. Records go out as they come, many at a time on one connection, and the
//! coordinator writes those that arrive together with one sync.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::task::AbortOnDropHandle;
use tracing::warn;

use crate::error::{Exit, WorkerError};
use crate::heart::Heart;
use crate::link::{Assignment, Trouble, Work};
use crate::run::{Worker, refused};
use crate::verdict::Verdict;
use proto::nouns::Next;

/// How often the leases that are held are noted on disk; with one lane they are noted at each change.
const NOTED: Duration = Duration::from_millis(100);

type Asked = AbortOnDropHandle<Result<Work, Trouble>>;

impl Worker {
    /// Works with `lanes` attempts at a time until there is a reason to go. What is left in `queue` was not begun.
    pub(crate) async fn work_in_lanes(
        self: &Arc<Self>,
        heart: &Arc<Heart>,
        queue: &mut VecDeque<Assignment>,
    ) -> Result<Exit, WorkerError> {
        let mut running = JoinSet::new();
        let exit = self.lanes(heart, queue, &mut running).await;
        // Attempts see the same reason to stop, and end by themselves.
        while let Some(ended) = running.join_next().await {
            ended.map_err(bug)??;
        }
        exit
    }

    async fn lanes(
        self: &Arc<Self>,
        heart: &Arc<Heart>,
        queue: &mut VecDeque<Assignment>,
        running: &mut JoinSet<Result<Work, WorkerError>>,
    ) -> Result<Exit, WorkerError> {
        let slots = self.config.slots.max(1);
        let mut asked: Option<Asked> = None;
        let mut started = 0_u64;
        let mut failures = 0;
        let mut idle_since = Instant::now();
        let mut noted = Instant::now();
        loop {
            while running.len() < self.config.lanes as usize
                && let Some(assignment) = queue.pop_front()
            {
                let (worker, heart) = (Arc::clone(self), Arc::clone(heart));
                running.spawn(async move { worker.attempt(&heart, assignment, false).await });
                started += 1;
            }
            let busy = running.len() + queue.len();
            if noted.elapsed() >= NOTED {
                noted = Instant::now();
                self.note_leases(heart);
            }
            if busy > 0 {
                idle_since = Instant::now();
            }
            let left = self.config.exit_after_jobs.map(|most| {
                let taken = started + queue.len() as u64;
                u32::try_from(most.saturating_sub(taken)).unwrap_or(u32::MAX)
            });
            if left == Some(0) && busy == 0 {
                return Ok(Exit::JobsDone);
            }
            // Half of the hands are free before more is asked for: one request for many jobs.
            if asked.is_none() && left != Some(0) && busy <= slots as usize / 2 {
                let mut next = self.next(heart);
                next.slots = next.slots.min(left.unwrap_or(u32::MAX));
                if next.slots > 0 {
                    asked = Some(self.ask(next));
                }
            }
            let idle_until = self
                .config
                .idle_timeout
                .filter(|_| busy == 0)
                .map(|limit| idle_since + limit);
            tokio::select! {
                Some(ended) = running.join_next() => {
                    let work = ended.map_err(bug)??;
                    self.accept(heart, queue, work);
                }
                answer = answered(&mut asked) => {
                    asked = None;
                    match answer.map_err(bug)? {
                        Ok(work) => {
                            failures = 0;
                            self.accept(heart, queue, work);
                        }
                        Err(trouble)
                            if matches!(trouble.verdict, Verdict::Retry | Verdict::HelloAgain) =>
                        {
                            failures += 1;
                            self.check_orphaned()?;
                            let wait = self.link.backoff(failures);
                            warn!(message = trouble.message, failures, ?wait, "the coordinator is not reached");
                            asked = Some(AbortOnDropHandle::new(tokio::spawn(async move {
                                sleep(wait).await;
                                Ok(Work::default())
                            })));
                        }
                        Err(trouble) => return Err(refused(trouble)),
                    }
                }
                () = sleep_until(idle_until.unwrap_or_else(Instant::now)), if idle_until.is_some() => {
                    return Ok(Exit::Idle);
                }
                () = self.shutdown.cancelled() => return Ok(Exit::Stopped),
                () = heart.drain().cancelled() => return Ok(Exit::Drained),
            }
        }
    }

    fn ask(self: &Arc<Self>, next: Next) -> Asked {
        let (link, wait) = (Arc::clone(&self.link), self.config.poll);
        AbortOnDropHandle::new(tokio::spawn(async move { link.lease(next, wait).await }))
    }
}

async fn answered(asked: &mut Option<Asked>) -> Result<Result<Work, Trouble>, JoinError> {
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
