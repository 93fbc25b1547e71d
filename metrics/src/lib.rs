//! Frame-level metrics of a test split (§4), and the files that keep what they are computed from.
//!
//! Everything is computed from segments: a score stands for the frames of its segment, given by how many of them are
//! anomalous and how many normal. Nothing is ever expanded to frames; the numbers are those of the frames, since counts are
//! whole numbers and ties are grouped. The number of frames per segment is the data set's and is nowhere assumed.
//!
//! What the paper leaves open, as this project decides it: AUC over all frames of all test videos pooled, ties at half; the
//! last segment's score also stands for the frames after it. The false alarm rate is the share of the frames of normal
//! videos whose score is at or above a threshold: 0.5 for D; for G, whose errors have no scale, the highest threshold at
//! which at least half of the anomalous frames are found ([`G_RECALL`]). **That threshold of G is read from the test truth**:
//! its false alarm rate compares scores, and is not one that a deployed detector could reach by a threshold chosen before.
//! Recall at 10% false positives is the best that a threshold with at most 10% reaches, without interpolation; it reads the
//! test truth in the same way, for D and for G.
//!
//! Reading order: [`Frames`], [`Roc`], [`evaluate`], [`smooth`], [`Frames::clips`], [`place`] (scores without a look
//! at any feature), [`artifact`] (the files), [`resampling`] (other test videos), [`data_card`] (what kind of data a data set is).

pub mod artifact;
mod clips;
pub mod data_card;
mod evaluate;
mod frames;
pub mod place;
pub mod resampling;
mod roc;
mod smoothing;

pub use evaluate::{AlarmRule, D_THRESHOLD, FALSE_POSITIVES, G_RECALL, auc, evaluate};
pub use frames::Frames;
pub use roc::Roc;
pub use smoothing::{smooth, smooth_rows};
