//! The engine's loop: it drains a batch of requests, steps the scheduler with each, writes all entries with one sync, brings the
//! index up to date for its readers, lets the answers go, and only then has the index write.
//!
//! When the state cannot be written (a full disk), nothing is acknowledged: what waits is told so, what was decided is
//! kept and written again until it succeeds, and meanwhile every request is refused in the same words.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::call::{Call, Query};
use super::clock::Clock;
use super::compaction::{self, Compacting, CompactionError};
use super::disk_state::{DiskState, ProgressUpdate};
use super::error::EngineError;
use super::feed::Feed;
use super::index_again::{self, IndexAgain};
use crate::model::entry::Entry;
use crate::scheduler::{Effect, Event, Reply, Scheduler, Ticket};
use crate::store::blocking::in_place;
use crate::store::index::Availability;
use crate::store::journal::SnapshotFile;
use proto::error_chain;
use proto::nouns::{Change, Refusal, Timestamp};

/// Requests of one turn. More would let the first wait for the last; fewer would sync more often.
const BATCH: usize = 256;
/// How long to wait before a write that failed is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// How long changes of the index wait in memory.
const BEHIND: Duration = Duration::from_millis(5);
/// How often the state folder is looked for where nothing is written. Whoever asks whether the coordinator is well asks
/// more seldom, and lets a turn come.
const LOOK_FOR_FOLDER: Duration = Duration::from_secs(1);

/// The loop and what it owns.
pub(super) struct Turns {
    scheduler: Scheduler,
    /// Away while it is written.
    state: Option<DiskState>,
    clock: Arc<dyn Clock>,
    feed: Arc<Feed>,
    /// Who waits for which answer.
    waiting: BTreeMap<Ticket, oneshot::Sender<Reply>>,
    wake_at: Option<Timestamp>,
    /// The timer went off: so many calls that were sent before that are not yet done.
    ahead_of_tick: Option<usize>,
    broken: Option<Broken>,
    /// The state folder is not there any more: the engine ends when everybody was told.
    gone: Option<EngineError>,
    /// When the state folder was last looked for.
    looked_at: Instant,
    /// A snapshot that is being written.
    compacting: Option<Compacting>,
    /// An index that failed is made again.
    index_again: IndexAgain,
    /// Through which readers say that it failed.
    index: Availability,
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
    updates: Vec<ProgressUpdate>,
    replies: Vec<(Ticket, Reply)>,
    changes: Vec<Change>,
}

impl Turns {
    pub(super) fn new(
        scheduler: Scheduler,
        state: DiskState,
        clock: Arc<dyn Clock>,
        feed: Arc<Feed>,
    ) -> Self {
        Self {
            scheduler,
            index: state.availability(),
            index_again: IndexAgain::default(),
            state: Some(state),
            clock,
            feed,
            waiting: BTreeMap::new(),
            wake_at: None,
            ahead_of_tick: None,
            broken: None,
            gone: None,
            looked_at: Instant::now(),
            compacting: None,
        }
    }

