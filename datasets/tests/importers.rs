//! The importers, on a few lines of the real lists and features that are made here.
#![allow(clippy::unwrap_used)]
#![expect(
    clippy::single_range_in_vec_init,
    reason = "a video with one range of anomalous frames"
)]

use std::fs;
use std::path::{Path, PathBuf};

use datasets::import::{
    ExtraRows, ImportError, ImportReport, Request, shanghaitech, ucf_crime, upcam, upcam_lists,
    xd_violence,
};
use datasets::{Dataset, open};
use tempfile::TempDir;

/// What is done to a sound request.
type Change = fn(&Place, &mut Request);

const DIM: usize = 4;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// A place for features and the data set made of them.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("features")).unwrap();
        Self { folder }
    }

    fn features(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join("features").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    /// f32 features whose every number tells its segment, crop and place.
    fn put(&self, name: &str, shape: &[usize]) {
        let numbers: usize = shape.iter().product();
        let bytes: Vec<u8> = (0..numbers)
            .flat_map(|number| (number as f32).to_le_bytes())
            .collect();
        fs::write(self.features(name), npy("<f4", shape, false, &bytes)).unwrap();
    }

    fn ucf(&self) -> Request {
        self.request(
            fixture("ucf-crime/Anomaly_Train.txt"),
            fixture("ucf-crime/Anomaly_Test.txt"),
            fixture("ucf-crime/Temporal_Anomaly_Annotation.txt"),
            vec![fixture("ucf-crime/avd_header.csv")],
        )
    }

    fn shanghai(&self) -> Request {
        self.request(
            fixture("shanghaitech/SH_Train_new.txt"),
            fixture("shanghaitech/SH_Test_NEW.txt"),
            fixture("shanghaitech/test_frame_mask"),
            vec![fixture("shanghaitech/avd_header.csv")],
        )
    }

    fn request(
        &self,
        train: PathBuf,
        test: PathBuf,
        annotations: PathBuf,
        frame_counts: Vec<PathBuf>,
    ) -> Request {
        Request {
            features: self.folder.path().join("features"),
            train: vec![train],
            test: vec![test],
            annotations: vec![annotations],
            frame_counts,
            out: self.folder.path().join("out"),
            name: "imported".to_owned(),
            extractor: "made for a test".to_owned(),
            frames_per_segment: 16,
            skip_missing: false,
            extra_rows: ExtraRows::Refuse,
            link: false,
        }
    }

    /// A list with these lines.
    fn list(&self, lines: &str) -> PathBuf {
        let path = self.folder.path().join("list.txt");
        fs::write(&path, lines).unwrap();
        path
    }
}

/// The videos of the UCF-Crime fixture with their frames.
const UCF: [(&str, usize); 7] = [
    ("Abuse001_x264", 2729),
    ("Burglary001_x264", 3969),
    ("Normal_Videos001_x264", 544),
    ("Abuse028_x264", 1412),
    ("Arson011_x264", 1266),
    ("Arson016_x264", 1795),
    ("Normal_Videos_003_x264", 2822),
];
/// Those of the ShanghaiTech fixture.
const SHANGHAI: [(&str, usize); 7] = [
    ("01_0014", 265),
    ("01_002", 481),
    ("01_014", 737),
    ("01_0140", 241),
    ("01_001", 764),
    ("01_0015", 433),
    ("04_018", 649),
];

fn ucf_place() -> Place {
    let place = Place::new();
    for (name, frames) in UCF {
        place.put(&format!("{name}.npy"), &[frames / 16, DIM]);
    }
    place
}

fn shanghai_place() -> Place {
    let place = Place::new();
    for (name, frames) in SHANGHAI {
        place.put(&format!("deep/{name}_i3d.npy"), &[frames / 16, 10, DIM]);
    }
    place
}

fn npy(descr: &str, shape: &[usize], fortran: bool, numbers: &[u8]) -> Vec<u8> {
    let lengths: Vec<String> = shape.iter().map(ToString::to_string).collect();
    let shape = lengths.join(",") + ",";
    let fortran = if fortran { "True" } else { "False" };
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': ({shape}), }}");
    while !(10 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.into_bytes());
    bytes.extend(numbers);
    bytes
}

fn rows(dataset: &Dataset, video: &str) -> Vec<f32> {
    let video = dataset
        .train
        .videos
        .iter()
        .chain(&dataset.test.videos)
        .find(|other| other.name == video)
        .unwrap();
    let mut rows = vec![0.0; video.segments() * video.crops() * dataset.metadata.feature_dim];
    video.copy_rows_f32(0..video.segments(), &mut rows);
    rows
}

fn refused(result: Result<ImportReport, ImportError>, request: &Request) -> String {
    assert!(!request.out.exists(), "nothing is left behind");
    result.expect_err("this must be refused").to_string()
}

