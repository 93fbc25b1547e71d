//! What a snapshot of the journal is made of: the state that a start would make of the entries, and every record as it was
//! written.

use std::collections::BTreeSet;

use sweeps::JobId;

use crate::model::entry::Entry;
use crate::scheduler::{Policy, Scheduler};
use crate::store::index::RecordLocation;
use crate::store::journal::{JournalError, Location, SnapshotSource};

/// The state that follows from the entries so far.
pub(crate) struct ReplayedState {
    pub(crate) scheduler: Scheduler,
    /// Jobs whose first record was taken over.
    recorded: BTreeSet<JobId>,
    /// Where the records are in the snapshot.
    pub(crate) records: Vec<RecordLocation>,
}

impl ReplayedState {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            scheduler: Scheduler::new(policy),
            recorded: BTreeSet::new(),
            records: Vec::new(),
        }
    }
}

impl SnapshotSource<Entry> for ReplayedState {
    fn replay(&mut self, entry: &Entry) -> Result<bool, JournalError> {
        let replayed = self.scheduler.replay(entry);
        replayed.map_err(|error| JournalError::Encode(error.to_string()))?;
        // The image knows results by their digests alone.
        Ok(match entry {
            Entry::Finished { record, .. } => self.recorded.insert(record.job_id),
            Entry::Compared { record, .. } => record.is_some(),
            _ => false,
        })
    }

    fn taken_over(&mut self, entry: &Entry, location: Location) {
        if let Some(record) = entry.finished() {
            let job = record.job_id;
            self.records.push(RecordLocation { job, location });
        }
    }

    fn image(
        &mut self,
        each: &mut dyn FnMut(&Entry) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        // The image takes memory of its own.
        self.recorded = BTreeSet::new();
        self.scheduler.each_part(each)
    }
}
