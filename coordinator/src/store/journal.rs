//! The journal: the truth on disk. Append-only segments of framed, hash-chained entries.
//!
//! Opening reads everything and verifies each hash. A tail that was being written when the power went is cut off; any
//! other difference between what was written and what is read is [`JournalError::Damaged`], which names file and offset
//! and never passes in silence. What [`Journal::append`] returned for is on disk (fdatasync, and fsync of the folder for a
//! new file).
//!
//! A failed append leaves the journal usable: the next one cuts what may have been written and writes again, since after
//! a failed sync the kernel may have dropped the pages that it could not write.
//!
//! [`Journal::begin_snapshot`] bounds the folder and the time that opening takes: a snapshot, written beside the journal,
//! holds what still matters of the segments before it. Numbers and hashes of the segments go on as if there were no
//! snapshot. Files older than the second-newest snapshot are removed.
//!
//! What an entry says is no matter here: an entry is a [`Payload`], whose bytes are framed, numbered and hashed. What the
//! coordinator keeps is in [`super::entries`].

mod appender;
#[cfg(test)]
mod damage_tests;
mod error;
#[cfg(test)]
pub(crate) mod failing;
mod files;
mod frame;
mod lookup;
mod needed;
#[cfg(test)]
mod needed_tests;
mod opening;
mod options;
mod payload;
#[cfg(test)]
pub(crate) mod power_loss;
#[cfg(test)]
mod power_loss_tests;
mod repair;
mod scan;
mod segment;
mod snapshot;
#[cfg(test)]
mod snapshot_tests;
mod tail;
#[cfg(test)]
mod tail_tests;
#[cfg(test)]
mod tests;

pub use appender::Journal;
pub use error::JournalError;
pub(crate) use files::is_name;
pub use frame::Location;
pub use lookup::{OpenSegments, read, read_payload};
pub use opening::{Untouched, length};
pub use options::Options;
pub use payload::Payload;
pub use repair::{Mended, Verified, copy, parts, repair, verify};
pub use scan::{Scanned, visit};
pub use snapshot::{Snapshot, SnapshotFile, SnapshotSource};
