//! Which jobs a worker gets.
//!
//! A job that failed on another worker goes first, so that it is soon known whose fault it was. Of the sweeps that it can serve: the highest priority first; within it those whose data set the worker has in memory;
//! within these the sweep with the fewest running jobs (fair share); then the one that was passed over most often; then the older
//! one. A sweep that was passed over too often comes before all others of its priority, see [`super::fairness`]. In a sweep the
//! order of cells.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use sweeps::Digest;

use super::Scheduler;
use super::job::{JobIndex, Place};
use crate::model::entry::Entry;
use proto::nouns::{Assignment, ControlAction, LeaseKey, Target, Timestamp, WorkerId};

/// A cell that was picked for a worker.
struct Picked {
    place: Place,
    /// The sweep that it was picked of, and all of the same priority that could have been served. `None`: it was not its sweep's
    /// turn that decided.
    of: Option<(u32, Vec<u32>)>,
}

impl Picked {
    fn alone(place: Place) -> Self {
        Self { place, of: None }
    }
}

impl Scheduler {
    /// Leases up to `slots` jobs to a worker.
    pub(super) fn assign(
        &mut self,
        id: WorkerId,
        slots: u32,
        warm: &[Digest],
        now: Timestamp,
    ) -> Vec<Assignment> {
        let free = self
            .workers
            .get(&id)
            .map_or(0, |worker| worker.free_slots().min(slots as usize));
        let mut assignments = Vec::new();
        while assignments.len() < free {
            let next = self.pick(id, warm, now);
            let next = next.or_else(|| self.pick_audit(id, now).map(Picked::alone));
            let Some(Picked { place, of }) = next else {
                break;
            };
            let index = self.grid(place.grid).jobs[place.cell as usize];
            let key = LeaseKey {
                job: self.job(index).id,
                attempt: self.next_attempt(now, index),
            };
            if let Ok(assignment) = self.assignment(key, place) {
                self.persist(Entry::Leased {
                    at: now,
                    worker: id,
                    leases: vec![key],
                });
                self.note_served(of);
                assignments.push(assignment);
                continue;
            }
            // A job that this version cannot read any more (a parameter it does not take) must not stop the others;
            // `explain` says why it is on hold.
            let action = if self.audits.contains_key(&index) {
                ControlAction::Cancel
            } else {
                ControlAction::Pause
            };
            self.persist(Entry::Steered {
                at: now,
                target: Target::Job(key.job),
                action,
            });
        }
        assignments
    }

    /// Notes whose turn it was.
    fn note_served(&mut self, of: Option<(u32, Vec<u32>)>) {
        if let Some((sweep, rivals)) = of
            && rivals.len() > 1
        {
            self.fairness.served(sweep, &rivals);
            let ready = &self.ready;
            self.fairness.keep(|sweep| ready.contains(&sweep));
        }
    }

    /// What a worker needs to know to run the cell at `place`.
    fn assignment(
        &self,
        key: LeaseKey,
        place: Place,
    ) -> Result<Assignment, crate::model::cells::CellError> {
        let table = &self.grid(place.grid).table;
        let cell = place.cell as usize;
        Ok(Assignment {
            job_id: key.job,
            attempt: key.attempt,
            job: table.job(cell)?,
            dataset: table.sources()[table.source_of(cell)].1,
            time_to_live_ms: self.policy.time_to_live_ms,
        })
    }

    /// A lease that its worker does not know of, told again.
    pub(super) fn assign_again(&mut self, key: LeaseKey, now: Timestamp) -> Option<Assignment> {
        let index = self.live_lease(key)?;
        self.renew(index, now);
        let job = self.job(index);
        let worker = &self.workers[&self.lease_of(index)?.worker];
        // The name of the data set must be one that this worker knows.
        let place = job
            .places
            .iter()
            .find(|place| {
                let grid = self.grid(place.grid);
                let sweep = &self.sweeps[grid.sweep as usize];
                let source = grid.table.source_of(place.cell as usize);
                Self::ineligibility(worker, sweep, grid, source).is_none()
            })
            .unwrap_or(job.home);
        self.assignment(key, place).ok()
    }

    fn pick(&self, id: WorkerId, warm: &[Digest], now: Timestamp) -> Option<Picked> {
        let worker = self.workers.get(&id)?;
        if let Some(place) = self.pick_cross_check(id) {
            return Some(Picked::alone(place));
        }
        if self.held_back(&worker.hello.name, now).is_some() {
            return None;
        }
        let mut candidates: Vec<_> = self
            .ready
            .iter()
            .filter_map(|index| {
                let sweep = &self.sweeps[*index as usize];
                (!sweep.paused && !sweep.cancelled).then_some((index, sweep))
            })
            .flat_map(|(index, sweep)| {
                let grid = self.grid(sweep.grid);
                sweep
                    .queue
                    .iter()
                    .enumerate()
                    .filter(|(_, cells)| !cells.is_empty())
                    .filter(|(source, _)| {
                        Self::ineligibility(worker, sweep, grid, *source).is_none()
                    })
                    .map(|(source, cells)| {
                        let is_warm = warm.contains(&grid.table.sources()[source].1);
                        let running = sweep.counts.of(sweeps::JobStatus::Running);
                        let rank = (
                            Reverse(sweep.submission.priority),
                            !is_warm,
                            running,
                            Reverse(self.fairness.passed_over(*index)),
                            *index,
                            source,
                        );
                        (rank, *index, sweep.grid, cells)
                    })
            })
            .collect();
        candidates.sort_by_key(|(rank, ..)| *rank);
        let mut places = candidates
            .into_iter()
            .filter_map(|(rank, sweep, grid, cells)| {
                let place = self.first_acceptable(id, grid, cells, now)?;
                Some((rank.0, sweep, place))
            });
        let (priority, sweep, place) = places.next()?;
        // Of each sweep of the same priority its best place.
        let mut rivals = vec![(sweep, place)];
        for (other, sweep, place) in places {
            if other != priority {
                break;
            }
            if rivals.iter().all(|(rival, _)| *rival != sweep) {
                rivals.push((sweep, place));
            }
        }
        let sweeps: Vec<u32> = rivals.iter().map(|(sweep, _)| *sweep).collect();
        let overdue = self.fairness.overdue(&sweeps);
        let (sweep, place) = rivals
            .into_iter()
            .find(|(sweep, _)| overdue.is_none_or(|overdue| overdue == *sweep))?;
        Some(Picked {
            place,
            of: Some((sweep, sweeps)),
        })
    }

    /// The first cell whose job has not failed on this worker, unless nobody else could take it.
    fn first_acceptable(
        &self,
        id: WorkerId,
        grid: u32,
        cells: &BTreeSet<u32>,
        now: Timestamp,
    ) -> Option<Place> {
        let name = self.workers[&id].hello.name.as_str();
        cells
            .iter()
            .map(|cell| Place { grid, cell: *cell })
            .find(|place| {
                let index: JobIndex = self.grid(place.grid).jobs[place.cell as usize];
                !self.job(index).failed_on(name) || !self.another_could_run(index, name, now)
            })
    }
}
