//! Prepared data, kept between jobs: bounded by bytes, least recently used out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gcl::Prepared;
use sweeps::Digest;
use sweeps::training::FeatureScaling;

/// Prepared data, kept between jobs.
pub(super) struct Cache {
    limit: usize,
    /// Most recently used last.
    entries: Mutex<Vec<Entry>>,
}

struct Entry {
    digest: Digest,
    scaling: FeatureScaling,
    prepared: Arc<Prepared>,
}

impl Cache {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            entries: Mutex::default(),
        }
    }

    pub(super) fn get(&self, digest: Digest, scaling: FeatureScaling) -> Option<Arc<Prepared>> {
        let mut entries = self.entries();
        let at = entries
            .iter()
            .position(|entry| entry.digest == digest && entry.scaling == scaling)?;
        let entry = entries.remove(at);
        let prepared = Arc::clone(&entry.prepared);
        entries.push(entry);
        Some(prepared)
    }

    /// Lets go of what was used least recently, until so many bytes more fit or nothing is left.
    pub(super) fn make_room(&self, bytes: usize) {
        let mut entries = self.entries();
        while !entries.is_empty() && total(&entries).saturating_add(bytes) > self.limit {
            entries.remove(0);
        }
    }

    /// Keeps it, unless it alone is more than may be kept; then it lives as long as its job.
    pub(super) fn insert(
        &self,
        digest: Digest,
        scaling: FeatureScaling,
        prepared: Prepared,
    ) -> Arc<Prepared> {
        let prepared = Arc::new(prepared);
        if prepared.bytes() <= self.limit {
            self.make_room(prepared.bytes());
            self.entries().push(Entry {
                digest,
                scaling,
                prepared: Arc::clone(&prepared),
            });
        }
        prepared
    }

    /// The data sets that are here, each once.
    pub(super) fn digests(&self) -> Vec<Digest> {
        let mut digests: Vec<Digest> = self.entries().iter().map(|entry| entry.digest).collect();
        digests.sort_unstable();
        digests.dedup();
        digests
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn total(entries: &[Entry]) -> usize {
    entries.iter().map(|entry| entry.prepared.bytes()).sum()
}
