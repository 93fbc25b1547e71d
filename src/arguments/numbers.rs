//! Numbers of options, within what means anything.

/// A limit: 1 to 1,000,000,000. Nothing would pass a limit of 0, and no table is longer.
pub(super) fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=1_000_000_000) => Ok(number),
        _ => Err("it must be a whole number from 1 to 1000000000".into()),
    }
}

/// A span of time that is none would end what has not begun.
pub(super) fn span(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= 1e12 => Ok(seconds),
        _ => Err("it must be a number of seconds above 0".into()),
    }
}
