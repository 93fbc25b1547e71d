//! Jobs by their ids. An id is a cryptographic digest: its first bytes are a hash already, and a submission of a million
//! jobs looks up each of them while everybody waits.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use sweeps::JobId;

use super::job::JobIndex;

/// The ids of jobs by position, and positions by id. An id is kept once: the table of positions holds five bytes a job.
/// Looked up, never walked: its order means nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct JobIds {
    ids: Vec<JobId>,
    positions: HashTable<JobIndex>,
}

impl JobIds {
    /// Makes room for so many more.
    pub(super) fn reserve(&mut self, more: usize) {
        let Self { ids, positions } = self;
        ids.reserve(more);
        positions.reserve(more, |index| hash(&ids[index.0 as usize]));
    }

    /// The id at a position that exists.
    pub(super) fn id(&self, index: JobIndex) -> JobId {
        self.ids[index.0 as usize]
    }

    /// All of them, in the order of positions.
    pub(super) fn as_slice(&self) -> &[JobId] {
        &self.ids
    }

    /// The position of an id.
    pub(super) fn find(&self, id: &JobId) -> Option<JobIndex> {
        let is_it = |index: &JobIndex| self.ids[index.0 as usize] == *id;
        self.positions.find(hash(id), is_it).copied()
    }

    /// The position of an id, which is the next one where the id is new, and whether it is.
    pub(super) fn find_or_add(&mut self, id: JobId) -> (JobIndex, bool) {
        let Self { ids, positions } = self;
        let is_it = |index: &JobIndex| ids[index.0 as usize] == id;
        match positions.entry(hash(&id), is_it, |index| hash(&ids[index.0 as usize])) {
            Entry::Occupied(known) => (*known.get(), false),
            Entry::Vacant(vacant) => {
                let next = JobIndex(ids.len() as u32);
                vacant.insert(next);
                ids.push(id);
                (next, true)
            }
        }
    }
}

/// The first eight bytes of an id.
fn hash(id: &JobId) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&id.0[..8]);
    u64::from_le_bytes(first)
}

/// Ids alone.
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
    fn every_id_is_found_at_the_position_it_was_added_at() {
        let id = |number: u32| JobId(sweeps::Digest::of(&number.to_le_bytes()).0);
        let mut ids = JobIds::default();
        ids.reserve(100);
        for number in 0..1000 {
            assert_eq!(ids.find(&id(number)), None);
            assert_eq!(ids.find_or_add(id(number)), (JobIndex(number), true));
        }
        for number in 0..1000 {
            assert_eq!(ids.find_or_add(id(number)), (JobIndex(number), false));
            assert_eq!(ids.find(&id(number)), Some(JobIndex(number)));
            assert_eq!(ids.id(JobIndex(number)), id(number));
        }
        assert_eq!(ids.as_slice().len(), 1000);
    }

    #[test]
    fn different_ids_have_different_hashes() {
        let set_hash = |id: &JobId| BuildHasherDefault::<IdHasher>::default().hash_one(id);
        let ids: Vec<JobId> = (0..1000_u32)
            .map(|number| JobId(sweeps::Digest::of(&number.to_le_bytes()).0))
            .collect();
        for id in &ids {
            assert_eq!(set_hash(id), hash(id));
        }
        let hashes: std::collections::BTreeSet<u64> = ids.iter().map(hash).collect();
        assert_eq!(hashes.len(), ids.len());
    }
}
