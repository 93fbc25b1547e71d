//! On which workers jobs fail in a row.
//!
//! *Invariant:* a worker that is here has a job that failed on it since its last success, and that may be its fault.

use std::collections::{BTreeMap, BTreeSet};

use sweeps::FailureClass;

use super::job::JobIndex;

/// Whether a failure of that class may be the job's or the worker's fault, so that it counts for blame.
pub(super) fn is_blamed(class: FailureClass) -> bool {
    matches!(
        class,
        FailureClass::Timeout
            | FailureClass::OutOfMemory
            | FailureClass::BadData
            | FailureClass::Trainer
    )
}

/// By a worker's identity (its name, mostly): the different jobs that failed there since its last success.
#[derive(Debug, Clone, Default)]
pub(super) struct Blame {
    by_worker: BTreeMap<String, BTreeSet<JobIndex>>,
}

impl Blame {
    /// A job failed on a worker.
    pub(super) fn add(&mut self, worker: &str, job: JobIndex) {
        let jobs = self.by_worker.entry(worker.to_owned()).or_default();
        jobs.insert(job);
    }

    /// No worker is blamed for that job any more.
    pub(super) fn acquit_all_of(&mut self, job: JobIndex) {
        self.by_worker.retain(|_, jobs| {
            jobs.remove(&job);
            !jobs.is_empty()
        });
    }

    /// A worker starts with nothing to its name: it had a success, or is a new process.
    pub(super) fn acquit(&mut self, worker: &str) {
        self.by_worker.remove(worker);
    }

    /// The jobs that failed on a worker; none of most.
    pub(super) fn jobs_of(&self, worker: &str) -> Option<&BTreeSet<JobIndex>> {
        self.by_worker.get(worker)
    }

    /// The workers that are blamed for a job.
    pub(super) fn workers_of(&self, job: JobIndex) -> impl Iterator<Item = &str> {
        let blamed = self.by_worker.iter();
        blamed
            .filter(move |(_, jobs)| jobs.contains(&job))
            .map(|(name, _)| name.as_str())
    }

    /// The jobs that failed on other workers than this.
    pub(super) fn jobs_of_others(&self, worker: &str) -> impl Iterator<Item = JobIndex> {
        let others = self.by_worker.iter();
        others
            .filter(move |(name, _)| name.as_str() != worker)
            .flat_map(|(_, jobs)| jobs.iter().copied())
    }

    /// Every worker that is blamed, and its jobs.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &BTreeSet<JobIndex>)> {
        let blamed = self.by_worker.iter();
        blamed.map(|(name, jobs)| (name.as_str(), jobs))
    }

    /// What an image says of a worker.
    pub(super) fn restore(&mut self, worker: String, jobs: BTreeSet<JobIndex>) {
        self.by_worker.insert(worker, jobs);
    }
}
