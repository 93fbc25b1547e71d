//! The coordinator: it knows which jobs there are, who runs them, and what came out.
//!
//! Reading order: [`message`] is what is said to it and what it answers; [`scheduler`] decides, as a pure state machine;
//! [`journal`] is the truth on disk, [`index`] what answers queries, [`artifacts`] the big bytes; [`engine`] ties them
//! together, durable before told, and [`handle`] is how everybody else speaks to it.
//!
//! *Invariant:* the scheduler does no IO, reads no clock and draws no random number. *Invariant:* no answer leaves the
//! engine before what it says is synced to the journal.

pub mod artifacts;
pub mod backup;
pub mod cell_pages;
pub mod cells;
pub mod clock;
pub mod engine;
pub mod entry;
pub mod expand;
pub mod garbage;
pub mod handle;
pub mod image;
pub mod index;
pub mod journal;
mod memory;
pub mod message;
pub mod metrics;
pub mod repair;
pub mod scheduler;
pub mod service;

pub use cell_pages::CellPages;
pub use clock::{Clock, SystemClock};
pub use engine::{Config, Engine, EngineError, StateKind};
pub use entry::Entry;
pub use expand::{Expand, Expanded, sweep_language};
pub use handle::EngineHandle;
pub use message::{Refusal, Timestamp, WorkerId};
pub use metrics::Metrics;
