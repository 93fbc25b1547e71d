//! The door of a folder, rule by rule: each fault is said with its file and line, all of them at once.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use datasets::{Dataset, inspect, open, synthesize};
use sweeps::parameter::{Kind, Range};
use sweeps::registry::find_setting;
use sweeps::{Amount, CoherentEvents, Regime, Synthetic};
use tempfile::TempDir;

const TOML: &str = "name = \"small\"\nfeature_dim = 2\nframes_per_segment = 16\n";
/// What is done to sound settings.
type Change = fn(&mut Synthetic);

const HEADER: &str = "video,features,frames,label,anomalous_frames\n";

/// A sound folder of two training and two test videos of two segments, 20 frames each, to be damaged.
struct Folder(TempDir);

impl Folder {
    fn sound() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.put("dataset.toml", TOML);
        folder.put(
            "train.csv",
            &format!("{HEADER}a,a.npy,20,0,\nb,b.npy,20,1,3-9\n"),
        );
        folder.put(
            "test.csv",
            &format!("{HEADER}c,c.npy,20,0,\nd,d.npy,20,1,0-20\n"),
        );
        for name in ["a", "b", "c", "d"] {
            folder.features(&format!("{name}.npy"), "(2, 2)", 4);
        }
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    fn features(&self, name: &str, shape: &str, numbers: usize) {
        let mut header =
            format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
        header.insert_str(header.len() - 1, &" ".repeat(118 - header.len()));
        let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        bytes.extend(header.into_bytes());
        bytes.extend(1.5_f32.to_le_bytes().repeat(numbers));
        fs::write(self.path().join(name), bytes).unwrap();
    }

    fn train(&self, lines: &str) {
        self.put("train.csv", &format!("{HEADER}{lines}"));
    }

    fn test(&self, lines: &str) {
        self.put("test.csv", &format!("{HEADER}{lines}"));
    }

    fn open(&self) -> Result<Dataset, String> {
        open(self.path()).map_err(|error| error.to_string())
    }
}

#[test]
fn tables_that_come_back_from_other_programs_say_the_same() {
    let folder = Folder::sound();
    let plain = folder.open().unwrap();
    assert_eq!(plain.notes, [""; 0]);
    // `a.npy` and `b.npy` as pandas, Excel and R write them again.
    let forms: [(&str, Vec<u8>, &str); 8] = [
        (
            "labels and frames as floats",
            format!("{HEADER}a,a.npy,20.0,0.0,\nb,b.npy,2e1,1.0,3-9\n").into(),
            "",
        ),
        (
            "an index",
            format!(",{HEADER}0,a,a.npy,20,0,\n1,b,b.npy,20,1,3-9\n").into(),
            "index",
        ),
        (
            "another order and one column more",
            "label,video,scene,frames,features,anomalous_frames\n\
             False,a,7,20,a.npy,NaN\nTrue,b,7,20,b.npy,3-9\n"
                .into(),
            "`scene` is unknown",
        ),
        (
            "semicolons, a mark, the ends of Windows and an emptied row",
            format!(
                "\u{feff}{}a;a.npy;20,0;0;\r\nb;b.npy;20;1;\"3-9\"\r\n;;;;\r\n",
                HEADER.replace(',', ";")
            )
            .into(),
            "",
        ),
        (
            "tabs",
            format!("{HEADER}a,a.npy,20,0,\nb,b.npy,20,1,3-9\n")
                .replace(',', "\t")
                .into(),
            "",
        ),
        (
            "UTF-16",
            format!("\u{feff}{HEADER}a,a.npy,20,0,\nb,b.npy,20,1,3-9\n")
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect(),
            "",
        ),
        (
            "quotes",
            format!("{HEADER}\"a\",\"a.npy\",\"20\",\"0\",\"\"\n\"b\",b.npy,20,1,\"3-9\"\n").into(),
            "",
        ),
        (
            "Unnamed: 0",
            format!("Unnamed: 0,{HEADER}0,a,a.npy,20,0,\n1,b,b.npy,20,1,3-9\n").into(),
            "index",
        ),
    ];
    for (name, text, note) in forms {
        fs::write(folder.path().join("train.csv"), text).unwrap();
        let dataset = folder
            .open()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(dataset.digest, plain.digest, "{name}");
        let notes = datasets::inspect(&dataset).to_string();
        assert!(notes.contains(note), "{name}: {notes}");
        assert_eq!(dataset.notes.is_empty(), note.is_empty(), "{name}");
    }
    folder.train("a,a.npy,20,0,\nb,b.npy,20,1,03. Sep\n");
    let said = folder.open().unwrap_err();
    assert!(said.contains("line 3") && said.contains("dates"), "{said}");
}

