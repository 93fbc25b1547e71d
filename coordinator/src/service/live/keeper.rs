//! The task that keeps a hub: reads the sweep, hears the feed, tells what is new.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use live::Board;
use looks::{ClaimsView, Look};
use sweeps::JobId;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::event::{self, News};
use super::hub::Hub;
use crate::engine::Standing;
use crate::engine::feed::Subscription;
use crate::engine::handle::{EngineHandle, Told};
use crate::engine::history::History;
use crate::engine::rows::RowSource;
use crate::service::PrintedOf;
use crate::store::blocking::blocking;
use proto::nouns::{Change, Refusal, Row, StateKind, Timestamp, WatchEvent};

/// How often what is new is told.
const TELL: Duration = Duration::from_millis(400);
/// How often the engine is asked about workers and the sweep as a whole.
const ASK: Duration = Duration::from_secs(2);
/// How long what happens is left to gather before it is heard, so that not every epoch wakes somebody.
const REST: Duration = Duration::from_millis(25);
/// A hub that nobody looks at for so long ends.
const ALONE: Duration = Duration::from_mins(2);
/// Jobs whose records are read at a time.
const BATCH: usize = 64;

/// Why a board is made anew.
enum Turn {
    /// The hub ends.
    End(String),
    /// Changes were missed, or the sweep was submitted again.
    Anew,
}

/// Keeps a hub until nobody looks, or the engine ends.
pub(super) async fn keep(
    hub: Arc<Hub>,
    engine: EngineHandle,
    printed: Option<PrintedOf>,
    shutdown: CancellationToken,
) {
    let why = loop {
        let turn = tokio::select! {
            turn = Keeper::run(&hub, &engine, printed.as_ref()) => turn,
            () = shutdown.cancelled() => Ok(Turn::End("the coordinator is stopping".into())),
        };
        match turn {
            Ok(Turn::Anew) => {}
            Ok(Turn::End(why)) => break why,
            Err(refusal) => break refusal.to_string(),
        }
    };
    hub.end(&why);
}

/// What a hub's task knows beside the board.
struct Keeper<'a> {
    hub: &'a Hub,
    engine: &'a EngineHandle,
    grid: u32,
    cells: u64,
    /// The last change that the board shows.
    sequence: u64,
    /// The engine's time at a moment of ours: a change does not say when it was.
    clock: (Timestamp, Instant),
    /// When it listens again.
    listens: Instant,
    /// Jobs that are to be read, the next at the end.
    to_read: Vec<JobId>,
    read: u64,
    reading: Option<Reading>,
    /// What the journal tells of the time before the board, where it is being read.
    past: Option<Remembering>,
    /// When the board was made.
    begin: Timestamp,
    /// When the last one looked.
    seen: (u64, Instant),
}

