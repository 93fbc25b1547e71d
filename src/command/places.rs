//! Where a run keeps what it makes.

use std::path::{Path, PathBuf};

use crate::command::folder_name;
use crate::command::sweep_file::SweepFile;

/// The folder of a run and its state folder, as `--out` and `--state` say, or as usual.
pub fn places(file: &SweepFile, out: Option<&Path>, state: Option<&Path>) -> (PathBuf, PathBuf) {
    let out = out.map_or_else(
        || PathBuf::from("out").join(usual_folder(file)),
        Path::to_owned,
    );
    let state = state.map_or_else(|| out.join("state"), Path::to_owned);
    (out, state)
}

/// Where a rehearsal of it keeps what it makes as usual, and one of the whole sweep where it is a part.
pub fn rehearsal(file: &SweepFile) -> [PathBuf; 2] {
    [usual_folder(file), folder_name(&file.spec.name)]
        .map(|folder| Path::new("out").join("rehearsal").join(folder))
}

/// A part of a sweep has a folder of its own, so that its report does not take the place of the whole one.
pub(super) fn usual_folder(file: &SweepFile) -> String {
    let selections: Vec<&str> = file.spec.selections().collect();
    let whole = folder_name(&file.spec.name);
    if selections.is_empty() {
        return whole;
    }
    let part = folder_name(&selections.join("-or-"));
    if part.len() > 100 {
        let digest = sweeps::Digest::of(part.as_bytes()).to_string();
        format!("{whole}-only-{}", &digest[..12])
    } else {
        format!("{whole}-only-{part}")
    }
}