#[test]
fn every_rule_of_the_lists_is_said_with_its_line() {
    type Damage = fn(&Folder);
    let cases: [(&str, Damage, &str); 17] = [
        (
            "fields",
            |f| f.train("a,a.npy,20,0\n"),
            "train.csv: line 2: has 4 fields",
        ),
        (
            "header",
            |f| f.put("train.csv", "name,file\na,a.npy\n"),
            "train.csv: its first line is `name,file`",
        ),
        (
            "frames",
            |f| f.train("a,a.npy,20,0,\nb,b.npy,-1,0,\n"),
            "train.csv: line 3: `-1` is no number of frames",
        ),
        (
            "no frames",
            |f| f.train("a,a.npy,0,0,\n"),
            "line 2: `0` is no number of frames",
        ),
        (
            "label",
            |f| f.train("a,a.npy,20,yes,\n"),
            "line 2: `yes` is no label",
        ),
        (
            "twice in a list",
            |f| f.train("a,a.npy,20,0,\na,b.npy,20,0,\n"),
            "train.csv: line 3: the video `a` stands there twice",
        ),
        (
            "in both lists",
            |f| f.test("c,c.npy,20,0,\na,d.npy,20,1,0-3\n"),
            "test.csv: line 3: the video `a` stands in train.csv already",
        ),
        (
            "one file for two",
            |f| f.train("a,a.npy,20,0,\nb,a.npy,20,0,\n"),
            "line 3: a.npy is already the file of the video `a`",
        ),
        (
            "a path up",
            |f| f.train("a,../a.npy,20,0,\n"),
            "line 2: `../a.npy` is no path inside",
        ),
        (
            "an absolute path",
            |f| f.train("a,/etc/passwd,20,0,\n"),
            "line 2: `/etc/passwd` is no path inside",
        ),
        (
            "beyond the video",
            |f| f.test("c,c.npy,20,0,\nd,d.npy,20,1,0-21\n"),
            "test.csv: line 3: the anomalous frames 0-21 leave the video",
        ),
        (
            "reversed",
            |f| f.test("c,c.npy,20,0,\nd,d.npy,20,1,9-3\n"),
            "line 3: the range 9-3",
        ),
        (
            "overlapping",
            |f| f.test("c,c.npy,20,0,\nd,d.npy,20,1,0-5;4-6\n"),
            "line 3: the anomalous frames 0-5 and 4-6 overlap",
        ),
        (
            "anomalous without frames",
            |f| f.test("c,c.npy,20,0,\nd,d.npy,20,1,\n"),
            "test.csv: line 3: is labelled anomalous (1), but",
        ),
        (
            "normal with frames",
            |f| f.train("a,a.npy,20,0,1-2\n"),
            "train.csv: line 2: is labelled normal (0), but",
        ),
        ("nothing", |f| f.train(""), "train.csv: names no video"),
        (
            "missing list",
            |f| fs::remove_file(f.path().join("test.csv")).unwrap(),
            "test.csv: cannot be read",
        ),
    ];
    for (name, damage, words) in cases {
        let folder = Folder::sound();
        assert!(folder.open().is_ok());
        damage(&folder);
        let said = folder.open().expect_err(name);
        assert!(said.contains(words), "{name}: {said}");
    }
}

