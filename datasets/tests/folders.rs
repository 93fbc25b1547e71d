//! Folders at the door, and data that are made.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use datasets::{Dataset, RawValues, open, outline, synthesize, write};
use sweeps::{Digest, Regime, Synthetic};
use tempfile::TempDir;

fn settings(regime: Regime) -> Synthetic {
    Synthetic {
        videos: 12,
        mean_length: 8,
        dimension: 8,
        seed: 5,
        regime,
    }
}

/// Every number and every truth of a data set.
fn content(dataset: &Dataset) -> Digest {
    let mut bytes = Vec::new();
    for video in dataset.train.videos.iter().chain(&dataset.test.videos) {
        bytes.extend(
            format!(
                "{} {} {:?} {:?};",
                video.name, video.frames, video.label, video.anomalous
            )
            .into_bytes(),
        );
        let mut rows = vec![0.0; video.segments() * video.crops() * dataset.metadata.feature_dim];
        video.copy_rows_f32(0..video.segments(), &mut rows);
        bytes.extend(rows.iter().flat_map(|value| value.to_le_bytes()));
    }
    Digest::of(&bytes)
}

fn folder() -> (TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("data");
    write(&synthesize(&settings(Regime::OwnCameras)).unwrap(), &folder).unwrap();
    (place, folder)
}

fn fault(folder: &Path) -> String {
    open(folder).expect_err("the folder has faults").to_string()
}

/// The first features file that a list names.
fn first_features(folder: &Path, list: &str) -> PathBuf {
    let text = fs::read_to_string(folder.join(list)).unwrap();
    folder.join(text.lines().nth(1).unwrap().split(',').nth(1).unwrap())
}

#[test]
fn the_same_settings_make_the_same_bytes_on_every_machine() {
    let digests =
        Regime::ALL.map(|(_, regime)| content(&synthesize(&settings(regime)).unwrap()).short());
    assert_eq!(
        digests,
        [
            "807a633502ba",
            "e0cc3bdb9bdd",
            "0aea1fd2a548",
            "10080f282af3"
        ]
    );
}

/// What a plan reads of data that nobody made: the stream goes on behind each feature as if it had been drawn.
#[test]
fn an_outline_has_everything_but_the_features() {
    let described = |dataset: &Dataset| {
        let videos = dataset.train.videos.iter().chain(&dataset.test.videos);
        videos
            .map(|video| {
                let truth = (video.label, video.anomalous.clone());
                (video.name.clone(), video.frames, video.segments(), truth)
            })
            .collect::<Vec<_>>()
    };
    for (_, regime) in Regime::ALL {
        for dimension in [8, 37] {
            let settings = Synthetic {
                dimension,
                ..settings(regime)
            };
            let (whole, outline) = (synthesize(&settings).unwrap(), outline(&settings).unwrap());
            assert_eq!(described(&outline), described(&whole), "{settings:?}");
            assert_eq!(outline.train.segments(), whole.train.segments());
            assert_eq!(
                (outline.digest, outline.metadata),
                (whole.digest, whole.metadata)
            );
        }
    }
}

#[test]
fn both_splits_hold_both_kinds_and_say_that_they_are_synthetic() {
    let dataset = synthesize(&settings(Regime::HardBursts)).unwrap();
    assert_eq!(
        (dataset.train.videos.len(), dataset.test.videos.len()),
        (8, 4)
    );
    for split in [&dataset.train, &dataset.test] {
        for label in [true, false] {
            assert!(split.videos.iter().any(|video| video.label == Some(label)));
        }
    }
    assert!(dataset.synthetic && dataset.metadata.name.contains("synthetic"));
    for video in dataset.train.videos.iter().chain(&dataset.test.videos) {
        assert_eq!(video.label, Some(!video.anomalous.is_empty()));
        assert!(
            video
                .anomalous
                .iter()
                .all(|range| range.end <= video.frames)
        );
        let mut rows = vec![0.0; video.segments() * 8];
        video.copy_rows_f32(0..video.segments(), &mut rows);
        assert!(rows.iter().all(|value| value.is_finite() && *value >= 0.0));
    }
}

