//! Names of files and folders that are not whole yet.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Ends the name of a file that is not whole yet.
pub const UNFINISHED: &str = "new";

/// A word that no other process uses, on this host or another.
///
/// *Because* folders are shared between hosts and containers, whose process numbers are equal sooner or later.
pub fn word() -> String {
    let mut bytes = [0; 8];
    // Where there is no randomness, the process number has to do.
    let _ = getrandom::fill(&mut bytes);
    format!("{}-{:016x}", std::process::id(), u64::from_le_bytes(bytes))
}

/// A new file beside `path` for what is not whole yet: its name ends in `.new`, and no other file had it.
pub(crate) fn beside(path: &Path, mode: u32) -> io::Result<(File, PathBuf)> {
    loop {
        let temporary = named(path, &word());
        let mut options = OpenOptions::new();
        match options
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&temporary)
        {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => return Ok((other?, temporary)),
        }
    }
}

fn named(path: &Path, word: &str) -> PathBuf {
    let mut temporary = OsString::from(path);
    temporary.push(format!(".{word}.{UNFINISHED}"));
    temporary.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_comes_twice() {
        assert_ne!(word(), word());
    }

    #[test]
    fn a_name_that_another_process_writes_under_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let (_, theirs) = beside(&path, 0o666).unwrap();
        let (_, ours) = beside(&path, 0o666).unwrap();
        assert_ne!(ours, theirs);
        assert_eq!(ours.extension().unwrap(), UNFINISHED);
        assert_eq!(ours.parent(), path.parent());
    }
}