#[test]
fn every_rule_of_the_metadata_is_said_with_its_line() {
    for (from, to, words) in [
        (
            "feature_dim",
            "feature_dims",
            "line 2: unknown key `feature_dims`. Did you mean `feature_dim`?",
        ),
        ("feature_dim", "feature_dims", "lacks the key `feature_dim`"),
        ("= 2", "= 0", "line 2: `feature_dim` must be a whole number"),
        ("= 2", "= \"2\"", "line 2: `feature_dim` must be"),
        ("= 2", "= 99999999999999999999", "line 2: `feature_dim`"),
        ("= 16", "= -16", "line 3: `frames_per_segment` must be"),
        ("\"small\"", "1", "line 1: `name` must be a text"),
        ("\"small\"", "\" \"", "name is empty"),
        ("= 2", "=", "TOML"),
    ] {
        let folder = Folder::sound();
        folder.put("dataset.toml", &TOML.replacen(from, to, 1));
        let said = folder.open().expect_err(to);
        assert!(said.contains(words), "{to}: {said}");
    }
    let folder = Folder::sound();
    fs::remove_file(folder.path().join("dataset.toml")).unwrap();
    assert!(folder.open().unwrap_err().contains("dataset.toml"));
    assert!(
        open(Path::new("/nowhere/at/all"))
            .unwrap_err()
            .to_string()
            .contains("dataset.toml")
    );
}

