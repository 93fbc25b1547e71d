//! Which jobs a worker gets.
//!
//! A job that failed on another worker goes first, so that it is soon known whose fault it was. Of the sweeps that it can serve: the highest priority first; within it those whose data set the worker has in memory;
//! within these the sweep with the fewest running jobs (fair share); then the one that was passed over most often; then the older
//! one. A sweep that was passed over too often comes before all others of its priority, see [`crate::scheduler::fairness`]. In a
//! sweep the order of cells.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use sweeps::Digest;

use crate::model::cells::CellError;
use crate::model::entry::Entry;
use crate::scheduler::Scheduler;
use crate::scheduler::ineligibility::Ineligibility;
use crate::scheduler::job::{CellRef, JobIndex};
use crate::scheduler::job_table::Site;
use proto::nouns::{Assignment, ControlAction, LeaseKey, Target, Timestamp, WorkerId};

/// Whose turn it was: a sweep, and all of its priority that could have been served.
#[derive(Debug)]
pub(in crate::scheduler) struct SweepTurn {
    pub(in crate::scheduler) sweep: u32,
    pub(in crate::scheduler) rivals: Vec<u32>,
}

/// A cell that was picked for a worker.
struct Picked {
    cell: CellRef,
    /// `None`: it was not its sweep's turn that decided.
    turn: Option<SweepTurn>,
}

/// What a worker gets next.
#[derive(Debug)]
pub(in crate::scheduler) struct NextLease {
    pub(in crate::scheduler) entries: Vec<Entry>,
    /// `None`: the job cannot be read, and was put on hold.
    pub(in crate::scheduler) assignment: Option<Assignment>,
    pub(in crate::scheduler) turn: Option<SweepTurn>,
}

impl Picked {
    fn alone(cell: CellRef) -> Self {
        Self { cell, turn: None }
    }
}

impl Scheduler {
    /// The next job for a worker; `None`: there is none for it.
    pub(in crate::scheduler) fn decide_lease(
        &self,
        id: WorkerId,
        warm: &[Digest],
        now: Timestamp,
    ) -> Option<NextLease> {
        let picked = self.pick(id, warm, now);
        let Picked { cell, turn } =
            picked.or_else(|| self.pick_audit(id, now).map(Picked::alone))?;
        let index = self.jobs.job_at(cell);
        let (new_life, attempt) = self.decide_attempt(now, index);
        let key = LeaseKey {
            job: self.jobs.id(index),
            attempt,
        };
        let mut entries: Vec<Entry> = new_life.into_iter().collect();
        if let Ok(assignment) = self.assignment(key, cell) {
            entries.push(Entry::Leased {
                at: now,
                worker: id,
                leases: vec![key],
            });
            return Some(NextLease {
                entries,
                assignment: Some(assignment),
                turn,
            });
        }
        // A job that this version cannot read any more (a parameter it does not take) must not stop the others;
        // `explain` says why it is on hold.
        let action = if self.audits.contains(index) {
            ControlAction::Cancel
        } else {
            ControlAction::Pause
        };
        entries.push(Entry::Controlled {
            at: now,
            target: Target::Job(key.job),
            action,
        });
        Some(NextLease {
            entries,
            assignment: None,
            turn: None,
        })
    }

    /// What a worker needs to know to run a cell.
    fn assignment(&self, key: LeaseKey, cell: CellRef) -> Result<Assignment, CellError> {
        let Site { grid, source, .. } = self.jobs.site(cell);
        Ok(Assignment {
            job_id: key.job,
            attempt: key.attempt,
            job: grid.table.job(cell.cell as usize)?,
            dataset: grid.table.sources()[source].1,
            time_to_live_ms: self.policy.time_to_live_ms,
        })
    }

    /// A lease that its worker does not know of, told again.
    pub(in crate::scheduler) fn assignment_again(
        &self,
        index: JobIndex,
        key: LeaseKey,
    ) -> Option<Assignment> {
        let job = self.jobs.job(index);
        let worker = self.workers.get(self.lease_of(index)?.worker)?;
        // The name of the data set must be one that this worker knows.
        let cell = job
            .cells
            .iter()
            .find(|cell| Ineligibility::of(worker, self.jobs.site(*cell)).is_none())
            .unwrap_or(job.home);
        self.assignment(key, cell).ok()
    }

    fn pick(&self, id: WorkerId, warm: &[Digest], now: Timestamp) -> Option<Picked> {
        let worker = self.workers.get(id)?;
        if let Some(cell) = self.pick_cross_check(id) {
            return Some(Picked::alone(cell));
        }
        if self.held_back(&worker.identity, now).is_some() {
            return None;
        }
        let mut candidates: Vec<_> = self
            .jobs
            .ready()
            .iter()
            .filter_map(|index| {
                let sweep = self.jobs.sweep(*index);
                (!sweep.paused && !sweep.cancelled).then_some((index, sweep))
            })
            .flat_map(|(index, sweep)| {
                let grid = self.jobs.grid(sweep.grid);
                let site = move |source| Site {
                    sweep,
                    grid,
                    source,
                };
                sweep
                    .queue
                    .iter()
                    .enumerate()
                    .filter(|(_, cells)| !cells.is_empty())
                    .filter(move |(source, _)| Ineligibility::of(worker, site(*source)).is_none())
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
        let mut cells = candidates
            .into_iter()
            .filter_map(|(rank, sweep, grid, cells)| {
                let cell = self.first_acceptable(id, grid, cells, now)?;
                Some((rank.0, sweep, cell))
            });
        let (priority, sweep, cell) = cells.next()?;
        // Of each sweep of the same priority its best cell.
        let mut rivals = vec![(sweep, cell)];
        for (other, sweep, cell) in cells {
            if other != priority {
                break;
            }
            if rivals.iter().all(|(rival, _)| *rival != sweep) {
                rivals.push((sweep, cell));
            }
        }
        let sweeps: Vec<u32> = rivals.iter().map(|(sweep, _)| *sweep).collect();
        let overdue = self.fairness.overdue(&sweeps);
        let (sweep, cell) = rivals
            .into_iter()
            .find(|(sweep, _)| overdue.is_none_or(|overdue| overdue == *sweep))?;
        Some(Picked {
            cell,
            turn: Some(SweepTurn {
                sweep,
                rivals: sweeps,
            }),
        })
    }

    /// The first cell whose job has not failed on this worker, unless nobody else could take it.
    fn first_acceptable(
        &self,
        id: WorkerId,
        grid: u32,
        cells: &BTreeSet<u32>,
        now: Timestamp,
    ) -> Option<CellRef> {
        let identity = self.workers.identity_of(id);
        cells
            .iter()
            .map(|cell| CellRef { grid, cell: *cell })
            .find(|cell| {
                let index = self.jobs.job_at(*cell);
                !self.jobs.job(index).failed_on(identity)
                    || !self.another_could_run(index, identity, now)
            })
    }
}
