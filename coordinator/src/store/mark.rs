//! Marks on a state folder: files whose being there says something of the whole folder.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::journal::JournalError;

/// What is said of a state folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It is being filled by a backup or a restore, or was when that was interrupted: it is not whole.
    Unfinished,
    /// It is a copy: another life of the same state may have gone on, and given numbers that this one must not give.
    Copied,
    /// Callers needed a token once, and still do where the tokens are gone.
    Guarded,
}

impl Mark {
    /// The file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::Copied => "copied",
            Self::Guarded => "guarded",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Unfinished => {
                "A backup or a restore into this folder has not ended: it is not whole.\nRun the same command again, which begins anew.\n"
            }
            Self::Copied => {
                "This folder is a copy of the state of a coordinator. The first coordinator that starts on it takes this file away.\n"
            }
            Self::Guarded => {
                "The coordinator of this folder asks its callers for tokens. Without tokens it starts only with --insecure.\n"
            }
        }
    }

    pub(crate) fn path(self, state: &Path) -> PathBuf {
        state.join(self.name())
    }

    /// Whether the folder has it.
    pub fn is_on(self, state: &Path) -> bool {
        // What cannot be looked at is no reason to go on.
        self.path(state).try_exists().unwrap_or(true)
    }

    /// Puts it on, durably.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn put(self, state: &Path) -> Result<(), JournalError> {
        let path = self.path(state);
        if self.is_on(state) {
            return Ok(());
        }
        // That it is there is what counts: a process that dies at any moment leaves the mark or nothing.
        let put = || -> io::Result<()> {
            let mut options = OpenOptions::new();
            let mut file = options
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(&path)?;
            ownership::keep(&file, &path)?;
            file.write_all(self.text().as_bytes())?;
            file.sync_all()?;
            durable::sync_folder(state)
        };
        put().map_err(JournalError::io("write", &path))
    }

    /// Takes it off, durably.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn take_off(self, state: &Path) -> Result<(), JournalError> {
        let path = self.path(state);
        durable::remove(&path).map_err(JournalError::io("remove", &path))
    }
}

/// Whether a folder may be used as a state folder.
///
/// # Errors
/// [`JournalError::Unfinished`].
pub fn be_whole(state: &Path) -> Result<(), JournalError> {
    let path = Mark::Unfinished.path(state);
    match path.try_exists() {
        Ok(true) => Err(JournalError::Unfinished(state.to_owned())),
        Ok(false) => Ok(()),
        // A file is no interrupted copy: whoever opens it says so.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(()),
        // A folder of another user is not an interrupted copy.
        Err(error) => Err(JournalError::io("look into", state)(error)),
    }
}

/// A folder that is being filled, marked as unfinished until [`Self::complete`]. Dropped before, it is emptied again; where
/// the process dies before, the mark stays and whoever fills the folder next begins anew.
#[derive(Debug)]
pub(crate) struct Filling {
    folder: PathBuf,
    is_complete: bool,
    /// Held by the one process that fills the folder.
    _lock: std::fs::File,
}

impl Filling {
    /// Begins to fill a folder that is new, or empty, or that somebody did not fill to its end.
    ///
    /// # Errors
    /// [`JournalError`]: it holds something else, or another process fills it.
    pub(crate) fn begin(doing: &'static str, folder: &Path) -> Result<Self, JournalError> {
        durable::make_folders(folder).map_err(JournalError::io("make the folder", folder))?;
        let mark = Mark::Unfinished.path(folder);
        if !mark.exists() {
            let mut present =
                std::fs::read_dir(folder).map_err(JournalError::io("list", folder))?;
            if present.next().is_some() {
                let full = io::Error::new(io::ErrorKind::DirectoryNotEmpty, "it is not empty");
                return Err(JournalError::io(doing, folder)(full));
            }
            Mark::Unfinished.put(folder)?;
        }
        let lock = std::fs::File::open(&mark).map_err(JournalError::io("open", &mark))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                let busy = io::Error::new(
                    io::ErrorKind::ResourceBusy,
                    "another backup or restore writes into it",
                );
                return Err(JournalError::io(doing, folder)(busy));
            }
            // A copy may well lie on a network file system without locks: that nobody else fills the folder meanwhile is
            // then for whoever typed the command to see to.
            Err(std::fs::TryLockError::Error(error)) => {
                tracing::warn!(folder = %folder.display(), %error, "the file system cannot lock files: nothing else may write into the folder until it is whole");
            }
        }
        // Another process may have completed it, or put another mark, between the look and the lock.
        let is_ours =
            || -> io::Result<bool> { Ok(inode(&lock.metadata()?) == inode(&mark.metadata()?)) };
        if !is_ours().unwrap_or(false) {
            let full = io::Error::new(io::ErrorKind::DirectoryNotEmpty, "it is not empty");
            return Err(JournalError::io(doing, folder)(full));
        }
        empty(folder).map_err(JournalError::io("empty", folder))?;
        Ok(Self {
            folder: folder.to_owned(),
            is_complete: false,
            _lock: lock,
        })
    }

    /// Everything is there and synced: the folder counts from now on.
    ///
    /// # Errors
    /// [`JournalError::Io`]: it does not count.
    pub(crate) fn complete(mut self) -> Result<(), JournalError> {
        durable::sync_all_below(&self.folder).map_err(JournalError::io("sync", &self.folder))?;
        Mark::Unfinished.take_off(&self.folder)?;
        self.is_complete = true;
        Ok(())
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        if !self.is_complete && empty(&self.folder).is_ok() {
            // Where that fails the mark stays, and says what is to be said.
            let _ = Mark::Unfinished.take_off(&self.folder);
        }
    }
}

fn inode(found: &std::fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino())
}

/// Removes what a backup or a restore puts into a folder, all but the mark.
fn empty(folder: &Path) -> io::Result<()> {
    for name in ["journal", "artifacts"] {
        match std::fs::remove_dir_all(folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    for mark in [Mark::Copied, Mark::Guarded] {
        durable::remove(&mark.path(folder))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_counts_when_it_was_filled_to_its_end() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("new");
        let fill = || {
            std::fs::create_dir_all(folder.join("journal")).unwrap();
            std::fs::write(folder.join("journal/x"), b"x").unwrap();
        };
        // A process that dies drops nothing.
        let filling = Filling::begin("fill", &folder).unwrap();
        fill();
        assert!(matches!(
            be_whole(&folder),
            Err(JournalError::Unfinished(_))
        ));
        assert!(Filling::begin("fill", &folder).is_err(), "one at a time");
        drop(filling);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);

        Mark::Unfinished.put(&folder).unwrap();
        fill();
        let filling = Filling::begin("fill", &folder).unwrap();
        assert!(!folder.join("journal").exists(), "it begins anew");
        fill();
        filling.complete().unwrap();
        be_whole(&folder).unwrap();
        assert!(folder.join("journal/x").exists());
        assert!(Filling::begin("fill", &folder).is_err(), "it is not empty");
        assert!(folder.join("journal/x").exists());
    }
}
