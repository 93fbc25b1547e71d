//! An engine that runs: opened from its state folder, spoken to through its handle, stopped by a token.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use futures_core::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::clock::Clock;
use super::config::Config;
use super::disk_state::DiskState;
use super::error::EngineError;
use super::expand::Expand;
use super::feed::Feed;
use super::handle::{EngineHandle, Shared};
use super::turns::Turns;
use crate::store::blocking::{beside, reserve};
use crate::store::lock::StateLock;
use crate::store::mark;

/// Requests that may wait for the engine; a caller waits for room beyond that. A few turns' worth.
const CALLS: usize = 1024;

/// A running engine.
pub struct Engine {
    handle: EngineHandle,
    task: JoinHandle<Result<(), EngineError>>,
}

impl Engine {
    /// Opens the state folder, takes the state from the journal, and runs until `shutdown`. Boxed *because* the body of an
    /// `async fn` is compiled where it is awaited, and optimised as that is: here it is, once.
    ///
    /// # Errors
    /// [`EngineError`]: the folder is in use, damaged, or cannot be written.
    pub fn start(
        config: Config,
        clock: Arc<dyn Clock>,
        expand: Expand,
        shutdown: CancellationToken,
    ) -> BoxFuture<'static, Result<Self, EngineError>> {
        Box::pin(Self::open(config, clock, expand, shutdown))
    }

    async fn open(
        config: Config,
        clock: Arc<dyn Clock>,
        expand: Expand,
        shutdown: CancellationToken,
    ) -> Result<Self, EngineError> {
        let state = config.state.clone();
        let trainer_revision = config.trainer_revision;
        let now = clock.now();
        let open = move || -> Result<_, EngineError> {
            mark::be_whole(&config.state)?;
            let mut opened = DiskState::open(&config, &StateLock::take(&config.state)?)?;
            DiskState::begin_life(&mut opened, &config, now)?;
            Ok(opened)
        };
        let opened = beside(open)
            .map_err(|error| EngineError::Task(format!("no thread opens the state: {error}")))?
            .await
            .map_err(|_| EngineError::Task("a bug ended the opening of the state".into()))??;
        reserve().await;
        let (calls, receiver) = mpsc::channel(CALLS);
        let feed = Arc::new(Feed::new(clock.now()));
        let handle = EngineHandle::new(Shared {
            calls,
            feed: feed.clone(),
            tickets: AtomicU64::new(1),
            reader: opened.reader,
            artifacts: opened.artifacts,
            state,
            expand,
            trainer_revision,
        });
        let turns = Turns::new(opened.scheduler, opened.state, clock, feed);
        let task = tokio::spawn(turns.run(receiver, shutdown));
        Ok(Self { handle, task })
    }

    /// How to speak to it.
    pub fn handle(&self) -> EngineHandle {
        self.handle.clone()
    }

    /// Waits until it has stopped, everything written.
    ///
    /// # Errors
    /// [`EngineError`], where it stopped by itself.
    pub async fn stopped(self) -> Result<(), EngineError> {
        drop(self.handle);
        self.task
            .await
            .map_err(|error| EngineError::Task(error.to_string()))?
    }
}
