//! Folders and files as they are found in the world: what they become is right, or said by its reason.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // the helpers of tests are no tests to clippy

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use extract::video::{Decoder, find};
use extract::{Backbone, Broken, ExtractError, Request, Sampling, Splits, Summary, Weights};

/// A decoder that needs no ffmpeg: what it does is in the name of the file.
const DECODER: &str = r#"#!/bin/sh
case "$*" in
-version) echo "ffmpeg version 9.9" ;;
*broken*) echo "moov atom not found" >&2; exit 1 ;;
*song*) echo "Stream map '0:V:0' matches no streams." >&2; exit 1 ;;
*-map*) for _ in 1 2; do printf 'P6\n224 224\n255\n'; head -c 150528 /dev/zero; done ;;
esac
"#;

fn request(folder: &Path, splits: Splits) -> Request {
    let ffmpeg = folder.join("ffmpeg");
    if !ffmpeg.exists() {
        std::fs::write(&ffmpeg, DECODER).unwrap();
        std::fs::set_permissions(&ffmpeg, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    Request {
        videos: folder.join("videos"),
        out: folder.join("out"),
        sampling: Sampling {
            backbone: Backbone::EfficientNetLite0,
            weights: Weights::Random(1),
            ten_crops: false,
            drop_last: false,
            half: false,
        },
        splits,
        name: None,
        source: String::new(),
        licence: String::new(),
        notes: vec!["of the lists".to_owned()],
        device: "cpu".to_owned(),
        threads: Some(1),
        batch: 1,
        broken: Broken::Skip,
        share: (0, 1),
        ffmpeg: Some(ffmpeg),
        decode_threads: 1,
    }
}

fn quietly(request: &Request) -> Result<Summary, ExtractError> {
    loop {
        match extract::run(request, &mut |_| {}, &AtomicBool::new(false)) {
            // A test beside this one forked while the script was open for writing.
            Err(ExtractError::Decoder { source, .. }) if source.raw_os_error() == Some(26) => {}
            ended => return ended,
        }
    }
}

fn put(folder: &Path, files: &[&str]) {
    for file in files {
        let path = folder.join("videos").join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "some bytes").unwrap();
    }
}

/// Two shares of a folder of names that lists and file systems stumble over, with a file of sound and a broken one.
#[test]
fn no_video_is_lost_and_what_is_left_out_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let long = format!("test/{}.mp4", "x".repeat(250));
    put(
        folder,
        &[
            "train/#1.mp4",
            "train/broken.mp4",
            "train/new\nline, and \"quotes\".mp4",
            "train/song.mp4",
            "test/a.mp4",
            &long,
            "test/._a.mp4",
            "notes.txt",
        ],
    );
    let share = |number| {
        let request = Request {
            share: (number, 2),
            ..request(folder, Splits::Folders)
        };
        quietly(&request).unwrap()
    };
    let (first, second) = (share(0), share(1));
    assert!(!first.complete && second.complete);
    // Whoever completes the set says what it lacks, whoever tried it.
    let names: Vec<_> = second
        .broken
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["train/broken"]);
    let dataset = datasets::open(&folder.join("out")).unwrap();
    let names: Vec<_> = dataset
        .train
        .videos
        .iter()
        .map(|video| &*video.name)
        .collect();
    assert_eq!(names, ["train/#1", "train/new_line, and \"quotes\""]);
    assert_eq!(dataset.test.videos.len(), 2);
    let mut said = second.account.clone();
    said.push("of the lists".to_owned());
    assert_eq!(dataset.notes, said);
    for line in [
        "taken: 2 training and 2 test videos",
        "left out, cannot be decoded (1): train/broken",
        "left out, without a moving picture (sound, covers) (1): train/song",
        "left out, hidden (their names begin with a dot) (1): test/._a.mp4",
        "left out, files of other endings (1): .txt 1",
    ] {
        assert!(said.contains(&line.to_owned()), "{line}: {said:?}");
    }
    // A features file that went is a video that is not done, in whosever share it is.
    std::fs::remove_file(folder.join("out/features/test/a.npy")).unwrap();
    let (first, second) = (share(1), share(0));
    assert_eq!(first.extracted + second.extracted, 1);
    assert!(first.complete != second.complete || first.extracted == 1);
}

#[test]
fn what_a_list_names_is_tried_whatever_it_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    put(
        folder,
        &[
            "a.xyz",
            "b",
            "c_gt/1.png",
            "c_gt/2.png",
            "d.mp4",
            "#1.mp4",
            "e.mp4",
        ],
    );
    let list = folder.join("list.csv");
    let text = "video,split\na.xyz,train\nb,train\nc_gt,test\nd,test\n#1,test\n#2,test";
    std::fs::write(&list, text).unwrap();
    let summary = quietly(&request(folder, Splits::List(list.clone()))).unwrap();
    let said = summary.account.join("\n");
    // The decoder of this test sends as many frames for pictures as for a video.
    assert_eq!(summary.extracted, 5, "{said} {:?}", summary.broken);
    assert!(said.contains("left out, not on the list (1): e"), "{said}");
    assert!(said.contains("name no video (1): line 7"), "{said}");
    assert!(!said.contains("masks"), "{said}");
    // A file of sound that is listed is missing.
    put(folder, &["song.mp3"]);
    std::fs::write(&list, format!("{text}\nsong.mp3,test")).unwrap();
    let summary = quietly(&request(folder, Splits::List(list))).unwrap();
    assert_eq!(summary.broken.len(), 1);
    assert!(summary.broken[0].1.contains(extract::NO_PICTURE));
}

