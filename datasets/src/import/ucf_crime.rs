//! UCF-Crime: the official lists or those of features, and the temporal annotation in any of its forms.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use sweeps::parameter::nearest;

use super::request::{Import, ImportError, ImportReport, Request, Wanted};
use super::{assemble, names, text};
use crate::error::Faults;

/// The classes, as the videos' names begin.
const CLASSES: [&str; 14] = [
    "Abuse",
    "Arrest",
    "Arson",
    "Assault",
    "Burglary",
    "Explosion",
    "Fighting",
    "Normal_Videos",
    "RoadAccidents",
    "Robbery",
    "Shooting",
    "Shoplifting",
    "Stealing",
    "Vandalism",
];
const NORMAL: &str = "Normal_Videos";
/// Training, test, anomalous training and anomalous test videos, as published.
const PUBLISHED: [usize; 4] = [1610, 290, 810, 140];
/// Five of the published ranges end up to two frames after their video: such ends are clipped, farther ones refused.
const CLIPPED: u32 = 16;

/// Imports UCF-Crime features.
///
/// Lists: a path a line, with or without its number of frames, or the CSV with `video_path` and `frame_count`.
/// Annotation: `name class from to from to`, with the number of frames after it, or after the path. Frames count from
/// 0 and ends are exclusive, as the evaluation scripts read them.
///
/// # Errors
/// Every fault of the lists and features with its file and line, or what the system says of `out`.
pub fn ucf_crime(request: &Request) -> Result<ImportReport, ImportError> {
    assemble::assemble(read(request))
}

/// The lists and the truth, before any features are looked at.
pub(super) fn read(request: &Request) -> Import<'_> {
    let mut faults = Faults::new(&request.features);
    let mut notes = Vec::new();
    let mut train = list(&request.train, &mut faults);
    let mut test = list(&request.test, &mut faults);
    let counts = frame_counts(request, &mut faults);
    let mut annotations = annotations(&request.annotations, &mut faults);

    for video in train.iter_mut().chain(&mut test) {
        let known = annotations.get(names::key(&video.name));
        let count = counts.get(names::key(&video.name)).copied();
        let annotated = known.and_then(|known| known.frames);
        video.frames = annotated.or(video.frames).or(count);
        video.label = Some(!video.name.starts_with(NORMAL));
    }
    let clipped = annotate(&mut test, &mut annotations, request, &mut faults);
    if clipped > 0 {
        notes.push(format!(
            "{clipped} annotated ranges end after their video and were clipped"
        ));
    }
    if !annotations.is_empty() {
        let names: Vec<&str> = annotations.keys().map(String::as_str).take(3).collect();
        notes.push(format!(
            "{} annotated videos are in no test list: {} …",
            annotations.len(),
            names.join(", ")
        ));
    }
    let mut import = Import {
        request,
        train,
        test,
        source: "UCF-Crime (Sultani et al. 2018)",
        licence: "see https://www.crcv.ucf.edu/projects/real-world/",
        notes,
        faults,
    };
    import.compare(PUBLISHED);
    import
}

/// Gives the test videos their truth; how many ends were clipped.
fn annotate(
    test: &mut [Wanted],
    annotations: &mut BTreeMap<String, Annotation>,
    request: &Request,
    faults: &mut Faults,
) -> usize {
    let mut clipped = 0;
    for video in test {
        let Some(mut known) = annotations.remove(names::key(&video.name)) else {
            faults.add(
                &video.list,
                format_args!(
                    "line {}: the test video `{}` is not annotated in {}",
                    video.line,
                    video.name,
                    request.annotations.display()
                ),
            );
            continue;
        };
        if let Some(frames) = video.frames {
            for range in known.anomalous.iter_mut().filter(|r| r.end > frames) {
                if range.end - frames > CLIPPED || range.start >= frames {
                    faults.add(
                        &request.annotations,
                        format_args!(
                            "line {}: the anomalous frames {}-{} leave the video `{}`, which has {frames}",
                            known.line, range.start, range.end, video.name
                        ),
                    );
                }
                range.end = frames;
                clipped += 1;
            }
        }
        video.anomalous = known.anomalous;
    }
    clipped
}

