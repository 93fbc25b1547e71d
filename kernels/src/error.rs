//! The one thing that can go wrong here.

/// Memory for a buffer could not be reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} MiB could not be reserved", bytes >> 20)]
pub struct OutOfMemory {
    /// What was asked for.
    pub bytes: usize,
}