#[test]
fn every_form_of_the_lists_of_ucf_crime_gives_the_same_data() {
    let place = ucf_place();
    let mut request = place.ucf();
    let forms = [
        (
            "Anomaly_Train.txt",
            "Anomaly_Test.txt",
            "Temporal_Anomaly_Annotation.txt",
        ),
        (
            "ekosman_Train_Annotation.txt",
            "ekosman_Test_Annotation.txt",
            "ekosman_Test_Annotation.txt",
        ),
        (
            "ucf-i3d.list",
            "ucf-i3d-test.list",
            "Temporal_Anomaly_Annotation_New.txt",
        ),
        (
            "Anomaly_Train.txt",
            "Anomaly_Test.txt",
            "UCF_Annotation.txt",
        ),
    ];
    for (index, (train, test, annotations)) in forms.into_iter().enumerate() {
        request.train = vec![fixture("ucf-crime").join(train)];
        request.test = vec![fixture("ucf-crime").join(test)];
        request.annotations = vec![fixture("ucf-crime").join(annotations)];
        request.out = place.folder.path().join(format!("out-{index}"));
        let report = ucf_crime(&request).unwrap_or_else(|error| panic!("{train}: {error}"));
        assert_eq!((report.train.videos, report.train.anomalous), (3, 2));
        assert_eq!((report.test.videos, report.test.anomalous), (4, 3));
        let said = report.to_string();
        assert!(said.contains("1610 were published"), "{said}");
        assert!(said.contains("2 annotated ranges end after"), "{said}");
        let dataset = open(&request.out).unwrap();
        assert_eq!(dataset.digest, report.digest);
        for (name, frames) in UCF {
            let video = dataset
                .train
                .videos
                .iter()
                .chain(&dataset.test.videos)
                .find(|video| video.name == name)
                .unwrap();
            assert_eq!(video.frames as usize, frames, "{name} by {train}");
            assert_eq!(video.label, Some(!name.starts_with("Normal")));
            let truth: &[_] = match name {
                "Abuse028_x264" => &[165..240],
                "Arson011_x264" => &[150..420, 680..1266],
                "Arson016_x264" => &[1000..1795],
                _ => &[],
            };
            assert_eq!(video.anomalous, truth, "{name}");
        }
        assert_eq!(
            rows(&dataset, "Normal_Videos001_x264")[..5],
            [0.0, 1.0, 2.0, 3.0, 4.0]
        );
    }
}

#[test]
fn c3d_text_of_32_lines_is_repeated_over_the_segments() {
    let place = Place::new();
    for (name, _) in UCF {
        let line = |row: usize| format!("{row}.5 0.000000 1e-3 {row}\n");
        let text: String = (0..32).map(line).collect();
        fs::write(place.features(&format!("{name}.txt")), text).unwrap();
    }
    let request = place.ucf();
    let report = ucf_crime(&request).unwrap();
    assert!(report.notes.iter().any(|note| note.contains("32 rows")));
    let dataset = open(&request.out).unwrap();
    // 1412 frames are 88 whole segments: segment s lies in the bin 32 s / 88.
    let rows = rows(&dataset, "Abuse028_x264");
    assert_eq!(rows.len(), 88 * 4);
    for (segment, row) in rows.chunks_exact(4).enumerate() {
        let bin = (segment * 32 / 88) as f32;
        assert_eq!(row, [bin + 0.5, 0.0, 1e-3, bin]);
    }
    // Without frame counts nobody knows how long a training video is.
    let mut request = place.ucf();
    request.frame_counts.clear();
    request.out = place.folder.path().join("again");
    let said = refused(ucf_crime(&request), &request);
    assert!(said.contains("number of frames is needed"), "{said}");
}

