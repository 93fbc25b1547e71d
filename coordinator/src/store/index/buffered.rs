//! An index that collects changes in memory before it writes them: sled writes every batch to disk by a thread of its own, and
//! whoever waits for an answer would wait for that too.
//!
//! Readers see changes at once. The engine has them written as soon as it has answered: an index that knows more than the
//! journal is what tells a journal whose end was lost from one that is whole. What a crash takes along is made again from the
//! journal, as whatever the index lacks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::time::Instant;

use super::{Batch, IndexError, Pairs, Store};

/// Bytes of changes from which on they are written at once.
const MOST_BYTES: usize = 64 << 10;

type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// A store, and the changes that it does not have yet.
#[derive(Debug)]
pub struct Buffered<S> {
    store: S,
    waiting: RwLock<Waiting>,
    /// Held by who writes: changes go out in their order.
    writer: Mutex<()>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// What the store does not have.
    changes: Changes,
    /// What is being written: the store has it, or not, or in part.
    leaving: Arc<Changes>,
    bytes: usize,
    since: Option<Instant>,
}

impl Waiting {
    fn add(&mut self, batch: Batch) {
        self.since.get_or_insert_with(Instant::now);
        for (key, value) in batch {
            self.bytes += key.len() + value.as_ref().map_or(0, Vec::len);
            self.changes.insert(key, value);
        }
    }

    /// The last change of a key.
    fn change(&self, key: &[u8]) -> Option<&Option<Vec<u8>>> {
        self.changes.get(key).or_else(|| self.leaving.get(key))
    }

    /// The last change of each key with that beginning.
    fn changes(&self, prefix: &[u8]) -> Changes {
        let mut found = Changes::new();
        for changes in [self.leaving.as_ref(), &self.changes] {
            let range = changes
                .range(prefix.to_vec()..)
                .take_while(|(key, _)| key.starts_with(prefix));
            found.extend(range.map(|(key, value)| (key.clone(), value.clone())));
        }
        found
    }
}

impl<S: Store> Buffered<S> {
    /// Collects changes of that store.
    pub fn new(store: S) -> Self {
        Self {
            store,
            waiting: RwLock::default(),
            writer: Mutex::new(()),
        }
    }

    fn write(&self, _writer: MutexGuard<'_, ()>) -> Result<(), IndexError> {
        let leaving = {
            let mut waiting = self.waiting.write().unwrap_or_else(PoisonError::into_inner);
            waiting.leaving = Arc::new(std::mem::take(&mut waiting.changes));
            (waiting.bytes, waiting.since) = (0, None);
            waiting.leaving.clone()
        };
        if leaving.is_empty() {
            return Ok(());
        }
        let batch = leaving
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()));
        let written = self.store.apply(batch.collect());
        let mut waiting = self.waiting.write().unwrap_or_else(PoisonError::into_inner);
        let waiting = &mut *waiting;
        if written.is_err() {
            // Below what came since.
            let mut changes = Changes::clone(&leaving);
            changes.append(&mut waiting.changes);
            waiting.changes = changes;
            waiting.since.get_or_insert_with(Instant::now);
        }
        waiting.leaving = Arc::default();
        written
    }
}

