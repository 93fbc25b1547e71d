//! How long a job of a variant takes, by those that were seen.

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
