//! How programs reach a coordinator: the connection, and its calls from nouns to nouns.
//!
//! [`dial`] makes a connection, [`Bearer`] signs each call, [`Caller`] asks what people ask. Generated types are named in this
//! crate and in the coordinator's services alone.

mod caller;
mod dial;

pub use caller::{CallError, Caller};
pub use dial::{Bearer, DialError, Keys, dial, live};