struct Annotation {
    line: usize,
    frames: Option<u32>,
    anomalous: Vec<Range<u32>>,
}

fn annotations(path: &Path, faults: &mut Faults) -> BTreeMap<String, Annotation> {
    let mut annotations = BTreeMap::new();
    for (line, content) in text::lines(path, faults) {
        let read = annotation(line, &content).and_then(|(name, annotation)| {
            let key = names::key(name).to_owned();
            match annotations.insert(key, annotation) {
                None => Ok(()),
                Some(_) => Err(format!("the video `{name}` is annotated twice")),
            }
        });
        if let Err(what) = read {
            faults.add(path, format_args!("line {line}: {what}"));
        }
    }
    annotations
}

fn annotation(line: usize, content: &str) -> Result<(&str, Annotation), String> {
    let fields: Vec<&str> = content.split_whitespace().collect();
    // The number of frames stands last, after the path, or nowhere.
    let (name, class, ranges, frames) = match fields[..] {
        [name, class, ref ranges @ ..] if ranges.len() == 4 => (name, class, ranges, None),
        [name, frames, class, ref ranges @ ..]
            if ranges.len() == 4 && frames.parse::<i64>().is_ok() =>
        {
            (name, class, ranges, text::frames(frames)?)
        }
        [name, class, ref ranges @ .., frames] if ranges.len() == 4 => {
            (name, class, ranges, text::frames(frames)?)
        }
        _ => {
            return Err(format!(
                "has {} fields; `name class from to from to`, with or without the number of frames, is expected",
                fields.len()
            ));
        }
    };
    let named = class_of(names::video(name))?;
    if class != named && !(class == "Normal" && named == NORMAL) {
        return Err(format!("calls the video `{name}` `{class}`"));
    }
    let anomalous = text::pairs(ranges)?;
    if (named == NORMAL) != anomalous.is_empty() {
        return Err(if named == NORMAL {
            format!("the normal video `{name}` has anomalous frames")
        } else {
            format!("the anomalous video `{name}` has no anomalous frames")
        });
    }
    let annotation = Annotation {
        line,
        frames,
        anomalous,
    };
    Ok((name, annotation))
}

/// The videos of a list.
fn list(path: &Path, faults: &mut Faults) -> Vec<Wanted> {
    let mut videos = Vec::new();
    for (line, entry) in entries(path, faults) {
        let read = entry.and_then(|(spelling, frames)| {
            let name = names::video(&spelling).to_owned();
            class_of(&name)?;
            Ok((name, frames))
        });
        match read {
            Ok((name, frames)) => videos.push(Wanted {
                name,
                list: path.to_owned(),
                line,
                frames,
                label: None,
                anomalous: Vec::new(),
            }),
            Err(what) => faults.add(path, format_args!("line {line}: {what}")),
        }
    }
    videos
}

/// Numbers of frames by key, from the lists that only serve for them. The first list that knows a video wins.
fn frame_counts(request: &Request, faults: &mut Faults) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for path in &request.frame_counts {
        for (line, entry) in entries(path, faults) {
            match entry {
                Ok((spelling, Some(frames))) => {
                    counts
                        .entry(names::key(&spelling).to_owned())
                        .or_insert(frames);
                }
                Ok((_, None)) => {}
                Err(what) => faults.add(path, format_args!("line {line}: {what}")),
            }
        }
    }
    counts
}

type Entry = Result<(String, Option<u32>), String>;

/// The entries of a list: a path, perhaps with its number of frames, in any of the forms.
fn entries(path: &Path, faults: &mut Faults) -> Vec<(usize, Entry)> {
    let lines = text::lines(path, faults);
    let header: Option<Vec<&str>> = lines
        .first()
        .filter(|(_, line)| line.starts_with("video_id,"))
        .map(|(_, line)| line.split(',').collect());
    let Some(header) = header else {
        return lines
            .iter()
            .map(|(line, content)| (*line, entry(*line, content)))
            .collect();
    };
    let column = |name| header.iter().position(|column| *column == name);
    let (Some(video), Some(frames)) = (column("video_path"), column("frame_count")) else {
        faults.add(
            path,
            "line 1: has no columns `video_path` and `frame_count`, as UCF-Crime's has",
        );
        return Vec::new();
    };
    let entry = |content: &str| -> Entry {
        let fields: Vec<&str> = content.split(',').collect();
        match (fields.get(video), fields.get(frames)) {
            (Some(video), Some(frames)) if fields.len() == header.len() => {
                Ok(((*video).to_owned(), text::frames(frames)?))
            }
            _ => Err(format!(
                "has {} fields, the first line has {}",
                fields.len(),
                header.len()
            )),
        }
    };
    lines
        .iter()
        .skip(1)
        .map(|(line, content)| (*line, entry(content)))
        .collect()
}

