//! Every job, the sweeps that want them, and what follows from where jobs stand: counts and queues.
//!
//! *Invariant:* a sweep's counts and queues say the same as the states of its jobs. A change of a job's state, cells or hold
//! goes through [`JobTable::change`], which takes the job out of both before it and enters it again after it.
//!
//! `adoption` makes a submission's cells the current version of a sweep, new jobs all at once; `restore` fills the table from
//! an image; `growth` adds seeds to a sweep.

mod adoption;
#[cfg(test)]
mod check;
mod growth;
mod restore;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use looks::Look;
use sweeps::{AttemptNumber, Digest, JobId};

use super::done::Done;
use super::job::{CellRef, Grid, History, Job, JobIndex, JobState, Sweep};
use super::job_ids::JobIds;
use proto::nouns::{AttemptFailure, AuditVerdict, Receipt, Timestamp};

/// The sweep of a grid that is no sweep's: its submission has not ended, or never did.
pub(super) const STAGED: u32 = u32::MAX;

/// Every job, and the sweeps that want them.
#[derive(Debug, Clone, Default)]
pub(super) struct JobTable {
    ids: JobIds,
    /// At the positions of their ids.
    jobs: Vec<Job>,
    grids: Vec<Grid>,
    sweeps: Vec<Sweep>,
    sweep_names: BTreeMap<Arc<str>, u32>,
    /// Sweeps that have jobs in their queues, paused ones included.
    ready: BTreeSet<u32>,
    /// Sweeps whose counts changed since that was last asked.
    touched: BTreeSet<u32>,
    /// A job came into a queue since that was last asked.
    has_queued: bool,
}

/// What a cell asks of the worker that is to run it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) sweep: &'a Sweep,
    pub(super) grid: &'a Grid,
    /// The position of its data set in the grid's list.
    pub(super) source: usize,
}

impl JobTable {
    /// Jobs, those of submissions that have not ended included.
    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// The job of that id, as far as anybody may know of it.
    pub(super) fn find(&self, id: &JobId) -> Option<JobIndex> {
        let index = self.ids.find(id)?;
        (!self.is_staged(index)).then_some(index)
    }

    /// The id of a job.
    pub(super) fn id(&self, index: JobIndex) -> JobId {
        self.ids.id(index)
    }

    /// A job.
    pub(super) fn job(&self, index: JobIndex) -> &Job {
        &self.jobs[index.0 as usize]
    }

    /// Every job, those of submissions that have not ended included.
    pub(super) fn indices(&self) -> impl Iterator<Item = JobIndex> + use<> {
        (0..self.jobs.len() as u32).map(JobIndex)
    }

