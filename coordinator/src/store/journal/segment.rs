//! A segment's file: made with its header, and this process's own.

use std::io;
use std::path::{Path, PathBuf};

use durable::DiskFile;

use super::error::JournalError;
use super::files::path_of;
use super::frame::{self, Kind};
use super::options::Options;
use crate::store::lock::LockError;

/// A segment is locked, too: a copy of a state folder by hard links shares it.
pub(super) fn be_ours(file: &dyn DiskFile, path: &Path) -> Result<(), JournalError> {
    match file.try_lock() {
        Ok(false) => Err(LockError::InUse(path.to_owned()).into()),
        // Where a file system has no locks, the lock of the folder was not had either.
        Ok(true) | Err(_) => Ok(()),
    }
}

/// Makes a segment: a file with a header, on disk with its name.
pub(super) fn create(
    folder: &Path,
    segment: u64,
    chain: [u8; 32],
    options: &Options,
) -> Result<(Box<dyn DiskFile>, PathBuf), JournalError> {
    let path = path_of(folder, segment);
    let make = || {
        let file = options.disk.create(&path)?;
        if !file.try_lock().unwrap_or(true) {
            return Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                "another process has it open",
            ));
        }
        file.write_all_at(&frame::header(Kind::Plain, segment, &chain), 0)?;
        file.sync_all()?;
        options.disk.sync_folder(folder)?;
        Ok(file)
    };
    let file = make().map_err(JournalError::io("make", &path))?;
    Ok((file, path))
}
