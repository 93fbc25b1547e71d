//! A snapshot of the journal, written by a thread of its own while the engine goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::oneshot;

use super::replayed_state::ReplayedState;
use crate::model::entry::Entry;
use crate::scheduler::Policy;
use crate::store::blocking::beside;
use crate::store::index::{IndexError, Store, relocate};
use crate::store::journal::{JournalError, Snapshot, SnapshotFile};

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub(super) enum CompactionError {
    /// It cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It is there, but the index cannot follow.
    #[error("{0}")]
    Index(IndexError, SnapshotFile),
    /// The operating system gives no thread to write it.
    #[error("the operating system gives no thread for it")]
    Thread(#[from] std::io::Error),
    /// A bug.
    #[error("the thread that wrote it panicked")]
    Panicked,
}

/// A snapshot that is to be written, and the index that is to follow it.
pub(super) struct Compaction {
    pub(super) snapshot: Snapshot<Entry>,
    /// `None`: there is none now.
    pub(super) store: Option<Arc<dyn Store>>,
    pub(super) policy: Policy,
}

/// One that is being written. It ends early when this goes.
pub(super) struct Compacting {
    ended: oneshot::Receiver<Result<SnapshotFile, CompactionError>>,
    stop: Arc<AtomicBool>,
}

/// When a snapshot that is being written has ended; never where there is none.
pub(super) async fn compacted(
    compacting: &mut Option<Compacting>,
) -> Result<SnapshotFile, CompactionError> {
    match compacting {
        Some(compacting) => compacting.ended().await,
        None => std::future::pending().await,
    }
}

impl Compaction {
    pub(super) fn start(self) -> Result<Compacting, CompactionError> {
        let stop = Arc::new(AtomicBool::new(false));
        let ended = beside({
            let stop = stop.clone();
            move || {
                let written = self.run(&stop);
                super::memory::give_back();
                written
            }
        })?;
        Ok(Compacting { ended, stop })
    }

    fn run(self, stop: &AtomicBool) -> Result<SnapshotFile, CompactionError> {
        let began = tokio::time::Instant::now();
        // What a start would make of the journal: the scheduler that runs is not asked, so that nobody waits for it.
        let mut replayed = ReplayedState::new(self.policy);
        let written = self.snapshot.write(&mut replayed, stop)?;
        let records = replayed.records;
        drop(replayed.scheduler);
        // From here on it counts, and a start would move the index by itself.
        if let Some(store) = &self.store
            && let Err(error) = relocate(store.as_ref(), &records, &written)
        {
            return Err(CompactionError::Index(error, written));
        }
        tracing::info!(
            records = records.len(),
            entries = written.first - 1,
            milliseconds = began.elapsed().as_millis() as u64,
            "the journal was compacted by a snapshot"
        );
        Ok(written)
    }
}

impl Compacting {
    /// Waits until it has ended. May be dropped and asked again.
    pub(super) async fn ended(&mut self) -> Result<SnapshotFile, CompactionError> {
        (&mut self.ended)
            .await
            .unwrap_or(Err(CompactionError::Panicked))
    }

    /// Lets it end early.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Drop for Compacting {
    fn drop(&mut self) {
        self.stop();
    }
}

pub(super) fn failed(error: &dyn std::error::Error) {
    let cause = proto::error_chain(error);
    tracing::warn!(
        cause,
        "the journal cannot be compacted; it grows until it can"
    );
}