#[test]
fn faults_of_all_files_are_said_at_once_and_many_are_counted() {
    let folder = Folder::sound();
    folder.put("dataset.toml", "feature_dim = 2\nlicense = \"x\"\n");
    folder.train("a,a.npy,20,7,\n");
    folder.test("c,c.npy,x,0,\n");
    let said = folder.open().unwrap_err();
    for words in [
        "`name`",
        "`frames_per_segment`",
        "`licence`",
        "train.csv",
        "test.csv",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let folder = Folder::sound();
    let lines: Vec<String> = (0..1000)
        .map(|at| format!("v{at},v{at}.npy,20,,\n"))
        .collect();
    folder.train(&lines.concat());
    let said = folder.open().unwrap_err();
    assert!(
        said.contains("1000 faults") && said.contains("and 980 more"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 22);
}

#[test]
fn segments_must_fit_the_frames_as_extractors_make_them() {
    // 20 frames are one segment and a quarter: one or two are made of them.
    for (segments, frames, sound) in [
        (1, 20, true),
        (2, 20, true),
        (3, 20, false),
        (1, 1, true),
        (2, 16, false),
        (3, 64, true),
        (2, 64, false),
        (5, 79, true),
    ] {
        let folder = Folder::sound();
        folder.train(&format!("a,a.npy,{frames},0,\n"));
        folder.features("a.npy", &format!("({segments}, 2)"), segments * 2);
        match folder.open() {
            Ok(_) => assert!(sound, "{segments} segments, {frames} frames"),
            Err(said) => assert!(!sound && said.contains("a.npy: has"), "{said}"),
        }
    }
}

#[test]
fn videos_must_agree_in_dimension_and_crops() {
    let folder = Folder::sound();
    folder.features("b.npy", "(2, 3)", 6);
    let said = folder.open().unwrap_err();
    assert!(said.contains("b.npy: has 3 features a row"), "{said}");
    folder.features("b.npy", "(2, 5, 2)", 20);
    let said = folder.open().unwrap_err();
    assert!(
        said.contains("b.npy: has 5 crops, but a.npy has 1"),
        "{said}"
    );
}

#[test]
fn a_number_is_found_wherever_it_hides() {
    let folder = Folder::sound();
    folder.train("a,a.npy,160000,0,\n");
    folder.features("a.npy", "(10000, 2)", 20_000);
    let sound = fs::read(folder.path().join("a.npy")).unwrap();
    for (segment, value) in [
        (0, f32::NAN),
        (9_999, f32::INFINITY),
        (4_097, f32::NEG_INFINITY),
    ] {
        let mut bytes = sound.clone();
        bytes[128 + segment * 8..][..4].copy_from_slice(&value.to_le_bytes());
        fs::write(folder.path().join("a.npy"), bytes).unwrap();
        let said = folder.open().unwrap_err();
        assert!(said.contains(&format!("in segment {segment}")), "{said}");
    }
    // Large numbers whose sum is no longer finite are no fault.
    let mut bytes = sound;
    bytes.truncate(128);
    bytes.extend(3e38_f32.to_le_bytes().repeat(20_000));
    fs::write(folder.path().join("a.npy"), bytes).unwrap();
    folder.open().unwrap();
}

#[cfg(unix)]
#[test]
fn features_may_be_links_and_the_digest_is_the_same() {
    let folder = Folder::sound();
    let digest = folder.open().unwrap().digest;
    let elsewhere = tempfile::tempdir().unwrap();
    let moved = elsewhere.path().join("moved.npy");
    fs::rename(folder.path().join("a.npy"), &moved).unwrap();
    std::os::unix::fs::symlink(&moved, folder.path().join("a.npy")).unwrap();
    assert_eq!(folder.open().unwrap().digest, digest);
}

/// What is done to a sound folder.
type Edit = fn(&Folder);

#[test]
fn descriptions_are_not_part_of_the_digest() {
    let edits: [(&str, Edit); 9] = [
        ("name", |f| {
            f.put("dataset.toml", &TOML.replace("small", "other"));
        }),
        ("licence", |f| {
            f.put("dataset.toml", &format!("{TOML}licence = \"MIT\"\n"));
        }),
        ("source", |f| {
            f.put("dataset.toml", &format!("{TOML}source = \"a lab\"\n"));
        }),
        ("extractor", |f| {
            f.put("dataset.toml", &format!("{TOML}extractor = \"i3d\"\n"));
        }),
        ("synthetic", |f| {
            f.put("dataset.toml", &format!("{TOML}synthetic = true\n"));
        }),
        ("a comment", |f| {
            f.put("dataset.toml", &format!("# ours\n{TOML}"));
        }),
        ("line ends", |f| {
            let list = format!("{HEADER}a,a.npy,20,0,\nb, b.npy ,20,1, 3-9\n");
            f.put("train.csv", &list.replace('\n', "\r\n"));
        }),
        ("another place", |f| {
            fs::create_dir(f.path().join("more")).unwrap();
            fs::rename(f.path().join("a.npy"), f.path().join("more/a.npy")).unwrap();
            f.train("a,more/a.npy,20,0,\nb,b.npy,20,1,3-9\n");
        }),
        ("another header", |f| {
            let bytes = fs::read(f.path().join("a.npy")).unwrap();
            let mut header = bytes[10..128].to_vec();
            header.splice(117..117, [b' '; 64]);
            let mut longer = b"\x93NUMPY\x02\x00".to_vec();
            longer.extend((header.len() as u32).to_le_bytes());
            longer.extend([&header, &bytes[128..]].concat());
            fs::write(f.path().join("a.npy"), longer).unwrap();
        }),
    ];
    for (what, edit) in edits {
        let folder = Folder::sound();
        let digest = folder.open().unwrap().digest;
        edit(&folder);
        assert_eq!(folder.open().unwrap().digest, digest, "{what}");
        let _ = fs::remove_file(folder.path().join(".gcl-sweep-digest.json"));
        assert_eq!(
            folder.open().unwrap().digest,
            digest,
            "{what}, without a cache"
        );
    }
}

#[test]
fn what_is_computed_from_is_part_of_the_digest_whatever_the_cache_remembers() {
    let edits: [(&str, Edit); 10] = [
        ("dimension", |f| {
            f.put(
                "dataset.toml",
                &TOML.replace("feature_dim = 2", "feature_dim = 4"),
            );
            for name in ["a", "b", "c", "d"] {
                f.features(&format!("{name}.npy"), "(1, 4)", 4);
            }
        }),
        ("frames per segment", |f| {
            f.put("dataset.toml", &TOML.replace("16", "17"));
        }),
        ("a name", |f| f.train("x,a.npy,20,0,\nb,b.npy,20,1,3-9\n")),
        ("a line", |f| f.train("a,a.npy,20,0,\n")),
        ("the order", |f| {
            f.train("b,b.npy,20,1,3-9\na,a.npy,20,0,\n");
        }),
        ("frames", |f| f.train("a,a.npy,21,0,\nb,b.npy,20,1,3-9\n")),
        ("a label", |f| f.train("a,a.npy,20,1,\nb,b.npy,20,1,3-9\n")),
        ("no label", |f| f.train("a,a.npy,20,,\nb,b.npy,20,1,3-9\n")),
        ("a range", |f| f.train("a,a.npy,20,0,\nb,b.npy,20,1,3-8\n")),
        ("a split", |f| {
            f.train("a,a.npy,20,0,\n");
            f.test("b,b.npy,20,1,3-9\nc,c.npy,20,0,\nd,d.npy,20,1,0-20\n");
        }),
    ];
    let mut digests = std::collections::BTreeSet::new();
    for (what, edit) in edits {
        let folder = Folder::sound();
        digests.insert(folder.open().unwrap().digest);
        // The times of the files are as they were: nothing may hang on them.
        let times: Vec<_> = ["dataset.toml", "train.csv", "test.csv"]
            .map(|name| {
                (
                    name,
                    fs::metadata(folder.path().join(name))
                        .unwrap()
                        .modified()
                        .unwrap(),
                )
            })
            .into();
        edit(&folder);
        for (name, time) in times {
            let file = fs::File::options()
                .append(true)
                .open(folder.path().join(name))
                .unwrap();
            file.set_modified(time).unwrap();
        }
        let cached = folder.open().unwrap().digest;
        let _ = fs::remove_file(folder.path().join(".gcl-sweep-digest.json"));
        assert_eq!(
            folder.open().unwrap().digest,
            cached,
            "{what}: the cache agrees"
        );
        assert!(digests.insert(cached), "{what}");
    }
}

#[test]
fn a_feature_that_changed_changes_the_digest() {
    for pack in [false, true] {
        let folder = Folder::sound();
        let out = folder.path().join("packed");
        let place = if pack {
            datasets::pack(folder.path(), &out).unwrap();
            &out
        } else {
            folder.path()
        };
        let digest = open(place).unwrap().digest;
        let file = place.join(if pack { "train.pack" } else { "a.npy" });
        let mut bytes = fs::read(&file).unwrap();
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&2.5f32.to_le_bytes());
        fs::write(&file, bytes).unwrap();
        assert_ne!(open(place).unwrap().digest, digest);
    }
    // The same numbers in half precision are other bytes to read.
    let folder = Folder::sound();
    let digest = folder.open().unwrap().digest;
    let file = folder.path().join("a.npy");
    let text = fs::read(&file).unwrap();
    let mut bytes = text[..128].to_vec();
    let at = bytes
        .windows(3)
        .position(|letters| letters == b"<f4")
        .unwrap();
    bytes[at + 2] = b'2';
    bytes.extend(0x3e00_u16.to_le_bytes().repeat(4));
    fs::write(&file, bytes).unwrap();
    assert_ne!(folder.open().unwrap().digest, digest);
}

#[test]
fn a_cache_that_is_wrong_or_old_is_not_believed() {
    let folder = Folder::sound();
    let digest = folder.open().unwrap().digest;
    let cache = folder.path().join(".gcl-sweep-digest.json");
    let remembered = fs::read(&cache).unwrap();
    // What the version before remembered under the same stamp.
    let text = String::from_utf8(remembered.clone()).unwrap();
    let old = text.replace("\"revision\":2", "\"revision\":1");
    assert_ne!(old, text);
    let old = old.replace(&text[text.len() - 20..], &format!("{}\"}}", "0".repeat(18)));
    for wrong in [&b""[..], b"{", b"[1]", b"{\"digest\": 3}", old.as_bytes()] {
        fs::write(&cache, wrong).unwrap();
        assert_eq!(folder.open().unwrap().digest, digest);
        assert_eq!(fs::read(&cache).unwrap(), remembered);
    }
    // A cache of other files is not believed, nor one that was made before a number became NaN.
    let other = Folder::sound();
    other.features("a.npy", "(1, 2)", 2);
    fs::write(other.path().join(".gcl-sweep-digest.json"), &remembered).unwrap();
    assert_ne!(other.open().unwrap().digest, digest);
    folder.train("a,a.npy,20,0,\n");
    assert_ne!(folder.open().unwrap().digest, digest);
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_read_only_is_left_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::sound();
    let mode = |mode| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o555);
    let opened = folder.open();
    let left = folder.path().join(".gcl-sweep-digest.json").exists();
    mode(0o755);
    opened.unwrap();
    assert!(!left, "not even by root, who could");
    // The digest is remembered in the user's cache folder instead, where there is one; the test cleans up after itself.
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    if let Some(cache) = cache {
        let place = fs::canonicalize(folder.path()).unwrap();
        let name = sweeps::Digest::of(place.as_os_str().as_encoded_bytes()).short();
        let _ = fs::remove_file(cache.join("gcl-sweep").join(format!("{name}.json")));
    }
}

