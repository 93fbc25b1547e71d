//! Recorded traces of the PyTorch reference, matched on both implementations of the networks.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};

use gcl::selftest::{TraceError, TraceReport, builtin, replay};
use gcl::{Device, open_device};

fn devices() -> [Device; 3] {
    [("cpu", 1), ("cpu", 2), ("candle-cpu", 1)]
        .map(|(name, threads)| open_device(name, Some(threads)).unwrap())
}

fn check(report: &TraceReport, device: &Device) {
    let kind = &device.info().kind;
    println!(
        "{kind} {:20} {:.1e}, {} wrong labels",
        report.name,
        report.largest_deviation(),
        report.wrong_labels()
    );
    let failed: Vec<_> = report
        .tensors
        .iter()
        .filter(|tensor| !tensor.passed)
        .collect();
    assert!(failed.is_empty(), "{} on {kind}: {failed:#?}", report.name);
}

#[test]
fn the_built_in_traces_are_matched() {
    for device in devices() {
        let reports = builtin(&device);
        assert_eq!(reports.len(), 17);
        for report in reports {
            let report = report.unwrap();
            check(&report, &device);
            // The tolerance is 1e-4; on these a right implementation comes far below it.
            assert!(report.largest_deviation() < 2e-6, "{}", report.name);
        }
    }
}

/// The folder of larger traces, where there is one: `GCL_TRACES`, or golden/cases in `GCL_SHARED` or in `shared` beside
/// the repository.
fn shared() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("GCL_TRACES") {
        return Some(folder.into());
    }
    let folder = std::env::var_os("GCL_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let cases = folder.join("golden/cases");
    cases.is_dir().then_some(cases)
}

/// The scores, the labels that are made of them, and their student.
#[test]
fn the_golden_controls_are_matched() {
    let folder = shared().map(|cases| cases.with_file_name("controls"));
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else {
        println!("skipped: there is no folder of golden controls (GCL_SHARED)");
        return;
    };
    for device in devices() {
        let report = replay(&folder, &device).unwrap();
        check(&report, &device);
        assert_eq!(report.tensors.len(), 17);
        assert!(report.largest_deviation() < 1e-6);
    }
}

#[test]
fn the_golden_traces_are_matched() {
    let Some(cases) = shared() else {
        println!("skipped: there is no folder of golden traces (GCL_SHARED)");
        return;
    };
    let mut folders: Vec<PathBuf> = std::fs::read_dir(cases)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    assert!(!folders.is_empty());
    for device in devices() {
        for folder in &folders {
            check(&replay(folder, &device).unwrap(), &device);
        }
    }
}

fn built_in_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("traces")
        .join(name)
}

/// A copy of a built-in trace with `change` done to the bytes of `file`.
fn damaged(
    name: &str,
    file: &str,
    change: impl FnOnce(Vec<u8>) -> Vec<u8>,
) -> Result<TraceReport, TraceError> {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(built_in_folder(name)).unwrap() {
        let entry = entry.unwrap();
        let bytes = std::fs::read(entry.path()).unwrap();
        std::fs::write(copy.path().join(entry.file_name()), bytes).unwrap();
    }
    let path = copy.path().join(file);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(path, change(bytes)).unwrap();
    replay(copy.path(), &open_device("cpu", Some(1)).unwrap())
}

fn text(change: impl Fn(String) -> String) -> impl FnOnce(Vec<u8>) -> Vec<u8> {
    move |bytes| change(String::from_utf8(bytes).unwrap()).into_bytes()
}

/// Renames a tensor in a safetensors header by one of the same length.
fn rename(from: &'static str, to: &'static str) -> impl FnOnce(Vec<u8>) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    move |mut bytes| {
        let from = format!("\"{from}\"").into_bytes();
        let to = format!("\"{to}\"").into_bytes();
        let at = bytes
            .windows(from.len())
            .position(|window| window == from)
            .unwrap();
        bytes[at..at + from.len()].copy_from_slice(&to);
        bytes
    }
}

