//! The engine: it drains a batch of requests, steps the scheduler with each, writes all entries with one sync, brings the
//! index up to date, and only then lets the answers go.
//!
//! When the state cannot be written (a full disk), nothing is acknowledged: what waits is told so, what was decided is
//! kept and written again until it succeeds, and meanwhile every request is refused in the same words.

pub mod cell_pages;
pub mod clock;
mod compaction;
pub mod expand;
mod follower;
pub mod handle;
mod kind;
mod memory;
pub mod metrics;
mod opening;
pub mod repair;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::engine::clock::Clock;
use crate::engine::expand::Expand;
use crate::engine::handle::{Call, EngineHandle, Look, Shared};
use crate::engine::metrics::Metrics;
use crate::message::{Change, Counts, Refusal, Timestamp};
use crate::model::entry::Entry;
use crate::scheduler::{Effect, Event, Policy, Reply, Scheduler, Ticket};
use crate::store::index::IndexError;
use crate::store::journal::{self, JournalError};
use crate::threads::{dedicated, in_place};

use compaction::Compacting;
pub use kind::StateKind;
pub use opening::Opening;
use state::{Kept, State};

/// Requests that may wait for the engine; a caller waits for room beyond that. A few turns' worth.
const CALLS: usize = 1024;
/// Requests of one turn. More would let the first wait for the last; fewer would sync more often.
const BATCH: usize = 256;
/// Changes that a subscriber may be behind.
const CHANGES: usize = 4096;
/// How long to wait before a write that failed is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// The settings of an engine.
#[derive(Clone)]
pub struct Config {
    /// The state folder. Journal, index and artifacts are in it.
    pub state: PathBuf,
    /// How the scheduler decides.
    pub policy: Policy,
    /// How the journal is kept.
    pub journal: journal::Options,
    /// The longest artifact that is taken, in bytes.
    pub longest_artifact: u64,
    /// Throw the index away at the start and make it again.
    pub rebuild_index: bool,
    /// What counts what is written.
    pub metrics: Metrics,
    /// The revision of the trainer that sweeps are submitted for: [`sweeps::NOOP_REVISION`] makes a state folder whose
    /// jobs train nothing, [`sweeps::REHEARSAL_REVISION`] one of rehearsals.
    pub trainer_revision: u32,
    /// What tells how far the opening has come.
    pub opening: Opening,
}

impl Config {
    /// Defaults in that state folder.
    pub fn new(state: impl Into<PathBuf>) -> Self {
        Self {
            state: state.into(),
            policy: Policy::default(),
            journal: journal::Options::default(),
            longest_artifact: 1 << 30,
            rebuild_index: false,
            metrics: Metrics::new(),
            trainer_revision: sweeps::TRAINER_REVISION,
            opening: Opening::default(),
        }
    }
}

/// Opens the state folder like a start would, its index made again where that is asked for or needed, and closes it.
/// Answers the sweeps with their jobs by status.
pub(crate) fn open_and_close(config: &Config) -> Result<Vec<(String, Counts)>, EngineError> {
    let opened = State::open(config)?;
    opened.state.close();
    let sweeps = opened.scheduler.sweeps().into_iter();
    Ok(sweeps.map(|sweep| (sweep.name, sweep.counts)).collect())
}

/// Why an engine does not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The index cannot be made.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// Records of real training, of rehearsals and of no-op jobs never share a state folder.
    #[error(
        "the state folder {state} holds {}: give {} a folder of their own",
        held.jobs(),
        wanted.jobs()
    )]
    OtherKind {
        /// The folder.
        state: PathBuf,
        /// What is in it.
        held: StateKind,
        /// What was to go into it.
        wanted: StateKind,
    },
    /// A task of it ended in a panic, or a thread could not be had: starting it again may help.
    #[error("the engine stopped: {0}")]
    Task(String),
}

/// A running engine.
pub struct Engine {
    handle: EngineHandle,
    task: JoinHandle<Result<(), EngineError>>,
}

impl Engine {
    /// Opens the state folder, takes the state from the journal, and runs until `shutdown`.
    ///
    /// # Errors
    /// [`EngineError`]: the folder is in use, damaged, or cannot be written.
    pub async fn start(
        config: Config,
        clock: Arc<dyn Clock>,
        expand: Expand,
        shutdown: CancellationToken,
    ) -> Result<Self, EngineError> {
        let state = config.state.clone();
        let trainer_revision = config.trainer_revision;
        let opened = dedicated("opening", move || State::open(&config))
            .map_err(|error| EngineError::Task(format!("no thread opens the state: {error}")))?
            .await
            .map_err(|_| EngineError::Task("a bug ended the opening of the state".into()))??;
        let (calls, receiver) = mpsc::channel(CALLS);
        let (changes, _) = broadcast::channel(CHANGES);
        let handle = EngineHandle {
            shared: Arc::new(Shared {
                calls,
                changes: changes.clone(),
                tickets: AtomicU64::new(1),
                reader: opened.reader,
                artifacts: opened.artifacts,
                state,
                expand,
                trainer_revision,
            }),
        };
        let run = Run {
            scheduler: opened.scheduler,
            state: Some(opened.state),
            clock,
            changes,
            waiting: BTreeMap::new(),
            wake_at: None,
            broken: None,
            compacting: None,
        };
        let task = tokio::spawn(run.run(receiver, shutdown));
        Ok(Self { handle, task })
    }

