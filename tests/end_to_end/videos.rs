//! From videos to an AUC: what a lab does that has videos and ffmpeg. Skipped in one line without ffmpeg.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::world::{Ended, Process, World, csv, eventually};

/// Videos of two segments with a moving picture; in the second segment of some everything is inverted.
const FRAMES: &str = "20";

/// Training and test videos under UCF-Crime's names, with its lists and annotation; nothing without ffmpeg.
fn street(world: &World) -> bool {
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        eprintln!("skipped: no ffmpeg");
        return false;
    }
    let normal = ["Normal_Videos001", "Normal_Videos002", "Normal_Videos003"];
    for (number, name) in normal.iter().enumerate() {
        video(world, &format!("Training/{name}_x264.mp4"), number, false);
    }
    video(world, "Training/Abuse001_x264.mp4", 3, true);
    video(world, "Testing/Normal_Videos_004_x264.mp4", 4, false);
    video(world, "Testing/Abuse002_x264.mp4", 5, true);
    video(world, "Testing/Arson003_x264.mp4", 6, true);
    let train = normal.map(|name| format!("Training_Normal_Videos_Anomaly/{name}_x264.mp4\n"));
    world.write("train.txt", &(train.concat() + "Abuse/Abuse001_x264.mp4\n"));
    world.write(
        "test.txt",
        "Abuse/Abuse002_x264.mp4\nArson/Arson003_x264.mp4\n\
         Testing_Normal_Videos_Anomaly/Normal_Videos_004_x264.mp4\n",
    );
    world.write(
        "truth.txt",
        "Abuse002_x264.mp4 Abuse 16 20 -1 -1\nArson003_x264.mp4 Arson 16 24 -1 -1\n\
         Normal_Videos_004_x264.mp4 Normal -1 -1 -1 -1\n",
    );
    true
}

fn video(world: &World, name: &str, number: usize, event: bool) {
    let path = world.path("videos").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut picture = format!("testsrc2=size=96x64:rate=25,hue=h={}", number * 40);
    if event {
        picture += ",negate=enable='gte(n,16)'";
    }
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", &picture])
        .args(["-frames:v", FRAMES, "-c:v", "mpeg4"])
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success(), "{name}");
}

/// The arguments that both ways share.
fn extraction<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["extract", "videos", "--out", out, "--name", "street"];
    arguments.extend(["--weights", "random:7", "--backbone", "resnext50"]);
    arguments.extend(["--ucf-crime", "--train", "train.txt", "--test", "test.txt"]);
    arguments.extend(["--annotations", "truth.txt"]);
    arguments.extend(more);
    arguments
}

/// Every file of a data set's folder by its name.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                files.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    files
}

fn extracting_worker(world: &World, name: &str, coordinator: &str) -> Process {
    let scratch = format!("scratch-{name}");
    world.start(&[
        "worker",
        "--coordinator",
        coordinator,
        "--name",
        name,
        "--scratch",
        &scratch,
        "--device",
        "cpu",
        "--threads",
        "1",
        "--videos",
        "street=videos",
    ])
}

fn said(ended: &Ended, text: &str) {
    assert!(ended.stderr.contains(text), "{}", ended.stderr);
}