#[test]
fn what_is_written_reads_back_equal() {
    let (_place, folder) = folder();
    let made = synthesize(&settings(Regime::OwnCameras)).unwrap();
    let read = open(&folder).unwrap();
    assert_eq!(content(&made), content(&read));
    assert!(read.synthetic);
    assert_eq!(read.metadata, made.metadata);
}

#[test]
fn the_digest_is_of_the_content_not_of_the_place_or_the_cache() {
    let (_place, first) = folder();
    let digest = open(&first).unwrap().digest;
    assert_eq!(open(&first).unwrap().digest, digest, "from the cache");
    let (_other, second) = folder();
    assert_eq!(open(&second).unwrap().digest, digest, "elsewhere");
    let file = first_features(&second, "train.csv");
    let mut bytes = fs::read(&file).unwrap();
    let end = bytes.len();
    bytes[end - 1] ^= 1;
    fs::write(&file, bytes).unwrap();
    assert_ne!(open(&second).unwrap().digest, digest, "another bit");
}

#[test]
fn every_fault_names_its_file() {
    type Damage<'a> = (&'a str, &'a dyn Fn(&Path), &'a str);
    let damage: [Damage<'_>; 9] = [
        (
            "NaN",
            &|file| patch(file, |bytes| put_last(bytes, f32::NAN)),
            "NaN",
        ),
        (
            "infinity",
            &|file| patch(file, |bytes| put_last(bytes, f32::INFINITY)),
            "segment",
        ),
        (
            "short",
            &|file| patch(file, |bytes| bytes.truncate(bytes.len() - 4)),
            "cut short",
        ),
        (
            "long",
            &|file| patch(file, |bytes| bytes.extend([0; 4])),
            "another number",
        ),
        (
            "missing",
            &|file| fs::remove_file(file).unwrap(),
            "cannot be opened",
        ),
        ("empty", &|file| fs::write(file, "").unwrap(), "empty"),
        (
            "no npy",
            &|file| fs::write(file, "hello").unwrap(),
            "no .npy",
        ),
        (
            "f64",
            &|file| fs::write(file, npy("<f8", "(2, 8)", 2 * 8 * 8)).unwrap(),
            "astype",
        ),
        (
            "one dimension",
            &|file| fs::write(file, npy("<f4", "(8,)", 8 * 4)).unwrap(),
            "shape",
        ),
    ];
    for (name, damage, words) in damage {
        let (_place, folder) = folder();
        open(&folder).unwrap();
        let file = first_features(&folder, "train.csv");
        damage(&file);
        let said = fault(&folder);
        assert!(
            said.contains(words) && said.contains(file.file_name().unwrap().to_str().unwrap()),
            "{name}: {said}"
        );
    }
}

#[test]
fn lists_and_metadata_are_checked_and_all_faults_said_at_once() {
    let (_place, folder) = folder();
    let edit = |name: &str, from: &str, to: &str| {
        let path = folder.join(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from} in {text}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
    };
    edit("train.csv", ".npy,", ".npx,");
    edit("test.csv", ",1,", ",2,");
    let said = fault(&folder);
    assert!(
        said.contains("2 faults")
            && said.contains("train.csv") | said.contains(".npx")
            && said.contains("test.csv"),
        "{said}"
    );
    edit("dataset.toml", "feature_dim", "features_dim");
    assert!(fault(&folder).contains("features_dim"));
}

