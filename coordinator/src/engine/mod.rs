//! The engine: one loop that owns scheduler and store. [`handle`] is how everybody else speaks to it.
//!
//! Reading order: [`turns`] is the loop, durable before told; [`running`] starts and stops it; [`disk_state`] is what it has
//! on disk; [`compaction`] and [`catch_up`] keep journal and index short and equal, [`replayed_state`] is what a snapshot is
//! made of; [`index_again`] makes an index that failed again; [`upkeep`] is what an admin runs on a folder that no
//! coordinator has open.

mod call;
mod catch_up;
pub mod cell_pages;
pub mod clock;
mod compaction;
mod config;
mod disk_state;
mod error;
pub mod expand;
pub mod feed;
pub mod handle;
pub(crate) mod history;
mod index_again;
mod kind_guard;
mod memory;
pub mod metrics;
mod opening;
pub(crate) mod replayed_state;
pub mod rows;
mod running;
pub mod state_reader;
#[cfg(test)]
mod tests;
mod turns;
pub mod upkeep;

pub(crate) use crate::scheduler::{Standing, Totals};
pub use config::Config;
pub use error::EngineError;
pub use opening::Opening;
pub use proto::nouns::StateKind;
pub use running::Engine;
