//! Smoothing of a video's scores before the metrics: decided when reporting, never while training.

use std::ops::Range;

/// A Gaussian of width `sigma` (in segments) over the scores of each video, cut at 4σ and normalised at the ends; 0
/// leaves them as they are.
///
/// # Shapes
/// `scores`: one per segment; `videos`: the segments of each video.
pub fn smooth(scores: &[f32], videos: &[Range<usize>], sigma: f64) -> Vec<f32> {
    if sigma <= 0.0 {
        return scores.to_vec();
    }
    let reach = (4.0 * sigma).ceil() as usize;
    let kernel: Vec<f64> = (0..=reach)
        .map(|distance| {
            let scaled = distance as f64 / sigma;
            libm::exp(-0.5 * scaled * scaled)
        })
        .collect();
    let mut smoothed = scores.to_vec();
    for video in videos {
        for segment in video.clone() {
            let first = segment.saturating_sub(reach).max(video.start);
            let last = (segment + reach + 1).min(video.end);
            let (mut sum, mut weights) = (0.0, 0.0);
            for other in first..last {
                let weight = kernel[other.abs_diff(segment)];
                sum += weight * f64::from(scores[other]);
                weights += weight;
            }
            smoothed[segment] = (sum / weights) as f32;
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
}
