//! What is done to a state folder without an engine on it: reading, copying, repairing, collecting garbage.

pub use crate::engine::state_reader::{JournalEntry, ReadError, StateReader};
pub use crate::engine::upkeep::{Repaired, repair};
pub use crate::model::entry::Entry;
pub use crate::store::backup::{Copied, ReceiveError, Receiver, backup, restore};
pub use crate::store::entries::{export, verify};
pub use crate::store::gc::collect_stopped;
pub use crate::store::journal::{JournalError, Mended, Verified};
pub use crate::store::lock::LockError;
pub use crate::store::mark::{Mark, be_whole};