fn entry(line: usize, content: &str) -> Entry {
    let fields: Vec<&str> = content.split_whitespace().collect();
    match fields[..] {
        [path] => Ok((path.to_owned(), None)),
        [path, frames] => Ok((path.to_owned(), text::frames(frames)?)),
        [_, _, _, _, _, _, ..] => {
            annotation(line, content).map(|(name, annotation)| (name.to_owned(), annotation.frames))
        }
        _ => Err(format!(
            "has {} fields; a path, or a path and its number of frames, is expected",
            fields.len()
        )),
    }
}

/// The class that a video's name begins with, which its number follows.
fn class_of(name: &str) -> Result<&'static str, String> {
    let letters = name.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '_');
    let class = name[..name.len() - letters.len()].trim_end_matches('_');
    if let Some(known) = CLASSES.iter().find(|known| **known == class)
        && letters.starts_with(|c: char| c.is_ascii_digit())
    {
        return Ok(known);
    }
    let shown: String = name.chars().take(80).collect();
    Err(match nearest(class, CLASSES.iter().copied()) {
        Some(near) if near != class && class.len() > 2 => {
            format!("`{shown}` is no video of UCF-Crime; did you mean `{near}`?")
        }
        _ => format!("`{shown}` is no video of UCF-Crime"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_forms_of_the_annotation_say_the_same() {
        let forms = [
            ("Arson011_x264.mp4  Arson  150  420  680  1267  ", None),
            (
                "Arson011_x264.mp4\tArson\t150\t420\t680\t1267\t1266",
                Some(1266),
            ),
            (
                "Arson/Arson011_x264.mp4 1266 Arson 150 420 680 1267 ",
                Some(1266),
            ),
        ];
        for (line, frames) in forms {
            let (name, read) = annotation(1, line).unwrap();
            assert_eq!(names::key(name), "Arson011");
            assert_eq!(read.frames, frames);
            assert_eq!(read.anomalous, [150..420, 680..1267]);
        }
        let normal =
            "Testing_Normal_Videos_Anomaly/Normal_Videos_872_x264.mp4 530 Normal -1 -1 -1 -1";
        assert_eq!(annotation(1, normal).unwrap().1.anomalous, []);
    }

    #[test]
    fn annotations_that_contradict_themselves_are_refused() {
        for line in [
            "Arson011_x264.mp4 Arson 150 420 680",
            "Arson011_x264.mp4 Arson 420 150 -1 -1",
            "Arson011_x264.mp4 Arson 150 420 400 500",
            "Arson011_x264.mp4 Arson -1 420 -1 -1",
            "Arson011_x264.mp4 Arson -1 -1 -1 -1",
            "Arson011_x264.mp4 Assault 150 420 -1 -1",
            "Normal_Videos_872_x264.mp4 Normal 1 5 -1 -1",
            "01_0015 Normal -1 -1 -1 -1",
            "Arson011_x264.mp4 Arson 1 5 -1 -1 0",
            "Arson011_x264.mp4 Arson 1 99999999999 -1 -1",
        ] {
            assert!(annotation(1, line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_class_is_what_stands_before_the_number() {
        assert_eq!(class_of("Abuse001_x264").unwrap(), "Abuse");
        assert_eq!(class_of("Normal_Videos_003_x264").unwrap(), NORMAL);
        for wrong in ["01_0015", "Abuse", "Abuze001", "", "_", "é001", "XAbuse001"] {
            assert!(class_of(wrong).is_err(), "{wrong}");
        }
        assert!(class_of("Abuze001").unwrap_err().contains("`Abuse`"));
    }
}
