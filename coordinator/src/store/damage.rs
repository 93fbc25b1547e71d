//! What is known of damage to the journal: a coordinator that knows of some is not ready, and says so until it is started
//! again, since only a start reads everything.

use std::sync::{Arc, Mutex, PoisonError};

use super::journal::JournalError;
use proto::error_chain;

/// The first damage that was found. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Damage(Arc<Mutex<Option<String>>>);

impl Damage {
    /// Takes note of an error where it says that the journal is not what was written.
    pub(crate) fn note(&self, error: &JournalError) {
        if !matches!(
            error,
            JournalError::Damaged { .. } | JournalError::DamagedSnapshot { .. }
        ) {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            let cause = error_chain(error);
            tracing::error!(
                cause,
                "the journal is damaged: not ready until it was repaired"
            );
            *known = Some(cause);
        }
    }

    /// What was found first.
    pub fn known(&self) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }
}
