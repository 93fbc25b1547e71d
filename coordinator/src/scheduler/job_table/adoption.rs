//! Submissions: cells with their jobs, which become the current version of a sweep.

use std::collections::BTreeSet;
use std::sync::Arc;

use sweeps::{AttemptNumber, JobId};

use super::{JobTable, STAGED};
use crate::model::cells::{CellTable, TablePart};
use crate::model::submission::Submission;
use crate::scheduler::job::{CellRef, CellRefs, Grid, Job, JobIndex, JobState, Sweep};
use proto::nouns::{Counts, Timestamp};

impl JobTable {
    /// Adds a grid that is no sweep's yet, with room for so many jobs; answers its number.
    pub(in crate::scheduler) fn add_grid(
        &mut self,
        table: Arc<CellTable>,
        trainer_revision: u32,
        room: usize,
    ) -> u32 {
        let grid = self.grids.len() as u32;
        self.grids.push(Grid {
            sweep: STAGED,
            table,
            trainer_revision,
            jobs: Vec::with_capacity(room),
        });
        self.ids.reserve(room);
        self.jobs.reserve(room);
        grid
    }

    /// Adds the next cells of a grid that is no sweep's yet, and their jobs. `false`: they do not fit it.
    #[must_use]
    pub(in crate::scheduler) fn append(
        &mut self,
        grid: u32,
        part: &TablePart,
        ids: &[JobId],
    ) -> bool {
        let staged = &mut self.grids[grid as usize];
        let table: &mut CellTable = Arc::make_mut(&mut staged.table);
        if table.append(part).is_err() || table.len() != staged.jobs.len() + ids.len() {
            return false;
        }
        self.add_jobs(grid, ids);
        true
    }

    /// Adds the jobs of a grid's next cells. Those that are new are in no sweep yet, and nobody knows of them.
    pub(in crate::scheduler) fn add_jobs(&mut self, grid: u32, ids: &[JobId]) {
        let first = self.grids[grid as usize].jobs.len();
        for (id, cell) in ids.iter().zip(first..) {
            let (job, is_new) = self.ids.find_or_add(*id);
            if is_new {
                self.jobs.push(Job {
                    home: CellRef {
                        grid,
                        cell: cell as u32,
                    },
                    cells: CellRefs::default(),
                    attempts: AttemptNumber(0),
                    state: JobState::Queued,
                    history: None,
                    paused: false,
                });
            }
            self.grids[grid as usize].jobs.push(job);
        }
    }

    /// Forgets the cells of a grid that will be no sweep's. Its jobs are nobody's.
    pub(in crate::scheduler) fn empty_grid(&mut self, grid: u32) {
        let grid = &mut self.grids[grid as usize];
        grid.jobs = Vec::new();
        grid.table = Arc::default();
    }

    /// Makes a grid, whose jobs are there, the current version of its sweep.
    pub(in crate::scheduler) fn adopt(&mut self, at: Timestamp, submission: Submission, grid: u32) {
        let known = self.sweep_named(&submission.name);
        let index = known.unwrap_or_else(|| self.add_sweep(&submission, at));
        self.leave_grid(self.sweeps[index as usize].grid);

        let table = submission.table.clone();
        let sweep = &mut self.sweeps[index as usize];
        sweep.submission = submission;
        sweep.submitted_at = at;
        sweep.grid = grid;
        sweep.cancelled = false;
        sweep.queue = vec![BTreeSet::new(); table.sources().len()];
        self.touched.insert(index);
        // Most jobs are new or in no other sweep. They are entered together: each by itself takes a second for a million.
        let mut waiting: Vec<Vec<u32>> = vec![Vec::new(); table.sources().len()];
        let mut entered = Counts::default();
        let jobs = std::mem::take(&mut self.grids[grid as usize].jobs);
        for (job, cell) in jobs.iter().copied().zip(0..) {
            let here = CellRef { grid, cell };
            if self.is_staged(job) {
                self.jobs[job.0 as usize].home = here;
            }
            let entering = &mut self.jobs[job.0 as usize];
            if entering.cells.is_empty() {
                entering.enter_cell(here);
                entered.0[entering.status() as usize] += 1;
                if matches!(entering.state, JobState::Queued) && !entering.paused {
                    waiting[table.source_of(cell as usize)].push(cell);
                }
                continue;
            }
            self.grids[grid as usize].sweep = index;
            self.count(index, std::mem::take(&mut entered));
            self.change(job, |job| job.enter_cell(here));
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
        self.has_queued = true;
    }

    fn add_sweep(&mut self, submission: &Submission, at: Timestamp) -> u32 {
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
    }

    fn count(&mut self, sweep: u32, entered: Counts) {
        let counts = &mut self.sweeps[sweep as usize].counts.0;
        for (count, entered) in counts.iter_mut().zip(entered.0) {
            *count += entered;
        }
    }

    /// Takes a sweep's old grid out of the jobs' cells. Jobs without a cell are kept, hidden, and do not run. What waits in
    /// the sweep's queue is of no use afterwards.
    fn leave_grid(&mut self, grid: u32) {
        let Some(old) = self.grids.get_mut(grid as usize) else {
            return;
        };
        let sweep = old.sweep as usize;
        for job in std::mem::take(&mut old.jobs) {
            let leaving = &mut self.jobs[job.0 as usize];
            if leaving.cells.are_of(grid) {
                leaving.cells = CellRefs::default();
                self.sweeps[sweep].counts.0[leaving.status() as usize] -= 1;
                continue;
            }
            self.change(job, |job| job.cells.remove_grid(grid));
        }
    }

    /// The different jobs of a grid.
    pub(in crate::scheduler) fn distinct(&self, grid: u32) -> BTreeSet<JobIndex> {
        self.grid(grid).jobs.iter().copied().collect()
    }
}

impl Job {
    /// A cell means the job. Submitting a cancelled job again asks for it again.
    pub(super) fn enter_cell(&mut self, cell: CellRef) {
        self.cells.add(cell);
        if matches!(self.state, JobState::Cancelled) {
            self.state = JobState::Queued;
        }
    }
}
