//! What an engine has on disk: the journal, and the index that follows it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sweeps::{AttemptNumber, EpochPoint, JobId};
use tokio_util::sync::CancellationToken;

use super::catch_up::IndexCatchUp;
use super::compaction::{self, Compaction, CompactionError};
use super::config::Config;
use super::error::EngineError;
use super::index_again::{MakeError, Making};
use super::kind_guard;
use crate::engine::metrics::Metrics;
use crate::model::entry::Entry;
use crate::scheduler::{ImageError, Policy, Scheduler};
use crate::store::artifacts::{ArtifactStore, free, reserve, reserve_beside};
use crate::store::damage::Damage;
use crate::store::entries::{EntryJournal, ScannedEntry};
use crate::store::index::{Applied, Availability, IndexError, IndexWriter, OpenIndex, Reader};
use crate::store::journal::{self, JournalError, Location, SnapshotFile, Untouched};
use crate::store::lock::StateLock;
use crate::store::mark::{self, Mark};
use proto::nouns::Timestamp;

pub(super) struct DiskState {
    journal: EntryJournal,
    index: Index,
    /// Through which readers find the index.
    availability: Availability,
    /// What is known of damage to the journal.
    damage: Damage,
    open_index: OpenIndex,
    index_folder: PathBuf,
    metrics: Metrics,
    policy: Policy,
    /// Bytes that a snapshot leaves free on the disk.
    reserve: u64,
}

/// The index that follows the journal.
enum Index {
    Following(Box<IndexWriter>),
    /// It failed.
    Behind,
    /// It is being made again, without the records that came since.
    Making(Vec<(JobId, Location)>),
}

/// What a running attempt reported.
pub(super) struct ProgressUpdate {
    pub(super) job: JobId,
    pub(super) attempt: AttemptNumber,
    pub(super) points: Arc<[EpochPoint]>,
    pub(super) lines: Arc<[String]>,
    pub(super) at: Timestamp,
}

pub(super) struct Opened {
    pub(super) state: DiskState,
    pub(super) scheduler: Scheduler,
    pub(super) reader: Reader,
    pub(super) artifacts: ArtifactStore,
}

impl DiskState {
    pub(super) fn open(config: &Config, lock: &StateLock) -> Result<Opened, EngineError> {
        mark::be_whole(&config.state)?;
        let journal_folder = lock.journal().to_owned();
        let index_folder = lock.index();
        // For its owner alone. Where its disk is full, opening it says so.
        let _ = durable::make_folders(&index_folder);
        let mut catch_up = IndexCatchUp::Unopened;
        let mut scheduler = Scheduler::new(config.policy.clone());
        config.opening.begins(journal::length(&journal_folder));
        let untouched = Untouched::read(lock, config.journal.clone(), &mut |scanned| {
            scheduler
                .replay(&scanned.entry)
                .map_err(|error| contradiction(&journal_folder, &scanned, &error))?;
            catch_up.follow(&index_folder, config, &scanned);
            config.opening.read(&scanned);
            Ok(())
        })?;
        scheduler
            .replayed()
            .map_err(|error| JournalError::DamagedSnapshot {
                path: journal_folder.clone(),
                offset: 0,
                what: error.to_string(),
            })?;
        kind_guard::check(config, &scheduler)?;
        catch_up.check(&index_folder, config, untouched.sequence())?;
        let mut journal = untouched.open()?;
        let followed = catch_up.end();
        let making = Making {
            open: config.open_index.clone(),
            folder: index_folder.clone(),
            journal: journal_folder.clone(),
            last: journal.sequence(),
        };
        let made = match followed {
            Some(index) => Ok(index),
            None => making.run(&CancellationToken::new()),
        };
        let (index, availability) = match made {
            Ok(index) => {
                let availability = Availability::ready(index.store());
                (Index::Following(Box::new(index)), availability)
            }
            Err(MakeError::Journal(error)) => return Err(error.into()),
            // What is on disk is whole, and more can be written: readers wait, and nobody else.
            Err(error) => {
                tracing::error!(cause = %error, "the index cannot be made: results are on disk but not shown until it can");
                (Index::Behind, Availability::behind(error.to_string()))
            }
        };
        // The index knows the places of the snapshot's records now.
        journal.remove_obsolete();
        let reserve = config.reserve.unwrap_or_else(|| reserve(&journal_folder));
        durable::make_folders(&lock.artifacts())
            .map_err(JournalError::io("make the folder", &lock.artifacts()))?;
        let artifacts = ArtifactStore::open(&lock.artifacts(), config.longest_artifact)?
            .leaving(reserve_beside(&journal_folder, &lock.artifacts(), reserve));
        lock.watch(&lock.artifacts())?;
        // There is none where its disk was full.
        if index_folder.is_dir() {
            lock.watch(&index_folder)?;
        }
        crate::engine::memory::give_back();
        let reader = Reader::new(availability.clone(), &journal_folder);
        config.metrics.index_ready(availability.trouble().is_none());
        Ok(Opened {
            state: Self {
                journal,
                index,
                availability,
                damage: reader.damage(),
                open_index: config.open_index.clone(),
                index_folder,
                metrics: config.metrics.clone(),
                policy: config.policy.clone(),
                reserve,
            },
            scheduler,
            reader,
            artifacts,
        })
    }

