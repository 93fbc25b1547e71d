//! The label maker of C2FPL (Al-lahham et al., WACV 2024): a video's mean and variance of s = ‖f‖² say whether it is anomalous,
//! a Gaussian over the normal ones where.
//!
//! Where text and published code leave a choice: variances are population ones; a round moves the videos whose likelihood is below
//! the third percentile (linear between order statistics), at least the least likely one; of bags of one size the one whose mean of s is larger
//! is anomalous.

use crate::distil::mixture::{Mixture, Point, Shape};
use crate::distil::window;
use crate::paper::mean_and_std;

/// The share of the normal videos that a round moves over.
const MOVED: f64 = 0.03;

/// Labels of the segments of each video, by their scores s. A video without segments has none.
pub(crate) fn labels(scores: &[Vec<f64>]) -> Vec<Vec<f32>> {
    label_anomalous(scores, &anomalous(scores))
}

/// Labels of the segments where it is known which videos are anomalous: one Gaussian over s of the normal ones, and the window
/// within which its density changes most.
pub(crate) fn label_anomalous(scores: &[Vec<f64>], anomalous: &[bool]) -> Vec<Vec<f32>> {
    let normal: Vec<f64> = scores
        .iter()
        .zip(anomalous)
        .filter(|(_, anomalous)| !**anomalous)
        .flat_map(|(scores, _)| scores)
        .copied()
        .collect();
    let gaussian = if normal.is_empty() {
        (0.0, 0.0)
    } else {
        mean_and_std(&normal)
    };
    scores
        .iter()
        .zip(anomalous)
        .map(|(scores, anomalous)| {
            if *anomalous && !scores.is_empty() {
                window::label(scores, gaussian)
            } else {
                vec![0.0; scores.len()]
            }
        })
        .collect()
}

/// Which videos are anomalous.
fn anomalous(scores: &[Vec<f64>]) -> Vec<bool> {
    let mut found = vec![false; scores.len()];
    // Numbers of the videos that have segments, and what stands for each.
    let videos: Vec<usize> = (0..scores.len())
        .filter(|v| !scores[*v].is_empty())
        .collect();
    let point = |video: &usize| -> Point {
        let (mean, std) = mean_and_std(&scores[*video]);
        [mean, std * std]
    };
    let points: Vec<Point> = videos.iter().map(point).collect();
    if points.len() < 2 {
        return found;
    }
    for (video, anomalous) in videos.iter().zip(smaller(&points, Shape::Spherical)) {
        found[*video] = anomalous;
    }
    loop {
        let rest: Vec<usize> = videos.iter().copied().filter(|v| !found[*v]).collect();
        if 2 * rest.len() <= videos.len() {
            return found;
        }
        let points: Vec<Point> = rest.iter().map(point).collect();
        let mixture = Mixture::fit(&points, Shape::Spherical);
        let likelihood: Vec<f64> = points.iter().map(|p| mixture.log_likelihood(p)).collect();
        let bound = percentile(&likelihood, MOVED);
        let mut least = 0;
        for (place, value) in likelihood.iter().enumerate() {
            if *value < likelihood[least] {
                least = place;
            }
            if *value < bound {
                found[rest[place]] = true;
            }
        }
        found[rest[least]] = true;
    }
}

/// The value below which that share lies, linear between order statistics.
fn percentile(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    let place = share * (values.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(values.len() - 1);
    values[below] + (values[above] - values[below]) * (place - below as f64)
}

/// Which points belong to the component of a mixture of two that has fewer; of as many, to the one with the larger first numbers.
pub(crate) fn smaller(points: &[Point], shape: Shape) -> Vec<bool> {
    let mixture = Mixture::fit(points, shape);
    let second: Vec<bool> = points.iter().map(|p| mixture.is_second(p)).collect();
    let count = second.iter().filter(|second| **second).count();
    let first_numbers = |wanted: bool| -> f64 {
        let own = points.iter().zip(&second);
        own.filter(|(_, second)| **second == wanted)
            .map(|(point, _)| point[0])
            .sum()
    };
    let other = points.len() - count;
    let is_second = count < other || count == other && first_numbers(true) >= first_numbers(false);
    second
        .into_iter()
        .map(|second| second == is_second)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 20 quiet videos and 4 with a burst in the middle.
    fn videos() -> Vec<Vec<f64>> {
        (0..24)
            .map(|video| {
                let wobble = |t: usize| ((video * 31 + t * 17) % 13) as f64 / 13.0;
                (0..20)
                    .map(|t| {
                        let burst = video % 6 == 5 && (8..12).contains(&t);
                        10.0 + wobble(t) + if burst { 9.0 } else { 0.0 }
                    })
                    .collect()
            })
            .collect()
    }

    #[test]
    fn bursts_are_found_and_half_of_the_videos_are_anomalous_in_the_end() {
        let labels = labels(&videos());
        let anomalous = |video: &usize| labels[*video].contains(&1.0);
        for video in [5, 11, 17, 23] {
            assert_eq!(labels[video].iter().sum::<f32>(), 4.0);
            assert!(labels[video][7..13].contains(&1.0), "{:?}", labels[video]);
        }
        assert_eq!((0..24).filter(anomalous).count(), 12);
    }

    #[test]
    fn videos_that_are_all_equal_and_empty_ones_do_no_harm() {
        let labels = labels(&[vec![1.0; 5], vec![], vec![1.0; 7], vec![1.0; 5]]);
        assert_eq!(
            labels.iter().map(Vec::len).collect::<Vec<_>>(),
            [5, 0, 7, 5]
        );
        assert_eq!(super::labels(&[vec![1.0; 3]]), [[0.0; 3]]);
    }

    #[test]
    fn a_percentile_lies_between_order_statistics() {
        let values: Vec<f64> = (0..11).rev().map(f64::from).collect();
        assert!((percentile(&values, 0.03) - 0.3).abs() < 1e-12);
    }
}
