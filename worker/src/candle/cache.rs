//! Prepared data, kept between jobs: bounded by bytes, least recently used out.
//!
//! The rows of a data set are here once, whatever the scalings of its jobs. Bytes of this process and bytes of mapped files have a
//! budget each: the latter are the host's page cache, which lets go of them by itself, and are bounded so that a worker that sees
//! many data sets does not hold the files of all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gcl::Prepared;
use sweeps::Digest;
use sweeps::training::FeatureScaling;

/// Prepared data, kept between jobs.
pub(super) struct Cache {
    limit: Bytes,
    /// Most recently used last.
    entries: Mutex<Vec<Entry>>,
}

/// How much data take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Bytes {
    /// Of this process.
    pub(super) own: usize,
    /// Of mapped files.
    pub(super) mapped: usize,
}

/// A data set, under at least one scaling.
struct Entry {
    digest: Digest,
    scalings: Vec<Arc<Prepared>>,
}

impl Bytes {
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            own: self.own.saturating_add(other.own),
            mapped: self.mapped.saturating_add(other.mapped),
        }
    }

    fn within(self, limit: Self) -> bool {
        self.own <= limit.own && self.mapped <= limit.mapped
    }
}

/// Of the rows and what is known of them.
fn rows(prepared: &Prepared) -> Bytes {
    Bytes {
        own: prepared.bytes(),
        mapped: prepared.mapped_bytes(),
    }
}

/// Of a scaling beside them.
fn scaling(prepared: &Prepared) -> Bytes {
    Bytes {
        own: prepared.scaling_bytes(),
        mapped: 0,
    }
}

impl Entry {
    fn bytes(&self) -> Bytes {
        let of_rows = self.scalings.first().map(|p| rows(p)).unwrap_or_default();
        let scalings = self.scalings.iter().map(|p| scaling(p));
        scalings.fold(of_rows, Bytes::plus)
    }
}

impl Cache {
    pub(super) fn new(limit: Bytes) -> Self {
        Self {
            limit,
            entries: Mutex::default(),
        }
    }

    /// The data set under that scaling; made from its rows where it is here under another.
    pub(super) fn get(&self, digest: Digest, wanted: FeatureScaling) -> Option<Arc<Prepared>> {
        let mut entries = self.entries();
        let at = entries.iter().position(|entry| entry.digest == digest)?;
        let entry = entries.remove(at);
        let known = entry.scalings.iter().find(|p| p.scaling() == wanted);
        let (found, other) = (known.cloned(), entry.scalings.first().cloned());
        entries.push(entry);
        // Fitting reads all rows: nobody waits for it.
        drop(entries);
        match found {
            Some(found) => Some(found),
            None => Some(self.insert(digest, other?.rescaled(wanted))),
        }
    }

    /// Lets go of what was used least recently, until so many bytes more fit or nothing is left.
    pub(super) fn make_room(&self, bytes: Bytes) {
        free(&mut self.entries(), bytes, self.limit);
    }

    /// Keeps it, unless it alone is more than may be kept; then it lives as long as its job.
    pub(super) fn insert(&self, digest: Digest, prepared: Prepared) -> Arc<Prepared> {
        let prepared = Arc::new(prepared);
        let mut entries = self.entries();
        let known = entries.iter().position(|entry| entry.digest == digest);
        let mut entry = match known {
            Some(at) => entries.remove(at),
            None => Entry {
                digest,
                scalings: Vec::new(),
            },
        };
        let twice = |p: &Arc<Prepared>| p.scaling() == prepared.scaling();
        if !entry.scalings.iter().any(twice) {
            entry.scalings.push(prepared.clone());
        }
        if !entry.bytes().within(self.limit) {
            // The scalings before it go first.
            entry.scalings = vec![prepared.clone()];
        }
        if entry.bytes().within(self.limit) {
            free(&mut entries, entry.bytes(), self.limit);
            entries.push(entry);
        }
        prepared
    }

