//! One name for a video, however a list or a file spells it.

/// Endings of videos, features and annotations.
const EXTENSIONS: [&str; 10] = [
    ".mp4", ".avi", ".mkv", ".npy", ".npz", ".txt", ".mat", ".webm", ".h5", ".hdf5",
];
/// What extractors append.
const SUFFIXES: [&str; 9] = [
    "_i3d",
    "_c3d",
    "_C3D",
    "_I3D",
    "_rgb",
    "_RGB",
    "_resnext",
    "_flow",
    "_features",
];

/// The video's name: the last part of a path of any system, without endings and what extractors append.
///
/// `G:\UCF_Train_ten_crop_i3d\Abuse001_x264_i3d.npy` is `Abuse001_x264`.
pub(super) fn video(path: &str) -> &str {
    let mut name = path.trim().rsplit(['/', '\\']).next().unwrap_or("");
    loop {
        let shorter = EXTENSIONS
            .iter()
            .chain(&SUFFIXES)
            .find_map(|ending| name.strip_suffix(ending))
            .filter(|shorter| !shorter.is_empty());
        match shorter {
            Some(shorter) => name = shorter,
            None => return name,
        }
    }
}

/// What videos are matched by: the name without the codec that only some lists keep.
pub(super) fn key(path: &str) -> &str {
    let name = video(path);
    name.strip_suffix("_x264").unwrap_or(name)
}

/// A features file's key and, where the file holds one crop, which: `Abuse001_x264__7.npy` is crop 7.
pub(super) fn crop(file: &str) -> (&str, Option<u32>) {
    let name = video(file);
    if let Some((before, number)) = name.rsplit_once("__")
        && number.len() <= 2
        && let Ok(crop) = number.parse()
    {
        return (key(before), Some(crop));
    }
    (key(file), None)
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
        assert_eq!(crop("Abuse001_x264__7.npy"), ("Abuse001", Some(7)));
        assert_eq!(crop("Abuse001_x264_i3d.npy"), ("Abuse001", None));
        assert_eq!(crop("01_0015.npy"), ("01_0015", None));
    }
}