impl<'a> Keeper<'a> {
    async fn run(
        hub: &'a Hub,
        engine: &'a EngineHandle,
        printed: Option<&PrintedOf>,
    ) -> Result<Turn, Refusal> {
        // Before the rows: what changes in between is heard.
        let mut feed = engine.subscribe(None);
        let mut keeper = Self::begin(hub, engine, printed).await?;
        let (mut tell, mut ask) = (interval(TELL), interval(ASK));
        tell.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ask.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            keeper.begin_to_read(BATCH);
            tokio::select! {
                biased;
                _ = tell.tick() => {
                    let read = Some(keeper.progress());
                    let news = News { read, ..News::default() };
                    keeper.tell(news);
                    keeper.begin_to_read(1);
                }
                _ = ask.tick() => {
                    if keeper.is_alone() {
                        return Ok(Turn::End("nobody looked at it".into()));
                    }
                    let standing = keeper.ask().await?;
                    if standing.grid != keeper.grid || !keeper.grow(standing.summary.cells).await? {
                        return Ok(Turn::Anew);
                    }
                }
                heard = gathered(&mut feed, keeper.listens) => match heard {
                    None => return Ok(Turn::End("the coordinator is stopping".into())),
                    Some((_, WatchEvent::Missed(_))) => return Ok(Turn::Anew),
                    Some((number, WatchEvent::Change(change))) => {
                        keeper.hear(number, &change);
                        keeper.hear_more(&mut feed);
                        keeper.listens = Instant::now() + REST;
                    }
                },
                past = remembered(&mut keeper.past) => {
                    keeper.past = None;
                    // A timeline that begins with the page is better than no page.
                    keeper.remember(past.unwrap_or_default());
                }
                read = finished(&mut keeper.reading) => {
                    keeper.reading = None;
                    keeper.take_over(read)?;
                }
            }
        }
    }

    /// Reads the rows and begins the hub's board with them.
    async fn begin(
        hub: &'a Hub,
        engine: &'a EngineHandle,
        printed: Option<&PrintedOf>,
    ) -> Result<Self, Refusal> {
        let standing = engine.standing(hub.sweep.clone()).await?;
        let info = engine.sweep_info(hub.sweep.clone()).await?;
        let source = engine.row_source(hub.sweep.clone()).await?;
        let is_rehearsal = StateKind::of(standing.trainer_revision) == StateKind::Rehearsal;
        let mut board = Board::new(info.columns.clone(), is_rehearsal);
        let push = |rows: &[Row]| rows.iter().for_each(|row| board.push(row));
        each_rows(engine, &source, 0, push).await?;
        if let Some(printed) = printed.filter(|_| !is_rehearsal).cloned() {
            // The sweep file is read for it.
            board.print(blocking(move || printed(&info)).await?);
        }
        for (worker, leases) in &standing.workers {
            for (job, since) in leases {
                board.leased(*job, &worker.name, *since);
            }
        }
        let mut to_read = board.jobs_to_read();
        to_read.reverse();
        let jobs: BTreeSet<JobId> = board.jobs().collect();
        let names = standing.workers.iter();
        let names = names.map(|(worker, _)| (worker.worker, worker.name.as_str().into()));
        let (reader, sweep, names) = (engine.clone(), hub.sweep.clone(), names.collect());
        board.looked.begin(looks_of(&standing));
        let past = tokio::spawn(async move { reader.history(sweep, jobs, names).await });
        // All of it is in the snapshot that everybody begins with.
        board.delta();
        hub.begin(board, source.sequence, news_of(&standing));
        Ok(Self {
            hub,
            engine,
            grid: source.grid,
            cells: source.len() as u64,
            sequence: source.sequence,
            clock: (standing.now, Instant::now()),
            to_read,
            read: 0,
            reading: None,
            past: Some(past),
            begin: standing.now,
            listens: Instant::now(),
            seen: (hub.visited().1, Instant::now()),
        })
    }

    /// Of how many jobs was read, and of how many is to be read together.
    fn progress(&self) -> (u64, u64) {
        let reading = if self.reading.is_some() { BATCH } else { 0 };
        let open = (self.to_read.len() + reading) as u64;
        (self.read, self.read + open)
    }

    fn now(&self) -> Timestamp {
        let (then, at) = self.clock;
        then.plus(at.elapsed().as_millis() as u64)
    }

    fn hear(&mut self, number: u64, change: &Change) {
        // The rows show what happened before they were read. Epochs are not in them.
        if number <= self.sequence && !matches!(change, Change::Epochs { .. }) {
            return;
        }
        self.sequence = self.sequence.max(number);
        if !change.concerns(&self.hub.sweep) {
            return;
        }
        let now = self.now();
        let to_read = self.hub.with_board(|board| board.hear(change, now));
        self.to_read.extend(to_read.flatten());
    }

    /// What else there is to be heard, so that many changes take the board once.
    fn hear_more(&mut self, feed: &mut Subscription) {
        // Bounded, so that what is new is told also where changes never end.
        for _ in 0..1024 {
            match feed.try_next_change() {
                Some((number, change)) => self.hear(number, &change),
                None => return,
            }
        }
    }

    fn remember(&mut self, past: History) {
        let begin = self.begin;
        self.hub.with_board(|board| {
            board.looked.remember(&past.looked, begin);
            board.remember(past.happened, begin);
        });
    }

    /// Has the next jobs read, where none are and there are so many: what they have beyond their rows.
    fn begin_to_read(&mut self, least: usize) {
        if self.reading.is_some() || self.to_read.len() < least {
            return;
        }
        let from = self.to_read.len().saturating_sub(BATCH);
        let batch: BTreeSet<JobId> = self.to_read.drain(from..).collect();
        let engine = self.engine.clone();
        let task = tokio::spawn(async move {
            let jobs = batch.len() as u64;
            let told = engine.told(batch.into_iter().collect()).await;
            (jobs, told)
        });
        self.reading = Some(Reading(task));
    }

    fn take_over(&mut self, read: Read) -> Result<(), Refusal> {
        let Ok((jobs, told)) = read else {
            return Err(Refusal::Unavailable("reading results ended".into()));
        };
        self.read += jobs;
        let told = match told {
            // Results cannot be read now: the page shows what it has, and the coordinator's readiness says why.
            Err(Refusal::Storage(_) | Refusal::Unavailable(_)) => return Ok(()),
            told => told?,
        };
        self.hub.with_board(|board| {
            for (job, told) in &told {
                match told {
                    Told::Record(record) => board.read(record),
                    Told::Epochs(points) => board.put(*job, points),
                }
            }
        });
        Ok(())
    }

    /// Takes over cells that were added to the sweep. `false`: it is another sweep now.
    async fn grow(&mut self, cells: u64) -> Result<bool, Refusal> {
        if cells == self.cells {
            return Ok(true);
        }
        let source = self.engine.row_source(self.hub.sweep.clone()).await?;
        if source.grid != self.grid || (source.len() as u64) < self.cells {
            return Ok(false);
        }
        let push = |rows: &[Row]| {
            self.hub
                .with_board(|board| rows.iter().for_each(|row| board.push(row)));
        };
        each_rows(self.engine, &source, self.cells as usize, push).await?;
        self.cells = source.len() as u64;
        self.hub.renew();
        Ok(true)
    }

    /// Asks the engine, and tells what is new.
    async fn ask(&mut self) -> Result<Standing, Refusal> {
        let standing = self.engine.standing(self.hub.sweep.clone()).await?;
        self.clock = (standing.now, Instant::now());
        let looks = looks_of(&standing);
        self.hub
            .with_board(|board| board.looked.hear(looks, standing.now));
        self.tell(news_of(&standing));
        Ok(standing)
    }

    fn tell(&self, mut news: News) {
        news.now = Some(self.now().0);
        self.hub.tell(self.sequence, news);
    }

    fn is_alone(&mut self) -> bool {
        let (viewers, visits) = self.hub.visited();
        if viewers > 0 || visits != self.seen.0 {
            self.seen = (visits, Instant::now());
        }
        self.seen.1.elapsed() > ALONE
    }
}

