//! Leases: a job's own, or that of its audit. Each is in three places that change together here: the job or audit that
//! says who has it, the worker's list, and the clock that ends it.

use super::Scheduler;
use super::audits::Auditing;
use super::job::{JobIndex, JobState, Lease};
use proto::nouns::{LeaseKey, Timestamp};

impl Scheduler {
    /// The live lease of a job, that of its audit included.
    pub(super) fn lease_of(&self, index: JobIndex) -> Option<&Lease> {
        let own = self.jobs.job(index).lease();
        own.or_else(|| self.audits.lease(index))
    }

    /// The job whose live lease that is.
    pub(super) fn live_lease(&self, key: LeaseKey) -> Option<JobIndex> {
        let index = self.jobs.find(&key.job)?;
        (self.lease_of(index)?.attempt == key.attempt).then_some(index)
    }

    /// Brings a job into another state. Its lease follows.
    pub(super) fn set_state(&mut self, index: JobIndex, state: JobState) {
        if let Some(lease) = self.jobs.job(index).lease().cloned() {
            self.end_lease(index, &lease);
        }
        self.jobs.set_state(index, state);
        if let Some(lease) = self.jobs.job(index).lease().cloned() {
            self.begin_lease(index, &lease);
        }
    }

    /// Begins, changes or ends the audit of a job. Its lease follows.
    pub(super) fn set_audit(&mut self, index: JobIndex, audit: Option<Auditing>) {
        self.dispatch_needed |= audit.as_ref().is_some_and(|audit| audit.lease.is_none());
        let before = self.audits.set(index, audit);
        if let Some(lease) = before.and_then(|audit| audit.lease) {
            self.end_lease(index, &lease);
        }
        if let Some(lease) = self.audits.lease(index).cloned() {
            self.begin_lease(index, &lease);
        }
    }

    pub(super) fn begin_lease(&mut self, index: JobIndex, lease: &Lease) {
        self.lease_clock.add(lease.expires, index);
        let key = lease.key(self.jobs.id(index));
        self.workers.begin_lease(lease.worker, key);
    }

    pub(super) fn end_lease(&mut self, index: JobIndex, lease: &Lease) {
        self.lease_clock.remove(lease.expires, index);
        let key = lease.key(self.jobs.id(index));
        self.workers.end_lease(lease.worker, key);
    }

    /// Gives a live lease a full time to live from `now`.
    pub(super) fn renew(&mut self, index: JobIndex, now: Timestamp) {
        let expires = now.plus(self.policy.time_to_live_ms);
        let before = self.jobs.set_expiry(index, expires);
        let before = before.or_else(|| self.audits.set_expiry(index, expires));
        if let Some(before) = before {
            self.lease_clock.remove(before, index);
            self.lease_clock.add(expires, index);
        }
    }

    pub(super) fn renew_all(&mut self, now: Timestamp) {
        for (_, index) in self.lease_clock.expiries().clone() {
            self.renew(index, now);
        }
    }
}
