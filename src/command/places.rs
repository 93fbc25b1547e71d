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

/// What became of the link in a run's folder to the state folder that it was given.
#[derive(Debug, PartialEq, Eq)]
pub enum Remembered {
    /// Who names the folder of the run alone finds it.
    Found,
    /// The link led elsewhere before.
    Instead(PathBuf),
    /// There is a state folder itself, or a file.
    Not,
}

/// Leaves a link in the folder of a run to the state folder that it was given and that is open, so that who names the folder alone finds it from now on.
///
/// # Errors
/// What the operating system said.
pub fn remember_state(out: &Path, state: &Path) -> io::Result<Remembered> {
    let usual = out.join("state");
    let state = fs::canonicalize(state)?;
    let before = match fs::symlink_metadata(&usual) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
        Ok(_) if fs::canonicalize(&usual).is_ok_and(|found| found == state) => {
            return Ok(Remembered::Found);
        }
        Ok(found) if !found.is_symlink() => return Ok(Remembered::Not),
        Ok(_) => {
            let before = fs::read_link(&usual)?;
            fs::remove_file(&usual)?;
            Some(before)
        }
    };
    std::os::unix::fs::symlink(state, &usual)?;
    Ok(before.map_or(Remembered::Found, Remembered::Instead))
}

/// Where a link in place of the usual state folder leads that is not there: a disk that is not mounted, a folder that was moved.
pub fn lost_state(out: &Path) -> Option<PathBuf> {
    let usual = out.join("state");
    let target = fs::read_link(&usual).ok()?;
    (!usual.exists()).then_some(target)
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
        let remember = |out: &str, name: &str| remember_state(&at(out), &at(name)).unwrap();
        assert_eq!(remember("out", "one"), Remembered::Found);
        assert_eq!(remember("out", "one"), Remembered::Found);
        assert_eq!(remember("out", "two"), Remembered::Instead(real("one")));
        // The usual one by its own name is no link to itself.
        for name in ["out/state", "out/../out/state/"] {
            assert_eq!(remember("out", name), Remembered::Found);
            assert_eq!(leads_to("out"), real("two"));
        }
        // What is there itself has results.
        assert_eq!(remember("own", "one"), Remembered::Not);
        assert_eq!(leads_to("own"), real("own/state"));
        assert_eq!(remember("own", "own/state"), Remembered::Found);
        // One that is not there is not open, and changes nothing.
        assert!(remember_state(&at("out"), &at("nowhere")).is_err());
        assert_eq!(leads_to("out"), real("two"));
        assert_eq!(lost_state(&at("out")), None);
        let gone = real("two");
        fs::remove_dir(at("two")).unwrap();
        assert_eq!(lost_state(&at("out")), Some(gone));
        assert_eq!(
            (lost_state(&at("own")), lost_state(&at("one"))),
            (None, None)
        );
    }
}
