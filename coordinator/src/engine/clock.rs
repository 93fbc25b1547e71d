//! The only place in this crate that reads a clock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proto::nouns::Timestamp;

/// Where the engine takes the time from.
pub trait Clock: Send + Sync + 'static {
    /// The time. Never smaller than an answer given before.
    fn now(&self) -> Timestamp;
}

/// The wall clock as it was at the start, moved on by a clock that cannot jump: an administrator who sets the date must
/// not end every lease. It is tokio's clock, so that a paused runtime pauses it too; but tokio's stands still while the machine
/// sleeps, and the time of a sleep is added, so that the scheduler sees it as a pause of the coordinator's own.
#[derive(Debug)]
pub struct SystemClock {
    start: Timestamp,
    origin: tokio::time::Instant,
    sleeps: Sleeps,
}

/// How long the machine slept since the start.
#[derive(Debug, Default)]
struct Sleeps {
    before: Duration,
    /// In milliseconds. Only grows.
    slept: AtomicU64,
}

impl Sleeps {
    fn since(before: Duration) -> Self {
        Self {
            before,
            slept: AtomicU64::new(0),
        }
    }

    /// Milliseconds of sleep, where the machine slept for that long since it was started.
    fn slept(&self, ever: Duration) -> u64 {
        let slept = ever.saturating_sub(self.before).as_millis() as u64;
        // Two clocks that are read one after the other differ by a little: that is no sleep.
        if slept >= self.slept.load(Relaxed) + LEAST_SLEEP {
            self.slept.fetch_max(slept, Relaxed);
        }
        self.slept.load(Relaxed)
    }
}

/// Milliseconds of the shortest sleep that counts.
const LEAST_SLEEP: u64 = 500;

/// How long the machine slept since it was started: what one clock counts and the other does not.
#[cfg(target_os = "linux")]
fn slept_ever() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    let read = |clock| clock_gettime(clock).map_or(Duration::ZERO, Duration::from);
    let awake = read(ClockId::CLOCK_MONOTONIC);
    read(ClockId::CLOCK_BOOTTIME).saturating_sub(awake)
}

/// Elsewhere a sleep is not noticed, and no time passes in it.
#[cfg(not(target_os = "linux"))]
fn slept_ever() -> Duration {
    Duration::ZERO
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
            sleeps: Sleeps::since(slept_ever()),
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
        let awake = self.origin.elapsed().as_millis() as u64;
        self.start.plus(awake + self.sleeps.slept(slept_ever()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_is_time_and_reading_two_clocks_is_none() {
        let seconds = Duration::from_secs;
        let sleeps = Sleeps::since(seconds(100));
        assert_eq!(sleeps.slept(seconds(100)), 0);
        assert_eq!(sleeps.slept(seconds(100) + Duration::from_millis(20)), 0);
        assert_eq!(sleeps.slept(seconds(3700)), 3_600_000);
        // Never backwards.
        assert_eq!(sleeps.slept(seconds(3699)), 3_600_000);
        assert_eq!(sleeps.slept(seconds(3760)), 3_660_000);
        // Where one of the clocks cannot be read.
        assert_eq!(sleeps.slept(Duration::ZERO), 3_660_000);
    }
}
