//! What goes into the scheduler and what comes out.

use std::sync::Arc;

use sweeps::{AttemptNumber, EpochPoint, JobId, RunRecord};

use proto::nouns::{
    Audit, Audited, Change, Control, Fail, Finish, FinishAnswer, Goodbye, Hello, LeaseAnswer,
    LeaseRequest, Refusal, Release, Report, ReportAnswer, Submitted, Timestamp, Welcome,
};

use crate::model::entry::Entry;
use crate::model::submission::Submission;

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
    /// The user of this state has the results of some of its jobs from another folder.
    TakeOver(Vec<RunRecord>),
}

/// What happens to the scheduler.
#[derive(Debug, Clone)]
pub enum Event {
    /// Somebody asks.
    Request(Ticket, Request),
    /// Somebody who asked has gone.
    Abandon(Ticket),
    /// Others had their turn: the next part of what takes long. Due while [`super::Scheduler::is_busy`].
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
    /// To controls, drains and results that are taken over: how many changed.
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
