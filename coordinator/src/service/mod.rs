//! The coordinator on the network: gRPC services over [`EngineHandle`](crate::EngineHandle).
//!
//! Here wire becomes nouns and back, and every refusal a status with a reason. Nothing is decided here: what a message
//! means is the scheduler's. What arrives is bounded (length, number of calls, time) before it is looked at.
//!
//! [`serve`] takes a bound listener and a token to stop; [`caller`] is the other end of the client service, for the
//! command line.

pub mod caller;
pub mod exposure;

mod access;
mod client;
mod convert;
mod deadline;
mod refusal;
mod server;
mod store;
mod worker;

pub use access::Token;
pub use caller::{CallError, Caller, Heard};
pub use exposure::{Exposed, check_exposure};
pub use server::{Options, ServeError, Tls, serve, serve_incoming};
