//! What is decided: reading alone. Every function here takes `&self` and yields entries, facts that are to hold, which
//! [`super::Scheduler::commit`] applies and asks to be written. A decision that depends on what another one did (the next job of
//! several) is made after that was committed.
//!
//! `workers` decides what hellos, failures and goodbyes lead to, `leases` which job a worker gets, `records` what a result is
//! worth, `failures` whether a job is tried again, `probation` whose fault it was, `audits` what is run once more, `people`
//! what submissions and controls mean, `parts` the next part of a long submission, `looks` what is decided of claims and which
//! seeds come next, `taken_over` which results from elsewhere end a job, `lives` what an earlier life of a state that
//! was restored gave.

mod audits;
mod failures;
mod leases;
mod lives;
mod looks;
mod parts;
mod people;
mod probation;
mod records;
mod taken_over;
mod workers;

pub(super) use leases::SweepTurn;
pub(super) use parts::Taken;
pub use taken_over::Reuse;
