//! A snapshot of the journal, written by a thread of its own while the engine goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::oneshot;

use crate::model::entry::Entry;
use crate::scheduler::{Policy, Scheduler};
use crate::store::blocking::beside;
use crate::store::index::{IndexError, Store, moved};
use crate::store::journal::{self, JournalError, Snapshot, Written};

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub(super) enum CompactionError {
    /// It cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It is there, but the index cannot follow.
    #[error("{0}")]
    Index(IndexError, Written),
    /// The operating system gives no thread to write it.
    #[error("no thread can be had for it")]
    Thread(#[from] std::io::Error),
    /// A bug.
    #[error("the thread that wrote it panicked")]
    Panicked,
}

/// A snapshot that is to be written, and the index that is to follow it.
pub(super) struct Compaction {
    pub(super) snapshot: Snapshot,
    /// `None`: there is none now.
    pub(super) store: Option<Arc<dyn Store>>,
    pub(super) policy: Policy,
}

/// One that is being written. It ends early when this goes.
pub(super) struct Compacting {
    ended: oneshot::Receiver<Result<Written, CompactionError>>,
    stop: Arc<AtomicBool>,
}

/// When a snapshot that is being written has ended; never where there is none.
pub(super) async fn compacted(
    compacting: &mut Option<Compacting>,
) -> Result<Written, CompactionError> {
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

    fn run(self, stop: &AtomicBool) -> Result<Written, CompactionError> {
        let began = tokio::time::Instant::now();
        // What a start would make of the journal: the scheduler that runs is not asked, so that nobody waits for it.
        let mut replayed = Scheduler::new(self.policy);
        let written = self.snapshot.write(&mut replayed, stop)?;
        drop(replayed);
        // From here on it counts, and a start would move the index by itself.
        if let Some(store) = &self.store
            && let Err(error) = moved(store.as_ref(), &written)
        {
            return Err(CompactionError::Index(error, written));
        }
        tracing::info!(
            records = written.kept.len(),
            entries = written.first - 1,
            milliseconds = began.elapsed().as_millis() as u64,
            "the journal was compacted by a snapshot"
        );
        Ok(written)
    }
}

impl Compacting {
    /// Waits until it has ended. May be dropped and asked again.
    pub(super) async fn ended(&mut self) -> Result<Written, CompactionError> {
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

impl journal::State for Scheduler {
    fn replay(&mut self, entry: &Entry) -> Result<(), JournalError> {
        let replayed = Scheduler::replay(self, entry);
        replayed.map_err(|error| JournalError::Encode(error.to_string()))
    }

    fn image(
        &self,
        each: &mut dyn FnMut(&Entry) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        self.each_part(each)
    }
}

pub(super) fn failed(error: &dyn std::error::Error) {
    let cause = crate::model::error_chain::chain(error);
    tracing::warn!(
        cause,
        "the journal cannot be compacted; it grows until it can"
    );
}
