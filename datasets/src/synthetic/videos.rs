//! What every world gives.

use super::random::Random;
use crate::dataset::Video;

/// Frames of a segment, as in the paper.
pub(super) const FRAMES: usize = 16;

/// What videos come from, one after the other.
pub(super) trait World {
    /// The stream, for what is drawn of a split as a whole.
    fn random(&mut self) -> &mut Random;
    /// The next video.
    fn video(&mut self, index: usize, label: bool) -> Video;
}
