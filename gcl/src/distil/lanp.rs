//! The label maker of LANP (Shi et al., ECCV 2024): the first and last two segments of a video are taken for normal, and normality
//! spreads from them to segments that are alike and near.

use sweeps::training::Affinity;

/// Neighbours on each side at most.
const REACH: usize = 50;
/// How much of a segment's normality comes from its neighbours.
const SPREAD: f64 = 0.99;
/// Steps of the conjugate gradients at most, and the squared residual, in that of the right side, at which they end.
const STEPS: usize = 10;
const CLOSE: f64 = 1e-12;
/// The share of an anomalous video that is labelled.
const LABELLED: f64 = 0.4;

/// The normality Z of each segment of a video. `features`: `[segments, dimension]`.
///
/// Affinities W between segments at most a window of 2·min(50, T − 1) apart (moved inwards at the ends), symmetric, are normalised to D^−½WD^−½; then
/// (1 − 0.99·W)Z = Y by conjugate gradients, with Y = 1 at the seeds. Negative numbers become 0, the seeds the largest.
pub(crate) fn normality(features: &[f64], dimension: usize, affinity: Affinity) -> Vec<f64> {
    let count = features.len() / dimension;
    let band = Band::of(features, dimension, affinity);
    let seeds: Vec<usize> = (0..count)
        .filter(|segment| *segment < 2 || segment + 2 >= count)
        .collect();
    let mut right = vec![0.0; count];
    for seed in &seeds {
        right[*seed] = 1.0;
    }
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let close = CLOSE * dot(&right, &right);
    let mut z = vec![0.0; count];
    let mut rest = right.clone();
    let mut direction = right;
    for _ in 0..STEPS {
        let before = dot(&rest, &rest);
        if before < close {
            break;
        }
        let image = band.without(&direction);
        let step = before / dot(&direction, &image);
        for ((z, direction), (rest, image)) in z
            .iter_mut()
            .zip(&direction)
            .zip(rest.iter_mut().zip(&image))
        {
            *z += step * direction;
            *rest -= step * image;
        }
        let share = dot(&rest, &rest) / before;
        for (direction, rest) in direction.iter_mut().zip(&rest) {
            *direction = rest + share * *direction;
        }
    }
    for z in &mut z {
        *z = z.max(0.0);
    }
    let largest = z.iter().copied().fold(0.0, f64::max);
    for seed in seeds {
        z[seed] = largest;
    }
    z
}

/// D^−½WD^−½ of a video, of which only what lies near the diagonal is not 0.
struct Band {
    /// Segments that a segment may be apart from its neighbours.
    reach: usize,
    /// `[count, 2·reach + 1]`: of segment i to i − reach, …, i + reach.
    values: Vec<f64>,
}

impl Band {
    fn of(features: &[f64], dimension: usize, affinity: Affinity) -> Self {
        let count = features.len() / dimension;
        let row = |segment: usize| &features[segment * dimension..][..dimension];
        let window = (2 * REACH.min(count - 1)).min(count);
        let reach = window;
        let width = 2 * reach + 1;
        let mut values = vec![0.0; count * width];
        let norms: Vec<f64> = (0..count)
            .map(|segment| row(segment).iter().map(|x| x * x).sum::<f64>().sqrt())
            .collect();
        let alike = |i: usize, j: usize| {
            let pairs = row(i).iter().zip(row(j));
            match affinity {
                Affinity::Cosine => {
                    let product: f64 = pairs.map(|(x, y)| x * y).sum();
                    product / (norms[i].max(1e-9) * norms[j].max(1e-9))
                }
                Affinity::Rms => {
                    let squares: f64 = pairs.map(|(x, y)| (x - y) * (x - y)).sum();
                    libm::exp(-(squares / dimension as f64).sqrt() / 2.0)
                }
            }
        };
        for i in 0..count {
            let half = window / 2;
            let neighbours = if i <= half {
                0..window
            } else if i >= count - half {
                count - window..count
            } else {
                i - half..i + half
            };
            for j in neighbours.filter(|j| *j != i) {
                let near = libm::exp(-(i.abs_diff(j) as f64) / window as f64);
                let value = alike(i, j) * near;
                // W + Wᵀ.
                values[i * width + reach + j - i] += value;
                values[j * width + reach + i - j] += value;
            }
        }
        let mut sums: Vec<f64> = values
            .chunks_exact_mut(width)
            .map(|row| {
                for value in &mut *row {
                    *value = value.max(0.0);
                }
                row.iter().sum()
            })
            .collect();
        for sum in &mut sums {
            if *sum == 0.0 {
                *sum = 1.0;
            }
        }
        for i in 0..count {
            for j in i.saturating_sub(reach)..(i + reach + 1).min(count) {
                values[i * width + reach + j - i] /= (sums[i] * sums[j]).sqrt();
            }
        }
        Self { reach, values }
    }

