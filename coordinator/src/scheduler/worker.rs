//! Workers as the scheduler sees them.

use std::collections::BTreeSet;

use sweeps::DatasetSource;

use super::Scheduler;
use super::job::{Grid, JobIndex, Sweep};
use proto::nouns::{Hello, LeaseKey, Measured, Timestamp, WorkerId, WorkerState};

#[derive(Debug, Clone)]
pub(super) struct Worker {
    pub(super) hello: Hello,
    pub(super) joined_at: Timestamp,
    /// Forgotten at a restart.
    pub(super) last_seen: Timestamp,
    /// Why it is sent away.
    pub(super) draining: Option<String>,
    pub(super) leases: BTreeSet<LeaseKey>,
    pub(super) finished: u64,
    pub(super) failed: u64,
    /// Forgotten at a restart.
    pub(super) measured: Option<Measured>,
    /// When it was last seen to have a job. Forgotten at a restart.
    pub(super) last_busy: Timestamp,
}

impl Worker {
    pub(super) fn free_slots(&self) -> usize {
        (self.hello.slots as usize).saturating_sub(self.leases.len())
    }

    /// When it last had a job: now, where it has one.
    pub(super) fn busy(&self, now: Timestamp) -> Timestamp {
        if self.leases.is_empty() {
            self.last_busy
        } else {
            now
        }
    }
}

impl Scheduler {
    /// Whether a worker was heard lately or is waiting right now.
    pub(super) fn is_connected(&self, id: WorkerId, worker: &Worker, now: Timestamp) -> bool {
        self.wait_queue.holds(id)
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

    /// Why a worker cannot run a sweep's jobs on its data set at that position; `None`: it can.
    pub(super) fn ineligibility(
        worker: &Worker,
        sweep: &Sweep,
        grid: &Grid,
        source: usize,
    ) -> Option<String> {
        let hello = &worker.hello;
        let wants = &sweep.submission.requirements;
        if worker.draining.is_some() {
            return Some("is draining".into());
        }
        if hello.trainer_revision != grid.trainer_revision {
            return Some(format!(
                "has trainer revision {}, the sweep {}",
                hello.trainer_revision, grid.trainer_revision
            ));
        }
        if let Some(device) = &wants.device
            && !hello.device.kind.starts_with(device.as_str())
        {
            return Some(format!(
                "computes on {}, the sweep asks for {device}",
                hello.device.kind
            ));
        }
        if let Some(label) = wants
            .labels
            .iter()
            .find(|label| !hello.labels.contains(label))
        {
            return Some(format!("has no label `{label}`"));
        }
        if let (Some(wanted), Some(present)) = (wants.memory_bytes, hello.memory_bytes)
            && present < wanted
        {
            return Some(format!(
                "has {present} bytes of memory, the sweep asks for {wanted}"
            ));
        }
        let (dataset, digest) = &grid.table.sources()[source];
        if let DatasetSource::Named(name) = dataset {
            return match hello.datasets.get(name) {
                None => Some(format!("does not have the data set `{name}`")),
                Some(copy) if copy != digest => Some(format!(
                    "has another copy of the data set `{name}` ({} instead of {})",
                    copy.short(),
                    digest.short()
                )),
                Some(_) => None,
            };
        }
        None
    }

    /// Whether a connected worker whose name is not `except` and on which the job has not failed could run it.
    pub(super) fn another_could_run(&self, index: JobIndex, except: &str, now: Timestamp) -> bool {
        let job = self.job(index);
        self.workers.iter().any(|(id, worker)| {
            worker.hello.name != except
                && !job.failed_on(&worker.hello.name)
                && self.is_connected(*id, worker, now)
                && job.places.iter().any(|place| {
                    let grid = self.grid(place.grid);
                    let sweep = &self.sweeps[grid.sweep as usize];
                    let source = grid.table.source_of(place.cell as usize);
                    Self::ineligibility(worker, sweep, grid, source).is_none()
                })
        })
    }
}
