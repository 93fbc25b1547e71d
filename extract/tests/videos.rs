//! Real videos, made and read by ffmpeg; skipped in one printed line without it.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // the helpers of tests are no tests to clippy

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use extract::video::Decoder;
use extract::{Backbone, Broken, Event, ExtractError, Request, Sampling, Splits, Summary, Weights};

fn decoder() -> Option<Decoder> {
    match Decoder::find(None, 1) {
        Ok(decoder) => Some(decoder),
        Err(error) => {
            println!("skipped: no ffmpeg ({error})");
            None
        }
    }
}

fn ffmpeg(arguments: &[&str], folder: &Path) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command
        .args(["-nostdin", "-v", "error", "-y"])
        .args(arguments)
        .current_dir(folder);
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// A test picture that moves, so many frames of it.
fn make(folder: &Path, file: &str, frames: usize, more: &[&str]) -> PathBuf {
    let path = folder.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let count = frames.to_string();
    let mut arguments = vec![
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=96x64:rate=25",
        "-frames:v",
        &count,
    ];
    arguments.extend(more);
    arguments.push(file);
    ffmpeg(&arguments, folder);
    path
}

fn frames(decoder: &Decoder, path: &Path) -> Result<(u64, Vec<u8>), ExtractError> {
    let mut bytes = Vec::new();
    let (count, _) = decoder.frames(path, |frame| {
        assert_eq!(frame.pixels.len(), frame.width * frame.height * 3);
        bytes.extend_from_slice(&frame.pixels);
        Ok(true)
    })?;
    Ok((count, bytes))
}

const RAW: [&str; 8] = [
    "-map",
    "0:v:0",
    "-fps_mode",
    "passthrough",
    "-pix_fmt",
    "rgb24",
    "-f",
    "rawvideo",
];

#[test]
fn frames_are_those_of_ffmpeg() {
    let Some(decoder) = decoder() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder, "plain.mkv", 40, &["-c:v", "mpeg4"]);
    make(
        folder,
        "h264.mp4",
        33,
        &["-c:v", "libx264", "-bf", "2", "-pix_fmt", "yuv420p"],
    );
    make(folder, "jpeg.avi", 17, &["-c:v", "mjpeg"]);
    // Every third frame is missing and the rest come late: none may be doubled to fill the gaps.
    make(
        folder,
        "variable.mkv",
        20,
        &[
            "-vf",
            "select='mod(n,3)',setpts='PTS*(1+N/7)'",
            "-fps_mode",
            "vfr",
            "-c:v",
            "mpeg4",
        ],
    );
    ffmpeg(
        &[
            "-i",
            "h264.mp4",
            "-c",
            "copy",
            "-metadata:s:v:0",
            "rotate=90",
            "turned.mp4",
        ],
        folder,
    );
    let strange = folder.join("-i concat:'x'.mkv");
    std::fs::rename(make(folder, "x.mkv", 3, &["-c:v", "ffv1"]), &strange).unwrap();
    assert_eq!(frames(&decoder, &strange).unwrap().0, 3);
    for (file, count) in [
        ("plain.mkv", 40),
        ("h264.mp4", 33),
        ("jpeg.avi", 17),
        ("variable.mkv", 20),
        ("turned.mp4", 33),
    ] {
        let mut arguments = vec!["-i", file];
        arguments.extend(RAW);
        arguments.push("-");
        let raw = ffmpeg(&arguments, folder);
        let (frames, bytes) = frames(&decoder, &folder.join(file)).unwrap();
        assert_eq!(frames, count, "{file}");
        assert!(raw == bytes, "{file}: other pixels");
        assert_eq!(bytes.len(), count as usize * 96 * 64 * 3, "{file}");
    }
    let mut sides = (0, 0);
    decoder
        .frames(&folder.join("turned.mp4"), |frame| {
            sides = (frame.width, frame.height);
            Ok(false)
        })
        .unwrap();
    assert_eq!(sides, (64, 96), "the rotation is honoured");
}

