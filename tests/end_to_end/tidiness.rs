//! What must hold for the repository itself.

use std::path::{Path, PathBuf};

use crate::world::repository;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with("target") && name != ".git" && name != "out" {
                files(&path, found);
            }
        } else if ["rs", "toml", "md", "proto", "sh"]
            .iter()
            .any(|end| name.ends_with(&format!(".{end}")))
        {
            found.push(path);
        }
    }
}

#[test]
fn no_source_names_a_path_of_one_machine() {
    let mut found = Vec::new();
    files(&repository(), &mut found);
    assert!(found.len() > 50, "the walk finds the sources");
    let home = ["/ro", "ot/"].concat();
    let work = ["/wo", "rk/"].concat();
    for path in found {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            !text.contains(&home) && !text.contains(&work),
            "{} names a path of one machine",
            path.display()
        );
    }
}

#[test]
fn every_sweep_file_that_ships_means_something() {
    let mut found = Vec::new();
    files(&repository().join("sweeps"), &mut found);
    let sweeps: Vec<_> = found
        .iter()
        .filter(|path| {
            path.extension().is_some_and(|end| end == "toml") && !path.ends_with("Cargo.toml")
        })
        .collect();
    assert!(sweeps.len() >= 2);
    for path in sweeps {
        let text = std::fs::read_to_string(path).unwrap();
        let expanded = sweeps::expand_text(
            &path.display().to_string(),
            &text,
            sweeps::Limits::default(),
        );
        assert!(expanded.is_ok(), "{}", expanded.err().unwrap());
    }
}

#[test]
fn the_readme_begins_with_the_two_commands() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let commands: Vec<&str> = readme
        .lines()
        .filter(|line| line.starts_with("cargo "))
        .take(2)
        .collect();
    assert!(
        commands[0].starts_with("cargo run --release -- run sweeps/quickstart.toml"),
        "{commands:?}"
    );
    assert_eq!(commands[1], "cargo test");
    let ci = std::fs::read_to_string(repository().join(".ci/run")).unwrap();
    assert!(
        ci.lines().any(|line| line == commands[1]),
        "CI types the README's test command"
    );
}

#[test]
fn every_exit_code_is_in_the_readme() {
    let codes = std::fs::read_to_string(repository().join("src/exit_code.rs")).unwrap();
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    for line in codes
        .lines()
        .filter(|line| line.starts_with("pub const") && !line.contains("UNEXPECTED"))
    {
        let code = line.rsplit("= ").next().unwrap().trim_end_matches(';');
        assert!(readme.contains(&format!("| {code} |")), "{line}");
    }
}
