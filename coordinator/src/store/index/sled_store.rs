//! The index on sled, with what we know of its traps.

use std::path::Path;

use super::{Batch, IndexError, Pairs, Store};

/// The index on sled: one tree, so that a batch is atomic.
#[derive(Debug)]
pub struct SledStore(sled::Db);

/// How often, and how far apart, a lock is asked for that somebody still holds.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(25);

impl SledStore {
    /// Opens the index in `folder`, making it if there is none.
    ///
    /// # Errors
    /// [`IndexError`]: it cannot be trusted; throw it away and make it again.
    pub fn open(folder: &Path) -> Result<Self, IndexError> {
        std::fs::create_dir_all(folder).map_err(|error| error_at(folder, &error))?;
        // A process that was killed while it opened the index leaves these, and the next open then fails with
        // `Corruption` (sled issue 1533).
        for entry in std::fs::read_dir(folder).map_err(|error| error_at(folder, &error))? {
            let path = entry.map_err(|error| error_at(folder, &error))?.path();
            let unfinished = path
                .file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| name.starts_with("snap.") && name.ends_with(".generating"));
            if unfinished {
                std::fs::remove_file(&path).map_err(|error| error_at(&path, &error))?;
            }
        }
        guarded(|| Self::open_files(folder))
    }

    fn open_files(folder: &Path) -> Result<Self, IndexError> {
        let config = sled::Config::new()
            .path(folder)
            // A coordinator that idles must stay small; the operating system caches the file anyway.
            .cache_capacity(8 << 20);
        // A store that was dropped lets go of its lock on a thread of its own, a moment later.
        for _ in 0..LOCK_TRIES {
            match config.open() {
                Err(sled::Error::Io(error)) if error.to_string().contains("acquire lock") => {
                    std::thread::sleep(LOCK_PAUSE);
                }
                opened => return opened.map(Self).map_err(|error| error_at(folder, &error)),
            }
        }
        config
            .open()
            .map(Self)
            .map_err(|error| error_at(folder, &error))
    }

    /// Throws an index away. The folder stays: it may be a file system of its own.
    ///
    /// # Errors
    /// [`IndexError`] where its files cannot be removed.
    pub fn remove(folder: &Path) -> Result<(), IndexError> {
        let entries = match std::fs::read_dir(folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(|error| error_at(folder, &error))?,
        };
        for entry in entries {
            let path = entry.map_err(|error| error_at(folder, &error))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let removed = match name {
                Some("conf" | "db") => std::fs::remove_file(&path),
                Some("blobs") => std::fs::remove_dir_all(&path),
                Some(name) if name.starts_with("snap.") => std::fs::remove_file(&path),
                // Not sled's, and in nobody's way.
                _ => Ok(()),
            };
            removed.map_err(|error| error_at(&path, &error))?;
        }
        Ok(())
    }
}

impl Store for SledStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, IndexError> {
        guarded(|| {
            let value = self.0.get(key).map_err(failed)?;
            Ok(value.map(|value| value.to_vec()))
        })
    }

    fn scan(&self, prefix: &[u8]) -> Result<Pairs, IndexError> {
        guarded(|| {
            self.0
                .scan_prefix(prefix)
                .map(|item| {
                    item.map(|(key, value)| (key.to_vec(), value.to_vec()))
                        .map_err(failed)
                })
                .collect()
        })
    }

    fn count(&self, prefix: &[u8]) -> Result<u64, IndexError> {
        guarded(|| {
            let mut count = 0;
            for item in self.0.scan_prefix(prefix).keys() {
                item.map_err(failed)?;
                count += 1;
            }
            Ok(count)
        })
    }

    fn apply(&self, batch: Batch) -> Result<(), IndexError> {
        let mut changes = sled::Batch::default();
        for (key, value) in batch {
            match value {
                Some(value) => changes.insert(key, value),
                None => changes.remove(key),
            }
        }
        guarded(|| self.0.apply_batch(changes).map_err(failed))
    }

    fn flush(&self) -> Result<(), IndexError> {
        guarded(|| self.0.flush().map(drop).map_err(failed))
    }
}

/// Does it, and takes a panic of sled for what it is: an index that cannot be used. Where a disk is full or lies, some of
/// sled's paths end in a panic, and the engine must not go down with it.
fn guarded<T>(work: impl FnOnce() -> Result<T, IndexError>) -> Result<T, IndexError> {
    // The index is thrown away after an error, so that nobody sees what the panic left half done.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        Err(IndexError(format!(
            "sled panicked: {}",
            text.unwrap_or("without a word")
        )))
    })
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the form that `map_err` takes"
)]
fn failed(error: sled::Error) -> IndexError {
    IndexError(error.to_string())
}

fn error_at(path: &Path, error: &dyn std::fmt::Display) -> IndexError {
    IndexError(format!("{}: {error}", path.display()))
}
