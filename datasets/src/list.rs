//! `train.csv` and `test.csv`: one video a line.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use crate::error::Faults;

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

/// Reads a list. Lines with faults are left out.
pub(crate) fn read(path: &Path, faults: &mut Faults) -> Vec<Line> {
    let mut lines = Vec::new();
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > MAX_BYTES) {
        faults.add(
            path,
            format_args!("is longer than {MAX_BYTES} bytes: is it a list?"),
        );
        return lines;
    }
    let mut reader = match csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_path(path)
    {
        Ok(reader) => reader,
        Err(error) => {
            faults.add(path, format_args!("cannot be read: {error}"));
            return lines;
        }
    };
    match reader.headers() {
        Ok(header) if header.iter().eq(HEADER) => {}
        Ok(header) => {
            let found = header.iter().collect::<Vec<_>>().join(",");
            faults.add(
                path,
                format_args!(
                    "its first line is `{found}`; `{}` is expected",
                    HEADER.join(",")
                ),
            );
            return lines;
        }
        Err(error) => {
            faults.add(path, error);
            return lines;
        }
    }
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
        let number = record.position().map_or(0, csv::Position::line);
        match parse(&record, number) {
            Ok(line) if !seen.insert(line.video.clone()) => {
                faults.add(
                    path,
                    format_args!(
                        "line {number}: the video `{}` stands there twice",
                        line.video
                    ),
                );
            }
            Ok(line) => lines.push(line),
            Err(what) => faults.add(path, format_args!("line {number}: {what}")),
        }
        if lines.len() > MAX_VIDEOS {
            faults.add(path, format_args!("has more than {MAX_VIDEOS} videos"));
            break;
        }
    }
    if seen.is_empty() && faults.count() == before {
        faults.add(path, "names no video");
    }
    lines
}

fn parse(record: &csv::StringRecord, number: u64) -> Result<Line, String> {
    let fields: Vec<&str> = record.iter().collect();
    let [video, features, frames, label, anomalous] = fields[..] else {
        return Err(format!(
            "has {} fields; {} are expected: {}",
            fields.len(),
            HEADER.len(),
            HEADER.join(",")
        ));
    };
    if video.is_empty() || video.chars().any(char::is_control) {
        return Err(format!("`{}` is no name of a video", video.escape_debug()));
    }
    let Ok(frames @ 1..=MAX_FRAMES) = frames.parse() else {
        return Err(format!(
            "`{frames}` is no number of frames: a whole number from 1 to {MAX_FRAMES} is expected"
        ));
    };
    let label = match label {
        "" => None,
        "0" => Some(false),
        "1" => Some(true),
        other => {
            return Err(format!(
                "`{other}` is no label: 0, 1 or nothing is expected"
            ));
        }
    };
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

/// `86-374;400-410`: ascending, not overlapping, within the video.
fn ranges(text: &str, frames: u32) -> Result<Vec<Range<u32>>, String> {
    let mut ranges: Vec<Range<u32>> = Vec::new();
    for part in text.split(';').filter(|part| !part.trim().is_empty()) {
        let range = part
            .split_once('-')
            .and_then(|(from, to)| {
                Some(from.trim().parse::<u32>().ok()?..to.trim().parse::<u32>().ok()?)
            })
            .ok_or_else(|| format!("`{part}` is no range of frames: from-to is expected"))?;
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
