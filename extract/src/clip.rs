//! What a network is shown.

/// A square clip of RGB frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    /// Frames T.
    pub frames: usize,
    /// Rows and columns S.
    pub side: usize,
    /// `[T, S, S, 3]`, row by row.
    pub pixels: Vec<u8>,
}
