//! Which features a device keeps. Pure: it holds values of any type and counts bytes; nothing here knows a device.
//!
//! Features are kept as they are, before scaling: jobs of all scalings use the same. What a job uses is never let go of; of the
//! rest the least recently used goes first. Features that do not fit stay on the host, where every batch is gathered.

use std::ops::Range;
use std::sync::Arc;

use sweeps::Digest;

use crate::backend::Split;

/// Values that candle's operations on rows can address. *Because* `index_select` and copies compute in 32 bits, more would give
/// rows from the beginning instead of those beyond.
#[cfg(feature = "candle")]
pub(crate) const MOST_VALUES: u64 = gpu::ADDRESSABLE as u64;
/// Bytes of rows that pass through the host at once.
pub(crate) const STAGED_BYTES: usize = 64 << 20;
/// Bytes of a device that are nobody's: its context, the workspace of its library of products, gaps.
pub(crate) const RESERVE_BYTES: usize = 512 << 20;

/// Which features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    /// Of the data set.
    pub(crate) digest: Digest,
    /// Of its two.
    pub(crate) split: Split,
}

/// Values on a device, within a budget of bytes.
#[derive(Debug)]
pub(crate) struct DeviceCache<T> {
    /// Most recently used last.
    entries: Vec<Entry<T>>,
}

#[derive(Debug)]
struct Entry<T> {
    key: Key,
    bytes: usize,
    value: Arc<T>,
}

impl<T> Entry<T> {
    fn in_use(&self) -> bool {
        Arc::strong_count(&self.value) > 1
    }
}

impl<T> Default for DeviceCache<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
        }
    }
}

impl<T> DeviceCache<T> {
    /// What is kept under that key. It is in use as long as the answer lives.
    pub(crate) fn get(&mut self, key: Key) -> Option<Arc<T>> {
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        let entry = self.entries.remove(at);
        let value = entry.value.clone();
        self.entries.push(entry);
        Some(value)
    }

    /// Bytes of all that is kept.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.iter().map(|entry| entry.bytes).sum()
    }

    /// Lets go of what was used least recently until `bytes` more fit into `budget`. Where they cannot, nothing goes.
    pub(crate) fn make_room(&mut self, bytes: usize, budget: usize) -> bool {
        let in_use = |entry: &&Entry<T>| entry.in_use();
        let stays: usize = self.entries.iter().filter(in_use).map(|e| e.bytes).sum();
        if stays.saturating_add(bytes) > budget {
            return false;
        }
        while self.bytes().saturating_add(bytes) > budget {
            let Some(idle) = self.entries.iter().position(|entry| !entry.in_use()) else {
                return false;
            };
            self.entries.remove(idle);
        }
        true
    }

    /// Lets go of all that nobody uses, and tells how many bytes that were.
    pub(crate) fn evict_idle(&mut self) -> usize {
        let before = self.bytes();
        self.entries.retain(Entry::in_use);
        before - self.bytes()
    }

    /// Keeps a value, of which the caller says how large it is. It is in use as long as the answer lives.
    pub(crate) fn insert(&mut self, key: Key, bytes: usize, value: T) -> Arc<T> {
        let value = Arc::new(value);
        self.entries.push(Entry {
            key,
            bytes,
            value: value.clone(),
        });
        value
    }
}

/// Bytes that features may take of a device: what it has free and what the cache holds of it, less what the job's networks and batch
/// will take and a reserve; `limit` at most.
///
/// *Because* others may use the device as well, what they took counts and not what it has in all.
pub(crate) fn budget(free: Option<usize>, held: usize, need: usize, limit: Option<usize>) -> usize {
    let own = free.map_or(usize::MAX, |free| {
        free.saturating_add(held)
            .saturating_sub(need)
            .saturating_sub(RESERVE_BYTES)
    });
    own.min(limit.unwrap_or(usize::MAX))
}

