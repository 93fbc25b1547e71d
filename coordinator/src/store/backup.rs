//! Copies of a state folder: taken while a coordinator is running on it or not, sent over the network, put back.

mod receive;
mod send;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use sweeps::Digest;

use crate::model::entry::Entry;
use crate::store::artifacts::{artifacts_in, path_of};
use crate::store::digests;
use crate::store::entries::{self, ScannedEntry};
use crate::store::journal::{self, JournalError, Verified};
use crate::store::mark::{self, Filling, Mark};

pub(crate) use proto::nouns::Piece;
pub use receive::{ReceiveError, Receiver};
pub use send::send;

/// The file of a state folder in which its coordinator keeps digests of tokens. No backup has it.
const TOKENS: &str = "tokens.json";

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The journal of the copy.
    pub journal: Verified,
    /// Bytes.
    pub bytes: u64,
    /// Artifacts that are not what their names say. They are left out.
    pub damaged: BTreeSet<Digest>,
}

/// Copies journal and artifacts of the state folder `state` to `target`, which must be new, empty, or one that a backup
/// into it left unfinished, and is a state folder then. The index is left out, since it is made again from the journal.
///
/// The journal goes first: an artifact is stored before the record that names it, so that the copy has all artifacts of
/// all its records.
///
/// # Errors
/// [`JournalError`], also where `target` holds something; it holds nothing then, or a mark that it is not whole.
pub fn backup(state: &Path, target: &Path) -> Result<Copied, JournalError> {
    mark::be_whole(state)?;
    let filling = Filling::begin("back up to", target)?;
    let copied = fill(state, target)?;
    filling.complete()?;
    Ok(copied)
}

/// Copies a state folder, and marks the copy as one.
fn fill(state: &Path, target: &Path) -> Result<Copied, JournalError> {
    let mut bytes = journal::copy(&state.join("journal"), &target.join("journal"))?;
    let journal = entries::verify(&target.join("journal"))?;
    let (from, to) = (state.join("artifacts"), target.join("artifacts"));
    let mut damaged = BTreeSet::new();
    for artifact in artifacts_in(&from)? {
        let (digest, path) = artifact?;
        match copy_artifact(digest, &path, &to).map_err(JournalError::io("copy to", &to))? {
            Some(copied) => bytes += copied,
            None => drop(damaged.insert(digest)),
        }
    }
    if is_guarded(state) {
        Mark::Guarded.put(target)?;
    }
    Mark::Copied.put(target)?;
    Ok(Copied {
        journal,
        bytes,
        damaged,
    })
}

/// Whether callers of the coordinator of a state folder need tokens.
fn is_guarded(state: &Path) -> bool {
    // A folder whose coordinator has not started since its first token has no mark yet.
    Mark::Guarded.is_on(state) || state.join(TOKENS).exists()
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
    /// Artifacts of the backup that are not what their names say. They are left out.
    pub damaged: BTreeSet<Digest>,
    /// Whether callers needed tokens. A backup holds none.
    pub is_guarded: bool,
    /// Bytes that were copied.
    pub bytes: u64,
}

/// Makes a state folder of a backup. Everything is read and verified first; `state` must be new, empty, or one that a
/// restore into it left unfinished.
///
/// # Errors
/// [`JournalError`]: the backup is damaged or not whole, or the folder holds something.
pub fn restore(from: &Path, state: &Path) -> Result<Restored, JournalError> {
    mark::be_whole(from)?;
    if !from.join("journal").is_dir() {
        let nothing = io::Error::new(io::ErrorKind::NotFound, "it has no folder `journal`");
        return Err(JournalError::io("restore from", from)(nothing));
    }
    let filling = Filling::begin("restore to", state)?;
    let mut records = 0;
    let mut missing = BTreeSet::new();
    journal::visit(&from.join("journal"), &mut |scanned: ScannedEntry| {
        records += u64::from(scanned.entry.finished().is_some());
        missing.extend(artifacts_of(&scanned.entry).filter(|digest| !is_stored(from, *digest)));
        Ok(())
    })?;
    let copied = fill(from, state)?;
    filling.complete()?;
    Ok(Restored {
        journal: copied.journal,
        records,
        missing,
        damaged: copied.damaged,
        is_guarded: Mark::Guarded.is_on(state),
        bytes: copied.bytes,
    })
}

/// Whether a state folder has an artifact, whole or not.
pub(crate) fn is_stored(state: &Path, digest: Digest) -> bool {
    path_of(&state.join("artifacts"), digest).is_file()
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

/// Copies an artifact where it is what its name says, and answers its bytes; `None`: it is not, and was left out.
fn copy_artifact(digest: Digest, path: &Path, artifacts: &Path) -> io::Result<Option<u64>> {
    let copy = path_of(artifacts, digest);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(durable::parent(&copy))?;
    match digests::copy(path, &copy) {
        Ok((found, copied)) if found == digest => Ok(Some(copied)),
        Ok(_) => {
            std::fs::remove_file(&copy)?;
            Ok(None)
        }
        // Collected as garbage since it was listed: no record names it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(0)),
        Err(error) => Err(error),
    }
}