/// Reads the rows of a sweep from that one on, some at a time.
async fn each_rows(
    engine: &EngineHandle,
    source: &RowSource,
    mut first: usize,
    mut push: impl FnMut(&[Row]),
) -> Result<(), Refusal> {
    let (mut group, all): (_, Arc<[_]>) = (None, [].into());
    while first < source.len() {
        let (rows, next, last) = engine.rows(source, first, all.clone(), group).await?;
        push(&rows);
        (first, group) = (next, last);
    }
    Ok(())
}

/// What was found of some jobs.
type Found = Result<Vec<(JobId, Told)>, Refusal>;
/// What came of reading some jobs: how many, and what was found.
type Read = Result<(u64, Found), JoinError>;

/// A batch that is being read; it ends with the task that wants it.
struct Reading(JoinHandle<(u64, Found)>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Waits for what is being read; for ever where nothing is.
async fn finished(reading: &mut Option<Reading>) -> Read {
    match reading {
        Some(Reading(task)) => task.await,
        None => std::future::pending().await,
    }
}

/// The journal that is being read.
type Remembering = JoinHandle<Result<History, Refusal>>;

/// The next that is heard, from that moment on.
async fn gathered(feed: &mut Subscription, from: Instant) -> Option<(u64, WatchEvent)> {
    tokio::time::sleep_until(from).await;
    feed.next().await
}

/// What the journal told; for ever where it is not being read.
async fn remembered(past: &mut Option<Remembering>) -> Option<History> {
    match past {
        Some(task) => task.await.ok()?.ok(),
        None => std::future::pending().await,
    }
}

fn looks_of(standing: &Standing) -> &[Look] {
    let claims = standing.claims.as_deref();
    claims.map_or(&[], |claims| &claims.looks)
}

fn news_of(standing: &Standing) -> News {
    let (sweep, workers) = event::of_standing(standing);
    News {
        sweep: Some(sweep),
        workers: Some(workers),
        claims: standing.claims.as_deref().map(|claims| ClaimsView {
            looks: Vec::new(),
            ..claims.clone()
        }),
        now: Some(standing.now.0),
        ..News::default()
    }
}