    /// (1 − 0.99·W)x.
    fn without(&self, x: &[f64]) -> Vec<f64> {
        let (count, reach) = (x.len(), self.reach);
        let rows = self.values.chunks_exact(2 * reach + 1);
        rows.enumerate()
            .map(|(i, row)| {
                let near = i.saturating_sub(reach)..(i + reach + 1).min(count);
                let sum: f64 = near.map(|j| row[reach + j - i] * x[j]).sum();
                x[i] - SPREAD * sum
            })
            .collect()
    }
}

/// Labels of the segments of each video: in the round(`share`·V) videos (half up, at least one) whose normality varies most, the ⌊0.4T⌋
/// segments (at least one) that have least of it, the first of equals.
pub(crate) fn labels(normality: &[Vec<f64>], share: f64) -> Vec<Vec<f32>> {
    let mut videos: Vec<usize> = (0..normality.len())
        .filter(|video| !normality[*video].is_empty())
        .collect();
    let wanted = ((share * videos.len() as f64 + 0.5).floor() as usize).max(1);
    let spread = |video: &usize| crate::paper::mean_and_std(&normality[*video]).1;
    videos.sort_by(|left, right| spread(right).total_cmp(&spread(left)));
    let mut labels: Vec<Vec<f32>> = normality.iter().map(|z| vec![0.0; z.len()]).collect();
    for video in videos.into_iter().take(wanted) {
        let z = &normality[video];
        let mut order: Vec<usize> = (0..z.len()).collect();
        order.sort_by(|left, right| z[*left].total_cmp(&z[*right]));
        let count = ((LABELLED * z.len() as f64).floor() as usize).max(1);
        for segment in order.into_iter().take(count) {
            labels[video][segment] = 1.0;
        }
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A video of one direction with another one in its middle.
    fn video(count: usize, event: std::ops::Range<usize>) -> Vec<f64> {
        (0..count)
            .flat_map(|t| {
                let wobble = (t % 5) as f64 * 0.02;
                if event.contains(&t) {
                    [0.2, 1.0 + wobble, 1.0]
                } else {
                    [1.0 + wobble, 0.1, 0.0]
                }
            })
            .collect()
    }

    #[test]
    fn an_event_is_less_normal_than_the_rest() {
        for affinity in [Affinity::Cosine, Affinity::Rms] {
            for count in [30, 140] {
                let z = normality(&video(count, 12..16), 3, affinity);
                let least = |range: std::ops::Range<usize>| {
                    z[range].iter().copied().fold(f64::INFINITY, f64::min)
                };
                let most = z[12..16].iter().copied().fold(0.0, f64::max);
                assert!(most < least(4..10), "{affinity:?} {count}: {z:?}");
            }
        }
    }

    #[test]
    fn the_shortest_videos_have_a_normality() {
        for count in 1..6 {
            let z = normality(&video(count, 9..9), 3, Affinity::Cosine);
            assert!(z.len() == count && z.iter().all(|z| z.is_finite()), "{z:?}");
        }
        assert_eq!(normality(&[0.0; 12], 3, Affinity::Cosine).len(), 4);
    }

    #[test]
    fn the_share_of_videos_that_vary_most_is_labelled() {
        let z = vec![
            vec![1.0; 5],
            vec![1.0, 0.0, 0.5, 1.0, 1.0],
            vec![],
            vec![1.0, 0.9, 1.0, 1.0, 1.0],
            vec![1.0; 5],
        ];
        let found = labels(&z, 0.25);
        assert_eq!(found[1], [0.0, 1.0, 1.0, 0.0, 0.0]);
        assert_eq!(found.iter().flatten().sum::<f32>(), 2.0);
        assert!(found[2].is_empty());
        assert_eq!(labels(&z, 0.5)[3], [1.0, 1.0, 0.0, 0.0, 0.0]);
    }
}
