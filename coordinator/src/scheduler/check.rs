//! Whether leases, workers and those who wait say the same. For tests.

use std::collections::{BTreeMap, BTreeSet};

use super::Scheduler;
use super::job::{JobIndex, Lease};
use proto::nouns::{LeaseKey, Timestamp, WorkerId};

/// What the leases of jobs and audits say of workers and expiries.
#[derive(Default)]
struct Leases {
    by_worker: BTreeMap<WorkerId, BTreeSet<LeaseKey>>,
    expiries: BTreeSet<(Timestamp, JobIndex)>,
}

impl Leases {
    fn add(&mut self, index: JobIndex, lease: &Lease, key: LeaseKey) {
        self.expiries.insert((lease.expires, index));
        self.by_worker.entry(lease.worker).or_default().insert(key);
    }
}

impl Scheduler {
    /// Looks for contradictions in the state.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        self.jobs.check()?;
        let mut leases = Leases::default();
        for index in self.jobs.indices() {
            if let Some(lease) = self.jobs.job(index).lease() {
                leases.add(index, lease, lease.key(self.jobs.id(index)));
            }
        }
        for (index, audit) in self.audits.iter() {
            let job = self.jobs.job(index);
            let id = self.jobs.id(index);
            if job.done().is_none_or(|done| done.audit.is_some()) {
                return Err(format!("job {} is audited but not done", id.short()));
            }
            if let Some(lease) = &audit.lease {
                if lease.attempt != job.attempts {
                    return Err(format!("job {} is audited by an old attempt", id.short()));
                }
                leases.add(index, lease, lease.key(id));
            }
        }
        if leases.expiries != *self.lease_clock.expiries() {
            return Err("the list of expiries is wrong".into());
        }
        for (id, worker) in self.workers.iter() {
            if worker.leases != leases.by_worker.remove(&id).unwrap_or_default() {
                return Err(format!("the leases of worker {id} are wrong"));
            }
            if worker.leases.len() > worker.hello.slots as usize {
                return Err(format!("worker {id} has more leases than slots"));
            }
        }
        if let Some(worker) = leases.by_worker.keys().next() {
            return Err(format!("a worker {worker} that is not known has a lease"));
        }
        let mut waiting = self.wait_queue.workers();
        if waiting.any(|worker| !self.workers.contains(worker)) {
            return Err("a worker that is not known waits".into());
        }
        Ok(())
    }
}
