//! What submissions do to the state, whole ones and those that come in parts.

use std::sync::Arc;

use sweeps::JobId;

use crate::model::cells::TablePart;
use crate::model::submission::Submission;
use crate::scheduler::Scheduler;
use crate::scheduler::job::JobIndex;
use crate::scheduler::staged::Staged;
use proto::nouns::Timestamp;

/// Room that is made beforehand for the jobs of a submission, at most: a journal that was edited by hand may say anything.
const MOST_ROOM: u64 = 4_000_000;

impl Scheduler {
    pub(super) fn apply_submitted(&mut self, at: Timestamp, submission: &Submission) {
        let ids = &submission.ids[..submission.ids.len().min(submission.table.len())];
        let table = submission.table.clone();
        let grid = self
            .jobs
            .add_grid(table.clone(), submission.trainer_revision, ids.len());
        self.jobs.add_jobs(grid, ids);
        self.adopt(at, submission.without_cells(table), grid);
    }

    pub(super) fn apply_begun(&mut self, submission: &Submission, cells: u64) {
        self.drop_staged();
        let room = cells.min(MOST_ROOM) as usize;
        let mut table = (*submission.table).clone();
        table.reserve(room);
        let revision = submission.trainer_revision;
        let grid = self.jobs.add_grid(Arc::new(table), revision, room);
        self.staged = Some(Staged {
            submission: submission.without_cells(Arc::default()),
            grid,
            cells,
        });
    }

    pub(super) fn apply_part(&mut self, part: &TablePart, ids: &[JobId]) {
        if let Some(staged) = &self.staged
            && !self.jobs.append(staged.grid, part, ids)
        {
            self.drop_staged();
        }
    }

    pub(super) fn apply_ended(&mut self, at: Timestamp) {
        let Some(Staged {
            submission,
            grid,
            cells,
        }) = self.staged.take()
        else {
            return;
        };
        let jobs = self.jobs.grid(grid).jobs.len();
        if jobs == 0 || jobs as u64 != cells {
            self.jobs.empty_grid(grid);
            return;
        }
        let table = self.jobs.grid(grid).table.clone();
        self.adopt(at, submission.without_cells(table), grid);
    }

    /// Forgets a submission that will not end. Its jobs are nobody's.
    pub(super) fn drop_staged(&mut self) {
        if let Some(staged) = self.staged.take() {
            self.jobs.empty_grid(staged.grid);
        }
    }

    fn adopt(&mut self, at: Timestamp, submission: Submission, grid: u32) {
        self.jobs.adopt(at, submission, grid);
        // Audits of jobs that no sweep wants any more end: nobody would run them.
        let hidden: Vec<JobIndex> = self
            .audits
            .iter()
            .map(|(index, _)| index)
            .filter(|index| self.jobs.job(*index).cells.is_empty())
            .collect();
        for index in hidden {
            self.set_audit(index, None);
        }
    }
}
