//! Seeds that are added to a sweep: cells at the end of its grid, which keeps its number.

use std::sync::Arc;

use sweeps::JobId;

use super::JobTable;
use crate::model::cells::{CellTable, TablePart};
use crate::scheduler::job::CellRef;

impl JobTable {
    /// Adds cells to the current version of a sweep, and their jobs; answers the first of their positions. `None`: they do not
    /// fit it, and nothing is changed.
    pub(in crate::scheduler) fn grow(
        &mut self,
        sweep: u32,
        part: &TablePart,
        ids: &[JobId],
    ) -> Option<u32> {
        let grid = self.sweep(sweep).grid;
        let grown = self.grids.get_mut(grid as usize)?;
        let first = grown.jobs.len();
        // Held once, it is not copied.
        self.sweeps[sweep as usize].submission.table = Arc::default();
        let table: &mut CellTable = Arc::make_mut(&mut grown.table);
        let fits = table.len() == first && part.len() == ids.len();
        let fits = fits && table.append(part).is_ok();
        self.sweeps[sweep as usize].submission.table = grown.table.clone();
        if !fits {
            return None;
        }
        self.add_jobs(grid, ids);
        for cell in first..first + ids.len() {
            let here = CellRef {
                grid,
                cell: cell as u32,
            };
            let job = self.job_at(here);
            if self.is_staged(job) {
                self.jobs[job.0 as usize].home = here;
            }
            self.change(job, |job| job.enter_cell(here));
        }
        Some(first as u32)
    }
}
