//! How long a caller waits for an answer.

use std::time::Duration;

use tonic::metadata::MetadataMap;

/// The time that an answer takes to travel: a long poll ends that much before the caller's own deadline.
const MARGIN: Duration = Duration::from_secs(1);

/// How long to wait for something to answer: as long as asked, at most `most`, and not past the caller's deadline.
pub(super) fn poll_deadline(asked_ms: u64, most: Duration, metadata: &MetadataMap) -> Duration {
    let asked = Duration::from_millis(asked_ms).min(most);
    match deadline(metadata) {
        Some(deadline) => asked.min(deadline.saturating_sub(MARGIN.min(deadline / 4))),
        None => asked,
    }
}

/// The header `grpc-timeout`: at most eight digits and a unit.
fn deadline(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(timeout: &str) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        metadata.insert("grpc-timeout", timeout.parse().unwrap());
        metadata
    }

    #[test]
    fn a_long_poll_ends_before_its_caller_gives_up() {
        let most = Duration::from_mins(1);
        let wait = |asked, timeout: &str| poll_deadline(asked, most, &with(timeout));
        assert_eq!(wait(20_000, "30S"), Duration::from_secs(20));
        assert_eq!(wait(20_000, "10S"), Duration::from_secs(9));
        assert_eq!(wait(20_000, "400m"), Duration::from_millis(300));
        assert_eq!(wait(u64::MAX, "99999999H"), most);
        assert_eq!(poll_deadline(u64::MAX, most, &MetadataMap::new()), most);
    }

    #[test]
    fn a_deadline_that_is_none_is_left_out() {
        for text in ["", "S", "-1S", "999999999S", "10X", "1é"] {
            if let Ok(value) = text.parse() {
                let mut metadata = MetadataMap::new();
                metadata.insert("grpc-timeout", value);
                assert_eq!(deadline(&metadata), None, "{text}");
            }
        }
    }
}
