//! A box of results as both who publishes and who verifies have it: its evidence read, and what is derived from it.

mod derived;
mod opened;
mod temporary;

pub use derived::{derive, pretty, put};
pub use opened::{MISSING, OpenBox, OpenSweep, read_bytes, walk};
pub use temporary::Temporary;
