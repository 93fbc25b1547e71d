//! Compiles the .proto files without `protoc`.

use std::error::Error;
use std::path::Path;

const FILES: [&str; 4] = ["job", "record", "worker", "client"];

fn main() -> Result<(), Box<dyn Error>> {
    // `compile_fds` does not say what it read.
    println!("cargo::rerun-if-changed=sweep");
    let paths = FILES.map(|name| format!("sweep/v1/{name}.proto"));
    let descriptors = protox::compile(paths, ["."])?;
    // The names of all calls, so that a table with one line for each can be compared with what there is.
    let mut calls = Vec::new();
    for file in &descriptors.file {
        for service in &file.service {
            for method in &service.method {
                calls.push(format!(
                    "/{}.{}/{}",
                    file.package(),
                    service.name(),
                    method.name()
                ));
            }
        }
    }
    let out = std::env::var("OUT_DIR")?;
    std::fs::write(Path::new(&out).join("calls.rs"), format!("&{calls:?}"))?;
    tonic_prost_build::configure()
        // Maps in the order of their keys: the same message is the same bytes.
        .btree_map(".")
        .compile_fds(descriptors)?;
    Ok(())
}
