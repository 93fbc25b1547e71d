//! Writes `proto/src/generated` from the `.proto` files, without `protoc`: `cargo run -p proto-generate`. With `--check` it writes
//! nothing, and fails where the files are others.
//!
//! What is generated is kept with the sources, *because* the compiler of `.proto` files with its regular expressions and graphs takes longer
//! to build than most of this house, and its input seldom changes.

use std::error::Error;
use std::path::Path;

const FILES: [&str; 4] = ["client", "job", "record", "worker"];

fn main() -> Result<(), Box<dyn Error>> {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let generated = proto.join("src/generated");
    let check = std::env::args().any(|argument| argument == "--check");
    for (name, text) in generate(&proto)? {
        let path = generated.join(name);
        if !check {
            std::fs::create_dir_all(&generated)?;
            std::fs::write(&path, text)?;
        } else if std::fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            let path = path.display();
            return Err(format!(
                "{path} is not what is generated now: run `cargo run -p proto-generate`"
            )
            .into());
        }
    }
    Ok(())
}

/// The files with their names.
fn generate(proto: &Path) -> Result<[(&'static str, String); 3], Box<dyn Error>> {
    let paths = FILES.map(|name| format!("sweep/v1/{name}.proto"));
    let mut digest = blake3::Hasher::new();
    for path in &paths {
        digest.update(&std::fs::read(proto.join(path))?);
    }
    let descriptors = protox::compile(paths, [proto])?;
    // The names of all calls, so that a table with one line for each can be compared with what there is.
    let mut calls = String::new();
    for file in &descriptors.file {
        for service in &file.service {
            for method in &service.method {
                let (package, service, method) = (file.package(), service.name(), method.name());
                calls.push_str(&format!("    \"/{package}.{service}/{method}\",\n"));
            }
        }
    }
    let folder = tempfile::tempdir()?;
    tonic_prost_build::configure()
        // Maps in the order of their keys: the same message is the same bytes.
        .btree_map(".")
        .out_dir(folder.path())
        .compile_fds(descriptors)?;
    let types = std::fs::read_to_string(folder.path().join("sweep.v1.rs"))?;
    let calls = format!("&[\n{calls}]\n");
    digest.update(types.as_bytes()).update(calls.as_bytes());
    Ok([
        ("sweep.v1.rs", types),
        ("calls.rs", calls),
        // By which a test notices files that were edited, on either side.
        ("digest.txt", format!("{}\n", digest.finalize())),
    ])
}
