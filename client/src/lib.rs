//! How programs reach a coordinator: the connection, and its calls from nouns to nouns.
//!
//! [`dial`](fn@dial) makes a connection, [`Bearer`] signs each call. [`Client`] asks what people ask, [`link::Link`] what workers
//! ask; [`decision`] says what a worker does about a call that failed. Generated types are named in this
//! crate and in the coordinator's services alone.

mod address;
mod call_error;
mod client;
pub mod decision;
mod dial;
mod incurable;
pub mod link;
mod spoken;

pub use address::with_usual_port;
pub use call_error::CallError;
pub use client::Client;
pub use dial::{Bearer, DialError, Keys, dial, live};
pub use spoken::right_address;
