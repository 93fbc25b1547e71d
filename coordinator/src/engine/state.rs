//! What an engine has on disk: the journal, and the index that follows it.

use std::path::Path;
use std::sync::Arc;

use sweeps::{AttemptNumber, EpochPoint, JobId};

use super::{Config, EngineError, kind};
use crate::artifacts::ArtifactStore;
use crate::entry::Entry;
use crate::index::{Applied, IndexError, IndexWriter, Reader, SledStore, Store};
use crate::journal::{Journal, JournalError, Scanned};
use crate::message::Timestamp;
use crate::metrics::Metrics;
use crate::scheduler::{ImageError, Scheduler};

/// Entries after which a rebuild writes what it has: bounds its memory.
const REBUILD_BATCH: u64 = 1000;

pub(super) struct State {
    journal: Journal,
    index: IndexWriter,
    /// The index could not follow; the next start makes it up.
    behind: bool,
    metrics: Metrics,
}

/// What a running attempt reported.
pub(super) struct Kept {
    pub(super) job: JobId,
    pub(super) attempt: AttemptNumber,
    pub(super) points: Arc<[EpochPoint]>,
    pub(super) lines: Arc<[String]>,
    pub(super) at: Timestamp,
}

pub(super) struct Opened {
    pub(super) state: State,
    pub(super) scheduler: Scheduler,
    pub(super) reader: Reader,
    pub(super) artifacts: ArtifactStore,
}

impl State {
    pub(super) fn open(config: &Config) -> Result<Opened, EngineError> {
        let journal_folder = config.state.join("journal");
        let index_folder = config.state.join("index");
        let artifacts =
            ArtifactStore::open(&config.state.join("artifacts"), config.longest_artifact)?;

        // The index is opened at the first entry, after the journal has taken the lock of the folder.
        let mut follower = Follower::Unopened;
        let mut scheduler = Scheduler::new(config.policy.clone());
        let mut journal = Journal::open(&journal_folder, config.journal.clone(), &mut |scanned| {
            scheduler
                .replay(&scanned.entry)
                .map_err(|error| contradiction(&journal_folder, &scanned, &error))?;
            follower.follow(&index_folder, config.rebuild_index, &scanned);
            Ok(())
        })?;
        scheduler
            .replayed()
            .map_err(|error| JournalError::DamagedSnapshot {
                path: journal_folder.clone(),
                offset: 0,
                what: error.to_string(),
            })?;
        kind::check(config, &scheduler)?;
        let followed = follower.end(&index_folder, config.rebuild_index, &journal);
        let index = if let Some(index) = followed {
            index
        } else {
            let (index, again) = rebuild(config, journal)?;
            journal = again;
            index
        };
        // The index knows the places of the snapshot's records now.
        journal.remove_obsolete();
        crate::memory::give_back();
        let reader = Reader::new(index.store(), &journal_folder);
        Ok(Opened {
            state: Self {
                journal,
                index,
                behind: false,
                metrics: config.metrics.clone(),
            },
            scheduler,
            reader,
            artifacts,
        })
    }

    /// Makes entries durable, then brings the index up to date.
    pub(super) fn write(&mut self, entries: &[Entry], kept: &[Kept]) -> Result<(), JournalError> {
        let began = tokio::time::Instant::now();
        let written = self.write_all(entries, kept);
        match &written {
            Ok(()) if entries.is_empty() => {}
            Ok(()) => self.metrics.committed(entries, began.elapsed()),
            Err(_) => self.metrics.commit_failed(),
        }
        written
    }

    fn write_all(&mut self, entries: &[Entry], kept: &[Kept]) -> Result<(), JournalError> {
        let locations = self.journal.append(entries)?;
        // The entries are on disk: from here on nothing may fail the turn. An index that cannot follow loses live points
        // and answers "no record" until the next start, and says so in the log.
        if self.behind {
            return Ok(());
        }
        let mut follow = || -> Result<(), IndexError> {
            for kept in kept {
                self.index
                    .keep(kept.job, kept.attempt, &kept.points, &kept.lines, kept.at)?;
            }
            for (entry, location) in entries.iter().zip(&locations) {
                self.index.entry(entry, location)?;
            }
            self.index.commit((!entries.is_empty()).then(|| Applied {
                sequence: self.journal.sequence(),
                chain: self.journal.chain(),
            }))
        };
        if let Err(error) = follow() {
            tracing::error!(cause = %error, "the index cannot be written: records that come now are on disk but not shown until the coordinator is started again");
            self.behind = true;
        }
        Ok(())
    }

