//! Audits: finished jobs that are leased once more, to workers that have nothing else to do.
//!
//! A job that is audited stays done, whatever comes out: its state and its sweep's counts do not change. What is added is a
//! lease beside the state, which is renewed, expires and is handed back like any other, and a verdict in the end.

use std::collections::BTreeSet;

use sweeps::{JobStatus, Outcome};

use crate::model::entry::{Entry, RetryDecision};
use crate::scheduler::Scheduler;
use crate::scheduler::decision::Decision;
use crate::scheduler::done::{Done, scores_of};
use crate::scheduler::ineligibility::Ineligibility;
use crate::scheduler::job::{CellRef, JobIndex};
use proto::nouns::{
    Audit, AuditStamp, AuditVerdict, Audited, Receipt, Refusal, TOLERANCE, Timestamp, WorkerId,
};

/// After so many attempts that failed, an audit is given up: a result that was made once should come again sooner.
const TRIES: u32 = 5;

impl Scheduler {
    /// A person wants a share of a sweep's finished jobs to be run again.
    pub(in crate::scheduler) fn decide_audit(
        &self,
        now: Timestamp,
        audit: &Audit,
    ) -> Result<Decision<Audited>, Refusal> {
        let Some(sweep) = self.jobs.sweep_named(&audit.sweep) else {
            return Err(Refusal::UnknownSweep(audit.sweep.clone()));
        };
        if !(audit.fraction > 0.0 && audit.fraction <= 1.0) {
            return Err(Refusal::Invalid(
                "the fraction of an audit must be above 0 and at most 1".into(),
            ));
        }
        // Ids are hashes: the smallest of them are a fair choice that needs no chance, and a larger share means the same
        // and more. From the end, since people and files sort by the beginning.
        let mut finished: Vec<([u8; 8], JobIndex)> = self
            .jobs
            .distinct(self.jobs.sweep(sweep).grid)
            .into_iter()
            .filter(|index| self.jobs.job(*index).status() == JobStatus::Done)
            .map(|index| {
                let mut key = [0; 8];
                key.copy_from_slice(&self.jobs.id(index).0[24..]);
                (key, index)
            })
            .collect();
        finished.sort_unstable();
        let chosen = (audit.fraction * finished.len() as f64).ceil() as usize;
        let queued: Vec<_> = finished
            .iter()
            .take(chosen)
            .map(|(_, index)| *index)
            .filter(|index| self.wants_audit(*index))
            .map(|index| self.jobs.id(index))
            .collect();
        let audited = Audited {
            finished: finished.len() as u64,
            chosen: chosen.min(finished.len()) as u64,
            queued: queued.len() as u64,
        };
        if queued.is_empty() {
            return Ok(Decision::nothing(audited));
        }
        let asked = Entry::AuditAsked {
            at: now,
            sweep: audit.sweep.clone(),
            jobs: queued,
        };
        Ok(Decision::one(asked, audited))
    }

    /// Whether a job is done, and neither audited nor about to be.
    pub(in crate::scheduler) fn wants_audit(&self, index: JobIndex) -> bool {
        let done = self.jobs.job(index).done();
        done.is_some_and(|done| {
            !self.audits.contains(index)
                && done
                    .audit
                    .is_none_or(|verdict| verdict == AuditVerdict::Failed)
        })
    }

    /// What a failure of a job's audit leads to; `None`: the job is not audited.
    pub(super) fn decide_audit_retry(&self, index: JobIndex) -> Option<RetryDecision> {
        let audit = self.audits.get(index)?;
        Some(if audit.failures + 1 >= TRIES {
            RetryDecision::Failed
        } else {
            RetryDecision::Retry
        })
    }

    /// The first waiting audit that a worker may run: not where the record was made, unless nobody else could.
    pub(super) fn pick_audit(&self, id: WorkerId, now: Timestamp) -> Option<CellRef> {
        let worker = self.workers.get(id)?;
        let name = worker.hello.name.as_str();
        let identity = worker.identity.as_str();
        self.audits.waiting().find_map(|index| {
            let job = self.jobs.job(index);
            let done = job.done()?;
            let cell = job.cells.iter().find(|cell| {
                let site = self.jobs.site(*cell);
                !site.sweep.paused
                    && !site.sweep.cancelled
                    && Ineligibility::of(worker, site).is_none()
            })?;
            let is_own = *done.worker == *name;
            (!is_own || !self.another_could_run(index, identity, now)).then_some(cell)
        })
    }

    /// What audits of a grid's jobs found.
    pub(in crate::scheduler) fn stamp(&self, grid: u32) -> AuditStamp {
        let mut stamp = AuditStamp {
            tolerance: TOLERANCE,
            ..AuditStamp::default()
        };
        // Of a million jobs few are audited.
        let jobs = self.jobs.grid(grid).jobs.iter().copied();
        let audited: BTreeSet<JobIndex> = jobs
            .filter(|index| {
                let done = self.jobs.job(*index).done();
                done.is_some_and(|done| done.audit.is_some() || self.audits.contains(*index))
            })
            .collect();
        for index in audited {
            if self.audits.contains(index) {
                stamp.waiting += 1;
            } else if let Some(verdict) = self.jobs.job(index).done().and_then(|done| done.audit) {
                stamp.count(verdict);
            }
        }
        stamp
    }
}

/// How the second result of an audited job compares with the first.
pub(super) fn compare(done: &Done, outcome: &Outcome, receipt: Receipt) -> AuditVerdict {
    match receipt {
        Receipt::Equal => AuditVerdict::Equal,
        Receipt::NotComparable if are_near(done.scores, scores_of(outcome)) => AuditVerdict::Within,
        _ => AuditVerdict::Different,
    }
}

fn are_near(one: [Option<f64>; 2], other: [Option<f64>; 2]) -> bool {
    one.iter().zip(&other).all(|pair| match pair {
        (Some(one), Some(other)) => (one - other).abs() <= TOLERANCE,
        (None, None) => true,
        _ => false,
    })
}