#[test]
fn every_form_of_the_lists_of_shanghaitech_gives_the_same_data() {
    let place = shanghai_place();
    let mut request = place.shanghai();
    for (index, (train, test)) in [
        ("SH_Train_new.txt", "SH_Test_NEW.txt"),
        ("SH_Train.txt", "SH_Test.txt"),
        (
            "shanghai-i3d-train-10crop.list",
            "shanghai-i3d-test-10crop.list",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        request.train = vec![fixture("shanghaitech").join(train)];
        request.test = vec![fixture("shanghaitech").join(test)];
        request.out = place.folder.path().join(format!("out-{index}"));
        let report = shanghaitech(&request).unwrap_or_else(|error| panic!("{train}: {error}"));
        assert_eq!((report.crops, report.dimension), (10, DIM));
        assert_eq!((report.train.videos, report.train.anomalous), (4, 2));
        assert_eq!((report.test.videos, report.test.anomalous), (3, 1));
        let dataset = open(&request.out).unwrap();
        let frames: Vec<u32> = dataset
            .train
            .videos
            .iter()
            .map(|video| video.frames)
            .collect();
        let mut expected = [265, 481, 737, 241];
        if index == 2 {
            expected = [265, 241, 481, 737];
        }
        assert_eq!(frames, expected, "{train}");
        let test: Vec<_> = dataset
            .test
            .videos
            .iter()
            .filter(|video| video.label == Some(true))
            .collect();
        // The same ranges as in the project's own list of this split.
        assert_eq!((test[0].name.as_str(), test[0].frames), ("01_0015", 433));
        assert_eq!(test[0].anomalous, [86..374]);
    }
}

#[test]
fn lists_that_disagree_on_a_video_are_noted() {
    let place = shanghai_place();
    let report = shanghaitech(&place.shanghai()).unwrap();
    let note = report
        .notes
        .iter()
        .find(|note| note.contains("disagree"))
        .unwrap();
    assert!(note.contains("04_018"), "{note}");
    let dataset = open(&place.shanghai().out).unwrap();
    let video = dataset
        .test
        .videos
        .iter()
        .find(|video| video.name == "04_018")
        .unwrap();
    assert_eq!(video.frames, 649, "the split list comes first");
}

#[test]
fn all_layouts_of_features_give_the_same_rows() {
    let place = Place::new();
    for (name, frames) in UCF {
        place.put(&format!("{name}.npy"), &[frames / 16, 5, DIM]);
    }
    let request = place.ucf();
    ucf_crime(&request).unwrap();
    let expected = rows(&open(&request.out).unwrap(), "Abuse028_x264");
    let [segments, crops] = [1412 / 16, 5];
    let number =
        |segment: usize, crop: usize, at: usize| ((segment * crops + crop) * DIM + at) as f32;
    assert_eq!(expected[DIM], number(0, 1, 0));

    let crops_first: Vec<u8> = (0..crops)
        .flat_map(|crop| (0..segments).map(move |segment| (segment, crop)))
        .flat_map(|(segment, crop)| (0..DIM).map(move |at| number(segment, crop, at)))
        .flat_map(f32::to_le_bytes)
        .collect();
    let fortran: Vec<u8> = (0..DIM)
        .flat_map(|at| (0..crops).map(move |crop| (crop, at)))
        .flat_map(|(crop, at)| (0..segments).map(move |segment| number(segment, crop, at)))
        .flat_map(f32::to_le_bytes)
        .collect();
    let doubles: Vec<u8> = expected
        .iter()
        .flat_map(|number| f64::from(*number).to_le_bytes())
        .collect();
    let files = [
        npy("<f4", &[crops, segments, DIM], false, &crops_first),
        npy("<f4", &[segments, crops, DIM], true, &fortran),
        npy("<f8", &[segments, crops, DIM], false, &doubles),
    ];
    for file in files {
        fs::write(place.features("Abuse028_x264.npy"), file).unwrap();
        fs::remove_dir_all(&request.out).unwrap();
        ucf_crime(&request).unwrap();
        assert_eq!(
            rows(&open(&request.out).unwrap(), "Abuse028_x264"),
            expected
        );
    }
    fs::remove_file(place.features("Abuse028_x264.npy")).unwrap();
    for crop in 0..crops {
        let numbers: Vec<u8> = (0..segments)
            .flat_map(|segment| (0..DIM).map(move |at| number(segment, crop, at)))
            .flat_map(f32::to_le_bytes)
            .collect();
        fs::write(
            place.features(&format!("Abuse028_x264__{crop}.npy")),
            npy("<f4", &[segments, DIM], false, &numbers),
        )
        .unwrap();
    }
    fs::remove_dir_all(&request.out).unwrap();
    ucf_crime(&request).unwrap();
    assert_eq!(
        rows(&open(&request.out).unwrap(), "Abuse028_x264"),
        expected
    );
}

#[test]
fn links_and_copies_are_the_same_data() {
    let place = ucf_place();
    let mut request = place.ucf();
    let copied = ucf_crime(&request).unwrap();
    request.link = true;
    request.out = place.folder.path().join("linked");
    let linked = ucf_crime(&request).unwrap();
    assert_eq!(copied.digest, linked.digest);
    #[cfg(unix)]
    assert!(
        request
            .out
            .join("features/Abuse028_x264.npy")
            .symlink_metadata()
            .unwrap()
            .is_symlink()
    );
}

#[test]
fn videos_without_features_are_refused_or_left_out_by_name() {
    let place = ucf_place();
    fs::remove_file(place.features("Burglary001_x264.npy")).unwrap();
    let mut request = place.ucf();
    let said = refused(ucf_crime(&request), &request);
    assert!(
        said.contains("Anomaly_Train.txt: line 2") && said.contains("Burglary001"),
        "{said}"
    );
    request.skip_missing = true;
    let report = ucf_crime(&request).unwrap();
    assert_eq!(report.train.videos, 2);
    assert!(report.to_string().contains("Burglary001_x264"));
}

#[test]
fn segments_that_pad_a_video_are_dropped_and_too_many_refused() {
    let place = ucf_place();
    let whole = 1412_usize.div_ceil(16);
    place.put("Abuse028_x264.npy", &[whole + 2, DIM]);
    let mut request = place.ucf();
    let report = ucf_crime(&request).unwrap();
    assert!(report.to_string().contains("dropped: Abuse028_x264"));
    assert_eq!(
        rows(&open(&request.out).unwrap(), "Abuse028_x264").len(),
        whole * DIM
    );
    place.put("Abuse028_x264.npy", &[whole + 3, DIM]);
    request.out = place.folder.path().join("again");
    let said = refused(ucf_crime(&request), &request);
    assert!(
        said.contains("Abuse028_x264.npy: has 92 segments"),
        "{said}"
    );
}

#[test]
fn a_wrong_list_is_refused_with_its_line() {
    let ucf = ucf_place();
    let shanghai = shanghai_place();
    let cases: [(&str, bool, Change, &str); 12] = [
        (
            "another data set's list",
            true,
            |_, request| request.train = vec![fixture("shanghaitech/SH_Train.txt")],
            "SH_Train.txt: line 1: `01_0014` is no video of UCF-Crime",
        ),
        (
            "another data set's list",
            false,
            |_, request| request.test = vec![fixture("ucf-crime/Anomaly_Test.txt")],
            "Anomaly_Test.txt: line 1: `Abuse028` is no video of ShanghaiTech",
        ),
        (
            "the same list twice",
            true,
            |_, request| request.train.clone_from(&request.test),
            "stands in",
        ),
        (
            "train and test swapped",
            true,
            |_, request| std::mem::swap(&mut request.train, &mut request.test),
            "is not annotated",
        ),
        (
            "a list as annotation",
            true,
            |_, request| request.annotations = vec![fixture("ucf-crime/Anomaly_Test.txt")],
            "Anomaly_Test.txt: line 1: has 1 fields",
        ),
        (
            "no folder of masks",
            false,
            |_, request| request.annotations = vec![fixture("shanghaitech/SH_Test.txt")],
            "is no folder of frame masks",
        ),
        (
            "a video without a mask",
            false,
            |place, request| request.test = vec![place.list("01_001\n01_0999\n")],
            "list.txt: line 2: the test video `01_0999` has no mask",
        ),
        (
            "a label against its mask",
            false,
            |place, request| request.test = vec![place.list("01_001,0,764\n01_0015,0,433\n")],
            "list.txt: line 2: labels `01_0015` 0",
        ),
        (
            "a misspelt class",
            true,
            |place, request| {
                request.train =
                    vec![place.list("Abuse/Abuse001_x264.mp4\nAbuze/Abuze002_x264.mp4\n")];
            },
            "list.txt: line 2: `Abuze002_x264` is no video of UCF-Crime; did you mean `Abuse`?",
        ),
        (
            "frames that are none",
            true,
            |place, request| {
                request.frame_counts = vec![place.list("Abuse/Abuse001_x264.mp4 many\n")];
            },
            "list.txt: line 1: `many` is no number of frames",
        ),
        (
            "not a text",
            true,
            |place, request| {
                request.train = vec![place.list("")];
                fs::write(&request.train[0], b"Abuse001\n\xff\xfe\n").unwrap();
            },
            "list.txt: line 2: is no text",
        ),
        (
            "a missing list",
            false,
            |place, request| request.train = vec![place.folder.path().join("nowhere.txt")],
            "nowhere.txt: cannot be read",
        ),
    ];
    for (name, is_ucf, change, words) in cases {
        let place = if is_ucf { &ucf } else { &shanghai };
        let mut request = if is_ucf {
            place.ucf()
        } else {
            place.shanghai()
        };
        change(place, &mut request);
        let result = if is_ucf {
            ucf_crime(&request)
        } else {
            shanghaitech(&request)
        };
        let said = refused(result, &request);
        assert!(said.contains(words), "{name}: {said}");
    }
}

#[test]
fn a_truth_that_leaves_its_video_is_refused_with_its_line() {
    let place = ucf_place();
    let text =
        fs::read_to_string(fixture("ucf-crime/Temporal_Anomaly_Annotation_New.txt")).unwrap();
    let mut request = place.ucf();
    request.annotations = vec![place.list(&text.replace("165\t240", "165\t2400"))];
    let said = refused(ucf_crime(&request), &request);
    assert!(
        said.contains("list.txt: line 1: the anomalous frames 165-2400 leave"),
        "{said}"
    );
}

#[test]
fn features_that_cannot_be_used_are_refused_by_name() {
    let nan: Vec<u8> = (0..88 * DIM)
        .flat_map(|number| if number == 9 { f32::NAN } else { 0.5 }.to_le_bytes())
        .collect();
    let huge: Vec<u8> = (0..88 * DIM)
        .flat_map(|_| 1e300_f64.to_le_bytes())
        .collect();
    let cases = [
        (npy("<f4", &[88, DIM], false, &nan), "segment 2"),
        (npy("<f8", &[88, DIM], false, &huge), "segment 0"),
        (
            npy("<f4", &[88, 5], false, &[0; 88 * 5 * 4]),
            "of 5 features, but",
        ),
        (npy("<f4", &[88, DIM], false, &[0; 8]), "cut short"),
        (
            npy("|u1", &[88, DIM], false, &[0; 88 * DIM]),
            "no floating-point",
        ),
        (npy("<f4", &[88], false, &[0; 88 * 4]), "has the shape"),
        (b"hello".to_vec(), "no .npy"),
    ];
    for (bytes, words) in cases {
        let place = ucf_place();
        fs::write(place.features("Abuse028_x264.npy"), bytes).unwrap();
        let request = place.ucf();
        let said = refused(ucf_crime(&request), &request);
        assert!(
            said.contains("Abuse028_x264.npy") && said.contains(words),
            "{words}: {said}"
        );
    }
    let place = ucf_place();
    place.put("more/Abuse028_x264_i3d.npy", &[88, DIM]);
    let request = place.ucf();
    let said = refused(ucf_crime(&request), &request);
    assert!(said.contains("are of one video"), "{said}");
}

#[test]
fn a_folder_of_formats_that_are_not_read_says_so() {
    let place = Place::new();
    fs::write(place.features("features.pkl"), "x").unwrap();
    let request = place.ucf();
    let said = refused(ucf_crime(&request), &request);
    assert!(said.contains("features.pkl cannot be read"), "{said}");
}

/// The whole lists, where they are at hand, with tiny features made for every video.
#[test]
fn the_whole_lists_give_the_published_counts() {
    let lists = std::env::var_os("GCL_SHARED")
        .map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
            PathBuf::from,
        )
        .join("data/lists");
    if !lists.is_dir() {
        println!("skipped: the whole lists are not here");
        return;
    }
    let place = Place::new();
    let ucf = lists.join("ucf-crime");
    let counts = fs::read_to_string(ucf.join("avd_header.csv")).unwrap();
    for line in counts.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let name = fields[1]
            .rsplit('/')
            .next()
            .unwrap()
            .trim_end_matches(".mp4");
        let frames: usize = fields[5].parse().unwrap();
        place.put(&format!("{name}.npy"), &[(frames / 16).max(1), 1]);
    }
    let request = place.request(
        ucf.join("ucf-i3d.list"),
        ucf.join("Anomaly_Test.txt"),
        ucf.join("Temporal_Anomaly_Annotation.txt"),
        vec![ucf.join("avd_header.csv")],
    );
    let report = ucf_crime(&request).unwrap();
    assert_eq!((report.train.videos, report.train.anomalous), (1610, 810));
    assert_eq!((report.test.videos, report.test.anomalous), (290, 140));
    assert!(!report.to_string().contains("published"), "{report}");

    let place = Place::new();
    let shanghai = lists.join("shanghaitech");
    let counts = fs::read_to_string(shanghai.join("avd_header.csv")).unwrap();
    for line in counts.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let (scene, number): (u32, u32) = (fields[2].parse().unwrap(), fields[3].parse().unwrap());
        let name = if fields[1] == "1" {
            format!("{scene:02}_{number:04}")
        } else {
            format!("{scene:02}_{number:03}")
        };
        let frames: usize = fields[4].parse().unwrap();
        place.put(&format!("{name}.npy"), &[frames / 16, 1]);
    }
    let request = place.request(
        shanghai.join("SH_Train_new.txt"),
        shanghai.join("SH_Test_NEW.txt"),
        shanghai.join("test_frame_mask"),
        vec![shanghai.join("avd_header.csv")],
    );
    let report = shanghaitech(&request).unwrap();
    assert_eq!((report.train.videos, report.train.anomalous), (238, 63));
    assert_eq!((report.test.videos, report.test.anomalous), (199, 44));
    assert!(!report.to_string().contains("published"), "{report}");
    // The project's own folder of the same split was made by another program: frames and truth must agree.
    let dataset = open(&request.out).unwrap();
    let other = open(&lists.join("../shanghaitech-tracks")).unwrap();
    for (split, theirs) in [(&dataset.train, &other.train), (&dataset.test, &other.test)] {
        for (video, their) in split.videos.iter().zip(&theirs.videos) {
            assert_eq!(video.name, their.name);
            assert_eq!(video.label, their.label, "{}", video.name);
            assert_eq!(video.anomalous, their.anomalous, "{}", video.name);
            assert!(video.frames.abs_diff(their.frames) <= 1, "{}", video.name);
        }
    }
}

