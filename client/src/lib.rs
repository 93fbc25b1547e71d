//! How programs reach a coordinator: the connection, and its calls from nouns to nouns.
//!
//! [`dial`](fn@dial) makes a connection, [`Bearer`] signs each call. [`Caller`] asks what people ask, [`link::Link`] what workers
//! ask; [`verdict`] says what a worker does about a call that failed. Generated types are named in this
//! crate and in the coordinator's services alone.

mod caller;
mod dial;
mod incurable;
pub mod link;
pub mod verdict;

pub use caller::{CallError, Caller};
pub use dial::{Bearer, DialError, Keys, dial, live};
