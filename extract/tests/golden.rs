//! The recorded case of the shared folder, where that is at hand.

use std::path::PathBuf;

fn shared() -> Option<PathBuf> {
    let root = std::env::var_os("GCL_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    root.join("golden/resnext101").is_dir().then_some(root)
}

#[test]
fn resnext101_matches_pytorch() {
    let Some(shared) = shared() else {
        println!("skipped: no shared folder (GCL_SHARED)");
        return;
    };
    let device = extract::Device::open("cpu", Some(2)).unwrap();
    let report = extract::selftest::replay(&shared.join("golden/resnext101"), &device).unwrap();
    for tensor in &report.tensors {
        println!("{} {} {:e}", tensor.name, tensor.values, tensor.relative);
    }
    assert_eq!(report.tensors.len(), 11);
    assert!(report.largest_deviation() < 1e-4);
}