    /// Every job that anybody may know of.
    pub(super) fn known(&self) -> impl Iterator<Item = JobIndex> + '_ {
        self.indices().filter(|index| !self.is_staged(*index))
    }

    /// Whether a job belongs to a submission that has not ended, or never did, and to nothing else.
    pub(super) fn is_staged(&self, index: JobIndex) -> bool {
        self.grids
            .get(self.job(index).home.grid as usize)
            .is_none_or(|grid| grid.sweep == STAGED)
    }

    /// Whether a job belongs to a sweep besides `own`.
    pub(super) fn is_elsewhere(&self, index: JobIndex, own: Option<u32>) -> bool {
        let mut grids = self.job(index).cells.grids();
        grids.any(|grid| Some(self.grid(grid).sweep) != own)
    }

    /// Whether a sweep that is not cancelled wants the job.
    pub(super) fn is_wanted(&self, index: JobIndex) -> bool {
        let mut cells = self.job(index).cells.iter();
        cells.any(|cell| !self.site(cell).sweep.cancelled)
    }

    /// A version of a sweep.
    pub(super) fn grid(&self, grid: u32) -> &Grid {
        &self.grids[grid as usize]
    }

    /// Every version of every sweep.
    pub(super) fn grids(&self) -> &[Grid] {
        &self.grids
    }

    /// A sweep.
    pub(super) fn sweep(&self, sweep: u32) -> &Sweep {
        &self.sweeps[sweep as usize]
    }

    /// Every sweep, in the order of submission.
    pub(super) fn sweeps(&self) -> &[Sweep] {
        &self.sweeps
    }

    /// The number of the sweep of that name.
    pub(super) fn sweep_named(&self, name: &str) -> Option<u32> {
        self.sweep_names.get(name).copied()
    }

    /// Sweeps that have jobs in their queues, paused ones included.
    pub(super) fn ready(&self) -> &BTreeSet<u32> {
        &self.ready
    }

    /// What a cell of a sweep asks of its worker.
    pub(super) fn site(&self, cell: CellRef) -> Site<'_> {
        let grid = self.grid(cell.grid);
        Site {
            sweep: self.sweep(grid.sweep),
            grid,
            source: grid.table.source_of(cell.cell as usize),
        }
    }

    /// The job of a cell of a current grid.
    pub(super) fn job_at(&self, cell: CellRef) -> JobIndex {
        self.grid(cell.grid).jobs[cell.cell as usize]
    }

    /// Whether a job waits at that cell, in a sweep that may hand it out.
    pub(super) fn is_queued_at(&self, cell: CellRef) -> bool {
        let Site { sweep, source, .. } = self.site(cell);
        sweep.grid == cell.grid
            && !sweep.paused
            && !sweep.cancelled
            && sweep
                .queue
                .get(source)
                .is_some_and(|cells| cells.contains(&cell.cell))
    }

    /// The digest that a job's data set must have.
    pub(super) fn dataset_of(&self, index: JobIndex) -> Digest {
        let home = self.job(index).home;
        let table = &self.grid(home.grid).table;
        table.sources()[table.source_of(home.cell as usize)].1
    }

    /// The names of the sweeps that want a job.
    pub(super) fn sweeps_of(&self, index: JobIndex) -> Arc<[Arc<str>]> {
        self.job(index)
            .cells
            .grids()
            .map(|grid| self.sweep(self.grid(grid).sweep).name.clone())
            .collect()
    }

    /// The ids of the jobs whose ids `begin` so, at most `most`.
    pub(super) fn ids_that(&self, begin: impl Fn(&JobId) -> bool, most: usize) -> Vec<JobId> {
        self.ids
            .as_slice()
            .iter()
            .zip(self.indices())
            .filter(|(id, _)| begin(id))
            .filter(|(_, index)| !self.is_staged(*index))
            .map(|(id, _)| *id)
            .take(most)
            .collect()
    }

    /// Changes a job, and what follows from its state and cells.
    fn change(&mut self, index: JobIndex, change: impl FnOnce(&mut Job)) {
        self.withdraw(index);
        change(&mut self.jobs[index.0 as usize]);
        self.enter(index);
    }

    /// Takes a job out of the counts and queues of its sweeps.
    fn withdraw(&mut self, index: JobIndex) {
        let job = &self.jobs[index.0 as usize];
        for grid in job.cells.grids() {
            let sweep = self.grids[grid as usize].sweep;
            self.sweeps[sweep as usize].counts.0[job.status() as usize] -= 1;
            self.touched.insert(sweep);
        }
        if !matches!(job.state, JobState::Queued) {
            return;
        }
        for cell in job.cells.iter() {
            let grid = &self.grids[cell.grid as usize];
            let sweep = &mut self.sweeps[grid.sweep as usize];
            sweep.queue[grid.table.source_of(cell.cell as usize)].remove(&cell.cell);
            if sweep.queue.iter().all(BTreeSet::is_empty) {
                self.ready.remove(&grid.sweep);
            }
        }
    }

    /// The inverse of [`Self::withdraw`].
    fn enter(&mut self, index: JobIndex) {
        let job = &self.jobs[index.0 as usize];
        for grid in job.cells.grids() {
            let sweep = self.grids[grid as usize].sweep;
            self.sweeps[sweep as usize].counts.0[job.status() as usize] += 1;
            self.touched.insert(sweep);
        }
        if !matches!(job.state, JobState::Queued) || job.paused {
            return;
        }
        for cell in job.cells.iter() {
            let grid = &self.grids[cell.grid as usize];
            let sweep = &mut self.sweeps[grid.sweep as usize];
            sweep.queue[grid.table.source_of(cell.cell as usize)].insert(cell.cell);
            self.ready.insert(grid.sweep);
            self.has_queued = true;
        }
    }

    /// Brings a job into another state.
    pub(super) fn set_state(&mut self, index: JobIndex, state: JobState) {
        self.change(index, |job| job.state = state);
    }

    /// Puts a job on hold, or lets it go.
    pub(super) fn set_paused(&mut self, index: JobIndex, paused: bool) {
        self.change(index, |job| job.paused = paused);
    }

    /// The number of a job's last attempt grew.
    pub(super) fn set_attempts(&mut self, index: JobIndex, attempts: AttemptNumber) {
        self.jobs[index.0 as usize].attempts = attempts;
    }

    /// The lease of a leased job ends at another time: when it ended before.
    pub(super) fn set_expiry(&mut self, index: JobIndex, expires: Timestamp) -> Option<Timestamp> {
        match &mut self.jobs[index.0 as usize].state {
            JobState::Leased(lease) => Some(std::mem::replace(&mut lease.expires, expires)),
            _ => None,
        }
    }

    /// An attempt at a job ended without a result after so long.
    pub(super) fn note_lost(&mut self, index: JobIndex, milliseconds: u64) {
        let history = self.history_mut(index);
        history.lost_ms = history.lost_ms.saturating_add(milliseconds);
    }

    /// A job failed on the worker of that name by its own fault or the worker's.
    pub(super) fn note_blamed(&mut self, index: JobIndex, worker: &str) {
        self.history_mut(index).blamed.insert(worker.to_owned());
    }

    /// An attempt at a job failed.
    pub(super) fn note_failure(&mut self, index: JobIndex, failure: AttemptFailure) {
        let history = self.history_mut(index);
        let count = &mut history.counts[failure.failure.class as usize];
        *count = count.saturating_add(1);
        if history.failures.len() == History::FAILURES {
            history.failures.remove(0);
        }
        history.failures.push(failure);
    }

    /// So much of the time that a job lost was not lost.
    pub(super) fn note_regained(&mut self, index: JobIndex, milliseconds: u64) {
        if let Some(history) = &mut self.jobs[index.0 as usize].history {
            history.lost_ms = history.lost_ms.saturating_sub(milliseconds);
        }
    }

    /// A person wants a job to be tried again: failures before that do not count.
    pub(super) fn forgive(&mut self, index: JobIndex) {
        if let Some(history) = &mut self.jobs[index.0 as usize].history {
            history.counts = Default::default();
            history.blamed.clear();
        }
    }

    /// How the audit of a finished job ended; `None`: it begins anew.
    pub(super) fn set_audited(&mut self, index: JobIndex, verdict: Option<AuditVerdict>) {
        if let Some(done) = self.done_mut(index) {
            done.audit = verdict;
        }
    }

    /// A second record of a finished job was compared with its first.
    pub(super) fn note_compared(
        &mut self,
        index: JobIndex,
        attempt: AttemptNumber,
        receipt: Receipt,
    ) {
        let Some(done) = self.done_mut(index) else {
            return;
        };
        done.compared.push((attempt, receipt));
        if receipt == Receipt::Differs {
            let grids = self.jobs[index.0 as usize].cells.grids();
            let sweeps: BTreeSet<u32> = grids.map(|grid| self.grids[grid as usize].sweep).collect();
            for sweep in sweeps {
                self.sweeps[sweep as usize].discrepancies += 1;
            }
        }
    }

    fn history_mut(&mut self, index: JobIndex) -> &mut History {
        self.jobs[index.0 as usize].history.get_or_insert_default()
    }

    fn done_mut(&mut self, index: JobIndex) -> Option<&mut Done> {
        match &mut self.jobs[index.0 as usize].state {
            JobState::Done(done) => Some(done),
            _ => None,
        }
    }

    /// Pauses a sweep, or lets it go.
    pub(super) fn set_sweep_paused(&mut self, sweep: u32, paused: bool) {
        self.sweeps[sweep as usize].paused = paused;
        self.touched.insert(sweep);
    }

    /// Cancels a sweep, or wants it again; its jobs are another matter.
    pub(super) fn set_sweep_cancelled(&mut self, sweep: u32, cancelled: bool) {
        self.sweeps[sweep as usize].cancelled = cancelled;
        self.touched.insert(sweep);
    }

    /// Sweeps with claims whose counts changed since that was last asked; those may be looked at.
    pub(super) fn touched_with_claims(&self) -> Vec<u32> {
        let touched = self.touched.iter().copied();
        touched
            .filter(|sweep| self.sweep(*sweep).submission.claims.is_some())
            .collect()
    }

    /// The claims of a sweep were looked at, and cells were added to their arms.
    pub(super) fn note_looks(&mut self, sweep: u32, looks: &[Look], added: &[(u32, u32)]) {
        let Some(claims) = &mut self.sweeps[sweep as usize].submission.claims else {
            return;
        };
        claims.looks.extend_from_slice(looks);
        for (arm, cell) in added {
            if let Some(cells) = claims.arms.get_mut(*arm as usize) {
                cells.push(*cell);
            }
        }
        self.touched.insert(sweep);
    }

    /// How many looks and how many cells a sweep has: what a look adds to.
    pub(super) fn extent_of_claims(&self, sweep: u32) -> (usize, usize) {
        let sweep = self.sweep(sweep);
        let claims = sweep.submission.claims.as_ref();
        let looks = claims.map_or(0, |claims| claims.looks.len());
        (looks, self.grid(sweep.grid).jobs.len())
    }

    /// Whether seeds are added for the undecided claims of a sweep.
    pub(super) fn set_growing(&mut self, sweep: u32, grows: bool) {
        if let Some(claims) = &mut self.sweeps[sweep as usize].submission.claims {
            claims.grows = grows;
            self.touched.insert(sweep);
        }
    }

    /// Sweeps whose counts changed since this was last asked.
    pub(super) fn take_touched(&mut self) -> BTreeSet<u32> {
        std::mem::take(&mut self.touched)
    }

    /// Whether a job came into a queue since this was last asked.
    pub(super) fn take_has_queued(&mut self) -> bool {
        std::mem::take(&mut self.has_queued)
    }
}
