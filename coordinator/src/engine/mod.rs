//! The engine: one loop that owns scheduler and store. [`handle`] is how everybody else speaks to it.
//!
//! Reading order: [`turns`] is the loop, durable before told; [`running`] starts and stops it; [`state`] is what it has on
//! disk; [`compaction`] and [`follower`] keep journal and index short and equal; [`index_again`] makes an index that failed again; [`upkeep`] is what an admin runs on a
//! folder that no coordinator has open.

mod call;
pub mod cell_pages;
pub mod clock;
mod compaction;
mod config;
mod error;
pub mod expand;
pub mod feed;
mod follower;
pub mod handle;
mod index_again;
mod kind;
mod memory;
pub mod metrics;
mod opening;
pub(crate) mod replayed_state;
pub mod rows;
mod running;
mod state;
pub mod state_reader;
#[cfg(test)]
mod tests;
mod turns;
pub mod upkeep;

pub use config::Config;
pub use error::EngineError;
pub use kind::StateKind;
pub use opening::Opening;
pub use running::Engine;
