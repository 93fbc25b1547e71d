//! Smoothing of the errors of training videos, before they become labels: the Gaussian by which `metrics::smooth` smooths scores
//! when reporting, in f64, over rows.

use std::ops::Range;

/// The rows of each video, by its number; empty where it has none. `video`: of each row, video by video.
pub(crate) fn rows_of_each(video: &[u32], videos: usize) -> Vec<Range<usize>> {
    let mut rows = vec![0..0; videos];
    for (row, video) in video.iter().enumerate() {
        let range = &mut rows[*video as usize];
        if range.start == range.end {
            range.start = row;
        }
        range.end = row + 1;
    }
    rows
}

/// Σ_u w(t−u) a_u / Σ_u w(t−u) with w(k) = exp(−k²/2σ²), |k| ≤ ⌈4σ⌉, over the segments u of t's video and of t's crop; as they are
/// with σ = 0.
pub(crate) fn smooth(values: &[f64], rows: &[Range<usize>], crops: usize, sigma: f64) -> Vec<f64> {
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
    for rows in rows {
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
mod tests {
    use super::*;

    #[test]
    fn it_is_the_smoothing_of_reports() {
        let values: Vec<f64> = (0..40).map(|i| f64::from(i * 7919 % 31)).collect();
        let floats: Vec<f32> = values.iter().map(|value| *value as f32).collect();
        let video: Vec<u32> = (0..40).map(|row| u32::from(row >= 13)).collect();
        let rows = rows_of_each(&video, 2);
        assert_eq!(rows, [0..13, 13..40]);
        for sigma in [0.0, 0.4, 2.0, 30.0] {
            let found = smooth(&values, &rows, 1, sigma);
            let expected = metrics::smooth(&floats, &rows, sigma);
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - f64::from(*expected)).abs() < 1e-5, "{sigma}");
            }
        }
    }

    #[test]
    fn crops_are_smoothed_each_for_itself() {
        let values: Vec<f64> = (0..24).map(|i| f64::from(i * 37 % 11)).collect();
        let both = smooth(&values, &rows_of_each(&[0; 24], 1), 2, 1.5);
        for crop in 0..2 {
            let own: Vec<f64> = values.iter().skip(crop).step_by(2).copied().collect();
            let alone = smooth(&own, &rows_of_each(&[0; 12], 1), 1, 1.5);
            let found: Vec<f64> = both.iter().skip(crop).step_by(2).copied().collect();
            assert_eq!(found, alone);
        }
    }
}