#[test]
fn a_damaged_trace_names_file_and_tensor() {
    let cases: [(&str, Result<TraceReport, TraceError>, &[&str]); 12] = [
        (
            "a missing order",
            damaged(
                "gcl-ones",
                "inputs.safetensors",
                rename("order.001", "order.901"),
            ),
            &["inputs.safetensors", "order.001"],
        ),
        (
            "a missing weight",
            damaged(
                "gcl-ones",
                "inputs.safetensors",
                rename("generator.0.weight", "generator.7.weight"),
            ),
            &["inputs.safetensors", "generator.0.weight"],
        ),
        (
            "a network that ends early",
            damaged(
                "gcl-ones",
                "inputs.safetensors",
                rename("generator.3.weight", "generator.7.weight"),
            ),
            &["inputs.safetensors", "generator.2.weight"],
        ),
        (
            "a result that is not recorded",
            damaged(
                "gcl-ones",
                "expected.safetensors",
                rename("loss_d", "loss_x"),
            ),
            &["expected.safetensors", "loss_x"],
        ),
        (
            "a short file",
            damaged("gcl-ones", "expected.safetensors", |mut bytes| {
                bytes.truncate(bytes.len() - 5);
                bytes
            }),
            &["expected.safetensors"],
        ),
        (
            "no file at all",
            damaged("gcl-ones", "inputs.safetensors", |_| Vec::new()),
            &["inputs.safetensors"],
        ),
        (
            "an unknown method",
            damaged(
                "gcl-ones",
                "case.toml",
                text(|case| case.replace("\"gcl\"", "\"gan\"")),
            ),
            &["case.toml", "gan"],
        ),
        (
            "more epochs than were recorded",
            damaged(
                "gcl-ones",
                "case.toml",
                text(|case| case.replace("epochs = 2", "epochs = 2000000000")),
            ),
            &["inputs.safetensors", "order.002"],
        ),
        (
            "controls of another kind of scaling",
            damaged(
                "controls",
                "case.toml",
                text(|case| case.replace("\"standard\"", "\"whitened\"")),
            ),
            &["case.toml", "feature_scaling", "whitened"],
        ),
        (
            "a control that does not exist",
            damaged(
                "controls",
                "expected.safetensors",
                rename("knn_cross", "knn_crass"),
            ),
            &["expected.safetensors", "knn_crass"],
        ),
        (
            "controls of fewer folds than were recorded",
            damaged(
                "controls",
                "case.toml",
                text(|case| case.replace("folds = 3", "folds = 2")),
            ),
            &["inputs.safetensors", "fold"],
        ),
        (
            "another selection",
            damaged(
                "autoencoder-td",
                "case.toml",
                text(|case| {
                    case.replace("difference_threshold = 0.7", "difference_threshold = 0.1")
                }),
            ),
            &["trains on"],
        ),
    ];
    for (what, result, words) in cases {
        let message = match result {
            Ok(_) => panic!("{what} passed"),
            Err(error) => error.to_string(),
        };
        for word in words {
            assert!(message.contains(word), "{what}: {message}");
        }
    }
}

#[test]
fn a_wrong_implementation_is_seen() {
    for (from, to) in [
        ("generator_k = 1.0", "generator_k = 0.3"),
        ("momentum = 0.6", "momentum = 0.5"),
        ("target = \"ones\"", "target = \"none\""),
        ("learning_rate = 0.001", "learning_rate = 0.0011"),
    ] {
        let report = damaged("gcl-ones", "case.toml", text(|case| case.replace(from, to))).unwrap();
        assert!(!report.passed(), "{to}");
    }
    for (from, to) in [
        ("neighbours = 5", "neighbours = 4"),
        ("variance_share = 0.9", "variance_share = 0.7"),
        ("smoothing = 2.0", "smoothing = 2.01"),
        ("\"standard\"", "\"min-max\""),
    ] {
        let report = damaged("controls", "case.toml", text(|case| case.replace(from, to))).unwrap();
        assert!(!report.passed(), "{to}");
    }
}
