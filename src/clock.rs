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

/// The time, for what files say of when they were used.
pub fn now() -> SystemTime {
    SystemTime::now()
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

/// A date and time of day to the minute, UTC, of milliseconds since 1970: `2026-11-26 14:03 UTC`; empty beyond the year 9999.
pub fn date_and_time(milliseconds: u64) -> String {
    let seconds = i64::try_from(milliseconds / 1000).unwrap_or(i64::MAX);
    time::OffsetDateTime::from_unix_timestamp(seconds).map_or_else(
        |_| String::new(),
        |at| {
            format!(
                "{:04}-{:02}-{:02} {:02}:{:02} UTC",
                at.year(),
                u8::from(at.month()),
                at.day(),
                at.hour(),
                at.minute()
            )
        },
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

#[cfg(test)]
mod tests {
    use super::date_and_time;

    #[test]
    fn a_date_is_the_calendars() {
        assert_eq!(date_and_time(0), "1970-01-01 00:00 UTC");
        assert_eq!(date_and_time(951_827_696_000), "2000-02-29 12:34 UTC");
        assert_eq!(date_and_time(u64::MAX), "");
    }
}