    /// How to speak to it.
    pub fn handle(&self) -> EngineHandle {
        self.handle.clone()
    }

    /// Waits until it has stopped, everything written.
    ///
    /// # Errors
    /// [`EngineError`], where it stopped by itself.
    pub async fn stopped(self) -> Result<(), EngineError> {
        drop(self.handle);
        self.task
            .await
            .map_err(|error| EngineError::Task(error.to_string()))?
    }
}

struct Run {
    scheduler: Scheduler,
    /// Away while it is written.
    state: Option<State>,
    clock: Arc<dyn Clock>,
    changes: broadcast::Sender<Change>,
    /// Who waits for which answer.
    waiting: BTreeMap<Ticket, oneshot::Sender<Reply>>,
    wake_at: Option<Timestamp>,
    broken: Option<Broken>,
    /// A snapshot that is being written.
    compacting: Option<Compacting>,
}

/// A write failed. The scheduler is ahead of the disk by these entries.
struct Broken {
    refusal: Refusal,
    entries: Vec<Entry>,
    changes: Vec<Change>,
}

/// What a turn has to do after its entries are on disk.
#[derive(Default)]
struct Turn {
    entries: Vec<Entry>,
    kept: Vec<Kept>,
    replies: Vec<(Ticket, Reply)>,
    changes: Vec<Change>,
}

