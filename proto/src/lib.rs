//! The vocabulary of the cluster: the [`nouns`] that coordinator, workers and people speak, the [`wire`] sweep.v1 that they
//! travel on, and the conversions both ways.
//!
//! Generated types stop at the RPC modules of coordinator and client; inside, everyone speaks the nouns. From a noun to the wire is `From`, and cannot fail. From the wire to a noun is `TryFrom` with a
//! [`WireError`]: whatever arrives, the answer is a value or an error, never a panic, and every length is checked
//! against [`limits`].

mod causes;
mod convert;
mod error;
mod fit;
pub mod limits;
pub mod nouns;
mod number;
mod page;
mod reason;
pub mod telemetry;
pub mod version;

pub use causes::{error_chain, with_causes};
pub use convert::{RowReader, RowWriter, hello, status};
pub use error::WireError;
pub use fit::{CUT, fit, fit_text};
pub use number::{attempt, digest, job_id, named_digests, required, text, texts, word};
pub use page::{Page, cut};
pub use reason::{REASON_KEY, Reason, refuse};

/// The messages and services: `cargo run -p proto-generate` writes them from the `.proto` files.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used
)]
pub mod wire {
    include!("generated/sweep.v1.rs");
}

/// The paths of all calls of sweep.v1, as they stand in a request: `/sweep.v1.WorkerService/Hello`.
pub const CALLS: &[&str] = include!("generated/calls.rs");
