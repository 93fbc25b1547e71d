//! What cannot be judged.

/// A difference that is infinite or NaN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a difference between two seeds is no finite number")]
pub struct NotFinite;
