//! How long the jobs that are left will take.

use std::time::Duration;

use super::group::Group;
use super::pace::Pace;

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
        for pace in &paces {
            all.join(*pace);
        }
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
