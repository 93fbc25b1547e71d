//! How long a job of a variant takes, by those that were seen, and so how long the others will.

use std::time::Duration;

use super::group::Group;

/// Seconds and the jobs, or shares of jobs, that were done in them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    seconds: f64,
    jobs: f64,
}

/// Below it a share says more about the start of a job than about its pace.
const LEAST_SHARE: f32 = 0.02;

impl Pace {
    /// A share of a job was done in so many seconds.
    pub fn hear(&mut self, seconds: f32, share: f32) {
        if share >= LEAST_SHARE && seconds >= 0.0 {
            self.seconds += f64::from(seconds);
            self.jobs += f64::from(share);
        }
    }

    /// What somebody else saw.
    pub fn join(&mut self, other: Self) {
        self.seconds += other.seconds;
        self.jobs += other.jobs;
    }

    /// Seconds of a whole job; `None` before anything was seen.
    pub fn seconds_of_job(self) -> Option<f64> {
        (self.jobs > 0.0).then(|| self.seconds / self.jobs)
    }
}

/// The time that is left, by group and in all, if as many jobs run as now.
#[derive(Debug)]
pub struct Times {
    /// Seconds of one worker that each group still needs; `None` where nothing is known of it nor of any other.
    work: Vec<Option<f64>>,
    running: usize,
}

impl Times {
    /// Of groups whose jobs have these paces, running ones as far as they are. A group of which none was seen has the pace of all.
    pub(super) fn new(paces: Vec<Pace>, groups: &[Group], running: usize) -> Self {
        let mut all = Pace::default();
        paces.iter().for_each(|pace| all.join(*pace));
        let work = paces.into_iter().zip(groups).map(|(pace, group)| {
            if group.is_settled() {
                return Some(0.0);
            }
            let seconds = pace.seconds_of_job().or(all.seconds_of_job())?;
            Some(group.left.max(0.0) * seconds)
        });
        Self {
            work: work.collect(),
            running: running.max(1),
        }
    }

    /// The time until the group of that number is done, if nothing else goes first; `None` before anything is known, or when it is done.
    pub fn left_of(&self, group: usize) -> Option<Duration> {
        self.time(self.work.get(group).copied().flatten()?)
    }

    /// The time until the sweep is settled, at the pace of each variant's own jobs.
    pub fn left(&self) -> Option<Duration> {
        let work: Option<f64> = self.work.iter().copied().sum();
        self.time(work?)
    }

    fn time(&self, work: f64) -> Option<Duration> {
        (work > 0.0).then(|| Duration::from_secs_f64(work / self.running as f64))
    }
}
