//! Controls: scores without any learning, which a method must be held against.

use crate::choice::choices;

choices! {
    /// A score without any learning. The first three read no feature at all.
    pub enum Control {
        /// −(frames of the video).
        Length = "length",
        /// min(i, n − 1 − i)/n of frame i of n: high in the middle of the video.
        Place = "place",
        /// min(i, n − 1 − i)/n²: the same, higher in shorter videos.
        PlaceLength = "place-length",
        /// ‖f‖₂.
        Norm = "norm",
        /// ‖f(t) − f(t−1)‖₂; 0 for the first segment of a video.
        TemporalDifference = "temporal-difference",
        /// What principal components of the training segments leave unexplained.
        Pca = "pca",
        /// The mean distance to the nearest training segments.
        Knn = "knn",
    }
}

impl Control {
    /// Whether it scores frames by where they are, without looking at any feature.
    pub fn reads_no_feature(self) -> bool {
        matches!(self, Self::Length | Self::Place | Self::PlaceLength)
    }

    /// Whether its score changes from frame to frame within a segment.
    pub fn is_per_frame(self) -> bool {
        matches!(self, Self::Place | Self::PlaceLength)
    }
}

/// Numbers of the controls.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Controls {
    /// Which one.
    pub control: Control,
    /// Share of the variance that the kept components exceed.
    pub variance_share: f64,
    /// Nearest training segments.
    pub neighbours: usize,
}
