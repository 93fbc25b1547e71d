//! Where things are in a box. Paths are relative to it, with `/`, and name no sweep or data set whose name could leave it.

use sweeps::{Digest, JobId};

/// What the box is.
pub const MANIFEST: &str = "publication.json";
/// SHA-256 of every other file, as `sha256sum -c` reads it.
pub const SUMS: &str = "SHA256SUMS";
/// The journal's entries.
pub const JOURNAL: &str = "evidence/journal.jsonl";
/// The exact versions of everything the program was made of.
pub const LOCK_FILE: &str = "environment/Cargo.lock";
/// What others' programs read.
pub const CRATE: &str = "ro-crate-metadata.json";
/// For those who open the folder.
pub const README: &str = "README.md";
/// How to cite it.
pub const CITATION: &str = "CITATION.cff";
/// What an artifact evaluation asks for.
pub const APPENDIX: &str = "ARTIFACT-APPENDIX.md";
/// What a reproducibility checklist asks for.
pub const CHECKLIST: &str = "CHECKLIST.md";
/// The report.
pub const REPORT: &str = "report";
/// Its page.
pub const PAGE: &str = "report/index.html";
/// Its figures.
pub const FIGURES: &str = "report/figures";
/// Licences of the program.
pub const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// A name as a folder's: whatever is not a letter, digit, `.`, `_` or `-` becomes `-`; a name of dots alone, `box`.
pub fn plain(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-') {
                letter
            } else {
                '-'
            }
        })
        .collect();
    if plain.chars().all(|letter| letter == '.') {
        "box".to_owned()
    } else {
        plain
    }
}

/// The file of a sweep.
pub fn sweep_file(folder: &str) -> String {
    format!("sweeps/{folder}.toml")
}

/// What is known of a sweep beyond its file.
pub fn sweep_evidence(folder: &str) -> String {
    format!("evidence/sweeps/{folder}.json")
}

/// The tables of a sweep.
pub fn tables(folder: &str) -> String {
    format!("tables/{folder}")
}

/// The record of a job.
pub fn record(job: JobId) -> String {
    format!("evidence/records/{job}.json")
}

/// An artifact of a record, as it was stored.
pub fn artifact(digest: Digest) -> String {
    format!("evidence/artifacts/{digest}.safetensors")
}

/// What is known of a data set.
pub fn dataset_facts(folder: &str) -> String {
    format!("evidence/data/{folder}.json")
}

/// The description of a data set in Croissant.
pub fn croissant(folder: &str) -> String {
    format!("data/{folder}/croissant.json")
}

/// The counts of its splits.
pub fn splits(folder: &str) -> String {
    format!("data/{folder}/splits.csv")
}

/// Its files, where the box has them.
pub fn dataset_folder(folder: &str) -> String {
    format!("data/{folder}/files")
}

/// Whether a path stays within the box: relative, and without `..`.
pub fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && !path.contains('\\')
        && path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leaves_the_box() {
        for name in ["..", "a/../b", "/etc", "fig10 (UCF)", "é", ""] {
            assert!(is_inside(&sweep_file(&plain(name))), "{name}");
        }
        for path in ["", "/a", "../a", "a//b", "a/..", "./a", "a\\b"] {
            assert!(!is_inside(path), "{path}");
        }
    }
}