fn ffmpeg() -> Option<Decoder> {
    match Decoder::find(None, 1) {
        Ok(decoder) => Some(decoder),
        Err(error) => {
            println!("skipped: no ffmpeg ({error})");
            None
        }
    }
}

/// Whether ffmpeg makes that file; builds differ in what they can write.
fn make(folder: &Path, arguments: &str) -> Option<PathBuf> {
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        .args(arguments.split(' '))
        .current_dir(folder)
        .status()
        .unwrap();
    if !made.success() {
        println!("skipped: this ffmpeg does not make {arguments}");
        return None;
    }
    Some(folder.join(arguments.rsplit(' ').next().unwrap()))
}

const PICTURE: &str = "-f lavfi -i testsrc2=size=96x64:rate=25 -frames:v 20";

#[test]
fn covers_and_sound_are_no_videos() {
    let Some(decoder) = ffmpeg() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let cover = "-f lavfi -i color=red:size=80x80 -frames:v 1 cover.jpg";
    make(folder, cover).unwrap();
    make(folder, &format!("{PICTURE} -c:v mpeg4 plain.mp4")).unwrap();
    let tagged =
        "-i plain.mp4 -i cover.jpg -map 0 -map 1 -c copy -disposition:v:1 attached_pic tagged.mp4";
    let first = "-i cover.jpg -i plain.mp4 -map 0 -map 1 -c copy first.mkv";
    for arguments in [tagged, first] {
        let path = make(folder, arguments).unwrap();
        let (frames, _) = decoder.frames(&path, |_| Ok(true)).unwrap();
        assert_eq!(frames, 20, "{arguments}");
    }
    let sound = "-f lavfi -i sine -i cover.jpg -map 0:a -map 1:v -t 1 -c:a aac -c:v copy";
    for file in ["-disposition:v:0 attached_pic song.mp4", "unmarked.mkv"] {
        let path = make(folder, &format!("{sound} {file}")).unwrap();
        let error = decoder.frames(&path, |_| Ok(true)).unwrap_err();
        assert!(matches!(error, ExtractError::NoPicture { .. }), "{error}");
    }
}

#[test]
fn videos_of_recorders_have_all_their_frames() {
    let Some(decoder) = ffmpeg() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for file in [
        "-c:v libx264 -pix_fmt yuv420p -f h264 raw.h264",
        "-c:v libx265 -x265-params log-level=error -f hevc raw.265",
        "-c:v mpeg2video -vf tinterlace=5,setfield=tff -flags +ildct+ilme interlaced.vob",
        "-c:v ffv1 -pix_fmt yuv420p10le ten_bits.mkv",
        "-c:v png -pix_fmt rgba alpha.mov",
        "-c:v mjpeg -f mjpeg raw.mjpeg",
        "-c:v mpeg4 -f mp4 recorder.dav",
        "moving.gif",
    ] {
        let Some(path) = make(folder, &format!("{PICTURE} {file}")) else {
            continue;
        };
        let (frames, _) = decoder.frames(&path, |_| Ok(true)).unwrap();
        assert_eq!(frames, 20, "{file}");
    }
    let names = find(folder).unwrap().videos.len();
    let files = std::fs::read_dir(folder).unwrap().count();
    assert!(names == files && names >= 5, "{names} of {files}");
    // Cut: what is left of it, or why not.
    let whole = std::fs::read(folder.join("recorder.dav")).unwrap();
    std::fs::write(folder.join("cut.mp4"), &whole[..whole.len() / 2]).unwrap();
    let error = decoder.frames(&folder.join("cut.mp4"), |_| Ok(true));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("moov atom not found"), "{error}");
    // Pictures in a folder whose name no list can hold, with a gap, of two sizes.
    let pictures = folder.join("new\nline");
    std::fs::create_dir(&pictures).unwrap();
    for (number, source) in [
        (0, "testsrc2=size=96x64"),
        (2, "testsrc2=size=96x64"),
        (3, "color=red:size=48x32"),
    ] {
        let source = format!("-f lavfi -i {source} -frames:v 1 frame_{number}.png");
        make(&pictures, &source).unwrap();
    }
    let mut last = Vec::new();
    let each = |frame: &extract::video::Frame| {
        last.clone_from(&frame.pixels);
        Ok(true)
    };
    let (frames, complaints) = decoder.frames(&pictures, each).unwrap();
    assert_eq!(frames, 3);
    assert!(
        complaints.contains("1 of its pictures are of another size than the first, 96×64"),
        "{complaints}"
    );
    // Of another size than the first: scaled, nothing but red.
    assert_eq!(last.len(), 96 * 64 * 3);
    assert!(last.chunks(3).all(|pixel| pixel == &last[..3]));
}
