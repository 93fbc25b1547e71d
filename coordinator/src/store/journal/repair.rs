//! What is done to journals that no coordinator has open: copying, checking, cutting off damage.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use durable::sync_folder;
use sweeps::Digest;

use super::error::JournalError;
use super::files::{self, Selection, path_of};
use super::frame::HEADER;
use super::options::Options;
use super::payload::Payload;
use super::scan::{Scanned, scan};
use super::segment::create;
use crate::store::lock::StateLock;

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
    let segments = files::open(folder, Selection::All)?;
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
pub fn verify<P: Payload>(folder: &Path) -> Result<Verified, JournalError> {
    let mut entries = 0;
    let found = scan(folder, Selection::All, &mut |_: Scanned<P>| {
        entries += 1;
        Ok(())
    })?;
    Ok(Verified {
        sequence: found.last.as_ref().map_or(0, |last| last.sequence),
        entries,
        chain: Digest(found.last.as_ref().map_or([0; 32], |last| last.chain)),
        segments: files::open(folder, Selection::All)?.current.len(),
        is_torn: found.last.is_some_and(|last| last.torn),
    })
}

/// What was done to a damaged journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mended {
    /// A damaged snapshot was set aside, in a file that ends in `.damaged`. What it stands for is read again: nothing is lost.
    SetAside(String),
    /// The journal was cut at the damage. What was cut off is kept beside it, in files that end in `.damaged`.
    Cut(String),
}

/// Mends a damaged journal: a damaged snapshot is set aside where the files that it stands for are there and whole;
/// anything else is cut at the damage where `cut` allows that. Answers what was done, in order.
///
/// # Errors
/// [`JournalError`]: the folder cannot be written, or its damage cannot be mended, or not without `cut`.
pub fn repair<P: Payload>(lock: &StateLock, cut: bool) -> Result<Vec<Mended>, JournalError> {
    let folder = lock.journal();
    let mut done = Vec::new();
    while let Err(error) = scan(folder, Selection::All, &mut |_: Scanned<P>| Ok(())) {
        let said = error.to_string();
        match &error {
            JournalError::DamagedSnapshot { path, .. } => {
                if !stands_without::<P>(folder, path)? {
                    return Err(error);
                }
                set_aside(folder, path).map_err(JournalError::io("set aside", path))?;
                done.push(Mended::SetAside(said));
            }
            JournalError::Damaged { path, offset, .. } if cut => {
                cut_at(folder, path, *offset)?;
                done.push(Mended::Cut(said));
            }
            _ => return Err(error),
        }
    }
    Ok(done)
}

/// Whether the journal is whole without that snapshot.
fn stands_without<P: Payload>(folder: &Path, snapshot: &Path) -> Result<bool, JournalError> {
    let number = |path: &Path| path.file_stem()?.to_str()?.parse().ok();
    let Some(number) = number(snapshot) else {
        return Ok(false);
    };
    match scan(folder, Selection::Without(number), &mut |_: Scanned<P>| {
        Ok(())
    }) {
        Ok(_) => Ok(true),
        Err(JournalError::DamagedSnapshot { .. } | JournalError::Damaged { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn set_aside(folder: &Path, path: &Path) -> io::Result<()> {
    std::fs::rename(path, durable::aside(path)?)?;
    sync_folder(folder)
}

fn cut_at(folder: &Path, path: &Path, offset: u64) -> Result<(), JournalError> {
    let number = |path: &Path| path.file_stem()?.to_str()?.parse::<u64>().ok();
    let number = number(path).unwrap_or(0);
    let later = files::later(folder, number + 1)?;
    let cut = || -> io::Result<()> {
        // The segment behind a snapshot may be missing altogether.
        if path.exists() {
            let mut file = File::options().read(true).write(true).open(path)?;
            // For its owner alone, like the journal, and never in the place of what an earlier repair kept.
            let mut kept = File::options()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(durable::aside(path)?)?;
            file.seek(SeekFrom::Start(offset))?;
            io::copy(&mut file, &mut kept)?;
            kept.sync_all()?;
            sync_folder(folder)?;
            if offset < HEADER {
                std::fs::remove_file(path)?;
            } else {
                file.set_len(offset)?;
                file.sync_all()?;
            }
        }
        for number in later {
            let later = path_of(folder, number);
            std::fs::rename(&later, durable::aside(&later)?)?;
        }
        sync_folder(folder)
    };
    cut().map_err(JournalError::io("repair", path))?;
    let segments = files::open(folder, Selection::All)?;
    if let Some(last) = segments.current.last()
        && last.is_snapshot
        && let Some(header) = &last.header
    {
        create(folder, last.number, header.chain, &Options::default())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::appender::Journal;
    use super::super::tests::bytes;
    use super::*;

    /// Appends entries, damages the last of them and cuts it off; answers the segment.
    fn cut_the_last(folder: &Path) -> std::path::PathBuf {
        let mut journal = Journal::open_in(folder, Options::default(), &mut |_| Ok(())).unwrap();
        for number in [1, 2] {
            journal.append(&[bytes(number, 40)]).unwrap();
        }
        drop(journal);
        let path = path_of(folder, 1);
        let offset = std::fs::metadata(&path).unwrap().len() - 3;
        cut_at(folder, &path, offset).unwrap();
        path
    }

    #[test]
    fn a_second_cut_leaves_what_the_first_one_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = cut_the_last(folder.path());
        let first = durable::parent(&path).join("00000000000000000001.journal.damaged");
        std::fs::write(&first, b"what the first one kept").unwrap();
        cut_the_last(folder.path());
        assert_eq!(std::fs::read(&first).unwrap(), b"what the first one kept");
        let second = first.with_file_name("00000000000000000001.journal.2.damaged");
        let found = std::fs::metadata(second).unwrap();
        assert_eq!(
            (found.len(), found.permissions().mode() & 0o777),
            (3, 0o600)
        );
    }
}