#[test]
fn images_in_a_folder_are_a_video_in_the_order_of_their_numbers() {
    let Some(decoder) = decoder() else { return };
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), "it's/frame%d.png", 12, &[]);
    let lossless = make(
        folder.path(),
        "same.mkv",
        12,
        &["-c:v", "ffv1", "-pix_fmt", "gbrp"],
    );
    let (count, images) = frames(&decoder, &folder.path().join("it's")).unwrap();
    assert_eq!(count, 12);
    assert!(images == frames(&decoder, &lossless).unwrap().1);
    // Another type in between; then one that is no image.
    ffmpeg(&["-i", "it's/frame5.png", "it's/frame5.bmp"], folder.path());
    std::fs::remove_file(folder.path().join("it's/frame5.png")).unwrap();
    assert!(frames(&decoder, &folder.path().join("it's")).unwrap() == (12, images));
    std::fs::write(folder.path().join("it's/frame7.png"), b"no image").unwrap();
    let error = frames(&decoder, &folder.path().join("it's"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("it's") && error.contains("cannot be decoded"),
        "{error}"
    );
}

fn request(videos: &Path, out: &Path) -> Request {
    Request {
        videos: videos.to_owned(),
        out: out.to_owned(),
        sampling: Sampling {
            backbone: Backbone::ResNext50,
            weights: Weights::Random(3),
            ten_crops: false,
            drop_last: false,
            half: false,
        },
        splits: Splits::Folders,
        name: Some("shapes".to_owned()),
        source: "test pictures".to_owned(),
        licence: "none needed".to_owned(),
        notes: Vec::new(),
        device: "cpu".to_owned(),
        threads: Some(2),
        batch: 2,
        broken: Broken::Skip,
        share: (0, 1),
        ffmpeg: None,
        decode_threads: 1,
    }
}

fn quietly(request: &Request) -> Result<Summary, ExtractError> {
    extract::run(request, &mut |_| {}, &AtomicBool::new(false))
}

/// Every file of a data set but the records of who made it.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((
                    path.strip_prefix(folder).unwrap().to_owned(),
                    std::fs::read(&path).unwrap(),
                ));
            }
        }
    }
    files.sort();
    files
}

