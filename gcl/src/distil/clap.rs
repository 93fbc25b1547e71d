//! The label maker of CLAP (Al-lahham et al., CVPR 2024), on one machine: a video's largest rise of s = ‖f‖² and the entropy of its
//! features' variances say whether it is anomalous, C2FPL's window where.

use crate::distil::c2fpl::{label_anomalous, smaller};
use crate::distil::mixture::{Point, Shape};

/// Labels of the segments of each video. `scores`: s of its segments; `variances`: of each of its features over time, population
/// ones.
pub(crate) fn labels(scores: &[Vec<f64>], variances: &[Vec<f64>]) -> Vec<Vec<f32>> {
    let videos: Vec<usize> = (0..scores.len())
        .filter(|v| !scores[*v].is_empty())
        .collect();
    let points: Vec<Point> = videos
        .iter()
        .map(|video| [largest_rise(&scores[*video]), entropy(&variances[*video])])
        .collect();
    let mut anomalous = vec![false; scores.len()];
    if points.len() > 1 {
        for (video, found) in videos.iter().zip(smaller(&points, Shape::Full)) {
            anomalous[*video] = found;
        }
    }
    label_anomalous(scores, &anomalous)
}

/// max (s(j+1) − s(j)); 0 of a single segment.
fn largest_rise(scores: &[f64]) -> f64 {
    let rises = scores.windows(2).map(|pair| pair[1] - pair[0]);
    rises.reduce(f64::max).unwrap_or(0.0)
}

/// Σ −c ln c over the variances c.
fn entropy(variances: &[f64]) -> f64 {
    let positive = variances.iter().filter(|c| **c > 0.0);
    positive.map(|c| -c * libm::log(*c)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_a_video() {
        assert_eq!(largest_rise(&[1.0, 4.0, 3.0, 5.0]), 3.0);
        assert_eq!(largest_rise(&[2.0]), 0.0);
        assert!((entropy(&[0.5, 0.0, 1.0]) - 0.5 * std::f64::consts::LN_2).abs() < 1e-12);
    }

    #[test]
    fn the_smaller_bag_is_anomalous() {
        let scores: Vec<Vec<f64>> = (0..15)
            .map(|video| {
                let jump = if video % 5 == 4 { 6.0 } else { 0.0 };
                (0..10)
                    .map(|t| {
                        ((video * 7 + t * 3) % 5) as f64 / 10.0 + if t == 5 { jump } else { 0.0 }
                    })
                    .collect()
            })
            .collect();
        let variances: Vec<Vec<f64>> = (0..15)
            .map(|video| {
                vec![
                    if video % 5 == 4 {
                        0.3
                    } else {
                        0.01 + 0.001 * video as f64
                    };
                    4
                ]
            })
            .collect();
        let labels = labels(&scores, &variances);
        for (video, labels) in labels.iter().enumerate() {
            assert_eq!(labels.contains(&1.0), video % 5 == 4, "{video}");
        }
    }
}
