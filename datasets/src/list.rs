//! `train.csv` and `test.csv`: one video a line.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use crate::error::Faults;
use crate::spelling;

/// The columns, in this order.
pub(crate) const HEADER: [&str; 5] = ["video", "features", "frames", "label", "anomalous_frames"];
/// A list of more lines is something else.
const MAX_VIDEOS: usize = 1_000_000;
/// Three months at 30 frames a second: more frames in a video are a mistake.
pub(crate) const MAX_FRAMES: u32 = 1 << 28;

/// 160 bytes a line for as many videos.
const MAX_BYTES: u64 = MAX_VIDEOS as u64 * 160;

/// One line of a list, checked in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) number: u64,
    pub(crate) video: String,
    pub(crate) features: PathBuf,
    pub(crate) frames: u32,
    pub(crate) label: Option<bool>,
    pub(crate) anomalous: Vec<Range<u32>>,
}

/// The lines of a list, and what there is to say about its form.
#[derive(Debug, Default)]
pub(crate) struct List {
    pub(crate) lines: Vec<Line>,
    /// What was passed over, a sentence each.
    pub(crate) notes: Vec<String>,
}

/// Reads a list. Lines with faults are left out.
pub(crate) fn read(path: &Path, faults: &mut Faults) -> List {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.len() > MAX_BYTES => faults.add(
            path,
            format_args!("is longer than {MAX_BYTES} bytes: is it a list?"),
        ),
        _ => match std::fs::read(path) {
            Ok(bytes) => match spelling::decoded(&bytes) {
                Ok(text) => return table(path, &text, faults),
                Err(line) => faults.add(path, format_args!("line {line}: is no text in UTF-8")),
            },
            Err(error) => faults.add(path, format_args!("cannot be read: {error}")),
        },
    }
    List::default()
}

fn table(path: &Path, text: &str, faults: &mut Faults) -> List {
    let mut list = List::default();
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .delimiter(spelling::delimiter(text))
        .from_reader(text.as_bytes());
    let columns = match reader.headers() {
        Ok(header) => Columns::of(header),
        Err(error) => {
            faults.add(path, error);
            return list;
        }
    };
    let Some(columns) = columns else {
        let found = reader.headers().map_or(String::new(), |header| {
            header.iter().collect::<Vec<_>>().join(",")
        });
        faults.add(
            path,
            format_args!(
                "its first line is `{found}`; `{}` is expected",
                HEADER.join(",")
            ),
        );
        return list;
    };
    list.notes = columns.notes(path);
    let mut seen = BTreeSet::new();
    let before = faults.count();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                faults.add(path, error);
                continue;
            }
        };
        // What Excel leaves of rows that were emptied.
        if record.iter().all(str::is_empty) {
            continue;
        }
        let number = record.position().map_or(0, csv::Position::line);
        match columns
            .take(&record)
            .and_then(|fields| parse(fields, number))
        {
            Ok(line) if !seen.insert(line.video.clone()) => {
                faults.add(
                    path,
                    format_args!(
                        "line {number}: the video `{}` stands there twice",
                        line.video
                    ),
                );
            }
            Ok(line) => list.lines.push(line),
            Err(what) => faults.add(path, format_args!("line {number}: {what}")),
        }
        if list.lines.len() > MAX_VIDEOS {
            faults.add(path, format_args!("has more than {MAX_VIDEOS} videos"));
            break;
        }
    }
    if seen.is_empty() && faults.count() == before {
        faults.add(path, "names no video");
    }
    list
}

/// Where a table has our columns.
struct Columns {
    places: [usize; HEADER.len()],
    all: usize,
    /// Counters without a name.
    indices: usize,
    unknown: Vec<String>,
}

impl Columns {
    /// `None` where one of ours is missing or stands there twice.
    fn of(header: &csv::StringRecord) -> Option<Self> {
        let mut places = [None; HEADER.len()];
        let (mut indices, mut unknown) = (0, Vec::new());
        for (place, name) in header.iter().enumerate() {
            match HEADER.iter().position(|own| own.eq_ignore_ascii_case(name)) {
                Some(own) if places[own].is_some() => return None,
                Some(own) => places[own] = Some(place),
                None if spelling::is_index(name) => indices += 1,
                None => unknown.push(name.to_owned()),
            }
        }
        let [
            Some(video),
            Some(features),
            Some(frames),
            Some(label),
            Some(anomalous),
        ] = places
        else {
            return None;
        };
        Some(Self {
            places: [video, features, frames, label, anomalous],
            all: header.len(),
            indices,
            unknown,
        })
    }

