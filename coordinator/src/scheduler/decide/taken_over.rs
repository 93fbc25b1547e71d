//! Results that the user of this state has from another folder: they end their jobs as if they had been trained here, and say
//! that they were not.

use std::collections::BTreeSet;

use sweeps::{JobId, RunRecord};

use crate::model::entry::Entry;
use crate::scheduler::Scheduler;
use crate::scheduler::decision::Decision;
use crate::scheduler::job::{JobIndex, JobState};
use proto::nouns::{AuditVerdict, Receipt, Refusal, Timestamp};

/// What is known of a job, for whoever keeps results for other folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// It is not done: a result from elsewhere would spare its training.
    Wanted,
    /// Its result was made here, and nothing speaks against it.
    Sound,
    /// A second run of it gave something else on the same kind of device, or an audit found it different: nobody else shall rely
    /// on it.
    Doubtful,
    /// Nothing is to be done: its result came from elsewhere, or nobody wants it to run.
    Settled,
}

impl Scheduler {
    /// Which of these results are taken. Answers how many; jobs that are done, on hold or not known keep what they have.
    pub(in crate::scheduler) fn decide_taken_over(
        &self,
        now: Timestamp,
        records: Vec<RunRecord>,
    ) -> Result<Decision<u64>, Refusal> {
        let mut entries = Vec::new();
        let mut seen = BTreeSet::new();
        for record in records {
            let job = record.job_id;
            let index = self.jobs.find(&job).ok_or(Refusal::UnknownJob(job))?;
            if record.provenance.cached_since_ms.is_none() {
                return Err(Refusal::Invalid(format!(
                    "the result of job {} does not say that it comes from elsewhere",
                    job.short()
                )));
            }
            self.check_record(index, &record)?;
            if self.reuse_of(index) == Reuse::Wanted && seen.insert(job) {
                let record = Box::new(record);
                entries.push(Entry::Finished { at: now, record });
            }
        }
        let taken = entries.len() as u64;
        Ok(Decision {
            entries,
            answer: taken,
        })
    }

    /// What is known of each job of a sweep, each once.
    ///
    /// # Errors
    /// [`Refusal::UnknownSweep`].
    pub fn reuse(&self, sweep: &str) -> Result<Vec<(JobId, Reuse)>, Refusal> {
        let grid = self.sweep(sweep)?.grid;
        let jobs = self.jobs.distinct(grid).into_iter();
        Ok(jobs
            .map(|index| (self.jobs.id(index), self.reuse_of(index)))
            .collect())
    }

    fn reuse_of(&self, index: JobIndex) -> Reuse {
        let job = self.jobs.job(index);
        match &job.state {
            JobState::Queued | JobState::Leased(_) if !job.paused && !job.cells.is_empty() => {
                Reuse::Wanted
            }
            JobState::Done(done) => {
                let differs = |(_, receipt): &(_, Receipt)| *receipt == Receipt::Differs;
                if done.compared.iter().any(differs) || done.audit == Some(AuditVerdict::Different)
                {
                    Reuse::Doubtful
                } else if done.cached_since_ms.is_some() {
                    Reuse::Settled
                } else {
                    Reuse::Sound
                }
            }
            _ => Reuse::Settled,
        }
    }
}
