//! What a failure means: retry, failed, or quarantined; and when it is the worker's fault.

use sweeps::{Failure, FailureClass};

use crate::model::entry::{Entry, RetryDecision};
use crate::scheduler::Scheduler;
use crate::scheduler::blame::is_blamed;
use crate::scheduler::job::JobIndex;
use proto::nouns::Timestamp;

impl Scheduler {
    /// Ends the live lease of a job with a failure; `None`: it has none.
    pub(super) fn decide_failure(
        &self,
        index: JobIndex,
        failure: Failure,
        now: Timestamp,
    ) -> Option<Entry> {
        let lease = self.lease_of(index)?;
        let worker = self.workers.identity_of(lease.worker);
        let verdict = self
            .decide_audit_retry(index)
            .unwrap_or_else(|| self.decide_retry(index, worker, failure.class, now));
        Some(Entry::Failed {
            at: now,
            job: self.jobs.id(index),
            attempt: lease.attempt,
            worker: worker.to_owned(),
            failure,
            verdict,
        })
    }

    /// What a failure of the job's live attempt on the worker of that identity leads to.
    fn decide_retry(
        &self,
        index: JobIndex,
        worker: &str,
        class: FailureClass,
        now: Timestamp,
    ) -> RetryDecision {
        let history = self.jobs.job(index).history.as_deref();
        let elsewhere =
            history.is_some_and(|history| history.blamed.iter().any(|name| name != worker));
        if is_blamed(class) && elsewhere {
            return RetryDecision::Quarantined;
        }
        let earlier = history.map_or(0, |history| history.counts[class as usize]);
        if earlier >= self.policy.retries[class as usize] {
            return RetryDecision::Failed;
        }
        if class == FailureClass::BadData && !self.another_could_run(index, worker, now) {
            return RetryDecision::Failed;
        }
        RetryDecision::Retry
    }
}