    pub(super) async fn run(
        mut self,
        mut calls: mpsc::Receiver<Call>,
        shutdown: CancellationToken,
    ) -> Result<(), EngineError> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut stopping = false;
        self.recovered().await?;
        self.check_index();
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
                    let waiting = calls.len();
                    self.turn(batch.drain(..), waiting).await?;
                }
                () = pause => self.turn(std::iter::empty(), calls.len()).await?,
                ended = compaction::compacted(&mut self.compacting) => {
                    self.compacting = None;
                    self.end_snapshot(ended).await?;
                }
                event = self.index_again.event() => self.index_event(event).await?,
                () = self.index.reader_failed() => {}
            }
            self.settle_index().await?;
            self.check_index();
        }
        self.finish().await
    }

    /// Until there is something to do without being asked.
    fn pause(&self) -> impl Future<Output = ()> + use<> {
        let duration = if self.broken.is_some() {
            Some(RETRY)
        } else if self.scheduler.is_busy() {
            // Whoever came meanwhile is heard first.
            Some(Duration::ZERO)
        } else {
            // A millisecond more: the clock's are cut off.
            let wake = self
                .wake_at
                .map(|at| Duration::from_millis(at.since(self.clock.now()) + 1));
            let settle = self.index_waits().map(|waits| BEHIND.saturating_sub(waits));
            wake.into_iter().chain(settle).min()
        };
        async move {
            match duration {
                Some(duration) => tokio::time::sleep(duration).await,
                None => std::future::pending().await,
            }
        }
    }

    /// How long changes of the index have waited for the disk; `None`: none waits.
    fn index_waits(&self) -> Option<Duration> {
        self.state.as_ref().and_then(DiskState::index_waiting)
    }

    /// Lets the index follow on disk, not right behind an answer: whoever got it comes back with the next call.
    async fn settle_index(&mut self) -> Result<(), EngineError> {
        if self.index_waits().is_some_and(|waits| waits >= BEHIND) {
            self.with_state(DiskState::settle_index).await?;
        }
        Ok(())
    }

    /// Answers calls; `waiting` more are to come.
    async fn turn(
        &mut self,
        calls: impl ExactSizeIterator<Item = Call> + Send,
        waiting: usize,
    ) -> Result<(), EngineError> {
        if self.broken.is_some() {
            self.mend().await?;
        }
        let now = self.clock.now();
        let done = calls.len();
        let mut turn = Turn::default();
        let mut queries: Vec<Query> = Vec::new();
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
                Call::Query(query) => queries.push(query),
            }
        }
        if self.broken.is_none() && self.scheduler.is_busy() {
            self.step(now, Event::Continue, &mut turn);
        }
        if self.broken.is_none() && self.is_time_to_tick(now, done, waiting) {
            self.wake_at = None;
            self.step(now, Event::Tick, &mut turn);
        }
        // What was idle for long looks first: a write looks at the file that is written to, and not at the older ones.
        self.look_for_folder().await?;
        self.complete(turn, now).await?;
        self.compact().await?;
        for query in queries {
            query(match &self.broken {
                None => Ok((&self.scheduler, now)),
                Some(broken) => Err(&broken.refusal),
            });
        }
        Ok(())
    }

    /// Whether the timer went off and everything that was sent before is done: a report that waits here renews its leases
    /// before they can expire.
    fn is_time_to_tick(&mut self, now: Timestamp, done: usize, waiting: usize) -> bool {
        if self.wake_at.is_none_or(|at| at > now) {
            self.ahead_of_tick = None;
            return false;
        }
        let ahead = self
            .ahead_of_tick
            .map_or(waiting, |ahead| ahead.saturating_sub(done));
        self.ahead_of_tick = (ahead > 0).then_some(ahead);
        ahead == 0
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
                } => turn.updates.push(ProgressUpdate {
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
            updates,
            replies,
            changes,
        } = turn;
        let written = self.write(entries, updates).await?;
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
                for (ticket, waiting) in std::mem::take(&mut self.waiting) {
                    self.scheduler.step(now, Event::Abandon(ticket));
                    // The caller may have gone.
                    let _ = waiting.send(Err(refusal.clone()));
                }
                self.broken = Some(Broken {
                    refusal,
                    entries,
                    changes,
                });
                if let Some(gone) = self.gone.take() {
                    return Err(gone);
                }
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
                if let Some(gone) = self.gone.take() {
                    return Err(gone);
                }
            }
        }
        Ok(())
    }

    /// Writes; gives the entries back where it fails.
    async fn write(
        &mut self,
        entries: Vec<Entry>,
        updates: Vec<ProgressUpdate>,
    ) -> Result<Result<(), (Vec<Entry>, Refusal)>, EngineError> {
        if entries.is_empty() && updates.is_empty() {
            return Ok(Ok(()));
        }
        let (entries, result) = self
            .with_state(move |state| {
                let result = state.write(&entries, &updates);
                (entries, result)
            })
            .await?;
        Ok(result.map_err(|error| {
            let refusal = Refusal::Storage(error_chain(&error));
            if error.is_final() {
                self.gone = Some(error.into());
            }
            (entries, refusal)
        }))
    }

    /// Ends the engine where its state folder is gone, also when there is nothing to write.
    async fn look_for_folder(&mut self) -> Result<(), EngineError> {
        if self.broken.is_some() || self.looked_at.elapsed() < LOOK_FOR_FOLDER {
            return Ok(());
        }
        self.looked_at = Instant::now();
        let checked = self.with_state(|state| state.check()).await?;
        if let Err(error) = checked {
            let refusal = Refusal::Storage(error_chain(&error));
            for (_, waiting) in std::mem::take(&mut self.waiting) {
                // The caller may have gone.
                let _ = waiting.send(Err(refusal.clone()));
            }
            return Err(error.into());
        }
        Ok(())
    }

    /// Does what blocks with what is on disk.
    async fn with_state<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut DiskState) -> T + Send + 'static,
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
        self.feed.publish(changes);
    }

    fn answer(&mut self, ticket: Ticket, reply: Reply) {
        if let Some(sender) = self.waiting.remove(&ticket) {
            // A caller that went is told nothing. Jobs that were for it are handed out again when its worker asks with
            // the list of what it holds.
            let _ = sender.send(reply);
        }
    }

    /// Lets a snapshot be written when the journal has grown long: beside what goes on, from what is on disk.
    async fn compact(&mut self) -> Result<(), EngineError> {
        let is_due = self.state.as_ref().is_some_and(DiskState::is_snapshot_due);
        if self.broken.is_some() || self.compacting.is_some() || !is_due {
            return Ok(());
        }
        let Some(compaction) = self.with_state(DiskState::begin_snapshot).await? else {
            return Ok(());
        };
        match compaction.start() {
            Ok(compacting) => self.compacting = Some(compacting),
            // Nothing is lost without a snapshot: the journal grows, and one is due again a little later.
            Err(error) => self.end_snapshot(Err(error)).await?,
        }
        Ok(())
    }

    async fn end_snapshot(
        &mut self,
        ended: Result<SnapshotFile, CompactionError>,
    ) -> Result<(), EngineError> {
        self.with_state(move |state| state.end_snapshot(ended))
            .await
    }

    /// Has the index made again where it failed.
    fn check_index(&mut self) {
        // A snapshot moves records: it ends first.
        let is_behind = self.state.as_ref().is_some_and(DiskState::is_index_behind);
        if is_behind && self.compacting.is_none() {
            self.index_again.ask(Duration::ZERO);
        }
    }

    async fn index_event(&mut self, event: index_again::Event) -> Result<(), EngineError> {
        match event {
            // The snapshot's end asks again.
            index_again::Event::Due if self.compacting.is_some() => self.index_again.put_off(),
            index_again::Event::Due => {
                let making = self.with_state(DiskState::begin_index).await?;
                self.index_again.start(making);
            }
            index_again::Event::Ended(made, took) => {
                let is_ready = self.with_state(move |state| state.end_index(made)).await?;
                self.index_again.ended(is_ready, took);
            }
        }
        Ok(())
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
        self.index_again.stop().await;
        if let Some(state) = self.state.take() {
            in_place(move || state.close())
                .await
                .map_err(|error| EngineError::Task(error.to_string()))?;
        }
        Ok(())
    }
}