impl Run {
    async fn run(
        mut self,
        mut calls: mpsc::Receiver<Call>,
        shutdown: CancellationToken,
    ) -> Result<(), EngineError> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut stopping = false;
        self.recovered().await?;
        loop {
            let pause = self.pause();
            tokio::select! {
                biased;
                () = shutdown.cancelled(), if !stopping => {
                    // What was sent before is still answered; after that the channel says that it is closed.
                    stopping = true;
                    calls.close();
                }
                received = calls.recv_many(&mut batch, BATCH) => {
                    if received == 0 {
                        break;
                    }
                    self.turn(batch.drain(..)).await?;
                }
                () = pause => self.turn(std::iter::empty()).await?,
                ended = compaction::compacted(&mut self.compacting) => {
                    self.compacting = None;
                    self.end_snapshot(ended).await?;
                }
            }
        }
        self.finish().await
    }

    /// Until there is something to do without being asked.
    fn pause(&self) -> impl Future<Output = ()> + use<> {
        let duration = if self.broken.is_some() {
            Some(RETRY)
        } else {
            // A millisecond more: the clock's are cut off.
            self.wake_at
                .map(|at| Duration::from_millis(at.since(self.clock.now()) + 1))
        };
        async move {
            match duration {
                Some(duration) => tokio::time::sleep(duration).await,
                None => std::future::pending().await,
            }
        }
    }

    async fn turn(&mut self, calls: impl Iterator<Item = Call> + Send) -> Result<(), EngineError> {
        if self.broken.is_some() {
            self.mend().await?;
        }
        let now = self.clock.now();
        let mut turn = Turn::default();
        let mut looks: Vec<Look> = Vec::new();
        for call in calls {
            match call {
                Call::Request(ticket, request, reply) => {
                    if let Some(broken) = &self.broken {
                        // The caller may have gone.
                        let _ = reply.send(Err(broken.refusal.clone()));
                    } else {
                        self.waiting.insert(ticket, reply);
                        self.step(now, Event::Request(ticket, request), &mut turn);
                    }
                }
                Call::Abandon(ticket) => {
                    self.waiting.remove(&ticket);
                    self.step(now, Event::Abandon(ticket), &mut turn);
                }
                Call::Look(look) => looks.push(look),
            }
        }
        if self.broken.is_none() && self.wake_at.is_some_and(|at| at <= now) {
            self.wake_at = None;
            self.step(now, Event::Tick, &mut turn);
        }
        self.complete(turn, now).await?;
        self.compact().await?;
        for look in looks {
            look(match &self.broken {
                None => Ok((&self.scheduler, now)),
                Some(broken) => Err(&broken.refusal),
            });
        }
        Ok(())
    }

    /// Every live lease runs for one more full time to live; what the scheduler asks for (to be woken at their end) is
    /// done like after any other event.
    async fn recovered(&mut self) -> Result<(), EngineError> {
        let now = self.clock.now();
        let mut turn = Turn::default();
        self.step(now, Event::Recovered, &mut turn);
        self.complete(turn, now).await
    }

    fn step(&mut self, now: Timestamp, event: Event, turn: &mut Turn) {
        for effect in self.scheduler.step(now, event) {
            match effect {
                Effect::Persist(entry) => turn.entries.push(entry),
                Effect::Reply(ticket, reply) => turn.replies.push((ticket, reply)),
                Effect::Publish(change) => turn.changes.push(change),
                Effect::WakeAt(at) => self.wake_at = Some(at),
                Effect::Keep {
                    job,
                    attempt,
                    points,
                    lines,
                } => turn.kept.push(Kept {
                    job,
                    attempt,
                    points,
                    lines,
                    at: now,
                }),
            }
        }
    }

    /// Writes what a turn decided and lets its answers go.
    async fn complete(&mut self, turn: Turn, now: Timestamp) -> Result<(), EngineError> {
        let Turn {
            entries,
            kept,
            replies,
            changes,
        } = turn;
        let written = self.write(entries, kept).await?;
        match written {
            Ok(()) => {
                self.publish(changes);
                for (ticket, reply) in replies {
                    self.answer(ticket, reply);
                }
            }
            Err((entries, refusal)) => {
                tracing::error!(cause = %refusal, "the state cannot be written; nothing is acknowledged until it can");
                for (ticket, reply) in replies {
                    // A refusal says nothing that had to be written.
                    self.answer(ticket, reply.and(Err(refusal.clone())));
                }
                // Those who wait for work could wait for long.
                for (ticket, _) in std::mem::take(&mut self.waiting) {
                    self.scheduler.step(now, Event::Abandon(ticket));
                    self.answer(ticket, Err(refusal.clone()));
                }
                self.broken = Some(Broken {
                    refusal,
                    entries,
                    changes,
                });
            }
        }
        Ok(())
    }

    /// Tries to write what could not be written.
    async fn mend(&mut self) -> Result<(), EngineError> {
        let Some(broken) = self.broken.take() else {
            return Ok(());
        };
        match self.write(broken.entries, Vec::new()).await? {
            Ok(()) => {
                tracing::info!("the state can be written again");
                self.publish(broken.changes);
                // Nobody could report meanwhile.
                Box::pin(self.recovered()).await?;
            }
            Err((entries, refusal)) => {
                self.broken = Some(Broken {
                    refusal,
                    entries,
                    changes: broken.changes,
                });
            }
        }
        Ok(())
    }

    /// Writes; gives the entries back where it fails.
    async fn write(
        &mut self,
        entries: Vec<Entry>,
        kept: Vec<Kept>,
    ) -> Result<Result<(), (Vec<Entry>, Refusal)>, EngineError> {
        if entries.is_empty() && kept.is_empty() {
            return Ok(Ok(()));
        }
        let (entries, result) = self
            .with_state(move |state| {
                let result = state.write(&entries, &kept);
                (entries, result)
            })
            .await?;
        Ok(result.map_err(|error| (entries, Refusal::Storage(chain(&error)))))
    }

    /// Does what blocks with what is on disk.
    async fn with_state<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut State) -> T + Send + 'static,
    ) -> Result<T, EngineError> {
        let Some(mut state) = self.state.take() else {
            return Err(EngineError::Task("its state is gone".into()));
        };
        let (state, answer) = in_place(move || {
            let answer = work(&mut state);
            (state, answer)
        })
        .await
        .map_err(|error| EngineError::Task(error.to_string()))?;
        self.state = Some(state);
        Ok(answer)
    }

    fn publish(&self, changes: Vec<Change>) {
        if self.changes.receiver_count() > 0 {
            for change in changes {
                // Nobody listening any more is well.
                let _ = self.changes.send(change);
            }
        }
    }

    fn answer(&mut self, ticket: Ticket, reply: Reply) {
        if let Some(sender) = self.waiting.remove(&ticket) {
            // A caller that went is told nothing. Jobs that were for it are handed out again when its worker asks with
            // the list of what it holds.
            let _ = sender.send(reply);
        }
    }

    async fn finish(mut self) -> Result<(), EngineError> {
        if self.broken.is_some() {
            self.mend().await?;
        }
        for (_, waiting) in std::mem::take(&mut self.waiting) {
            let _ = waiting.send(Err(Refusal::Unavailable("it is stopping".into())));
        }
        if let Some(mut compacting) = self.compacting.take() {
            compacting.stop();
            let ended = compacting.ended().await;
            self.end_snapshot(ended).await?;
        }
        if let Some(state) = self.state.take() {
            in_place(move || state.close())
                .await
                .map_err(|error| EngineError::Task(error.to_string()))?;
        }
        Ok(())
    }
}

/// An error with its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
