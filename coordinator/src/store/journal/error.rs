//! Why a journal cannot be used.

use std::io;
use std::path::{Path, PathBuf};

use super::frame;
use crate::store::lock::LockError;

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The state folder is another's, or is gone.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A backup or a restore into the state folder was interrupted.
    #[error(
        "{0} is not whole: a backup or a restore into it was interrupted. Run the same command again, which begins anew; nothing in this folder is used"
    )]
    Unfinished(PathBuf),
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
    /// What is read is not what was written.
    #[error(
        "the journal is damaged: {path} at byte {offset}: {what}. Restore a backup, or cut it there with `gcl-sweep coordinator repair --cut`; entries from there on are then lost"
    )]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where the frame begins.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// A snapshot is not what was written.
    #[error(
        "the journal's snapshot is damaged: {path} at byte {offset}: {what}. `gcl-sweep coordinator repair` sets it aside where the segments that it replaces are still there, so that nothing is lost; where they are not, restore a backup"
    )]
    DamagedSnapshot {
        /// The segment.
        path: PathBuf,
        /// Where the frame begins.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// It ends before an entry that was acknowledged.
    #[error(
        "the journal in {folder} ends with entry {ends}, but the index beside it has seen entry {seen}: {} acknowledged entries are lost. Put the journal's files back or restore a backup, or go on without those entries with `gcl-sweep coordinator repair --cut`",
        seen - ends
    )]
    Lost {
        /// The folder.
        folder: PathBuf,
        /// The number of its last entry.
        ends: u64,
        /// The number of the last entry that the index has seen.
        seen: u64,
    },
    /// It was written by a later version.
    #[error(
        "{path} has format version {version}, and this program reads {}: use the program that wrote it, or a later one",
        frame::VERSION
    )]
    TooNew {
        /// The segment.
        path: PathBuf,
        /// Its version.
        version: u16,
    },
    /// It was written by a version that was never released.
    #[error(
        "{path} has format version {version}, and this program reads {} alone: write the results out with the program that wrote it (`gcl-sweep report SWEEP --state DIR --out OUT`), and give this one a new state folder",
        frame::VERSION
    )]
    TooOld {
        /// The segment.
        path: PathBuf,
        /// Its version.
        version: u16,
    },
    /// An entry has no bytes, or too many.
    #[error("an entry cannot be encoded: {0}")]
    Encode(String),
}

impl JournalError {
    /// Whether trying again is no use: the files that were written to are not where they were.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Lock(LockError::Gone(_)))
    }

    pub(super) fn other_version(path: PathBuf, version: u16) -> Self {
        if version < frame::VERSION {
            Self::TooOld { path, version }
        } else {
            Self::TooNew { path, version }
        }
    }

    pub(crate) fn io(
        doing: &'static str,
        path: &Path,
    ) -> impl FnOnce(io::Error) -> JournalError + use<> {
        let path = path.to_owned();
        move |source| JournalError::Io {
            doing,
            path,
            source,
        }
    }
}
