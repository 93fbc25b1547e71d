//! Features in HDF5 and in MATLAB's files (`fixtures/hdf5/make.py`): the same data set as from `.npy`, or a refusal by name.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use datasets::import::{Request, ucf_crime};
use tempfile::TempDir;

const DIM: usize = 4;
/// The videos of the fixture with their frames.
const VIDEOS: [(&str, usize); 7] = [
    ("Abuse001_x264", 2729),
    ("Burglary001_x264", 3969),
    ("Normal_Videos001_x264", 544),
    ("Abuse028_x264", 1412),
    ("Arson011_x264", 1266),
    ("Arson016_x264", 1795),
    ("Normal_Videos_003_x264", 2822),
];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// A folder with an empty folder `features`.
fn place() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("features")).unwrap();
    place
}

/// A copy of a file of the fixture.
fn with(place: &TempDir, name: &str) {
    fs::copy(
        fixture(&format!("hdf5/{name}")),
        place.path().join("features").join(name),
    )
    .unwrap();
}

/// `.npy` features of all videos but some.
fn npy(place: &TempDir, but: &[&str]) {
    for (name, frames) in VIDEOS.iter().filter(|(name, _)| !but.contains(name)) {
        let segments = frames / 16;
        let mut header =
            format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({segments}, {DIM}), }}");
        while (header.len() + 11) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.bytes());
        bytes.extend((0..segments * DIM).flat_map(|number| (number as f32).to_le_bytes()));
        fs::write(place.path().join(format!("features/{name}.npy")), bytes).unwrap();
    }
}

/// The data set's digest, or what was said.
fn import(place: &TempDir) -> Result<String, String> {
    let list = |name: &str| fixture("ucf-crime").join(name);
    let out = place.path().join("out");
    let result = ucf_crime(&Request {
        features: place.path().join("features"),
        train: vec![list("Anomaly_Train.txt")],
        test: vec![list("Anomaly_Test.txt")],
        annotations: vec![list("Temporal_Anomaly_Annotation.txt")],
        frame_counts: vec![list("avd_header.csv")],
        out: out.clone(),
        name: "imported".to_owned(),
        extractor: "made for a test".to_owned(),
        frames_per_segment: 16,
        skip_missing: false,
        extra_rows: datasets::import::ExtraRows::Refuse,
        link: false,
    });
    assert!(result.is_ok() || !out.exists(), "nothing is left behind");
    result
        .map(|report| report.digest.to_string())
        .map_err(|error| error.to_string())
}

#[test]
fn every_layout_is_the_same_data_as_npy() {
    let plain = place();
    npy(&plain, &[]);
    let expected = import(&plain).unwrap();
    let some: Vec<&str> = VIDEOS.iter().map(|(name, _)| *name).collect();
    for (name, held) in [("videos.h5", 4), ("groups.hdf5", 3), ("matlab.mat", 4)] {
        let place = place();
        with(&place, name);
        npy(&place, &some[..held]);
        assert_eq!(import(&place).as_ref(), Ok(&expected), "{name}");
    }
    // A file a video, beside other kinds.
    let mixed = place();
    npy(&mixed, &["Abuse028_x264"]);
    with(&mixed, "Abuse028_x264.h5");
    assert_eq!(import(&mixed), Ok(expected));
}

#[test]
fn half_precision_is_read() {
    let place = place();
    npy(&place, &["Arson011_x264"]);
    with(&place, "half.h5");
    let features = place.path().join("features");
    fs::rename(features.join("half.h5"), features.join("Arson011_x264.h5")).unwrap();
    import(&place).unwrap();
    let bytes = fs::read(place.path().join("out/features/Arson011_x264.npy")).unwrap();
    let last: [u8; 4] = *bytes.last_chunk().unwrap();
    // 79 segments of 4: the last number is 315, and 59 modulo 64.
    assert_eq!(f32::from_le_bytes(last), 59.0);
}

#[test]
fn wrong_files_are_refused_by_file_and_data_set() {
    // A video in two places.
    let twice = place();
    npy(&twice, &[]);
    with(&twice, "videos.h5");
    let said = import(&twice).unwrap_err();
    assert!(
        said.contains("videos.h5") && said.contains("`Anomaly/Abuse028_x264.mp4`"),
        "{said}"
    );
    // Features of another video under a video's name.
    let other = place();
    npy(&other, &["Abuse001_x264"]);
    with(&other, "Abuse028_x264.h5");
    let features = other.path().join("features");
    fs::rename(
        features.join("Abuse028_x264.h5"),
        features.join("Abuse001_x264.h5"),
    )
    .unwrap();
    let said = import(&other).unwrap_err();
    assert!(
        said.contains("Abuse001_x264.h5") && said.contains("`feature` has 88 segments"),
        "{said}"
    );
    // MATLAB's older format, and no HDF5 at all.
    let old = place();
    with(&old, "old.mat");
    let said = import(&old).unwrap_err();
    assert!(said.contains("old.mat") && said.contains("-v7.3"), "{said}");
    fs::write(old.path().join("features/old.mat"), "nothing").unwrap();
    let said = import(&old).unwrap_err();
    assert!(
        said.contains("old.mat") && said.contains("no HDF5 file"),
        "{said}"
    );
}

/// Files cut short or with a byte changed give an error or other numbers, never a panic.
#[test]
fn damaged_files_do_not_panic() {
    let sound = fs::read(fixture("hdf5/Abuse028_x264.h5")).unwrap();
    let place = place();
    npy(&place, &["Abuse028_x264"]);
    let path = place.path().join("features/Abuse028_x264.h5");
    let out = place.path().join("out");
    for cut in (0..sound.len()).step_by(sound.len() / 24) {
        fs::write(&path, &sound[..cut]).unwrap();
        assert!(import(&place).is_err(), "cut at {cut}");
    }
    for at in (0..sound.len().min(2400)).step_by(29) {
        let mut bytes = sound.clone();
        bytes[at] ^= 0xff;
        fs::write(&path, &bytes).unwrap();
        if import(&place).is_ok() {
            fs::remove_dir_all(&out).unwrap();
        }
    }
}
