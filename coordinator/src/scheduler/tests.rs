//! Scenarios: each reads as what the people and workers did, and what they were told.

mod audits;
mod choice;
mod claims;
mod failures;
mod leases;
mod measured;
mod parts;
mod records;
mod restored;
mod sweeps_grow;
mod taken_over;
pub(crate) mod world;

use sweeps::{AttemptNumber, FailureClass, JobId, JobStatus};

use super::fixture::{self, grid_on, hello, submission};
use super::{Answer, Entry, Event, Request, job};
use proto::nouns::{
    Control, ControlAction, Finish, Goodbye, LeaseRequest, Next, Order, Receipt, Refusal, Release,
    Requirements, StopReason, Target, WorkerId, WorkerState,
};
use world::{World, key, lease_answer};

const TTL: u64 = 60_000;