#[test]
fn f16_crops_and_the_last_short_segment_are_read() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    fs::write(
        folder.join("dataset.toml"),
        "name = \"c\"\nfeature_dim = 3\nframes_per_segment = 16\n",
    )
    .unwrap();
    let head = "video,features,frames,label,anomalous_frames\n";
    fs::write(folder.join("train.csv"), format!("{head}a,a.npy,20,,\n")).unwrap();
    fs::write(
        folder.join("test.csv"),
        format!("{head}b,b.npy,33,1,0-3;5-7\n"),
    )
    .unwrap();
    let mut bytes = npy("<f2", "(2, 2, 3)", 0);
    bytes.extend([0x00, 0x3C].repeat(12));
    fs::write(folder.join("a.npy"), &bytes).unwrap();
    fs::write(folder.join("b.npy"), &bytes).unwrap();
    let dataset = open(folder).unwrap();
    let video = &dataset.train.videos[0];
    assert_eq!((video.segments(), video.crops(), video.label), (2, 2, None));
    let mut rows = [0.0; 6];
    video.copy_rows_f32(1..2, &mut rows);
    assert_eq!(rows, [1.0; 6]);
    assert_eq!(dataset.test.videos[0].anomalous, [0..3, 5..7]);
    assert_eq!(datasets::inspect(&dataset).dtype, "f16");
    let shared = dataset.train.shared_rows().unwrap();
    assert_eq!((shared.count(), shared.bytes()), (12, 24));
    let slices: Vec<RawValues<'_>> = shared.slices().collect();
    assert!(matches!(slices[..], [RawValues::F16(_)]));
    assert_eq!(widened(&slices), [1.0; 12]);
    assert_eq!(widened(&[shared.row(9, 3)]), [1.0; 3]);
}

#[test]
fn the_real_sets_load_unchanged() {
    let shared = std::env::var_os("GCL_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    for (name, dim, train, test) in [
        ("shanghaitech-tracks", 147, (238, 10_972), (199, 8_980)),
        ("ucsd-ped2", 2048, (18, 198), (10, 106)),
    ] {
        let folder = shared.join("data").join(name);
        if !folder.is_dir() {
            println!("skipped: the real data set {name} is not here");
            continue;
        }
        let dataset = open(&folder).unwrap();
        assert_eq!(dataset.metadata.feature_dim, dim);
        assert_eq!(
            (dataset.train.videos.len(), dataset.train.segments()),
            train
        );
        assert_eq!((dataset.test.videos.len(), dataset.test.segments()), test);
    }
}

fn patch(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    change(&mut bytes);
    fs::write(file, bytes).unwrap();
}

fn put_last(bytes: &mut [u8], value: f32) {
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&value.to_le_bytes());
}

fn npy(dtype: &str, shape: &str, zeros: usize) -> Vec<u8> {
    let mut header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.into_bytes());
    bytes.extend(vec![0; zeros]);
    bytes
}

/// The names of a folder's files, those of its folders too.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names
}

#[test]
fn a_packed_folder_is_the_same_data_set_in_one_file_a_split() {
    let (place, folder) = folder();
    let loose = open(&folder).unwrap();
    let out = place.path().join("packed");
    let packed = datasets::pack(&folder, &out).unwrap();
    assert_eq!(packed.digest, loose.digest);
    assert_eq!(content(&packed), content(&loose));
    assert_eq!(
        names(&out),
        [
            "dataset.toml",
            "test.csv",
            "test.pack",
            "train.csv",
            "train.pack"
        ]
    );
    // Again from the cached digest, and packed once more.
    assert_eq!(open(&out).unwrap().digest, loose.digest);
    let again = datasets::pack(&out, &place.path().join("again")).unwrap();
    assert_eq!(again.digest, loose.digest);
    assert!(datasets::pack(&folder, &out).is_err(), "never over another");
}

