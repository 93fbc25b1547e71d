//! The one place that maps files into memory.
#![allow(unsafe_code)]

use std::fs::File;

use memmap2::Mmap;

/// Maps a file, read-only.
///
/// # Errors
/// What the system says.
pub(crate) fn map(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: a map is only as constant as its file. Features are written once and renamed into place, by us and by the
    // importers; their digest is computed over the same map that training reads. A user who overwrites them in place
    // while a job trains can change numbers or end the process with SIGBUS, as with every program that maps files; no
    // reference into the map outlives it, and bytes of any value are valid f32 and f16.
    unsafe { Mmap::map(file) }
}
