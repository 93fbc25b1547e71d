//! What people ask for: submissions, controls, drains.

use sweeps::{JobId, JobStatus};

use crate::model::entry::Entry;
use crate::model::submission::Submission;
use crate::scheduler::Scheduler;
use crate::scheduler::decision::Decision;
use crate::scheduler::job::JobIndex;
use crate::scheduler::job_ids;
use proto::nouns::{Control, Refusal, Submitted, Target, Timestamp};

impl Scheduler {
    /// A submission that is taken at once.
    pub(in crate::scheduler) fn decide_submission(
        &self,
        now: Timestamp,
        submission: Submission,
    ) -> Decision<Submitted> {
        let repeated = self.repeated(now, &submission);
        let submitted = match repeated {
            Some(_) => self.meaning_as_it_stands(&submission.name),
            None => self.meaning(&submission),
        };
        if submission.dry_run {
            return Decision::nothing(submitted);
        }
        let entry = Entry::Submitted {
            at: now,
            submission: Box::new(submission),
        };
        Decision {
            entries: repeated.unwrap_or_else(|| vec![entry]),
            answer: submitted,
        }
    }

    /// What a submission adds to what is known.
    pub(super) fn meaning(&self, submission: &Submission) -> Submitted {
        self.meaning_of(&submission.name, submission.ids.iter().copied())
    }

    /// What a sweep is that was submitted again as it stands, with the seeds that were added for its claims.
    pub(super) fn meaning_as_it_stands(&self, name: &str) -> Submitted {
        let sweep = self.jobs.sweep_named(name);
        let grid = sweep.map(|sweep| self.jobs.grid(self.jobs.sweep(sweep).grid));
        let jobs = grid.map_or(&[][..], |grid| &grid.jobs);
        self.meaning_of(name, jobs.iter().map(|index| self.jobs.id(*index)))
    }

    fn meaning_of(&self, name: &str, cells: impl ExactSizeIterator<Item = JobId>) -> Submitted {
        let mut ids = job_ids::ids(cells.len());
        let own = self.jobs.sweep_named(name);
        let mut submitted = Submitted {
            sweep: name.to_owned(),
            cells: cells.len() as u64,
            jobs: 0,
            new: 0,
            done: 0,
            shared: 0,
            hidden: 0,
        };
        for id in cells {
            if !ids.insert(id) {
                continue;
            }
            submitted.jobs += 1;
            let Some(index) = self.jobs.find(&id) else {
                submitted.new += 1;
                continue;
            };
            submitted.done += u64::from(self.jobs.job(index).status() == JobStatus::Done);
            submitted.shared += u64::from(self.jobs.is_elsewhere(index, own));
        }
        if let Some(own) = own {
            let old = &self.jobs.grid(self.jobs.sweep(own).grid).jobs;
            submitted.hidden = old
                .iter()
                .filter(|index| !ids.contains(&self.jobs.id(**index)))
                .count() as u64;
        }
        submitted
    }

    /// What is to be written for a submission of what stands exactly so already: nothing, or whether seeds are added from now on.
    /// `None`: it is another one.
    pub(super) fn repeated(&self, now: Timestamp, submission: &Submission) -> Option<Vec<Entry>> {
        let sweep = self.jobs.sweep(self.jobs.sweep_named(&submission.name)?);
        let known = &sweep.submission;
        let jobs = &self.jobs.grid(sweep.grid).jobs;
        let (submitted, added) = jobs.split_at_checked(submission.ids.len())?;
        let is_wanted = |index: &JobIndex| self.jobs.job(*index).status() != JobStatus::Cancelled;
        let stands =
            |(index, id): (&JobIndex, &JobId)| self.jobs.id(*index) == *id && is_wanted(index);
        let is_same = !sweep.cancelled
            && known.text == submission.text
            && known.file == submission.file
            && known.priority == submission.priority
            && known.requirements == submission.requirements
            && known.trainer_revision == submission.trainer_revision
            && stands_for(known, submission)
            && submitted.iter().zip(&submission.ids).all(stands)
            && added.iter().all(is_wanted);
        let grows = |of: &Submission| of.claims.as_ref().is_some_and(|claims| claims.grows);
        let growing = (grows(known) != grows(submission)).then(|| Entry::Growing {
            at: now,
            sweep: submission.name.clone(),
            grows: grows(submission),
        });
        is_same.then(|| growing.into_iter().collect())
    }

    /// A person cancels, pauses, resumes or retries.
    pub(in crate::scheduler) fn decide_control(
        &self,
        now: Timestamp,
        control: Control,
    ) -> Result<Entry, Refusal> {
        match &control.target {
            Target::Sweep(name) if self.jobs.sweep_named(name).is_none() => {
                return Err(Refusal::UnknownSweep(name.clone()));
            }
            Target::Job(id) if self.jobs.find(id).is_none() => {
                return Err(Refusal::UnknownJob(*id));
            }
            _ => {}
        }
        Ok(Entry::Controlled {
            at: now,
            target: control.target,
            action: control.action,
        })
    }

    /// A person sends the workers of a name away: how many there are.
    pub(in crate::scheduler) fn decide_drain(
        &self,
        now: Timestamp,
        name: &str,
        reason: &str,
    ) -> Result<Decision<u64>, Refusal> {
        let sessions = self.workers.named(name).count();
        if sessions == 0 {
            return Err(Refusal::NoSuchWorker(name.to_owned()));
        }
        let entries = self
            .workers
            .named(name)
            .filter(|(_, worker)| worker.draining.is_none())
            .map(|(worker, _)| Entry::WorkerDrained {
                at: now,
                worker,
                reason: reason.to_owned(),
            });
        Ok(Decision {
            entries: entries.collect(),
            answer: sessions as u64,
        })
    }
}

/// Whether a sweep has the cells that are submitted: the same table, or with claims the same ones and those that were added for them.
fn stands_for(known: &Submission, submitted: &Submission) -> bool {
    match (&known.claims, &submitted.claims) {
        (None, None) => known.table == submitted.table,
        (Some(known_claims), Some(claims)) => {
            let cells = 0..submitted.table.len();
            known_claims.is_asked_again(claims)
                && known.table.without_cells() == submitted.table.without_cells()
                && known.table.part(cells.clone()) == submitted.table.part(cells)
        }
        _ => false,
    }
}
