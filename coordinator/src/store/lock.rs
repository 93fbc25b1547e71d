//! The lock of a state folder: whoever opens a part of the folder holds it.
//!
//! What is locked cannot be taken for stale: the folder itself and the folder of the journal, by their descriptors, so
//! that removing a file lets nobody in; [`super::journal::Journal`] also locks the segment that it appends to, which is
//! the same file when the folder was copied by hard links. The kernel gives all of them up when the process ends,
//! however it ends.
//!
//! A folder can be removed or replaced under its holder (a cleaner of temporary files, a volume that is mounted over
//! it). [`StateLock::check`] notices that: what is written into files that nobody finds again must not be acknowledged.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The file that was the only lock once. Some network file systems lock no folders; this file they lock.
const FILE: &str = "lock";
/// How often, and how far apart, the lock of the index is asked for: a store that was closed lets go of it on a thread of
/// its own, a moment later.
const INDEX_TRIES: u32 = 20;
const INDEX_PAUSE: std::time::Duration = std::time::Duration::from_millis(25);

/// Why a state folder cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it. Nothing in it was touched.
    #[error(
        "the state folder {0} is in use by another coordinator, or by a command that changes it"
    )]
    InUse(PathBuf),
    /// Its file system locks neither folders nor files.
    #[error(
        "the file system of {path} cannot lock files, so that a second coordinator would not be noticed: keep the state folder on a local disk (--state DIR), or mount the file system with locks"
    )]
    Unsupported {
        /// What was to be locked.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// It was removed, renamed, replaced or cut short while it was in use.
    #[error(
        "{0} was removed or replaced, or cut short, while the coordinator used it (a cleaned folder, a volume mounted over it, a copy written over it?): nothing is acknowledged any more, since it could not be found again. Put it back, then start the coordinator again"
    )]
    Gone(PathBuf),
    /// The operating system said no.
    #[error("cannot {doing} {path}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LockError + use<> {
    let path = path.to_owned();
    move |source| LockError::Io {
        doing,
        path,
        source,
    }
}

/// Which file or folder a descriptor or a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity(u64, u64);

impl Identity {
    fn of(metadata: &std::fs::Metadata) -> Self {
        Self(metadata.dev(), metadata.ino())
    }

    fn at(path: &Path) -> io::Result<Self> {
        std::fs::metadata(path).map(|metadata| Self::of(&metadata))
    }
}

/// A state folder that is this process's own for as long as this, or a clone of it, lives.
#[derive(Debug, Clone)]
pub struct StateLock(Arc<LockedFolders>);

#[derive(Debug)]
struct LockedFolders {
    state: PathBuf,
    journal: PathBuf,
    /// Open descriptors hold the locks.
    _files: Vec<File>,
    /// Folders that must stay where they are.
    watched: Mutex<BTreeMap<PathBuf, Identity>>,
}

impl StateLock {
    /// Takes the lock of the state folder `state`, which is made where there is none. Touches nothing in a folder that
    /// another process has.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn take(state: &Path) -> Result<Self, LockError> {
        let state = std::path::absolute(state).map_err(failed("find", state))?;
        let journal = state.join("journal");
        Self::take_both(&state, &journal)
    }

    /// The lock of a journal without a state folder around it.
    #[cfg(test)]
    pub(crate) fn of_journal(journal: &Path) -> Result<Self, LockError> {
        Self::take_both(journal, journal)
    }

    fn take_both(state: &Path, journal: &Path) -> Result<Self, LockError> {
        let mut files = Vec::new();
        let mut watched = BTreeMap::new();
        let mut unsupported = None;
        let mut folders = vec![state];
        folders.extend((journal != state).then_some(journal));
        for folder in folders {
            durable::make_folders(folder).map_err(failed("make the folder", folder))?;
            let file = File::open(folder).map_err(failed("open", folder))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(LockError::InUse(state.to_owned())),
                // Some network file systems lock only files that are open for writing.
                Err(TryLockError::Error(error)) => unsupported = Some(error),
            }
            let metadata = file.metadata().map_err(failed("look at", folder))?;
            watched.insert(folder.to_owned(), Identity::of(&metadata));
            files.push(file);
        }
        files.push(lock_file(state, journal, unsupported.is_some())?);
        be_alone_with_the_index(state)?;
        let lock = Self(Arc::new(LockedFolders {
            state: state.to_owned(),
            journal: journal.to_owned(),
            _files: files,
            watched: Mutex::new(watched),
        }));
        // Renamed between its opening and its locking, the folder would be another's.
        lock.check()?;
        lock.be_guarded()?;
        Ok(lock)
    }

    /// The folder of the journal.
    pub fn journal(&self) -> &Path {
        &self.0.journal
    }

    /// The folder of the index.
    pub fn index(&self) -> PathBuf {
        self.0.state.join("index")
    }

    /// The folder of the artifacts.
    pub fn artifacts(&self) -> PathBuf {
        self.0.state.join("artifacts")
    }

    /// Begins to notice whether that folder is removed or replaced. Asked again, it takes the folder as it is now.
    ///
    /// # Errors
    /// [`LockError::Io`]: it is not there.
    pub fn watch(&self, folder: &Path) -> Result<(), LockError> {
        let identity = Identity::at(folder).map_err(failed("look at", folder))?;
        self.watched().insert(folder.to_owned(), identity);
        Ok(())
    }

    /// Stops noticing that: the folder is to be made again.
    pub fn forget(&self, folder: &Path) {
        self.watched().remove(folder);
    }

    /// Whether every watched folder is still where it was. As cheap as a `stat` of each.
    ///
    /// # Errors
    /// [`LockError::Gone`].
    pub fn check(&self) -> Result<(), LockError> {
        for (folder, identity) in self.watched().iter() {
            match Identity::at(folder) {
                Ok(found) if found == *identity => {}
                Ok(_) => return Err(LockError::Gone(folder.clone())),
                // Anything else (no permission any more, a network that hangs) is no proof.
                Err(error) if durable::is_absence(&error) => {
                    return Err(LockError::Gone(folder.clone()));
                }
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn watched(&self) -> std::sync::MutexGuard<'_, BTreeMap<PathBuf, Identity>> {
        self.0
            .watched
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A state folder with tokens is for its owner alone, also one that was open to others before it had any.
    fn be_guarded(&self) -> Result<(), LockError> {
        if !self.0.state.join("tokens.json").exists() {
            return Ok(());
        }
        for folder in [self.0.journal.clone(), self.index(), self.artifacts()] {
            let Ok(metadata) = std::fs::metadata(&folder) else {
                continue;
            };
            let mode = metadata.permissions().mode();
            if mode & 0o077 != 0 {
                let alone = std::fs::Permissions::from_mode(mode & 0o7700);
                std::fs::set_permissions(&folder, alone)
                    .map_err(failed("take from others the permission to read", &folder))?;
            }
        }
        Ok(())
    }
}

/// Takes the lock file, too. Where folders cannot be locked, it must be had.
fn lock_file(state: &Path, journal: &Path, is_needed: bool) -> Result<File, LockError> {
    let path = journal.join(FILE);
    let made = !path.exists();
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed("open", &path))?;
    if made {
        ownership::keep(&file, &path).map_err(failed("give its owner", &path))?;
    }
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => return Err(LockError::InUse(state.to_owned())),
        Err(TryLockError::Error(source)) if is_needed => {
            return Err(LockError::Unsupported { path, source });
        }
        Ok(()) | Err(TryLockError::Error(_)) => {}
    }
    if made {
        durable::sync_folder(journal).map_err(failed("sync", journal))?;
    }
    Ok(file)
}

