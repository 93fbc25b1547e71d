//! Whether the index can be asked now. An index that failed is not asked until it was made again: an empty answer of
//! a broken index would pass for "there is no record".

use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Notify;

use super::{IndexError, Store};
use proto::nouns::Refusal;

/// The one place where readers find the index, and where they leave word that it failed them. Cheap to clone.
#[derive(Clone)]
pub struct Availability(Arc<Shared>);

struct Shared {
    state: RwLock<IndexState>,
    /// A reader found that the index cannot be read.
    failed: Notify,
}

enum IndexState {
    Ready(Arc<dyn Store>),
    /// Why it cannot be asked.
    Behind(String),
}

impl Availability {
    /// Of an index that holds everything that the journal holds.
    pub fn ready(store: Arc<dyn Store>) -> Self {
        Self::of(IndexState::Ready(store))
    }

    /// Of an index that has to be made again first.
    pub fn behind(why: impl Into<String>) -> Self {
        Self::of(IndexState::Behind(why.into()))
    }

    fn of(state: IndexState) -> Self {
        Self(Arc::new(Shared {
            state: RwLock::new(state),
            failed: Notify::new(),
        }))
    }

    /// The index.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] while it has to be made again.
    pub(super) fn store(&self) -> Result<Arc<dyn Store>, Refusal> {
        let state = self.0.state.read().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            IndexState::Ready(store) => Ok(store.clone()),
            IndexState::Behind(why) => Err(Refusal::Unavailable(format!(
                "its index of results cannot be read and is made again from the journal ({why}); every result is safe on disk, try again in a moment"
            ))),
        }
    }

    /// Why the index cannot be asked; `None`: it can.
    pub fn trouble(&self) -> Option<String> {
        let state = self.0.state.read().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            IndexState::Ready(_) => None,
            IndexState::Behind(why) => Some(why.clone()),
        }
    }

    /// The index was made again.
    pub(crate) fn set_ready(&self, store: Arc<dyn Store>) {
        self.set(IndexState::Ready(store));
    }

    /// The index cannot be asked from now on. Readers let go of it.
    pub(crate) fn set_behind(&self, why: impl Into<String>) {
        self.set(IndexState::Behind(why.into()));
    }

    fn set(&self, state: IndexState) {
        *self.0.state.write().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// A reader could not read: nobody else tries, and the engine hears of it.
    pub(super) fn failed(&self, error: &IndexError) -> Refusal {
        self.set_behind(error.to_string());
        self.0.failed.notify_one();
        Refusal::Unavailable(format!("{error}; it is made again, try again in a moment"))
    }

    /// Waits until a reader could not read.
    pub(crate) async fn reader_failed(&self) {
        self.0.failed.notified().await;
    }
}
