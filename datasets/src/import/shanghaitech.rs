//! ShanghaiTech in the split of Zhong et al.: their lists, and frame masks as the test truth.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::request::{Import, ImportError, ImportReport, Request, Wanted};
use super::wanted::{Listed, wanted};
use super::{assemble, names, summary, text};
use crate::error::Faults;
use crate::map::map;
use crate::npy::{Header, Kind};
use crate::spelling;

/// Training, test, anomalous training and anomalous test videos, as published.
const PUBLISHED: [usize; 4] = [238, 199, 63, 44];

/// Imports ShanghaiTech features.
///
/// Lists: a name or a path a line or a line a crop, alone, with its label (`name,label`), its label and frames
/// (`name,label,frames` with −1 for what is missing) or what happens in it (`name cycling`), or a table. A name is
/// `SCENE_NUMBER`; those of three digits come from the original training set, which is normal. Masks: a folder of
/// `NAME.npy`, one number a frame, 1 for anomalous. They may cover training videos too.
///
/// # Errors
/// Every fault of the lists, masks and features with its file and line, or what the system says of `out`.
pub fn shanghaitech(request: &Request) -> Result<ImportReport, ImportError> {
    assemble::assemble(read(request))
}

/// The lists and the truth, before any features are looked at.
pub(super) fn read(request: &Request) -> Import<'_> {
    let mut faults = Faults::by_kind(&request.features);
    let mut notes = Vec::new();
    let mut train = list(&request.train, &mut notes, &mut faults);
    let mut test = list(&request.test, &mut notes, &mut faults);
    let counts = frame_counts(request, &mut faults);
    let masks = masks(&request.annotations, &mut faults);
    let mut differing = Vec::new();
    for (video, tests) in train
        .iter_mut()
        .map(|video| (video, false))
        .chain(test.iter_mut().map(|video| (video, true)))
    {
        let original_training = original_training(&video.name);
        let counted = counts.get(&(video.name.clone())).copied();
        let mut said: Vec<u32> = video.frames.into_iter().chain(counted).collect();
        if let Some(mask) = masks.get(&video.name) {
            match read_mask(mask) {
                Ok(mask) => {
                    let anomalous = !mask.anomalous.is_empty();
                    if video.label.is_some_and(|label| label != anomalous) {
                        faults.add(
                            &video.list,
                            format_args!(
                                "line {}: labels `{}` {}, but its mask has {} anomalous frames",
                                video.line,
                                video.name,
                                u8::from(!anomalous),
                                if anomalous { "" } else { "no" }
                            ),
                        );
                    }
                    video.label = Some(anomalous);
                    video.anomalous = mask.anomalous;
                    said.insert(0, mask.frames);
                }
                Err(what) => faults.add(mask, what),
            }
        } else if video.label.is_none() && original_training {
            video.label = Some(false);
        } else if tests && video.label != Some(false) {
            faults.add(
                &video.list,
                format_args!(
                    "line {}: the test video `{}` has no mask in {}",
                    video.line,
                    video.name,
                    request.shown_annotations()
                ),
            );
        }
        video.frames = said.first().copied();
        if said.iter().any(|frames| *frames != said[0]) {
            differing.push(video.name.clone());
        }
    }
    if !differing.is_empty() {
        notes.push(format!(
            "the lists disagree on the number of frames of {}: the mask, then the split list was believed",
            summary::some_of(&differing)
        ));
    }
    let mut import = Import {
        request,
        train,
        test,
        source: "ShanghaiTech Campus (Luo et al. 2017), split of Zhong et al. 2019",
        licence: "see https://svip-lab.github.io/dataset/campus_dataset.html",
        slack: 0,
        whole_names: false,
        notes,
        faults,
    };
    import.compare(PUBLISHED);
    import
}

/// Videos of the original training set have three digits, and are normal.
fn original_training(name: &str) -> bool {
    name.split_once('_')
        .is_some_and(|(_, number)| number.len() == 3)
}

/// `SCENE_NUMBER`: two digits, then three or four.
fn check_name(name: &str) -> Result<(), String> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match name.split_once('_') {
        Some((scene, number))
            if scene.len() == 2
                && matches!(number.len(), 3 | 4)
                && digits(scene)
                && digits(number) =>
        {
            Ok(())
        }
        _ => Err(format!(
            "`{}` is no video of ShanghaiTech: a name such as 01_0014 is expected",
            name.chars().take(80).collect::<String>()
        )),
    }
}

