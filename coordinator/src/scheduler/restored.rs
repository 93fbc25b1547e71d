//! A state that was restored from a backup, and what workers of its earlier life say to it.
//!
//! The numbers that the earlier life gave after the backup was taken are unknown here. The new life gives none of them:
//! each number has the life that gave it in its upper half. So a number of another life is known for one, and what its
//! owner delivers is taken.

use sweeps::{AttemptNumber, JobId};

use super::Scheduler;
use super::job::{JobIndex, State};
use crate::model::entry::Entry;
use proto::nouns::{LeaseKey, Timestamp, WorkerId};

/// By so many lives a new one may be ahead of the one before it: two that are drawn from the same backup differ. No more,
/// so that numbers stay exact in programs whose numbers are all doubles.
const LIVES: u64 = 1 << 20;
/// The last life there can be.
const LAST: u64 = (1 << 31) - 1;
/// So far ahead may a life be whose attempts are taken up: what a few restores draw. Whoever made up a larger number must
/// not use up the numbers there are.
const AHEAD: u64 = 4 * LIVES;

impl Scheduler {
    /// The entry that begins a new life of this state, drawn by random bits.
    pub fn new_life(&self, at: Timestamp, random: u64) -> Entry {
        let life = self.life.saturating_add(1 + random % LIVES).min(LAST);
        Entry::Restored { at, life }
    }

    pub(super) fn apply_restored(&mut self, life: u64) {
        self.life = self.life.max(life.min(LAST));
        self.next_worker = self.next_worker.max((self.life << 32) | 1);
    }

    /// Whether an attempt of that number was handed out, here or in another life of this state.
    pub(super) fn may_exist(&self, index: JobIndex, attempt: AttemptNumber) -> bool {
        let is_of_another_life = self.life > 0 && attempt.life() != self.life;
        attempt.count() > 0 && (attempt <= self.job(index).attempts || is_of_another_life)
    }

    /// Whether that attempt runs since before this life began, and nothing is known of it. The life that gave it may have the
    /// larger number: both were drawn from one backup, one after the other.
    pub(super) fn is_forgotten(&self, job: JobId, attempt: AttemptNumber) -> bool {
        self.by_id.get(&job).is_some_and(|index| {
            let is_of_another_life = self.life > 0
                && attempt.life() != self.life
                && attempt.life() <= self.life.saturating_add(AHEAD);
            attempt.count() > 0 && is_of_another_life && attempt > self.job(*index).attempts
        })
    }

    /// The next attempt at a job. Where the last one is of a larger life than this, that life may have given the numbers that
    /// follow: this state first begins a life beyond it, as far beyond as its own number says, which was drawn.
    pub(super) fn next_attempt(&mut self, now: Timestamp, index: JobIndex) -> AttemptNumber {
        let other = self.job(index).attempts.life();
        if other > self.life {
            let life = other.saturating_add(1 + self.life % LIVES).min(LAST);
            self.persist(Entry::Restored { at: now, life });
        }
        self.job(index).attempts.next(self.life)
    }

    /// Gives a worker the lease that an earlier life gave it, where nobody else has begun the job in this life: its work
    /// goes on.
    pub(super) fn take_up(&mut self, now: Timestamp, worker: WorkerId, key: LeaseKey) {
        if !self.is_forgotten(key.job, key.attempt) {
            return;
        }
        let Some(index) = self.by_id.get(&key.job).copied() else {
            return;
        };
        let has_room = self
            .workers
            .get(&worker)
            .is_some_and(|worker| worker.free_slots() > 0);
        if !has_room {
            return;
        }
        match &self.job(index).state {
            State::Queued if !self.job(index).paused => {}
            // The later attempt says that the earlier one ended in the earlier life.
            State::Leased(lease)
                if lease.attempt.life() < self.life
                    || lease.attempt.life() == key.attempt.life() =>
            {
                let attempt = lease.attempt;
                self.persist(Entry::Released {
                    at: now,
                    leases: vec![LeaseKey {
                        job: key.job,
                        attempt,
                    }],
                    reason: "a later attempt came from before the restore".into(),
                });
            }
            _ => return,
        }
        self.persist(Entry::Leased {
            at: now,
            worker,
            leases: vec![key],
        });
    }
}
