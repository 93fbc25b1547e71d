//! What an engine has on disk: the journal, and the index that follows it.

use std::path::Path;
use std::sync::Arc;

use sweeps::{AttemptNumber, EpochPoint, JobId};

use super::compaction::{self, Compaction, CompactionError};
use super::follower::{Follower, rebuild};
use super::{Config, EngineError, kind};
use crate::engine::metrics::Metrics;
use crate::message::Timestamp;
use crate::model::entry::Entry;
use crate::scheduler::{ImageError, Policy, Scheduler};
use crate::store::artifacts::ArtifactStore;
use crate::store::index::{Applied, IndexError, IndexWriter, Reader};
use crate::store::journal::{Journal, JournalError, Scanned, Written};
use crate::store::lock::StateLock;

pub(super) struct State {
    journal: Journal,
    index: IndexWriter,
    /// The index could not follow; the next start makes it up.
    behind: bool,
    metrics: Metrics,
    policy: Policy,
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
    pub(super) fn open(config: &Config, lock: &StateLock) -> Result<Opened, EngineError> {
        let journal_folder = lock.journal().to_owned();
        let index_folder = lock.index();
        let mut follower = Follower::Unopened;
        let mut scheduler = Scheduler::new(config.policy.clone());
        let mut journal = Journal::open(lock, config.journal.clone(), &mut |scanned| {
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
            let (index, again) = rebuild(config, lock, journal)?;
            journal = again;
            index
        };
        // The index knows the places of the snapshot's records now.
        journal.remove_obsolete();
        let artifacts = ArtifactStore::open(&lock.artifacts(), config.longest_artifact)?;
        for folder in [&index_folder, &lock.artifacts()] {
            lock.watch(folder)?;
        }
        crate::engine::memory::give_back();
        let reader = Reader::new(index.store(), &journal_folder);
        Ok(Opened {
            state: Self {
                journal,
                index,
                behind: false,
                metrics: config.metrics.clone(),
                policy: config.policy.clone(),
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

    /// Whether the state folder is still there.
    pub(super) fn check(&self) -> Result<(), JournalError> {
        self.journal.check()
    }

    /// Whether a snapshot is due.
    pub(super) fn is_snapshot_due(&self) -> bool {
        // An index that is behind is made up at the next start; until then nothing moves.
        !self.behind && self.journal.is_snapshot_due()
    }

    /// Begins a snapshot.
    pub(super) fn begin_snapshot(&mut self) -> Option<Compaction> {
        match self.journal.begin_snapshot() {
            Ok(snapshot) => snapshot.map(|snapshot| Compaction {
                snapshot,
                store: self.index.store(),
                policy: self.policy.clone(),
            }),
            Err(error) => {
                compaction::failed(&error);
                None
            }
        }
    }

    /// Takes note of how a snapshot ended.
    pub(super) fn end_snapshot(&mut self, ended: Result<Written, CompactionError>) {
        let adopted = match ended {
            Ok(written) => self.journal.adopt(&written),
            Err(CompactionError::Index(error)) => {
                tracing::error!(cause = %error, "the index cannot follow a snapshot: the next start makes it up");
                self.behind = true;
                return;
            }
            Err(CompactionError::Journal(error)) => Err(error),
        };
        if let Err(error) = adopted {
            self.journal.put_off_snapshot();
            compaction::failed(&error);
        }
    }

    pub(super) fn close(self) {
        if let Err(error) = self.index.flush() {
            tracing::warn!(cause = %error, "the index was not written out; the next start makes it up");
        }
    }
}

fn contradiction(folder: &Path, scanned: &Scanned, error: &ImageError) -> JournalError {
    JournalError::DamagedSnapshot {
        path: folder.to_owned(),
        offset: scanned.location.offset,
        what: error.to_string(),
    }
}
