//! Where a run keeps what it makes.

use std::fs;
use std::io;
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

/// Leaves a link in the folder of a run to the state folder that it was given, so that who names the folder alone finds it from now on. A state folder
/// that is there itself stays.
///
/// # Errors
/// What the operating system said.
pub fn remember_state(out: &Path, state: &Path) -> io::Result<()> {
    let usual = out.join("state");
    let real = |folder: &Path| fs::canonicalize(folder).ok();
    let is_usual = || real(&usual).is_some_and(|found| Some(found) == real(state));
    match fs::symlink_metadata(&usual) {
        Ok(found) if !found.is_symlink() => return Ok(()),
        Ok(_) if is_usual() => return Ok(()),
        Ok(_) => fs::remove_file(&usual)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // The folder is made by who opens it: its name is known before.
    std::os::unix::fs::symlink(std::path::absolute(state)?, &usual)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_folder_that_was_given_is_found_by_the_folder_of_the_run() {
        let above = tempfile::tempdir().unwrap();
        let at = |name: &str| above.path().join(name);
        for name in ["out", "one", "two", "own/state"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        let leads_to = |out: &str| fs::canonicalize(at(out).join("state")).unwrap();
        let real = |name: &str| fs::canonicalize(at(name)).unwrap();
        for name in ["one", "one", "two"] {
            remember_state(&at("out"), &at(name)).unwrap();
            assert_eq!(leads_to("out"), real(name));
        }
        // Its own: no link to itself.
        remember_state(&at("out"), &at("out/state")).unwrap();
        assert_eq!(leads_to("out"), real("two"));
        // What is there itself has results.
        remember_state(&at("own"), &at("one")).unwrap();
        assert_eq!(leads_to("own"), real("own/state"));
        // One that is made yet, and one that went away.
        remember_state(&at("out"), &at("later")).unwrap();
        fs::create_dir(at("later")).unwrap();
        assert_eq!(leads_to("out"), real("later"));
        fs::remove_dir(at("later")).unwrap();
        remember_state(&at("out"), &at("one")).unwrap();
        assert_eq!(leads_to("out"), real("one"));
    }
}
