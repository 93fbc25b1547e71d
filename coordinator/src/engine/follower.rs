//! How an index catches up with the journal while a start reads it, and how it is made again.

use std::path::Path;
use std::sync::Arc;

use super::{Config, EngineError};
use crate::store::index::{Applied, IndexError, IndexWriter, SledStore, Store};
use crate::store::journal::{Journal, Scanned};
use crate::store::lock::StateLock;

/// Entries after which what was followed is written: bounds its memory.
const REBUILD_BATCH: u64 = 1000;

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
    fn open(&mut self, folder: &Path, unwanted: bool) {
        if !matches!(self, Self::Unopened) {
            return;
        }
        *self = if unwanted {
            Self::Worthless("it shall be made again".into())
        } else {
            match Self::opened(folder) {
                Ok(follower) => follower,
                Err(error) => Self::Worthless(error.to_string()),
            }
        };
    }

    fn opened(folder: &Path) -> Result<Self, IndexError> {
        let index = IndexWriter::new(Arc::new(SledStore::open(folder)?));
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

    pub(super) fn follow(&mut self, folder: &Path, unwanted: bool, scanned: &Scanned) {
        self.open(folder, unwanted);
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
                if scanned.location.sequence.is_multiple_of(REBUILD_BATCH) {
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
            if sequence.is_multiple_of(REBUILD_BATCH) {
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
        unwanted: bool,
        journal: &Journal,
    ) -> Option<IndexWriter> {
        self.open(folder, unwanted && journal.sequence() > 0);
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

/// Makes the index again. The journal is read once more, and opened again with it.
pub(super) fn rebuild(
    config: &Config,
    lock: &StateLock,
    journal: Journal,
) -> Result<(IndexWriter, Journal), EngineError> {
    drop(journal);
    let folder = lock.index();
    let mut index: Option<IndexWriter> = None;
    let mut last = None;
    let mut snapshot = None;
    let mut failed: Option<IndexError> = None;
    let open = || -> Result<IndexWriter, IndexError> {
        SledStore::remove(&folder)?;
        let store: Arc<dyn Store> = Arc::new(SledStore::open(&folder)?);
        Ok(IndexWriter::new(store))
    };
    let journal = Journal::open(lock, config.journal.clone(), &mut |scanned| {
        if failed.is_some() {
            return Ok(());
        }
        let mut follow = || -> Result<(), IndexError> {
            let writer = match &mut index {
                Some(writer) => writer,
                None => index.insert(open()?),
            };
            writer.entry(&scanned.entry, &scanned.location)?;
            let (sequence, chain) = scanned.reached();
            last = Some(Applied { sequence, chain });
            snapshot = scanned.snapshot.or(snapshot);
            if scanned.location.sequence.is_multiple_of(REBUILD_BATCH) {
                writer.commit(last)?;
            }
            Ok(())
        };
        failed = follow().err();
        Ok(())
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    let mut index = match index {
        Some(index) => index,
        None => open()?,
    };
    index.commit(last)?;
    if let Some(snapshot) = snapshot {
        index.holds(snapshot)?;
    }
    Ok((index, journal))
}
