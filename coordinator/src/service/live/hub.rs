//! The hub of a sweep: one board, kept up to date by one task, and everybody who looks at it.
//!
//! The task hears the engine's feed, and tells what is new a few times a second, all viewers the same bytes. An event's id is
//! the number of the last change of the feed that it shows: whoever comes back with it hears what followed, or begins anew.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::body::Bytes;
use live::Board;
use tokio::sync::broadcast;
use tokio::time::timeout;

use super::event::{self, Event, News};
use crate::store::blocking::blocking;
use proto::nouns::Refusal;

/// Events that a viewer may be behind before it is cut off.
const BEHIND: usize = 64;
/// Events that are kept for who comes back, and their bytes.
const KEPT: usize = 2048;
const KEPT_BYTES: usize = 8 << 20;

/// How long somebody who asks waits for a board.
const PATIENCE: Duration = Duration::from_secs(3);

/// One board and its viewers.
pub(super) struct Hub {
    pub(super) sweep: String,
    state: Mutex<State>,
    sender: broadcast::Sender<Heard>,
    viewers: AtomicUsize,
    /// Counts who came: a hub without viewers for a while ends.
    visits: AtomicU64,
}

/// What a viewer hears.
#[derive(Clone)]
pub(super) enum Heard {
    /// What is new.
    News(Arc<Event>),
    /// Another board: begin with its snapshot.
    Anew,
    /// The hub ends, and why.
    End(Arc<str>),
}

#[derive(Default)]
struct State {
    /// `None` until the rows were read.
    board: Option<Board>,
    /// The number of the last change that was told, and of the change after which `kept` is whole.
    last: u64,
    whole_after: u64,
    kept: VecDeque<Arc<Event>>,
    kept_bytes: usize,
    /// The last that was told of everything but the board.
    around: News,
    ended: Option<Arc<str>>,
}