/// An index that somebody has open is in use, not damaged: whoever made it again would delete it under a running
/// coordinator.
fn be_alone_with_the_index(state: &Path) -> Result<(), LockError> {
    // What sled locks.
    let path = state.join("index").join("db");
    for _ in 0..INDEX_TRIES {
        let Ok(file) = File::open(&path) else {
            return Ok(());
        };
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(INDEX_PAUSE),
            _ => return Ok(()),
        }
    }
    Err(LockError::InUse(state.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_in_use(state: &Path) -> bool {
        matches!(StateLock::take(state), Err(LockError::InUse(_)))
    }

    #[test]
    fn a_lock_file_that_is_removed_lets_nobody_in() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let lock = StateLock::take(&state).unwrap();
        std::fs::remove_file(state.join("journal/lock")).unwrap();
        assert!(is_in_use(&state));
        assert!(!state.join("journal/lock").exists(), "nothing was touched");
        // Nor does a link to the folder, or one from elsewhere to its journal.
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&state, &link).unwrap();
        assert!(is_in_use(&link));
        let other = folder.path().join("other");
        std::fs::create_dir(&other).unwrap();
        std::os::unix::fs::symlink(state.join("journal"), other.join("journal")).unwrap();
        assert!(is_in_use(&other));
        lock.check().unwrap();
        drop(lock);
        StateLock::take(&state).unwrap();
    }

    #[test]
    fn an_index_that_somebody_has_open_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("index")).unwrap();
        let database = File::create(folder.path().join("index/db")).unwrap();
        database.lock().unwrap();
        assert!(is_in_use(folder.path()));
        drop(database);
        StateLock::take(folder.path()).unwrap();
    }

    #[test]
    fn a_folder_that_is_removed_or_replaced_is_noticed() {
        let ways: [&dyn Fn(&Path); 5] = [
            &|state| std::fs::remove_dir_all(state).unwrap(),
            &|state| std::fs::remove_dir_all(state.join("artifacts")).unwrap(),
            &|state| std::fs::rename(state.join("journal"), state.join("moved")).unwrap(),
            &|state| {
                std::fs::rename(state, state.with_extension("old")).unwrap();
                std::fs::create_dir_all(state.join("journal")).unwrap();
                std::fs::create_dir_all(state.join("artifacts")).unwrap();
            },
            &|state| {
                std::fs::remove_dir_all(state).unwrap();
                std::fs::write(state, b"a file").unwrap();
            },
        ];
        for (way, remove) in ways.iter().enumerate() {
            let folder = tempfile::tempdir().unwrap();
            let state = folder.path().join("state");
            let lock = StateLock::take(&state).unwrap();
            std::fs::create_dir(lock.artifacts()).unwrap();
            lock.watch(&lock.artifacts()).unwrap();
            lock.check().unwrap();
            remove(&state);
            assert!(matches!(lock.check(), Err(LockError::Gone(_))), "{way}");
        }
    }

    #[test]
    fn a_state_folder_is_its_owners_alone() {
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("new/state");
        drop(StateLock::take(&state).unwrap());
        assert_eq!(mode(&state), 0o700);
        assert_eq!(mode(&state.join("journal")), 0o700);
        assert_eq!(mode(&state.join("journal/lock")), 0o600);
        // One that was opened to others stays so until it has tokens.
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(state.join("journal"), open).unwrap();
        drop(StateLock::take(&state).unwrap());
        assert_eq!(mode(&state.join("journal")), 0o755);
        std::fs::write(state.join("tokens.json"), b"{}").unwrap();
        drop(StateLock::take(&state).unwrap());
        assert_eq!(mode(&state.join("journal")), 0o700);
    }
}