fn list(paths: &[PathBuf], notes: &mut Vec<String>, faults: &mut Faults) -> Vec<Wanted> {
    let listed = |entry: Entry, crops: &mut names::Crops| {
        crops.first(&entry.spelling).map(|name| Listed {
            name: names::key(name).to_owned(),
            label: entry.label,
            frames: entry.frames,
        })
    };
    wanted(
        paths,
        names::Crops::default,
        notes,
        faults,
        |lines, crops| {
            entries(lines)
                .into_iter()
                .map(|(line, entry)| (line, entry.map(|entry| listed(entry, crops))))
                .collect()
        },
    )
}

/// What a line says of a video.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    spelling: String,
    label: Option<bool>,
    frames: Option<u32>,
}

/// The entries of a list: lines in any of the forms, or a table: with the videos' names, or with `place` and `video_no`,
/// which tells the two kinds of names apart by its label alone (`01_014` and `01_0014` are both place 1, video 14).
fn entries(lines: &[(usize, String)]) -> Vec<(usize, Result<Entry, String>)> {
    let Some(table) = text::Table::of(lines) else {
        return lines
            .iter()
            .map(|(line, content)| (*line, entry(content)))
            .collect();
    };
    let read = |content: &str| {
        let label = table.cell(content, &text::LABEL)?;
        let frames = table.cell(content, &text::FRAMES)?;
        if table.has("place") && table.has("video_no") {
            let place = table.cell(content, &["place"])?;
            let number = table.cell(content, &["video_no"])?;
            return numbered(label, place, number, frames);
        }
        told(table.cell(content, &text::VIDEO)?, label, frames)
    };
    lines
        .iter()
        .skip(1)
        .map(|(line, content)| (*line, read(content)))
        .collect()
}

fn entry(content: &str) -> Result<Entry, String> {
    let (spelling, fields) = text::named(content);
    let words = |field: &&str| field.starts_with(char::is_alphabetic);
    match fields[..] {
        [] => told(spelling, "", ""),
        [label] => told(spelling, label, ""),
        // What happens in it, in several words.
        _ if fields.iter().all(words) => told(spelling, fields[0], ""),
        [label, frames] => told(spelling, label, frames),
        _ => Err(format!(
            "has {} fields; `name`, `name,label` or `name,label,frames` is expected",
            fields.len() + 1
        )),
    }
}

fn told(spelling: &str, label: &str, frames: &str) -> Result<Entry, String> {
    let name = names::crop(spelling).map_or(spelling, |(name, _, _)| name);
    check_name(names::key(name))?;
    let label = match spelling::label(label) {
        Some(label) => label,
        None if spelling::whole(label) == Some(-1) => None,
        // A word is what happens in it.
        None if label.starts_with(char::is_alphabetic) => {
            Some(!label.to_ascii_lowercase().contains("normal"))
        }
        None => return Err(format!("`{label}` is no label: 0 or 1 is expected")),
    };
    Ok(Entry {
        spelling: spelling.to_owned(),
        label,
        frames: text::frames(frames)?,
    })
}

/// Numbers of frames by name, from the lists that only serve for them.
fn frame_counts(request: &Request, faults: &mut Faults) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for path in &request.frame_counts {
        let lines = text::lines(path, faults);
        for (line, entry) in entries(&lines) {
            match entry {
                Ok(entry) => {
                    let name = names::key(&entry.spelling).to_owned();
                    if let Some(frames) = entry.frames {
                        counts.entry(name).or_insert(frames);
                    }
                }
                Err(what) => faults.add(path, format_args!("line {line}: {what}")),
            }
        }
    }
    counts
}

fn numbered(label: &str, place: &str, number: &str, frames: &str) -> Result<Entry, String> {
    let small = |text: &str, most: u32| {
        u32::try_from(spelling::whole(text)?)
            .ok()
            .filter(|number| *number <= most)
    };
    let (Some(place), Some(number)) = (small(place, 99), small(number, 9_999)) else {
        return Err(format!("`{place}`, `{number}` is no video of ShanghaiTech"));
    };
    let label = spelling::label(label);
    let name = match label {
        Some(Some(false)) if number < 1_000 => format!("{place:02}_{number:03}"),
        Some(Some(true)) => format!("{place:02}_{number:04}"),
        _ => {
            return Err(format!(
                "the label of place {place}, video {number} is neither 0 nor 1"
            ));
        }
    };
    Ok(Entry {
        spelling: name,
        label: label.flatten(),
        frames: text::frames(frames)?,
    })
}

