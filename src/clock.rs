//! The one module of the program that reads the clock; everybody else is handed what it says.
#![expect(clippy::disallowed_methods, reason = "this module is the clock")]

use std::time::{Duration, Instant, SystemTime};

/// Milliseconds since 1970, UTC.
pub fn unix_milliseconds() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis() as u64
}

/// A time of day, UTC, of milliseconds since 1970: `14:03:59Z`.
pub fn time_of_day(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000 % 86_400;
    format!(
        "{:02}:{:02}:{:02}Z",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// A stopwatch that starts when it is made.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