#[test]
fn videos_become_features_and_an_auc() {
    let world = World::new();
    if !street(&world) {
        return;
    }
    // Listed, but not in the folder.
    let train = std::fs::read_to_string(world.path("train.txt")).unwrap();
    world.write("train.txt", &(train.clone() + "Abuse/Abuse009_x264.mp4\n"));
    let ended = world.run(&extraction("features", &[]));
    assert_eq!(ended.code, Some(10));
    said(&ended, "train.txt:5: there is no video `Abuse009_x264`");
    world.write("train.txt", &train);

    let ended = world.run_ok(&extraction("features", &["--device", "cpu"]));
    said(&ended, "7 videos extracted");
    let test = csv(&world.path("features/test.csv"));
    assert_eq!(test[0]["video"], "Testing/Abuse002_x264");
    assert_eq!(test[0]["frames"], FRAMES);
    assert_eq!(test[0]["anomalous_frames"], "16-20");
    // The annotation of this one goes on after its end.
    assert_eq!(test[1]["anomalous_frames"], "16-20");
    assert_eq!(test[2]["anomalous_frames"], "");
    let metadata = std::fs::read_to_string(world.path("features/dataset.toml")).unwrap();
    for text in [
        "name = \"street\"",
        "RANDOM WEIGHTS (seed 7)",
        "UCF-Crime (Sultani et al. 2018)",
    ] {
        assert!(metadata.contains(text), "{metadata}");
    }
    world.write(
        "street.toml",
        "name = \"street\"\n[dataset]\nname = \"street\"\n\
         [job]\nepochs = 3\nbatch_size = 4\nlearning_rate = 1e-3\nfeature_scaling = \"standard\"\n\
         [axes]\nseed = { from = 0, count = 2 }\n[[variant]]\nname = \"GCL_B\"\n",
    );
    let arguments = ["run", "street.toml", "--data", "street=features"];
    world.run_ok(&[&arguments[..], &["--out", "out", "--workers", "1"]].concat());
    let lines = csv(&world.path("out/results.csv"));
    assert_eq!(lines.len(), 2);
    for line in &lines {
        let auc: f64 = line["auc"].parse().unwrap();
        assert!((0.0..=1.0).contains(&auc), "{line:?}");
        assert_eq!(line["variant"], "GCL_B");
    }
}

#[test]
fn a_cluster_makes_the_same_data_set_to_the_bit() {
    let world = World::new();
    if !street(&world) {
        return;
    }
    let broken = world.write("videos/Training/Robbery005_x264.mp4", "this is no video");
    let train = std::fs::read_to_string(world.path("train.txt")).unwrap();
    world.write("train.txt", &(train + "Robbery/Robbery005_x264.mp4\n"));
    let here = world.run(&extraction("here", &["--device", "cpu"]));
    assert_eq!(here.code, Some(11), "{}", here.stderr);
    said(&here, "1 video could not be decoded");

    let (coordinator, url) = world.coordinator("127.0.0.1:0");
    let there = extraction("there", &["--coordinator", &url, "--videos-name", "street"]);
    // Nobody has the videos yet: the jobs wait. The one who asked goes away.
    let asking = world.start(&there);
    let submitted = || {
        let status = world.run(&["status", "extract-street", "--coordinator", &url]);
        (status.code == Some(0)).then_some(())
    };
    eventually("the submission", submitted);
    let first = extracting_worker(&world, "first", &url);
    let fetched = || world.path("there/features").exists().then_some(());
    eventually("the first features", fetched);
    asking.kill();
    // A worker dies in the middle; another takes its video.
    first.kill();
    let _second = extracting_worker(&world, "second", &url);
    let _third = extracting_worker(&world, "third", &url);
    let ended = world.run(&there);
    assert_eq!(ended.code, Some(11), "{}", ended.stderr);
    said(&ended, "1 video could not be decoded");
    said(&ended, "Robbery005_x264.mp4");

    let (mut here, mut there_files) = (
        contents(&world.path("here")),
        contents(&world.path("there")),
    );
    // Only the cluster's way needs the digests; nobody in particular failed to decode the broken one.
    assert!(there_files.remove(".extract/digests.json").is_some());
    for files in [&mut here, &mut there_files] {
        let record = ".extract/videos/Training/Robbery005_x264.json";
        assert!(files.remove(record).is_some());
    }
    assert_eq!(
        here.keys().collect::<Vec<_>>(),
        there_files.keys().collect::<Vec<_>>()
    );
    for (name, bytes) in &here {
        assert!(bytes == &there_files[name], "{name}");
    }

    // Mended, the same command does it alone; then there is nothing left to do, and nobody is asked.
    std::fs::remove_file(&broken).unwrap();
    video(&world, "Training/Robbery005_x264.mp4", 9, true);
    let ended = world.run_ok(&there);
    said(&ended, "1 video extracted, 7 were done before");
    coordinator.kill();
    let ended = world.run_ok(&there);
    said(&ended, "0 videos extracted, 8 were done before");
}
