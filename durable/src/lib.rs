//! Durable files: a file is whole under its name or not there at all, also after a power cut.
//!
//! [`replace`] writes a file beside its place, syncs it, renames it, and syncs the folder; [`publish`] is its second half, for
//! files that come in pieces. [`Disk`] is the seam through which a store writes, so that its tests can let any operation
//! fail, or pull the plug. Nothing here knows what is in a file.

mod aside;
mod disk;
mod folder;
mod replace;
mod temporary;

pub use aside::aside;
pub use disk::{Disk, DiskFile, RealDisk, is_absence};
pub use folder::{
    behind_links, discard, make_folders, parent, remove, sync_all_below, sync_folder,
};
pub use replace::{Writing, publish, replace};
pub use temporary::{UNFINISHED, word};
