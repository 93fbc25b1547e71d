//! How an index catches up with the journal while a start reads it: the domain's side of the reading.

use std::path::Path;

use super::config::Config;
use super::index_again::BATCH;
use crate::store::entries::ScannedEntry;
use crate::store::index::{Applied, IndexError, IndexWriter};
use crate::store::journal::JournalError;

/// An index beside a journal that is being read: verified up to where it says it has read, brought up to date after.
pub(super) enum IndexCatchUp {
    Unopened,
    /// It cannot be used, but may still say how far the journal went.
    Unusable {
        reason: String,
        seen: u64,
    },
    Following {
        index: Box<IndexWriter>,
        applied: u64,
        chain: Option<sweeps::Digest>,
        /// The snapshot whose places it holds.
        snapshot: Option<(u64, sweeps::Digest)>,
        /// The snapshot that was read, where it is newer than that one.
        newer: Option<(u64, sweeps::Digest)>,
        last: Option<Applied>,
    },
}

impl IndexCatchUp {
    fn open(&mut self, folder: &Path, config: &Config, unwanted: bool) {
        if !matches!(self, Self::Unopened) {
            return;
        }
        *self = Self::opened(folder, config)
            .unwrap_or_else(|error| Self::unusable(error.to_string(), 0));
        if unwanted {
            self.give_up("it shall be made again".into());
        }
    }

    fn unusable(reason: String, seen: u64) -> Self {
        Self::Unusable { reason, seen }
    }

    fn give_up(&mut self, reason: String) {
        let seen = match self {
            Self::Following { applied, .. } => *applied,
            Self::Unusable { seen, .. } => *seen,
            Self::Unopened => 0,
        };
        *self = Self::unusable(reason, seen);
    }

    fn opened(folder: &Path, config: &Config) -> Result<Self, IndexError> {
        let index = IndexWriter::new((config.open_index)(folder)?);
        Ok(match index.applied()? {
            None => Self::unusable("another version wrote it, or it is incomplete".into(), 0),
            Some(applied) => Self::Following {
                applied: applied.map_or(0, |applied| applied.sequence),
                chain: applied.map(|applied| applied.chain),
                snapshot: index.snapshot()?,
                newer: None,
                last: None,
                index: Box::new(index),
            },
        })
    }

    pub(super) fn follow(&mut self, folder: &Path, config: &Config, scanned: &ScannedEntry) {
        self.open(folder, config, config.rebuild_index);
        let Self::Following {
            index,
            applied,
            chain,
            snapshot,
            newer,
            last,
        } = self
        else {
            return;
        };
        let (sequence, reached) = scanned.reached();
        let mut follow = || -> Result<(), IndexError> {
            if scanned.snapshot.is_some() {
                if scanned.snapshot == *snapshot {
                    if !index.agrees(&scanned.entry, &scanned.location)? {
                        return Err(IndexError("a record is not where it was written".into()));
                    }
                } else {
                    // It holds the places in the segments, or in an older snapshot.
                    index.entry(&scanned.entry, &scanned.location)?;
                    *newer = scanned.snapshot;
                }
                if sequence == *applied && *chain != Some(reached) && sequence > 0 {
                    return Err(IndexError("it belongs to another journal".into()));
                }
                if sequence > *applied {
                    *last = Some(Applied {
                        sequence,
                        chain: reached,
                    });
                }
                if scanned.location.sequence.is_multiple_of(BATCH) {
                    index.commit(None)?;
                }
                return Ok(());
            }
            if last.is_none()
                && sequence == *applied + 1
                && chain.is_some_and(|known| known != scanned.before)
            {
                return Err(IndexError("it belongs to another journal".into()));
            }
            if sequence <= *applied {
                if !index.agrees(&scanned.entry, &scanned.location)? {
                    return Err(IndexError("a record is not where it was written".into()));
                }
                if sequence == *applied && *chain != Some(scanned.chain) {
                    return Err(IndexError("it belongs to another journal".into()));
                }
                return Ok(());
            }
            index.entry(&scanned.entry, &scanned.location)?;
            let now = Applied {
                sequence,
                chain: reached,
            };
            *last = Some(now);
            if sequence.is_multiple_of(BATCH) {
                index.commit(Some(now))?;
            }
            Ok(())
        };
        if let Err(error) = follow() {
            self.give_up(error.to_string());
        }
    }

    /// Whether the journal, which was read up to the entry `ends`, has all that the index has seen. An index is written
    /// after the journal is on disk: what it has seen was acknowledged.
    ///
    /// # Errors
    /// [`JournalError::Lost`].
    pub(super) fn check(
        &mut self,
        folder: &Path,
        config: &Config,
        ends: u64,
    ) -> Result<(), JournalError> {
        self.open(folder, config, config.rebuild_index && ends > 0);
        match self {
            Self::Following { applied: seen, .. } | Self::Unusable { seen, .. } if *seen > ends => {
                Err(JournalError::Lost {
                    folder: config.state.join("journal"),
                    ends,
                    seen: *seen,
                })
            }
            _ => Ok(()),
        }
    }

    /// The index, brought up to date; `None`: it must be made again.
    pub(super) fn end(self) -> Option<IndexWriter> {
        let reason = match self {
            Self::Unopened => "it was not opened".into(),
            Self::Unusable { reason, .. } => reason,
            Self::Following {
                mut index,
                newer,
                last,
                ..
            } => {
                let mut end = || {
                    index.commit(last)?;
                    if let Some(snapshot) = newer {
                        index.set_snapshot(snapshot)?;
                    }
                    index.holds_nothing_else()
                };
                match end() {
                    Ok(true) => return Some(*index),
                    Ok(false) => "it holds records that the journal does not".into(),
                    Err(error) => error.to_string(),
                }
            }
        };
        tracing::warn!(reason, "the index is made again from the journal");
        None
    }
}
