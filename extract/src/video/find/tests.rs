//! Folders as they are found in the world.

use super::super::found::{Named, Names};
use super::*;

/// A folder with these empty files.
fn holding(files: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for file in files {
        let path = root.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    root
}

fn names(root: &Path) -> Vec<String> {
    let videos = find(root).unwrap().videos;
    videos.into_iter().map(|video| video.name).collect()
}

/// What is said where everything found is taken.
fn said(root: &Path) -> String {
    let found = find(root).unwrap();
    let taken = found.videos.iter().map(|video| video.name.as_str());
    found.account(&taken.collect()).lines().join("\n")
}

#[test]
fn videos_are_files_and_folders_of_images() {
    let root = holding(&[
        "a/x.mp4",
        "a/notes.txt",
        "b.avi",
        "c/10.jpg",
        "c/9.JPG",
        "c/.9.jpg",
        "d/e/001.tif",
    ]);
    assert_eq!(names(root.path()), ["a/x", "b", "c", "d/e"]);
    let found = find(root.path()).unwrap();
    let pictures = found.videos[2].pictures.clone().unwrap();
    assert_eq!(pictures.join(" "), "9.JPG 10.jpg");
    assert_eq!(found.videos[2].path, root.path().join("c"));
}

#[test]
fn recorders_endings_are_videos_and_others_are_said() {
    let root = holding(&[
        "a.dav", "b.h264", "c.H265", "d.264", "e.gif", "f.ifv", "g.txt",
    ]);
    assert_eq!(names(root.path()), ["a", "b", "c", "d", "e"]);
    assert_eq!(
        said(root.path()),
        "left out, files of other endings (2): .ifv 1, .txt 1"
    );
}

#[test]
fn two_types_of_one_name_are_two_videos_but_previews_and_frames_are_none() {
    let root = holding(&[
        "b.avi", "b.mkv", "c.mp4", "c.gif", "d.mp4", "d/1.jpg", "d/2.jpg",
    ]);
    assert_eq!(names(root.path()), ["b.avi", "b.mkv", "c", "d"]);
    let said = said(root.path());
    for line in [
        "changed, videos of one name in several types are called with their ending (1): b",
        "left out, GIFs called as the video beside them (1): c",
        "left out, pictures in a folder called as the video beside it (1): d",
    ] {
        assert!(said.contains(line), "{said}");
    }
    let found = find(root.path()).unwrap();
    let known = Names::of(&found);
    let path = |name| match known.find(name) {
        Named::One(video) => video.path.clone(),
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(path("b.mkv"), root.path().join("b.mkv"));
    assert_eq!(path("c"), root.path().join("c.mp4"));
    assert_eq!(path("c.gif"), root.path().join("c.gif"));
    assert_eq!(known.find("b"), Named::Nothing);
}

#[test]
fn one_odd_thing_ends_nothing() {
    use std::os::unix::ffi::OsStrExt;
    let root = holding(&[
        "a.mp4",
        "._a.mp4",
        "__MACOSX/._a.mp4",
        "__MACOSX/b.mp4",
        "lost+found/#12.mp4",
        "in/new\nline.mp4",
        "in/#1.mp4",
        "gone/x.mp4",
    ]);
    let at = |name: &str| root.path().join(name);
    std::os::unix::fs::symlink(root.path(), at("in/circle")).unwrap();
    std::os::unix::fs::symlink("nowhere.mp4", at("link.mp4")).unwrap();
    std::os::unix::fs::symlink(at("gone"), at("again")).unwrap();
    nix::unistd::mkfifo(&at("pipe.mp4"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    let odd = std::ffi::OsStr::from_bytes(b"\xff.mp4");
    std::fs::write(root.path().join(odd), "").unwrap();
    assert_eq!(
        names(root.path()),
        ["a", "again/x", "gone/x", "in/#1", "in/new_line"]
    );
    let said = said(root.path());
    for line in [
        "left out, links to a folder around them (1): in/circle",
        "left out, links to nothing (1): link.mp4",
        "left out, neither files nor folders (1): pipe.mp4",
        "left out, folders of the system (2): ",
        "left out, hidden (their names begin with a dot) (1): ._a.mp4",
        "left out, names that are no UTF-8, which no list can hold (1)",
        "changed, names with control characters (1): in/new\u{fffd}line is called in/new_line",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let found = find(root.path()).unwrap();
    let whole = at("in/#1.mp4").display().to_string();
    for name in ["in/new\nline.mp4", "new\nline", "in/new_line", &whole] {
        let named = Names::of(&found).find(name);
        assert!(matches!(named, Named::One(_)), "{name:?}");
    }
    assert!(find(&at("nothing")).is_err());
}

#[test]
fn pictures_beside_videos_masks_and_thumbnails_are_named_not_taken() {
    let root = holding(&[
        "Train/a.mp4",
        "Train/a.jpg",
        "Test/Test001/001.tif",
        "Test/Test001/002.tif",
        "Test/Test001_gt/001.bmp",
        "Test/Test001_gt/002.bmp",
        "thumbs/1.jpg",
        "poster1.jpg",
        "album/cat.jpg",
        "album/dog.jpg",
    ]);
    assert_eq!(names(root.path()), ["Test/Test001", "Train/a"]);
    let said = said(root.path());
    for line in [
        "left out, pictures beside videos (1): Train/a.jpg",
        "left out, called masks or truth (1): Test/Test001_gt (2 pictures)",
        "left out, called thumbnails or previews (1): thumbs/1.jpg",
        "left out, pictures above folders of videos (1): poster1.jpg",
        "left out, pictures whose names do not number them as frames (1): album (2 pictures)",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let found = find(root.path()).unwrap();
    let Named::One(masks) = Names::of(&found).find("Test/Test001_gt/") else {
        panic!("not found");
    };
    assert_eq!(masks.pictures.as_ref().unwrap().len(), 2);
    let taken = ["Test/Test001_gt", "Test/Test001", "Train/a"].into();
    assert!(!found.account(&taken).lines().join("").contains("masks"));
}

#[test]
fn frames_of_a_class_in_one_folder_are_its_videos() {
    let root = holding(&[
        "Train/Abuse/Abuse001_x264_0.png",
        "Train/Abuse/Abuse001_x264_10.png",
        "Train/Abuse/Abuse002_x264_0.png",
        "Train/Abuse/Abuse002_x264_10.png",
        "Train/Arson/Arson009_x264_0.png",
        "Train/Arson/Arson009_x264_10.png",
        "Train/Arson/Arson009_x264_20.png",
    ]);
    assert_eq!(
        names(root.path()),
        [
            "Train/Abuse/Abuse001_x264",
            "Train/Abuse/Abuse002_x264",
            "Train/Arson/Arson009_x264"
        ]
    );
    let found = find(root.path()).unwrap();
    for name in ["Arson009_x264", "Train/Arson"] {
        let Named::One(arson) = Names::of(&found).find(name) else {
            panic!("not found");
        };
        assert_eq!(arson.name, "Train/Arson/Arson009_x264");
        assert_eq!(arson.steps.unwrap().pictures(5..20), 1..2);
    }
    let said = said(root.path());
    assert!(said.contains("(1): Train/Abuse (2 videos)"), "{said}");
    assert!(said.contains("Arson009_x264 (steps of 10)"), "{said}");
}
