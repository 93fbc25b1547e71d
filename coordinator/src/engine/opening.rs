//! How far the opening of a state folder has come, for those who wait for it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::store::entries::ScannedEntry;

/// How far the opening of a state folder has come. Clones tell of the same opening.
#[derive(Debug, Clone, Default)]
pub struct Opening(Arc<Read>);

#[derive(Debug, Default)]
struct Read {
    bytes: AtomicU64,
    of: AtomicU64,
    entries: AtomicU64,
}

impl Opening {
    /// The journal that is read has so many bytes.
    pub(super) fn begins(&self, bytes: u64) {
        self.0.bytes.store(0, Relaxed);
        self.0.entries.store(0, Relaxed);
        self.0.of.store(bytes, Relaxed);
    }

    /// An entry was read.
    pub(super) fn read(&self, scanned: &ScannedEntry) {
        self.0
            .bytes
            .fetch_add(scanned.payload.len() as u64, Relaxed);
        self.0.entries.fetch_add(1, Relaxed);
    }
}

impl fmt::Display for Opening {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.of.load(Relaxed) == 0 {
            return formatter.write_str("opening the state folder");
        }
        let mebibytes = |bytes: &AtomicU64| bytes.load(Relaxed) as f64 / f64::from(1 << 20);
        write!(
            formatter,
            "reading the journal: {:.1} of {:.1} MiB, {} entries",
            mebibytes(&self.0.bytes),
            mebibytes(&self.0.of),
            self.0.entries.load(Relaxed)
        )
    }
}
