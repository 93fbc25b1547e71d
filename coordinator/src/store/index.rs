//! The index: what answers queries. It holds nothing that cannot be lost: records are found in the journal by the place
//! that stands here, epochs of running jobs and log tails are a courtesy.
//!
//! It knows the number and the hash of the last entry that it has seen. At each start every place is compared with the
//! journal, which is read anyway; whatever does not fit makes it unusable, and it is made again.

mod availability;
mod buffered;
#[cfg(test)]
mod memory;
mod sled_store;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sweeps::{AttemptNumber, Digest, EpochPoint, JobId, Phase, RunRecord};

use crate::model::entry::Entry;
use crate::store::damage::Damage;
use crate::store::journal::{self, JournalError, Location};
use proto::nouns::{LogLine, Refusal};

pub use availability::Availability;
pub use buffered::Buffered;
#[cfg(test)]
pub use memory::MemoryStore;
pub use sled_store::SledStore;
pub use writer::{IndexWriter, RecordLocation, relocate};

/// Changes that are made together or not at all, in this order.
pub type Batch = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// Keys with their values.
pub type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// Ordered bytes by bytes. Values are smaller than 7 KiB: larger ones leave sled's log unsynced.
pub trait Store: Send + Sync {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, IndexError>;
    /// All keys with that beginning, in order, with their values.
    fn scan(&self, prefix: &[u8]) -> Result<Pairs, IndexError>;
    /// Number of keys with that beginning.
    fn count(&self, prefix: &[u8]) -> Result<u64, IndexError>;
    /// Makes changes, all or none.
    fn apply(&self, batch: Batch) -> Result<(), IndexError>;
    /// Writes out what is in memory.
    fn flush(&self) -> Result<(), IndexError>;
    /// How long the oldest change has waited in memory; `None`: no change waits.
    fn waiting(&self) -> Option<Duration> {
        None
    }
    /// Writes the changes that wait, as they would be without waiting.
    fn settle(&self) -> Result<(), IndexError> {
        Ok(())
    }
}

/// Opens the index of a folder, making it if there is none.
pub type OpenIndex = Arc<dyn Fn(&Path) -> Result<Arc<dyn Store>, IndexError> + Send + Sync>;

/// Opens it on sled, with changes collected in memory.
pub fn sled_index() -> OpenIndex {
    Arc::new(|folder| Ok(Arc::new(Buffered::new(SledStore::open(folder)?))))
}

/// The index cannot be read or written.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the index: {0}")]
pub struct IndexError(pub String);

impl From<IndexError> for Refusal {
    fn from(error: IndexError) -> Self {
        Self::Storage(error.to_string())
    }
}

/// Raised when keys or values change their meaning; an index of another version is made again.
const SCHEMA: u32 = 1;
const SCHEMA_KEY: &[u8] = b"meta/schema_version";
const APPLIED_KEY: &[u8] = b"meta/applied";
const SNAPSHOT_KEY: &[u8] = b"meta/snapshot";

/// How far an index has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// The last entry's number.
    pub sequence: u64,
    /// Hash of everything up to it.
    pub chain: Digest,
}

fn record_key(job: JobId) -> Vec<u8> {
    [b"r".as_slice(), &job.0].concat()
}

fn live_prefix(job: JobId) -> Vec<u8> {
    [b"e".as_slice(), &job.0].concat()
}

fn live_key(job: JobId, attempt: AttemptNumber, phase: Phase, epoch: u32) -> Vec<u8> {
    let mut key = live_prefix(job);
    key.extend(attempt.0.to_be_bytes());
    key.push(phase as u8);
    key.extend(epoch.to_be_bytes());
    key
}

fn log_prefix(job: JobId) -> Vec<u8> {
    [b"l".as_slice(), &job.0].concat()
}

/// A record that is not read.
struct Unreadable {
    refusal: Refusal,
    /// What the journal said.
    cause: Option<JournalError>,
}

/// Reads the index and, through it, the journal. Cheap to clone; used beside the engine.
#[derive(Clone)]
pub struct Reader {
    index: Availability,
    journal: Arc<Path>,
    damage: Damage,
}

impl Reader {
    /// A reader of that index and of the segments in `journal`.
    pub fn new(index: Availability, journal: &Path) -> Self {
        Self {
            index,
            journal: journal.into(),
            damage: Damage::default(),
        }
    }

