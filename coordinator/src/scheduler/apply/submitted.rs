//! What submissions and steering do to the state.

use std::collections::BTreeSet;
use std::sync::Arc;

use sweeps::{JobId, JobStatus};

use super::super::job::{Grid, Job, JobIndex, Place, Places, State, Sweep};
use super::super::staged::STAGED;
use crate::model::submission::Submission;
use crate::scheduler::Scheduler;
use proto::nouns::{ControlAction, Counts, Target, Timestamp};

impl Scheduler {
    pub(super) fn apply_submitted(&mut self, at: Timestamp, submission: &Submission) {
        let grid = self.grids.len() as u32;
        self.grids.push(Grid {
            sweep: STAGED,
            table: submission.table.clone(),
            trainer_revision: submission.trainer_revision,
            jobs: Vec::with_capacity(submission.ids.len()),
        });
        self.by_id.reserve(submission.ids.len());
        self.jobs.reserve(submission.ids.len());
        let ids = &submission.ids[..submission.ids.len().min(submission.table.len())];
        self.add_jobs(grid, ids);
        self.adopt(at, submission.without_cells(submission.table.clone()), grid);
    }

    /// Adds the jobs of a grid's next cells. Those that are new are in no sweep yet, and nobody knows of them.
    pub(in crate::scheduler) fn add_jobs(&mut self, grid: u32, ids: &[JobId]) {
        let first = self.grids[grid as usize].jobs.len();
        for (id, cell) in ids.iter().zip(first..) {
            let next = JobIndex(self.jobs.len() as u32);
            let job = *self.by_id.entry(*id).or_insert(next);
            if job == next {
                self.jobs.push(Job {
                    id: *id,
                    home: Place {
                        grid,
                        cell: cell as u32,
                    },
                    places: Places::default(),
                    attempts: sweeps::AttemptNumber(0),
                    state: State::Queued,
                    history: None,
                    paused: false,
                });
            }
            self.grids[grid as usize].jobs.push(job);
        }
    }

    /// Makes a grid, whose jobs are there, the current version of its sweep.
    pub(in crate::scheduler) fn adopt(&mut self, at: Timestamp, submission: Submission, grid: u32) {
        let known = self.sweep_names.get(submission.name.as_str()).copied();
        let index = known.unwrap_or_else(|| {
            let name: Arc<str> = submission.name.as_str().into();
            let index = self.sweeps.len() as u32;
            self.sweep_names.insert(name.clone(), index);
            self.sweeps.push(Sweep {
                name,
                submission: submission.clone(),
                submitted_at: at,
                grid: u32::MAX,
                paused: false,
                cancelled: false,
                counts: Counts::default(),
                queue: Vec::new(),
                discrepancies: 0,
            });
            index
        });
        self.leave_grid(self.sweeps[index as usize].grid);

        let table = submission.table.clone();
        let sweep = &mut self.sweeps[index as usize];
        sweep.submission = submission;
        sweep.submitted_at = at;
        sweep.grid = grid;
        sweep.cancelled = false;
        sweep.queue = vec![BTreeSet::new(); table.sources().len()];
        self.touched.insert(index);
        self.dispatch_needed = true;
        // Most jobs are new or in no other sweep. They are entered together: each by itself takes a second for a million.
        let mut waiting: Vec<Vec<u32>> = vec![Vec::new(); table.sources().len()];
        let mut entered = Counts::default();
        let jobs = std::mem::take(&mut self.grids[grid as usize].jobs);
        for (job, cell) in jobs.iter().copied().zip(0..) {
            let place = Place { grid, cell };
            if self.is_staged(self.job(job)) {
                self.job_mut(job).home = place;
            }
            let entering = &mut self.jobs[job.0 as usize];
            if entering.places.is_empty() {
                entering.places.add(place);
                if matches!(entering.state, State::Cancelled) {
                    entering.state = State::Queued;
                }
                entered.0[entering.status() as usize] += 1;
                if matches!(entering.state, State::Queued) && !entering.paused {
                    waiting[table.source_of(cell as usize)].push(cell);
                }
                continue;
            }
            self.grids[grid as usize].sweep = index;
            self.count(index, std::mem::take(&mut entered));
            self.withdraw(job);
            let entering = self.job_mut(job);
            entering.places.add(place);
            // Submitting a cancelled job again asks for it again.
            if matches!(entering.state, State::Cancelled) {
                entering.state = State::Queued;
            }
            self.enter(job);
        }
        let adopted = &mut self.grids[grid as usize];
        adopted.sweep = index;
        adopted.jobs = jobs;
        self.count(index, entered);
        let sweep = &mut self.sweeps[index as usize];
        for (queue, cells) in sweep.queue.iter_mut().zip(waiting) {
            // In order: made at once.
            queue.append(&mut cells.into_iter().collect());
        }
        if sweep.queue.iter().all(BTreeSet::is_empty) {
            self.ready.remove(&index);
        } else {
            self.ready.insert(index);
        }
        self.drop_hidden_audits();
    }

