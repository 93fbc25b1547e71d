//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

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
    let mut temporary = path.as_os_str().to_owned();
    // Two processes may write the same file in a shared folder; each has a name of its own for what is not whole yet.
    temporary.push(format!(".{}.new", std::process::id()));
    let result = (|| {
        let mut file = File::create(&temporary)?;
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

/// Removes the file; that there is none is fine.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
