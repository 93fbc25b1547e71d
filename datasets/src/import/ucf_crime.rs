//! UCF-Crime: the official lists or those of features, and the temporal annotation in any of its forms.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use sweeps::parameter::nearest;

use super::request::{Import, ImportError, ImportReport, Request, Wanted};
use super::wanted::{Listed, wanted};
use super::{assemble, names, text};
use crate::error::Faults;
use crate::spelling;

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
/// Lists: a path a line or a line a crop, with or without its class, label and number of frames; first and last frame
/// (`name 0 1411 7`); a table with `path` or `video_path`. Annotation: `name class from to from to`, with the number of
/// frames after it or after the path, or `path|frames|[from, to]`. Frames count from 0 and ends are exclusive, as the
/// evaluation scripts read them.
///
/// # Errors
/// Every fault of the lists and features with its file and line, or what the system says of `out`.
pub fn ucf_crime(request: &Request) -> Result<ImportReport, ImportError> {
    assemble::assemble(read(request))
}

/// The lists and the truth, before any features are looked at.
pub(super) fn read(request: &Request) -> Import<'_> {
    let mut faults = Faults::by_kind(&request.features);
    let mut notes = Vec::new();
    let mut train = list(&request.train, &mut notes, &mut faults);
    let mut test = list(&request.test, &mut notes, &mut faults);
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
        slack: 0,
        whole_names: false,
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
                    request.shown_annotations()
                ),
            );
            continue;
        };
        if let Some(frames) = video.frames {
            for range in known.anomalous.iter_mut().filter(|r| r.end > frames) {
                if range.end - frames > CLIPPED || range.start >= frames {
                    faults.add(
                        &known.list,
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
    list: PathBuf,
    line: usize,
    frames: Option<u32>,
    anomalous: Vec<Range<u32>>,
}

fn annotations(paths: &[PathBuf], faults: &mut Faults) -> BTreeMap<String, Annotation> {
    let mut annotations = BTreeMap::new();
    for path in paths {
        for (line, content) in text::lines(path, faults) {
            let read = annotation(&content).and_then(|(entry, anomalous)| {
                let key = names::key(entry.spelling).to_owned();
                let annotation = Annotation {
                    list: path.clone(),
                    line,
                    frames: entry.frames,
                    anomalous,
                };
                match annotations.insert(key, annotation) {
                    None => Ok(()),
                    Some(_) => Err(format!("the video `{}` is annotated twice", entry.spelling)),
                }
            });
            if let Err(what) = read {
                faults.add(path, format_args!("line {line}: {what}"));
            }
        }
    }
    annotations
}

/// A line that has to say which frames are anomalous.
fn annotation(content: &str) -> Result<(Entry<'_>, Vec<Range<u32>>), String> {
    let mut entry = entry(content)?;
    let Some(anomalous) = entry.anomalous.take() else {
        return Err(format!(
            "has {} fields; `name class from to from to`, with or without the number of frames, is expected",
            entry.fields
        ));
    };
    let (name, named) = (entry.spelling, class_of(names::video(entry.spelling))?);
    if (named == NORMAL) != anomalous.is_empty() {
        return Err(if named == NORMAL {
            format!("the normal video `{name}` has anomalous frames")
        } else {
            format!("the anomalous video `{name}` has no anomalous frames")
        });
    }
    Ok((entry, anomalous))
}

/// The videos of a split's lists.
fn list(paths: &[PathBuf], notes: &mut Vec<String>, faults: &mut Faults) -> Vec<Wanted> {
    let listed = |entry: Entry<'_>, crops: &mut names::Crops| {
        let Some(name) = crops.first(entry.spelling) else {
            return Ok(None);
        };
        class_of(name)?;
        Ok(Some(Listed {
            name: name.to_owned(),
            label: None,
            frames: entry.frames,
        }))
    };
    wanted(
        paths,
        names::Crops::default,
        notes,
        faults,
        |lines, crops| {
            entries(lines)
                .into_iter()
                .map(|(line, entry)| (line, entry.and_then(|entry| listed(entry, crops))))
                .collect()
        },
    )
}

/// Numbers of frames by key, from the lists that only serve for them. The first list that knows a video wins.
fn frame_counts(request: &Request, faults: &mut Faults) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for path in &request.frame_counts {
        let lines = text::lines(path, faults);
        for (line, entry) in entries(&lines) {
            match entry {
                Ok(entry) => {
                    if let Some(frames) = entry.frames {
                        counts
                            .entry(names::key(entry.spelling).to_owned())
                            .or_insert(frames);
                    }
                }
                Err(what) => faults.add(path, format_args!("line {line}: {what}")),
            }
        }
    }
    counts
}

/// What a line says of a video.
#[derive(Debug)]
struct Entry<'a> {
    /// As the line spells it.
    spelling: &'a str,
    frames: Option<u32>,
    anomalous: Option<Vec<Range<u32>>>,
    /// Fields of the line, the name among them.
    fields: usize,
}

/// The entries of a list: lines in any of the forms, or a table.
fn entries(lines: &[(usize, String)]) -> Vec<(usize, Result<Entry<'_>, String>)> {
    let Some(table) = text::Table::of(lines) else {
        return lines
            .iter()
            .map(|(line, content)| (*line, entry(content)))
            .collect();
    };
    let read = |content| {
        let spelling = table.cell(content, &text::VIDEO)?;
        let frames = text::frames(table.cell(content, &text::FRAMES)?)?;
        let label = table.cell(content, &text::LABEL)?;
        checked(spelling, label)?;
        Ok(Entry {
            spelling,
            frames,
            anomalous: None,
            fields: 1,
        })
    };
    lines
        .iter()
        .skip(1)
        .map(|(line, content)| (*line, read(content)))
        .collect()
}