    /// A copy of a state begins a life of its own: no number that it gives from here on can be one that the state that
    /// was copied has given since.
    pub(super) fn begin_life(
        opened: &mut Opened,
        config: &Config,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        if !Mark::Copied.is_on(&config.state) {
            return Ok(());
        }
        let entry = opened.scheduler.new_life(now, config.random);
        let replayed = opened.scheduler.replay(&entry);
        replayed.map_err(|error| JournalError::Encode(error.to_string()))?;
        opened.state.write(std::slice::from_ref(&entry), &[])?;
        // Where the process ends before this, the next start draws another.
        Ok(Mark::Copied.take_off(&config.state)?)
    }

    /// Makes entries durable, then brings the index up to date.
    pub(super) fn write(
        &mut self,
        entries: &[Entry],
        updates: &[ProgressUpdate],
    ) -> Result<(), JournalError> {
        let began = tokio::time::Instant::now();
        let written = self.write_all(entries, updates);
        match &written {
            Ok(()) if entries.is_empty() => {}
            Ok(()) => self.metrics.committed(entries, began.elapsed()),
            Err(_) => self.metrics.commit_failed(),
        }
        written
    }

    fn write_all(
        &mut self,
        entries: &[Entry],
        updates: &[ProgressUpdate],
    ) -> Result<(), JournalError> {
        let locations = self.journal.append(entries)?;
        // The entries are on disk: from here on nothing may fail the turn.
        let index = match &mut self.index {
            Index::Following(index) => index,
            Index::Behind => return Ok(()),
            Index::Making(missed) => {
                let placed = entries.iter().zip(locations);
                missed.extend(placed.filter_map(|(entry, location)| {
                    entry.finished().map(|record| (record.job_id, location))
                }));
                return Ok(());
            }
        };
        let mut follow = || -> Result<(), IndexError> {
            for update in updates {
                index.progress(
                    update.job,
                    update.attempt,
                    &update.points,
                    &update.lines,
                    update.at,
                )?;
            }
            for (entry, location) in entries.iter().zip(&locations) {
                index.entry(entry, location)?;
            }
            index.commit((!entries.is_empty()).then(|| Applied {
                sequence: self.journal.sequence(),
                chain: self.journal.chain(),
            }))
        };
        if let Err(error) = follow() {
            self.index_failed(&error);
        }
        Ok(())
    }

    /// How long the oldest change of the index has waited in memory; `None`: none waits.
    pub(super) fn index_waiting(&self) -> Option<Duration> {
        match &self.index {
            Index::Following(index) => index.waiting(),
            Index::Behind | Index::Making(_) => None,
        }
    }

    /// Writes what of the index waits in memory.
    pub(super) fn settle_index(&mut self) {
        if let Index::Following(index) = &self.index
            && let Err(error) = index.settle()
        {
            self.index_failed(&error);
        }
    }

    /// Whether the state folder is still there, and in it what a start would read.
    pub(super) fn check(&self) -> Result<(), JournalError> {
        self.journal.check_all()
    }

    /// The index is of no use any more: readers are refused until it was made again.
    fn index_failed(&mut self, error: &IndexError) {
        tracing::error!(cause = %error, "the index cannot be written: results are on disk, and not shown until it was made again from the journal");
        self.index = Index::Behind;
        self.availability.set_behind(error.to_string());
        self.metrics.index_failed();
    }

    /// Through which readers find the index.
    pub(super) fn availability(&self) -> Availability {
        self.availability.clone()
    }

    /// Whether the index failed, and nobody makes it again yet.
    pub(super) fn is_index_behind(&self) -> bool {
        match self.index {
            Index::Behind => true,
            // A reader may have found out.
            Index::Following(_) => self.availability.trouble().is_some(),
            Index::Making(_) => false,
        }
    }

