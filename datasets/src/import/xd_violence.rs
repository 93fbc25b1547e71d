//! XD-Violence: lists of videos or features, and the annotation of the violent test videos.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use super::request::{Import, ImportError, ImportReport, Request, Wanted};
use super::wanted::{Listed, wanted};
use super::{assemble, names, text};
use crate::error::Faults;
use crate::spelling;

/// Training, test, violent training and violent test videos, as published.
const PUBLISHED: [usize; 4] = [3954, 800, 1905, 500];
/// Frames by which a truth may pass the last segment: it is clipped, farther ones refused.
const SLACK: u32 = 64;

/// Imports XD-Violence features.
///
/// Lists: a name or a path a line or a line a crop (`NAME__0.npy`), with or without its number of frames, or a table with
/// `path`. A name ends with its classes: `…_label_A` is normal, all others are violent. Annotation: `name from to from to …`
/// of the violent test videos, frames from 0, ends exclusive.
///
/// # Errors
/// Every fault of the lists and features with its file and line, or what the system says of `out`.
pub fn xd_violence(request: &Request) -> Result<ImportReport, ImportError> {
    let mut faults = Faults::by_kind(&request.features);
    let mut notes = Vec::new();
    let counts = frame_counts(request, &mut faults);
    let train = list(&request.train, &counts, &mut notes, &mut faults);
    let mut test = list(&request.test, &counts, &mut notes, &mut faults);
    let mut annotations = annotations(&request.annotations, &mut faults);
    for video in &mut test {
        let known = annotations.remove(&video.name);
        match (video.label, known) {
            (Some(true), Some(anomalous)) => video.anomalous = anomalous,
            (Some(true), None) => faults.add(
                &video.list,
                format_args!(
                    "line {}: the violent test video `{}` is not annotated in {}",
                    video.line,
                    video.name,
                    request.shown_annotations()
                ),
            ),
            (_, Some(_)) => faults.add(
                &video.list,
                format_args!(
                    "line {}: the normal video `{}` has anomalous frames in {}",
                    video.line,
                    video.name,
                    request.shown_annotations()
                ),
            ),
            (_, None) => {}
        }
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
        source: "XD-Violence (Wu et al. 2020)",
        licence: "see https://roc-ng.github.io/XD-Violence/",
        slack: SLACK,
        whole_names: false,
        notes,
        faults,
    };
    import.compare(PUBLISHED);
    assemble::assemble(import)
}

/// `…_label_A` is normal.
fn violent(name: &str) -> Result<bool, String> {
    match name.rsplit_once("_label_") {
        Some((_, classes)) if !classes.is_empty() => Ok(classes != "A"),
        _ => Err(format!(
            "`{}` is no video of XD-Violence: a name with `_label_` and its classes is expected",
            name.chars().take(80).collect::<String>()
        )),
    }
}

/// A name, which may hold anything but a blank or end as files do, and the fields after it.
fn named(line: &str) -> (&str, Vec<&str>) {
    let (name, fields) = text::named(line);
    if names::ends_a_name(name) || line.starts_with('"') {
        return (name, fields);
    }
    let mut words = line.split_whitespace();
    (words.next().unwrap_or(""), words.collect())
}

type Entry = Result<(String, Option<u32>), String>;

fn entries(lines: &[(usize, String)]) -> Vec<(usize, Entry)> {
    let table = text::Table::of(lines);
    let read = |content: &str| -> Entry {
        if let Some(table) = &table {
            let name = table.cell(content, &text::VIDEO)?.to_owned();
            return Ok((name, text::frames(table.cell(content, &text::FRAMES)?)?));
        }
        let (name, fields) = named(content);
        let frames = match fields[..] {
            [frames] if spelling::whole(frames).is_some() => text::frames(frames)?,
            _ => None,
        };
        Ok((name.to_owned(), frames))
    };
    lines
        .iter()
        .skip(usize::from(table.is_some()))
        .map(|(line, content)| (*line, read(content)))
        .collect()
}

fn list(
    paths: &[PathBuf],
    counts: &BTreeMap<String, u32>,
    notes: &mut Vec<String>,
    faults: &mut Faults,
) -> Vec<Wanted> {
    let crops = || names::Crops::numbered_by("__");
    wanted(paths, crops, notes, faults, |lines, crops| {
        let listed = |(spelling, frames): (String, Option<u32>), crops: &mut names::Crops| {
            let Some(name) = crops.first(&spelling) else {
                return Ok(None);
            };
            let counted = counts.get(name).copied();
            Ok(Some(Listed {
                name: name.to_owned(),
                label: Some(violent(name)?),
                frames: frames.or(counted),
            }))
        };
        entries(lines)
            .into_iter()
            .map(|(line, entry)| (line, entry.and_then(|entry| listed(entry, crops))))
            .collect()
    })
}

fn frame_counts(request: &Request, faults: &mut Faults) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for path in &request.frame_counts {
        for (line, entry) in entries(&text::lines(path, faults)) {
            match entry {
                Ok((name, Some(frames))) => {
                    let name = names::video(&name).to_owned();
                    counts.entry(name).or_insert(frames);
                }
                Ok((_, None)) => {}
                Err(what) => faults.add(path, format_args!("line {line}: {what}")),
            }
        }
    }
    counts
}

fn annotations(paths: &[PathBuf], faults: &mut Faults) -> BTreeMap<String, Vec<Range<u32>>> {
    let mut annotations = BTreeMap::new();
    for path in paths {
        for (line, content) in text::lines(path, faults) {
            let (spelling, fields) = named(&content);
            let name = names::video(spelling);
            let read = violent(name).and_then(|_| text::pairs(&fields));
            let said = match read {
                Ok(ranges) if ranges.is_empty() => Err(format!("`{name}` has no range of frames")),
                Ok(ranges) => match annotations.insert(name.to_owned(), ranges) {
                    None => Ok(()),
                    Some(_) => Err(format!("the video `{name}` is annotated twice")),
                },
                Err(what) => Err(what),
            };
            if let Err(what) = said {
                faults.add(path, format_args!("line {line}: {what}"));
            }
        }
    }
    annotations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_signs_and_numbers_stay_whole() {
        let line = "v=S-7rRLrxnVQ__#1_label_B4-0-0 0 1517 1970 3038";
        let (name, fields) = named(line);
        assert_eq!(name, "v=S-7rRLrxnVQ__#1_label_B4-0-0");
        assert_eq!(text::pairs(&fields).unwrap(), [0..1517, 1970..3038]);
        let mut crops = names::Crops::numbered_by("__");
        for (spelling, video) in [
            (name, name),
            (
                "/x y/A.Film.2002__#01-24-10_01-25-10_label_A__0.npy",
                "A.Film.2002__#01-24-10_01-25-10_label_A",
            ),
        ] {
            assert_eq!(crops.first(spelling), Some(video));
        }
        assert_eq!(violent(name), Ok(true));
        assert_eq!(violent("a__#1_label_A"), Ok(false));
        assert!(violent("Abuse001_x264").is_err());
    }
}
