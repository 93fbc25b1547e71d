//! Finished results that one user's runs keep for each other, whatever their folders: what was trained for one table is not
//! trained again for the next.
//!
//! A result is known by its job, whose id says parameters, data and the trainer's revision, and by the kind of device that
//! decides its bits ([`Key`]). It lies in a file of its own that is whole or is not used ([`Entry`]), in a folder that is its
//! user's alone. Files are written beside and renamed, so that runs may write at the same time and be killed at any moment;
//! where there are more bytes than may be, those that were used longest ago go.

mod entry;
#[cfg(test)]
mod fixture;
mod folder;
mod key;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use durable::{UNFINISHED, Writing};

pub use entry::Entry;
pub use key::Key;

/// Where there are more bytes than may be, so much of what may be is left: the next result finds room.
const LEFT: f64 = 0.9;
/// A file that is not whole and older than this is of a run that was killed.
const ABANDONED: Duration = Duration::from_hours(24);

/// How results are written: for their user alone; a power loss may lose one, and a torn one is not used.
const WRITING: Writing = Writing {
    mode: Some(0o600),
    synced: false,
    owner_kept: false,
};

/// The cache of a user.
#[derive(Debug, Clone)]
pub struct ResultCache {
    /// As its user names it, for messages.
    cache: PathBuf,
    results: PathBuf,
    most_bytes: u64,
}

/// What became of a result that was to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is there now, in so many bytes.
    New(u64),
    /// It was there.
    Already,
    /// Another result of the same job and kind of device was there. One of the two is wrong: now there is none.
    Differs,
    /// It is too long, or has no name.
    Refused,
}

/// What there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Contents {
    /// Results.
    pub results: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Files that are none.
    pub foreign: usize,
}

/// A file.
struct Found {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
    kind: FileKind,
}

#[derive(PartialEq, Eq)]
enum FileKind {
    Result,
    Unfinished,
    Foreign,
}

impl ResultCache {
    /// The cache in that folder, which is made where it is not there.
    ///
    /// # Errors
    /// It is not to be used, and why.
    pub fn make(cache: &Path, most_bytes: u64) -> Result<Self, String> {
        let results = folder::make(cache)?;
        Ok(Self {
            cache: cache.to_owned(),
            results,
            most_bytes,
        })
    }

    /// The cache in that folder, where there is one.
    ///
    /// # Errors
    /// It is not to be used, and why.
    pub fn find(cache: &Path, most_bytes: u64) -> Result<Option<Self>, String> {
        let results = folder::find(cache)?;
        Ok(results.map(|results| Self {
            cache: cache.to_owned(),
            results,
            most_bytes,
        }))
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.cache
    }

    /// Bytes that it may have.
    pub fn most_bytes(&self) -> u64 {
        self.most_bytes
    }

    fn path(&self, key: &Key) -> Option<PathBuf> {
        Some(self.results.join(key.path()?))
    }

    /// Whether a file is there for a result. Whether it can be used shows [`Self::get`].
    pub fn has(&self, key: &Key) -> bool {
        self.path(key).is_some_and(|path| path.is_file())
    }

    /// A result; `None`: there is none. That it was used is remembered.
    ///
    /// # Errors
    /// What is there is not used: it is damaged, or somebody else's. The words name the file.
    pub fn get(&self, key: &Key, now: SystemTime) -> Result<Option<Entry>, String> {
        let Some(path) = self.path(key) else {
            return Ok(None);
        };
        let unusable = |why: &str| format!("{} is not used: {why}", path.display());
        let Some((file, bytes)) = folder::read(&path).map_err(|why| unusable(&why))? else {
            return Ok(None);
        };
        let entry = Entry::decode(&bytes, key).map_err(unusable)?;
        // Nothing but the order in which results go depends on it.
        let _ = file.set_modified(now);
        Ok(Some(entry))
    }

