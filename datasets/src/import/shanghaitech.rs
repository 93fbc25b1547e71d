//! ShanghaiTech in the split of Zhong et al.: their lists, and frame masks as the test truth.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::request::{Import, ImportError, ImportReport, Request, Wanted};
use super::{assemble, names, text};
use crate::error::Faults;
use crate::map::map;
use crate::npy::{Header, Kind};

/// Training, test, anomalous training and anomalous test videos, as published.
const PUBLISHED: [usize; 4] = [238, 199, 63, 44];

/// Imports ShanghaiTech features.
///
/// Lists: a name or a path a line, or `name,label`, or `name,label,frames` with −1 for what is missing. A name is
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
    let mut faults = Faults::new(&request.features);
    let mut notes = Vec::new();
    let mut train = list(&request.train, &mut faults);
    let mut test = list(&request.test, &mut faults);
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
                    request.annotations.display()
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
            assemble::some_of(&differing)
        ));
    }
    let mut import = Import {
        request,
        train,
        test,
        source: "ShanghaiTech Campus (Luo et al. 2017), split of Zhong et al. 2019",
        licence: "see https://svip-lab.github.io/dataset/campus_dataset.html",
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

fn list(path: &Path, faults: &mut Faults) -> Vec<Wanted> {
    let mut videos = Vec::new();
    for (line, content) in text::lines(path, faults) {
        let fields: Vec<&str> = content.split(',').map(str::trim).collect();
        match entry(&fields) {
            Ok((name, label, frames)) => videos.push(Wanted {
                name,
                list: path.to_owned(),
                line,
                frames,
                label,
                anomalous: Vec::new(),
            }),
            Err(what) => faults.add(path, format_args!("line {line}: {what}")),
        }
    }
    videos
}

fn entry(fields: &[&str]) -> Result<(String, Option<bool>, Option<u32>), String> {
    let (name, label, frames) = match *fields {
        [name] => (name, "-1", "-1"),
        [name, label] => (name, label, "-1"),
        [name, label, frames] => (name, label, frames),
        _ => {
            return Err(format!(
                "has {} fields; `name`, `name,label` or `name,label,frames` is expected",
                fields.len()
            ));
        }
    };
    let name = names::key(name);
    check_name(name)?;
    let label = match label {
        "0" => Some(false),
        "1" => Some(true),
        "-1" => None,
        other => return Err(format!("`{other}` is no label: 0 or 1 is expected")),
    };
    Ok((name.to_owned(), label, text::frames(frames)?))
}

/// Numbers of frames by name, from the lists that only serve for them: ours, or the CSV with `place` and `video_no`,
/// which tells the two kinds of names apart by its label alone (`01_014` and `01_0014` are both place 1, video 14).
fn frame_counts(request: &Request, faults: &mut Faults) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for path in &request.frame_counts {
        let lines = text::lines(path, faults);
        let header: Vec<&str> = lines
            .first()
            .map_or(Vec::new(), |(_, line)| line.split(',').collect());
        let column = |name| header.iter().position(|column| *column == name);
        let columns = [
            column("label"),
            column("place"),
            column("video_no"),
            column("frame_count"),
        ];
        let is_csv = header.first() == Some(&"video_id");
        for (line, content) in lines.iter().skip(usize::from(is_csv)) {
            let fields: Vec<&str> = content.split(',').map(str::trim).collect();
            let read = if is_csv {
                from_csv(columns, &fields)
            } else {
                entry(&fields).map(|(name, _, frames)| (name, frames))
            };
            match read {
                Ok((name, Some(frames))) => {
                    counts.entry(name).or_insert(frames);
                }
                Ok((_, None)) => {}
                Err(what) => faults.add(path, format_args!("line {line}: {what}")),
            }
        }
    }
    counts
}

fn from_csv(columns: [Option<usize>; 4], fields: &[&str]) -> Result<(String, Option<u32>), String> {
    let field = |column: Option<usize>| column.and_then(|column| fields.get(column)).copied();
    let [Some(label), Some(place), Some(number), Some(frames)] = columns.map(field) else {
        return Err("lacks `label`, `place`, `video_no` or `frame_count`".to_owned());
    };
    let small = |text: &str, most: u32| text.parse::<u32>().ok().filter(|number| *number <= most);
    let (Some(place), Some(number)) = (small(place, 99), small(number, 9_999)) else {
        return Err(format!("`{place}`, `{number}` is no video of ShanghaiTech"));
    };
    let name = match label {
        "0" if number < 1_000 => format!("{place:02}_{number:03}"),
        "1" => format!("{place:02}_{number:04}"),
        other => return Err(format!("`{other}` is no label: 0 or 1 is expected")),
    };
    Ok((name, text::frames(frames)?))
}

/// The mask files of a folder by video.
fn masks(folder: &Path, faults: &mut Faults) -> BTreeMap<String, PathBuf> {
    let mut masks = BTreeMap::new();
    match std::fs::read_dir(folder) {
        Ok(entries) => {
            for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
                let name = path.file_name().map(|name| name.to_string_lossy());
                if path.extension().is_some_and(|extension| extension == "npy")
                    && let Some(name) = name
                {
                    masks.insert(names::key(&name).to_owned(), path.clone());
                }
            }
            if masks.is_empty() {
                faults.add(folder, "holds no masks (`NAME.npy`, one number a frame)");
            }
        }
        Err(error) => faults.add(
            folder,
            format_args!("is no folder of frame masks that can be read: {error}"),
        ),
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
        let read = |line: &str| entry(&line.split(',').collect::<Vec<_>>()).unwrap();
        assert_eq!(read("01_0015"), ("01_0015".into(), None, None));
        assert_eq!(read("01_0014,1"), ("01_0014".into(), Some(true), None));
        assert_eq!(read("01_0015,1,-1"), ("01_0015".into(), Some(true), None));
        assert_eq!(
            read("01_001,0,764"),
            ("01_001".into(), Some(false), Some(764))
        );
        assert_eq!(
            read("/home/yu/SH_Test_ten_crop_i3d/01_0015_i3d.npy"),
            ("01_0015".into(), None, None)
        );
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
            assert!(
                entry(&line.split(',').collect::<Vec<_>>()).is_err(),
                "{line}"
            );
        }
    }

    #[test]
    fn the_label_tells_the_two_kinds_of_names_apart() {
        let columns = [Some(1), Some(2), Some(3), Some(4)];
        let read = |line: &str| from_csv(columns, &line.split(',').collect::<Vec<_>>());
        assert_eq!(
            read("0_1_14,0,1,14,737,856,480").unwrap(),
            ("01_014".into(), Some(737))
        );
        assert_eq!(
            read("1_1_14,1,1,14,265,856,480").unwrap(),
            ("01_0014".into(), Some(265))
        );
        assert!(read("1_1,1,1").is_err());
        assert!(read("x,1,-1,14,265").is_err());
    }
}
