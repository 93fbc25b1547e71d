//! Backups and garbage.

/// A piece of a backup, in the order in which they are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A file begins.
    File {
        /// Its path in the state folder.
        path: String,
        /// Its length.
        bytes: u64,
    },
    /// Its next bytes.
    Data(Vec<u8>),
    /// That was all.
    End {
        /// Files.
        files: u64,
        /// Their bytes.
        bytes: u64,
    },
}

/// What was collected, or would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Files that were removed: artifacts that no record names, and what broken uploads left.
    pub removed: u64,
    /// Their bytes.
    pub removed_bytes: u64,
    /// Artifacts that records name.
    pub kept: u64,
    /// Their bytes.
    pub kept_bytes: u64,
    /// Unnamed ones that are too new to be removed.
    pub young: u64,
}
