//! The only place in this crate that reads a clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::message::Timestamp;

/// Where the engine takes the time from.
pub trait Clock: Send + Sync + 'static {
    /// The time. Never smaller than an answer given before.
    fn now(&self) -> Timestamp;
}

/// The wall clock as it was at the start, moved on by a clock that cannot jump: an administrator who sets the date must
/// not end every lease. It is tokio's clock, so that a paused runtime pauses it too.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: Timestamp,
    origin: tokio::time::Instant,
}

impl SystemClock {
    /// A clock that starts at the wall clock's time.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the named module that reads the clock"
    )]
    pub fn start() -> Self {
        let since_1970 = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Self::starting_at(Timestamp(since_1970.as_millis() as u64))
    }

    /// A clock that starts at a given time, for tests in virtual time.
    pub fn starting_at(start: Timestamp) -> Self {
        Self {
            start,
            origin: tokio::time::Instant::now(),
        }
    }
}

/// Seconds since a file's time; 0 where that is to come.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the named module that reads the clock"
)]
pub(crate) fn seconds_since(time: SystemTime) -> u64 {
    SystemTime::now()
        .duration_since(time)
        .map_or(0, |since| since.as_secs())
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.start.plus(self.origin.elapsed().as_millis() as u64)
    }
}
