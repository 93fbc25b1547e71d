//! The scheduler: a pure state machine. Events in, effects out; no clock, randomness, IO or lock.
//!
//! `request` answers: it asks `decide`, which reads and yields entries, has them applied by `apply`, which writes, and makes the
//! answer. A restart applies the same entries by the same function, so that the state follows from the journal, but for what
//! may be forgotten: when a worker was last heard, when a lease ends, who waits for work.
//!
//! The state is made of parts with private fields: [`job_table::JobTable`] alone changes jobs, and counts and queues with them;
//! [`worker_table::WorkerTable`], [`audits::Audits`], [`blame::Blame`], [`life::Life`], [`lease_clock::LeaseClock`],
//! [`wait_queue::WaitQueue`], [`fairness::Fairness`] and [`staged::Submissions`]. [`Scheduler`] composes them; `leases` is where a lease changes in several of
//! them together. [`Scheduler::check`] says whether they agree.
//!
//! `image` is the state as data, `view`, `explain` and `totals` look.

mod apply;
mod audits;
mod blame;
#[cfg(test)]
mod check;
mod decide;
mod decision;
mod done;
mod explain;
mod fairness;
mod image;
mod ineligibility;
mod job;
mod job_ids;
mod job_table;
mod lease_clock;
mod leases;
mod life;
mod machine;
mod messages;
mod policy;
mod presence;
mod request;
mod staged;
mod standing;
mod take_parts;
mod totals;
mod view;
mod wait_queue;
mod worker_table;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod sim;
#[cfg(test)]
pub(crate) mod tests;

pub use crate::model::entry::Entry;
pub use crate::model::image::ImageError;
pub use crate::model::submission::Submission;
pub use decide::Reuse;
pub use machine::Scheduler;
pub use messages::{Answer, Effect, Event, Reply, Request, Ticket};
pub use policy::Policy;
pub(crate) use standing::Standing;
pub use totals::{DeviceTotals, Totals};
pub(crate) use view::JobRow;