    /// Keeps a result.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn put(&self, entry: &Entry) -> Result<Kept, String> {
        let key = Key::of(&entry.record);
        let Some(path) = self.path(&key) else {
            return Ok(Kept::Refused);
        };
        // What cannot be used is written over.
        if let Ok(Some((_, bytes))) = folder::read(&path)
            && let Ok(known) = Entry::decode(&bytes, &key)
        {
            if known.record.outcome == entry.record.outcome {
                return Ok(Kept::Already);
            }
            self.remove(&key)?;
            return Ok(Kept::Differs);
        }
        let bytes = entry.encode();
        let length = bytes.len() as u64;
        if length > folder::LONGEST.min(self.most_bytes / 2) {
            return Ok(Kept::Refused);
        }
        let failed = |error| format!("cannot write {}: {error}", path.display());
        durable::make_folders(durable::parent(&path)).map_err(failed)?;
        durable::replace(&path, &[&bytes], WRITING).map_err(failed)?;
        Ok(Kept::New(length))
    }

    /// Removes a result; one that is not there is removed.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove(&self, key: &Key) -> Result<(), String> {
        let Some(path) = self.path(key) else {
            return Ok(());
        };
        durable::discard(&path)
            .map_err(|error| format!("cannot remove {}: {error}", path.display()))
    }

    /// What there is.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn contents(&self) -> Result<Contents, String> {
        let mut contents = Contents::default();
        for found in self.files()? {
            match found.kind {
                FileKind::Result => {
                    contents.results += 1;
                    contents.bytes += found.bytes;
                }
                FileKind::Unfinished => contents.bytes += found.bytes,
                FileKind::Foreign => contents.foreign += 1,
            }
        }
        Ok(contents)
    }

    /// Where there are more bytes than may be, removes what was used longest ago, and what killed runs left. Answers how many
    /// results went, and how many bytes are left.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn shrink(&self, now: SystemTime) -> Result<(usize, u64), String> {
        let mut files = self.files()?;
        let is_abandoned = |found: &Found| {
            let age = now.duration_since(found.used).unwrap_or_default();
            found.kind == FileKind::Unfinished && age > ABANDONED
        };
        for found in files.iter().filter(|found| is_abandoned(found)) {
            let _ = durable::discard(&found.path);
        }
        files.retain(|found| found.kind == FileKind::Result);
        let mut bytes: u64 = files.iter().map(|found| found.bytes).sum();
        let mut gone = 0;
        if bytes > self.most_bytes {
            let wanted = (self.most_bytes as f64 * LEFT) as u64;
            files.sort_by_key(|found| found.used);
            for found in files {
                if bytes <= wanted {
                    break;
                }
                // Another run may remove it at the same time.
                if durable::discard(&found.path).is_ok() {
                    bytes -= found.bytes;
                    gone += 1;
                }
            }
        }
        Ok((gone, bytes))
    }

    /// Removes every result, and nothing else. Answers what went.
    ///
    /// # Errors
    /// The folder cannot be read, or a result cannot be removed.
    pub fn clear(&self) -> Result<Contents, String> {
        let mut gone = Contents::default();
        for found in self.files()? {
            if found.kind == FileKind::Foreign {
                gone.foreign += 1;
                continue;
            }
            durable::discard(&found.path)
                .map_err(|error| format!("cannot remove {}: {error}", found.path.display()))?;
            gone.bytes += found.bytes;
            gone.results += usize::from(found.kind == FileKind::Result);
        }
        Ok(gone)
    }

    fn files(&self) -> Result<Vec<Found>, String> {
        let failed =
            |folder: &Path, error| format!("cannot read the folder {}: {error}", folder.display());
        let mut files = Vec::new();
        for below in names(&self.results).map_err(|error| failed(&self.results, error))? {
            if !below.is_dir() || below.is_symlink() {
                files.extend(found(below, true));
                continue;
            }
            let inside = names(&below).map_err(|error| failed(&below, error))?;
            files.extend(inside.into_iter().filter_map(|path| found(path, false)));
        }
        Ok(files)
    }
}

fn names(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?;
    let mut names = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// What lies there; `None` where it went meanwhile.
fn found(path: PathBuf, misplaced: bool) -> Option<Found> {
    let metadata = path.symlink_metadata().ok()?;
    let name = path.file_name()?.to_string_lossy();
    let kind = match () {
        () if misplaced || !metadata.is_file() => FileKind::Foreign,
        () if Key::of_name(&name).is_some() => FileKind::Result,
        () if name.contains(".result.") && name.ends_with(UNFINISHED) => FileKind::Unfinished,
        () => FileKind::Foreign,
    };
    Some(Found {
        bytes: metadata.len(),
        used: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
        kind,
        path,
    })
}

#[cfg(test)]
mod tests;