/// Bytes that networks and a batch take of a device at most: of `parameters` numbers each value, its optimizer's two, a gradient and
/// what is made in between; of a batch of `capacity` rows its features in f64 and f32, and what all layers of `widths` give, twice
/// forth and twice back.
pub(crate) fn working_bytes(
    parameters: usize,
    widths: usize,
    columns: usize,
    capacity: usize,
) -> usize {
    let of_row = (4 * 4_usize)
        .saturating_mul(widths)
        .saturating_add((8 * 4 + 3 * 8_usize).saturating_mul(columns));
    (8 * 4_usize)
        .saturating_mul(parameters)
        .saturating_add(of_row.saturating_mul(capacity))
}

/// Rows of a slice, so that it has at most `most` values.
pub(crate) fn rows_per_slice(columns: usize, most: u64) -> usize {
    usize::try_from(most / (columns as u64).max(1))
        .unwrap_or(usize::MAX)
        .max(1)
}

/// Rows that make up at most [`STAGED_BYTES`] of f32; at least one.
pub(crate) fn staged_rows(columns: usize) -> usize {
    (STAGED_BYTES / 4 / columns.max(1)).max(1)
}

/// Rows that are copied together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The part that they come from, and their place in it.
    pub(crate) part: usize,
    pub(crate) rows: Range<usize>,
    /// The slice that they go to, and where they begin in it.
    pub(crate) slice: usize,
    pub(crate) at: usize,
}

/// How rows that lie in parts of those lengths (files) go into slices of `per_slice` rows, at most `most` at a time.
pub(crate) fn pieces(parts: &[usize], per_slice: usize, most: usize) -> Vec<Piece> {
    let (mut pieces, mut done) = (Vec::new(), 0);
    for (part, length) in parts.iter().enumerate() {
        let mut first = 0;
        while first < *length {
            let (slice, at) = (done / per_slice, done % per_slice);
            let rows = (length - first).min(per_slice - at).min(most);
            pieces.push(Piece {
                part,
                rows: first..first + rows,
                slice,
                at,
            });
            first += rows;
            done += rows;
        }
    }
    pieces
}

/// Where the rows of a batch are found in slices.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Places {
    /// Per slice the rows to take from it, counted within it.
    pub(crate) of_slice: Vec<Vec<u32>>,
    /// Where each row of the batch is among all those, one slice after the other.
    pub(crate) order: Vec<u32>,
}