#[test]
fn what_is_probably_not_meant_is_warned_of() {
    let folder = Folder::sound();
    assert!(inspect(&folder.open().unwrap()).warnings.is_empty());
    folder.test("c,c.npy,20,0,\nd,d.npy,20,0,\n");
    let warnings = inspect(&folder.open().unwrap()).warnings;
    assert!(warnings[0].contains("no anomalous frames"), "{warnings:?}");
    folder.test("c,c.npy,20,1,0-20\nd,d.npy,20,1,0-20\n");
    let inspection = inspect(&folder.open().unwrap());
    assert!(inspection.warnings[0].contains("only anomalous frames"));
    assert!(inspection.to_string().contains("warning"));
    folder.test("c,c.npy,20,,\nd,d.npy,20,1,0-20\n");
    let warnings = inspect(&folder.open().unwrap()).warnings;
    assert!(
        warnings[0].contains("1 of 2 videos have neither a label"),
        "{warnings:?}"
    );
}

#[test]
fn an_inspection_counts_what_is_there() {
    let folder = Folder::sound();
    let inspection = inspect(&folder.open().unwrap());
    let train = inspection.train;
    assert_eq!((train.videos, train.segments, train.frames), (2, 4, 40));
    assert_eq!((train.normal_videos, train.anomalous_videos), (1, 1));
    assert_eq!(train.anomalous_frames, 6);
    assert_eq!(train.segments_per_video, [2, 2, 2]);
    assert!(
        train
            .norm
            .iter()
            .all(|norm| (norm - 4.5_f64.sqrt()).abs() < 1e-12)
    );
    assert_eq!((train.zeros, train.constant_dimensions), (0.0, 2));
}

