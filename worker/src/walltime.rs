//! When this process will be ended from outside, and whether another job is worth its beginning until then.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The end of what somebody pays for: an allocation, a spot machine.
#[derive(Debug)]
pub(crate) struct Walltime {
    /// What is not done by then goes back.
    ends: Option<Instant>,
    /// Whether a job that is cut short goes on elsewhere from its checkpoint.
    goes_on: bool,
    /// What the longest job of this process took.
    longest: Mutex<Duration>,
}

impl Walltime {
    /// `left` from now on; within its last `grace` a worker leaves.
    pub(crate) fn new(left: Option<Duration>, grace: Duration, goes_on: bool) -> Self {
        let ends = left.and_then(|left| Instant::now().checked_add(left.saturating_sub(grace)));
        Self {
            ends,
            goes_on,
            longest: Mutex::default(),
        }
    }

    /// When to leave.
    pub(crate) fn ends(&self) -> Option<Instant> {
        self.ends
    }

    /// A job took so long.
    pub(crate) fn note(&self, took: Duration) {
        let mut longest = self.longest.lock().unwrap_or_else(PoisonError::into_inner);
        *longest = took.max(*longest);
    }

    /// Whether a job that begins now may come to something: where none goes on elsewhere, as long a one as the longest so far.
    pub(crate) fn has_time(&self) -> bool {
        let Some(ends) = self.ends else {
            return true;
        };
        let left = ends.saturating_duration_since(Instant::now());
        let needed = if self.goes_on {
            Duration::ZERO
        } else {
            *self.longest.lock().unwrap_or_else(PoisonError::into_inner)
        };
        left > needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_job_is_begun_that_would_not_be_done() {
        let (hour, minute) = (Duration::from_hours(1), Duration::from_mins(1));
        let alone = Walltime::new(Some(hour), minute, false);
        let shared = Walltime::new(Some(hour), minute, true);
        let endless = Walltime::new(None, minute, false);
        for walltime in [&alone, &shared, &endless] {
            assert!(walltime.has_time());
            walltime.note(20 * minute);
            walltime.note(minute);
        }
        tokio::time::advance(38 * minute).await;
        assert!(alone.has_time());
        tokio::time::advance(2 * minute).await;
        assert!(!alone.has_time() && shared.has_time());
        tokio::time::advance(19 * minute).await;
        assert!(!shared.has_time() && endless.has_time());
        assert!(!Walltime::new(Some(minute), minute, true).has_time());
    }
}
