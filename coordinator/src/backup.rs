//! A copy of a state folder, taken while a coordinator is running on it or not.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::journal::{self, JournalError, sync_folder};

/// Copies journal and artifacts of the state folder `state` to `target`, which must be new or empty and is a state folder
/// then: to restore, start a coordinator on it. The index is left out, since it is made again from the journal.
///
/// The journal goes first: an artifact is stored before the record that names it, so that the copy has all artifacts of
/// all its records.
///
/// # Errors
/// [`JournalError::Io`], also where `target` holds something.
pub fn backup(state: &Path, target: &Path) -> Result<u64, JournalError> {
    std::fs::create_dir_all(target).map_err(JournalError::io("make the folder", target))?;
    let mut present = std::fs::read_dir(target).map_err(JournalError::io("list", target))?;
    if present.next().is_some() {
        let full = io::Error::new(io::ErrorKind::DirectoryNotEmpty, "it is not empty");
        return Err(JournalError::io("back up to", target)(full));
    }
    let mut bytes = journal::copy(&state.join("journal"), &target.join("journal"))?;
    let (from, to) = (state.join("artifacts"), target.join("artifacts"));
    for folder in folders(&from).map_err(JournalError::io("list", &from))? {
        // Two digits of a digest. What is on its way (`incoming`) belongs to no record.
        if folder.len() == 2 {
            bytes += copy_files(&from.join(&folder), &to.join(&folder))
                .map_err(JournalError::io("copy to", &to))?;
        }
    }
    sync_folder(target).map_err(JournalError::io("sync", target))?;
    Ok(bytes)
}

fn folders(folder: &Path) -> io::Result<Vec<String>> {
    match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
        Ok(entries) => {
            let mut names = Vec::new();
            for entry in entries {
                names.extend(entry?.file_name().into_string());
            }
            names.sort();
            Ok(names)
        }
    }
}

fn copy_files(from: &Path, to: &Path) -> io::Result<u64> {
    std::fs::create_dir_all(to)?;
    let mut bytes = 0;
    for name in folders(from)? {
        let copy = to.join(&name);
        bytes += std::fs::copy(from.join(&name), &copy)?;
        File::open(&copy)?.sync_all()?;
    }
    sync_folder(to)?;
    Ok(bytes)
}