    /// Begins to make the index again: from here on it is noted what is to be added at the end.
    pub(super) fn begin_index(&mut self) -> Making {
        if let Index::Following(_) = self.index {
            self.metrics.index_failed();
        }
        self.journal.lock().forget(&self.index_folder);
        // The files are let go of before they are removed.
        self.index = Index::Making(Vec::new());
        Making {
            open: self.open_index.clone(),
            folder: self.index_folder.clone(),
            journal: self.journal.folder().to_owned(),
            last: self.journal.sequence(),
        }
    }

    /// The index was made, or could not be; whether it answers now.
    pub(super) fn end_index(&mut self, made: Result<IndexWriter, MakeError>) -> bool {
        let Index::Making(missed) = std::mem::replace(&mut self.index, Index::Behind) else {
            return false;
        };
        let added = made.and_then(|mut index| {
            for (job, location) in &missed {
                index.record(*job, location)?;
            }
            index.commit((self.journal.sequence() > 0).then(|| Applied {
                sequence: self.journal.sequence(),
                chain: self.journal.chain(),
            }))?;
            Ok(index)
        });
        match added {
            Ok(index) => {
                tracing::info!("the index was made again: every result is shown");
                self.availability.set_ready(index.store());
                self.index = Index::Following(Box::new(index));
                self.metrics.index_ready(true);
                if let Err(error) = self.journal.lock().watch(&self.index_folder) {
                    tracing::warn!(cause = %error, "nobody would notice were the index removed");
                }
                true
            }
            Err(error) => {
                if let MakeError::Journal(error) = &error {
                    self.damage.note(error);
                }
                tracing::warn!(cause = %error, "the index cannot be made again yet");
                self.availability.set_behind(error.to_string());
                false
            }
        }
    }

    /// Whether a snapshot is due.
    pub(super) fn is_snapshot_due(&self) -> bool {
        // Nothing moves while somebody reads where everything is.
        !matches!(self.index, Index::Making(_)) && self.journal.is_snapshot_due()
    }

    /// Begins a snapshot.
    pub(super) fn begin_snapshot(&mut self) -> Option<Compaction> {
        let store = match &self.index {
            Index::Following(index) => Some(index.store()),
            // What is made later reads the snapshot.
            Index::Behind | Index::Making(_) => None,
        };
        // A snapshot makes room in the end, and takes some first: at most as much as it reads.
        let needed = self.reserve.saturating_add(self.journal.bytes());
        if let Some(free) = free(self.journal.folder()).filter(|free| *free < needed) {
            let full = std::io::Error::new(
                std::io::ErrorKind::StorageFull,
                format!(
                    "{} MiB are free, and {} MiB are left for what comes",
                    free >> 20,
                    self.reserve >> 20
                ),
            );
            self.journal.put_off_snapshot();
            compaction::failed(&JournalError::io("compact", self.journal.folder())(full));
            return None;
        }
        match self.journal.begin_snapshot() {
            Ok(snapshot) => snapshot.map(|snapshot| {
                self.metrics.snapshot_begun();
                Compaction {
                    snapshot,
                    store,
                    policy: self.policy.clone(),
                }
            }),
            Err(error) => {
                compaction::failed(&error);
                None
            }
        }
    }

    /// Takes note of how a snapshot ended.
    pub(super) fn end_snapshot(&mut self, ended: Result<SnapshotFile, CompactionError>) {
        let adopted = match ended {
            Ok(written) => self
                .journal
                .adopt(&written)
                .map_err(CompactionError::Journal),
            Err(CompactionError::Index(error, written)) => {
                self.index_failed(&error);
                // Places in files that go now are places in an index that is made again.
                self.journal
                    .adopt(&written)
                    .map_err(CompactionError::Journal)
            }
            Err(error) => Err(error),
        };
        self.metrics.snapshot_ended(adopted.is_ok());
        if let Err(error) = adopted {
            if let CompactionError::Journal(error) = &error {
                self.damage.note(error);
            }
            self.journal.put_off_snapshot();
            compaction::failed(&error);
        }
    }

    /// Writes out what is in memory.
    pub(super) fn close(self) {
        if let Index::Following(index) = self.index
            && let Err(error) = index.flush()
        {
            tracing::warn!(cause = %error, "the index was not written out; the next start makes it up");
        }
    }
}

fn contradiction(folder: &Path, scanned: &ScannedEntry, error: &ImageError) -> JournalError {
    JournalError::DamagedSnapshot {
        path: folder.to_owned(),
        offset: scanned.location.offset,
        what: error.to_string(),
    }
}