    /// Whether a snapshot is due.
    pub(super) fn is_snapshot_due(&self) -> bool {
        // An index that is behind needs the old segments at the next start.
        !self.behind && self.journal.is_snapshot_due()
    }

    /// Puts a snapshot of `image` in the place of what was written so far. A failure is said and changes nothing.
    pub(super) fn compact(&mut self, image: &[Entry]) {
        let began = tokio::time::Instant::now();
        let before = self.journal.sequence();
        let kept = match self.journal.compact(image) {
            Ok(kept) => kept,
            Err(error) => {
                let cause = super::chain(&error);
                tracing::warn!(
                    cause,
                    "the journal cannot be compacted; it grows until it can"
                );
                return;
            }
        };
        let applied = Applied {
            sequence: self.journal.sequence(),
            chain: self.journal.chain(),
        };
        match self.index.moved(&kept, applied) {
            Ok(()) => self.journal.remove_obsolete(),
            Err(error) => {
                tracing::error!(cause = %error, "the index cannot follow a snapshot: the next start makes it up");
                self.behind = true;
            }
        }
        tracing::info!(
            records = kept.len(),
            entries = before,
            milliseconds = began.elapsed().as_millis() as u64,
            "the journal was compacted by a snapshot; nothing was answered meanwhile"
        );
    }

    pub(super) fn close(self) {
        if let Err(error) = self.index.flush() {
            tracing::warn!(cause = %error, "the index was not written out; the next start makes it up");
        }
    }
}

/// An index beside a journal that is being read: verified up to where it says it has read, brought up to date after.
enum Follower {
    Unopened,
    /// It cannot be used.
    Worthless(String),
    Following {
        index: IndexWriter,
        applied: u64,
        chain: Option<sweeps::Digest>,
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
                index,
                applied: applied.map_or(0, |applied| applied.sequence),
                chain: applied.map(|applied| applied.chain),
                last: None,
            },
        })
    }

    fn follow(&mut self, folder: &Path, unwanted: bool, scanned: &Scanned) {
        self.open(folder, unwanted);
        let Self::Following {
            index,
            applied,
            chain,
            last,
        } = self
        else {
            return;
        };
        let sequence = scanned.location.sequence;
        let mut follow = || -> Result<(), IndexError> {
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
                chain: scanned.chain,
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
    fn end(mut self, folder: &Path, unwanted: bool, journal: &Journal) -> Option<IndexWriter> {
        self.open(folder, unwanted && journal.sequence() > 0);
        let reason = match self {
            Self::Unopened => "it was not opened".into(),
            Self::Worthless(reason) => reason,
            Self::Following {
                mut index,
                applied,
                last,
                ..
            } => {
                if applied > journal.sequence() {
                    "it has seen entries that the journal does not have".into()
                } else {
                    match index.commit(last).and_then(|()| index.holds_nothing_else()) {
                        Ok(true) => return Some(index),
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

fn contradiction(folder: &Path, scanned: &Scanned, error: &ImageError) -> JournalError {
    JournalError::DamagedSnapshot {
        path: folder.to_owned(),
        offset: scanned.location.offset,
        what: error.to_string(),
    }
}

/// Makes the index again. The journal is read once more, and opened again with it.
fn rebuild(config: &Config, journal: Journal) -> Result<(IndexWriter, Journal), EngineError> {
    drop(journal);
    let folder = config.state.join("index");
    let mut index: Option<IndexWriter> = None;
    let mut last = None;
    let mut failed: Option<IndexError> = None;
    let open = || -> Result<IndexWriter, IndexError> {
        SledStore::remove(&folder)?;
        let store: Arc<dyn Store> = Arc::new(SledStore::open(&folder)?);
        Ok(IndexWriter::new(store))
    };
    let journal = Journal::open(
        &config.state.join("journal"),
        config.journal.clone(),
        &mut |scanned| {
            if failed.is_some() {
                return Ok(());
            }
            let mut follow = || -> Result<(), IndexError> {
                let writer = match &mut index {
                    Some(writer) => writer,
                    None => index.insert(open()?),
                };
                writer.entry(&scanned.entry, &scanned.location)?;
                let now = Applied {
                    sequence: scanned.location.sequence,
                    chain: scanned.chain,
                };
                last = Some(now);
                if now.sequence.is_multiple_of(REBUILD_BATCH) {
                    writer.commit(last)?;
                }
                Ok(())
            };
            failed = follow().err();
            Ok(())
        },
    )?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    let mut index = match index {
        Some(index) => index,
        None => open()?,
    };
    index.commit(last)?;
    Ok((index, journal))
}
