//! Frame-level metrics (§4) of a test split, computed from segments: each score stands for the frames of its segment, given by how many
//! of them are anomalous and how many normal. Nothing is ever expanded to frames; the numbers are those of the frames,
//! since counts are whole numbers and ties are grouped.
//!
//! What the paper leaves open, as GCL.md decides it: AUC over all frames of all test videos pooled, ties at half; the last
//! segment's score also stands for the frames after it. The false alarm rate is the share of the frames of normal videos
//! whose score is at or above a threshold: 0.5 for D; for G, whose errors have no scale, the highest threshold at which
//! at least half of the anomalous frames are found ([`G_RECALL`]). Recall at 10% false positives is the best that a
//! threshold with at most 10% reaches, without interpolation.

mod curve;
mod smoothing;

use std::ops::Range;

use sweeps::ScoreMetrics;

use crate::curve::Points;
pub use crate::smoothing::smooth;

/// The recall that fixes the threshold of G's false alarm rate.
pub const G_RECALL: f64 = 0.5;
/// The threshold of D's false alarm rate.
pub const D_THRESHOLD: f64 = 0.5;
/// The share of false positives of [`ScoreMetrics::recall_at_fpr10`].
pub const FALSE_POSITIVES: f64 = 0.10;

/// How the threshold of the false alarm rate is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AlarmRule {
    /// This score: for probabilities.
    At(f64),
    /// The highest score at which this share of the anomalous frames is found: for errors.
    Recall(f64),
}

/// What the frames of the test videos are: for every segment how many frames its score stands for, by truth.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frames {
    /// Anomalous frames per segment.
    positives: Vec<u32>,
    /// Normal frames per segment.
    negatives: Vec<u32>,
    /// The segments of each video.
    videos: Vec<Range<usize>>,
}

impl Frames {
    /// Adds a video of `frames` frames in `segments` segments of `frames_per_segment`, whose anomalous frames are those of
    /// `anomalous` (ascending, not overlapping). Segment i stands for the frames from i·`frames_per_segment`, the last one
    /// for all the rest.
    pub fn push(
        &mut self,
        segments: usize,
        frames: u32,
        frames_per_segment: u32,
        anomalous: &[Range<u32>],
    ) {
        let first = self.positives.len();
        for segment in 0..segments {
            let start = (segment as u32)
                .saturating_mul(frames_per_segment)
                .min(frames);
            let end = if segment + 1 == segments {
                frames
            } else {
                start.saturating_add(frames_per_segment).min(frames)
            };
            let positive: u32 = anomalous
                .iter()
                .map(|range| range.end.min(end).saturating_sub(range.start.max(start)))
                .sum();
            let positive = positive.min(end - start);
            self.positives.push(positive);
            self.negatives.push(end - start - positive);
        }
        self.videos.push(first..self.positives.len());
    }

    /// Adds a video whose segments stand for these anomalous and normal frames, as an artifact of scores says.
    pub fn push_counts(&mut self, positives: &[u32], negatives: &[u32]) {
        let first = self.positives.len();
        for (positive, negative) in positives.iter().zip(negatives) {
            self.positives.push(*positive);
            self.negatives.push(*negative);
        }
        self.videos.push(first..self.positives.len());
    }

    /// Number of segments.
    pub fn segments(&self) -> usize {
        self.positives.len()
    }

    /// The segments of each video.
    pub fn videos(&self) -> &[Range<usize>] {
        &self.videos
    }

    /// Anomalous frames per segment.
    pub fn positives(&self) -> &[u32] {
        &self.positives
    }

    /// Normal frames per segment.
    pub fn negatives(&self) -> &[u32] {
        &self.negatives
    }

    fn is_anomalous(&self, video: &Range<usize>) -> bool {
        self.positives[video.clone()].iter().any(|count| *count > 0)
    }

    fn points(&self, scores: &[f32], videos: impl Iterator<Item = Range<usize>>) -> Points {
        Points::new(videos.flatten().map(|segment| {
            (
                scores[segment],
                u64::from(self.positives[segment]),
                u64::from(self.negatives[segment]),
            )
        }))
    }
}

/// Area under the ROC curve over all frames. `None` where there is only one class.
///
/// # Shapes
/// `scores`: one finite number per segment of `frames`.
pub fn auc(scores: &[f32], frames: &Frames) -> Option<f64> {
    frames.points(scores, frames.videos.iter().cloned()).auc()
}

