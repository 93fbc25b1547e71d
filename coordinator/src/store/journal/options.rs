//! How a journal is kept.

use std::sync::Arc;

use durable::{Disk, RealDisk};

/// How the journal is kept.
#[derive(Clone)]
pub struct Options {
    /// A segment that is longer than this is followed by a new one.
    pub segment_bytes: u64,
    /// A snapshot is due when so many bytes came since the last one, or as many as it has itself where that is more: so
    /// an entry is rewritten a bounded number of times.
    pub snapshot_bytes: u64,
    /// The same in entries.
    pub snapshot_entries: u64,
    /// What it is written to.
    pub disk: Arc<dyn Disk>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            // Large enough that a month's sweep has tens of files, small enough to copy one.
            segment_bytes: 64 << 20,
            // Read in less than a second; a thousand real jobs stay below it.
            snapshot_bytes: 64 << 20,
            snapshot_entries: 500_000,
            disk: Arc::new(RealDisk),
        }
    }
}
