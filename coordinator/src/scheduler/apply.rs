//! What each entry does to the state. The same function runs in a step and at a restart, so that the two cannot differ.
//!
//! Nothing here decides, and nothing here trusts: an entry that does not fit the state (a journal that was edited by
//! hand) changes nothing.

mod submitted;

use std::collections::BTreeSet;
use std::sync::Arc;

use sweeps::RunRecord;

use super::Scheduler;
use super::audit::{Auditing, scores_of};
use super::job::{Done, History, JobIndex, Lease, State};
#[cfg(test)]
use super::staged::STAGED;
use super::worker::Worker;
use crate::model::entry::{Entry, Verdict};
use proto::nouns::{
    AttemptFailure, AuditVerdict, Change, Hello, LeaseKey, Receipt, Timestamp, WorkerId,
    WorkerState,
};

impl Scheduler {
    /// Applies an entry; answers how many jobs changed where that is asked for. `tell`: publish the changes.
    pub(super) fn apply(&mut self, entry: &Entry, tell: bool) -> u64 {
        match entry {
            Entry::Submitted { at, submission } => self.apply_submitted(*at, submission),
            Entry::SubmissionBegun {
                submission, cells, ..
            } => self.apply_begun(submission, *cells),
            Entry::SubmissionPart { table, ids } => self.apply_part(table, ids),
            Entry::SubmissionEnded { at } => self.apply_ended(*at),
            Entry::SubmissionDropped { .. } => self.drop_staged(),
            Entry::Steered { at, target, action } => {
                return self.apply_steered(*at, target, *action, tell);
            }
            Entry::WorkerJoined { at, worker, hello } => {
                self.apply_joined(*at, *worker, hello);
                if tell {
                    self.tell_worker(&hello.name, WorkerState::Active, None);
                }
            }
            Entry::WorkerLeft { worker, reason, .. } => {
                if let Some(left) = self.workers.remove(worker) {
                    self.sessions
                        .remove(&(left.hello.name.clone(), left.hello.session));
                    if tell {
                        self.tell_worker(&left.hello.name, WorkerState::Gone, Some(reason));
                    }
                }
            }
            Entry::WorkerDrained { worker, reason, .. } => {
                if let Some(drained) = self.workers.get_mut(worker) {
                    drained.draining = Some(reason.clone());
                    let name = drained.hello.name.clone();
                    self.dispatch_needed = true;
                    if tell {
                        self.tell_worker(&name, WorkerState::Draining, Some(reason));
                    }
                }
            }
            Entry::Leased { at, worker, leases } => {
                for lease in leases {
                    self.apply_leased(*at, *worker, *lease, tell);
                }
            }
            Entry::Released { at, leases, .. } => {
                for lease in leases {
                    if let Some(index) = self.live_lease(*lease) {
                        if let Some(audit) = self.audits.get(&index) {
                            let failures = audit.failures;
                            self.set_audit(
                                index,
                                Some(Auditing {
                                    failures,
                                    lease: None,
                                }),
                            );
                        } else {
                            self.note_lost(index, *at);
                            self.set_state(index, State::Queued);
                        }
                        if tell {
                            self.publish_job(index, None, None);
                        }
                    }
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
                let key = LeaseKey {
                    job: *job,
                    attempt: *attempt,
                };
                if let Some(index) = self.live_lease(key) {
                    let told = AttemptFailure {
                        attempt: *attempt,
                        worker: worker.clone(),
                        failure: failure.clone(),
                        at: *at,
                    };
                    if !self.audit_failed(index, *verdict) {
                        self.apply_failed(index, told, *verdict);
                    }
                    if tell {
                        self.publish_job(index, Some(worker), Some(failure.to_string().into()));
                    }
                }
            }
            Entry::Finished { at, record } => {
                if let Some(index) = self.apply_finished(*at, record)
                    && tell
                {
                    self.publish_job(index, Some(&record.provenance.worker), None);
                }
            }
            Entry::Compared {
                job,
                attempt,
                receipt,
                audit,
                ..
            } => self.apply_compared(*job, *attempt, *receipt, *audit),
            Entry::AuditAsked { jobs, .. } => self.apply_audit_asked(jobs),
            Entry::Restored { life, .. } => self.apply_restored(*life),
            // Only replayed, see `restore`.
            Entry::Image { .. } => {}
        }
        0
    }

    fn apply_joined(&mut self, at: Timestamp, id: WorkerId, hello: &Hello) {
        self.next_worker = self.next_worker.max(id.0.saturating_add(1));
        self.dispatch_needed = true;
        if let Some(known) = self.workers.get_mut(&id) {
            // The session and name are the same; what it has may be new.
            known.hello = hello.clone();
            return;
        }
        self.sessions
            .insert((hello.name.clone(), hello.session), id);
        // A new process on that machine: the admin has looked at it, or it deserves another chance.
        self.blame.remove(&hello.name);
        self.workers.insert(
            id,
            Worker {
                hello: hello.clone(),
                joined_at: at,
                last_seen: at,
                draining: None,
                leases: BTreeSet::new(),
                finished: 0,
                failed: 0,
                measured: None,
                last_busy: Timestamp::default(),
            },
        );
    }

    fn apply_leased(&mut self, at: Timestamp, worker: WorkerId, key: LeaseKey, tell: bool) {
        let Some(index) = self.find(&key.job) else {
            return;
        };
        if !self.workers.contains_key(&worker) || key.attempt <= self.job(index).attempts {
            return;
        }
        let lease = Lease {
            attempt: key.attempt,
            worker,
            since: at,
            expires: at.plus(self.policy.time_to_live_ms),
        };
        match (&self.job(index).state, self.audits.get(&index)) {
            (State::Queued, _) => self.set_state(index, State::Leased(lease)),
            (
                State::Done(_),
                Some(Auditing {
                    failures,
                    lease: None,
                }),
            ) => {
                let audit = Auditing {
                    failures: *failures,
                    lease: Some(lease),
                };
                self.set_audit(index, Some(audit));
            }
            _ => return,
        }
        self.job_mut(index).attempts = key.attempt;
        if tell {
            let name = self.workers[&worker].hello.name.clone();
            self.publish_job(index, Some(&name), None);
        }
    }

    fn apply_failed(&mut self, index: JobIndex, told: AttemptFailure, verdict: Verdict) {
        let class = told.failure.class;
        if let Some(lease) = self.job(index).lease() {
            let worker = lease.worker;
            if let Some(worker) = self.workers.get_mut(&worker) {
                worker.failed += 1;
            }
        }
        self.note_lost(index, told.at);
        self.note_blame(index, &told.worker, class, verdict);
        let history = self.job_mut(index).history.get_or_insert_default();
        history.counts[class as usize] = history.counts[class as usize].saturating_add(1);
        if history.failures.len() == History::FAILURES {
            history.failures.remove(0);
        }
        history.failures.push(told);
        let next = match verdict {
            Verdict::Retry => State::Queued,
            Verdict::Failed => State::Failed,
            Verdict::Quarantined => State::Quarantined,
        };
        self.set_state(index, next);
    }

    /// Counts the time of a live attempt that ends without a result.
    pub(super) fn note_lost(&mut self, index: JobIndex, at: Timestamp) {
        if let Some(since) = self.job(index).lease().map(|lease| lease.since) {
            let history = self.job_mut(index).history.get_or_insert_default();
            history.lost_ms = history.lost_ms.saturating_add(at.since(since));
        }
    }

    fn apply_finished(&mut self, at: Timestamp, record: &RunRecord) -> Option<JobIndex> {
        let index = self.find(&record.job_id)?;
        if matches!(self.job(index).state, State::Done(_)) {
            return None;
        }
        let lease = self.job(index).lease().cloned();
        if lease.is_some_and(|lease| lease.attempt != record.provenance.attempt) {
            // A late result of an earlier attempt: the newer one works in vain.
            self.note_lost(index, at);
        } else if let Some(lease) = self.job(index).lease() {
            let (worker, since) = (lease.worker, lease.since);
            // The record of a run that was taken up from a checkpoint counts the time before it, so that is not lost.
            let whole_ms = (record.provenance.duration_s * 1000.0) as u64;
            if let Some(history) = &mut self.job_mut(index).history {
                let before = whole_ms.saturating_sub(at.since(since));
                history.lost_ms = history.lost_ms.saturating_sub(before);
            }
            if let Some(worker) = self.workers.get_mut(&worker) {
                worker.finished += 1;
            }
        }
        self.blame.remove(&record.provenance.worker);
        // The attempt may be one that a restored state has forgotten.
        let attempts = self.job(index).attempts.max(record.provenance.attempt);
        self.job_mut(index).attempts = attempts;
        self.set_state(index, State::Done(Box::new(Done::of(record, attempts))));
        Some(index)
    }

    fn apply_compared(
        &mut self,
        job: sweeps::JobId,
        attempt: sweeps::AttemptNumber,
        receipt: Receipt,
        audit: Option<AuditVerdict>,
    ) {
        let Some(index) = self.find(&job) else {
            return;
        };
        if audit.is_some() {
            if let Some(lease) = self
                .lease_of(index)
                .filter(|lease| lease.attempt == attempt)
            {
                let worker = lease.worker;
                if let Some(worker) = self.workers.get_mut(&worker) {
                    worker.finished += 1;
                }
            }
            self.set_audit(index, None);
        }
        if let State::Done(done) = &mut self.jobs[index.0 as usize].state {
            done.compared.push((attempt, receipt));
            done.audit = audit.or(done.audit);
            if receipt == Receipt::Differs {
                let sweeps: BTreeSet<u32> = self
                    .job(index)
                    .places
                    .grids()
                    .map(|grid| self.grid(grid).sweep)
                    .collect();
                for sweep in sweeps {
                    self.sweeps[sweep as usize].discrepancies += 1;
                }
            }
        }
    }

    /// The job whose live lease that is.
    pub(super) fn live_lease(&self, key: LeaseKey) -> Option<JobIndex> {
        let index = self.find(&key.job)?;
        (self.lease_of(index)?.attempt == key.attempt).then_some(index)
    }

    fn publish_job(&mut self, index: JobIndex, worker: Option<&str>, error: Option<Arc<str>>) {
        let job = self.job(index);
        let change = Change::Job {
            job: job.id,
            sweeps: self.sweeps_of(index),
            status: job.status(),
            attempt: job.attempts,
            worker: worker.map(Arc::from),
            error,
            scores: match &job.state {
                State::Done(done) => done.scores,
                _ => [None, None],
            },
        };
        self.publish(change);
    }

    fn tell_worker(&mut self, name: &str, state: WorkerState, reason: Option<&str>) {
        self.publish(Change::Worker {
            name: name.into(),
            state,
            reason: reason.map(Arc::from),
        });
    }

    #[cfg(test)]
    /// The state that must be the same after a replay, as text that compares.
    pub fn fingerprint(&self) -> String {
        use std::fmt::Write as _;
        let mut text = String::new();
        for job in &self.jobs {
            let state = match &job.state {
                State::Leased(lease) => format!(
                    "leased {} to {} since {}",
                    lease.attempt, lease.worker, lease.since.0
                ),
                other => format!("{other:?}"),
            };
            let _ = writeln!(
                text,
                "{} {state} attempts {} paused {} {:?} {:?} {:?}",
                job.id, job.attempts, job.paused, job.home, job.places, job.history
            );
        }
        for sweep in &self.sweeps {
            let _ = writeln!(text, "{sweep:?}");
        }
        for (id, worker) in &self.workers {
            let _ = writeln!(
                text,
                "{id} {:?} {:?} {:?} {:?} {} {}",
                worker.hello,
                worker.joined_at,
                worker.draining,
                worker.leases,
                worker.finished,
                worker.failed
            );
        }
        for (index, audit) in &self.audits {
            let lease = audit.lease.as_ref();
            let lease = lease.map(|lease| (lease.attempt, lease.worker, lease.since));
            let _ = writeln!(text, "{index:?} audit {} {lease:?}", audit.failures);
        }
        let _ = writeln!(text, "{:?}", self.staged);
        for grid in &self.grids {
            let cells = (grid.sweep == STAGED).then_some((&grid.jobs, &grid.table));
            let _ = writeln!(text, "{} {cells:?}", grid.sweep);
        }
        let _ = writeln!(text, "{} {} {:?}", self.next_worker, self.life, self.blame);
        text
    }
}

impl Done {
    pub(super) fn of(record: &RunRecord, attempts: sweeps::AttemptNumber) -> Self {
        Self {
            attempt: record.provenance.attempt,
            attempts,
            outcome: record.outcome.digest(),
            device_kind: record.provenance.device.kind.as_str().into(),
            trainer_revision: record.provenance.trainer_revision,
            worker: record.provenance.worker.as_str().into(),
            compared: Vec::new(),
            scores: scores_of(&record.outcome),
            audit: None,
            epochs: u32::try_from(record.outcome.curve.len()).unwrap_or(u32::MAX),
            warnings: codes(&record.outcome),
        }
    }
}

fn codes(outcome: &sweeps::Outcome) -> Box<[Arc<str>]> {
    /// A trainer has some ten.
    const MOST: usize = 16;
    const BYTES: usize = 64;
    let codes = outcome
        .warnings
        .iter()
        .map(|warning| proto::cut(&warning.code, BYTES));
    let codes: std::collections::BTreeSet<String> = codes.collect();
    codes.into_iter().take(MOST).map(Arc::from).collect()
}
