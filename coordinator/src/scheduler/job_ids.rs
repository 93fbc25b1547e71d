//! Maps and sets by job id. An id is a cryptographic digest: its first bytes are a hash already, and a submission of a
//! million jobs looks up each of them while everybody waits.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use sweeps::JobId;

/// Looked up, never walked: its order means nothing.
pub(super) type ById<T> = HashMap<JobId, T, BuildHasherDefault<IdHasher>>;

/// The same without values.
pub(super) type Ids = HashSet<JobId, BuildHasherDefault<IdHasher>>;

/// An empty set with room for so many.
pub(super) fn ids(room: usize) -> Ids {
    Ids::with_capacity_and_hasher(room, BuildHasherDefault::default())
}

/// The first eight bytes of an id.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    /// The length of the id, which is that of all.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use super::*;

    #[test]
    fn different_ids_have_different_hashes() {
        let hash = |id: &JobId| BuildHasherDefault::<IdHasher>::default().hash_one(id);
        let ids: Vec<JobId> = (0..1000_u32)
            .map(|number| JobId(sweeps::Digest::of(&number.to_le_bytes()).0))
            .collect();
        let hashes: std::collections::BTreeSet<u64> = ids.iter().map(hash).collect();
        assert_eq!(hashes.len(), ids.len());
    }
}
