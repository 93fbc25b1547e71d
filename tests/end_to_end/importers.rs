//! Importing features and annotations as they are passed around: what is right becomes a data set, what is wrong is refused by file and line.

use std::fs;
use std::path::{Path, PathBuf};

use crate::world::{Ended, World, repository};

/// Numbers of a segment.
const DIM: usize = 4;

/// A few lines of the real lists.
fn fixture(name: &str) -> PathBuf {
    repository().join("datasets/tests/fixtures").join(name)
}

/// f32 features of a shape, as NumPy writes them.
fn npy(path: &Path, shape: &[usize]) {
    let lengths: Vec<String> = shape.iter().map(ToString::to_string).collect();
    let mut header = format!(
        "{{'descr': '<f4', 'fortran_order': False, 'shape': ({},), }}",
        lengths.join(", ")
    );
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    let numbers: usize = shape.iter().product();
    bytes.extend((0..numbers).flat_map(|number| (number as f32).to_le_bytes()));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// UCF-Crime: features of a segment per 16 frames.
fn ucf() -> World {
    let world = World::new();
    for (name, frames) in [
        ("Abuse001_x264", 2729),
        ("Burglary001_x264", 3969),
        ("Normal_Videos001_x264", 544),
        ("Abuse028_x264", 1412),
        ("Arson011_x264", 1266),
        ("Arson016_x264", 1795),
        ("Normal_Videos_003_x264", 2822),
    ] {
        npy(
            &world.path(&format!("features/{name}.npy")),
            &[frames / 16, DIM],
        );
    }
    world
}

fn shanghai() -> World {
    let world = World::new();
    for (name, frames) in [
        ("01_0014", 265),
        ("01_002", 481),
        ("01_014", 737),
        ("01_0140", 241),
        ("01_001", 764),
        ("01_0015", 433),
        ("04_018", 649),
    ] {
        npy(
            &world.path(&format!("features/{name}_i3d.npy")),
            &[frames / 16, 10, DIM],
        );
    }
    world
}

fn import(world: &World, kind: &str, train: &Path, test: &Path, truth: &Path) -> Ended {
    let counts = fixture(kind).join("avd_header.csv");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    world.run(&[
        "data",
        "import",
        kind,
        "--features",
        "features",
        "--train",
        &text(train),
        "--test",
        &text(test),
        "--annotations",
        &text(truth),
        "--frame-counts",
        &text(&counts),
        "--out",
        "imported",
        "--name",
        "mine",
        "--extractor",
        "made for a test",
    ])
}

fn import_ucf(world: &World, train: &Path, test: &Path, truth: &Path) -> Ended {
    import(world, "ucf-crime", train, test, truth)
}

/// The fixture's text with line `number` (counted from 1) replaced.
fn damaged(world: &World, name: &str, number: usize, line: &str) -> PathBuf {
    let text = fs::read_to_string(fixture(name)).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines[number - 1] = line;
    world.write("wrong.txt", &(lines.join("\n") + "\n"))
}

#[track_caller]
fn refused(ended: &Ended, world: &World, words: &[&str]) {
    assert_eq!(ended.code, Some(10), "{}{}", ended.stdout, ended.stderr);
    for word in words {
        assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
    }
    assert!(
        !world.path("imported").exists(),
        "a refused import leaves nothing behind"
    );
}

#[test]
fn real_lists_and_features_become_a_data_set_that_trains() {
    let world = ucf();
    let train = fixture("ucf-crime/Anomaly_Train.txt");
    let test = fixture("ucf-crime/Anomaly_Test.txt");
    let truth = fixture("ucf-crime/Temporal_Anomaly_Annotation.txt");
    let ended = import_ucf(&world, &train, &test, &truth);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    // Seven videos are not the published 1610 and 290, and that is said.
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(said.contains("1610") && said.contains("290"), "{said}");
    world.run_ok(&["data", "inspect", "imported"]);
    world.write(
        "named.toml",
        "name = \"named\"\n[dataset]\nname = \"mine\"\n[job]\nepochs = 1\nbatch_size = 32\n",
    );
    world.run_ok(&[
        "run",
        "named.toml",
        "--data",
        "mine=imported",
        "--out",
        "out",
    ]);
}

#[test]
fn ten_crops_and_frame_masks_become_a_data_set() {
    let world = shanghai();
    let ended = import(
        &world,
        "shanghaitech",
        &fixture("shanghaitech/SH_Train_new.txt"),
        &fixture("shanghaitech/SH_Test_NEW.txt"),
        &fixture("shanghaitech/test_frame_mask"),
    );
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(said.contains("238") && said.contains("199"), "{said}");
    let shown = world.run_ok(&["data", "inspect", "imported"]).stdout;
    assert!(shown.contains("10 crops"), "{shown}");
}

#[test]
fn a_wrong_line_is_refused_by_file_and_number() {
    let train = fixture("ucf-crime/Anomaly_Train.txt");
    let test = fixture("ucf-crime/Anomaly_Test.txt");
    let truth = fixture("ucf-crime/Temporal_Anomaly_Annotation.txt");
    let world = ucf();
    let wrong = damaged(
        &world,
        "ucf-crime/Temporal_Anomaly_Annotation.txt",
        2,
        "Arson011_x264.mp4  Arson  seven  240  -1  -1",
    );
    refused(
        &import_ucf(&world, &train, &test, &wrong),
        &world,
        &["wrong.txt", "line 2", "seven"],
    );
    let wrong = damaged(
        &world,
        "ucf-crime/Anomaly_Test.txt",
        2,
        "Elephants/Elephants001_x264.mp4",
    );
    refused(
        &import_ucf(&world, &train, &wrong, &truth),
        &world,
        &["wrong.txt", "line 2", "Elephants"],
    );
    // A video in both lists.
    let both = fs::read_to_string(&train).unwrap() + &fs::read_to_string(&test).unwrap();
    let wrong = world.write("wrong.txt", &both);
    refused(
        &import_ucf(&world, &wrong, &test, &truth),
        &world,
        &["Abuse028"],
    );
    let world = shanghai();
    let wrong = damaged(&world, "shanghaitech/SH_Test_NEW.txt", 1, "01_001,2,764");
    refused(
        &import(
            &world,
            "shanghaitech",
            &fixture("shanghaitech/SH_Train_new.txt"),
            &wrong,
            &fixture("shanghaitech/test_frame_mask"),
        ),
        &world,
        &["wrong.txt", "line 1"],
    );
}