/// Whether a class or a label agrees with the video's name.
fn checked(spelling: &str, said: &str) -> Result<(), String> {
    let of_name = names::crop(spelling).map_or_else(|| names::video(spelling), |(name, _, _)| name);
    let named = class_of(of_name)?;
    let agrees = match spelling::label(said) {
        Some(Some(anomalous)) => anomalous == (named != NORMAL),
        Some(None) => true,
        None => said == named || (is_normal(said) && named == NORMAL),
    };
    if agrees {
        Ok(())
    } else {
        Err(format!("calls the video `{spelling}` `{said}`"))
    }
}

/// `Normal`, and the folders that normal videos lie in.
fn is_normal(word: &str) -> bool {
    word.to_ascii_lowercase().contains("normal")
}

fn entry(content: &str) -> Result<Entry<'_>, String> {
    let (spelling, fields) = text::named(content);
    let known = |frames, ranges: Option<&[&str]>| {
        Ok(Entry {
            spelling,
            frames,
            anomalous: ranges.map(text::pairs).transpose()?,
            fields: fields.len() + 1,
        })
    };
    let number = |field: &str| spelling::whole(field);
    let is_class = |field: &&str| {
        CLASSES.contains(field) || is_normal(field) || field.starts_with(char::is_uppercase)
    };
    // The class stands after the name, or after the number of frames.
    let class = fields.iter().take(2).position(is_class);
    if let Some(class) = class {
        checked(spelling, fields[class])?;
        let (before, after) = (&fields[..class], &fields[class + 1..]);
        return match (before, after) {
            ([], []) => known(None, None),
            ([frames], []) | ([], [frames]) => known(text::frames(frames)?, None),
            ([], ranges) if ranges.len() == 4 => known(None, Some(ranges)),
            ([frames], ranges) if ranges.len() == 4 => known(text::frames(frames)?, Some(ranges)),
            // The number of frames can stand last.
            ([], [ranges @ .., frames]) if ranges.len() == 4 => {
                known(text::frames(frames)?, Some(ranges))
            }
            _ => Err(format!(
                "has {} fields; `name class from to from to`, with or without the number of frames, is expected",
                fields.len() + 1
            )),
        };
    }
    match fields[..] {
        [] => known(None, None),
        // Nothing has one frame.
        [label] if matches!(number(label), Some(0 | 1)) => {
            checked(spelling, label)?;
            known(None, None)
        }
        [frames] => known(text::frames(frames)?, None),
        [frames, none] if number(none) == Some(-1) => known(text::frames(frames)?, Some(&[])),
        [frames, label] if matches!(number(label), Some(0 | 1)) => {
            checked(spelling, label)?;
            known(text::frames(frames)?, None)
        }
        // First frame, last frame and the number of the class.
        [first, last, class] if is_span(number(first), number(last), number(class)) => {
            let frames = number(last)
                .zip(number(first))
                .map(|(last, first)| last - first + 1);
            known(text::frames(&frames.unwrap_or(0).to_string())?, None)
        }
        [frames, ref ranges @ ..] if ranges.len().is_multiple_of(2) => {
            known(text::frames(frames)?, Some(ranges))
        }
        _ => Err(format!(
            "has {} fields; a path, or a path and its number of frames, is expected",
            fields.len() + 1
        )),
    }
}

/// Whether three numbers are a video's first and last frame and its class, not its frames and one range of them.
fn is_span(first: Option<i64>, last: Option<i64>, class: Option<i64>) -> bool {
    match (first, last, class) {
        (Some(first), Some(last), Some(class)) => {
            (0..=1).contains(&first) && last > first && class < last
        }
        _ => false,
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
    fn all_forms_of_the_annotation_say_the_same() {
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
            (
                "Arson/Arson011_x264.mp4|1266|[150, 420, 680, 1267]",
                Some(1266),
            ),
            ("\"Arson011_x264.mp4\",Arson,150.0,420.0,680,1267", None),
        ];
        for (line, frames) in forms {
            let (read, anomalous) = annotation(line).unwrap();
            assert_eq!(names::key(read.spelling), "Arson011");
            assert_eq!(read.frames, frames, "{line}");
            assert_eq!(anomalous, [150..420, 680..1267]);
        }
        let normal =
            "Testing_Normal_Videos_Anomaly/Normal_Videos_872_x264.mp4 530 Normal -1 -1 -1 -1";
        assert_eq!(annotation(normal).unwrap().1, []);
        let normal = "Normal_Videos_event/Normal_Videos_872_x264.mp4 530 -1";
        let (read, anomalous) = annotation(normal).unwrap();
        assert_eq!((read.frames, anomalous), (Some(530), vec![]));
    }

    #[test]
    fn lists_say_frames_classes_and_labels_in_many_ways() {
        for (line, frames) in [
            ("Abuse/Abuse028_x264.mp4", None),
            ("/home/a b/Abuse028_x264__5.npy,Abuse", None),
            ("Abuse028_x264.mp4,1", None),
            ("Abuse028_x264.mp4 1412", Some(1412)),
            ("Abuse028_x264.mp4 1412.0 1.0", Some(1412)),
            ("Abuse028_x264 0 1411 0", Some(1412)),
            ("Abuse028_x264|1412|[165, 240]", Some(1412)),
        ] {
            let read = entry(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(read.frames, frames, "{line}");
        }
        for line in [
            "Abuse028_x264.mp4,0",
            "Abuse028_x264.mp4,Normal",
            "Abuse028_x264.mp4 many",
            "Abuse028_x264.mp4 1 2 3 4",
        ] {
            assert!(entry(line).is_err(), "{line}");
        }
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
            assert!(annotation(line).is_err(), "{line}");
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
