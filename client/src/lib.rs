//! How programs reach a coordinator: the connection, and its calls from nouns to nouns.
//!
//! [`dial`](fn@dial) makes a connection, [`Bearer`] signs each call. [`Client`] asks what people ask, [`link::Link`] what workers
//! ask; [`decision`] says what a worker does about a call that failed. Generated types are named in this
//! crate and in the coordinator's services alone.

mod call_error;
mod client;
pub mod decision;
mod dial;
mod incurable;
pub mod link;

pub use call_error::CallError;
pub use client::Client;
pub use dial::{Bearer, DialError, Keys, dial, live};