    fn notes(&self, path: &Path) -> Vec<String> {
        let list = path
            .file_name()
            .map_or(String::new(), |name| name.to_string_lossy().into_owned());
        let mut notes = Vec::new();
        if !self.unknown.is_empty() {
            let names = self.unknown.join("`, `");
            let (s, are) = if self.unknown.len() == 1 {
                ("", "is")
            } else {
                ("s", "are")
            };
            notes.push(format!(
                "{list}: the column{s} `{names}` {are} unknown and not read"
            ));
        }
        if self.indices > 0 {
            notes.push(format!(
                "{list}: a column without a name was passed over, as the index that pandas writes"
            ));
        }
        notes
    }

    /// Our fields of a line, in our order.
    fn take<'a>(&self, record: &'a csv::StringRecord) -> Result<[&'a str; HEADER.len()], String> {
        if record.len() != self.all {
            return Err(format!(
                "has {} fields; {} are expected: {}",
                record.len(),
                self.all,
                HEADER.join(",")
            ));
        }
        Ok(self.places.map(|place| record.get(place).unwrap_or("")))
    }
}

fn parse(fields: [&str; HEADER.len()], number: u64) -> Result<Line, String> {
    let [video, features, frames, label, anomalous] = fields;
    if video.is_empty() || video.chars().any(char::is_control) {
        return Err(format!("`{}` is no name of a video", video.escape_debug()));
    }
    let Some(frames) = frame(frames).filter(|frames| *frames > 0) else {
        return Err(format!(
            "`{frames}` is no number of frames: a whole number from 1 to {MAX_FRAMES} is expected"
        ));
    };
    let label = spelling::label(label)
        .ok_or_else(|| format!("`{label}` is no label: 0, 1 or nothing is expected"))?;
    let anomalous = ranges(anomalous, frames)?;
    if label == Some(false) && !anomalous.is_empty() {
        return Err("is labelled normal (0), but has anomalous frames".to_owned());
    }
    Ok(Line {
        number,
        video: video.to_owned(),
        features: inside(features)?,
        frames,
        label,
        anomalous,
    })
}

fn frame(text: &str) -> Option<u32> {
    let number = u32::try_from(spelling::whole(text)?).ok()?;
    (number <= MAX_FRAMES).then_some(number)
}

/// `86-374;400-410`: ascending, not overlapping, within the video.
fn ranges(text: &str, frames: u32) -> Result<Vec<Range<u32>>, String> {
    let mut ranges: Vec<Range<u32>> = Vec::new();
    if spelling::missing(text) {
        return Ok(ranges);
    }
    for part in text.split(';').filter(|part| !part.trim().is_empty()) {
        let range = part
            .split_once('-')
            .and_then(|(from, to)| Some(frame(from)?..frame(to)?))
            .ok_or_else(|| {
                // `5-9` is the ninth of May to a spreadsheet.
                let dated = part.contains('/') || part.chars().any(char::is_alphabetic);
                let hint = if dated && part.len() < 40 {
                    "; a spreadsheet turns ranges into dates unless the column is formatted as text"
                } else {
                    ""
                };
                format!("`{part}` is no range of frames: from-to is expected{hint}")
            })?;
        if range.is_empty() {
            return Err(format!(
                "the range {part} of anomalous frames is empty or reversed"
            ));
        }
        if range.end > frames {
            return Err(format!(
                "the anomalous frames {part} leave the video, which has {frames}"
            ));
        }
        ranges.push(range);
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

/// A path that stays inside the data set's folder.
fn inside(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if text.is_empty()
        || !path
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
    {
        return Err(format!("`{text}` is no path inside the data set's folder"));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_checked_against_the_video() {
        assert_eq!(ranges("5-9;1-3", 10).unwrap(), [1..3, 5..9]);
        assert_eq!(ranges("", 10).unwrap(), []);
        for wrong in ["3-3", "4-2", "1-11", "1-5;4-6", "x-3", "7", "-1-3"] {
            assert!(ranges(wrong, 10).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_path_cannot_leave_the_folder() {
        assert!(inside("features/a.npy").is_ok());
        for wrong in ["", "../a.npy", "features/../../a.npy", "/etc/passwd"] {
            assert!(inside(wrong).is_err(), "{wrong}");
        }
    }
}
