//! What each entry does to the state. The same function runs in a step and at a restart, so that the two cannot differ.
//!
//! Nothing here decides, and nothing here trusts: an entry that does not fit the state (a journal that was edited by
//! hand) changes nothing.

mod controlled;
#[cfg(test)]
mod fingerprint;
mod looked;
mod submitted;
mod taken_over;

use std::sync::Arc;

use sweeps::{AttemptNumber, JobId, RunRecord};

use super::Scheduler;
use super::audits::Auditing;
use super::blame::is_blamed;
use super::done::Done;
use super::job::{JobIndex, JobState, Lease};
use crate::model::entry::{Entry, RetryDecision};
use proto::nouns::{
    AttemptFailure, AuditVerdict, Change, Hello, LeaseKey, Receipt, Timestamp, WorkerId,
    WorkerState,
};

impl Scheduler {
    /// Applies an entry; answers how many jobs changed where that is asked for. `publish`: subscribers are told.
    pub(super) fn apply(&mut self, entry: &Entry, publish: bool) -> u64 {
        match entry {
            Entry::Submitted { at, submission } => self.apply_submitted(*at, submission),
            Entry::SubmissionBegun {
                submission, cells, ..
            } => self.apply_begun(submission, *cells),
            Entry::SubmissionPart { table, ids } => self.apply_part(table, ids),
            Entry::SubmissionEnded { at } => self.apply_ended(*at),
            Entry::SubmissionDropped { .. } => self.drop_staged(),
            Entry::Controlled { at, target, action } => {
                return self.apply_controlled(*at, target, *action, publish);
            }
            Entry::WorkerJoined { at, worker, hello } => {
                self.apply_joined(*at, *worker, hello);
                if publish {
                    self.publish_worker(&hello.name, WorkerState::Active, None);
                }
            }
            Entry::WorkerLeft { worker, reason, .. } => {
                if let Some(left) = self.workers.leave(*worker)
                    && publish
                {
                    self.publish_worker(&left.hello.name, WorkerState::Gone, Some(reason));
                }
            }
            Entry::WorkerDrained { worker, reason, .. } => {
                if self.workers.drain(*worker, reason) {
                    self.dispatch_needed = true;
                    if publish {
                        let name = self.workers.name_of(*worker).to_owned();
                        self.publish_worker(&name, WorkerState::Draining, Some(reason));
                    }
                }
            }
            Entry::Leased { at, worker, leases } => {
                for lease in leases {
                    self.apply_leased(*at, *worker, *lease, publish);
                }
            }
            Entry::Released { at, leases, .. } => {
                for lease in leases {
                    self.apply_released(*at, *lease, publish);
                }
            }
            Entry::Failed {
                at,
                job,
                attempt,
                worker,
                failure,
                verdict,
            } => {
                let failed = AttemptFailure {
                    attempt: *attempt,
                    worker: worker.clone(),
                    failure: failure.clone(),
                    at: *at,
                };
                self.apply_failed(*job, failed, *verdict, publish);
            }
            Entry::Finished { at, record } => self.apply_finished(*at, record, publish),
            Entry::Compared {
                job,
                attempt,
                receipt,
                audit,
                ..
            } => self.apply_compared(*job, *attempt, *receipt, *audit),
            Entry::AuditAsked { jobs, .. } => self.apply_audit_asked(jobs),
            Entry::Looked {
                sweep,
                looks,
                table,
                ids,
                arms,
                ..
            } => self.apply_looked(sweep, looks, table, ids, arms),
            Entry::Growing { sweep, grows, .. } => {
                if let Some(sweep) = self.jobs.sweep_named(sweep) {
                    self.jobs.set_growing(sweep, *grows);
                }
            }
            Entry::Restored { life, .. } => self.apply_restored(*life),
            // Only replayed, see `restore`.
            Entry::Image { .. } => {}
        }
        0
    }