/// All metrics of a score.
///
/// # Shapes
/// `scores`: one finite number per segment of `frames`.
pub fn evaluate(scores: &[f32], frames: &Frames, alarm: AlarmRule) -> ScoreMetrics {
    let all = frames.points(scores, frames.videos.iter().cloned());
    let (anomalous, normal): (Vec<_>, Vec<_>) = frames
        .videos
        .iter()
        .cloned()
        .partition(|video| frames.is_anomalous(video));
    let per_video: Vec<f64> = anomalous
        .iter()
        .filter_map(|video| frames.points(scores, std::iter::once(video.clone())).auc())
        .collect();
    let threshold = match alarm {
        AlarmRule::At(threshold) => Some(threshold),
        AlarmRule::Recall(recall) => all.threshold_of_recall(recall),
    };
    let macro_auc =
        (!per_video.is_empty()).then(|| per_video.iter().sum::<f64>() / per_video.len() as f64);
    ScoreMetrics {
        auc: all.auc(),
        ap: all.average_precision(),
        ano_auc: frames.points(scores, anomalous.into_iter()).auc(),
        macro_auc,
        far: threshold.and_then(|threshold| {
            frames
                .points(scores, normal.into_iter())
                .false_alarm_rate(threshold)
        }),
        recall_at_fpr10: all.recall_at(FALSE_POSITIVES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_segment_stands_for_its_frames_and_the_last_for_the_rest() {
        let mut frames = Frames::default();
        frames.push(2, 37, 16, &[10..20, 35..37]);
        frames.push(1, 7, 16, &[]);
        assert_eq!(frames.positives(), [6, 6, 0]);
        assert_eq!(frames.negatives(), [10, 15, 7]);
        assert_eq!(frames.videos(), [0..2, 2..3]);
    }

    #[test]
    fn ties_count_half() {
        // explore.py: auc([.1, .4, .4, .8, .4, .2], [0, 0, 1, 1, 1, 0]).
        let mut frames = Frames::default();
        for positive in [0, 0, 1, 1, 1, 0] {
            let range = 0..positive;
            frames.push(1, 1, 16, std::slice::from_ref(&range));
        }
        let found = auc(&[0.1, 0.4, 0.4, 0.8, 0.4, 0.2], &frames).unwrap();
        assert!((found - 8.0 / 9.0).abs() < 1e-15);
    }

    #[test]
    fn one_class_has_no_auc() {
        let mut frames = Frames::default();
        frames.push(2, 32, 16, &[]);
        let metrics = evaluate(&[0.1, 0.6], &frames, AlarmRule::At(0.5));
        assert_eq!(
            (metrics.auc, metrics.ap, metrics.ano_auc),
            (None, None, None)
        );
        assert_eq!(metrics.far, Some(0.5));
    }

    /// The same scores, every frame a segment of its own.
    fn by_frame(scores: &[f32], frames: &Frames) -> (Vec<f32>, Frames) {
        let mut expanded = Vec::new();
        let mut single = Frames::default();
        for video in frames.videos() {
            let first = single.positives.len();
            for segment in video.clone() {
                for positive in [true, false] {
                    let count = if positive {
                        frames.positives[segment]
                    } else {
                        frames.negatives[segment]
                    };
                    for _ in 0..count {
                        expanded.push(scores[segment]);
                        single.positives.push(u32::from(positive));
                        single.negatives.push(u32::from(!positive));
                    }
                }
            }
            single.videos.push(first..single.positives.len());
        }
        (expanded, single)
    }

    proptest! {
        /// Segments with counts and frames one by one give the same bits, and the AUC is the count of pairs.
        #[test]
        fn segments_and_frames_agree(
            videos in prop::collection::vec(
                (prop::collection::vec(0_u8..6, 1..6), 0_u32..40, 0_u32..60, 0_u32..60), 1..6),
        ) {
            let (mut frames, mut scores) = (Frames::default(), Vec::new());
            for (levels, extra, start, length) in &videos {
                let count = levels.len() as u32 * 16 + extra;
                let range = (*start).min(count)..(start + length).min(count);
                frames.push(levels.len(), count, 16, std::slice::from_ref(&range));
                scores.extend(levels.iter().map(|level| f32::from(*level) / 5.0));
            }
            let (expanded, single) = by_frame(&scores, &frames);
            for alarm in [AlarmRule::At(0.5), AlarmRule::Recall(0.5)] {
                prop_assert_eq!(
                    evaluate(&scores, &frames, alarm),
                    evaluate(&expanded, &single, alarm)
                );
            }
            let (mut pairs, mut won) = (0.0, 0.0);
            for (i, positive) in single.positives.iter().enumerate() {
                for (j, other) in single.positives.iter().enumerate() {
                    if *positive == 1 && *other == 0 {
                        pairs += 1.0;
                        won += match expanded[i].total_cmp(&expanded[j]) {
                            std::cmp::Ordering::Greater => 1.0,
                            std::cmp::Ordering::Equal => 0.5,
                            std::cmp::Ordering::Less => 0.0,
                        };
                    }
                }
            }
            let found = auc(&scores, &frames);
            prop_assert_eq!(found.is_some(), pairs > 0.0);
            prop_assert!(found.is_none_or(|found| (found - won / pairs).abs() < 1e-12));
        }
    }
}