impl<S: Store> Store for Buffered<S> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, IndexError> {
        // Looked up before the store: what leaves is in the store before it is gone from here.
        let changed = {
            let waiting = self.waiting.read().unwrap_or_else(PoisonError::into_inner);
            waiting.change(key).cloned()
        };
        changed.map_or_else(|| self.store.get(key), Ok)
    }

    fn scan(&self, prefix: &[u8]) -> Result<Pairs, IndexError> {
        let changes = {
            let waiting = self.waiting.read().unwrap_or_else(PoisonError::into_inner);
            waiting.changes(prefix)
        };
        let found = self.store.scan(prefix)?;
        if changes.is_empty() {
            return Ok(found);
        }
        let mut all: BTreeMap<_, _> = found.into_iter().collect();
        for (key, value) in changes {
            match value {
                Some(value) => all.insert(key, value),
                None => all.remove(&key),
            };
        }
        Ok(all.into_iter().collect())
    }

    fn count(&self, prefix: &[u8]) -> Result<u64, IndexError> {
        let is_changed = {
            let waiting = self.waiting.read().unwrap_or_else(PoisonError::into_inner);
            !waiting.changes(prefix).is_empty()
        };
        if is_changed {
            return Ok(self.scan(prefix)?.len() as u64);
        }
        self.store.count(prefix)
    }

    fn apply(&self, batch: Batch) -> Result<(), IndexError> {
        let is_much = {
            let mut waiting = self.waiting.write().unwrap_or_else(PoisonError::into_inner);
            waiting.add(batch);
            waiting.bytes >= MOST_BYTES
        };
        if is_much { self.settle() } else { Ok(()) }
    }

    fn flush(&self) -> Result<(), IndexError> {
        self.settle()?;
        self.store.flush()
    }

    fn waiting(&self) -> Option<Duration> {
        let waiting = self.waiting.read().unwrap_or_else(PoisonError::into_inner);
        waiting.since.map(|since| since.elapsed())
    }

    fn settle(&self) -> Result<(), IndexError> {
        self.write(self.writer.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::index::MemoryStore;
    use proptest::prelude::*;

    /// A store that counts batches.
    #[derive(Debug, Default)]
    struct Counting(MemoryStore, Mutex<usize>);

    impl Store for Counting {
        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, IndexError> {
            self.0.get(key)
        }
        fn scan(&self, prefix: &[u8]) -> Result<Pairs, IndexError> {
            self.0.scan(prefix)
        }
        fn count(&self, prefix: &[u8]) -> Result<u64, IndexError> {
            self.0.count(prefix)
        }
        fn apply(&self, batch: Batch) -> Result<(), IndexError> {
            *self.1.lock().unwrap() += 1;
            self.0.apply(batch)
        }
        fn flush(&self) -> Result<(), IndexError> {
            self.0.flush()
        }
    }

    #[test]
    fn changes_are_seen_at_once_and_written_together() {
        let store = Buffered::new(Counting::default());
        let batches = || *store.store.1.lock().unwrap();
        assert_eq!(store.waiting(), None);
        for number in 0..10u8 {
            store
                .apply(vec![(vec![b'r', number], Some(vec![number]))])
                .unwrap();
        }
        assert_eq!(store.get(&[b'r', 3]).unwrap(), Some(vec![3]));
        assert_eq!(store.count(b"r").unwrap(), 10);
        assert!(store.waiting().is_some());
        let before = batches();
        store.settle().unwrap();
        assert_eq!(batches(), before + 1);
        assert_eq!(store.waiting(), None);
        assert_eq!(store.store.count(b"r").unwrap(), 10);
    }

    #[test]
    fn many_bytes_do_not_wait() {
        let store = Buffered::new(Counting::default());
        let value = Some(vec![0; MOST_BYTES]);
        store.apply(vec![(b"k".to_vec(), value.clone())]).unwrap();
        assert_eq!(store.store.get(b"k").unwrap(), value);
        assert_eq!(store.waiting(), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn it_answers_as_the_store_alone_would(
            steps in prop::collection::vec((0..4u8, 0..3u8, 0..3u8, any::<u8>()), 0..60)
        ) {
            let (buffered, plain) = (Buffered::new(MemoryStore::default()), MemoryStore::default());
            for (what, first, second, value) in steps {
                let key = vec![first, second];
                let change = match what {
                    0 => { buffered.flush().unwrap(); continue; }
                    1 => None,
                    _ => Some(vec![value]),
                };
                buffered.apply(vec![(key.clone(), change.clone())]).unwrap();
                plain.apply(vec![(key.clone(), change)]).unwrap();
                for prefix in [&[][..], &[first], &key] {
                    prop_assert_eq!(buffered.scan(prefix).unwrap(), plain.scan(prefix).unwrap());
                    prop_assert_eq!(buffered.count(prefix).unwrap(), plain.count(prefix).unwrap());
                }
                prop_assert_eq!(buffered.get(&key).unwrap(), plain.get(&key).unwrap());
            }
        }
    }
}
