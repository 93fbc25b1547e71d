//! Passes over rows between the products: each reads and writes its buffers once.
//!
//! Work is cut into chunks whose size does not depend on the number of threads, and sums over rows are made chunk by
//! chunk and then over the chunks in order: same bits at any number of threads.

mod layer;
mod rms_prop;
mod sums;

pub use layer::{BiasRelu, ReluGradient, multiply};
pub use rms_prop::{RmsProp, rms_prop};
pub use sums::{add_chunks, squared_distance, sum_of_squares};

/// Rows in a chunk. At the paper's batch of 8192 rows 64 chunks, enough for the threads of any machine that trains on its
/// CPU; at 2048 features a chunk's row block fits the second-level cache.
pub const ROWS: usize = 128;

/// Below this many values a pass is shorter than waking a thread.
pub const WORTH_A_THREAD: usize = 65_536;

/// Number of chunks of `rows` rows.
pub fn chunks(rows: usize) -> usize {
    rows.div_ceil(ROWS)
}
