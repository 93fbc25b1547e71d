//! A state that was restored from a backup, and what workers of its earlier life say to it.
//!
//! A number of another life is known for one, see [`crate::scheduler::life`], and what its owner delivers is taken.

use sweeps::{AttemptNumber, JobId};

use crate::model::entry::Entry;
use crate::scheduler::Scheduler;
use crate::scheduler::job::{JobIndex, JobState};
use proto::nouns::{LeaseKey, Timestamp, WorkerId};

impl Scheduler {
    /// The entry that begins a new life of this state, drawn by random bits.
    pub fn new_life(&self, at: Timestamp, random: u64) -> Entry {
        let life = self.life.drawn(random);
        Entry::Restored { at, life }
    }

    /// Whether an attempt of that number was handed out, here or in another life of this state.
    pub(in crate::scheduler) fn may_exist(&self, index: JobIndex, attempt: AttemptNumber) -> bool {
        let is_known = attempt <= self.jobs.job(index).attempts;
        attempt.count() > 0 && (is_known || self.life.is_foreign(attempt))
    }

    /// Whether that attempt runs since before this life began, and nothing is known of it. The life that gave it may have the
    /// larger number: both were drawn from one backup, one after the other.
    pub(in crate::scheduler) fn is_forgotten(&self, job: JobId, attempt: AttemptNumber) -> bool {
        self.jobs.find(&job).is_some_and(|index| {
            attempt.count() > 0
                && self.life.is_plausible(attempt)
                && attempt > self.jobs.job(index).attempts
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
        let own = self.life.number();
        if last.life() <= own {
            return (None, last.next(own));
        }
        let life = self.life.beyond(last.life());
        let restored = Entry::Restored { at: now, life };
        (Some(restored), last.next(own.max(life)))
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
                if lease.attempt.life() < self.life.number()
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
