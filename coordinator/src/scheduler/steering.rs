//! What people ask for: submissions, steering, draining.

use sweeps::{JobId, JobStatus};

use super::job::JobIndex;
use super::{Answer, Reply, Scheduler, Ticket, job_ids};
use crate::model::entry::Entry;
use crate::model::submission::Submission;
use proto::nouns::{Control, Refusal, Submitted, Target, Timestamp, WorkerId};

impl Scheduler {
    pub(super) fn on_submit(
        &mut self,
        now: Timestamp,
        ticket: Ticket,
        submission: Submission,
    ) -> Option<Reply> {
        if submission.ids.len() != submission.table.len() || submission.ids.is_empty() {
            return Some(Err(Refusal::Invalid("the sweep has no jobs".into())));
        }
        if submission.ids.len() > self.policy.submission_part && !submission.dry_run {
            self.submissions.add(ticket, submission);
            return None;
        }
        Some(self.submit_at_once(now, submission))
    }

    #[allow(
        clippy::unnecessary_wraps,
        reason = "an answer like that of every request"
    )]
    fn submit_at_once(&mut self, now: Timestamp, submission: Submission) -> Reply {
        let told = self.meaning(&submission);
        if !submission.dry_run && !self.is_current(&submission) {
            self.persist(Entry::Submitted {
                at: now,
                submission: Box::new(submission),
            });
        }
        Ok(Answer::Submitted(told))
    }

    /// What a submission adds to what is known.
    pub(super) fn meaning(&self, submission: &Submission) -> Submitted {
        let mut ids = job_ids::ids(submission.ids.len());
        let own = self.sweep_names.get(submission.name.as_str());
        let mut told = Submitted {
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
            told.jobs += 1;
            let Some(index) = self.find(id) else {
                told.new += 1;
                continue;
            };
            let job = self.job(index);
            told.done += u64::from(job.status() == JobStatus::Done);
            told.shared += u64::from(self.is_elsewhere(job, own));
        }
        if let Some(own) = own {
            told.hidden = self
                .grid(self.sweeps[*own as usize].grid)
                .jobs
                .iter()
                .filter(|index| !ids.contains(&self.job(**index).id))
                .count() as u64;
        }
        told
    }

    /// Whether the sweep stands exactly so already, so that nothing needs to be written.
    pub(super) fn is_current(&self, submission: &Submission) -> bool {
        let Some(index) = self.sweep_names.get(submission.name.as_str()) else {
            return false;
        };
        let sweep = &self.sweeps[*index as usize];
        let known = &sweep.submission;
        let jobs = &self.grid(sweep.grid).jobs;
        let stands = |(index, id): (&JobIndex, &JobId)| {
            let job = self.job(*index);
            job.id == *id && job.status() != JobStatus::Cancelled
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

    pub(super) fn on_steer(&mut self, now: Timestamp, steer: Control) -> Reply {
        match &steer.target {
            Target::Sweep(name) if !self.sweep_names.contains_key(name.as_str()) => {
                return Err(Refusal::UnknownSweep(name.clone()));
            }
            Target::Job(id) if self.find(id).is_none() => {
                return Err(Refusal::UnknownJob(*id));
            }
            _ => {}
        }
        let changed = self.persist(Entry::Steered {
            at: now,
            target: steer.target,
            action: steer.action,
        });
        Ok(Answer::Changed(changed))
    }

    pub(super) fn on_drain(&mut self, now: Timestamp, name: &str, reason: &str) -> Reply {
        let sessions: Vec<WorkerId> = self
            .workers
            .iter()
            .filter(|(_, worker)| worker.hello.name == name)
            .map(|(id, _)| *id)
            .collect();
        if sessions.is_empty() {
            return Err(Refusal::NoSuchWorker(name.to_owned()));
        }
        for worker in &sessions {
            if self.workers[worker].draining.is_none() {
                self.persist(Entry::WorkerDrained {
                    at: now,
                    worker: *worker,
                    reason: reason.to_owned(),
                });
            }
        }
        Ok(Answer::Changed(sessions.len() as u64))
    }
}
