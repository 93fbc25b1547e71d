//! What submissions and steering do to the state.

use std::collections::BTreeSet;
use std::sync::Arc;

use sweeps::JobStatus;

use super::super::job::{Grid, Job, JobIndex, Place, Places, State, Sweep};
use crate::model::entry::Submission;
use crate::scheduler::Scheduler;
use proto::nouns::{ControlAction, Counts, Target, Timestamp};

impl Scheduler {
    pub(super) fn apply_submitted(&mut self, at: Timestamp, submission: &Submission) {
        // The ids are in the grid: a million of them are not copied.
        let without_ids = Submission {
            name: submission.name.clone(),
            description: submission.description.clone(),
            file: submission.file.clone(),
            text: submission.text.clone(),
            priority: submission.priority,
            requirements: submission.requirements.clone(),
            dry_run: submission.dry_run,
            trainer_revision: submission.trainer_revision,
            table: submission.table.clone(),
            ids: Vec::new(),
        };
        let index = if let Some(index) = self.sweep_names.get(submission.name.as_str()) {
            *index
        } else {
            let name: Arc<str> = submission.name.as_str().into();
            let index = self.sweeps.len() as u32;
            self.sweep_names.insert(name.clone(), index);
            self.sweeps.push(Sweep {
                name,
                submission: without_ids.clone(),
                submitted_at: at,
                grid: u32::MAX,
                paused: false,
                cancelled: false,
                counts: Counts::default(),
                queue: Vec::new(),
                discrepancies: 0,
            });
            index
        };
        self.leave_grid(self.sweeps[index as usize].grid);

        let grid = self.grids.len() as u32;
        let sweep = &mut self.sweeps[index as usize];
        sweep.submission = without_ids;
        sweep.submitted_at = at;
        sweep.grid = grid;
        sweep.cancelled = false;
        sweep.queue = vec![BTreeSet::new(); submission.table.sources().len()];
        self.grids.push(Grid {
            sweep: index,
            table: submission.table.clone(),
            trainer_revision: submission.trainer_revision,
            jobs: Vec::with_capacity(submission.ids.len()),
        });
        self.touched.insert(index);
        self.by_id.reserve(submission.ids.len());
        self.jobs.reserve(submission.ids.len());
        for (cell, id) in submission
            .ids
            .iter()
            .enumerate()
            .take(submission.table.len())
        {
            let place = Place {
                grid,
                cell: cell as u32,
            };
            let job = if let Some(known) = self.by_id.get(id) {
                *known
            } else {
                let job = JobIndex(self.jobs.len() as u32);
                self.by_id.insert(*id, job);
                self.jobs.push(Job {
                    id: *id,
                    home: place,
                    places: Places::default(),
                    attempts: sweeps::AttemptNumber(0),
                    state: State::Queued,
                    history: None,
                    paused: false,
                });
                job
            };
            self.withdraw(job);
            let entering = self.job_mut(job);
            entering.places.add(place);
            // Submitting a cancelled job again asks for it again.
            if matches!(entering.state, State::Cancelled) {
                entering.state = State::Queued;
            }
            self.enter(job);
            self.grids[grid as usize].jobs.push(job);
        }
        self.drop_hidden_audits();
    }

    /// Takes a sweep's old grid out of the jobs' places. Jobs without a place are kept, hidden, and do not run.
    pub(super) fn leave_grid(&mut self, grid: u32) {
        let Some(old) = self.grids.get_mut(grid as usize) else {
            return;
        };
        for job in std::mem::take(&mut old.jobs) {
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
            Target::Job(id) => self.by_id.get(id).copied().into_iter().collect(),
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
