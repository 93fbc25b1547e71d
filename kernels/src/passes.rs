//! How rows are cut into chunks for passes between the products.
//!
//! The size of a chunk does not depend on the number of threads, and sums over rows are made chunk by chunk and then over
//! the chunks in order: same bits at any number of threads.

/// Rows in a chunk. At the paper's batch of 8192 rows 64 chunks, enough for the threads of any machine that trains on its
/// CPU; at 2048 features a chunk's row block fits the second-level cache.
pub const ROWS: usize = 128;

/// Below this many values a pass is shorter than waking a thread.
pub const WORTH_A_THREAD: usize = 65_536;