    fn apply_joined(&mut self, at: Timestamp, id: WorkerId, hello: &Hello) {
        self.dispatch_needed = true;
        if self.workers.join(id, hello, at) {
            // A new process on that machine: the admin has looked at it, or it deserves another chance.
            let identity = self.workers.identity_of(id).to_owned();
            self.blame.acquit(&identity);
        }
    }

    fn apply_leased(&mut self, at: Timestamp, worker: WorkerId, key: LeaseKey, publish: bool) {
        let Some(index) = self.jobs.find(&key.job) else {
            return;
        };
        let job = self.jobs.job(index);
        if !self.workers.contains(worker) || key.attempt <= job.attempts {
            return;
        }
        let lease = Lease {
            attempt: key.attempt,
            worker,
            since: at,
            expires: at.plus(self.policy.time_to_live_ms),
        };
        match (&job.state, self.audits.get(index)) {
            (JobState::Queued, _) => self.set_state(index, JobState::Leased(Box::new(lease))),
            (JobState::Done(_), Some(audit)) if audit.lease.is_none() => {
                let audit = Auditing {
                    failures: audit.failures,
                    lease: Some(lease),
                };
                self.set_audit(index, Some(audit));
            }
            _ => return,
        }
        self.jobs.set_attempts(index, key.attempt);
        if publish {
            let name = self.workers.name_of(worker).to_owned();
            self.publish_job(index, Some(&name), None);
        }
    }

    fn apply_released(&mut self, at: Timestamp, key: LeaseKey, publish: bool) {
        let Some(index) = self.live_lease(key) else {
            return;
        };
        if let Some(audit) = self.audits.get(index) {
            let waiting = Auditing {
                failures: audit.failures,
                lease: None,
            };
            self.set_audit(index, Some(waiting));
        } else {
            self.note_lost(index, at);
            self.set_state(index, JobState::Queued);
        }
        if publish {
            self.publish_job(index, None, None);
        }
    }

    fn apply_failed(
        &mut self,
        job: JobId,
        failed: AttemptFailure,
        verdict: RetryDecision,
        publish: bool,
    ) {
        let key = LeaseKey {
            job,
            attempt: failed.attempt,
        };
        let Some(index) = self.live_lease(key) else {
            return;
        };
        if let Some(lease) = self.lease_of(index) {
            let worker = lease.worker;
            self.workers.count_failed(worker);
        }
        let error = publish.then(|| (failed.worker.clone(), failed.failure.to_string()));
        if let Some(audit) = self.audits.get(index) {
            let failures = audit.failures + 1;
            self.apply_audit_failed(index, failures, verdict);
        } else {
            self.apply_job_failed(index, failed, verdict);
        }
        if let Some((worker, error)) = error {
            self.publish_job(index, Some(&worker), Some(error.into()));
        }
    }

    fn apply_job_failed(
        &mut self,
        index: JobIndex,
        failed: AttemptFailure,
        verdict: RetryDecision,
    ) {
        self.note_lost(index, failed.at);
        if is_blamed(failed.failure.class) {
            self.jobs.note_blamed(index, &failed.worker);
            if verdict == RetryDecision::Retry {
                self.blame.add(&failed.worker, index);
            } else {
                // It failed in two places, or nobody else can try it: no worker is blamed for it, and whoever was held back goes
                // on.
                self.blame.acquit_all_of(index);
                self.dispatch_needed = true;
            }
        }
        self.jobs.note_failure(index, failed);
        let next = match verdict {
            RetryDecision::Retry => JobState::Queued,
            RetryDecision::Failed => JobState::Failed,
            RetryDecision::Quarantined => JobState::Quarantined,
        };
        self.set_state(index, next);
    }

    /// Puts an audit whose attempt ended without a result back into the queue, or gives it up.
    fn apply_audit_failed(&mut self, index: JobIndex, failures: u32, verdict: RetryDecision) {
        if verdict == RetryDecision::Retry {
            let waiting = Auditing {
                failures,
                lease: None,
            };
            self.set_audit(index, Some(waiting));
        } else {
            self.set_audit(index, None);
            self.jobs.set_audited(index, Some(AuditVerdict::Failed));
        }
    }

