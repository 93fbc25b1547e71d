//! Everything counted, for those who watch the coordinator rather than a sweep.

use std::collections::BTreeMap;

use proto::telemetry::Telemetry;

use super::Scheduler;
use proto::nouns::{Counts, Timestamp, WorkerState};

/// Everything counted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Totals {
    /// Different jobs by status, over all sweeps.
    pub jobs: Counts,
    /// Live leases.
    pub leases: u64,
    /// Workers that wait for work.
    pub waiting: u64,
    /// Workers by state.
    pub workers: BTreeMap<&'static str, u64>,
    /// Sweeps by state: active, paused, settled, cancelled.
    pub sweeps: BTreeMap<&'static str, u64>,
    /// Milliseconds since the most silent worker with a lease was heard.
    pub oldest_report_ms: u64,
    /// What workers that are there say of their devices, by name (of several with one name, by `NAME#NUMBER`).
    pub devices: BTreeMap<String, DeviceTotals>,
}

/// What a worker says of its device.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DeviceTotals {
    /// Its memory, in bytes.
    pub memory_bytes: Option<u64>,
    /// How it is doing.
    pub telemetry: Telemetry,
}

impl Scheduler {
    /// Counts everything: a walk over all jobs, some milliseconds for a million.
    pub fn totals(&self, now: Timestamp) -> Totals {
        let mut totals = Totals {
            leases: self.lease_clock.len() as u64,
            waiting: self.wait_queue.len() as u64,
            ..Totals::default()
        };
        for index in self.jobs.known() {
            totals.jobs.0[self.jobs.job(index).status() as usize] += 1;
        }
        for state in ["active", "draining", "silent"] {
            totals.workers.insert(state, 0);
        }
        for (id, worker) in self.workers.iter() {
            let state = match self.state_of(id, worker, now) {
                WorkerState::Active => "active",
                WorkerState::Draining => "draining",
                WorkerState::Silent => "silent",
                WorkerState::Gone => "gone",
            };
            *totals.workers.entry(state).or_default() += 1;
            // What was measured by one that is silent may no longer be so.
            if let Some(measured) = worker.measured
                && self.is_connected(id, worker, now)
            {
                let device = DeviceTotals {
                    memory_bytes: worker.hello.memory_bytes,
                    telemetry: measured.telemetry,
                };
                totals.devices.insert(worker.identity.clone(), device);
            }
            if !worker.leases.is_empty() {
                let silent = now.since(worker.last_seen);
                totals.oldest_report_ms = totals.oldest_report_ms.max(silent);
            }
        }
        for state in ["active", "cancelled", "paused", "settled"] {
            totals.sweeps.insert(state, 0);
        }
        for sweep in self.jobs.sweeps() {
            let state = if sweep.cancelled {
                "cancelled"
            } else if sweep.counts.is_settled() {
                "settled"
            } else if sweep.paused {
                "paused"
            } else {
                "active"
            };
            *totals.sweeps.entry(state).or_default() += 1;
        }
        totals
    }
}
