//! The state that must be the same after a replay, as text that compares.

use std::fmt::Write as _;

use crate::scheduler::Scheduler;
use crate::scheduler::job::JobState;
use crate::scheduler::job_table::STAGED;

impl Scheduler {
    /// The state that must be the same after a replay, as text that compares.
    pub fn fingerprint(&self) -> String {
        let mut text = String::new();
        for index in self.jobs.indices() {
            let job = self.jobs.job(index);
            let state = match &job.state {
                JobState::Leased(lease) => format!(
                    "leased {} to {} since {}",
                    lease.attempt, lease.worker, lease.since.0
                ),
                other => format!("{other:?}"),
            };
            let _ = writeln!(
                text,
                "{} {state} attempts {} paused {} {:?} {:?} {:?}",
                self.jobs.id(index),
                job.attempts,
                job.paused,
                job.home,
                job.cells,
                job.history
            );
        }
        for sweep in self.jobs.sweeps() {
            let _ = writeln!(text, "{sweep:?}");
        }
        for (id, worker) in self.workers.iter() {
            let _ = writeln!(
                text,
                "{id} {:?} {:?} {:?} {:?} {} {}",
                worker.hello,
                worker.joined_at,
                worker.draining,
                worker.leases,
                worker.finished,
                worker.failed
            );
        }
        for (index, audit) in self.audits.iter() {
            let lease = audit.lease.as_ref();
            let lease = lease.map(|lease| (lease.attempt, lease.worker, lease.since));
            let _ = writeln!(text, "{index:?} audit {} {lease:?}", audit.failures);
        }
        let _ = writeln!(text, "{:?}", self.staged);
        for grid in self.jobs.grids() {
            let cells = (grid.sweep == STAGED).then_some((&grid.jobs, &grid.table));
            let _ = writeln!(text, "{} {cells:?}", grid.sweep);
        }
        let next = self.workers.next();
        let _ = writeln!(text, "{next} {} {:?}", self.life.number(), self.blame);
        text
    }
}
