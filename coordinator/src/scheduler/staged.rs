//! Submissions of many jobs, taken in parts.
//!
//! A million jobs take seconds to be written and entered, and everybody else would wait for that. So each part is an entry of
//! its own, written in a turn of its own, and between them others are answered. What is there of a submission before its
//! end belongs to no sweep, and whoever asks for it is told that there is no such thing: its jobs have their home in a grid
//! of no sweep. Only the end makes the grid that of its sweep, in one step; and only then whoever submitted is answered.
//!
//! Submissions of many jobs come one after the other; others, of the same name too, may come between the parts. One whose end
//! was not written when the coordinator died is dropped: its jobs stay unknown until a submission means them again.

use std::collections::VecDeque;
use std::sync::Arc;

use sweeps::{JobId, JobStatus};

use super::job::{Grid, Job};
use super::{Answer, Effect, Reply, Scheduler, Submission, Ticket};
use crate::model::cells::{CellTable, TablePart};
use crate::model::entry::Entry;
use proto::nouns::{Submitted, Timestamp};

/// The sweep of a grid that is no sweep's.
pub(super) const STAGED: u32 = u32::MAX;

/// Room that is made beforehand for the jobs of a submission, at most: a journal that was edited by hand may say anything.
const MOST_ROOM: u64 = 4_000_000;

/// A submission that has begun and not ended.
#[derive(Debug, Clone)]
pub(super) struct Staged {
    /// What it is; its cells are in the grid.
    pub(super) submission: Submission,
    pub(super) grid: u32,
    /// How many cells it will have.
    pub(super) cells: u64,
}

/// Submissions that are taken in parts.
#[derive(Debug, Clone, Default)]
pub(super) struct Submissions {
    waiting: VecDeque<(Ticket, Submission)>,
    /// The next cell of the first of them, when it has begun.
    next: Option<usize>,
}

impl Submissions {
    pub(super) fn add(&mut self, ticket: Ticket, submission: Submission) {
        self.waiting.push_back((ticket, submission));
    }

    /// Nobody waits for that one any more. One that has begun goes on.
    pub(super) fn abandon(&mut self, ticket: Ticket) {
        let begun = self.next.is_some();
        let mut position = 0;
        self.waiting.retain(|(waiting, _)| {
            position += 1;
            *waiting != ticket || (begun && position == 1)
        });
    }

    pub(super) fn has_begun(&self) -> bool {
        self.next.is_some()
    }
}

impl Scheduler {
    /// Whether something takes long and waits for [`super::Event::Continue`].
    pub fn is_busy(&self) -> bool {
        !self.submissions.waiting.is_empty()
    }

    /// Whether a job belongs to a sweep besides `own`.
    pub(super) fn is_elsewhere(&self, job: &Job, own: Option<&u32>) -> bool {
        let mut grids = job.places.grids();
        grids.any(|grid| Some(&self.grid(grid).sweep) != own)
    }

    /// Whether a job belongs to a submission that has not ended, or never did, and to nothing else.
    pub(super) fn is_staged(&self, job: &Job) -> bool {
        self.grids
            .get(job.home.grid as usize)
            .is_none_or(|grid| grid.sweep == STAGED)
    }

    pub(super) fn on_continue(&mut self, now: Timestamp) {
        let Some((ticket, submission)) = self.submissions.waiting.pop_front() else {
            return;
        };
        if let Some(reply) = self.take_part(now, &submission) {
            self.submissions.next = None;
            self.effects.push(Effect::Reply(ticket, reply));
        } else {
            self.submissions.waiting.push_front((ticket, submission));
        }
    }

