//! UpCam: 240 hours of one camera without labels, and one hour with a label for every frame (Hofmann's bachelor thesis,
//! `fshofmann/video-anomaly-detection`).
//!
//! There are no lists. What is there says the split: a file `DD.csv` of labels makes the video `DD` (of the folder `eval`) a test video, and
//! every video `DD-HH` (day and hour, of the folder `upCam`) trains, without a label.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::found::Index;
use super::lists::{self, Lists};
use super::request::{Import, ImportError, ImportReport, Request, Wanted};
use super::{assemble, names, text};
use crate::error::{DatasetError, Faults};

/// Hours without labels, as published.
const PUBLISHED: usize = 240;
const SOURCE: &str = "UpCam (https://github.com/fshofmann/video-anomaly-detection)";
const LICENCE: &str = "MIT";

/// Imports features of UpCam. `request.annotations` are the folder of labels or the files in it; `request.train` and `request.test` stay empty.
///
/// # Errors
/// Every fault of the labels and features with its file and line, or what the system says of `out`.
pub fn upcam(request: &Request) -> Result<ImportReport, ImportError> {
    // What is wrong with the folder is said when its features are taken.
    let index = Index::of(
        &request.features,
        true,
        &mut Faults::by_kind(&request.features),
    );
    let names: Vec<&str> = index.names().collect();
    let import = read(request, &names);
    assemble::assemble(import)
}

/// What the labels say of videos with these names.
///
/// # Errors
/// Every fault with its file and line.
pub fn upcam_lists(annotations: &Path, videos: &[&str]) -> Result<Lists, DatasetError> {
    let request = Request {
        features: annotations.to_owned(),
        annotations: vec![annotations.to_owned()],
        ..Request::default()
    };
    lists::finish(read(&request, videos))
}

fn read<'a>(request: &'a Request, videos: &[&str]) -> Import<'a> {
    let mut faults = Faults::by_kind(&request.features);
    let mut labelled = BTreeMap::new();
    for path in &request.annotations {
        for file in label_files(path, &mut faults) {
            if let Some(video) = labels(&file, &mut faults) {
                labelled.insert(video.name.clone(), video);
            }
        }
    }
    let mut hours: Vec<&str> = videos
        .iter()
        .map(|name| names::key(name))
        .filter(|name| hour(name))
        .collect();
    hours.sort_unstable();
    hours.dedup();
    let train: Vec<Wanted> = hours
        .into_iter()
        .map(|name| Wanted {
            name: name.to_owned(),
            list: request.features.clone(),
            line: 0,
            frames: None,
            label: None,
            anomalous: Vec::new(),
        })
        .collect();
    let mut notes = Vec::new();
    if train.is_empty() {
        faults.add(
            &request.features,
            "has no video `DD-HH` (a day and an hour, such as 00-00)",
        );
    } else if train.len() != PUBLISHED {
        notes.push(format!(
            "there are {} hours to train on; {PUBLISHED} were published",
            train.len()
        ));
    }
    Import {
        request,
        train,
        test: labelled.into_values().collect(),
        source: SOURCE,
        licence: LICENCE,
        slack: 0,
        whole_names: true,
        notes,
        faults,
    }
}

/// `07-20`: a day and an hour.
fn hour(name: &str) -> bool {
    let number = |text: &str, below: u32| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits && text.parse::<u32>().is_ok_and(|number| number < below)
    };
    name.split_once('-')
        .is_some_and(|(day, hour)| number(day, 100) && number(hour, 24))
}

/// The files of labels in a folder, or the one file.
fn label_files(path: &Path, faults: &mut Faults) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => {
            faults.add(path, format_args!("cannot be read: {error}"));
            return Vec::new();
        }
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|file| names::extension(file) == "csv")
        .filter(|file| {
            !file
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.'))
        })
        .collect();
    files.sort();
    if files.is_empty() {
        faults.add(
            path,
            "has no file of labels: 00.csv is expected, a line 0 or 1 for every frame",
        );
    }
    files
}

/// A line 0 or 1 for every frame of the video that the file is called for.
fn labels(file: &Path, faults: &mut Faults) -> Option<Wanted> {
    let lines = text::lines(file, faults);
    let mut anomalous: Vec<Range<u32>> = Vec::new();
    let (mut frames, mut wrong) = (0_u32, false);
    for (line, content) in &lines {
        match content.trim() {
            "0" => {}
            "1" => match anomalous.last_mut() {
                Some(last) if last.end == frames => last.end += 1,
                _ => anomalous.push(frames..frames + 1),
            },
            other => {
                let shown: String = other.chars().take(40).collect();
                faults.add(
                    file,
                    format_args!(
                        "line {line}: `{shown}` is no label of a frame: 0 or 1 is expected"
                    ),
                );
                wrong = true;
            }
        }
        frames = frames.checked_add(1)?;
    }
    if frames == 0 {
        faults.add(file, "has no label");
        return None;
    }
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    (!wrong).then(|| Wanted {
        name: name.into_owned(),
        list: file.to_owned(),
        line: 1,
        frames: Some(frames),
        label: Some(!anomalous.is_empty()),
        anomalous,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_a_day_and_an_hour() {
        for (name, is) in [
            ("00-00", true),
            ("09-23", true),
            ("00-24", false),
            ("00", false),
            ("0-1", false),
            ("00-00-1", false),
            ("ab-01", false),
            ("+1-01", false),
        ] {
            assert_eq!(hour(name), is, "{name}");
        }
    }
}
