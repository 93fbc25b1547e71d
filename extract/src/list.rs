//! Which videos train and which test, and what is known of them: `video,split,label,anomalous_frames`.

use std::collections::BTreeMap;
use std::path::Path;

use datasets::spelling;

use crate::error::ExtractError;
use crate::video::{Found, Named, Names, Video};

/// The columns; the last two may be missing.
const HEADER: [&str; 4] = ["video", "split", "label", "anomalous_frames"];

/// A part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Split {
    /// `train.csv`.
    Train,
    /// `test.csv`.
    Test,
}

/// A video with its place in the data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The video.
    pub video: Video,
    /// Its part.
    pub split: Split,
    /// Whether it is anomalous, where known.
    pub label: Option<bool>,
    /// Anomalous frames, `from..to`.
    pub anomalous: Vec<(u64, u64)>,
    /// Its frames as the annotation counts them, where it does: another number is worth a look.
    pub frames: Option<u64>,
}

/// What a list says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct List {
    /// Its videos, in its order.
    pub videos: Vec<Listed>,
    /// Lines that begin with `#` and name no video: taken for remarks.
    pub remarks: Vec<u64>,
}

/// Reads a list and finds its videos among what was found: by their name, with or without extension, or by their file's
/// name alone where only one has it. What was not taken for a video is one where the list names it.
pub fn read(path: &Path, found: &Found) -> Result<List, ExtractError> {
    let names = Names::of(found);
    let fault = |line: u64, message: String| ExtractError::List {
        path: path.to_owned(),
        line,
        message,
    };
    let bytes =
        std::fs::read(path).map_err(|error| fault(1, format!("cannot be read: {error}")))?;
    let whole = spelling::decoded(&bytes)
        .map_err(|line| fault(line as u64, "is no text in UTF-8".to_owned()))?;
    // Remarks may stand in front of the header; further down a name may begin so.
    let (remarks, text) = whole.split_at(before_header(&whole));
    let lines_before = remarks.matches('\n').count() as u64;
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .delimiter(spelling::delimiter(text))
        .from_reader(text.as_bytes());
    let unreadable = |error: csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        fault(line + lines_before, format!("cannot be read: {error}"))
    };
    let header = reader.headers().map_err(unreadable)?;
    let places = columns(header).ok_or_else(|| {
        fault(
            lines_before + 1,
            format!("the first line must be `{}`", HEADER.join(",")),
        )
    })?;
    let mut seen = BTreeMap::new();
    let mut list = List::default();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let line = record.position().map_or(0, csv::Position::line) + lines_before;
        // What Excel leaves of rows that were emptied.
        if record.iter().all(str::is_empty) {
            continue;
        }
        let cell = |column: usize| {
            places[column]
                .and_then(|place| record.get(place))
                .unwrap_or_default()
        };
        let name = cell(0);
        let video = match names.find(name) {
            Named::One(video) => video,
            Named::Several => {
                return Err(fault(
                    line,
                    format!(
                        "more than one video is called `{name}`: write its folder in front, or its ending behind"
                    ),
                ));
            }
            Named::Nothing if record.get(0).is_some_and(|first| first.starts_with('#')) => {
                list.remarks.push(line);
                continue;
            }
            Named::Nothing => return Err(fault(line, format!("there is no video `{name}`"))),
        };
        if let Some(before) = seen.insert(&video.name, line) {
            return Err(fault(
                line,
                format!("`{name}` stands in line {before} already"),
            ));
        }
        let split = match cell(1).to_ascii_lowercase().as_str() {
            "train" | "training" => Split::Train,
            "test" | "testing" => Split::Test,
            other => {
                return Err(fault(
                    line,
                    format!("the split is `{other}`; `train` or `test` is expected"),
                ));
            }
        };
        let label = spelling::label(cell(2)).ok_or_else(|| {
            fault(
                line,
                format!("the label is `{}`; 0, 1 or nothing is expected", cell(2)),
            )
        })?;
        let anomalous = ranges(cell(3)).ok_or_else(|| {
            fault(
                line,
                format!(
                    "the anomalous frames are `{}`; `from-to` joined by `;` is expected",
                    cell(3)
                ),
            )
        })?;
        list.videos.push(Listed {
            video: video.clone(),
            split,
            label,
            anomalous,
            frames: None,
        });
    }
    if list.videos.is_empty() {
        return Err(fault(1, "names no video".to_owned()));
    }
    Ok(list)
}

/// Where the header begins: after empty lines and remarks.
fn before_header(text: &str) -> usize {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if !line.trim().is_empty() && !line.starts_with('#') {
            break;
        }
        at += line.len();
    }
    at
}