#[test]
fn a_share_of_frames_is_not_made_up_where_videos_alone_are_labelled() {
    let folder = Folder::sound();
    assert!(
        inspect(&folder.open().unwrap())
            .to_string()
            .contains("15.0% of them anomalous"),
        "{}",
        inspect(&folder.open().unwrap())
    );
    folder.train("a,a.npy,20,0,\nb,b.npy,20,1,\n");
    let said = inspect(&folder.open().unwrap()).to_string();
    assert!(
        said.contains("40 frames, which of them are anomalous is not known"),
        "{said}"
    );
}

#[test]
fn settings_of_synthetic_data_out_of_range_are_refused() {
    let sound = Synthetic {
        videos: 6,
        mean_length: 4,
        dimension: 8,
        seed: u64::MAX,
        regime: Regime::OwnCameras,
    };
    assert_eq!(synthesize(&sound).unwrap().test.videos.len(), 2);
    let changes: [Change; 5] = [
        |settings| settings.videos = 5,
        |settings| settings.mean_length = 3,
        |settings| settings.dimension = 7,
        |settings| settings.videos = u32::MAX,
        |settings| {
            (settings.videos, settings.mean_length, settings.dimension) = (100_000, 10_000, 16_384);
        },
    ];
    for change in changes {
        let mut settings = sound.clone();
        change(&mut settings);
        assert!(synthesize(&settings).is_err(), "{settings:?}");
    }
    for (name, _) in CoherentEvents::DEFAULT.settings() {
        let setting = find_setting(&format!("dataset.synthetic.{name}")).unwrap();
        let Kind::Float(Range { max: most, .. }) = setting.kind else {
            panic!("{name} is no number");
        };
        for (amount, sound) in [(0.0, true), (most, true), (most + 1.0, false)] {
            let mut settings = Synthetic {
                dimension: 8,
                ..Synthetic::default()
            };
            (settings.videos, settings.mean_length) = (6, 4);
            let mut events = CoherentEvents::DEFAULT;
            *events.setting_mut(name).unwrap() = Amount::try_from(amount).unwrap();
            settings.regime = Regime::CoherentEvents(events);
            assert_eq!(synthesize(&settings).is_ok(), sound, "{name} = {amount}");
        }
    }
}

