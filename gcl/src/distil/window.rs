//! The step that C2FPL and CLAP share: where in an anomalous video its event is.

/// The share of an anomalous video that its event takes.
const SHARE: f64 = 0.2;

/// Labels of the segments of an anomalous video: 1 in the window of ⌊0.2T⌋ segments, at least one, within which the density of
/// `scores` under N(`mean`, `std`²) changes most in sum; the first of equals.
pub(crate) fn label(scores: &[f64], (mean, std): (f64, f64)) -> Vec<f32> {
    let count = scores.len();
    let width = ((SHARE * count as f64).floor() as usize).max(1).min(count);
    let density = |score: &f64| {
        if std == 0.0 {
            return 0.0;
        }
        let scaled = (score - mean) / std;
        libm::exp(-0.5 * scaled * scaled) / std
    };
    let densities: Vec<f64> = scores.iter().map(density).collect();
    // Sums of the changes before each segment.
    let mut sums = vec![0.0];
    for pair in densities.windows(2) {
        sums.push(sums[sums.len() - 1] + (pair[1] - pair[0]).abs());
    }
    let mut best = (f64::NEG_INFINITY, 0);
    for first in 0..=count - width {
        // The change into the segment after the window counts too: a window of one segment has none of its own.
        let change = sums[(first + width).min(count - 1)] - sums[first];
        if change > best.0 {
            best = (change, first);
        }
    }
    let window = best.1..best.1 + width;
    (0..count)
        .map(|segment| f32::from(u8::from(window.contains(&segment))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_lies_where_the_density_changes() {
        let mut scores = vec![0.0; 20];
        scores[12] = 3.0;
        let found = label(&scores, (0.0, 1.0));
        assert_eq!(found.iter().sum::<f32>(), 4.0);
        assert_eq!(found[12], 1.0);
    }

    #[test]
    fn a_short_video_has_one_anomalous_segment() {
        assert_eq!(label(&[5.0], (0.0, 1.0)), [1.0]);
        assert_eq!(
            label(&[0.0, 0.0, 0.0, 0.0, 2.0], (0.0, 1.0))[3..],
            [1.0, 0.0]
        );
    }
}
