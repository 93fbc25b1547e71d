//! The coordinator: it knows which jobs there are, who runs them, and what came out.
//!
//! Reading order: [`message`] is what is said to it and what it answers; [`scheduler`] decides, as a pure state machine;
//! [`journal`] is the truth on disk, [`index`] what answers queries, [`artifacts`] the big bytes; [`engine`] ties them
//! together, durable before told, and [`handle`] is how everybody else speaks to it.
//!
//! *Invariant:* the scheduler does no IO, reads no clock and draws no random number. *Invariant:* no answer leaves the
//! engine before what it says is synced to the journal.

pub mod engine;
pub mod model;
pub mod scheduler;
pub mod service;
pub mod store;

pub use engine::cell_pages::CellPages;
pub use engine::clock::{Clock, SystemClock};
pub use engine::expand::{Expand, Expanded, sweep_language};
pub use engine::handle::EngineHandle;
pub use engine::metrics::Metrics;
pub use engine::state_reader::{ReadError, StateReader};
pub use engine::{Config, Engine, EngineError, Opening, StateKind};
pub use model::entry::Entry;
pub(crate) use proto::nouns as message;
pub use proto::nouns::{Refusal, Timestamp, WorkerId};