    /// The data sets that are here, each once.
    pub(super) fn digests(&self) -> Vec<Digest> {
        let mut digests: Vec<Digest> = self.entries().iter().map(|entry| entry.digest).collect();
        digests.sort_unstable();
        digests
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets go of the first until so many bytes more are within the limit.
fn free(entries: &mut Vec<Entry>, bytes: Bytes, limit: Bytes) {
    let total = |entries: &[Entry]| entries.iter().map(Entry::bytes).fold(bytes, Bytes::plus);
    while !entries.is_empty() && !total(entries).within(limit) {
        entries.remove(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweeps::{Regime, Synthetic};

    /// Some 60 rows of 8: twelve videos of about five segments.
    fn made(seed: u64) -> datasets::Dataset {
        datasets::synthesize(&Synthetic {
            videos: 12,
            mean_length: 5,
            dimension: 8,
            seed,
            regime: Regime::FixedCameras,
        })
        .unwrap()
    }

    fn prepared(data: &datasets::Dataset, scaling: FeatureScaling) -> Prepared {
        Prepared::new(data, scaling).unwrap()
    }

    fn held(cache: &Cache) -> Bytes {
        let entries = cache.entries();
        let bytes = entries.iter().map(Entry::bytes);
        bytes.fold(Bytes::default(), Bytes::plus)
    }

    const NONE: FeatureScaling = FeatureScaling::None;
    const STANDARD: FeatureScaling = FeatureScaling::Standard;
    const ALL: Bytes = Bytes {
        own: usize::MAX,
        mapped: usize::MAX,
    };

    #[test]
    fn scalings_of_a_data_set_share_its_rows() {
        let data = made(1);
        let cache = Cache::new(ALL);
        assert!(cache.get(data.digest, NONE).is_none());
        let plain = cache.insert(data.digest, prepared(&data, NONE));
        assert_eq!(plain.scaling_bytes(), 0);
        assert!(plain.bytes() > 0 && plain.mapped_bytes() == 0);
        let standard = cache.get(data.digest, STANDARD).unwrap();
        assert_eq!(standard.scaling(), STANDARD);
        // Offset and factor of 8 channels, once for both splits.
        let expected = plain.bytes() + 2 * 8 * 8;
        assert_eq!(held(&cache).own, expected);
        let again = cache.get(data.digest, STANDARD).unwrap();
        assert!(Arc::ptr_eq(&standard, &again), "fitted once");
        assert_eq!(cache.digests(), [data.digest]);
    }

    #[test]
    fn mapped_features_have_a_budget_of_their_own() {
        let place = tempfile::tempdir().unwrap();
        let folders: Vec<_> = (0..3_u64)
            .map(|seed| {
                let folder = place.path().join(format!("{seed}"));
                datasets::write(&made(seed), &folder).unwrap();
                datasets::open(&folder).unwrap()
            })
            .collect();
        let whole: Vec<usize> = folders
            .iter()
            .map(|data| prepared(data, NONE).mapped_bytes())
            .collect();
        let rows = |data: &datasets::Dataset| data.train.segments() + data.test.segments();
        assert_eq!(whole[0], 4 * 8 * rows(&folders[0]), "no byte is copied");
        let cache = Cache::new(Bytes {
            mapped: whole.iter().sum::<usize>() - 1,
            ..ALL
        });
        for data in &folders {
            cache.insert(data.digest, prepared(data, STANDARD));
        }
        assert!(cache.get(folders[0].digest, STANDARD).is_none(), "it went");
        assert!(cache.get(folders[2].digest, NONE).is_some());
        assert_eq!(held(&cache).mapped, whole[1] + whole[2]);
        // What alone is more than the budget lives as long as its job.
        let small = Cache::new(Bytes {
            mapped: whole[0] - 1,
            ..ALL
        });
        small.insert(folders[0].digest, prepared(&folders[0], NONE));
        assert!(small.digests().is_empty());
    }
}
