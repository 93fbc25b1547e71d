//! Records: the first complete one wins, a second must agree.

use sweeps::{EpochPoint, RunRecord};

use super::audit::compare;
use super::job::State;
use super::{Answer, Reply, Scheduler};
use crate::model::entry::Entry;
use proto::nouns::{AuditVerdict, Finish, FinishAnswer, Receipt, Refusal, Timestamp};

impl Scheduler {
    pub(super) fn on_finish(&mut self, now: Timestamp, finish: Finish) -> Reply {
        let Finish {
            worker,
            record,
            next,
        } = finish;
        self.see_busy(worker, now);
        let receipt = self.record(now, record)?;
        let (assignments, drain) = self.answer_next(worker, next, now);
        Ok(Answer::Finish(FinishAnswer {
            receipt,
            assignments,
            drain,
        }))
    }

    fn record(&mut self, now: Timestamp, record: Box<RunRecord>) -> Result<Receipt, Refusal> {
        let job = record.job_id;
        let attempt = record.provenance.attempt;
        let index = self.find(&job).ok_or(Refusal::UnknownJob(job))?;
        if !self.may_exist(index, attempt) {
            return Err(Refusal::UnknownAttempt { job, attempt });
        }
        let expected = self.dataset_of(index);
        if record.provenance.dataset_digest != expected {
            return Err(Refusal::Invalid(format!(
                "the record of job {} was made on the data set {}, the job names {}",
                job.short(),
                record.provenance.dataset_digest.short(),
                expected.short()
            )));
        }
        let revision = self.grid(self.job(index).home.grid).trainer_revision;
        if record.provenance.trainer_revision != revision {
            return Err(Refusal::Invalid(format!(
                "the record of job {} was made by trainer revision {}, the job is of revision {revision}",
                job.short(),
                record.provenance.trainer_revision,
            )));
        }
        if !all_finite(&record) {
            return Err(Refusal::Invalid(format!(
                "the record of job {} holds a number that is infinite or NaN",
                job.short()
            )));
        }
        let State::Done(done) = &self.job(index).state else {
            self.persist(Entry::Finished { at: now, record });
            self.judge_workers(index, now);
            return Ok(Receipt::Recorded);
        };
        // The same attempt again with the same outcome is an answer that got lost.
        let equal = record.outcome.digest() == done.outcome;
        if attempt == done.attempt && equal {
            return Ok(Receipt::Equal);
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
        if !done.compared.contains(&(attempt, receipt)) {
            // Whichever attempt it is: a second result is what an audit waits for.
            let audit = (self.audits.contains_key(&index) && attempt != done.attempt)
                .then(|| compare(done, &record.outcome, receipt));
            let is_kept = receipt == Receipt::Differs || audit == Some(AuditVerdict::Different);
            self.persist(Entry::Compared {
                at: now,
                job,
                attempt,
                receipt,
                record: is_kept.then_some(record),
                audit,
            });
        }
        Ok(receipt)
    }
}

pub(super) fn is_finite(point: &EpochPoint) -> bool {
    [
        point.auc_d,
        point.auc_g,
        point.loss_d,
        point.loss_g,
        point.positive_share_g,
        point.positive_share_d,
        point.agreement_gd,
        point.agreement_truth,
    ]
    .into_iter()
    .flatten()
    .all(f64::is_finite)
}

/// JSON has no infinity: a record that holds one would not read back as it was written.
fn all_finite(record: &RunRecord) -> bool {
    let metrics = &record.outcome.metrics;
    let scores = metrics.d.iter().chain(&metrics.g).flat_map(|score| {
        [
            score.auc,
            score.ap,
            score.ano_auc,
            score.macro_auc,
            score.far,
            score.recall_at_fpr10,
        ]
    });
    record.provenance.duration_s.is_finite()
        && record.outcome.curve.iter().all(is_finite)
        && scores.flatten().all(f64::is_finite)
}