/// The summary of an import that must succeed, and its data set.
fn imported(place: &Place, request: &mut Request) -> (String, Dataset) {
    let _ = fs::remove_dir_all(&request.out);
    let report = ucf_crime(request).unwrap_or_else(|error| panic!("{error}"));
    let dataset = open(&request.out).unwrap();
    let written = fs::read_to_string(request.out.join("dataset.toml")).unwrap();
    for note in &report.notes {
        assert!(dataset.notes.contains(note), "{note}: {written}");
    }
    assert!(dataset.notes[0].starts_with("taken: "), "{written}");
    assert!(place.folder.path().is_dir());
    (report.to_string(), dataset)
}

#[test]
fn a_centre_without_a_number_is_the_first_of_the_crops() {
    let place = Place::new();
    for (name, frames) in UCF {
        place.put(&format!("Abuse/{name}.npy"), &[frames / 16, DIM]);
        for crop in 1..10 {
            place.put(&format!("Abuse/{name}__{crop}.npy"), &[frames / 16, DIM]);
        }
    }
    let mut request = place.ucf();
    let (_, dataset) = imported(&place, &mut request);
    assert!(dataset.train.videos.iter().all(|video| video.crops() == 10));
    // A file with all crops beside them.
    place.put("Abuse028_x264.npy", &[88, 10, DIM]);
    fs::remove_file(place.features("Abuse/Abuse028_x264.npy")).unwrap();
    fs::remove_dir_all(&request.out).unwrap();
    let said = refused(ucf_crime(&request), &request);
    assert!(said.contains("Abuse028_x264"), "{said}");
    fs::remove_file(place.features("Abuse028_x264.npy")).unwrap();
    place.put("Abuse/Abuse028_x264__0.npy", &[88, DIM]);
    // A missing crop is its video's alone, the first or the last of them.
    for crop in [7, 9, 0] {
        let gone = place.features(&format!("Abuse/Abuse028_x264__{crop}.npy"));
        let bytes = fs::read(&gone).unwrap();
        fs::remove_file(&gone).unwrap();
        let said = refused(ucf_crime(&request), &request);
        assert_eq!(said.lines().count(), 2, "{said}");
        assert!(said.contains("Abuse028_x264"), "{said}");
        fs::write(gone, bytes).unwrap();
    }
    fs::remove_file(place.features("Abuse/Abuse028_x264__7.npy")).unwrap();
    request.skip_missing = true;
    let (said, dataset) = imported(&place, &mut request);
    assert!(
        said.contains("want of a crop: Abuse028_x264") && dataset.test.videos.len() == 3,
        "{said}"
    );
}

