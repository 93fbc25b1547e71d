//! Compiles the .proto files without `protoc`.

use std::error::Error;

const FILES: [&str; 4] = ["job", "record", "worker", "client"];

fn main() -> Result<(), Box<dyn Error>> {
    // `compile_fds` does not say what it read.
    println!("cargo::rerun-if-changed=sweep");
    let paths = FILES.map(|name| format!("sweep/v1/{name}.proto"));
    let descriptors = protox::compile(paths, ["."])?;
    tonic_prost_build::configure()
        // Maps in the order of their keys: the same message is the same bytes.
        .btree_map(".")
        .compile_fds(descriptors)?;
    Ok(())
}