    fn count(&mut self, sweep: u32, entered: Counts) {
        let counts = &mut self.sweeps[sweep as usize].counts.0;
        for (count, entered) in counts.iter_mut().zip(entered.0) {
            *count += entered;
        }
    }

    /// Takes a sweep's old grid out of the jobs' places. Jobs without a place are kept, hidden, and do not run. What waits in
    /// the sweep's queue is of no use afterwards.
    fn leave_grid(&mut self, grid: u32) {
        let Some(old) = self.grids.get_mut(grid as usize) else {
            return;
        };
        let sweep = old.sweep as usize;
        for job in std::mem::take(&mut old.jobs) {
            let leaving = &mut self.jobs[job.0 as usize];
            if leaving.places.are_of(grid) {
                leaving.places = Places::default();
                self.sweeps[sweep].counts.0[leaving.status() as usize] -= 1;
                continue;
            }
            self.withdraw(job);
            self.job_mut(job).places.remove_grid(grid);
            self.enter(job);
        }
    }

    pub(super) fn apply_steered(
        &mut self,
        at: Timestamp,
        target: &Target,
        action: ControlAction,
        tell: bool,
    ) -> u64 {
        let jobs: Vec<JobIndex> = match target {
            Target::Job(id) => self.find(id).into_iter().collect(),
            Target::Sweep(name) => {
                let Some(index) = self.sweep_names.get(name.as_str()).copied() else {
                    return 0;
                };
                let sweep = &mut self.sweeps[index as usize];
                self.dispatch_needed = true;
                self.touched.insert(index);
                match action {
                    ControlAction::Cancel => sweep.cancelled = true,
                    ControlAction::Retry => sweep.cancelled = false,
                    ControlAction::Pause | ControlAction::Resume => {
                        sweep.paused = action == ControlAction::Pause;
                        let waiting = sweep.counts.of(JobStatus::Pending);
                        return waiting;
                    }
                }
                let mut jobs = self.grids[sweep.grid as usize].jobs.clone();
                jobs.sort_unstable();
                jobs.dedup();
                jobs
            }
        };
        let whole_sweep = matches!(target, Target::Sweep(_));
        let mut changed = 0;
        for index in jobs {
            if action == ControlAction::Cancel
                && self.audits.contains_key(&index)
                && (!whole_sweep || !self.is_wanted(index))
            {
                self.set_audit(index, None);
                changed += 1;
                continue;
            }
            let job = &self.jobs[index.0 as usize];
            let next = match (action, &job.state) {
                (ControlAction::Cancel, State::Queued | State::Leased(_))
                    if !whole_sweep || !self.is_wanted(index) =>
                {
                    State::Cancelled
                }
                (ControlAction::Retry, State::Failed | State::Quarantined | State::Cancelled) => {
                    if let Some(history) = &mut self.job_mut(index).history {
                        history.counts = Default::default();
                        history.blamed.clear();
                    }
                    State::Queued
                }
                (ControlAction::Pause | ControlAction::Resume, state) => {
                    let paused = action == ControlAction::Pause;
                    if job.paused == paused || matches!(state, State::Done(_)) {
                        continue;
                    }
                    self.withdraw(index);
                    self.job_mut(index).paused = paused;
                    self.enter(index);
                    changed += 1;
                    continue;
                }
                _ => continue,
            };
            self.note_lost(index, at);
            self.set_state(index, next);
            changed += 1;
            if tell {
                self.publish_job(index, None, None);
            }
        }
        changed
    }

    /// Whether a sweep that is not cancelled wants the job.
    pub(super) fn is_wanted(&self, index: JobIndex) -> bool {
        self.job(index)
            .places
            .iter()
            .any(|place| !self.sweeps[self.grid(place.grid).sweep as usize].cancelled)
    }
}
