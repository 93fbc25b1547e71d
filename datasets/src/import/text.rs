//! Lists as texts: bounded, any line ending, numbered lines, and what stands in a line whatever separates it.

use std::ops::Range;
use std::path::Path;

use super::names;
use crate::error::Faults;
use crate::spelling;

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
    let text = match spelling::decoded(&text) {
        Ok(text) => text,
        Err(line) => {
            faults.add(path, format_args!("line {line}: is no text in UTF-8"));
            return Vec::new();
        }
    };
    // Old Macs end lines with a carriage return alone.
    let end = if text.contains('\n') { '\n' } else { '\r' };
    let lines: Vec<(usize, String)> = text
        .split(end)
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim().to_owned()))
        .filter(|(_, line)| !line.is_empty())
        .collect();
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
    if spelling::missing(text) {
        return Ok(None);
    }
    match spelling::whole(text) {
        Some(-1) => Ok(None),
        Some(frames) if frames > 0 && frames <= i64::from(crate::list::MAX_FRAMES) => {
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
        let none = Some(-1);
        if spelling::whole(from) == none && spelling::whole(to) == none {
            continue;
        }
        let number = |text: &str| {
            u32::try_from(spelling::whole(text)?)
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

/// What separates the fields of a line after the video's name.
fn separates(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, ',' | '|' | ';' | '[' | ']' | '(' | ')' | '"' | '\'')
}

/// The video's name that a line begins with, with spaces or in quotes perhaps, and the fields after it.
pub(super) fn named(line: &str) -> (&str, Vec<&str>) {
    let quoted = line.strip_prefix(['"', '\'']).and_then(|rest| {
        let quote = line.chars().next()?;
        rest.split_once(quote)
    });
    let (name, rest) = quoted.unwrap_or_else(|| {
        // A name ends where a file's ending does; one without an ending has no spaces.
        let mut ends = line
            .char_indices()
            .filter(|(_, letter)| separates(*letter))
            .map(|(at, _)| at)
            .chain([line.len()]);
        let end = ends
            .clone()
            .find(|end| names::ends_a_name(&line[..*end]))
            .or_else(|| ends.next())
            .unwrap_or(line.len());
        line.split_at(end)
    });
    let fields = rest.split(separates).filter(|field| !field.is_empty());
    (name.trim(), fields.collect())
}

/// A table with a first line of column names, as pandas writes lists.
pub(super) struct Table {
    delimiter: char,
    columns: Vec<String>,
}

/// How columns are called that hold a video's name, its frames, its label.
pub(super) const VIDEO: [&str; 8] = [
    "video_path",
    "path",
    "video",
    "video_name",
    "filename",
    "file",
    "name",
    "video_id",
];
pub(super) const FRAMES: [&str; 6] = [
    "frame_count",
    "frames",
    "num_frames",
    "n_frames",
    "nframes",
    "total_frames",
];
pub(super) const LABEL: [&str; 4] = ["label", "class", "event", "category"];

impl Table {
    /// `None` where the first line is an entry as all others.
    pub(super) fn of(lines: &[(usize, String)]) -> Option<Self> {
        let (_, first) = lines.first()?;
        let delimiter = char::from(spelling::delimiter(first));
        let columns: Vec<String> = cells(first, delimiter)
            .iter()
            .map(|cell| cell.to_ascii_lowercase().replace(' ', "_"))
            .collect();
        columns
            .iter()
            .any(|column| VIDEO.contains(&column.as_str()))
            .then_some(Self { delimiter, columns })
    }

    /// Whether it has a column of this name.
    pub(super) fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|own| own == column)
    }

    /// The cell of the first of these columns that there is, empty where there is none.
    pub(super) fn cell<'a>(&self, line: &'a str, names: &[&str]) -> Result<&'a str, String> {
        let cells = cells(line, self.delimiter);
        if cells.len() != self.columns.len() {
            return Err(format!(
                "has {} fields, the first line has {}",
                cells.len(),
                self.columns.len()
            ));
        }
        Ok(names
            .iter()
            .find_map(|name| self.columns.iter().position(|own| own == name))
            .map_or("", |column| cells[column]))
    }
}

fn cells(line: &str, delimiter: char) -> Vec<&str> {
    line.split(delimiter)
        .map(|cell| cell.trim().trim_matches(['"', '\'']).trim())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_from_what_follows_it() {
        for (line, name, fields) in [
            ("01_0015", "01_0015", &[][..]),
            ("01_0015,1,-1", "01_0015", &["1", "-1"]),
            ("a b/c d.mp4 12", "a b/c d.mp4", &["12"]),
            ("\"a b/c,d\",Abuse", "a b/c,d", &["Abuse"]),
            ("/x/a__0.npy,Abuse", "/x/a__0.npy", &["Abuse"]),
            ("a.mp4|1412|[165, 240]", "a.mp4", &["1412", "165", "240"]),
            ("a.MP4;12", "a.MP4", &["12"]),
        ] {
            assert_eq!(named(line), (name, fields.to_vec()), "{line}");
        }
    }
}
