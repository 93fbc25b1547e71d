//! What is done to journals that no coordinator has open: copying, checking, cutting off damage.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use sweeps::Digest;

use super::files::{self, path_of};
use super::frame::{HEADER, Kind};
use super::scan::scan;
use super::{JournalError, sync_folder};

/// A segment to be copied: what is in it now will stay as it is.
#[derive(Debug)]
pub struct Part {
    /// The file's name.
    pub name: String,
    /// The file, read-only, at its beginning. It can be read to its end also when a snapshot takes its place.
    pub file: File,
    /// So many bytes belong to the copy.
    pub bytes: u64,
}

/// The segments that make up the journal now, in order. Copied in that order they are a journal: a prefix of one that is
/// being written.
///
/// # Errors
/// [`JournalError::Io`].
pub fn parts(folder: &Path) -> Result<Vec<Part>, JournalError> {
    let segments = files::open(folder)?;
    Ok(segments
        .current
        .into_iter()
        .map(|segment| Part {
            name: segment
                .path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            file: segment.file,
            bytes: segment.length,
        })
        .collect())
}

/// Copies the segments to another folder, in order, synced. May be done while a coordinator is running: what is copied is
/// a prefix of what is written. Answers the number of bytes.
///
/// # Errors
/// [`JournalError::Io`].
pub fn copy(folder: &Path, target: &Path) -> Result<u64, JournalError> {
    std::fs::create_dir_all(target).map_err(JournalError::io("make the folder", target))?;
    let mut total = 0;
    for part in parts(folder)? {
        let to = target.join(&part.name);
        let copy = || -> io::Result<u64> {
            let mut out = File::create(&to)?;
            let bytes = io::copy(&mut part.file.take(part.bytes), &mut out)?;
            out.sync_all()?;
            Ok(bytes)
        };
        total += copy().map_err(JournalError::io("copy to", &to))?;
    }
    sync_folder(target).map_err(JournalError::io("sync", target))?;
    Ok(total)
}

/// What a journal holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Number of the last entry, counted from the very first; what a snapshot stands for included.
    pub sequence: u64,
    /// Entries that were read.
    pub entries: u64,
    /// Hash of everything.
    pub chain: Digest,
    /// Segments.
    pub segments: usize,
    /// Whether the last entry was not written to its end. The next start cuts it off.
    pub is_torn: bool,
}

/// Reads a journal and verifies every hash. Changes nothing, and may be done while a coordinator is running.
///
/// # Errors
/// [`JournalError`]: what is wrong, and where.
pub fn verify(folder: &Path) -> Result<Verified, JournalError> {
    let mut entries = 0;
    let found = scan(folder, &mut |_| {
        entries += 1;
        Ok(())
    })?;
    Ok(Verified {
        sequence: found.last.as_ref().map_or(0, |last| last.sequence),
        entries,
        chain: Digest(found.last.as_ref().map_or([0; 32], |last| last.chain)),
        segments: files::open(folder)?.current.len(),
        is_torn: found.last.is_some_and(|last| last.torn),
    })
}

/// Cuts a damaged journal at the damage. What is cut off is kept beside it, in files that end in `.damaged`. Answers the
/// damage, `None` where there was none. No coordinator may be running on the folder.
///
/// A damaged snapshot is not cut: what follows it means nothing without it.
///
/// # Errors
/// [`JournalError`], when the folder is in use, cannot be written, or its snapshot is damaged.
pub fn repair(folder: &Path) -> Result<Option<String>, JournalError> {
    let _lock = super::lock(folder)?;
    let Err(error) = scan(folder, &mut |_| Ok(())) else {
        return Ok(None);
    };
    let JournalError::Damaged { path, offset, what } = &error else {
        return Err(error);
    };
    let segments = files::open(folder)?;
    let is_snapshot = segments.current.iter().any(|segment| {
        segment.path == *path
            && segment
                .header
                .as_ref()
                .is_some_and(|header| header.kind == Kind::Snapshot)
    });
    if is_snapshot {
        return Err(JournalError::DamagedSnapshot {
            path: path.clone(),
            offset: *offset,
            what: what.clone(),
        });
    }
    let mut file = File::options()
        .read(true)
        .write(true)
        .open(path)
        .map_err(JournalError::io("open", path))?;
    let keep = path.with_extension("journal.damaged");
    let later: Vec<u64> = files::numbers(folder)?
        .into_iter()
        .filter(|number| path_of(folder, *number) > *path)
        .collect();
    let cut = || -> io::Result<()> {
        let mut kept = File::create(&keep)?;
        file.seek(SeekFrom::Start(*offset))?;
        io::copy(&mut file, &mut kept)?;
        kept.sync_all()?;
        sync_folder(folder)?;
        if *offset < HEADER {
            std::fs::remove_file(path)?;
        } else {
            file.set_len(*offset)?;
            file.sync_all()?;
        }
        for number in later {
            let later = path_of(folder, number);
            std::fs::rename(&later, later.with_extension("journal.damaged"))?;
        }
        sync_folder(folder)
    };
    cut().map_err(JournalError::io("repair", path))?;
    Ok(Some(error.to_string()))
}