/// What is turned moves the events; the rest of the world stays: a difference between two coherences is no difference between worlds.
#[test]
fn worlds_of_one_seed_differ_in_what_was_turned_alone() {
    let made = |coherence: f64| {
        let mut events = CoherentEvents::DEFAULT;
        events.coherence = Amount::try_from(coherence).unwrap();
        synthesize(&Synthetic {
            videos: 12,
            mean_length: 6,
            dimension: 8,
            seed: 4,
            regime: Regime::CoherentEvents(events),
        })
        .unwrap()
    };
    let (low, high) = (made(0.0), made(0.9));
    let mut moved = 0;
    for (left, right) in low.train.videos.iter().zip(&high.train.videos) {
        assert_eq!((&left.name, left.frames), (&right.name, right.frames));
        assert_eq!(left.anomalous, right.anomalous);
        for segment in 0..left.segments() {
            let row = |video: &datasets::Video| {
                let mut row = vec![0.0; 8];
                video.copy_rows_f32(segment..segment + 1, &mut row);
                row
            };
            let frame = segment as u32 * 16;
            let inside = left.anomalous.iter().any(|range| range.contains(&frame));
            assert!(inside || row(left) == row(right), "{} {segment}", left.name);
            moved += usize::from(row(left) != row(right));
        }
    }
    assert!(moved > 0);
}

/// Two worlds that differ in one label's draw cannot be made; but what a label could leak through can be looked at.
#[test]
fn names_order_and_lengths_of_synthetic_videos_tell_nothing_of_their_labels() {
    for regime in [Regime::FixedCameras, Regime::ALL[3].1] {
        tell_nothing(regime);
    }
}

fn tell_nothing(regime: Regime) {
    let dataset = synthesize(&Synthetic {
        videos: 900,
        mean_length: 8,
        dimension: 8,
        seed: 3,
        regime,
    })
    .unwrap();
    let videos = &dataset.train.videos;
    let labels: Vec<f64> = videos
        .iter()
        .map(|v| f64::from(u8::from(v.label == Some(true))))
        .collect();
    let lengths: Vec<f64> = videos.iter().map(|video| video.frames as f64).collect();
    let places: Vec<f64> = (0..videos.len()).map(|place| place as f64).collect();
    for (what, values) in [("length", &lengths), ("place", &places)] {
        let correlation = correlation(&labels, values);
        // Three standard errors of 600 independent videos.
        assert!(
            correlation.abs() < 3.0 / 600_f64.sqrt(),
            "{what}: {correlation}"
        );
    }
    let mut names: Vec<&str> = videos.iter().map(|video| video.name.as_str()).collect();
    assert!(names.is_sorted(), "names are the places");
    names.dedup();
    assert_eq!(names.len(), 600);
}

fn correlation(left: &[f64], right: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (ml, mr) = (mean(left), mean(right));
    let product: f64 = left
        .iter()
        .zip(right)
        .map(|(l, r)| (l - ml) * (r - mr))
        .sum();
    let square = |values: &[f64], mean: f64| values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    product / (square(left, ml) * square(right, mr)).sqrt()
}

#[test]
fn names_that_one_file_cannot_hold_are_written_into_two() {
    let place = tempfile::tempdir().unwrap();
    let mut dataset = synthesize(&Synthetic {
        videos: 6,
        mean_length: 4,
        dimension: 8,
        seed: 1,
        regime: Regime::OwnCameras,
    })
    .unwrap();
    dataset.train.videos[0].name = "a/b".to_owned();
    dataset.train.videos[1].name = "a_b".to_owned();
    dataset.train.videos[2].name = "A_B".to_owned();
    dataset.test.videos[0].name = "../ü,\"".to_owned();
    let folder: PathBuf = place.path().join("data");
    datasets::write(&dataset, &folder).unwrap();
    let read = open(&folder).unwrap();
    assert_eq!(read.train.videos[0].name, "a/b");
    assert_eq!(read.test.videos[0].name, "../ü,\"");
    assert!(
        datasets::write(&dataset, &folder)
            .unwrap_err()
            .to_string()
            .contains("exists")
    );
    assert_eq!(
        fs::read_dir(place.path()).unwrap().count(),
        1,
        "nothing is left beside it"
    );
}