/// Where a table has our columns, which may stand in any order beside the index that pandas writes; `None` where another one is
/// there, or the first two are not.
fn columns(header: &csv::StringRecord) -> Option<[Option<usize>; HEADER.len()]> {
    let mut places = [None; HEADER.len()];
    for (place, name) in header.iter().enumerate() {
        match HEADER.iter().position(|own| own.eq_ignore_ascii_case(name)) {
            Some(own) if places[own].is_some() => return None,
            Some(own) => places[own] = Some(place),
            None if spelling::is_index(name) => {}
            None => return None,
        }
    }
    (places[0].is_some() && places[1].is_some()).then_some(places)
}

/// Without a list the folders say it: videos below `train…` train, videos below `test…` test, all others train.
pub fn by_folders(videos: &[Video]) -> Vec<Listed> {
    videos
        .iter()
        .map(|video| {
            let top = video
                .name
                .split('/')
                .next()
                .filter(|top| top.len() < video.name.len());
            let test = top.is_some_and(|top| top.to_ascii_lowercase().starts_with("test"));
            Listed {
                video: video.clone(),
                split: if test { Split::Test } else { Split::Train },
                label: None,
                anomalous: Vec::new(),
                frames: None,
            }
        })
        .collect()
}

/// `from-to;from-to`, ends exclusive.
fn ranges(text: &str) -> Option<Vec<(u64, u64)>> {
    if spelling::missing(text) {
        return Some(Vec::new());
    }
    let number = |text: &str| u64::try_from(spelling::whole(text)?).ok();
    text.split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (from, to) = part.split_once('-')?;
            let (from, to) = (number(from)?, number(to)?);
            (from < to).then_some((from, to))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn videos() -> Found {
        let videos = ["a/x.mp4", "a/y.avi", "b/y.avi", "#1.mp4"]
            .map(|path| Video::file(path.rsplit_once('.').unwrap().0, path));
        Found {
            videos: videos.to_vec(),
            ..Found::default()
        }
    }

    fn list(lines: &str) -> Result<Vec<Listed>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            format!("video,split,label,anomalous_frames\n{lines}"),
        )
        .unwrap();
        read(file.path(), &videos())
            .map(|list| list.videos)
            .map_err(|error| error.to_string().rsplit("tmp").next().unwrap().to_owned())
    }

    #[test]
    fn videos_are_found_by_every_name_that_means_one() {
        let found = list("x.mp4,train,0,\na/y,Test,1,3-5; 9-12\nb\\y.avi,training\n").unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|listed| listed.video.name.as_str())
            .collect();
        assert_eq!(names, ["a/x", "a/y", "b/y"]);
        assert_eq!(found[1].anomalous, [(3, 5), (9, 12)]);
        assert_eq!((found[1].split, found[1].label), (Split::Test, Some(true)));
    }

    #[test]
    fn lists_come_back_from_other_programs() {
        for text in [
            ",video,split,label,anomalous_frames\n0,x.mp4,train,0.0,\n1,a/y,test,1.0,3-5\n",
            "\u{feff}video;split;label;anomalous_frames\r\nx.mp4;train;False;\r\na/y;test;True;3-5\r\n;;;\r\n",
            "split,label,anomalous_frames,video\ntrain,0,NaN,x.mp4\ntest,1,3-5,a/y\n",
        ] {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), text).unwrap();
            let found = read(file.path(), &videos()).unwrap().videos;
            assert_eq!(found.len(), 2, "{text}");
            assert_eq!(
                (found[0].split, found[0].label),
                (Split::Train, Some(false))
            );
            assert_eq!((found[1].split, found[1].label), (Split::Test, Some(true)));
            assert_eq!(found[1].anomalous, [(3, 5)]);
        }
    }

    /// A name that begins like a remark is a name where there is such a video.
    #[test]
    fn a_video_may_be_called_like_a_remark() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text =
            "# made by hand, \"so\"\nvideo,split\n#1.mp4,train\n# the rest\n#x.mp4,train\na/y,test";
        std::fs::write(file.path(), text).unwrap();
        let list = read(file.path(), &videos()).unwrap();
        let names = list.videos.iter().map(|one| one.video.name.as_str());
        assert_eq!(names.collect::<Vec<_>>(), ["#1", "a/y"]);
        assert_eq!(list.remarks, [4, 5]);
        std::fs::write(file.path(), text.replace("a/y", "a/q")).unwrap();
        let error = read(file.path(), &videos()).unwrap_err().to_string();
        assert!(error.contains(":6: there is no video `a/q`"), "{error}");
    }

    #[test]
    fn faults_name_the_line() {
        for (lines, message) in [
            (
                "a/x,train\ny,test\n",
                ":3: more than one video is called `y`",
            ),
            ("z,test\n", ":2: there is no video `z`"),
            (
                "x,train\nx.mp4,test\n",
                ":3: `x.mp4` stands in line 2 already",
            ),
            ("x,validate\n", ":2: the split is `validate`"),
            ("x,train,yes\n", ":2: the label is `yes`"),
            ("x,train,1,7-7\n", ":2: the anomalous frames are `7-7`"),
            ("", ":1: names no video"),
        ] {
            let error = list(lines).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