fn widened(slices: &[RawValues<'_>]) -> Vec<f32> {
    let mut all = Vec::new();
    for slice in slices {
        let mut values = vec![0.0; slice.len()];
        slice.copy_to(&mut values);
        all.extend(values);
    }
    all
}

#[test]
fn shared_rows_are_those_of_the_list_in_one_slice_of_a_pack_or_file_by_file() {
    let (place, folder) = folder();
    let loose = open(&folder).unwrap();
    let packed = datasets::pack(&folder, &place.path().join("packed")).unwrap();
    for (dataset, in_one) in [(&loose, false), (&packed, true)] {
        let dim = dataset.metadata.feature_dim;
        for split in [&dataset.train, &dataset.test] {
            let mut expected = Vec::new();
            for video in &split.videos {
                let mut rows = vec![0.0; video.segments() * dim];
                video.copy_rows_f32(0..video.segments(), &mut rows);
                expected.extend(rows);
            }
            let shared = split.shared_rows().unwrap();
            let slices: Vec<RawValues<'_>> = shared.slices().collect();
            assert_eq!(slices.len(), if in_one { 1 } else { split.videos.len() });
            assert_eq!(widened(&slices), expected);
            assert_eq!(shared.count(), expected.len());
            assert_eq!(shared.bytes(), 4 * expected.len());
            for (index, row) in expected.chunks(dim).enumerate() {
                assert_eq!(shared.row(index * dim, dim), RawValues::F32(row));
            }
        }
    }
}

#[test]
fn a_pack_of_any_bytes_is_refused_and_never_a_panic() {
    let (place, folder) = folder();
    let out = place.path().join("packed");
    datasets::pack(&folder, &out).unwrap();
    let file = out.join("train.pack");
    let whole = fs::read(&file).unwrap();
    for length in [0, 7, 8, 23, 24, 40, 300, 4096, whole.len() - 1] {
        fs::write(&file, &whole[..length]).unwrap();
        assert!(fault(&out).contains("train.pack"), "{length} bytes");
    }
    // Bytes before the rows, turned.
    for at in (0..1200.min(whole.len())).step_by(5) {
        for value in [0xff, whole[at] ^ 1] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            fs::write(&file, &bytes).unwrap();
            // Some are still a data set (a byte of padding); none may panic.
            let _ = open(&out);
        }
    }
    let mut longer = whole;
    longer.extend([0; 4]);
    fs::write(&file, longer).unwrap();
    assert!(fault(&out).contains("train.pack"));
}

/// What is in a folder, hidden names too.
fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A mount point, a link, a folder with rights of its own: each is filled and stays the folder that it is.
#[test]
fn a_folder_that_is_there_and_empty_is_filled_and_kept() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    let dataset = synthesize(&settings(Regime::OwnCameras)).unwrap();
    let above = tempfile::tempdir().unwrap();
    let at = |name: &str| above.path().join(name);

    fs::create_dir(at("there")).unwrap();
    fs::set_permissions(at("there"), PermissionsExt::from_mode(0o2750)).unwrap();
    // As a new volume has it.
    fs::create_dir(at("there").join("lost+found")).unwrap();
    // As a process that was killed leaves it.
    fs::create_dir(at("there").join(".part-1-2")).unwrap();
    let before = fs::metadata(at("there")).unwrap();
    write(&dataset, &at("there")).unwrap();
    let after = fs::metadata(at("there")).unwrap();
    assert_eq!((after.ino(), after.mode()), (before.ino(), before.mode()));
    let expected = [
        "dataset.toml",
        "features",
        "lost+found",
        "test.csv",
        "train.csv",
    ];
    assert_eq!(entries(&at("there")), expected);
    open(&at("there")).unwrap();

    // A link to a folder that is there, one to a folder that is not.
    fs::create_dir(at("target")).unwrap();
    for name in ["target", "later"] {
        let link = at(&format!("to-{name}"));
        symlink(name, &link).unwrap();
        write(&dataset, &link).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        open(&at(name)).unwrap();
        let packed = at(&format!("packed-{name}"));
        datasets::pack(&link, &packed).unwrap();
    }

    fs::write(at("file"), b"").unwrap();
    symlink("circle", at("circle")).unwrap();
    for (name, why) in [
        ("file", "it is a file"),
        ("circle", "leads to itself"),
        ("there", "not empty"),
    ] {
        let error = write(&dataset, &at(name)).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
    assert!(
        entries(above.path())
            .iter()
            .all(|name| !name.contains("part"))
    );
}

/// Where there can be no folder, nobody reads gigabytes first.
#[test]
fn a_place_that_cannot_be_had_is_said_before_the_work() {
    let above = tempfile::tempdir().unwrap();
    fs::write(above.path().join("file"), b"").unwrap();
    let nowhere = above.path().join("no data set");
    for out in ["file", "file/below"] {
        let error = datasets::pack(&nowhere, &above.path().join(out)).unwrap_err();
        assert!(matches!(error, datasets::PackError::Write(_)), "{error}");
    }
    let error = datasets::pack(&nowhere, &above.path().join("packed")).unwrap_err();
    assert!(matches!(error, datasets::PackError::Dataset(_)), "{error}");
    assert_eq!(entries(above.path()), ["file"]);
}
