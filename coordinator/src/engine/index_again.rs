//! The index made again from the journal while the engine goes on.
//!
//! A thread reads the journal up to the entry that was the last when it began; the engine notes where the records of
//! later entries are, and adds them at the end. Nothing waits for it but those who want to read results, who are refused
//! meanwhile. Where the disk of the index is full it is tried again, at growing distances.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::store::blocking::beside;
use crate::store::entries::ScannedEntry;
use crate::store::index::{Applied, IndexError, IndexWriter, OpenIndex, SledStore};
use crate::store::journal::{self, JournalError};
use proto::error_chain;

/// Entries after which what was read is written: bounds the memory that it takes.
pub(super) const BATCH: u64 = 1000;
/// The first distance of two tries, and the longest where tries are short.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(4));
/// A try that takes long is not made again before so many times as long.
const REST: u32 = 3;

/// Why an index was not made.
#[derive(Debug, thiserror::Error)]
pub(super) enum MakeError {
    /// It cannot be written.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The journal cannot be read.
    #[error("{}", error_chain(.0))]
    Journal(#[from] JournalError),
    /// Nobody wants it any more.
    #[error("the coordinator stops")]
    Stopped,
}

/// An index that is to be made from the journal.
pub(super) struct Making {
    pub(super) open: OpenIndex,
    pub(super) folder: PathBuf,
    pub(super) journal: PathBuf,
    /// The last entry that it is to hold.
    pub(super) last: u64,
}

impl Making {
    /// Makes it: everything in it is on disk when this returns.
    pub(super) fn run(&self, stop: &CancellationToken) -> Result<IndexWriter, MakeError> {
        SledStore::remove(&self.folder)?;
        let mut index = IndexWriter::new((self.open)(&self.folder)?);
        // A disk that is still full says so before the whole journal is read.
        index.probe()?;
        let mut last = None;
        let mut snapshot = None;
        let mut ended: Option<MakeError> = None;
        let mut take = |scanned: &ScannedEntry| -> Result<bool, MakeError> {
            if stop.is_cancelled() {
                return Err(MakeError::Stopped);
            }
            let (sequence, chain) = scanned.reached();
            if sequence > self.last {
                return Ok(false);
            }
            index.entry(&scanned.entry, &scanned.location)?;
            snapshot = scanned.snapshot.or(snapshot);
            last = Some(Applied { sequence, chain });
            if scanned.location.sequence.is_multiple_of(BATCH) {
                // How far it has read is said at the end: half a snapshot is not all that came before it.
                index.commit(last.filter(|_| scanned.snapshot.is_none()))?;
            }
            Ok(true)
        };
        let mut is_over = false;
        let read = journal::visit(&self.journal, &mut |scanned| {
            match take(&scanned) {
                Ok(true) => return Ok(()),
                Ok(false) => is_over = true,
                Err(error) => ended = Some(error),
            }
            // Nothing more is read.
            Err(JournalError::Encode(String::new()))
        });
        if let Some(error) = ended {
            return Err(error);
        }
        // What comes behind the last entry is being written while it is read.
        let has_all = last.map_or(0, |applied| applied.sequence) >= self.last;
        if !is_over && !has_all {
            read?;
        }
        index.commit(last)?;
        if let Some(snapshot) = snapshot {
            index.set_snapshot(snapshot)?;
        }
        index.flush()?;
        Ok(index)
    }
}

/// Where the engine stands with an index that failed.
#[derive(Default)]
pub(super) struct IndexAgain {
    /// Tries that failed since the index last answered.
    failures: u32,
    step: Step,
}

#[derive(Default)]
enum Step {
    /// The index answers.
    #[default]
    Nothing,
    /// The next try is then.
    Waiting(Instant),
    Running {
        task: oneshot::Receiver<Result<IndexWriter, MakeError>>,
        stop: CancellationToken,
        began: Instant,
    },
}

/// What came up.
pub(super) enum Event {
    /// It is time for a try.
    Due,
    /// A try ended, after that time.
    Ended(Result<IndexWriter, MakeError>, Duration),
}

impl IndexAgain {
    /// Waits for the next event; for ever where the index answers. May be dropped and asked again.
    pub(super) async fn event(&mut self) -> Event {
        match &mut self.step {
            Step::Nothing => std::future::pending().await,
            Step::Waiting(at) => {
                sleep_until(*at).await;
                Event::Due
            }
            Step::Running { task, began, .. } => {
                let ended = task.await.unwrap_or_else(|_| {
                    let error = IndexError("the thread that made it panicked".into());
                    Err(MakeError::Index(error))
                });
                let took = began.elapsed();
                self.step = Step::Nothing;
                Event::Ended(ended, took)
            }
        }
    }

    /// Asks for a try, at once or, after one that failed, later.
    pub(super) fn ask(&mut self, took: Duration) {
        if matches!(self.step, Step::Nothing) {
            let pause = match self.failures {
                0 => Duration::ZERO,
                failures => (PAUSE.0 * (1 << failures.min(6)))
                    .min(PAUSE.1)
                    .max(took * REST),
            };
            self.step = Step::Waiting(Instant::now() + pause);
        }
    }

    pub(super) fn start(&mut self, making: Making) {
        let stop = CancellationToken::new();
        let started = beside({
            let stop = stop.clone();
            move || {
                let made = making.run(&stop);
                super::memory::give_back();
                made
            }
        });
        let task = started.unwrap_or_else(|error| {
            // A try that failed: the next is made later.
            let (sender, receiver) = oneshot::channel();
            let error = IndexError(format!(
                "the operating system gives no thread to make it: {error}"
            ));
            let _ = sender.send(Err(MakeError::Index(error)));
            receiver
        });
        self.step = Step::Running {
            task,
            stop,
            began: Instant::now(),
        };
    }

    /// The try that is due is not made now.
    pub(super) fn put_off(&mut self) {
        self.step = Step::Nothing;
    }

    /// Takes note of how a try ended, and asks for another where the index still does not answer.
    pub(super) fn ended(&mut self, is_ready: bool, took: Duration) {
        if is_ready {
            self.failures = 0;
        } else {
            self.failures = self.failures.saturating_add(1);
            self.ask(took);
        }
    }

    /// Lets a try end early, and waits for that.
    pub(super) async fn stop(&mut self) {
        if let Step::Running { task, stop, .. } = &mut self.step {
            stop.cancel();
            // However it ended, a start makes the index again.
            let _ = task.await;
        }
        self.step = Step::Nothing;
    }
}

impl Drop for IndexAgain {
    fn drop(&mut self) {
        if let Step::Running { stop, .. } = &self.step {
            stop.cancel();
        }
    }
}
