//! Moments as others' formats write them.

use time::OffsetDateTime;

fn of(milliseconds: u64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(i64::try_from(milliseconds / 1000).ok()?).ok()
}

/// Milliseconds since 1970 as ISO 8601 in UTC: `2026-11-26T14:03:59.250Z`; that of 1970 beyond the year 9999.
pub fn date_time(milliseconds: u64) -> String {
    let at = of(milliseconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        milliseconds % 1000
    )
}

/// The day alone: `2026-11-26`.
pub fn date(milliseconds: u64) -> String {
    date_time(milliseconds)[..10].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_the_calendars() {
        assert_eq!(date_time(951_827_696_007), "2000-02-29T12:34:56.007Z");
        assert_eq!(date(951_827_696_007), "2000-02-29");
        assert_eq!(&date_time(u64::MAX)[..10], "1970-01-01");
    }
}
