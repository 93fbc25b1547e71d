//! What is decided: reading alone. Every function here takes `&self` and yields entries, facts that are to hold, which
//! [`super::Scheduler::commit`] applies and asks to be written. A decision that depends on what another one did (the next job of
//! several) is made after that was committed.
//!
//! `workers` decides what hellos, failures and goodbyes lead to, `leases` which job a worker gets, `records` what a result is
//! worth, `failures` whether a job is tried again, `probation` whose fault it was, `audits` what is run once more, `people`
//! what submissions and controls mean, `parts` the next part of a long submission, `lives` what an earlier life of a state that
//! was restored gave.

mod audits;
mod failures;
mod leases;
mod lives;
mod parts;
mod people;
mod probation;
mod records;
mod workers;

pub(super) use leases::SweepTurn;
pub(super) use parts::Taken;
pub(super) use records::is_finite;

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
    fn nothing(answer: T) -> Self {
        Self {
            entries: Vec::new(),
            answer,
        }
    }

    /// One fact.
    fn one(entry: Entry, answer: T) -> Self {
        Self {
            entries: vec![entry],
            answer,
        }
    }
}
