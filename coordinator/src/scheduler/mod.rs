//! The scheduler: a pure state machine. Events in, effects out; no clock, randomness, IO or lock.
//!
//! Its state follows from the entries that it asked to persist (`Scheduler::apply`), and from what may be forgotten at
//! a restart: when a worker was last heard, when a lease ends, who waits for work. Every legal transition of a job goes
//! through one function, `set_state`, which also keeps counts, queues and leases in step; [`Scheduler::check`] says
//! whether it succeeded.
//!
//! `request` and `finish` answer workers, `steering` people, `pick` chooses jobs, `policy` what a failure means, `apply` replays,
//! `staged` takes long submissions in parts,
//! `audit` has done jobs run again, `image` is the state as data, `view` and `explain` look.

mod apply;
mod audit;
mod explain;
mod fairness;
mod finish;
mod image;
mod job;
mod job_ids;
mod lease_clock;
mod pick;
mod policy;
mod probation;
mod request;
mod restored;
mod staged;
mod steering;
mod totals;
mod view;
mod wait_queue;
mod worker;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod sim;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sweeps::{AttemptNumber, EpochPoint, JobId};

use proto::nouns::{
    Audit, Audited, Change, Control, Fail, Finish, FinishAnswer, Goodbye, Hello, LeaseAnswer,
    LeaseRequest, Refusal, Release, Report, ReportAnswer, Submitted, Timestamp, Welcome, WorkerId,
};

pub use crate::model::entry::Entry;
pub use crate::model::submission::Submission;
pub use image::ImageError;
pub use policy::Policy;
pub use totals::{DeviceTotals, Totals};
pub(crate) use view::JobRow;

use fairness::Fairness;
use job::{Grid, Job, JobIndex, Sweep};
use job_ids::ById;
use lease_clock::LeaseClock;
use staged::{Staged, Submissions};
use wait_queue::WaitQueue;
use worker::Worker;

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
    /// A person steers a sweep or a job.
    Steer(Control),
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
    /// To steering and draining: how many changed.
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
    jobs: Vec<Job>,
    /// Looked up, never walked: its order is random.
    by_id: ById<JobIndex>,
    grids: Vec<Grid>,
    sweeps: Vec<Sweep>,
    sweep_names: BTreeMap<Arc<str>, u32>,
    /// Sweeps that have jobs in their queues, paused ones included.
    ready: BTreeSet<u32>,
    workers: BTreeMap<WorkerId, Worker>,
    sessions: BTreeMap<(String, u64), WorkerId>,
    next_worker: u64,
    /// The life of this state; 0 of one that was never restored.
    life: u64,
    /// By a worker's name: the different jobs that failed there since its last success.
    blame: BTreeMap<String, BTreeSet<JobIndex>>,
    /// Done jobs that are to be run once more.
    audits: BTreeMap<JobIndex, audit::Auditing>,

    /// A submission that has begun and not ended.
    staged: Option<Staged>,

    /// An image was begun and not yet ended.
    is_restoring: bool,

    // What a restart forgets.
    /// Submissions that are taken in parts, one after the other.
    submissions: Submissions,
    lease_clock: LeaseClock,
    wait_queue: WaitQueue,
    /// Work may have come up for those who wait.
    dispatch_needed: bool,
    fairness: Fairness,
    /// Sweeps whose counts changed in this step.
    touched: BTreeSet<u32>,
    effects: Vec<Effect>,
}

impl Scheduler {
    /// An empty one.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            jobs: Vec::new(),
            by_id: ById::default(),
            grids: Vec::new(),
            sweeps: Vec::new(),
            sweep_names: BTreeMap::new(),
            ready: BTreeSet::new(),
            workers: BTreeMap::new(),
            sessions: BTreeMap::new(),
            next_worker: 1,
            life: 0,
            blame: BTreeMap::new(),
            audits: BTreeMap::new(),
            staged: None,
            is_restoring: false,
            submissions: Submissions::default(),
            lease_clock: LeaseClock::default(),
            wait_queue: WaitQueue::default(),
            dispatch_needed: false,
            fairness: Fairness::default(),
            touched: BTreeSet::new(),
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
        if std::mem::take(&mut self.dispatch_needed) {
            self.serve_waiting(now);
        }
        self.publish_touched();
        self.schedule_tick(now);
        std::mem::take(&mut self.effects)
    }

    fn on_request(&mut self, now: Timestamp, ticket: Ticket, request: Request) {
        let reply = match request {
            // One of many jobs is answered when its last part is taken.
            Request::Submit(submission) => match self.on_submit(now, ticket, *submission) {
                Some(reply) => reply,
                None => return,
            },
            Request::Hello(hello) => self.on_hello(now, *hello),
            // The answer may have to wait.
            Request::Lease(request) => match self.on_lease(now, ticket, request) {
                Some(reply) => reply,
                None => return,
            },
            Request::Report(report) => self.on_report(now, report),
            Request::Finish(finish) => self.on_finish(now, finish),
            Request::Fail(fail) => self.on_fail(now, fail),
            Request::Release(release) => self.on_release(now, release),
            Request::Goodbye(goodbye) => {
                self.on_goodbye(now, &goodbye);
                Ok(Answer::Done)
            }
            Request::Steer(steer) => self.on_steer(now, steer),
            Request::Drain { worker, reason } => self.on_drain(now, &worker, &reason),
            Request::Audit(audit) => self.on_audit(now, &audit),
        };
        self.effects.push(Effect::Reply(ticket, reply));
    }

    /// Applies an entry and asks for it to be written: the only way in which a step changes what a restart remembers.
    fn persist(&mut self, entry: Entry) -> u64 {
        let changed = self.apply(&entry, true);
        self.effects.push(Effect::Persist(entry));
        changed
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
        for index in std::mem::take(&mut self.touched) {
            let sweep = &self.sweeps[index as usize];
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
        for worker in self.workers.values_mut() {
            worker.last_seen = worker.last_seen.plus(for_ms).min(now);
        }
    }

    fn on_recovered(&mut self, now: Timestamp) {
        self.renew_all(now);
        for worker in self.workers.values_mut() {
            // Also where the journal has a later time: that of a clock which was ahead. Such a worker would never be silent.
            worker.last_seen = now;
        }
        self.touched.clear();
        self.dispatch_needed = true;
        // Whoever submitted it was not told that it was taken.
        if self.staged.is_some() && !self.submissions.has_begun() {
            self.persist(Entry::SubmissionDropped { at: now });
        }
    }

    fn renew_all(&mut self, now: Timestamp) {
        for (_, index) in self.lease_clock.expiries().clone() {
            self.renew(index, now);
        }
    }
}