    /// What readers found out about the journal.
    pub fn damage(&self) -> Damage {
        self.damage.clone()
    }

    /// Why records cannot be read now; `None`: they can.
    pub fn trouble(&self) -> Option<String> {
        self.index.trouble()
    }

    /// Asks the index. One that cannot be read is not asked again until it was made again.
    fn ask<T>(&self, ask: impl FnOnce(&dyn Store) -> Result<T, IndexError>) -> Result<T, Refusal> {
        let store = self.index.store()?;
        ask(store.as_ref()).map_err(|error| self.index.failed(&error))
    }

    fn place(&self, job: JobId) -> Result<Option<Vec<u8>>, Refusal> {
        self.ask(|store| store.get(&record_key(job)))
    }

    /// The record of a job, `None` where it has none.
    pub fn record(&self, job: JobId) -> Result<Option<Arc<RunRecord>>, Refusal> {
        // A snapshot may have taken the record over between the look at its place and the reading: the second look finds
        // it.
        let mut tries = 3;
        loop {
            let place = self.place(job)?;
            match self.record_at(job, place.as_deref()) {
                Err(_) if tries > 0 && self.place(job)? != place => tries -= 1,
                Err(Unreadable { refusal, cause }) => {
                    if let Some(cause) = cause {
                        self.damage.note(&cause);
                    }
                    return Err(refusal);
                }
                Ok(read) => return Ok(read),
            }
        }
    }

    fn record_at(
        &self,
        job: JobId,
        place: Option<&[u8]>,
    ) -> Result<Option<Arc<RunRecord>>, Unreadable> {
        let Some(bytes) = place else {
            return Ok(None);
        };
        let unreadable = |what: String| Unreadable {
            refusal: Refusal::Storage(format!(
                "the record of job {} cannot be read: {what}. Start the coordinator again, which makes the index anew",
                job.short()
            )),
            cause: None,
        };
        let location = Location::from_bytes(bytes)
            .ok_or_else(|| unreadable("its place in the journal is damaged".into()))?;
        let payload = journal::read_payload(&self.journal, &location).map_err(|error| {
            let told = unreadable(error.to_string());
            Unreadable {
                cause: Some(error),
                ..told
            }
        })?;
        match serde_json::from_slice(&payload) {
            Ok(Entry::Finished { record, .. }) if record.job_id == job => {
                Ok(Some(Arc::new(*record)))
            }
            Ok(_) => Err(unreadable("there is another entry at its place".into())),
            Err(error) => Err(unreadable(error.to_string())),
        }
    }

    /// The epochs that a job's attempt has reported, in order.
    pub fn live(&self, job: JobId, attempt: AttemptNumber) -> Result<Vec<EpochPoint>, Refusal> {
        let mut prefix = live_prefix(job);
        prefix.extend(attempt.0.to_be_bytes());
        Ok(self
            .ask(|store| store.scan(&prefix))?
            .into_iter()
            // A point that cannot be read is a point that is lost.
            .filter_map(|(_, value)| serde_json::from_slice(&value).ok())
            .collect())
    }

    /// How many epochs a job's attempt has reported.
    pub fn epochs(&self, job: JobId, attempt: AttemptNumber) -> Result<u32, Refusal> {
        let mut prefix = live_prefix(job);
        prefix.extend(attempt.0.to_be_bytes());
        Ok(u32::try_from(self.ask(|store| store.count(&prefix))?).unwrap_or(u32::MAX))
    }

    /// The kept tail of what a job's attempts logged, oldest first.
    pub fn logs(
        &self,
        job: JobId,
        attempt: Option<AttemptNumber>,
    ) -> Result<Vec<LogLine>, Refusal> {
        let mut lines: Vec<(u64, LogLine)> = self
            .ask(|store| store.scan(&log_prefix(job)))?
            .into_iter()
            .filter_map(|(_, value)| serde_json::from_slice(&value).ok())
            .filter(|(_, line): &(u64, LogLine)| {
                // People count; only a restored state's numbers are more than that.
                attempt.is_none_or(|wanted| {
                    line.attempt == wanted || u64::from(line.attempt.count()) == wanted.0
                })
            })
            .collect();
        lines.sort_by_key(|(number, _)| *number);
        Ok(lines.into_iter().map(|(_, line)| line).collect())
    }
}