    /// Counts the time of a live attempt that ends without a result.
    fn note_lost(&mut self, index: JobIndex, at: Timestamp) {
        if let Some(since) = self.jobs.job(index).lease().map(|lease| lease.since) {
            self.jobs.note_lost(index, at.since(since));
        }
    }

    fn apply_finished(&mut self, at: Timestamp, record: &RunRecord, publish: bool) {
        let Some(index) = self.jobs.find(&record.job_id) else {
            return;
        };
        let job = self.jobs.job(index);
        if matches!(job.state, JobState::Done(_)) {
            return;
        }
        if record.provenance.cached_since_ms.is_some() {
            self.apply_taken_over(at, index, record);
            if publish {
                self.publish_job(index, Some(&record.provenance.worker), None);
            }
            return;
        }
        // The attempt may be one that a restored state has forgotten.
        let attempts = job.attempts.max(record.provenance.attempt);
        let mut identity = record.provenance.worker.clone();
        if let Some(lease) = job.lease() {
            let (worker, since) = (lease.worker, lease.since);
            if lease.attempt == record.provenance.attempt {
                // The record of a run that was taken up from a checkpoint counts the time before it, so that is not lost.
                let whole_ms = (record.provenance.duration_s * 1000.0) as u64;
                let before = whole_ms.saturating_sub(at.since(since));
                self.jobs.note_regained(index, before);
                self.workers.count_finished(worker);
                let known = self.workers.identity_of(worker);
                if !known.is_empty() {
                    known.clone_into(&mut identity);
                }
            } else {
                // A late result of an earlier attempt: the newer one works in vain.
                self.note_lost(index, at);
            }
        }
        self.blame.acquit(&identity);
        self.jobs.set_attempts(index, attempts);
        let done = Box::new(Done::of(record, attempts));
        self.set_state(index, JobState::Done(done));
        if publish {
            self.publish_job(index, Some(&record.provenance.worker), None);
        }
    }

    fn apply_compared(
        &mut self,
        job: JobId,
        attempt: AttemptNumber,
        receipt: Receipt,
        audit: Option<AuditVerdict>,
    ) {
        let Some(index) = self.jobs.find(&job) else {
            return;
        };
        if let Some(verdict) = audit {
            if let Some(lease) = self.lease_of(index)
                && lease.attempt == attempt
            {
                let worker = lease.worker;
                self.workers.count_finished(worker);
            }
            self.set_audit(index, None);
            self.jobs.set_audited(index, Some(verdict));
        }
        self.jobs.note_compared(index, attempt, receipt);
    }

    fn apply_audit_asked(&mut self, jobs: &[JobId]) {
        for id in jobs {
            if let Some(index) = self.jobs.find(id)
                && self.wants_audit(index)
            {
                self.jobs.set_audited(index, None);
                self.set_audit(index, Some(Auditing::default()));
            }
        }
    }

    fn apply_restored(&mut self, life: u64) {
        self.life.begin(life);
        self.workers.skip_to((self.life.number() << 32) | 1);
    }

    fn publish_job(&mut self, index: JobIndex, worker: Option<&str>, error: Option<Arc<str>>) {
        let job = self.jobs.job(index);
        let change = Change::Job {
            job: self.jobs.id(index),
            sweeps: self.jobs.sweeps_of(index),
            status: job.status(),
            attempt: job.attempts,
            worker: worker.map(Arc::from),
            error,
            scores: job.done().map_or([None, None], |done| done.scores),
        };
        self.publish(change);
    }

    fn publish_worker(&mut self, name: &str, state: WorkerState, reason: Option<&str>) {
        self.publish(Change::Worker {
            name: name.into(),
            state,
            reason: reason.map(Arc::from),
        });
    }
}
