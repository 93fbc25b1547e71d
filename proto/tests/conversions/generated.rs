//! The sources that are generated follow the `.proto` files.

use std::path::Path;

/// By a digest of both sides, which takes no compiler of `.proto` files.
#[test]
fn the_generated_sources_are_those_of_the_proto_files() {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut digest = blake3::Hasher::new();
    for file in [
        "sweep/v1/client.proto",
        "sweep/v1/job.proto",
        "sweep/v1/record.proto",
        "sweep/v1/worker.proto",
        "src/generated/sweep.v1.rs",
        "src/generated/calls.rs",
    ] {
        digest.update(&std::fs::read(proto.join(file)).unwrap());
    }
    assert_eq!(
        digest.finalize().to_string(),
        include_str!("../../src/generated/digest.txt").trim(),
        "proto/sweep or what is generated from it was edited: run `cargo run -p proto-generate`"
    );
}
