//! The scheduler: a pure state machine. Events in, effects out; no clock, randomness, IO or lock.
//!
//! `request` answers: it asks `decide`, which reads and yields entries, has them applied by `apply`, which writes, and makes the
//! answer. A restart applies the same entries by the same function, so that the state follows from the journal, but for what
//! may be forgotten: when a worker was last heard, when a lease ends, who waits for work.
//!
//! The state is made of parts with private fields: [`job_table::JobTable`] alone changes jobs, and counts and queues with them;
//! [`worker_table::WorkerTable`], [`audits::Audits`], [`blame::Blame`], [`life::Life`], [`lease_clock::LeaseClock`],
//! [`wait_queue::WaitQueue`], [`fairness::Fairness`] and [`staged::Submissions`]. [`Scheduler`] composes them; `leases` is where a lease changes in several of
//! them together. [`Scheduler::check`] says whether they agree.
//!
//! `image` is the state as data, `view`, `explain` and `totals` look.

mod apply;
mod audits;
mod blame;
#[cfg(test)]
mod check;
mod decide;
mod done;
mod explain;
mod fairness;
mod image;
mod ineligibility;
mod job;
mod job_ids;
mod job_table;
mod lease_clock;
mod leases;
mod life;
mod policy;
mod presence;
mod request;
mod staged;
mod totals;
mod view;
mod wait_queue;
mod worker_table;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod sim;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use sweeps::{AttemptNumber, EpochPoint, JobId};

use proto::nouns::{
    Audit, Audited, Change, Control, Fail, Finish, FinishAnswer, Goodbye, Hello, LeaseAnswer,
    LeaseRequest, Refusal, Release, Report, ReportAnswer, Submitted, Timestamp, Welcome,
};

pub use crate::model::entry::Entry;
pub use crate::model::image::ImageError;
pub use crate::model::submission::Submission;
pub use policy::Policy;
pub use totals::{DeviceTotals, Totals};
pub(crate) use view::JobRow;

use audits::Audits;
use blame::Blame;
use decide::Decision;
use fairness::Fairness;
use job_table::JobTable;
use lease_clock::LeaseClock;
use life::Life;
use staged::{Staged, Submissions};
use wait_queue::WaitQueue;
use worker_table::WorkerTable;

/// The number of a request, by which its answer finds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What is asked of the scheduler.
#[derive(Debug, Clone)]
pub enum Request {
    /// A sweep, worked out.
    Submit(Box<Submission>),
    /// A worker introduces itself.
    Hello(Box<Hello>),
    /// A worker asks for jobs.
    Lease(LeaseRequest),
    /// A worker renews its leases.
    Report(Report),
    /// A worker delivers a record.
    Finish(Finish),
    /// An attempt failed.
    Fail(Fail),
    /// A worker gives a job back.
    Release(Release),
    /// A worker goes.
    Goodbye(Goodbye),
    /// A person cancels, pauses, resumes or retries a sweep or a job.
    Control(Control),
    /// A person sends the workers of a name away.
    Drain {
        /// The name.
        worker: String,
        /// Why.
        reason: String,
    },
    /// A person wants finished jobs to be run again and compared.
    Audit(Audit),
}

/// What happens to the scheduler.
#[derive(Debug, Clone)]
pub enum Event {
    /// Somebody asks.
    Request(Ticket, Request),
    /// Somebody who asked has gone.
    Abandon(Ticket),
    /// Others had their turn: the next part of what takes long. Due while [`Scheduler::is_busy`].
    Continue,
    /// Time passed; what was asked for by [`Effect::WakeAt`].
    Tick,
    /// All entries of the journal were applied; the world may speak now. Every live lease gets one more full time to live.
    Recovered,
}

/// An answer that is not a refusal.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// To a submission.
    Submitted(Submitted),
    /// To a hello.
    Welcome(Welcome),
    /// To a lease request or a fail.
    Lease(LeaseAnswer),
    /// To a report.
    Report(ReportAnswer),
    /// To a finish.
    Finish(FinishAnswer),
    /// To a release or a goodbye.
    Done,
    /// To controls and drains: how many changed.
    Changed(u64),
    /// To an audit.
    Audited(Audited),
}

/// An answer.
pub type Reply = Result<Answer, Refusal>;

/// What is to be done, in order. Replies and changes may leave only when every entry of the turn is on disk.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Write it to the journal.
    Persist(Entry),
    /// Answer.
    Reply(Ticket, Reply),
    /// Tell subscribers.
    Publish(Change),
    /// Keep epochs and log lines of a running attempt. They may be lost.
    Keep {
        /// The job.
        job: JobId,
        /// The attempt.
        attempt: AttemptNumber,
        /// The epochs.
        points: Arc<[EpochPoint]>,
        /// The lines.
        lines: Arc<[String]>,
    },
    /// Send [`Event::Tick`] at this time. Replaces an earlier wish.
    WakeAt(Timestamp),
}

/// The scheduler.
#[derive(Debug, Clone)]
pub struct Scheduler {
    policy: Policy,
    jobs: JobTable,
    workers: WorkerTable,
    audits: Audits,
    blame: Blame,
    life: Life,
    /// A submission that has begun and not ended.
    staged: Option<Staged>,
    /// An image was begun and not yet ended.
    is_restoring: bool,

    // What a restart forgets.
    /// Submissions that are taken in parts, one after the other.
    submissions: Submissions,
    lease_clock: LeaseClock,
    wait_queue: WaitQueue,
    fairness: Fairness,
    /// Work may have come up for those who wait.
    dispatch_needed: bool,
    effects: Vec<Effect>,
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
    fn commit(&mut self, entries: impl IntoIterator<Item = Entry>) -> u64 {
        let mut changed = 0;
        for entry in entries {
            changed += self.apply(&entry, true);
            self.effects.push(Effect::Persist(entry));
        }
        changed
    }

    /// Commits a decision; gives what is to be said.
    fn enact<T>(&mut self, decision: Decision<T>) -> T {
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

    fn publish(&mut self, change: Change) {
        self.effects.push(Effect::Publish(change));
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
        self.jobs.take_touched();
        self.dispatch_needed = true;
        // Whoever submitted it was not told that it was taken.
        if self.staged.is_some() && !self.submissions.has_begun() {
            self.commit([Entry::SubmissionDropped { at: now }]);
        }
    }
}
