//! What a decision is.

use crate::model::entry::Entry;

/// What follows from a request.
#[derive(Debug)]
pub(super) struct Decision<T> {
    /// Facts, in their order.
    pub(super) entries: Vec<Entry>,
    /// What is said once they are applied.
    pub(super) answer: T,
}

impl<T> Decision<T> {
    /// Nothing changes.
    pub(super) fn nothing(answer: T) -> Self {
        Self {
            entries: Vec::new(),
            answer,
        }
    }

    /// One fact.
    pub(super) fn one(entry: Entry, answer: T) -> Self {
        Self {
            entries: vec![entry],
            answer,
        }
    }
}
