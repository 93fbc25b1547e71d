//! Lists as texts: bounded, any line ending, numbered lines.

use std::ops::Range;
use std::path::Path;

use crate::error::Faults;

/// The longest list that people pass around has 160 KB.
const MAX_BYTES: u64 = 64 << 20;

/// The lines of a text that hold something, trimmed, with their numbers from 1. A file that cannot be read is a fault
/// and has none.
pub(super) fn lines(path: &Path, faults: &mut Faults) -> Vec<(usize, String)> {
    let text = match std::fs::metadata(path) {
        Ok(metadata) if metadata.len() > MAX_BYTES => {
            faults.add(
                path,
                format_args!("has {} bytes, too many for a list", metadata.len()),
            );
            return Vec::new();
        }
        Ok(metadata) if metadata.is_dir() => {
            faults.add(path, "is a folder; a list is expected");
            return Vec::new();
        }
        Ok(_) => std::fs::read(path),
        Err(error) => Err(error),
    };
    let text = match text {
        Ok(text) => text,
        Err(error) => {
            faults.add(path, format_args!("cannot be read: {error}"));
            return Vec::new();
        }
    };
    let mut lines = Vec::new();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        match std::str::from_utf8(line) {
            Ok(line) => {
                let line = line.trim_start_matches('\u{feff}').trim();
                if !line.is_empty() {
                    lines.push((index + 1, line.to_owned()));
                }
            }
            Err(_) => faults.add(
                path,
                format_args!("line {}: is no text in UTF-8", index + 1),
            ),
        }
    }
    if lines.is_empty() {
        faults.add(path, "holds no lines");
    }
    lines
}

/// A whole number of frames; −1 means that the list does not know it.
///
/// # Errors
/// What it is instead, as half a sentence.
pub(super) fn frames(text: &str) -> Result<Option<u32>, String> {
    match text.parse::<i64>() {
        Ok(-1) => Ok(None),
        Ok(frames) if frames > 0 && frames <= i64::from(crate::list::MAX_FRAMES) => {
            Ok(Some(frames as u32))
        }
        _ => Err(format!("`{text}` is no number of frames")),
    }
}

/// Pairs of frames, first and end, −1 −1 for none.
///
/// # Errors
/// Which pair is wrong, as half a sentence.
pub(super) fn pairs(fields: &[&str]) -> Result<Vec<Range<u32>>, String> {
    let mut ranges: Vec<Range<u32>> = Vec::new();
    for pair in fields.chunks(2) {
        let [from, to] = pair else {
            return Err("has a first frame without an end".to_owned());
        };
        if (*from, *to) == ("-1", "-1") {
            continue;
        }
        let number = |text: &str| {
            text.parse::<u32>()
                .ok()
                .filter(|frame| *frame <= crate::list::MAX_FRAMES)
        };
        match (number(from), number(to)) {
            (Some(from), Some(to)) if from < to => ranges.push(from..to),
            _ => {
                return Err(format!(
                    "`{from} {to}` is no range of frames: first and end are expected, or -1 -1"
                ));
            }
        }
    }
    ranges.sort_by_key(|range| range.start);
    if let Some(pair) = ranges.windows(2).find(|pair| pair[0].end > pair[1].start) {
        return Err(format!(
            "the anomalous frames {}-{} and {}-{} overlap",
            pair[0].start, pair[0].end, pair[1].start, pair[1].end
        ));
    }
    Ok(ranges)
}
