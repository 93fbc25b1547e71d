//! Workers on which jobs fail in a row.
//!
//! Three failures in a row may be the worker's fault or that of three jobs. So the worker is held back, another one tries these jobs
//! next, and their outcome decides: well elsewhere, the worker is sent away; failed elsewhere, the jobs are to blame and the
//! worker goes on. A worker that is held back still tries what failed on others, so that two of them clear each other.

use super::Scheduler;
use super::job::{JobIndex, Place, State};
use crate::model::entry::Entry;
use proto::nouns::{Timestamp, WorkerId};

/// What the jobs that failed on a worker since its last success have come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    /// They wait for another worker's try, or are in it.
    pub(super) open: usize,
    /// They finished elsewhere: it was not the job.
    pub(super) well_elsewhere: usize,
}

impl Scheduler {
    fn evidence(&self, name: &str, now: Timestamp) -> Evidence {
        let mut evidence = Evidence::default();
        for index in self.blame.get(name).into_iter().flatten() {
            match &self.job(*index).state {
                State::Done(_) => evidence.well_elsewhere += 1,
                State::Leased(lease) => {
                    let elsewhere = self
                        .workers
                        .get(&lease.worker)
                        .is_some_and(|worker| worker.hello.name != name);
                    evidence.open += usize::from(elsewhere);
                }
                State::Queued => {
                    let can = self.is_waiting(*index) && self.another_could_run(*index, name, now);
                    evidence.open += usize::from(can);
                }
                State::Failed | State::Quarantined | State::Cancelled => {}
            }
        }
        evidence
    }

    /// Whether a worker gets no new jobs until those that failed on it were tried elsewhere, and how many these are.
    pub(super) fn held_back(&self, name: &str, now: Timestamp) -> Option<usize> {
        // Most workers have nothing to their name: this is asked at every lease.
        if self.blame.get(name)?.len() < self.policy.blame {
            return None;
        }
        let Evidence {
            open,
            well_elsewhere,
        } = self.evidence(name, now);
        (open > 0 && open + well_elsewhere >= self.policy.blame).then_some(open)
    }

    /// A job that failed on another worker, for this one to try: it goes before everything else.
    pub(super) fn pick_cross_check(&self, id: WorkerId) -> Option<Place> {
        let own = self.workers.get(&id)?.hello.name.as_str();
        self.blame
            .iter()
            .filter(|(name, _)| name.as_str() != own)
            .flat_map(|(_, jobs)| jobs)
            .find_map(|index| self.place_for(*index, id))
    }

    /// Where a job waits in a queue that this worker may take it from.
    fn place_for(&self, index: JobIndex, id: WorkerId) -> Option<Place> {
        let worker = self.workers.get(&id)?;
        let job = self.job(index);
        if job.failed_on(&worker.hello.name) {
            return None;
        }
        job.places.iter().find(|place| {
            let grid = self.grid(place.grid);
            let sweep = &self.sweeps[grid.sweep as usize];
            let source = grid.table.source_of(place.cell as usize);
            self.is_queued_at(*place) && Self::ineligibility(worker, sweep, grid, source).is_none()
        })
    }

    fn is_waiting(&self, index: JobIndex) -> bool {
        let places = &self.job(index).places;
        places.iter().any(|place| self.is_queued_at(place))
    }

    fn is_queued_at(&self, place: Place) -> bool {
        let grid = self.grid(place.grid);
        let sweep = &self.sweeps[grid.sweep as usize];
        let source = grid.table.source_of(place.cell as usize);
        sweep.grid == place.grid
            && !sweep.paused
            && !sweep.cancelled
            && sweep
                .queue
                .get(source)
                .is_some_and(|cells| cells.contains(&place.cell))
    }

    /// A job finished: the workers on which it had failed may be sent away for it.
    pub(super) fn judge_workers(&mut self, index: JobIndex, now: Timestamp) {
        let names: Vec<String> = self
            .blame
            .iter()
            .filter(|(_, jobs)| jobs.contains(&index))
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            self.dispatch_needed = true;
            self.blame_worker(&name, now);
        }
    }

    /// Sends a worker away on which different jobs failed that were well elsewhere, as long as somebody else is left to work.
    fn blame_worker(&mut self, name: &str, now: Timestamp) {
        let jobs = self.evidence(name, now).well_elsewhere;
        if jobs < self.policy.blame {
            return;
        }
        let others = self.workers.iter().any(|(id, worker)| {
            worker.hello.name != name
                && worker.draining.is_none()
                && self.is_connected(*id, worker, now)
        });
        if !others {
            return;
        }
        let reason = format!(
            "{jobs} different jobs failed on it in a row and were well elsewhere: look at its log"
        );
        let sessions: Vec<_> = self
            .workers
            .iter()
            .filter(|(_, worker)| worker.hello.name == name && worker.draining.is_none())
            .map(|(id, _)| *id)
            .collect();
        for worker in sessions {
            self.persist(Entry::WorkerDrained {
                at: now,
                worker,
                reason: reason.clone(),
            });
        }
    }
}
