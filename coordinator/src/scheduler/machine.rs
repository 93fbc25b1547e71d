//! The state as a whole, and a step of it.

use proto::nouns::{Change, Timestamp};

use super::audits::Audits;
use super::blame::Blame;
use super::decision::Decision;
use super::fairness::Fairness;
use super::job_table::JobTable;
use super::lease_clock::LeaseClock;
use super::life::Life;
use super::messages::{Effect, Event};
use super::policy::Policy;
use super::staged::{Staged, Submissions};
use super::wait_queue::WaitQueue;
use super::worker_table::WorkerTable;
use crate::model::entry::Entry;
use crate::model::image::ImageError;

/// The scheduler.
#[derive(Debug, Clone)]
pub struct Scheduler {
    pub(super) policy: Policy,
    pub(super) jobs: JobTable,
    pub(super) workers: WorkerTable,
    pub(super) audits: Audits,
    pub(super) blame: Blame,
    pub(super) life: Life,
    /// A submission that has begun and not ended.
    pub(super) staged: Option<Staged>,
    /// An image was begun and not yet ended.
    pub(super) is_restoring: bool,

    // What a restart forgets.
    /// Submissions that are taken in parts, one after the other.
    pub(super) submissions: Submissions,
    pub(super) lease_clock: LeaseClock,
    pub(super) wait_queue: WaitQueue,
    pub(super) fairness: Fairness,
    /// Work may have come up for those who wait.
    pub(super) dispatch_needed: bool,
    pub(super) effects: Vec<Effect>,
}

impl Scheduler {
    /// An empty one.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            jobs: JobTable::default(),
            workers: WorkerTable::default(),
            audits: Audits::default(),
            blame: Blame::default(),
            life: Life::default(),
            staged: None,
            is_restoring: false,
            submissions: Submissions::default(),
            lease_clock: LeaseClock::default(),
            wait_queue: WaitQueue::default(),
            fairness: Fairness::default(),
            dispatch_needed: false,
            effects: Vec::new(),
        }
    }

    /// Handles one event.
    pub fn step(&mut self, now: Timestamp, event: Event) -> Vec<Effect> {
        match event {
            Event::Request(ticket, request) => self.on_request(now, ticket, request),
            Event::Abandon(ticket) => self.on_abandon(ticket),
            Event::Continue => self.on_continue(now),
            Event::Tick => self.on_tick(now),
            Event::Recovered => self.on_recovered(now),
        }
        self.look(now);
        let has_queued = self.jobs.take_has_queued();
        if std::mem::take(&mut self.dispatch_needed) || has_queued {
            self.serve_waiting(now);
        }
        self.publish_touched();
        self.schedule_tick(now);
        std::mem::take(&mut self.effects)
    }

    /// Applies what was decided and asks for it to be written: the only way in which a step changes what a restart
    /// remembers. Answers how many jobs changed, where an entry says so.
    pub(super) fn commit(&mut self, entries: impl IntoIterator<Item = Entry>) -> u64 {
        let mut changed = 0;
        for entry in entries {
            changed += self.apply(&entry, true);
            self.effects.push(Effect::Persist(entry));
        }
        changed
    }

    /// Commits a decision; gives what is to be said.
    pub(super) fn enact<T>(&mut self, decision: Decision<T>) -> T {
        self.commit(decision.entries);
        decision.answer
    }

    /// Applies an entry of the journal.
    ///
    /// # Errors
    /// A snapshot that contradicts itself.
    pub fn replay(&mut self, entry: &Entry) -> Result<(), ImageError> {
        if let Entry::Image { part } = entry {
            return self.restore(part);
        }
        if self.is_restoring {
            return Err(ImageError("it has no end"));
        }
        self.apply(entry, false);
        Ok(())
    }

    /// Every entry was replayed.
    ///
    /// # Errors
    /// A snapshot that has no end.
    pub fn replayed(&self) -> Result<(), ImageError> {
        if self.is_restoring {
            return Err(ImageError("it has no end"));
        }
        Ok(())
    }

    pub(super) fn publish(&mut self, change: Change) {
        self.effects.push(Effect::Publish(change));
    }

    /// Looks at the claims whose seeds may have ended. Seeds that are added may be done already, in another sweep: then the next
    /// look is due at once.
    pub(super) fn look(&mut self, now: Timestamp) {
        for sweep in self.jobs.touched_with_claims() {
            let mut seen = None;
            while let Some(looked) = self.decide_looks(now, sweep) {
                self.commit([looked]);
                // An entry that changed nothing is not decided again.
                let now_seen = self.jobs.extent_of_claims(sweep);
                if seen.replace(now_seen) == Some(now_seen) {
                    break;
                }
            }
        }
    }

    fn publish_touched(&mut self) {
        for index in self.jobs.take_touched() {
            let sweep = self.jobs.sweep(index);
            let change = Change::Sweep {
                name: sweep.name.clone(),
                counts: sweep.counts,
            };
            self.publish(change);
        }
    }

    fn schedule_tick(&mut self, now: Timestamp) {
        let deadline = self.wait_queue.deadline();
        let pulse = self.policy.pulse_ms();
        if let Some(at) = self.lease_clock.schedule(now, pulse, deadline) {
            self.effects.push(Effect::WakeAt(at));
        }
    }

    fn on_tick(&mut self, now: Timestamp) {
        if let Some(late) = self.lease_clock.woken(now, self.policy.pulse_ms()) {
            self.stood_still(now, late);
        }
        self.expire_leases(now);
        self.expire_waiting(now);
    }

    /// The coordinator itself stood still for about that long (a stopped process, a slow disk, a laptop's sleep): nobody could
    /// report, so that what was not heard in this time says nothing. Every live lease gets one more full time to live.
    fn stood_still(&mut self, now: Timestamp, for_ms: u64) {
        self.renew_all(now);
        self.workers.excuse(for_ms, now);
    }

    fn on_recovered(&mut self, now: Timestamp) {
        self.renew_all(now);
        self.workers.touch_all(now);
        // Results may be on disk whose looks are not.
        self.look(now);
        self.jobs.take_touched();
        self.dispatch_needed = true;
        // Whoever submitted it was not told that it was taken.
        if self.staged.is_some() && !self.submissions.has_begun() {
            self.commit([Entry::SubmissionDropped { at: now }]);
        }
    }
}
