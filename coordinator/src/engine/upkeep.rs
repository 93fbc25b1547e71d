//! What an admin runs when a state folder is not trusted any more.

use std::collections::BTreeSet;
use std::path::Path;

use sweeps::Digest;

use super::config::Config;
use super::disk_state::DiskState;
use super::error::EngineError;
use crate::store::artifacts::set_damaged_aside;
use crate::store::backup::{artifacts_of, is_stored};
use crate::store::entries;
use crate::store::index::IndexError;
use crate::store::index::SledStore;
use crate::store::journal::{self, JournalError, Mended, Verified};
use crate::store::lock::StateLock;
use crate::store::mark;
use proto::nouns::Counts;

/// What a repair found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// What was done about damage, in order.
    pub mended: Vec<Mended>,
    /// Artifacts that were damaged. They are set aside, in files that end in `.damaged`.
    pub damaged: BTreeSet<Digest>,
    /// Artifacts that a record names and that are not there.
    pub missing: BTreeSet<Digest>,
    /// The journal as it is now.
    pub journal: Verified,
    /// Sweeps by name, with their jobs by status.
    pub sweeps: Vec<(String, Counts)>,
}

/// Verifies the journal and makes the index again from it. A damaged snapshot is set aside, where nothing is lost by that.
/// Other damage is cut off where `cut` allows that: entries from there on are then lost, and kept beside it. No coordinator may be running on the folder.
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
    mark::be_whole(state)?;
    let lock = StateLock::take(state)?;
    let mended = entries::repair(&lock, cut)?;
    if cut {
        // What it knows of entries that are lost would refuse the start.
        SledStore::remove(&lock.index())?;
    }
    let mut config = Config::new(state);
    config.rebuild_index = true;
    let sweeps = match open_and_close(&config, &lock) {
        // A folder of rehearsals, or of jobs that train nothing, is repaired like any other.
        Err(EngineError::OtherKind { held, .. }) => {
            config.trainer_revision = held.trainer_revision();
            open_and_close(&config, &lock)?
        }
        opened => opened?,
    };
    let damaged = set_damaged_aside(state)?;
    let mut missing = BTreeSet::new();
    journal::visit(&folder, &mut |scanned| {
        missing.extend(artifacts_of(&scanned.entry).filter(|digest| !is_stored(state, *digest)));
        Ok(())
    })?;
    Ok(Repaired {
        mended,
        damaged,
        missing,
        journal: entries::verify(&folder)?,
        sweeps,
    })
}

/// Opens the state folder like a start would, its index made again where that is asked for or needed, and closes it.
/// Answers the sweeps with their jobs by status.
pub(super) fn open_and_close(
    config: &Config,
    lock: &StateLock,
) -> Result<Vec<(String, Counts)>, EngineError> {
    let opened = DiskState::open(config, lock)?;
    if let Some(why) = opened.reader.trouble() {
        return Err(IndexError(why).into());
    }
    opened.state.close();
    let sweeps = opened.scheduler.sweeps().into_iter();
    Ok(sweeps.map(|sweep| (sweep.name, sweep.counts)).collect())
}
