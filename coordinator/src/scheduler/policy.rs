//! What a failure means: retry, failed, or quarantined; and when it is the worker's fault.

use sweeps::{Failure, FailureClass};

use super::Scheduler;
use super::job::JobIndex;
use crate::model::entry::{Entry, Verdict};
use proto::nouns::Timestamp;

/// The settings of the scheduler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How long a lease lives without a report.
    pub time_to_live_ms: u64,
    /// The longest that a lease request may wait, whatever it asks for.
    pub longest_wait_ms: u64,
    /// How long an attempt may run; `None`: as long as it likes.
    pub longest_attempt_ms: Option<u64>,
    /// A worker that was not heard for so long and holds nothing is forgotten.
    pub forget_worker_ms: u64,
    /// Retries by class, in the order of [`FailureClass::ALL`].
    pub retries: [u32; FailureClass::ALL.len()],
    /// So many different jobs that fail on one worker in a row hold it back; if they are well elsewhere, it is sent away.
    pub blame: usize,
    /// Fill few workers rather than spread: what is idle stays idle and can go.
    pub pack_workers: bool,
    /// A submission of more cells than this is taken in parts of so many, so that others are answered between them.
    pub submission_part: usize,
}

impl Policy {
    /// How often the scheduler is woken while there are leases. It takes a pause that is longer than twice this for one of the
    /// coordinator's own; a worker that reports three times in a time to live has reported twice by then.
    pub(super) fn pulse_ms(&self) -> u64 {
        (self.time_to_live_ms / 8).max(1)
    }
}

impl Default for Policy {
    fn default() -> Self {
        let mut retries = [0; FailureClass::ALL.len()];
        retries[FailureClass::Preempted as usize] = u32::MAX;
        // Nodes die in bunches; a job that kills its worker each time is still found.
        retries[FailureClass::WorkerLost as usize] = 10;
        retries[FailureClass::Timeout as usize] = 1;
        // Another job on the same card may have taken the memory.
        retries[FailureClass::OutOfMemory as usize] = 2;
        // A function of the job: it would diverge again.
        retries[FailureClass::Diverged as usize] = 0;
        // On another worker only: the same copy will not get better.
        retries[FailureClass::BadData as usize] = 1;
        retries[FailureClass::Trainer as usize] = 1;
        Self {
            time_to_live_ms: 60_000,
            longest_wait_ms: 60_000,
            longest_attempt_ms: None,
            forget_worker_ms: 24 * 3_600_000,
            retries,
            blame: 3,
            pack_workers: false,
            // Some ten milliseconds of work, and a megabyte and a half of journal.
            submission_part: 20_000,
        }
    }
}

/// Whether a failure of that class may be the job's or the worker's fault, so that it counts for blame.
fn is_blamed(class: FailureClass) -> bool {
    matches!(
        class,
        FailureClass::Timeout
            | FailureClass::OutOfMemory
            | FailureClass::BadData
            | FailureClass::Trainer
    )
}

impl Scheduler {
    /// What a failure of the job's live attempt on the worker of that name leads to.
    fn verdict(
        &self,
        index: JobIndex,
        worker: &str,
        class: FailureClass,
        now: Timestamp,
    ) -> Verdict {
        let history = self.job(index).history.as_deref();
        let elsewhere =
            history.is_some_and(|history| history.blamed.iter().any(|name| name != worker));
        if is_blamed(class) && elsewhere {
            return Verdict::Quarantined;
        }
        let earlier = history.map_or(0, |history| history.counts[class as usize]);
        if earlier >= self.policy.retries[class as usize] {
            return Verdict::Failed;
        }
        if class == FailureClass::BadData && !self.another_could_run(index, worker, now) {
            return Verdict::Failed;
        }
        Verdict::Retry
    }

    /// Ends the live lease of a job with a failure.
    pub(super) fn fail_lease(&mut self, index: JobIndex, failure: Failure, now: Timestamp) {
        let Some(lease) = self.lease_of(index).cloned() else {
            return;
        };
        let worker = self
            .workers
            .get(&lease.worker)
            .map(|worker| worker.hello.name.clone())
            .unwrap_or_default();
        let verdict = self
            .audit_verdict(index)
            .unwrap_or_else(|| self.verdict(index, &worker, failure.class, now));
        self.persist(Entry::Failed {
            at: now,
            job: self.job(index).id,
            attempt: lease.attempt,
            worker: worker.clone(),
            failure,
            verdict,
        });
    }

    /// What [`Entry::Failed`] does to the blame lists.
    pub(super) fn note_blame(
        &mut self,
        index: JobIndex,
        worker: &str,
        class: FailureClass,
        verdict: Verdict,
    ) {
        if !is_blamed(class) {
            return;
        }
        let history = self.job_mut(index).history.get_or_insert_default();
        history.blamed.insert(worker.to_owned());
        if verdict == Verdict::Retry {
            self.blame
                .entry(worker.to_owned())
                .or_default()
                .insert(index);
        } else {
            // It failed in two places, or nobody else can try it: no worker is blamed for it, and whoever was held back goes on.
            self.blame.retain(|_, jobs| {
                jobs.remove(&index);
                !jobs.is_empty()
            });
            self.dispatch_needed = true;
        }
    }
}