#[test]
fn more_rows_than_frames_go_on_as_somebody_says() {
    let place = ucf_place();
    place.put("Normal_Videos001_x264.npy", &[60, DIM]);
    let mut request = place.ucf();
    let said = refused(ucf_crime(&request), &request);
    assert!(said.contains("--extra-rows keep"), "{said}");
    for (rule, segments, frames) in [(ExtraRows::Keep, 60, 960), (ExtraRows::Drop, 34, 544)] {
        request.extra_rows = rule;
        let (said, dataset) = imported(&place, &mut request);
        assert!(said.contains("1 (Normal_Videos001_x264)"), "{said}");
        let video = &dataset.train.videos[2];
        assert_eq!((video.segments(), video.frames), (segments, frames));
        fs::remove_dir_all(&request.out).unwrap();
    }
    // The truth of a test video would slide.
    place.put("Abuse028_x264.npy", &[120, DIM]);
    request.extra_rows = ExtraRows::Keep;
    let said = refused(ucf_crime(&request), &request);
    assert!(
        said.contains("Abuse028_x264.npy") && said.contains("--extra-rows drop"),
        "{said}"
    );
    request.extra_rows = ExtraRows::Drop;
    let (said, _) = imported(&place, &mut request);
    assert!(
        said.contains("test videos") && said.contains("(Abuse028_x264)"),
        "{said}"
    );
}

