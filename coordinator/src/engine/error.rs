//! Why an engine does not start, or stopped.

use std::path::PathBuf;

use proto::nouns::StateKind;

use crate::store::index::IndexError;
use crate::store::journal::JournalError;
use crate::store::lock::LockError;

/// Why an engine does not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The state folder is another's, or is gone.
    #[error(transparent)]
    Lock(LockError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(JournalError),
    /// The index cannot be made.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// Records of real training, of rehearsals and of no-op jobs never share a state folder.
    #[error(
        "the state folder {state} holds {}: give {} a folder of their own",
        held.jobs(),
        wanted.jobs()
    )]
    OtherKind {
        /// The folder.
        state: PathBuf,
        /// What is in it.
        held: StateKind,
        /// What was to go into it.
        wanted: StateKind,
    },
    /// A task of it ended in a panic, or a thread could not be had: starting it again may help.
    #[error("the engine stopped: {0}")]
    Task(String),
}

impl From<LockError> for EngineError {
    fn from(error: LockError) -> Self {
        Self::Lock(error)
    }
}

impl From<JournalError> for EngineError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Lock(error) => Self::Lock(error),
            other => Self::Journal(other),
        }
    }
}
