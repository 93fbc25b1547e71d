//! A worker against a scripted coordinator, in virtual time, over in-memory connections: what it says, in which order,
//! whatever gets lost.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, outside test functions"
)]

mod devices;
mod jobs;
mod leaving;
mod losses;
mod reports;
mod strangers;
mod world;
