//! What a store asks of a disk. A seam, so that tests can let an operation fail, and pull the plug: what was written
//! and not synced is then gone, wholly or in part, and so are names that were made in a folder that was not synced.
//!
//! Reading goes by the file system directly: it changes nothing.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::folder::sync_folder;

/// A disk.
pub trait Disk: Send + Sync {
    /// Makes a file, or empties the one of that name.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file to write to it.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Gives a file another name, in the place of what had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file; one that is not there is well.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// A file on it that is written to.
pub trait DiskFile: Send + Sync {
    /// Writes there.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Cuts it, or lets it grow by zeros.
    fn set_len(&self, length: u64) -> io::Result<()>;
    /// Finds room for so many bytes from `offset` on, behind its end, which stays where it is: a later sync has less to say. A
    /// disk that cannot gives room when it is written to.
    fn reserve(&self, _offset: u64, _bytes: u64) -> io::Result<()> {
        Ok(())
    }
    /// Makes its bytes durable, and of what else is known of it what reading them needs.
    fn sync_data(&self) -> io::Result<()>;
    /// Makes its bytes and everything that is known of it durable.
    fn sync_all(&self) -> io::Result<()>;
    /// Locks it as long as it is open; `false`: somebody else has locked it.
    fn try_lock(&self) -> io::Result<bool>;
    /// Whether that path still leads to it.
    fn is_at(&self, path: &Path) -> io::Result<bool>;
}

/// The disk of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        Ok(Box::new(options.mode(file_mode(path.parent())).open(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(OpenOptions::new().write(true).open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        sync_folder(folder)
    }
}

impl DiskFile for File {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, offset)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        File::set_len(self, length)
    }

    #[cfg(target_os = "linux")]
    fn reserve(&self, offset: u64, bytes: u64) -> io::Result<()> {
        use nix::fcntl::{FallocateFlags, fallocate};
        let number = |value: u64| i64::try_from(value).map_err(io::Error::other);
        let keep = FallocateFlags::FALLOC_FL_KEEP_SIZE;
        Ok(fallocate(self, keep, number(offset)?, number(bytes)?)?)
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }

    fn sync_all(&self) -> io::Result<()> {
        File::sync_all(self)
    }

    fn try_lock(&self) -> io::Result<bool> {
        match File::try_lock(self) {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn is_at(&self, path: &Path) -> io::Result<bool> {
        let identity = |metadata: &Metadata| (metadata.dev(), metadata.ino());
        match std::fs::metadata(path) {
            Ok(found) => Ok(identity(&found) == identity(&self.metadata()?)),
            Err(error) if is_absence(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Whether an error says that there is no such file.
pub fn is_absence(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound, StaleNetworkFileHandle};
    matches!(
        error.kind(),
        NotFound | NotADirectory | StaleNetworkFileHandle
    )
}

/// Who may read a new file of a folder: its owner, and others where the owner has opened the folder to them.
fn file_mode(folder: Option<&Path>) -> u32 {
    let mode = folder
        .and_then(|folder| std::fs::metadata(folder).ok())
        .map_or(0, |metadata| metadata.permissions().mode());
    0o600 | (mode & 0o044)
}
