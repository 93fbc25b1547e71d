//! What follows for the claims of a sweep from the results so far: looks, and seeds for those that are undecided.
//!
//! *Invariant:* a decision is a function of the results by seed. It waits until every seed that was given to an undecided claim has
//! ended, so that neither order of finishing nor number of workers nor a restart changes seeds or verdicts.

use looks::{Arm, Round, Seed};
use sweeps::JobId;

use crate::model::cells::{CellError, CellTable, TablePart};
use crate::model::claims::SweepClaims;
use crate::model::entry::Entry;
use crate::scheduler::Scheduler;
use crate::scheduler::job::{CellRef, JobState, Sweep};
use proto::nouns::Timestamp;

impl Scheduler {
    /// The next looks at the claims of a sweep, if any are due.
    pub(in crate::scheduler) fn decide_looks(&self, now: Timestamp, sweep: u32) -> Option<Entry> {
        let sweep = self.jobs.sweep(sweep);
        let claims = sweep.submission.claims.as_deref()?;
        if sweep.cancelled {
            return None;
        }
        let is_awaited = |arm: u32| {
            let cells = claims.arms.get(arm as usize);
            // The last seeds to be added are the last to end.
            cells.is_none_or(|cells| {
                let mut cells = cells.iter().rev();
                cells.any(|cell| self.seed_at(sweep.grid, *cell) == Seed::Waiting)
            })
        };
        if !claims.family.may_go_on(&claims.looks, is_awaited) {
            return None;
        }
        let arms = self.arms_of(sweep, claims);
        let round = claims.family.next(&arms, &claims.looks, claims.grows)?;
        let grid = self.jobs.grid(sweep.grid);
        let added = added_cells(claims, &round, &grid.table);
        // A table that this version of the program cannot read gets no seeds; its jobs cannot be handed out either.
        let (table, ids, arms) = added
            .and_then(|added| identified(&grid.table, grid.trainer_revision, &added))
            .unwrap_or_default();
        if round.looks.is_empty() && ids.is_empty() {
            return None;
        }
        Some(Entry::Looked {
            at: now,
            sweep: sweep.name.to_string(),
            looks: round.looks,
            table,
            ids,
            arms,
        })
    }

    /// What became of the seeds of each arm.
    pub(in crate::scheduler) fn arms_of(&self, sweep: &Sweep, claims: &SweepClaims) -> Vec<Arm> {
        claims
            .arms
            .iter()
            .map(|cells| {
                let seeds = cells.iter().map(|cell| self.seed_at(sweep.grid, *cell));
                let work = cells.iter().find_map(|cell| {
                    let job = self.job_of(sweep.grid, *cell)?;
                    Some(job.done()?.work)
                });
                Arm {
                    seeds: seeds.collect(),
                    work: work.unwrap_or(0),
                }
            })
            .collect()
    }

    fn seed_at(&self, grid: u32, cell: u32) -> Seed {
        let Some(job) = self.job_of(grid, cell) else {
            return Seed::Lost;
        };
        match &job.state {
            JobState::Queued | JobState::Leased(_) => Seed::Waiting,
            JobState::Failed | JobState::Quarantined | JobState::Cancelled => Seed::Lost,
            JobState::Done(done) => {
                let [d, g] = done.scores;
                let score_by = self.jobs.grid(grid).table.score_by(cell as usize);
                let value = score_by.ok().and_then(|score_by| score_by.of(d, g));
                value.map_or(Seed::Lost, Seed::Value)
            }
        }
    }

    fn job_of(&self, grid: u32, cell: u32) -> Option<&crate::scheduler::job::Job> {
        let jobs = &self.jobs.grid(grid).jobs;
        let known = (cell as usize) < jobs.len();
        known.then(|| self.jobs.job(self.jobs.job_at(CellRef { grid, cell })))
    }
}

/// A cell that is added: its arm, a cell of the arm that has all but its seed, the seed.
type Added = (u32, u32, u64);

/// The cells that a round adds, in the order of arms and seeds.
fn added_cells(
    claims: &SweepClaims,
    round: &Round,
    table: &CellTable,
) -> Result<Vec<Added>, CellError> {
    let mut added = Vec::new();
    for (arm, seeds) in &round.seeds {
        let Some(cells) = claims.arms.get(*arm as usize) else {
            continue;
        };
        let Some(first) = cells.first() else { continue };
        let begin = table.seed(*first as usize)?;
        for seed in cells.len() as u64..u64::from(*seeds) {
            added.push((*arm, *first, begin.saturating_add(seed)));
        }
    }
    Ok(added)
}

/// The same with the ids of their jobs.
fn identified(
    table: &CellTable,
    trainer_revision: u32,
    added: &[Added],
) -> Result<(TablePart, Vec<JobId>, Vec<u32>), CellError> {
    let of: Vec<(u32, u64)> = added.iter().map(|(_, cell, seed)| (*cell, *seed)).collect();
    let mut ids = Vec::with_capacity(added.len());
    for (cell, seed) in &of {
        let mut job = table.job(*cell as usize)?;
        job.seed = *seed;
        let (_, digest) = table.sources()[table.source_of(*cell as usize)];
        ids.push(job.id_of_revision(digest, trainer_revision));
    }
    let arms = added.iter().map(|(arm, _, _)| *arm).collect();
    Ok((table.with_seeds(&of)?, ids, arms))
}
