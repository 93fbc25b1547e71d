//! Device hours: spent, and about how many are left.

use std::collections::BTreeMap;

use serde::Serialize;
use sweeps::JobStatus;

use crate::job::Standing;

/// Device time of a sweep, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub(crate) struct Hours {
    /// Of finished jobs whose records were read.
    pub(crate) spent: f64,
    /// The mean of these jobs.
    pub(crate) mean: Option<f64>,
    /// About what unsettled jobs will take, by the finished ones of their own settings, or of all; `None` before the first.
    pub(crate) left: Option<f64>,
}

/// The device time of jobs, each with the number of its settings.
pub(crate) fn hours<'a>(jobs: impl Iterator<Item = (u32, Standing<'a>)>) -> Hours {
    #[derive(Default)]
    struct Known {
        n: u32,
        seconds: f64,
        open: f64,
    }
    let mut groups: BTreeMap<u32, Known> = BTreeMap::new();
    for (group, job) in jobs {
        let known = groups.entry(group).or_default();
        if let (JobStatus::Done, Some(seconds)) = (job.status, job.seconds) {
            known.n += 1;
            known.seconds += seconds;
        }
        if !job.status.is_settled() {
            // A job that runs has a part of its epochs behind it, which nobody knows the number of here: half is meant.
            known.open += if job.status == JobStatus::Running {
                0.5
            } else {
                1.0
            };
        }
    }
    let n: u32 = groups.values().map(|known| known.n).sum();
    let spent: f64 = groups.values().map(|known| known.seconds).sum();
    let left = groups.values().map(|known| {
        let mean = if known.n > 0 {
            known.seconds / f64::from(known.n)
        } else {
            spent / f64::from(n.max(1))
        };
        known.open * mean
    });
    Hours {
        spent,
        mean: (n > 0).then(|| spent / f64::from(n)),
        left: (n > 0).then(|| left.sum()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;
    use sweeps::JobId;

    #[test]
    fn what_is_left_is_told_by_jobs_of_the_same_settings() {
        let job = |status, seconds| Job {
            status,
            seconds,
            ..Job::new(JobId([1; 32]))
        };
        let jobs = [
            (0, job(JobStatus::Done, Some(100.0))),
            (0, job(JobStatus::Pending, None)),
            (1, job(JobStatus::Done, Some(10.0))),
            (1, job(JobStatus::Done, Some(20.0))),
            (1, job(JobStatus::Running, None)),
            (2, job(JobStatus::Pending, None)),
            (2, job(JobStatus::Failed, None)),
        ];
        let told = hours(jobs.iter().map(|(group, job)| (*group, job.standing())));
        assert!((told.spent - 130.0).abs() < 1e-9);
        assert!((told.mean.unwrap() - 130.0 / 3.0).abs() < 1e-9);
        assert!((told.left.unwrap() - (100.0 + 7.5 + 130.0 / 3.0)).abs() < 1e-9);
        assert_eq!(
            hours(jobs[1..2].iter().map(|(g, j)| (*g, j.standing()))).left,
            None
        );
    }
}
