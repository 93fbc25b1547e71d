//! The coordinator: it knows which jobs there are, who runs them, and what came out.
//!
//! Five rooms, and arrows only downward: [`service`] (the network) → `engine` (the loop, durable before told) → `scheduler`
//! (decides, as a pure state machine) and `store` (the truth on disk) → `model` (plain data). [`Engine`] is the way in for a
//! program, [`EngineHandle`] how everybody else speaks to it, [`state`] what is done to a state folder without one.
//!
//! *Invariant:* the scheduler does no IO, reads no clock and draws no random number. *Invariant:* no answer leaves the
//! engine before what it says is synced to the journal.
#![allow(
    unreachable_pub,
    reason = "the rooms are private; inside them `pub` is what a room shows to the others"
)]

mod engine;
mod model;
mod scheduler;
pub mod service;
pub mod state;
mod store;

pub use engine::clock::{Clock, SystemClock};
pub use engine::expand::{Expand, Expanded, sweep_language};
pub use engine::handle::EngineHandle;
pub use engine::metrics::Metrics;
pub use engine::{Config, Engine, EngineError, Opening};
pub use scheduler::{Policy, Reuse};
