//! How an index catches up with the journal while a start reads it.

use std::path::Path;

use super::config::Config;
use super::index_again::BATCH;
use crate::store::index::{Applied, IndexError, IndexWriter};
use crate::store::journal::{Journal, Scanned};

/// An index beside a journal that is being read: verified up to where it says it has read, brought up to date after.
pub(super) enum Follower {
    Unopened,
    /// It cannot be used.
    Worthless(String),
    Following {
        index: Box<IndexWriter>,
        applied: u64,
        chain: Option<sweeps::Digest>,
        /// The snapshot whose places it holds.
        snapshot: Option<(u64, sweeps::Digest)>,
        /// The snapshot that was read, where it is another.
        moved: Option<(u64, sweeps::Digest)>,
        last: Option<Applied>,
    },
}

impl Follower {
    fn open(&mut self, folder: &Path, config: &Config, unwanted: bool) {
        if !matches!(self, Self::Unopened) {
            return;
        }
        *self = if unwanted {
            Self::Worthless("it shall be made again".into())
        } else {
            match Self::opened(folder, config) {
                Ok(follower) => follower,
                Err(error) => Self::Worthless(error.to_string()),
            }
        };
    }

    fn opened(folder: &Path, config: &Config) -> Result<Self, IndexError> {
        let index = IndexWriter::new((config.open_index)(folder)?);
        Ok(match index.applied()? {
            None => Self::Worthless("another version wrote it, or it is incomplete".into()),
            Some(applied) => Self::Following {
                applied: applied.map_or(0, |applied| applied.sequence),
                chain: applied.map(|applied| applied.chain),
                snapshot: index.snapshot()?,
                moved: None,
                last: None,
                index: Box::new(index),
            },
        })
    }

    pub(super) fn follow(&mut self, folder: &Path, config: &Config, scanned: &Scanned) {
        self.open(folder, config, config.rebuild_index);
        let Self::Following {
            index,
            applied,
            chain,
            snapshot,
            moved,
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
                    *moved = scanned.snapshot;
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
            *self = Self::Worthless(error.to_string());
        }
    }

    /// The index, brought up to date; `None`: it must be made again.
    pub(super) fn end(
        mut self,
        folder: &Path,
        config: &Config,
        journal: &Journal,
    ) -> Option<IndexWriter> {
        self.open(
            folder,
            config,
            config.rebuild_index && journal.sequence() > 0,
        );
        let reason = match self {
            Self::Unopened => "it was not opened".into(),
            Self::Worthless(reason) => reason,
            Self::Following {
                mut index,
                applied,
                moved,
                last,
                ..
            } => {
                if applied > journal.sequence() {
                    "it has seen entries that the journal does not have".into()
                } else {
                    let mut end = || {
                        index.commit(last)?;
                        if let Some(snapshot) = moved {
                            index.holds(snapshot)?;
                        }
                        index.holds_nothing_else()
                    };
                    match end() {
                        Ok(true) => return Some(*index),
                        Ok(false) => "it holds records that the journal does not".into(),
                        Err(error) => error.to_string(),
                    }
                }
            }
        };
        tracing::warn!(reason, "the index is made again from the journal");
        None
    }
}
