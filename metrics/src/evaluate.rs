//! The metrics of a score on a split.

use sweeps::ScoreMetrics;

use crate::frames::Frames;

/// The recall that fixes the threshold of G's false alarm rate. It is a recall on the test split, so the threshold comes from
/// the test truth.
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
    /// The highest score at which this share of the anomalous frames is found: for errors, which have no scale. It reads
    /// the test truth.
    Recall(f64),
}

/// Area under the ROC curve over all frames. `None` where there is only one class.
///
/// # Shapes
/// `scores`: one finite number per segment of `frames`.
pub fn auc(scores: &[f32], frames: &Frames) -> Option<f64> {
    frames.roc(scores, frames.videos().iter().cloned()).auc()
}

/// All metrics of a score.
///
/// # Shapes
/// `scores`: one finite number per segment of `frames`.
pub fn evaluate(scores: &[f32], frames: &Frames, alarm: AlarmRule) -> ScoreMetrics {
    let all = frames.roc(scores, frames.videos().iter().cloned());
    let (anomalous, normal): (Vec<_>, Vec<_>) = frames
        .videos()
        .iter()
        .cloned()
        .partition(|video| frames.is_anomalous(video));
    let per_video: Vec<f64> = anomalous
        .iter()
        .filter_map(|video| frames.roc(scores, std::iter::once(video.clone())).auc())
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
        ano_auc: frames.roc(scores, anomalous.into_iter()).auc(),
        macro_auc,
        far: threshold.and_then(|threshold| {
            frames
                .roc(scores, normal.into_iter())
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
            let (mut positives, mut negatives) = (Vec::new(), Vec::new());
            for segment in video.clone() {
                for (count, positive) in [
                    (frames.positives()[segment], 1),
                    (frames.negatives()[segment], 0),
                ] {
                    for _ in 0..count {
                        expanded.push(scores[segment]);
                        positives.push(positive);
                        negatives.push(1 - positive);
                    }
                }
            }
            single.push_counts(&positives, &negatives);
        }
        (expanded, single)
    }

    proptest! {
        /// Segments with counts and frames one by one give the same bits, and the AUC is the count of pairs.
        #[test]
        fn segments_and_frames_agree(
            videos in prop::collection::vec(
                (prop::collection::vec(0_u8..6, 1..6), 0_u32..40, 0_u32..60, 0_u32..60), 1..6),
            per_segment in prop::sample::select(vec![1_u32, 8, 16, 24]),
        ) {
            let (mut frames, mut scores) = (Frames::default(), Vec::new());
            for (levels, extra, start, length) in &videos {
                let count = levels.len() as u32 * per_segment + extra;
                let range = (*start).min(count)..(start + length).min(count);
                frames.push(levels.len(), count, per_segment, std::slice::from_ref(&range));
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
            for (i, positive) in single.positives().iter().enumerate() {
                for (j, other) in single.positives().iter().enumerate() {
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
