//! What an admin runs when a state folder is not trusted any more.

use std::path::Path;

use crate::engine::{self, Config, EngineError};
use crate::journal::{self, JournalError, Verified};
use crate::message::Counts;

/// What a repair found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// The damage that was cut off, where there was some.
    pub damage: Option<String>,
    /// The journal as it is now.
    pub journal: Verified,
    /// Sweeps by name, with their jobs by status.
    pub sweeps: Vec<(String, Counts)>,
}

/// Verifies the journal and makes the index again from it. Damage is cut off where `cut` allows that: entries from there on
/// are then lost, and kept beside it. No coordinator may be running on the folder.
///
/// # Errors
/// [`EngineError`]: the folder is in use, or the journal is damaged and may or can not be cut.
pub fn repair(state: &Path, cut: bool) -> Result<Repaired, EngineError> {
    let folder = state.join("journal");
    if !folder.is_dir() {
        let nothing =
            std::io::Error::new(std::io::ErrorKind::NotFound, "it has no folder `journal`");
        return Err(JournalError::io("repair", state)(nothing).into());
    }
    let damage = if cut { journal::repair(&folder)? } else { None };
    let mut config = Config::new(state);
    config.rebuild_index = true;
    let sweeps = match engine::open_and_close(&config) {
        // A folder of jobs that train nothing is repaired like any other.
        Err(EngineError::OtherKind { .. }) => {
            config.trainer_revision = sweeps::NOOP_REVISION;
            engine::open_and_close(&config)?
        }
        opened => opened?,
    };
    Ok(Repaired {
        damage,
        journal: journal::verify(&folder)?,
        sweeps,
    })
}
