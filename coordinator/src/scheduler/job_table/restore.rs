//! The table from an image, part by part. An image that contradicts itself is refused.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{JobTable, STAGED};
use crate::model::cells::CellTable;
use crate::model::image::{ImageError, JobImage, SweepImage};
use crate::model::submission::Submission;
use crate::scheduler::job::{CellRef, CellRefs, Grid, History, Job, JobIndex, JobState, Sweep};
use proto::nouns::Counts;

impl JobTable {
    pub(in crate::scheduler) fn restore_grid(
        &mut self,
        sweep: u32,
        trainer_revision: u32,
        table: Arc<CellTable>,
        jobs: &[u32],
    ) -> Result<(), ImageError> {
        if !jobs.is_empty() && jobs.len() != table.len() {
            return Err(ImageError("a sweep has not as many jobs as cells"));
        }
        self.grids.push(Grid {
            sweep,
            table,
            trainer_revision,
            jobs: jobs.iter().copied().map(JobIndex).collect(),
        });
        Ok(())
    }

    pub(in crate::scheduler) fn restore_sweep(
        &mut self,
        image: &SweepImage,
    ) -> Result<(), ImageError> {
        let index = self.sweeps.len() as u32;
        let Some(grid) = self.grids.get(image.grid as usize) else {
            return Err(ImageError("a sweep has no grid"));
        };
        if grid.sweep != index {
            return Err(ImageError("a grid belongs to another sweep"));
        }
        let claims = image.claims.as_deref();
        if claims.is_some_and(|claims| !claims.fits(grid.table.len())) {
            return Err(ImageError("a claim is about cells that are missing"));
        }
        let name: Arc<str> = image.name.as_str().into();
        self.sweep_names.insert(name.clone(), index);
        self.sweeps.push(Sweep {
            name,
            submission: Submission {
                name: image.name.clone(),
                description: image.description.clone(),
                file: image.file.clone(),
                text: image.text.clone(),
                priority: image.priority,
                requirements: image.requirements.clone(),
                dry_run: false,
                claims: image.claims.clone(),
                trainer_revision: image.trainer_revision,
                table: grid.table.clone(),
                ids: Vec::new(),
            },
            submitted_at: image.submitted_at,
            grid: image.grid,
            paused: image.paused,
            cancelled: image.cancelled,
            counts: Counts::default(),
            queue: vec![BTreeSet::new(); grid.table.sources().len()],
            discrepancies: image.discrepancies,
        });
        Ok(())
    }

    pub(in crate::scheduler) fn restore_job(
        &mut self,
        image: &JobImage,
        state: JobState,
        history: Option<Box<History>>,
    ) -> Result<JobIndex, ImageError> {
        let missing = ImageError("a job's cell is missing");
        let next = JobIndex(self.jobs.len() as u32);
        let cell_ref = |(grid, cell): (u32, u32)| CellRef { grid, cell };
        let cells: CellRefs = image.cells.iter().copied().map(cell_ref).collect();
        let means_it = |cell: CellRef| {
            let grid = self.grids.get(cell.grid as usize);
            grid.and_then(|grid| grid.jobs.get(cell.cell as usize)) == Some(&next)
        };
        if !cells
            .iter()
            .all(|cell| self.is_of_a_sweep(cell) && means_it(cell))
        {
            return Err(missing);
        }
        let home = cell_ref(image.home);
        let is_staged = self.grids.get(home.grid as usize);
        let is_staged = is_staged.is_some_and(|grid| grid.sweep == STAGED);
        if !self.is_of_a_sweep(home) && !is_staged {
            return Err(missing);
        }
        let (index, is_new) = self.ids.find_or_add(image.id);
        if !is_new {
            return Err(ImageError("a job is there twice"));
        }
        self.jobs.push(Job {
            home,
            cells,
            attempts: image.attempts,
            state,
            history,
            paused: image.paused,
        });
        self.enter(index);
        Ok(index)
    }

    fn is_of_a_sweep(&self, cell: CellRef) -> bool {
        self.grids.get(cell.grid as usize).is_some_and(|grid| {
            (grid.sweep as usize) < self.sweeps.len() && (cell.cell as usize) < grid.table.len()
        })
    }

    /// Whether there are so many jobs, and all that the grids mean.
    pub(in crate::scheduler) fn is_whole(&self, jobs: u64) -> bool {
        let mut meant = self.grids.iter().flat_map(|grid| &grid.jobs);
        jobs == self.len() as u64 && meant.all(|job| self.exists(*job))
    }

    /// Whether there is a job at that position.
    pub(in crate::scheduler) fn exists(&self, index: JobIndex) -> bool {
        (index.0 as usize) < self.jobs.len()
    }
}
