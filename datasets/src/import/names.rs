//! One name for a video, however a list or a file spells it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Endings of videos, features and annotations, in any case.
const EXTENSIONS: [&str; 16] = [
    ".mp4", ".avi", ".mkv", ".mov", ".mpg", ".mpeg", ".npy", ".npz", ".txt", ".mat", ".webm",
    ".h5", ".hdf5", ".pt", ".pth", ".pkl",
];
/// What extractors append, in any case.
const SUFFIXES: [&str; 9] = [
    "_i3d",
    "_c3d",
    "_rgb",
    "_resnext",
    "_flow",
    "_features",
    "_feature",
    "_feat",
    "_clip",
];
/// What stands before a crop's number, longest first: `__7`, `_c7`, `.7`, `_crop_7`, `_7`.
const CROPS: [&str; 11] = [
    "_crop_", "-crop-", "_crop-", "_crop", "-crop", ".crop", "__", "_c", ".", "_", "-",
];

/// A name without an ending, where it has it in any case and is more than that.
fn without<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    let at = name.len().checked_sub(ending.len()).filter(|at| *at > 0)?;
    let (before, last) = (name.get(..at)?, name.get(at..)?);
    last.eq_ignore_ascii_case(ending).then_some(before)
}

/// A file's ending in small letters.
pub(super) fn extension(path: &Path) -> String {
    path.extension().map_or(String::new(), |extension| {
        extension.to_string_lossy().to_ascii_lowercase()
    })
}

/// Whether a text ends as files of videos, features and annotations do.
pub(super) fn ends_a_name(text: &str) -> bool {
    EXTENSIONS
        .iter()
        .any(|ending| without(text, ending).is_some())
}

/// The video's name: the last part of a path of any system, without endings and what extractors append.
///
/// `G:\UCF_Train_ten_crop_i3d\Abuse001_x264_i3d.npy` is `Abuse001_x264`.
pub(super) fn video(path: &str) -> &str {
    let mut name = path
        .trim()
        .rsplit(['/', '\\'])
        .find(|part| !part.is_empty())
        .unwrap_or("");
    while let Some(shorter) = EXTENSIONS
        .iter()
        .chain(&SUFFIXES)
        .find_map(|ending| without(name, ending))
    {
        name = shorter;
    }
    name
}

/// What videos are matched by: the name without the codec that only some lists keep.
pub(super) fn key(path: &str) -> &str {
    let name = video(path);
    without(name, "_x264").unwrap_or(name)
}

/// A name and the one or two digits that it ends with.
fn number(name: &str) -> Option<(&str, u32)> {
    let before = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &name[before.len()..];
    let crop = digits.parse().ok().filter(|_| digits.len() <= 2)?;
    Some((before, crop))
}

/// The video, the spelling and the number of a file that holds one crop: `Abuse001_x264__7.npy` is crop 7.
pub(super) fn crop(file: &str) -> Option<(&str, &'static str, u32)> {
    let (before, crop) = number(video(file))?;
    let (name, form) = CROPS
        .iter()
        .find_map(|form| Some((without(before, form)?, *form)))?;
    Some((video(name), form, crop))
}

/// The number of a name that is nothing but a crop's: `7`, `c7`, `crop_7`.
pub(super) fn numbered(name: &str) -> Option<u32> {
    let (before, crop) = number(name)?;
    let word = before.trim_matches(['_', '-', '.']);
    ["", "c", "crop"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known))
        .then_some(crop)
}

/// The videos of a list that has a line a crop, each once. A video that stands there twice without that stays twice.
#[derive(Debug, Default)]
pub(super) struct Crops {
    /// The one way in which crops are numbered, where names end with numbers of their own.
    form: Option<&'static str>,
    seen: BTreeMap<String, BTreeSet<(&'static str, u32)>>,
    /// Lines that are further crops of a video.
    further: usize,
}

impl Crops {
    pub(super) fn numbered_by(form: &'static str) -> Self {
        Self {
            form: Some(form),
            ..Self::default()
        }
    }

    /// The video's name that a line speaks of, where the line is the first of its crops.
    pub(super) fn first<'a>(&mut self, spelling: &'a str) -> Option<&'a str> {
        let known = |(_, form, _): &(_, &str, _)| self.form.is_none_or(|own| own == *form);
        let Some((name, form, number)) = crop(spelling).filter(known) else {
            return Some(video(spelling));
        };
        let seen = self.seen.entry(key(name).to_owned()).or_default();
        let first = seen.is_empty();
        if seen.insert((form, number)) && !first {
            self.further += 1;
            return None;
        }
        Some(name)
    }

    /// What there is to say of a list.
    pub(super) fn note(&self, list: &Path) -> Option<String> {
        (self.further > 0).then(|| {
            format!(
                "{}: {} lines are further crops of {} videos, each taken once",
                list.file_name()
                    .map_or(String::new(), |name| name.to_string_lossy().into_owned()),
                self.further,
                self.seen.len()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_video_is_one_name() {
        for spelling in [
            "Abuse/Abuse001_x264.mp4",
            r"G:\UCF_Train_ten_crop_i3d\Abuse001_x264_i3d.npy",
            "/home/yu/yu_ssd/Abuse001_x264_i3d.npy",
            "Abuse001_x264.mp4.npy",
            "Abuse001_x264.txt",
            "Abuse001_X264_I3D.NPY",
            "features/Abuse001_x264/",
            "Abuse001_x264",
            "Abuse001",
        ] {
            assert_eq!(key(spelling), "Abuse001", "{spelling}");
        }
        assert_eq!(video("a/Abuse001_x264_i3d.npy"), "Abuse001_x264");
        assert_eq!(key("01_0015_i3d.npy"), "01_0015");
        // The training and the test list number the normal videos in two ways: they are different videos.
        assert_ne!(
            key("Normal_Videos003_x264.mp4"),
            key("Normal_Videos_003_x264.mp4")
        );
    }

    #[test]
    fn crops_in_files_of_their_own_are_told_apart() {
        assert_eq!(
            crop("Abuse001_x264__7.npy"),
            Some(("Abuse001_x264", "__", 7))
        );
        assert_eq!(crop("01_0014_c7.NPY"), Some(("01_0014", "_c", 7)));
        for whole in [
            "Abuse001_x264_i3d.npy",
            "01_0015.npy",
            "Normal_Videos_003.npy",
        ] {
            assert_eq!(crop(whole), None, "{whole}");
        }
        for folder in ["7", "c7", "crop_7", "Crop7", "__7"] {
            assert_eq!(numbered(folder), Some(7), "{folder}");
        }
        for folder in ["part7", "I3D", "007", "crop", "Abuse001", ""] {
            assert_eq!(numbered(folder), None, "{folder}");
        }
    }
}
