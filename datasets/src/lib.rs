//! Data sets: folders read by memory map and checked at the door, their digests, and synthetic ones made from a seed.
//!
//! Training truth (`Video::label`, `Video::anomalous` of the training split) is read by the supervised variants and by
//! diagnostics only; nothing in the features' order, names or bytes depends on it.
//!
//! Reading order: [`dataset`], [`mod@open`], `metadata`, `list`, `features`, `pack`, `packing`, `digest`, `scan`, [`synthetic`], [`mod@write`],
//! [`mod@inspect`], [`import`]; [`mod@stand_in`] for rehearsals.

pub mod dataset;
mod digest;
mod error;
mod features;
pub mod import;
pub mod inspect;
mod list;
mod map;
mod map_room;
mod metadata;
mod new_folder;
mod npy;
pub mod open;
mod pack;
mod packing;
mod scan;
mod shared;
pub mod stand_in;
pub mod synthetic;
pub mod write;
pub mod write_error;

pub use dataset::{Dataset, Metadata, Split, Video};
pub use error::DatasetError;
pub use features::Features;
pub use inspect::{Inspection, inspect, inspect_folder};
pub use open::open;
pub use packing::{PackError, pack};
pub use shared::{RawValues, SharedRows};
pub use sweeps::spelling;
pub use synthetic::{outline, synthesize};
pub use write::write;
pub use write_error::WriteError;
