//! The numerics below training and extraction: matrix products, buffers.
//!
//! This crate knows no network, no equation and no device but the processor. The `unsafe` code of the house's numerics is here
//! and nowhere else, each block behind a safe function whose asserts keep what it needs.

pub mod buffer;
pub mod convolution;
mod error;
pub mod isa;
pub mod passes;
pub mod product;
#[cfg(test)]
mod test_values;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tf32;
mod threads;

pub use error::OutOfMemory;
pub use isa::Isa;
pub use threads::{Threads, ThreadsError};
