//! Audits: finished jobs that are leased once more, to workers that have nothing else to do.
//!
//! A job that is audited stays done, whatever comes out: its state and its sweep's counts do not change. What is added is a
//! lease beside the state, which is renewed, expires and is handed back like any other, and a verdict in the end.

use std::collections::BTreeSet;

use sweeps::{JobStatus, Outcome};

use super::job::{Done, JobIndex, Lease, Place, State};
use super::{Answer, Reply, Scheduler};
use crate::model::entry::{Entry, Verdict};
use proto::nouns::{
    Audit, AuditStamp, AuditVerdict, Audited, LeaseKey, Receipt, Refusal, TOLERANCE, Timestamp,
    WorkerId,
};

/// After so many attempts that failed, an audit is given up: a result that was made once should come again sooner.
const TRIES: u32 = 5;

/// An audit that is not over.
#[derive(Debug, Clone, Default)]
pub(super) struct Auditing {
    /// Attempts that failed.
    pub(super) failures: u32,
    /// Who runs it; `None`: it waits.
    pub(super) lease: Option<Lease>,
}

impl Scheduler {
    pub(super) fn on_audit(&mut self, now: Timestamp, audit: &Audit) -> Reply {
        let Some(index) = self.sweep_names.get(audit.sweep.as_str()) else {
            return Err(Refusal::UnknownSweep(audit.sweep.clone()));
        };
        if !(audit.fraction > 0.0 && audit.fraction <= 1.0) {
            return Err(Refusal::Invalid(
                "the fraction of an audit must be above 0 and at most 1".into(),
            ));
        }
        let grid = self.sweeps[*index as usize].grid;
        // Ids are hashes: the smallest of them are a fair choice that needs no chance, and a larger share means the same
        // and more. From the end, since people and files sort by the beginning.
        let mut finished: Vec<([u8; 8], JobIndex)> = self
            .distinct(grid)
            .into_iter()
            .filter(|index| self.job(*index).status() == JobStatus::Done)
            .map(|index| {
                let mut key = [0; 8];
                key.copy_from_slice(&self.job(index).id.0[24..]);
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
            .map(|index| self.job(index).id)
            .collect();
        let told = Audited {
            finished: finished.len() as u64,
            chosen: chosen.min(finished.len()) as u64,
            queued: queued.len() as u64,
        };
        if !queued.is_empty() {
            self.persist(Entry::AuditAsked {
                at: now,
                sweep: audit.sweep.clone(),
                jobs: queued,
            });
        }
        Ok(Answer::Audited(told))
    }

    /// Whether a job is done, and neither audited nor about to be.
    fn wants_audit(&self, index: JobIndex) -> bool {
        match &self.job(index).state {
            State::Done(done) => {
                !self.audits.contains_key(&index)
                    && done
                        .audit
                        .is_none_or(|verdict| verdict == AuditVerdict::Failed)
            }
            _ => false,
        }
    }

    pub(super) fn apply_audit_asked(&mut self, jobs: &[sweeps::JobId]) {
        for id in jobs {
            let Some(index) = self.find(id) else {
                continue;
            };
            if self.wants_audit(index) {
                if let State::Done(done) = &mut self.job_mut(index).state {
                    done.audit = None;
                }
                self.set_audit(index, Some(Auditing::default()));
            }
        }
    }

    /// Ends the audits of jobs that no sweep wants any more: nobody would run them.
    pub(super) fn drop_hidden_audits(&mut self) {
        let hidden: Vec<JobIndex> = self
            .audits
            .keys()
            .copied()
            .filter(|index| self.job(*index).places.iter().next().is_none())
            .collect();
        for index in hidden {
            self.set_audit(index, None);
        }
    }

    /// The different jobs of a grid.
    fn distinct(&self, grid: u32) -> BTreeSet<JobIndex> {
        self.grid(grid).jobs.iter().copied().collect()
    }

    /// Begins, changes or ends the audit of a job. Leases and expiries follow.
    pub(super) fn set_audit(&mut self, index: JobIndex, audit: Option<Auditing>) {
        let job = self.job(index).id;
        if let Some(Auditing {
            lease: Some(lease), ..
        }) = self.audits.remove(&index)
        {
            self.lease_clock.remove(lease.expires, index);
            if let Some(worker) = self.workers.get_mut(&lease.worker) {
                let attempt = lease.attempt;
                worker.leases.remove(&LeaseKey { job, attempt });
            }
        }
        let Some(audit) = audit else { return };
        if let Some(lease) = &audit.lease {
            self.lease_clock.add(lease.expires, index);
            if let Some(worker) = self.workers.get_mut(&lease.worker) {
                let attempt = lease.attempt;
                worker.leases.insert(LeaseKey { job, attempt });
            }
        } else {
            self.dispatch_needed = true;
        }
        self.audits.insert(index, audit);
    }

    /// The live lease of a job, that of its audit included.
    pub(super) fn lease_of(&self, index: JobIndex) -> Option<&Lease> {
        self.job(index)
            .lease()
            .or_else(|| self.audits.get(&index)?.lease.as_ref())
    }

    /// Puts an audit whose attempt ended without a result back into the queue, or gives it up. `false`: the job is not
    /// audited.
    pub(super) fn audit_failed(&mut self, index: JobIndex, verdict: Verdict) -> bool {
        let Some(audit) = self.audits.get(&index).cloned() else {
            return false;
        };
        if let Some(lease) = &audit.lease
            && let Some(worker) = self.workers.get_mut(&lease.worker)
        {
            worker.failed += 1;
        }
        if verdict == Verdict::Retry {
            let failures = audit.failures + 1;
            self.set_audit(
                index,
                Some(Auditing {
                    failures,
                    lease: None,
                }),
            );
        } else {
            self.set_audit(index, None);
            if let State::Done(done) = &mut self.job_mut(index).state {
                done.audit = Some(AuditVerdict::Failed);
            }
        }
        true
    }

    /// What a failure of a job's audit leads to; `None`: the job is not audited.
    pub(super) fn audit_verdict(&self, index: JobIndex) -> Option<Verdict> {
        let audit = self.audits.get(&index)?;
        Some(if audit.failures + 1 >= TRIES {
            Verdict::Failed
        } else {
            Verdict::Retry
        })
    }

    /// The first waiting audit that a worker may run: not where the record was made, unless nobody else could.
    pub(super) fn pick_audit(&self, id: WorkerId, now: Timestamp) -> Option<Place> {
        let worker = self.workers.get(&id)?;
        let name = worker.hello.name.as_str();
        self.audits
            .iter()
            .filter(|(_, audit)| audit.lease.is_none())
            .find_map(|(index, _)| {
                let job = self.job(*index);
                let State::Done(done) = &job.state else {
                    return None;
                };
                let place = job.places.iter().find(|place| {
                    let grid = self.grid(place.grid);
                    let sweep = &self.sweeps[grid.sweep as usize];
                    let source = grid.table.source_of(place.cell as usize);
                    !sweep.paused
                        && !sweep.cancelled
                        && Self::ineligibility(worker, sweep, grid, source).is_none()
                })?;
                let is_own = *done.worker == *name;
                (!is_own || !self.another_could_run(*index, name, now)).then_some(place)
            })
    }

    /// Whether an audit waits for a worker.
    pub(super) fn has_waiting_audit(&self) -> bool {
        self.audits.values().any(|audit| audit.lease.is_none())
    }

    /// What audits of a grid's jobs found.
    pub(super) fn stamp(&self, grid: u32) -> AuditStamp {
        let mut stamp = AuditStamp {
            tolerance: TOLERANCE,
            ..AuditStamp::default()
        };
        // Of a million jobs few are audited.
        let jobs = self.grid(grid).jobs.iter().copied();
        let audited: BTreeSet<JobIndex> = jobs
            .filter(|index| match &self.job(*index).state {
                State::Done(done) => done.audit.is_some() || self.audits.contains_key(index),
                _ => false,
            })
            .collect();
        for index in audited {
            if self.audits.contains_key(&index) {
                stamp.waiting += 1;
            } else if let State::Done(done) = &self.job(index).state
                && let Some(verdict) = done.audit
            {
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

/// The final AUCs of a result: the discriminator's, the generator's.
pub(super) fn scores_of(outcome: &Outcome) -> [Option<f64>; 2] {
    let metrics = &outcome.metrics;
    [&metrics.d, &metrics.g].map(|scores| scores.as_ref().and_then(|scores| scores.auc))
}

fn are_near(one: [Option<f64>; 2], other: [Option<f64>; 2]) -> bool {
    one.iter().zip(&other).all(|pair| match pair {
        (Some(one), Some(other)) => (one - other).abs() <= TOLERANCE,
        (None, None) => true,
        _ => false,
    })
}
