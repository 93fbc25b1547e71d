//! Files that a start would read, and that nobody writes to any more: whether they are still there.
//!
//! They are kept open: some file systems give a file that nobody has open another number now and then.

use std::fs::File;
use std::path::{Path, PathBuf};

use durable::DiskFile;

use super::error::JournalError;
use super::files::{Segment, snapshot_of};
use crate::store::lock::LockError;

/// Such a file.
pub(super) struct Needed {
    number: u64,
    is_snapshot: bool,
    pub(super) path: PathBuf,
    file: Box<dyn DiskFile>,
    length: u64,
}

impl Needed {
    /// A segment or a snapshot that is about to be read.
    pub(super) fn read(segment: &Segment) -> Result<Self, JournalError> {
        let file = segment.file.try_clone();
        let file = file.map_err(JournalError::io("open", &segment.path))?;
        Ok(Self {
            number: segment.number,
            is_snapshot: segment.is_snapshot,
            path: segment.path.clone(),
            file: Box::new(file),
            length: segment.length,
        })
    }

    /// A segment that another follows from now on.
    pub(super) fn segment(
        number: u64,
        path: PathBuf,
        file: Box<dyn DiskFile>,
        length: u64,
    ) -> Self {
        Self {
            number,
            is_snapshot: false,
            path,
            file,
            length,
        }
    }

    /// The snapshot of everything before that entry.
    pub(super) fn snapshot(folder: &Path, first: u64) -> Result<Self, JournalError> {
        let path = snapshot_of(folder, first);
        let file = File::open(&path).map_err(JournalError::io("open", &path))?;
        let metadata = file.metadata();
        let length = metadata.map_err(JournalError::io("look at", &path))?.len();
        Ok(Self {
            number: first,
            is_snapshot: true,
            path,
            file: Box::new(file),
            length,
        })
    }

    /// Whether that is its path.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        self.path == path
    }

    /// Whether a start that begins with the snapshot of that number reads this, too.
    pub(super) fn is_behind(&self, snapshot: u64) -> bool {
        !self.is_snapshot && self.number >= snapshot
    }

    pub(super) fn check(&self) -> Result<(), LockError> {
        be_there(self.file.as_ref(), &self.path, self.length)
    }
}

/// Whether that path leads to that file, and it is not shorter than that.
pub(super) fn be_there(file: &dyn DiskFile, path: &Path, length: u64) -> Result<(), LockError> {
    // Where a question itself fails (no permission any more, a network that hangs), that is no proof.
    let is_another = matches!(file.is_at(path), Ok(false));
    if is_another || std::fs::metadata(path).is_ok_and(|found| found.len() < length) {
        return Err(LockError::Gone(path.to_owned()));
    }
    Ok(())
}
