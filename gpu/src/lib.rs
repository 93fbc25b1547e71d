//! GPUs as candle opens them, for whoever computes on one: [`open`] gives a device with one ordered queue, [`Facts`] say
//! where the bits of another are equal, and [`Fault`] says whose fault an error of candle is.
//!
//! Everything here compiles without CUDA; only `open` then has one answer. Without the feature `candle` there is nothing here.
#![cfg(feature = "candle")]

mod facts;
mod fault;
mod memory;
mod opened;

pub use facts::Facts;
pub use fault::{Blame, Fault};
pub use memory::{ADDRESSABLE, free_bytes};
pub use opened::{Opened, open};
