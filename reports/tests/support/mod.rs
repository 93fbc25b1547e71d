//! What several tests of pages share: what a reader reads, and which sweep files ship.

#![allow(dead_code, unreachable_pub)] // Every test binary uses a part of it.

use std::path::{Path, PathBuf};

/// The text of a page without its tags.
pub fn text(html: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for character in html.chars() {
        match character {
            '<' => inside = true,
            '>' => {
                inside = false;
                out.push(' ');
            }
            other if !inside => out.push(other),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The folder of the sweep files.
pub fn sweeps_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sweeps")
}

/// Every sweep file that ships.
pub fn shipped_files() -> Vec<PathBuf> {
    let root = sweeps_folder();
    let folders = [root.clone(), root.join("small"), root.join("study")];
    let mut files: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .filter(|path| path.file_stem().is_some_and(|stem| stem != "Cargo"))
        .collect();
    files.sort();
    assert!(files.len() > 20, "{files:?}");
    files
}