#[test]
fn strangers_among_the_features_are_passed_over_and_counted() {
    let place = ucf_place();
    let mut request = place.ucf();
    let (_, before) = imported(&place, &mut request);
    let apple = b"\0\x05\x16\x07\0\x02\0\0Mac OS X        ";
    let old = fs::read(fixture("hdf5/old.mat")).unwrap();
    for (name, bytes) in [
        ("._Abuse001_x264.h5", &apple[..]),
        ("._Abuse028_x264.npy", apple),
        ("__MACOSX/deep/Abuse028_x264.npy", apple),
        (".DS_Store", apple),
        ("gt.mat", &old[..]),
        ("Abuse001_x264.mat", &old[..]),
        ("notes.md", b"x"),
    ] {
        fs::write(place.features(name), bytes).unwrap();
    }
    place.put(&format!("{}.npy", "n".repeat(239)), &[3, DIM]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("..", place.features("deep/circle")).unwrap();
        std::os::unix::fs::symlink("nowhere", place.features("broken")).unwrap();
        std::os::unix::fs::symlink("nowhere", place.features("dangling.npy")).unwrap();
    }
    let (said, after) = imported(&place, &mut request);
    assert_eq!(before.digest, after.digest);
    for words in [
        "hidden files and folders, and __MACOSX: 4 (",
        "cannot be read and no listed video needs: 3 (Abuse001_x264.mat is a MAT file",
        "features of no listed video: 1 (nnn",
        "kinds that are not read: ",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    // What a listed video needs is a fault.
    fs::remove_file(place.features("Abuse001_x264.npy")).unwrap();
    fs::remove_dir_all(&request.out).unwrap();
    let said = refused(ucf_crime(&request), &request);
    assert!(said.contains("Abuse001_x264.mat: is a MAT file"), "{said}");
    fs::rename(
        place.features("Abuse001_x264.mat"),
        place.features("Abuse001_x264.npz"),
    )
    .unwrap();
    let said = refused(ucf_crime(&request), &request);
    assert!(said.contains("Abuse001_x264.npz is not read"), "{said}");
}

#[test]
fn lists_of_other_projects_give_the_same_data() {
    let place = ucf_place();
    let mut request = place.ucf();
    let (_, plain) = imported(&place, &mut request);
    let lists = |name: &str, text: &str| {
        let path = place.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    // A list for each kind of video, as the ports to PyTorch have it.
    request.train = vec![
        lists(
            "train_anomaly.txt",
            "Abuse/Abuse001_x264.mp4\r\nBurglary/Burglary001_x264.mp4\r\n",
        ),
        lists(
            "train_normal.txt",
            "Training_Normal_Videos_Anomaly/Normal_Videos001_x264.mp4",
        ),
    ];
    let anomalous = lists(
        "test_anomalyv2.txt",
        "Abuse/Abuse028_x264.mp4|1412|[165, 240]\nArson/Arson011_x264.mp4|1266|[150, 420, 680, 1267]\n\
         Arson/Arson016_x264.mp4|1795|[1000, 1796]\n",
    );
    let normal = lists(
        "test_normalv2.txt",
        "Normal_Videos_event/Normal_Videos_003_x264.mp4 2822 -1\n",
    );
    request.test = vec![anomalous, normal];
    request.annotations.clone_from(&request.test);
    assert_eq!(imported(&place, &mut request).1.digest, plain.digest);
    // A table with a line a crop, with quotes, a mark and the ends of Windows.
    let mut request = place.ucf();
    let mut table = "\u{feff}\"path\",\"label\"\r\n".to_owned();
    for (video, class) in [
        ("Abuse/Abuse001_x264", "Abuse"),
        ("Burglary/Burglary001_x264", "Burglary"),
        (
            "Training_Normal_Videos_Anomaly/Normal_Videos001_x264",
            "Normal",
        ),
    ] {
        for crop in 0..10 {
            table += &format!("\"/home/a b/{video}__{crop}.npy\",{class}\r\n");
        }
    }
    request.train = vec![lists("ucf_CLIP_rgb.csv", &table)];
    let (said, dataset) = imported(&place, &mut request);
    assert_eq!(dataset.digest, plain.digest);
    assert!(
        said.contains("27 lines are further crops of 3 videos"),
        "{said}"
    );
    // First and last frame, in UTF-16.
    let mut request = place.ucf();
    let text = "\u{feff}Abuse028_x264 0 1411 0\nArson011_x264 0 1265 2\nArson016_x264 0 1794 2\n\
                Normal_Videos_003_x264 0 2821 7\n";
    let path = lists("test.txt", "");
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(&path, bytes).unwrap();
    request.test = vec![path];
    assert_eq!(imported(&place, &mut request).1.digest, plain.digest);
}

#[test]
fn equal_faults_are_one_line_with_their_number() {
    let place = ucf_place();
    let mut request = place.ucf();
    let many: Vec<String> = (0..290)
        .map(|video| format!("Abuse/Abuse{video:03}_x264.mp4"))
        .collect();
    request.train = vec![place.list(&many.join("\n"))];
    let said = refused(ucf_crime(&request), &request);
    assert!(
        said.contains("288 faults of this kind") && said.lines().count() < 5,
        "{said}"
    );
}

#[test]
fn xd_violence_is_read_with_its_names_and_five_crops() {
    let place = Place::new();
    let videos = [
        ("A.Film.2002__#00-26-22_00-26-43_label_B2-0-0", 30),
        ("v=S-7rRLrxnVQ__#1_label_A", 20),
        ("v=cEOM18n8fhU__#1_label_G-0-0", 172),
        ("v=u5SF4SlqNDQ__#00-00-00_00-01-00_label_A", 90),
    ];
    for (name, segments) in videos {
        for crop in 0..5 {
            place.put(&format!("{name}__{crop}.npy"), &[segments, DIM]);
        }
    }
    let lines = |videos: &[(&str, usize)], file: &str| {
        let lines: Vec<String> = videos
            .iter()
            .flat_map(|(name, _)| (0..5).map(move |crop| format!("/a b/{name}__{crop}.npy,B2")))
            .collect();
        let path = place.folder.path().join(file);
        fs::write(&path, format!("path,label\n{}", lines.join("\n"))).unwrap();
        path
    };
    // The last range ends 8 frames after the last segment.
    let mut request = place.request(
        lines(&videos[..2], "train.csv"),
        lines(&videos[2..], "test.csv"),
        place.list("v=cEOM18n8fhU__#1_label_G-0-0 100 200 2133 2760\n"),
        Vec::new(),
    );
    let report = xd_violence(&request).unwrap();
    assert_eq!(
        (report.crops, report.train.anomalous, report.test.anomalous),
        (5, 1, 1)
    );
    let said = report.to_string();
    assert!(
        said.contains("were clipped: v=cEOM18n8fhU") && said.contains("3954 were"),
        "{said}"
    );
    let dataset = open(&request.out).unwrap();
    assert_eq!(dataset.test.videos[0].anomalous, [100..200, 2133..2752]);
    assert_eq!(dataset.train.videos[0].name, videos[0].0);
    request.out = place.folder.path().join("again");
    request.annotations = vec![place.list("v=other__#1_label_G-0-0 1 2\n")];
    let said = refused(xd_violence(&request), &request);
    assert!(
        said.contains("test.csv: line 2") && said.contains("is not annotated"),
        "{said}"
    );
}

/// `eval/labels/00.csv` in its published form: a line 0 or 1 for each of 18,066 frames. The events are those of `00.md` beside it,
/// frames from 1, both ends meant.
fn upcam_labels(place: &Place) -> PathBuf {
    const EVENTS: [(usize, usize); 4] =
        [(2390, 2742), (2832, 3269), (8110, 9719), (17_169, 17_428)];
    let label = |frame: usize| {
        let anomalous = EVENTS
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&frame));
        if anomalous { "1\n" } else { "0\n" }
    };
    let text: String = (1..=18_066).map(label).collect();
    let folder = place.folder.path().join("eval/labels");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("00.csv"), text).unwrap();
    fs::write(folder.join("00.md"), "# 00 Evaluation Video\n").unwrap();
    folder
}