impl Hub {
    pub(super) fn new(sweep: String) -> Self {
        Self {
            sweep,
            state: Mutex::default(),
            sender: broadcast::Sender::new(BEHIND),
            viewers: AtomicUsize::new(0),
            visits: AtomicU64::new(0),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins with that board, which shows the changes up to that number.
    pub(super) fn begin(&self, board: Board, sequence: u64, around: News) {
        let mut state = self.state();
        *state = State {
            board: Some(board),
            last: sequence,
            whole_after: sequence,
            around,
            ..State::default()
        };
        // Under the lock, so that whoever joins sees the new board or hears of it.
        let _ = self.sender.send(Heard::Anew);
    }

    /// The board has cells that nobody was told of: everybody begins with a new snapshot.
    pub(super) fn renew(&self) {
        let mut state = self.state();
        state.kept.clear();
        state.kept_bytes = 0;
        state.whole_after = state.last + 1;
        let _ = self.sender.send(Heard::Anew);
    }

    /// Looks at the board, where there is one, or changes it.
    pub(super) fn with_board<T>(&self, look: impl FnOnce(&mut Board) -> T) -> Option<T> {
        self.state().board.as_mut().map(look)
    }

    /// Tells what is new of the board, and of what is around it: what was told before is not told again.
    pub(super) fn tell(&self, sequence: u64, mut around: News) {
        let mut state = self.state();
        state.around.update(&mut around);
        state.last = state.last.max(sequence);
        let delta = state.board.as_mut().and_then(Board::delta);
        if delta.is_none() && around.is_empty() {
            return;
        }
        let event = Arc::new(Event::new(state.last, delta, around));
        state.kept_bytes += event.bytes.len();
        state.kept.push_back(event.clone());
        while state.kept.len() > KEPT || state.kept_bytes > KEPT_BYTES {
            let Some(dropped) = state.kept.pop_front() else {
                break;
            };
            state.kept_bytes -= dropped.bytes.len();
            state.whole_after = dropped.id + 1;
        }
        let _ = self.sender.send(Heard::News(event));
    }

    /// The hub ends.
    pub(super) fn end(&self, why: &str) {
        let why: Arc<str> = why.into();
        let mut state = self.state();
        state.ended = Some(why.clone());
        let _ = self.sender.send(Heard::End(why));
    }

    pub(super) fn has_ended(&self) -> bool {
        self.state().ended.is_some()
    }

    /// Everybody who comes is counted, and again when they go.
    pub(super) fn join(self: &Arc<Self>) -> Viewer {
        self.viewers.fetch_add(1, Ordering::Relaxed);
        self.visits.fetch_add(1, Ordering::Relaxed);
        let news = self.sender.subscribe();
        Viewer {
            hub: self.clone(),
            news,
        }
    }

    /// Somebody asked something: waits a while for the board, where there is none yet.
    pub(super) async fn begun(&self) {
        self.visits.fetch_add(1, Ordering::Relaxed);
        let mut news = self.sender.subscribe();
        if self.state().board.is_none() {
            // Whatever is heard first comes with a board, or says that there will be none.
            let _ = timeout(PATIENCE, news.recv()).await;
        }
    }

    /// How many look, and how often somebody came.
    pub(super) fn visited(&self) -> (usize, u64) {
        let viewers = self.viewers.load(Ordering::Relaxed);
        (viewers, self.visits.load(Ordering::Relaxed))
    }
}

/// One who looks.
pub(super) struct Viewer {
    pub(super) hub: Arc<Hub>,
    pub(super) news: broadcast::Receiver<Heard>,
}

impl Viewer {
    /// What it is sent first: what followed the event of that id, or everything. `None`: there is no board yet, and it will
    /// hear of it.
    ///
    /// # Errors
    /// The hub has ended, or the answer cannot be made.
    pub(super) async fn first(
        &mut self,
        after: Option<u64>,
    ) -> Result<Option<Vec<Bytes>>, Refusal> {
        let hub = self.hub.clone();
        let (first, news) = blocking(move || {
            let state = hub.state();
            // Whoever tells holds the state: what is heard from here on is what follows, and nothing is told twice.
            let news = hub.sender.subscribe();
            if let Some(why) = &state.ended {
                return Err(Refusal::Unavailable(why.to_string()));
            }
            let Some(board) = &state.board else {
                return Ok((None, news));
            };
            if let Some(after) = after
                && (state.whole_after..=state.last).contains(&after)
            {
                // Several events may have the id of one change: the first of them is sent again.
                let missed = state.kept.iter().filter(|event| event.id >= after);
                let mut first = vec![event::resumed()];
                first.extend(missed.map(|event| event.bytes.clone()));
                return Ok((Some(first), news));
            }
            let (snapshot, around, last) = (board.snapshot(), state.around.clone(), state.last);
            drop(state);
            Ok((Some(vec![event::snapshot(last, &snapshot, &around)]), news))
        })
        .await??;
        self.news = news;
        Ok(first)
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.hub.viewers.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(read: u64) -> News {
        News {
            read: Some((read, 100)),
            ..News::default()
        }
    }

    async fn first(hub: &Arc<Hub>, after: Option<u64>) -> Vec<String> {
        let first = hub.join().first(after).await.unwrap().unwrap_or_default();
        let texts = first
            .iter()
            .map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
        texts
            .map(|text| text.lines().next().unwrap_or("").to_owned())
            .collect()
    }

    #[tokio::test]
    async fn who_comes_back_hears_what_followed_and_who_was_away_too_long_begins_anew() {
        let hub = Arc::new(Hub::new("s".into()));
        assert!(first(&hub, None).await.is_empty(), "no board yet");
        hub.begin(Board::new(Vec::new(), false), 100, News::default());
        assert_eq!(first(&hub, None).await, ["event: snapshot"]);
        hub.tell(105, said(1));
        hub.tell(105, said(2));
        hub.tell(109, said(3));
        // What is known already is not told.
        hub.tell(109, said(3));
        assert_eq!(
            first(&hub, Some(100)).await,
            [
                "event: resumed",
                "event: news",
                "event: news",
                "event: news"
            ]
        );
        assert_eq!(
            first(&hub, Some(109)).await,
            ["event: resumed", "event: news"]
        );
        // Of another life, and of a future one.
        for after in [Some(99), Some(110), None] {
            assert_eq!(first(&hub, after).await, ["event: snapshot"], "{after:?}");
        }
        for number in 0..KEPT as u64 {
            hub.tell(200 + number, said(number));
        }
        assert_eq!(first(&hub, Some(109)).await, ["event: snapshot"]);
        assert!(first(&hub, Some(201 + KEPT as u64 / 2)).await.len() > KEPT / 4);
        // Another board: whoever looks is told to begin anew.
        let mut viewer = hub.join();
        hub.begin(Board::new(Vec::new(), false), 5000, News::default());
        assert!(matches!(viewer.news.try_recv(), Ok(Heard::Anew)));
        assert_eq!(first(&hub, Some(2000)).await, ["event: snapshot"]);
        // Cells were added: nobody goes on with the old ones.
        hub.tell(5001, said(1));
        hub.renew();
        assert_eq!(first(&hub, Some(5001)).await, ["event: snapshot"]);
        hub.tell(5002, said(2));
        assert_eq!(
            first(&hub, Some(5002)).await,
            ["event: resumed", "event: news"]
        );
        hub.end("it stops");
        assert!(hub.join().first(None).await.is_err());
    }

    #[tokio::test]
    async fn who_is_too_slow_is_told_so() {
        let hub = Arc::new(Hub::new("s".into()));
        hub.begin(Board::new(Vec::new(), false), 1, News::default());
        let mut slow = hub.join();
        for number in 0..=BEHIND as u64 + 1 {
            hub.tell(number + 2, said(number));
        }
        let lagged = slow.news.recv().await;
        assert!(matches!(
            lagged,
            Err(broadcast::error::RecvError::Lagged(_))
        ));
        drop(slow);
        assert_eq!(hub.visited().0, 0);
    }
}
