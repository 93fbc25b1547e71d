//! What is on disk: the journal (the truth), the index (answers queries), the artifacts (the big bytes), and their upkeep.
//!
//! *Invariant:* a name is never seen before its bytes are whole and on disk.

pub mod artifacts;
pub mod backup;
pub(crate) mod blocking;
pub mod damage;
pub(crate) mod digests;
pub mod entries;
pub mod gc;
pub mod index;
pub mod journal;
pub mod lock;
pub mod mark;
