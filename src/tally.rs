//! Where the jobs of a sweep stand, counted along: what a change costs does not grow with the sweep.

use std::collections::BTreeMap;

use sweeps::{JobId, JobStatus};

/// The statuses of a sweep's jobs.
#[derive(Debug, Default)]
pub struct Tally {
    statuses: BTreeMap<JobId, JobStatus>,
    settled: usize,
}

impl Tally {
    /// A job stands there now. Answers where it stood before.
    pub fn set(&mut self, job: JobId, status: JobStatus) -> Option<JobStatus> {
        let before = self.statuses.insert(job, status);
        self.settled -= usize::from(before.is_some_and(JobStatus::is_settled));
        self.settled += usize::from(status.is_settled());
        before
    }

    /// Every job with its status.
    pub fn statuses(&self) -> &BTreeMap<JobId, JobStatus> {
        &self.statuses
    }

    /// The number of jobs.
    pub fn len(&self) -> usize {
        self.statuses.len()
    }

    /// Jobs to which nothing will happen by itself any more.
    pub fn settled(&self) -> usize {
        self.settled
    }

    /// Whether all are.
    pub fn is_settled(&self) -> bool {
        self.settled == self.statuses.len()
    }
}

impl FromIterator<(JobId, JobStatus)> for Tally {
    fn from_iter<I: IntoIterator<Item = (JobId, JobStatus)>>(jobs: I) -> Self {
        let mut tally = Self::default();
        for (job, status) in jobs {
            tally.set(job, status);
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_settled_is_counted_along() {
        let job = |number| JobId([number; 32]);
        let mut tally: Tally = [(job(1), JobStatus::Done), (job(2), JobStatus::Pending)]
            .into_iter()
            .collect();
        assert_eq!((tally.len(), tally.settled()), (2, 1));
        let before = tally.set(job(2), JobStatus::Failed);
        assert_eq!(before, Some(JobStatus::Pending));
        assert!(tally.is_settled());
        tally.set(job(2), JobStatus::Failed);
        tally.set(job(1), JobStatus::Running);
        let settled = tally
            .statuses()
            .values()
            .filter(|status| status.is_settled());
        assert_eq!(tally.settled(), settled.count());
        assert!(!tally.is_settled());
    }
}
