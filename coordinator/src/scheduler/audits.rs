//! Audits that are not over: done jobs that are to be run once more, and who runs them.

use std::collections::BTreeMap;

use super::job::{JobIndex, Lease};
use proto::nouns::Timestamp;

/// An audit that is not over.
#[derive(Debug, Clone, Default)]
pub(super) struct Auditing {
    /// Attempts that failed.
    pub(super) failures: u32,
    /// Who runs it; `None`: it waits.
    pub(super) lease: Option<Lease>,
}

/// Audits that are not over, by the job.
#[derive(Debug, Clone, Default)]
pub(super) struct Audits {
    by_job: BTreeMap<JobIndex, Auditing>,
}

impl Audits {
    /// The audit of a job.
    pub(super) fn get(&self, job: JobIndex) -> Option<&Auditing> {
        self.by_job.get(&job)
    }

    /// Whether a job is audited.
    pub(super) fn contains(&self, job: JobIndex) -> bool {
        self.by_job.contains_key(&job)
    }

    /// Every audit.
    pub(super) fn iter(&self) -> impl Iterator<Item = (JobIndex, &Auditing)> {
        self.by_job.iter().map(|(job, audit)| (*job, audit))
    }

    /// Jobs whose audits wait for a worker.
    pub(super) fn waiting(&self) -> impl Iterator<Item = JobIndex> {
        let waiting = self.iter().filter(|(_, audit)| audit.lease.is_none());
        waiting.map(|(job, _)| job)
    }

    /// The lease of a job's audit.
    pub(super) fn lease(&self, job: JobIndex) -> Option<&Lease> {
        self.get(job)?.lease.as_ref()
    }

    /// Begins, changes or ends the audit of a job; answers what there was.
    pub(super) fn set(&mut self, job: JobIndex, audit: Option<Auditing>) -> Option<Auditing> {
        match audit {
            Some(audit) => self.by_job.insert(job, audit),
            None => self.by_job.remove(&job),
        }
    }

    /// The lease of a job's audit ends at another time: when it ended before.
    pub(super) fn set_expiry(&mut self, job: JobIndex, expires: Timestamp) -> Option<Timestamp> {
        let lease = self.by_job.get_mut(&job)?.lease.as_mut()?;
        Some(std::mem::replace(&mut lease.expires, expires))
    }
}
