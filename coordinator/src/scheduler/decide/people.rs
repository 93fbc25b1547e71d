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
        let submitted = self.meaning(&submission);
        if submission.dry_run || self.is_current(&submission) {
            return Decision::nothing(submitted);
        }
        let entry = Entry::Submitted {
            at: now,
            submission: Box::new(submission),
        };
        Decision::one(entry, submitted)
    }

    /// What a submission adds to what is known.
    pub(super) fn meaning(&self, submission: &Submission) -> Submitted {
        let mut ids = job_ids::ids(submission.ids.len());
        let own = self.jobs.sweep_named(&submission.name);
        let mut submitted = Submitted {
            sweep: submission.name.clone(),
            cells: submission.ids.len() as u64,
            jobs: 0,
            new: 0,
            done: 0,
            shared: 0,
            hidden: 0,
        };
        for id in &submission.ids {
            if !ids.insert(*id) {
                continue;
            }
            submitted.jobs += 1;
            let Some(index) = self.jobs.find(id) else {
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

    /// Whether the sweep stands exactly so already, so that nothing needs to be written.
    pub(super) fn is_current(&self, submission: &Submission) -> bool {
        let Some(index) = self.jobs.sweep_named(&submission.name) else {
            return false;
        };
        let sweep = self.jobs.sweep(index);
        let known = &sweep.submission;
        let jobs = &self.jobs.grid(sweep.grid).jobs;
        let stands = |(index, id): (&JobIndex, &JobId)| {
            self.jobs.id(*index) == *id && self.jobs.job(*index).status() != JobStatus::Cancelled
        };
        !sweep.cancelled
            && known.text == submission.text
            && known.file == submission.file
            && known.priority == submission.priority
            && known.requirements == submission.requirements
            && known.trainer_revision == submission.trainer_revision
            && known.table == submission.table
            && jobs.len() == submission.ids.len()
            && jobs.iter().zip(&submission.ids).all(stands)
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
