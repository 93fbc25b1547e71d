//! A disk whose operations fail when a test wants them to.

use std::io;
use std::path::Path;
use std::sync::Arc;

use durable::{Disk, DiskFile, RealDisk};

/// Says whether an operation shall fail.
pub(crate) type Fault = Arc<dyn Fn(Operation) -> io::Result<()> + Send + Sync>;

/// What is about to be done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Bytes are written. When it fails, half of them were.
    Write,
    /// They are synced.
    Sync,
    /// A file is made.
    Create,
    /// A snapshot gets its name.
    Rename,
    /// The names in the folder are synced.
    SyncFolder,
    /// A file is removed.
    Remove,
    /// A file is opened to go on writing.
    Open,
    /// A file is cut.
    Cut,
}

/// The real disk, which asks before each operation.
pub(crate) struct FailingDisk(pub(crate) Fault);

struct FailingFile(Box<dyn DiskFile>, Fault);

impl FailingDisk {
    fn wrap(&self, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(FailingFile(file, self.0.clone()))
    }
}

impl Disk for FailingDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        (self.0)(Operation::Create)?;
        Ok(self.wrap(RealDisk.create(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        (self.0)(Operation::Open)?;
        Ok(self.wrap(RealDisk.open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        (self.0)(Operation::Rename)?;
        RealDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        (self.0)(Operation::Remove)?;
        RealDisk.remove(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        (self.0)(Operation::SyncFolder)?;
        RealDisk.sync_folder(folder)
    }
}

impl DiskFile for FailingFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if let Err(error) = (self.1)(Operation::Write) {
            self.0.write_all_at(&bytes[..bytes.len() / 2], offset)?;
            return Err(error);
        }
        self.0.write_all_at(bytes, offset)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        (self.1)(Operation::Cut)?;
        self.0.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        (self.1)(Operation::Sync)?;
        self.0.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        (self.1)(Operation::Sync)?;
        self.0.sync_all()
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.0.try_lock()
    }

    fn is_at(&self, path: &Path) -> io::Result<bool> {
        self.0.is_at(path)
    }
}