/// Videos of all awkward lengths, a broken and a cut one, to a data set that `datasets` opens; stopped in the middle and
/// gone on with, in one process and in two.
#[test]
fn videos_become_a_data_set() {
    if decoder().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let videos = folder.path().join("videos");
    let mpeg4 = ["-c:v", "mpeg4"];
    for (file, frames) in [
        ("a/one.mkv", 1),
        ("a/short.mkv", 15),
        ("b/whole.avi", 16),
        ("b/more.mkv", 17),
        ("long.mkv", 160),
    ] {
        make(&videos, file, frames, &mpeg4);
    }
    let whole = std::fs::read(make(&videos, "cut.avi", 60, &mpeg4)).unwrap();
    std::fs::write(videos.join("cut.avi"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(videos.join("broken.mp4"), b"this is no video").unwrap();
    let list = folder.path().join("list.csv");
    std::fs::write(
        &list,
        "video,split,label,anomalous_frames\na/one,train,,\na/short,train,0,\nlong.mkv,train,1,\nbroken,train,,\n\
         whole.avi,test,0,\nmore,test,1,3-9;12-99\ncut,test,1,0-5\n",
    )
    .unwrap();
    let asked = |out: &str| Request {
        splits: Splits::List(list.clone()),
        ..request(&videos, &folder.path().join(out))
    };

    let whole = quietly(&asked("whole")).unwrap();
    assert_eq!(
        (whole.extracted, whole.reused, whole.complete),
        (6, 0, true)
    );
    assert_eq!(whole.broken.len(), 1);
    assert!(whole.broken[0].1.contains("broken.mp4"));
    let text =
        |file: &str| std::fs::read_to_string(folder.path().join("whole").join(file)).unwrap();
    assert_eq!(
        text("train.csv"),
        "video,features,frames,label,anomalous_frames\na/one,features/a/one.npy,1,,\na/short,features/a/short.npy,15,0,\n\
         long,features/long.npy,160,1,\n"
    );
    let test = text("test.csv");
    let lines: Vec<&str> = test.lines().collect();
    assert_eq!(lines[1], "b/whole,features/b/whole.npy,16,0,");
    assert_eq!(lines[2], "b/more,features/b/more.npy,17,1,3-9;12-17");
    let cut: u64 = lines[3].split(',').nth(2).unwrap().parse().unwrap();
    assert!((5..60).contains(&cut), "{cut} frames of the cut video");
    assert!(text("dataset.toml").contains("RANDOM WEIGHTS (seed 3)"));

    // Nothing is done twice but the broken video, which is tried again.
    let again = quietly(&asked("whole")).unwrap();
    assert_eq!(
        (again.extracted, again.reused, again.broken.len()),
        (0, 6, 1)
    );

    // Stopped within a video, then gone on with.
    let stop = AtomicBool::new(false);
    let mut done = 0;
    let stopped = extract::run(
        &asked("stopped"),
        &mut |event| match event {
            Event::Done { .. } => done += 1,
            Event::Segments { .. } if done == 2 => stop.store(true, Ordering::Relaxed),
            _ => {}
        },
        &stop,
    );
    assert!(matches!(stopped, Err(ExtractError::Stopped)));
    assert!(!folder.path().join("stopped/dataset.toml").exists());
    let rest = quietly(&asked("stopped")).unwrap();
    assert!(rest.reused >= 2 && rest.extracted + rest.reused == 6);
    assert!(contents(&folder.path().join("whole")) == contents(&folder.path().join("stopped")));

    // Two processes, other batches, other threads.
    for share in [0, 1] {
        let request = Request {
            share: (share, 2),
            batch: 3,
            threads: Some(1),
            ..asked("shared")
        };
        assert_eq!(quietly(&request).unwrap().complete, share == 1);
    }
    assert!(contents(&folder.path().join("whole")) == contents(&folder.path().join("shared")));

    // A broken video can stop everything instead; another sampling needs another folder.
    let strict = Request {
        broken: Broken::Stop,
        ..asked("whole")
    };
    assert!(matches!(quietly(&strict), Err(ExtractError::Video { .. })));
    let mut other = asked("whole");
    other.sampling.weights = Weights::Random(4);
    let message = quietly(&other).unwrap_err().to_string();
    assert!(
        message.contains("begun with other settings") && message.contains("seed 3"),
        "{message}"
    );

    // Weights that do not fit begin nothing.
    let mut unfit = asked("unfit");
    unfit.sampling.weights = Weights::File(list.clone());
    quietly(&unfit).unwrap_err();
    assert!(!unfit.out.exists());

    // Last, since it leaves its digest beside the data.
    let dataset = datasets::open(&folder.path().join("whole")).unwrap();
    assert_eq!(dataset.metadata.feature_dim, 2048);
    assert_eq!(
        (dataset.train.videos.len(), dataset.test.videos.len()),
        (3, 3)
    );
}

#[test]
fn ten_crops_in_f16_are_a_data_set_too() {
    if decoder().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let videos = folder.path().join("videos");
    make(&videos, "train/x.mkv", 20, &["-c:v", "mpeg4"]);
    make(&videos, "test/y.mkv", 5, &["-c:v", "mpeg4"]);
    let mut request = request(&videos, &folder.path().join("out"));
    request.sampling.ten_crops = true;
    request.sampling.half = true;
    request.sampling.drop_last = true;
    let summary = quietly(&request).unwrap();
    assert_eq!((summary.extracted, summary.segments), (2, 2));
    let dataset = datasets::open(&request.out).unwrap();
    assert_eq!(
        (dataset.train.videos.len(), dataset.test.videos.len()),
        (1, 1)
    );
    let bytes = std::fs::read(request.out.join("features/train/x.npy")).unwrap();
    assert_eq!(bytes.len(), 128 + 10 * 2048 * 2);
    assert!(
        String::from_utf8_lossy(&bytes[..128])
            .contains("'<f2', 'fortran_order': False, 'shape': (1, 10, 2048)")
    );
}
