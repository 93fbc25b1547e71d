//! Records: the first complete one wins, a second must agree.

use sweeps::RunRecord;

use super::audits::compare;
use crate::model::entry::Entry;
use crate::scheduler::Scheduler;
use crate::scheduler::decision::Decision;
use crate::scheduler::job::{JobIndex, JobState};
use proto::nouns::{AuditVerdict, Receipt, Refusal, Timestamp};

impl Scheduler {
    /// What a record is worth.
    pub(in crate::scheduler) fn decide_record(
        &self,
        now: Timestamp,
        record: Box<RunRecord>,
    ) -> Result<Decision<Receipt>, Refusal> {
        let job = record.job_id;
        let attempt = record.provenance.attempt;
        let index = self.jobs.find(&job).ok_or(Refusal::UnknownJob(job))?;
        if !self.may_exist(index, attempt) {
            return Err(Refusal::UnknownAttempt { job, attempt });
        }
        if record.provenance.cached_since_ms.is_some() {
            return Err(Refusal::Invalid(format!(
                "the record of job {} was not made by the worker that delivers it",
                job.short()
            )));
        }
        self.check_record(index, &record)?;
        let JobState::Done(done) = &self.jobs.job(index).state else {
            let finished = Entry::Finished { at: now, record };
            return Ok(Decision::one(finished, Receipt::Recorded));
        };
        // The same attempt again with the same outcome is an answer that got lost.
        let equal = record.outcome.digest() == done.outcome;
        if attempt == done.attempt && equal {
            return Ok(Decision::nothing(Receipt::Equal));
        }
        let receipt = if equal {
            Receipt::Equal
        } else if record.provenance.device.kind == *done.device_kind
            && record.provenance.trainer_revision == done.trainer_revision
        {
            Receipt::Differs
        } else {
            Receipt::NotComparable
        };
        if done.compared.contains(&(attempt, receipt)) {
            return Ok(Decision::nothing(receipt));
        }
        // Whichever attempt it is: a second result is what an audit waits for.
        let audit = (self.audits.contains(index) && attempt != done.attempt)
            .then(|| compare(done, &record.outcome, receipt));
        let is_kept = receipt == Receipt::Differs || audit == Some(AuditVerdict::Different);
        let compared = Entry::Compared {
            at: now,
            job,
            attempt,
            receipt,
            record: is_kept.then_some(record),
            audit,
        };
        Ok(Decision::one(compared, receipt))
    }

    /// Whether a record can be that of a job.
    pub(super) fn check_record(&self, index: JobIndex, record: &RunRecord) -> Result<(), Refusal> {
        let job = record.job_id;
        let expected = self.jobs.dataset_of(index);
        if record.provenance.dataset_digest != expected {
            return Err(Refusal::Invalid(format!(
                "the record of job {} was made on the data set {}, the job names {}",
                job.short(),
                record.provenance.dataset_digest.short(),
                expected.short()
            )));
        }
        let revision = self
            .jobs
            .grid(self.jobs.job(index).home.grid)
            .trainer_revision;
        if record.provenance.trainer_revision != revision {
            return Err(Refusal::Invalid(format!(
                "the record of job {} was made by trainer revision {}, the job is of revision {revision}",
                job.short(),
                record.provenance.trainer_revision,
            )));
        }
        if !all_finite(record) {
            return Err(Refusal::Invalid(format!(
                "the record of job {} holds a number that is infinite or NaN",
                job.short()
            )));
        }
        Ok(())
    }
}

/// JSON has no infinity: a record that holds one would not read back as it was written.
fn all_finite(record: &RunRecord) -> bool {
    record.provenance.duration_s.is_finite() && record.outcome.is_finite()
}
