//! A state that was restored from a backup, and what workers of its earlier life say to it.
//!
//! The numbers that the earlier life gave after the backup was taken are unknown here. The new life gives none of them:
//! each number has the life that gave it in its upper half. So a number of another life is known for one, and what its
//! owner delivers is taken.

use sweeps::{AttemptNumber, JobId};

use crate::model::entry::Entry;
use crate::scheduler::Scheduler;
use crate::scheduler::job::{JobIndex, JobState};
use proto::nouns::{LeaseKey, Timestamp, WorkerId};

/// By so many lives a new one may be ahead of the one before it: two that are drawn from the same backup differ. No more,
/// so that numbers stay exact in programs whose numbers are all doubles.
const LIVES: u64 = 1 << 20;
/// The last life there can be.
pub(in crate::scheduler) const LAST_LIFE: u64 = (1 << 31) - 1;
/// So far ahead may a life be whose attempts are taken up: what a few restores draw. Whoever made up a larger number must
/// not use up the numbers there are.
const AHEAD: u64 = 4 * LIVES;

impl Scheduler {
    /// The entry that begins a new life of this state, drawn by random bits.
    pub fn new_life(&self, at: Timestamp, random: u64) -> Entry {
        let life = self.life.saturating_add(1 + random % LIVES).min(LAST_LIFE);
        Entry::Restored { at, life }
    }

    /// Whether an attempt of that number was handed out, here or in another life of this state.
    pub(in crate::scheduler) fn may_exist(&self, index: JobIndex, attempt: AttemptNumber) -> bool {
        let is_of_another_life = self.life > 0 && attempt.life() != self.life;
        attempt.count() > 0 && (attempt <= self.jobs.job(index).attempts || is_of_another_life)
    }

    /// Whether that attempt runs since before this life began, and nothing is known of it. The life that gave it may have the
    /// larger number: both were drawn from one backup, one after the other.
    pub(in crate::scheduler) fn is_forgotten(&self, job: JobId, attempt: AttemptNumber) -> bool {
        self.jobs.find(&job).is_some_and(|index| {
            let is_of_another_life = self.life > 0
                && attempt.life() != self.life
                && attempt.life() <= self.life.saturating_add(AHEAD);
            attempt.count() > 0 && is_of_another_life && attempt > self.jobs.job(index).attempts
        })
    }

    /// The next attempt at a job. Where the last one is of a larger life than this, that life may have given the numbers that
    /// follow: this state first begins a life beyond it, as far beyond as its own number says, which was drawn.
    pub(super) fn decide_attempt(
        &self,
        now: Timestamp,
        index: JobIndex,
    ) -> (Option<Entry>, AttemptNumber) {
        let last = self.jobs.job(index).attempts;
        if last.life() <= self.life {
            return (None, last.next(self.life));
        }
        let life = last
            .life()
            .saturating_add(1 + self.life % LIVES)
            .min(LAST_LIFE);
        let restored = Entry::Restored { at: now, life };
        (Some(restored), last.next(self.life.max(life)))
    }

    /// Gives a worker the lease that an earlier life gave it, where nobody else has begun the job in this life: its work
    /// goes on.
    pub(in crate::scheduler) fn decide_take_up(
        &self,
        now: Timestamp,
        worker: WorkerId,
        key: LeaseKey,
    ) -> Vec<Entry> {
        if !self.is_forgotten(key.job, key.attempt) {
            return Vec::new();
        }
        let has_room = self
            .workers
            .get(worker)
            .is_some_and(|worker| worker.free_slots() > 0);
        let Some(index) = self.jobs.find(&key.job).filter(|_| has_room) else {
            return Vec::new();
        };
        let job = self.jobs.job(index);
        let mut entries = Vec::new();
        match &job.state {
            JobState::Queued if !job.paused => {}
            // The later attempt says that the earlier one ended in the earlier life.
            JobState::Leased(lease)
                if lease.attempt.life() < self.life
                    || lease.attempt.life() == key.attempt.life() =>
            {
                entries.push(Entry::Released {
                    at: now,
                    leases: vec![lease.key(key.job)],
                    reason: "a later attempt came from before the restore".into(),
                });
            }
            _ => return Vec::new(),
        }
        entries.push(Entry::Leased {
            at: now,
            worker,
            leases: vec![key],
        });
        entries
    }
}
