//! The next part of a submission that is taken in parts.

use std::sync::Arc;

use sweeps::JobStatus;

use crate::model::entry::Entry;
use crate::scheduler::decision::Decision;
use crate::scheduler::{Scheduler, Submission};
use proto::nouns::{Submitted, Timestamp};

/// How much of a submission is taken.
#[derive(Debug)]
pub(in crate::scheduler) enum Taken {
    /// The cells before this one.
    UpTo(usize),
    /// All of it.
    Whole(Submitted),
}

impl Scheduler {
    /// The next part of a submission, from cell `next` on; `None`: it has not begun.
    pub(in crate::scheduler) fn decide_part(
        &self,
        now: Timestamp,
        submission: &Submission,
        next: Option<usize>,
    ) -> Decision<Taken> {
        let cells = submission.ids.len();
        let Some(next) = next else {
            if let Some(entries) = self.repeated(now, submission) {
                let meaning = self.meaning_as_it_stands(&submission.name);
                return Decision {
                    entries,
                    answer: Taken::Whole(meaning),
                };
            }
            let table = Arc::new(submission.table.without_cells());
            let begun = Entry::SubmissionBegun {
                at: now,
                submission: Box::new(submission.without_cells(table)),
                cells: cells as u64,
            };
            return Decision::one(begun, Taken::UpTo(0));
        };
        if next < cells {
            let end = next
                .saturating_add(self.policy.submission_part.max(1))
                .min(cells);
            let part = Entry::SubmissionPart {
                table: submission.table.part(next..end),
                ids: submission.ids[next..end].to_vec(),
            };
            return Decision::one(part, Taken::UpTo(end));
        }
        let ended = Entry::SubmissionEnded { at: now };
        Decision::one(ended, Taken::Whole(self.meaning_of_staged()))
    }

    /// What the submission whose parts are all there adds to what is known: [`Self::meaning`], without looking up an id.
    fn meaning_of_staged(&self) -> Submitted {
        let mut submitted = Submitted {
            sweep: String::new(),
            cells: 0,
            jobs: 0,
            new: 0,
            done: 0,
            shared: 0,
            hidden: 0,
        };
        let Some(staged) = &self.staged else {
            return submitted;
        };
        let own = self.jobs.sweep_named(&staged.submission.name);
        submitted.sweep.clone_from(&staged.submission.name);
        let jobs = &self.jobs.grid(staged.grid).jobs;
        submitted.cells = jobs.len() as u64;
        let mut seen = vec![false; self.jobs.len()];
        for index in jobs {
            if std::mem::replace(&mut seen[index.0 as usize], true) {
                continue;
            }
            submitted.jobs += 1;
            if self.jobs.is_staged(*index) {
                submitted.new += 1;
                continue;
            }
            submitted.done += u64::from(self.jobs.job(*index).status() == JobStatus::Done);
            submitted.shared += u64::from(self.jobs.is_elsewhere(*index, own));
        }
        if let Some(own) = own {
            let old = &self.jobs.grid(self.jobs.sweep(own).grid).jobs;
            submitted.hidden = old.iter().filter(|index| !seen[index.0 as usize]).count() as u64;
        }
        submitted
    }
}
