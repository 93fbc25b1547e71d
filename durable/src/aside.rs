//! Names for what is damaged and kept.

use std::io;
use std::path::{Path, PathBuf};

/// A name for a damaged file, or a damaged part of one, that ends in `.damaged` and that no other file has: what was set
/// aside before stays.
///
/// # Errors
/// What the operating system said.
pub fn aside(path: &Path) -> io::Result<PathBuf> {
    let mut number = 1_u64;
    loop {
        let mut name = path.as_os_str().to_owned();
        if number > 1 {
            name.push(format!(".{number}"));
        }
        name.push(".damaged");
        let name = PathBuf::from(name);
        match std::fs::symlink_metadata(&name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(name),
            Err(error) => return Err(error),
            Ok(_) => number += 1,
        }
    }
}
