//! Jobs, the grids whose cells mean them, and the sweeps that want them. Everybody reads them; `JobTable` alone
//! changes them.

use std::collections::BTreeSet;
use std::sync::Arc;

use sweeps::{AttemptNumber, FailureClass, JobStatus};

use super::done::Done;
use crate::model::cells::CellTable;
use crate::model::submission::Submission;
use proto::nouns::{AttemptFailure, Counts, LeaseKey, Timestamp, WorkerId};

/// A job's position in the job table. Jobs are never taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct JobIndex(pub(super) u32);

/// A cell of a grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CellRef {
    pub(super) grid: u32,
    pub(super) cell: u32,
}

/// The cells of current grids that mean a job: nearly always one, which takes no memory of its own.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum CellRefs {
    #[default]
    None,
    One(CellRef),
    #[expect(
        clippy::box_collection,
        reason = "a thin pointer: few jobs of a million have several cells"
    )]
    Several(Box<Vec<CellRef>>),
}

/// A training run, all but its id. At a million of them each byte counts: what few jobs have is boxed.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// The cell that brought it: there its spec is found, also when the sweep has dropped the cell.
    pub(super) home: CellRef,
    pub(super) cells: CellRefs,
    /// Attempts handed out so far: the number of the last one.
    pub(super) attempts: AttemptNumber,
    pub(super) state: JobState,
    pub(super) history: Option<Box<History>>,
    /// A person put it on hold.
    pub(super) paused: bool,
}

// The jobs of a sweep nearly all wait, and a waiting job has nothing but this and its id.
const _: () = assert!(size_of::<Job>() <= 64);

/// A job is in one state, which holds what is true in it.
#[derive(Debug, Clone)]
pub(super) enum JobState {
    Queued,
    Leased(Box<Lease>),
    Done(Box<Done>),
    Failed,
    Quarantined,
    Cancelled,
}

/// An attempt that runs.
#[derive(Debug, Clone)]
pub(super) struct Lease {
    pub(super) attempt: AttemptNumber,
    pub(super) worker: WorkerId,
    pub(super) since: Timestamp,
    pub(super) expires: Timestamp,
}

/// What went wrong so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct History {
    /// The last failures, oldest first.
    pub(super) failures: Vec<AttemptFailure>,
    /// Failures by class since the last `retry`.
    pub(super) counts: [u32; FailureClass::ALL.len()],
    /// Identities of workers on which it failed by its own or their fault since the last `retry`.
    pub(super) blamed: BTreeSet<String>,
    /// Milliseconds of attempts that ended without a result, from lease to end.
    pub(super) lost_ms: u64,
}

/// One submitted version of a sweep.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    pub(super) sweep: u32,
    pub(super) table: Arc<CellTable>,
    pub(super) trainer_revision: u32,
    /// The jobs of its cells.
    pub(super) jobs: Vec<JobIndex>,
}

/// A sweep.
#[derive(Debug, Clone)]
pub(super) struct Sweep {
    pub(super) name: Arc<str>,
    /// What was submitted last, without ids and table: those are in the grid.
    pub(super) submission: Submission,
    pub(super) submitted_at: Timestamp,
    /// The current grid.
    pub(super) grid: u32,
    pub(super) paused: bool,
    pub(super) cancelled: bool,
    /// Its different jobs by status.
    pub(super) counts: Counts,
    /// Cells whose jobs wait, by the position of their data set in the grid's list.
    pub(super) queue: Vec<BTreeSet<u32>>,
    pub(super) discrepancies: u64,
}

impl CellRefs {
    pub(super) fn as_slice(&self) -> &[CellRef] {
        match self {
            Self::None => &[],
            Self::One(cell) => std::slice::from_ref(cell),
            Self::Several(cells) => cells,
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = CellRef> + '_ {
        self.as_slice().iter().copied()
    }

    pub(super) fn len(&self) -> usize {
        self.as_slice().len()
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::None)
    }

    pub(super) fn add(&mut self, cell: CellRef) {
        match self {
            Self::None => *self = Self::One(cell),
            Self::One(first) => *self = Self::Several(Box::new(vec![*first, cell])),
            Self::Several(cells) => cells.push(cell),
        }
    }

    pub(super) fn remove_grid(&mut self, grid: u32) {
        let kept: Self = self.iter().filter(|cell| cell.grid != grid).collect();
        *self = kept;
    }

    /// Whether the grid is the only one that means it.
    pub(super) fn are_of(&self, grid: u32) -> bool {
        !self.is_empty() && self.iter().all(|cell| cell.grid == grid)
    }

    /// The grids among them, each once.
    pub(super) fn grids(&self) -> impl Iterator<Item = u32> + '_ {
        let cells = self.as_slice();
        cells.iter().enumerate().filter_map(|(position, cell)| {
            let mut earlier = cells[..position].iter();
            earlier
                .all(|earlier| earlier.grid != cell.grid)
                .then_some(cell.grid)
        })
    }
}

impl FromIterator<CellRef> for CellRefs {
    fn from_iter<I: IntoIterator<Item = CellRef>>(cells: I) -> Self {
        let mut refs = Self::None;
        for cell in cells {
            refs.add(cell);
        }
        refs
    }
}

impl Lease {
    /// The name of the lease, as its worker says it.
    pub(super) fn key(&self, job: sweeps::JobId) -> LeaseKey {
        LeaseKey {
            job,
            attempt: self.attempt,
        }
    }
}

impl History {
    /// Failures that are remembered per job; enough to see a pattern.
    pub(super) const FAILURES: usize = 16;
}

impl Job {
    pub(super) fn status(&self) -> JobStatus {
        match self.state {
            JobState::Queued => JobStatus::Pending,
            JobState::Leased(_) => JobStatus::Running,
            JobState::Done(_) => JobStatus::Done,
            JobState::Failed => JobStatus::Failed,
            JobState::Quarantined => JobStatus::Quarantined,
            JobState::Cancelled => JobStatus::Cancelled,
        }
    }

    pub(super) fn lease(&self) -> Option<&Lease> {
        if let JobState::Leased(lease) = &self.state {
            Some(lease)
        } else {
            None
        }
    }

    pub(super) fn done(&self) -> Option<&Done> {
        if let JobState::Done(done) = &self.state {
            Some(done)
        } else {
            None
        }
    }

    /// Whether an attempt failed in a way that may be the job's fault or the worker's.
    pub(super) fn has_failed(&self) -> bool {
        self.history
            .as_ref()
            .is_some_and(|history| !history.blamed.is_empty())
    }

    pub(super) fn failed_on(&self, worker: &str) -> bool {
        self.history
            .as_ref()
            .is_some_and(|history| history.blamed.contains(worker))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_counted_once_a_grid_and_leave_by_grid() {
        let at = |grid, cell| CellRef { grid, cell };
        let mut cells = CellRefs::default();
        assert!(cells.is_empty() && !cells.are_of(1));
        for cell in [at(1, 0), at(1, 4), at(2, 0), at(1, 5)] {
            cells.add(cell);
        }
        assert_eq!(cells.grids().collect::<Vec<_>>(), [1, 2]);
        assert!(!cells.are_of(1));
        cells.remove_grid(2);
        assert!(cells.are_of(1));
        assert_eq!(cells.as_slice(), [at(1, 0), at(1, 4), at(1, 5)]);
        cells.remove_grid(1);
        assert_eq!(cells, CellRefs::None);
    }
}