/// Finds the rows of a batch in `slices` slices of `per_slice` rows.
pub(crate) fn places(rows: &[u32], per_slice: usize, slices: usize) -> Places {
    let mut of_slice = vec![Vec::new(); slices];
    let within: Vec<(usize, usize)> = rows
        .iter()
        .map(|row| {
            let slice = *row as usize / per_slice;
            of_slice[slice].push((*row as usize % per_slice) as u32);
            (slice, of_slice[slice].len() - 1)
        })
        .collect();
    let mut before = Vec::with_capacity(slices);
    let mut total = 0;
    for rows in &of_slice {
        before.push(total);
        total += rows.len();
    }
    Places {
        order: within
            .into_iter()
            .map(|(slice, place)| (before[slice] + place) as u32)
            .collect(),
        of_slice,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(data: u8, split: Split) -> Key {
        Key {
            digest: Digest([data; 32]),
            split,
        }
    }

    fn kept(cache: &DeviceCache<u8>) -> Vec<u8> {
        cache.entries.iter().map(|entry| *entry.value).collect()
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut cache = DeviceCache::default();
        for data in 1..=4 {
            assert!(cache.make_room(10, 40));
            cache.insert(key(data, Split::Train), 10, data);
        }
        assert_eq!(cache.get(key(1, Split::Train)).as_deref(), Some(&1));
        assert!(cache.get(key(1, Split::Test)).is_none());
        assert!(cache.make_room(15, 40));
        assert_eq!((kept(&cache), cache.bytes()), (vec![4, 1], 20));
    }

    #[test]
    fn what_is_in_use_stays() {
        let mut cache = DeviceCache::default();
        let used = cache.insert(key(1, Split::Train), 30, 1);
        cache.insert(key(2, Split::Train), 10, 2);
        assert!(!cache.make_room(11, 40), "30 stay");
        assert_eq!(kept(&cache), [1, 2], "nothing went for nothing");
        assert!(cache.make_room(10, 40));
        assert_eq!(kept(&cache), [1]);
        cache.insert(key(3, Split::Train), 10, 3);
        assert_eq!(cache.evict_idle(), 10);
        assert_eq!(kept(&cache), [1]);
        drop(used);
        assert_eq!(cache.evict_idle(), 30);
        assert_eq!(cache.bytes(), 0);
    }

    #[test]
    fn a_smaller_budget_than_before_lets_go_of_what_there_is() {
        let mut cache = DeviceCache::default();
        cache.insert(key(1, Split::Train), 30, 1);
        cache.insert(key(2, Split::Train), 30, 2);
        assert!(cache.make_room(0, 30));
        assert_eq!(kept(&cache), [2]);
    }

    #[test]
    fn the_budget_is_what_is_left() {
        let free = RESERVE_BYTES + 100;
        assert_eq!(budget(Some(free), 50, 30, None), 120);
        assert_eq!(budget(Some(free), 50, 30, Some(100)), 100);
        assert_eq!(budget(Some(free), 0, 200, None), 0);
        assert_eq!(
            budget(None, 0, 200, None),
            usize::MAX,
            "a host's own memory"
        );
        assert_eq!(budget(None, 0, 200, Some(0)), 0);
        // The paper's networks and batch take less than 2 GB.
        let parameters = 6_600_000;
        let need = working_bytes(parameters, 5921, 2048, 8192);
        assert!((1_000_000_000..2_200_000_000).contains(&need), "{need}");
        assert_eq!(working_bytes(usize::MAX, 1, 1, 1), usize::MAX);
    }

    #[test]
    fn no_slice_has_more_values_than_candle_addresses() {
        for columns in [1, 2, 147, 2048, 4096, 65_536] {
            let rows = rows_per_slice(columns, MOST_VALUES) as u64;
            assert!(rows * (columns as u64) < 1 << 31, "{columns}");
            assert!((rows + 1) * (columns as u64) > MOST_VALUES, "{columns}");
        }
        assert_eq!(rows_per_slice(10, 5), 1, "a row is never cut");
        assert_eq!(staged_rows(2048), 8192, "a batch of the paper's");
        assert_eq!(staged_rows(usize::MAX), 1);
    }

    proptest! {
        /// Pieces cover all rows once, in order, and cross no border of a file or a slice.
        #[test]
        fn pieces_are_all_rows(parts in prop::collection::vec(0_usize..9, 0..8), per_slice in 1_usize..7, most in 1_usize..6) {
            let mut next = 0;
            let mut seen = vec![0; parts.len()];
            for piece in pieces(&parts, per_slice, most) {
                prop_assert_eq!((piece.slice, piece.at), (next / per_slice, next % per_slice));
                prop_assert_eq!(piece.rows.start, seen[piece.part]);
                prop_assert!(!piece.rows.is_empty() && piece.rows.len() <= most);
                prop_assert!(piece.at + piece.rows.len() <= per_slice);
                seen[piece.part] = piece.rows.end;
                next += piece.rows.len();
            }
            prop_assert_eq!(seen, parts);
        }

        /// What is taken from the slices and put in order are the rows that were asked for.
        #[test]
        fn places_find_every_row(rows in prop::collection::vec(0_u32..30, 0..40), per_slice in 1_usize..31) {
            let slices = 30_usize.div_ceil(per_slice);
            let found = places(&rows, per_slice, slices);
            let taken: Vec<u32> = found
                .of_slice
                .iter()
                .enumerate()
                .flat_map(|(slice, rows)| rows.iter().map(move |row| (slice * per_slice) as u32 + row))
                .collect();
            let ordered: Vec<u32> = found.order.iter().map(|place| taken[*place as usize]).collect();
            prop_assert_eq!(ordered, rows);
        }
    }
}
