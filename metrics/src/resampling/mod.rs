//! Would the ordering of two methods survive other test videos? A bootstrap over the videos of the test split.
//!
//! The interval over seeds says how a difference would move with other seeds on *these* test videos. This one says how it
//! would move with other videos of their kind, with *these* runs: videos are drawn with replacement, those with anomalous
//! frames and those without each among themselves, so that both classes stay. Of each resample the pooled frame AUC of every
//! run is computed, averaged over the runs of each method, and subtracted. The 95% interval is the
//! percentile interval of [`RESAMPLES`] such differences, expanded for small numbers of videos. Frames of one video are never torn apart: they are no independent observations.
//!
//! *Cost.* A resample needs no scores. Of all pairs (anomalous frame, normal frame), [`VideoPairs`] counts for each pair of
//! videos how many are in the right order, ties at half; the AUC of a resample is a quadratic form of how often each video
//! was drawn. With V videos, A of them anomalous, and S segments, s of them with anomalous frames, a run costs O(S log S + sV),
//! a resample O(AV), whatever the number of frames and runs. [`MOST_PAIRS`] and [`MOST_STEPS`] bound both.

mod bootstrap;
mod pairs;

pub use bootstrap::{RESAMPLES, SMALLEST_STRATUM, VideoDifference, compare_videos};
pub use pairs::{MOST_PAIRS, MOST_STEPS, VideoPairs};
