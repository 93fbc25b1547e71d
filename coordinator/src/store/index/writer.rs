//! What entries, epochs and log lines do to the index.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sweeps::{AttemptNumber, Digest, EpochPoint, JobId};

use super::{
    APPLIED_KEY, Applied, Batch, IndexError, SCHEMA, SCHEMA_KEY, SNAPSHOT_KEY, Store, live_key,
    live_prefix, log_prefix, record_key,
};
use crate::model::entry::Entry;
use crate::store::journal::{Location, SnapshotFile};
use proto::nouns::{LogLine, Timestamp};

/// Log lines that are kept per job: the last ones of all attempts.
const LOG_LINES: u64 = 500;
/// Bytes of a log line that are kept.
const LOG_BYTES: usize = proto::limits::LOG_LINE_BYTES;
/// Epochs of an attempt that are kept while it runs; a job has tens.
const LIVE_POINTS: u32 = 20_000;

/// Writes the index; there is one.
pub struct IndexWriter {
    store: Arc<dyn Store>,
    batch: Batch,
    /// Jobs that reported since the start: how much of each is kept.
    live: BTreeMap<JobId, Live>,
    records: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Live {
    points: u32,
    /// The number of the next log line.
    next_line: u64,
}

impl IndexWriter {
    /// A writer of `store`, which may be new.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            batch: Batch::new(),
            live: BTreeMap::new(),
            records: 0,
        }
    }

    /// How far the store has read: `Some(None)` of a new one, `None` of one that another version wrote or that is broken.
    #[allow(
        clippy::option_option,
        reason = "an index without a version, and one that has applied nothing, are two things"
    )]
    pub fn applied(&self) -> Result<Option<Option<Applied>>, IndexError> {
        let Some(schema) = self.store.get(SCHEMA_KEY)? else {
            // A new store, or one whose first batch was lost: only an empty one is new.
            return Ok((self.store.count(b"")? == 0).then_some(None));
        };
        let Some(applied) = self.store.get(APPLIED_KEY)? else {
            return Ok(None);
        };
        let (Ok(schema), Some((sequence, chain))) =
            (<[u8; 4]>::try_from(schema), applied.split_at_checked(8))
        else {
            return Ok(None);
        };
        let (Ok(sequence), Ok(chain)) =
            (<[u8; 8]>::try_from(sequence), <[u8; 32]>::try_from(chain))
        else {
            return Ok(None);
        };
        Ok(
            (u32::from_le_bytes(schema) == SCHEMA).then_some(Some(Applied {
                sequence: u64::from_le_bytes(sequence),
                chain: Digest(chain),
            })),
        )
    }

    /// Whether the index agrees with an entry that it has seen.
    pub fn agrees(&mut self, entry: &Entry, location: &Location) -> Result<bool, IndexError> {
        let Some(record) = entry.finished() else {
            return Ok(true);
        };
        self.records += 1;
        let known = self.store.get(&record_key(record.job_id))?;
        Ok(known.is_some_and(|bytes| bytes == location.to_bytes()))
    }

    /// Whether it holds as many records as [`Self::agrees`] and [`Self::entry`] were told of, and no more.
    pub fn holds_nothing_else(&self) -> Result<bool, IndexError> {
        Ok(self.store.count(b"r")? == self.records)
    }

    /// Takes in an entry; written at [`Self::commit`].
    pub fn entry(&mut self, entry: &Entry, location: &Location) -> Result<(), IndexError> {
        match entry {
            Entry::Finished { record, .. } => self.record(record.job_id, location)?,
            // The curve of an audit is not needed any more: the record has its own.
            Entry::Compared { job, .. } => self.forget_live(*job)?,
            // A new attempt begins with empty curves; the first has none to clear.
            Entry::Leased { leases, .. } => {
                for lease in leases.iter().filter(|lease| lease.attempt.0 > 1) {
                    self.forget_live(lease.job)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes in where the record of a job is; written at [`Self::commit`].
    pub fn record(&mut self, job: JobId, location: &Location) -> Result<(), IndexError> {
        self.records += 1;
        let place = location.to_bytes().to_vec();
        self.batch.push((record_key(job), Some(place)));
        self.forget_live(job)
    }

    /// The snapshot whose places it holds, by its number and the hash of what it replaces. `None`: it holds those of
    /// the segments.
    pub fn snapshot(&self) -> Result<Option<(u64, Digest)>, IndexError> {
        let value = self.store.get(SNAPSHOT_KEY)?;
        Ok(value.and_then(|value| {
            let (first, chain) = value.split_at_checked(8)?;
            let first = u64::from_le_bytes(first.try_into().ok()?);
            Some((first, Digest(chain.try_into().ok()?)))
        }))
    }

    /// All places are those of that snapshot.
    pub fn set_snapshot(&mut self, snapshot: (u64, Digest)) -> Result<(), IndexError> {
        self.store.apply(vec![snapshot_entry(snapshot)])
    }

    /// Takes in what a running attempt reported; written at [`Self::commit`].
    pub fn progress(
        &mut self,
        job: JobId,
        attempt: AttemptNumber,
        points: &[EpochPoint],
        lines: &[String],
        now: Timestamp,
    ) -> Result<(), IndexError> {
        let mut live = if let Some(live) = self.live.get(&job) {
            *live
        } else {
            self.look_up(job)?
        };
        for point in points {
            if live.points >= LIVE_POINTS {
                break;
            }
            live.points += 1;
            self.batch.push((
                live_key(job, attempt, point.phase, point.epoch),
                Some(json(point)?),
            ));
        }
        let skipped = lines.len().saturating_sub(LOG_LINES as usize);
        for line in &lines[skipped..] {
            let mut text = line.clone();
            text.truncate(text.floor_char_boundary(LOG_BYTES));
            let line = LogLine {
                attempt,
                at: now,
                text,
            };
            // A ring: the newest line takes the place of the oldest.
            let mut key = log_prefix(job);
            key.extend((live.next_line % LOG_LINES).to_be_bytes());
            self.batch.push((key, Some(json(&(live.next_line, line))?)));
            live.next_line += 1;
        }
        self.live.insert(job, live);
        Ok(())
    }

    /// How much is kept of a job that has not reported since the start.
    fn look_up(&self, job: JobId) -> Result<Live, IndexError> {
        let last = self
            .store
            .scan(&log_prefix(job))?
            .into_iter()
            .filter_map(|(_, value)| serde_json::from_slice::<(u64, LogLine)>(&value).ok())
            .map(|(number, _)| number + 1)
            .max();
        Ok(Live {
            points: self.store.count(&live_prefix(job))? as u32,
            next_line: last.unwrap_or(0),
        })
    }

    fn forget_live(&mut self, job: JobId) -> Result<(), IndexError> {
        // Points of this very turn are in the batch, not yet in the store.
        let prefix = live_prefix(job);
        self.batch.retain(|(key, _)| !key.starts_with(&prefix));
        for (key, _) in self.store.scan(&prefix)? {
            self.batch.push((key, None));
        }
        self.live.remove(&job);
        Ok(())
    }

    /// Writes something that means nothing to the disk, and takes it back: whether there is room at all.
    pub fn probe(&self) -> Result<(), IndexError> {
        const KEY: &[u8] = b"probe";
        self.store
            .apply(vec![(KEY.to_vec(), Some(vec![0; 4096]))])?;
        self.store.flush()?;
        self.store.apply(vec![(KEY.to_vec(), None)])
    }

    /// Makes the changes, together with how far the journal was read.
    pub fn commit(&mut self, applied: Option<Applied>) -> Result<(), IndexError> {
        let mut batch = std::mem::take(&mut self.batch);
        if let Some(applied) = applied {
            let mut value = applied.sequence.to_le_bytes().to_vec();
            value.extend(applied.chain.0);
            batch.push((APPLIED_KEY.to_vec(), Some(value)));
            batch.push((SCHEMA_KEY.to_vec(), Some(SCHEMA.to_le_bytes().to_vec())));
        }
        if batch.is_empty() {
            return Ok(());
        }
        self.store.apply(batch)
    }

    /// Writes out what is in memory.
    pub fn flush(&self) -> Result<(), IndexError> {
        self.store.flush()
    }

    /// How long the oldest change has waited in memory; `None`: no change waits.
    pub fn waiting(&self) -> Option<Duration> {
        self.store.waiting()
    }

    /// Writes the changes that wait.
    pub fn settle(&self) -> Result<(), IndexError> {
        self.store.settle()
    }

    /// What is written to.
    pub fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }
}

/// Where the record of a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordLocation {
    /// The job.
    pub job: JobId,
    /// The place in the journal.
    pub location: Location,
}

/// A snapshot took records over: their places in the index follow. May be done while an [`IndexWriter`] writes, *because*
/// the writer leaves the places of earlier records alone.
pub fn relocate(
    store: &dyn Store,
    records: &[RecordLocation],
    snapshot: &SnapshotFile,
) -> Result<(), IndexError> {
    // Small ones: whoever writes meanwhile waits for each.
    for some in records.chunks(100) {
        let place = |record: &RecordLocation| Some(record.location.to_bytes().to_vec());
        let batch = some
            .iter()
            .map(|record| (record_key(record.job), place(record)));
        store.apply(batch.collect())?;
    }
    store.apply(vec![snapshot_entry((snapshot.first, snapshot.chain))])?;
    // The files that the places were in go next.
    store.flush()
}

fn snapshot_entry((first, chain): (u64, Digest)) -> (Vec<u8>, Option<Vec<u8>>) {
    let mut value = first.to_le_bytes().to_vec();
    value.extend(chain.0);
    (SNAPSHOT_KEY.to_vec(), Some(value))
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, IndexError> {
    serde_json::to_vec(value).map_err(|error| IndexError(error.to_string()))
}
