//! What somebody should look at before a sweep has spent its hours.

use std::collections::BTreeMap;

use serde::Serialize;
use sweeps::{FailureClass, JobStatus, ScoreBy};

use crate::alarm::Alarm;
use crate::job::{Job, Standing};

/// Above this share of rows on which the labels of G and D agree, the two teach each other what they say already.
const LOCKED: f64 = 0.98;
/// An AUC below this is below chance.
const CHANCE: f64 = 0.5;
/// In its first epoch a network is still anywhere.
const FIRST_EPOCH: u32 = 2;

/// Cells that are named with an alarm.
const NAMED: usize = 50;

/// The place of the agreement of G and D among the numbers of a point.
const AGREEMENT: usize = 6;

/// Jobs with the same alarm.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct AlarmGroup {
    pub(crate) alarm: Alarm,
    /// How many cells.
    pub(crate) n: usize,
    /// The first of them.
    pub(crate) cells: Vec<u32>,
}

/// The alarms of these jobs.
pub(crate) fn alarms<'a>(jobs: impl Iterator<Item = Standing<'a>>) -> Vec<AlarmGroup> {
    let mut groups: BTreeMap<_, AlarmGroup> = BTreeMap::new();
    for job in jobs {
        let Some(alarm) = job.alarm else { continue };
        let group = groups.entry(alarm).or_insert_with(|| AlarmGroup {
            alarm,
            n: 0,
            cells: Vec::new(),
        });
        group.n += 1;
        if group.cells.len() < NAMED {
            group.cells.extend(job.cell);
        }
    }
    groups.into_values().collect()
}

/// Whether a job without a result last failed because a number became NaN.
pub(crate) fn has_diverged(status: JobStatus, error: Option<&str>) -> bool {
    let diverged = |error: &str| error.starts_with(FailureClass::Diverged.name());
    status != JobStatus::Done && error.is_some_and(diverged)
}

/// What is wrong with a job whose AUC is told by that score; `None`: nothing that is known.
pub(crate) fn alarm_of(job: &Job, by: ScoreBy) -> Option<Alarm> {
    if has_diverged(job.status, job.error.as_deref()) {
        return Some(Alarm::NotANumber);
    }
    let last = job.last_trained();
    let at_least = |epochs| last.is_some_and(|point| point.epoch >= epochs);
    let agreement = last.and_then(|point| point.number(AGREEMENT));
    if at_least(FIRST_EPOCH) && agreement.is_some_and(|share| share > LOCKED) {
        return Some(Alarm::LockedIn);
    }
    let auc = job
        .result(by)
        .or_else(|| last.and_then(|point| Job::auc_at(point, by)));
    let told = job.status == JobStatus::Done || at_least(FIRST_EPOCH);
    (told && auc.is_some_and(|auc| auc < CHANCE)).then_some(Alarm::BelowChance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweeps::{EpochPoint, JobId, Phase};

    fn trained(epoch: u32, auc: f64, agreement: f64) -> Job {
        let mut job = Job::new(JobId([1; 32]));
        job.status = JobStatus::Running;
        job.curve.put(&EpochPoint {
            auc_d: Some(auc),
            agreement_gd: Some(agreement),
            ..EpochPoint::new(Phase::Train, epoch)
        });
        job
    }

    #[test]
    fn what_is_wrong_is_told_and_the_first_epoch_is_forgiven() {
        let of = |job: &Job| alarm_of(job, ScoreBy::Discriminator);
        assert_eq!(of(&trained(3, 0.7, 0.9)), None);
        assert_eq!(of(&trained(3, 0.7, 0.981)), Some(Alarm::LockedIn));
        assert_eq!(of(&trained(3, 0.49, 0.9)), Some(Alarm::BelowChance));
        assert_eq!(of(&trained(1, 0.4, 0.99)), None);
        let mut failed = trained(3, 0.7, 0.9);
        failed.error = Some("diverged: loss of G is NaN (attempt 1 on w)".into());
        assert_eq!(of(&failed), Some(Alarm::NotANumber));
        let mut done = Job::new(JobId([2; 32]));
        done.status = JobStatus::Done;
        done.scores = [Some(0.6), Some(0.4)];
        assert_eq!(of(&done), None);
        assert_eq!(
            alarm_of(&done, ScoreBy::Generator),
            Some(Alarm::BelowChance)
        );
    }
}
