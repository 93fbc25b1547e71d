//! The coordinator on the network: gRPC services over [`EngineHandle`](crate::EngineHandle).
//!
//! Here wire becomes nouns and back, and every refusal a status with a reason. Nothing is decided here: what a message
//! means is the scheduler's. What arrives is bounded (length, number of calls, time) before it is looked at.
//!
//! [`serve`] takes a bound listener and a token to stop. [`Access`] says who may call what, [`Limits`] how much of it; [`serve_http`] is the side port for metrics
//! and probes.

pub mod exposure;

pub(crate) mod access;
mod brief;
mod connections;
mod deadline;
mod descriptors;
mod health;
mod http;
mod limits;
mod live;
mod log_rate_limit;
mod people;
mod server;
mod side_connection;
mod store;
mod strangers;
#[cfg(test)]
mod tests;
mod tls;
mod worker;

pub use ::live::{Printed, PrintedNumber};
pub use access::{Access, Role, TokenDigest, TokenEntry, TokenFile, TokenFileError, token_of};
pub use exposure::{Exposed, check_exposure};
pub use health::Health;
pub use http::{HttpOptions, PrintedOf, serve_http};
pub use limits::Limits;
pub use live::live_address;
pub use server::{Options, ServeError, serve, serve_incoming};
pub use tls::{Tls, TlsError};
