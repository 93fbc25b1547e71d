//! Smoothing of a video's scores before the metrics: decided when reporting, never while training.

use std::ops::Range;

/// A Gaussian of width `sigma` (in segments) over the scores of each video, cut at 4σ and normalised at the ends; 0
/// leaves them as they are.
///
/// # Shapes
/// `scores`: one per segment; `videos`: the segments of each video.
pub fn smooth(scores: &[f32], videos: &[Range<usize>], sigma: f64) -> Vec<f32> {
    let wide: Vec<f64> = scores.iter().map(|score| f64::from(*score)).collect();
    let smoothed = smooth_rows(&wide, videos, 1, sigma);
    smoothed.into_iter().map(|score| score as f32).collect()
}

/// The same of rows of several crops a segment, each smoothed over its own crop of the other segments:
/// Σ_u w(t−u) a_u / Σ_u w(t−u) with w(k) = exp(−k²/2σ²), |k| ≤ ⌈4σ⌉.
///
/// # Shapes
/// `values`: one per row; `videos`: the rows of each video, `crops` for each segment.
pub fn smooth_rows(values: &[f64], videos: &[Range<usize>], crops: usize, sigma: f64) -> Vec<f64> {
    if sigma <= 0.0 {
        return values.to_vec();
    }
    let reach = (4.0 * sigma).ceil() as usize;
    let kernel: Vec<f64> = (0..=reach)
        .map(|distance| {
            let scaled = distance as f64 / sigma;
            libm::exp(-0.5 * scaled * scaled)
        })
        .collect();
    let mut smoothed = values.to_vec();
    for rows in videos {
        let segments = rows.len() / crops;
        for place in 0..rows.len() {
            let (segment, crop) = (place / crops, place % crops);
            let first = segment.saturating_sub(reach);
            let last = (segment + reach + 1).min(segments);
            let (mut sum, mut weights) = (0.0, 0.0);
            for other in first..last {
                let weight = kernel[other.abs_diff(segment)];
                sum += weight * values[rows.start + other * crops + crop];
                weights += weight;
            }
            smoothed[rows.start + place] = sum / weights;
        }
    }
    smoothed
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one video is one range")]
mod tests {
    use super::*;

    #[test]
    fn off_changes_nothing() {
        assert_eq!(smooth(&[0.1, 0.9], &[0..2], 0.0), [0.1, 0.9]);
    }

    #[test]
    fn a_constant_stays_and_a_spike_spreads_within_its_video() {
        assert_eq!(smooth(&[0.5; 9], &[0..9], 2.0), [0.5; 9]);
        let smoothed = smooth(&[0.0, 1.0, 0.0, 0.0, 0.0], &[0..3, 3..5], 1.0);
        assert!(smoothed[1] > smoothed[0] && smoothed[0] > 0.0);
        assert_eq!(smoothed[3..], [0.0, 0.0]);
        assert!((smoothed[0] - smoothed[2]).abs() < 1e-7);
    }

    #[test]
    fn scores_are_rows_of_one_crop() {
        let values: Vec<f64> = (0..40).map(|i| f64::from(i * 7919 % 31)).collect();
        let floats: Vec<f32> = values.iter().map(|value| *value as f32).collect();
        let rows = [0..13, 13..40];
        for sigma in [0.0, 0.4, 2.0, 30.0] {
            let found = smooth_rows(&values, &rows, 1, sigma);
            let expected = smooth(&floats, &rows, sigma);
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - f64::from(*expected)).abs() < 1e-5, "{sigma}");
            }
        }
    }

    #[test]
    fn crops_are_smoothed_each_for_itself() {
        let values: Vec<f64> = (0..24).map(|i| f64::from(i * 37 % 11)).collect();
        let both = smooth_rows(&values, &[0..24], 2, 1.5);
        for crop in 0..2 {
            let own: Vec<f64> = values.iter().skip(crop).step_by(2).copied().collect();
            let alone = smooth_rows(&own, &[0..12], 1, 1.5);
            let found: Vec<f64> = both.iter().skip(crop).step_by(2).copied().collect();
            assert_eq!(found, alone);
        }
    }
}