/// The mask files of folders by video.
fn masks(folders: &[PathBuf], faults: &mut Faults) -> BTreeMap<String, PathBuf> {
    let mut masks = BTreeMap::new();
    for folder in folders {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                faults.add(
                    folder,
                    format_args!("is no folder of frame masks that can be read: {error}"),
                );
                continue;
            }
        };
        let before = masks.len();
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let name = path
                .file_name()
                .map_or(String::new(), |name| name.to_string_lossy().into_owned());
            // `._NAME.npy` is what macOS leaves beside a file.
            if names::extension(&path) == "npy" && !name.starts_with('.') {
                masks.insert(names::key(&name).to_owned(), path);
            }
        }
        if masks.len() == before {
            faults.add(folder, "holds no masks (`NAME.npy`, one number a frame)");
        }
    }
    masks
}

struct Mask {
    frames: u32,
    anomalous: Vec<Range<u32>>,
}

/// Reads one number a frame, 0 or 1, of any type that masks are saved in.
fn read_mask(path: &Path) -> Result<Mask, String> {
    let file = std::fs::File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
    let length = file
        .metadata()
        .map_err(|error| format!("cannot be read: {error}"))?
        .len();
    if length == 0 {
        return Err("is empty".to_owned());
    }
    let map = map(&file).map_err(|error| format!("cannot be mapped into memory: {error}"))?;
    let header = Header::parse(&map)?;
    header.check_length(map.len() as u64)?;
    let frames = match header.shape[..] {
        [frames] | [1, frames] | [frames, 1] if frames > 0 => frames,
        _ => {
            return Err(format!(
                "has the shape {:?}; a mask has one number a frame",
                header.shape
            ));
        }
    };
    if frames > u64::from(crate::list::MAX_FRAMES) {
        return Err(format!("has {frames} frames"));
    }
    let one: &[u8] = match header.kind {
        Kind::Bool | Kind::U8 | Kind::I8 => &[1],
        Kind::I32 => &[1, 0, 0, 0],
        Kind::I64 => &[1, 0, 0, 0, 0, 0, 0, 0],
        Kind::F16 => &[0x00, 0x3C],
        Kind::F32 => &[0, 0, 0x80, 0x3F],
        Kind::F64 => &[0, 0, 0, 0, 0, 0, 0xF0, 0x3F],
    };
    let mut anomalous: Vec<Range<u32>> = Vec::new();
    for (frame, number) in map[header.offset..].chunks_exact(one.len()).enumerate() {
        let frame = frame as u32;
        if number == one {
            match anomalous.last_mut() {
                Some(range) if range.end == frame => range.end += 1,
                _ => anomalous.push(frame..frame + 1),
            }
        } else if number.iter().any(|byte| *byte != 0) {
            return Err(format!("is neither 0 nor 1 at frame {frame}"));
        }
    }
    Ok(Mask {
        frames: frames as u32,
        anomalous,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_line_is_read() {
        for (line, name, label, frames) in [
            ("01_0015", "01_0015", None, None),
            ("01_0014,1", "01_0014", Some(true), None),
            ("01_0015,1,-1", "01_0015", Some(true), None),
            ("01_001,0,764", "01_001", Some(false), Some(764)),
            ("01_001 0.0 764.0", "01_001", Some(false), Some(764)),
            (
                "/home/yu/SH_Test_ten_crop_i3d/01_0015_i3d.npy",
                "01_0015",
                None,
                None,
            ),
            ("/home/a b/01_0015__3.npy", "01_0015", None, None),
            ("01_0026 fighting,chasing", "01_0026", Some(true), None),
            ("01_002,Normal", "01_002", Some(false), None),
        ] {
            let read = entry(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            let crops = &mut names::Crops::default();
            let found = crops.first(&read.spelling).map(names::key);
            assert_eq!(found, Some(name), "{line}");
            assert_eq!((read.label, read.frames), (label, frames), "{line}");
        }
    }

    #[test]
    fn a_line_of_another_list_is_refused() {
        for line in [
            "Abuse/Abuse028_x264.mp4",
            "01_0015,2",
            "01_0015,1,x",
            "01_0015,1,0",
            "1_0015",
            "01_15",
            "01_0015,1,2,3",
            "",
        ] {
            assert!(entry(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_label_tells_the_two_kinds_of_names_apart() {
        let name = |label, place, number, frames| {
            let entry = numbered(label, place, number, frames).unwrap();
            (entry.spelling, entry.frames)
        };
        assert_eq!(name("0", "1", "14", "737"), ("01_014".into(), Some(737)));
        assert_eq!(name("1", "1", "14", "265"), ("01_0014".into(), Some(265)));
        assert_eq!(name("1.0", "1.0", "14.0", "265.0").0, "01_0014");
        assert!(numbered("1", "1", "", "").is_err());
        assert!(numbered("1", "-1", "14", "265").is_err());
        assert!(numbered("", "1", "14", "265").is_err());
    }
}