/// The hours of a day are named as crops of the labelled hour would be: they are videos.
#[test]
fn upcam_is_read_by_the_names_of_its_videos() {
    let place = Place::new();
    for name in [
        "upCam/preprocessed_128_64/00/00-00.npy",
        "upCam/preprocessed_128_64/00/00-01.npy",
        "upCam/preprocessed_128_64/09/09-23.npy",
        "eval/preprocessed_128_64/00.npy",
    ] {
        // 18,066 frames are 1,129 whole segments and a shorter one.
        place.put(name, &[1130, DIM]);
    }
    let labels = upcam_labels(&place);
    let request = Request {
        features: place.folder.path().join("features"),
        annotations: vec![labels.clone()],
        out: place.folder.path().join("imported"),
        name: "upcam".to_owned(),
        frames_per_segment: 16,
        ..Request::default()
    };
    let report = upcam(&request).unwrap();
    assert_eq!(
        (report.crops, report.train.videos, report.test.videos),
        (1, 3, 1)
    );
    let said = report.to_string();
    assert!(
        said.contains("3 hours to train on; 240 were published"),
        "{said}"
    );
    let dataset = open(&request.out).unwrap();
    let names: Vec<&str> = dataset
        .train
        .videos
        .iter()
        .map(|video| &*video.name)
        .collect();
    assert_eq!(names, ["00-00", "00-01", "09-23"]);
    assert!(
        dataset
            .train
            .videos
            .iter()
            .all(|video| video.label.is_none())
    );
    let test = &dataset.test.videos[0];
    assert_eq!(
        (test.name.as_str(), test.frames, test.label),
        ("00", 18_066, Some(true))
    );
    assert_eq!(
        test.anomalous,
        [2389..2742, 2831..3269, 8109..9719, 17_168..17_428]
    );
    assert_eq!(dataset.metadata.licence, "MIT");

    // Whoever has the videos gets the same from their names.
    let videos = [
        "upCam/preprocessed_128_64/00/00-00",
        "eval/preprocessed_128_64/00",
        "upCam/preprocessed_128_64/09/09-23",
    ];
    let lists = upcam_lists(&labels, &videos).unwrap();
    assert_eq!((lists.train.len(), lists.test.len()), (2, 1));
    assert_eq!(lists.test[0].anomalous, test.anomalous);

    // A label that is none, with its line; a folder without labels; features of nothing that is known.
    fs::write(labels.join("00.csv"), "0\n1\n2\n").unwrap();
    let request = Request {
        out: place.folder.path().join("again"),
        ..request
    };
    let said = refused(upcam(&request), &request);
    assert!(said.contains("00.csv: line 3: `2` is no label"), "{said}");
    fs::remove_file(labels.join("00.csv")).unwrap();
    let said = refused(upcam(&request), &request);
    assert!(said.contains("has no file of labels"), "{said}");
}