    /// Takes the next part; the answer, where there is no more.
    fn take_part(&mut self, now: Timestamp, submission: &Submission) -> Option<Reply> {
        let cells = submission.ids.len();
        let Some(next) = self.submissions.next else {
            if self.is_current(submission) {
                return Some(Ok(Answer::Submitted(self.meaning(submission))));
            }
            let table = Arc::new(submission.table.without_cells());
            self.persist(Entry::SubmissionBegun {
                at: now,
                submission: Box::new(submission.without_cells(table)),
                cells: cells as u64,
            });
            self.submissions.next = Some(0);
            return None;
        };
        if next < cells {
            let end = next
                .saturating_add(self.policy.submission_part.max(1))
                .min(cells);
            self.persist(Entry::SubmissionPart {
                table: submission.table.part(next..end),
                ids: submission.ids[next..end].to_vec(),
            });
            self.submissions.next = Some(end);
            return None;
        }
        let told = self.meaning_of_staged();
        self.persist(Entry::SubmissionEnded { at: now });
        Some(Ok(Answer::Submitted(told)))
    }

    /// What the submission whose parts are all there adds to what is known: [`Self::meaning`], without looking up an id.
    fn meaning_of_staged(&self) -> Submitted {
        let mut told = Submitted {
            sweep: String::new(),
            cells: 0,
            jobs: 0,
            new: 0,
            done: 0,
            shared: 0,
            hidden: 0,
        };
        let Some(staged) = &self.staged else {
            return told;
        };
        let own = self.sweep_names.get(staged.submission.name.as_str());
        told.sweep.clone_from(&staged.submission.name);
        let jobs = &self.grid(staged.grid).jobs;
        told.cells = jobs.len() as u64;
        let mut seen = vec![false; self.jobs.len()];
        for index in jobs {
            if std::mem::replace(&mut seen[index.0 as usize], true) {
                continue;
            }
            told.jobs += 1;
            let job = self.job(*index);
            if self.is_staged(job) {
                told.new += 1;
                continue;
            }
            told.done += u64::from(job.status() == JobStatus::Done);
            told.shared += u64::from(self.is_elsewhere(job, own));
        }
        if let Some(own) = own {
            let old = &self.grid(self.sweeps[*own as usize].grid).jobs;
            told.hidden = old.iter().filter(|index| !seen[index.0 as usize]).count() as u64;
        }
        told
    }

    pub(super) fn apply_begun(&mut self, submission: &Submission, cells: u64) {
        self.drop_staged();
        let room = cells.min(MOST_ROOM) as usize;
        let mut table = (*submission.table).clone();
        table.reserve(room);
        let grid = self.grids.len() as u32;
        self.grids.push(Grid {
            sweep: STAGED,
            table: Arc::new(table),
            trainer_revision: submission.trainer_revision,
            jobs: Vec::with_capacity(room),
        });
        self.by_id.reserve(room);
        self.jobs.reserve(room);
        self.staged = Some(Staged {
            submission: submission.without_cells(Arc::default()),
            grid,
            cells,
        });
    }

    pub(super) fn apply_part(&mut self, part: &TablePart, ids: &[JobId]) {
        let Some(grid) = self.staged.as_ref().map(|staged| staged.grid) else {
            return;
        };
        let staged = &mut self.grids[grid as usize];
        let table: &mut CellTable = Arc::make_mut(&mut staged.table);
        if table.append(part).is_err() || table.len() != staged.jobs.len() + ids.len() {
            self.drop_staged();
            return;
        }
        self.add_jobs(grid, ids);
    }

    pub(super) fn apply_ended(&mut self, at: Timestamp) {
        let Some(staged) = self.staged.take() else {
            return;
        };
        let grid = self.grid(staged.grid);
        if grid.jobs.is_empty() || grid.jobs.len() as u64 != staged.cells {
            self.staged = Some(staged);
            self.drop_staged();
            return;
        }
        let table = grid.table.clone();
        let submission = staged.submission.without_cells(table);
        self.adopt(at, submission, staged.grid);
    }

    /// Forgets a submission that will not end. Its jobs are nobody's.
    pub(super) fn drop_staged(&mut self) {
        if let Some(staged) = self.staged.take() {
            let grid = &mut self.grids[staged.grid as usize];
            grid.jobs = Vec::new();
            grid.table = Arc::default();
        }
    }
}
