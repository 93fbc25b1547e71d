//! The feed of changes: numbered, heard as they come, and the last ones kept for who lost its connection.
//!
//! *Invariant:* numbers only grow, also over restarts: a feed begins at the time of its start, and a process publishes fewer
//! than 65,536 changes a millisecond. A number of an earlier life is therefore older than everything that is kept.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use proto::nouns::{Change, Timestamp, WatchEvent};

/// Changes that a subscriber may be behind.
const BEHIND: usize = 4096;
/// Changes that are kept for those who come back.
const KEPT: usize = 4096;

/// Something and its number in the feed.
pub type Numbered<T> = (u64, T);

/// The feed of changes.
pub(crate) struct Feed {
    sender: broadcast::Sender<Numbered<Change>>,
    history: Mutex<History>,
}

struct History {
    /// The last change's number.
    last: u64,
    /// Everything with a higher number is in `changes`, epochs and log lines excepted: they may be lost.
    complete_after: u64,
    changes: VecDeque<Numbered<Change>>,
}

/// A subscriber's place in the feed.
pub struct Subscription {
    missed: Option<u64>,
    before: VecDeque<Numbered<Change>>,
    receiver: broadcast::Receiver<Numbered<Change>>,
}

impl Feed {
    pub(crate) fn new(start: Timestamp) -> Self {
        let (sender, _) = broadcast::channel(BEHIND);
        let last = start.0 << 16;
        Self {
            sender,
            history: Mutex::new(History {
                last,
                complete_after: last,
                changes: VecDeque::new(),
            }),
        }
    }

    /// The number of the last change.
    pub(crate) fn last(&self) -> u64 {
        self.history().last
    }

    pub(crate) fn publish(&self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let mut history = self.history();
        let is_heard = self.sender.receiver_count() > 0;
        for change in changes {
            history.last += 1;
            let number = history.last;
            if is_heard {
                // Nobody listening any more is well.
                let _ = self.sender.send((number, change.clone()));
            }
            if matches!(change, Change::Epochs { .. } | Change::Log { .. }) {
                continue;
            }
            if history.changes.len() >= KEPT
                && let Some((dropped, _)) = history.changes.pop_front()
            {
                history.complete_after = dropped;
            }
            history.changes.push_back((number, change));
        }
    }

    /// Changes from now on, or those after the one of that number.
    pub(crate) fn subscribe(&self, after: Option<u64>) -> Subscription {
        let history = self.history();
        // Under the lock: nothing is published between the two looks.
        let receiver = self.sender.subscribe();
        let after = after.unwrap_or(history.last);
        let is_known = (history.complete_after..=history.last).contains(&after);
        let before = history.changes.iter().filter(|(number, _)| *number > after);
        Subscription {
            missed: (!is_known).then(|| history.last.saturating_sub(after).max(1)),
            before: if is_known {
                before.cloned().collect()
            } else {
                VecDeque::new()
            },
            receiver,
        }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
    /// The next event and its number, which is 0 where changes are missing; `None` when the engine has ended.
    pub async fn next(&mut self) -> Option<Numbered<WatchEvent>> {
        if let Some(heard) = self.first() {
            return Some(heard);
        }
        match self.receiver.recv().await {
            Ok(change) => Some(numbered(change)),
            Err(RecvError::Lagged(missed)) => Some(missing(missed)),
            Err(RecvError::Closed) => None,
        }
    }

    /// The next event where there is one already.
    pub fn try_next(&mut self) -> Option<Numbered<WatchEvent>> {
        if let Some(heard) = self.first() {
            return Some(heard);
        }
        match self.receiver.try_recv() {
            Ok(change) => Some(numbered(change)),
            Err(TryRecvError::Lagged(missed)) => Some(missing(missed)),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }

    /// The next change where there is one already. What is missing is kept for [`Self::next`] to tell.
    pub(crate) fn try_next_change(&mut self) -> Option<Numbered<Change>> {
        match self.try_next()? {
            (number, WatchEvent::Change(change)) => Some((number, change)),
            (_, WatchEvent::Missed(missed)) => {
                self.missed = Some(missed);
                None
            }
        }
    }

    fn first(&mut self) -> Option<Numbered<WatchEvent>> {
        if let Some(missed) = self.missed.take() {
            return Some(missing(missed));
        }
        self.before.pop_front().map(numbered)
    }
}

fn numbered((number, change): Numbered<Change>) -> Numbered<WatchEvent> {
    (number, WatchEvent::Change(change))
}

fn missing(changes: u64) -> Numbered<WatchEvent> {
    (0, WatchEvent::Missed(changes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::nouns::{Counts, WorkerState};

    fn change(number: u64) -> Change {
        Change::Sweep {
            name: "s".into(),
            counts: Counts([number, 0, 0, 0, 0, 0]),
        }
    }

    fn heard(subscription: &mut Subscription) -> Vec<u64> {
        let mut numbers = Vec::new();
        while let Some(heard) = subscription.try_next() {
            match heard {
                (number, WatchEvent::Change(_)) => numbers.push(number),
                (_, WatchEvent::Missed(_)) => numbers.push(0),
            }
        }
        numbers
    }

    #[test]
    fn who_comes_back_hears_what_it_missed_once() {
        let feed = Feed::new(Timestamp(5));
        let start = feed.last();
        let mut always = feed.subscribe(None);
        feed.publish((0..10).map(change).collect());
        let mut back = feed.subscribe(Some(start + 4));
        feed.publish(vec![change(10)]);
        assert_eq!(
            heard(&mut always),
            (start + 1..=start + 11).collect::<Vec<_>>()
        );
        assert_eq!(
            heard(&mut back),
            (start + 5..=start + 11).collect::<Vec<_>>()
        );
        assert!(heard(&mut feed.subscribe(Some(start + 11))).is_empty());
    }

    #[test]
    fn a_number_that_is_not_kept_is_missed() {
        let feed = Feed::new(Timestamp(5));
        let start = feed.last();
        for number in 0..=KEPT as u64 {
            feed.publish(vec![change(number)]);
        }
        // Of an earlier life, of a later one, and one that fell out.
        for after in [1, start - 1, start, feed.last() + 1] {
            assert_eq!(heard(&mut feed.subscribe(Some(after))), [0], "{after}");
        }
        assert_eq!(heard(&mut feed.subscribe(Some(start + 1))).len(), KEPT);
        // A restart begins above everything.
        assert!(Feed::new(Timestamp(6)).last() > feed.last());
    }

    #[test]
    fn epochs_and_lines_are_heard_and_not_kept() {
        let feed = Feed::new(Timestamp(5));
        let start = feed.last();
        let mut always = feed.subscribe(None);
        let lines = Change::Log {
            job: sweeps::JobId([1; 32]),
            sweeps: [].into(),
            attempt: sweeps::AttemptNumber(1),
            lines: ["x".to_owned()].into(),
        };
        let worker = Change::Worker {
            name: "w".into(),
            state: WorkerState::Gone,
            reason: None,
        };
        feed.publish(vec![lines, worker]);
        assert_eq!(heard(&mut always), [start + 1, start + 2]);
        assert_eq!(heard(&mut feed.subscribe(Some(start))), [start + 2]);
    }
}
