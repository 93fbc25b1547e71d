//! Which workers are there, and which of them could run a job.

use super::Scheduler;
use super::ineligibility::Ineligibility;
use super::job::JobIndex;
use super::worker_table::Worker;
use proto::nouns::{Timestamp, WorkerId, WorkerState};

impl Scheduler {
    /// Whether a worker was heard lately or is waiting right now.
    pub(super) fn is_connected(&self, id: WorkerId, worker: &Worker, now: Timestamp) -> bool {
        self.wait_queue.contains(id)
            || now.since(worker.last_seen) <= self.policy.time_to_live_ms.saturating_mul(2)
    }

    pub(super) fn state_of(&self, id: WorkerId, worker: &Worker, now: Timestamp) -> WorkerState {
        if worker.draining.is_some() {
            WorkerState::Draining
        } else if self.is_connected(id, worker, now) {
            WorkerState::Active
        } else {
            WorkerState::Silent
        }
    }

    /// Whether a connected worker whose identity is not `except` and on which the job has not failed could run it.
    pub(super) fn another_could_run(&self, index: JobIndex, except: &str, now: Timestamp) -> bool {
        let job = self.jobs.job(index);
        self.workers.iter().any(|(id, worker)| {
            worker.identity != except
                && !job.failed_on(&worker.identity)
                && self.is_connected(id, worker, now)
                && job
                    .cells
                    .iter()
                    .any(|cell| Ineligibility::of(worker, self.jobs.site(cell)).is_none())
        })
    }
}
