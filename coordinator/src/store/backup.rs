//! Copies of a state folder: taken while a coordinator is running on it or not, sent over the network, put back.

mod receive;
mod send;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::Path;

use sweeps::Digest;

use crate::model::entry::Entry;
use crate::store::journal::{self, JournalError, Verified, sync_folder};

pub(crate) use proto::nouns::Piece;
pub use receive::{ReceiveError, Receiver};
pub use send::send;

/// Copies journal and artifacts of the state folder `state` to `target`, which must be new or empty and is a state folder
/// then. The index is left out, since it is made again from the journal.
///
/// The journal goes first: an artifact is stored before the record that names it, so that the copy has all artifacts of
/// all its records.
///
/// # Errors
/// [`JournalError::Io`], also where `target` holds something.
pub fn backup(state: &Path, target: &Path) -> Result<u64, JournalError> {
    be_empty("back up to", target)?;
    let mut bytes = journal::copy(&state.join("journal"), &target.join("journal"))?;
    let (from, to) = (state.join("artifacts"), target.join("artifacts"));
    for folder in folders(&from).map_err(JournalError::io("list", &from))? {
        // Two digits of a digest. What is on its way (`incoming`) belongs to no record.
        if folder.len() == 2 {
            bytes += copy_files(&from.join(&folder), &to.join(&folder))
                .map_err(JournalError::io("copy to", &to))?;
        }
    }
    sync_folder(target).map_err(JournalError::io("sync", target))?;
    Ok(bytes)
}

/// What a restored folder holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The journal.
    pub journal: Verified,
    /// Records.
    pub records: u64,
    /// Artifacts that a record names and that the backup does not have.
    pub missing: BTreeSet<Digest>,
    /// Bytes that were copied.
    pub bytes: u64,
}

/// Makes a state folder of a backup. Everything is read and verified first; `state` must be new or empty.
///
/// # Errors
/// [`JournalError`]: the backup is damaged, or the folder holds something.
pub fn restore(from: &Path, state: &Path) -> Result<Restored, JournalError> {
    if !from.join("journal").is_dir() {
        let nothing = io::Error::new(io::ErrorKind::NotFound, "it has no folder `journal`");
        return Err(JournalError::io("restore from", from)(nothing));
    }
    be_empty("restore to", state)?;
    let journal = journal::verify(&from.join("journal"))?;
    let mut records = 0;
    let mut missing = BTreeSet::new();
    journal::visit(&from.join("journal"), &mut |scanned| {
        records += u64::from(scanned.entry.finished().is_some());
        missing.extend(artifacts_of(&scanned.entry).filter(|digest| {
            let name = digest.to_string();
            !from
                .join("artifacts")
                .join(&name[..2])
                .join(&name)
                .is_file()
        }));
        Ok(())
    })?;
    let bytes = backup(from, state)?;
    Ok(Restored {
        journal,
        records,
        missing,
        bytes,
    })
}

/// The artifacts of an entry's record, recorded or only compared.
pub(crate) fn artifacts_of(entry: &Entry) -> impl Iterator<Item = Digest> {
    let record = match entry {
        Entry::Finished { record, .. } => Some(record),
        Entry::Compared { record, .. } => record.as_ref(),
        _ => None,
    };
    record
        .into_iter()
        .flat_map(|record| &record.outcome.artifacts)
        .map(|artifact| artifact.digest)
}

fn be_empty(doing: &'static str, target: &Path) -> Result<(), JournalError> {
    std::fs::create_dir_all(target).map_err(JournalError::io("make the folder", target))?;
    let mut present = std::fs::read_dir(target).map_err(JournalError::io("list", target))?;
    if present.next().is_some() {
        let full = io::Error::new(io::ErrorKind::DirectoryNotEmpty, "it is not empty");
        return Err(JournalError::io(doing, target)(full));
    }
    Ok(())
}

/// The names in a folder, in order; none where there is no folder.
pub(crate) fn folders(folder: &Path) -> io::Result<Vec<String>> {
    match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
        Ok(entries) => {
            let mut names = Vec::new();
            for entry in entries {
                names.extend(entry?.file_name().into_string());
            }
            names.sort();
            Ok(names)
        }
    }
}

fn copy_files(from: &Path, to: &Path) -> io::Result<u64> {
    std::fs::create_dir_all(to)?;
    let mut bytes = 0;
    for name in folders(from)? {
        let copy = to.join(&name);
        bytes += match std::fs::copy(from.join(&name), &copy) {
            Ok(bytes) => bytes,
            // Collected as garbage since it was listed: no record names it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        File::open(&copy)?.sync_all()?;
    }
    sync_folder(to)?;
    Ok(bytes)
}
