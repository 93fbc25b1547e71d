//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers of files that are not whole yet, one series for each process.
static UNFINISHED: AtomicU64 = AtomicU64::new(0);

/// Writes `bytes` to `path`, so that whoever reads it, after a crash too, finds the old bytes or the new ones. The file
/// and its name are on disk when this returns.
pub fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, &[bytes], true)
}

/// As [`write_durably`], but a power loss may undo it: for what may be lost, not torn.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, &[bytes], false)
}

/// The same of `parts`, one after the other.
pub fn write_parts_atomically(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    replace(path, parts, false)
}

fn replace(path: &Path, parts: &[&[u8]], durably: bool) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let (mut file, temporary) = unfinished(path)?;
    let result = (|| {
        for bytes in parts {
            file.write_all(bytes)?;
        }
        if durably {
            file.sync_data()?;
        }
        fs::rename(&temporary, path)?;
        if durably {
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(())
    })();
    if result.is_err() {
        // A half-written file on a full disk only makes it fuller.
        let _ = fs::remove_file(&temporary);
    }
    result
}

/// A new file beside `path` for what is not whole yet.
///
/// *Because* processes of several hosts or containers may write one file of a shared folder under equal process numbers, no name
/// is taken that is there already.
fn unfinished(path: &Path) -> io::Result<(File, PathBuf)> {
    loop {
        let number = UNFINISHED.fetch_add(1, Ordering::Relaxed);
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(format!(".{}-{number}.new", std::process::id()));
        let temporary = PathBuf::from(temporary);
        match File::options()
            .write(true)
            .create_new(true)
            .open(&temporary)
        {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => return Ok((other?, temporary)),
        }
    }
}

/// Removes the file; that there is none is fine.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_another_process_writes_under_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let (_, theirs) = unfinished(&path).unwrap();
        // The same process number on another host begins its series where ours goes on.
        UNFINISHED.fetch_sub(1, Ordering::Relaxed);
        write_atomically(&path, b"ours").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"ours");
        assert!(theirs.exists());
    }
}
