//! What the coordinator keeps in its journal: an [`Entry`] as JSON in each frame.

use std::io;
use std::path::Path;

use sweeps::Digest;

use super::journal::{self, JournalError, Mended, Payload, Verified};
use super::lock::StateLock;
use crate::model::entry::Entry;
use crate::model::image::ImagePart;

/// The coordinator's journal.
pub type EntryJournal = journal::Journal<Entry>;
/// An entry of it that was read.
pub type ScannedEntry = journal::Scanned<Entry>;

impl Payload for Entry {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), String> {
        serde_json::to_writer(out, self).map_err(|error| error.to_string())
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    fn ends_snapshot(&self) -> bool {
        matches!(self, Self::Image { part } if matches!(**part, ImagePart::End { .. }))
    }
}

/// Reads a journal and verifies every hash and every entry. Changes nothing, and may be done while a coordinator is running.
///
/// # Errors
/// [`JournalError`]: what is wrong, and where.
pub fn verify(folder: &Path) -> Result<Verified, JournalError> {
    journal::verify::<Entry>(folder)
}

/// Mends a damaged journal: see [`journal::repair`].
///
/// # Errors
/// [`JournalError`]: the folder cannot be written, or its damage cannot be mended, or not without `cut`.
pub(crate) fn repair(lock: &StateLock, cut: bool) -> Result<Vec<Mended>, JournalError> {
    journal::repair::<Entry>(lock, cut)
}

/// Writes every entry as a line of JSON, with its number and the hash of everything up to it. Changes nothing, and may be
/// done while a coordinator is running: it then ends somewhere in what is being written.
///
/// # Errors
/// [`JournalError`]; what was written before the damage is good.
pub fn export(folder: &Path, out: &mut dyn io::Write) -> Result<u64, JournalError> {
    #[derive(serde::Serialize)]
    struct Line<'a> {
        sequence: u64,
        chain: Digest,
        /// It stands in a snapshot of everything before that entry, where it has a number of its own.
        #[serde(skip_serializing_if = "Option::is_none")]
        snapshot_before: Option<u64>,
        #[serde(flatten)]
        entry: &'a Entry,
    }
    let mut lines = 0;
    journal::visit(folder, &mut |scanned| {
        let line = Line {
            sequence: scanned.location.sequence,
            chain: scanned.chain,
            snapshot_before: scanned.snapshot.map(|(first, _)| first),
            entry: &scanned.entry,
        };
        lines += 1;
        serde_json::to_writer(&mut *out, &line)
            .map_err(io::Error::from)
            .and_then(|()| out.write_all(b"\n"))
            .map_err(JournalError::io("export", folder))
    })?;
    Ok(lines)
}
