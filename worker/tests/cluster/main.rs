//! Workers and the real coordinator in one process, over in-memory connections that can be cut, in virtual time.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, outside test functions"
)]

mod failures;
mod network;
mod service;
mod sweeps_run;
mod troubles;
