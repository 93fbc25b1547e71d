//! How `[random]` spreads its points: where in the unit cube they lie.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::choice::choices;

choices! {
    /// How points are drawn.
    #[derive(Default)]
    pub(super) enum Design {
        /// Each number for itself.
        #[default]
        Independent = "independent",
        /// Of every parameter one number from each of `count` equal parts of its range, which meet by chance (McKay et al. 1979).
        LatinHypercube = "latin-hypercube",
        /// A Sobol sequence with Owen's scrambling: any first points cover the cube evenly.
        Sobol = "sobol",
    }
}

/// Parameters that a Sobol sequence has numbers for.
pub(super) const MOST_SOBOL: usize = sobol_burley::NUM_DIMENSIONS as usize;
/// Points of a Sobol sequence.
pub(super) const MOST_SOBOL_POINTS: u64 = 1 << 16;

impl Design {
    /// `count` points with a number in [0, 1) for each of `dimensions`.
    pub(super) fn points(self, count: usize, dimensions: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        match self {
            Self::Independent => (0..count)
                .map(|_| (0..dimensions).map(|_| unit(&mut generator)).collect())
                .collect(),
            Self::LatinHypercube => {
                let mut points = vec![Vec::with_capacity(dimensions); count];
                for _ in 0..dimensions {
                    for (part, point) in
                        shuffled(count, &mut generator).into_iter().zip(&mut points)
                    {
                        let number = (part as f64 + unit(&mut generator)) / count as f64;
                        point.push(number.min(1.0 - f64::EPSILON));
                    }
                }
                points
            }
            Self::Sobol => {
                let scramble = generator.next_u32();
                let number = |point: usize, dimension: usize| {
                    f64::from(sobol_burley::sample(
                        point as u32,
                        dimension as u32,
                        scramble,
                    ))
                };
                (0..count)
                    .map(|point| {
                        (0..dimensions)
                            .map(|dimension| number(point, dimension))
                            .collect()
                    })
                    .collect()
            }
        }
    }
}

/// 53 bits make every double in [0, 1) of that spacing equally likely.
fn unit(generator: &mut ChaCha8Rng) -> f64 {
    (generator.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// The numbers below `count` in a random order.
fn shuffled(count: usize, generator: &mut ChaCha8Rng) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        let other = (unit(generator) * (last as f64 + 1.0)) as usize;
        numbers.swap(last, other.min(last));
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `parts` equal parts of each dimension have exactly one of as many points.
    fn is_even(points: &[Vec<f64>], dimension: usize) -> bool {
        let mut hit = vec![0; points.len()];
        for point in points {
            hit[(point[dimension] * points.len() as f64) as usize] += 1;
        }
        hit.iter().all(|count| *count == 1)
    }

    #[test]
    fn every_part_of_a_range_has_its_point() {
        for (design, count) in [(Design::LatinHypercube, 37), (Design::Sobol, 64)] {
            for seed in 0..5 {
                let points = design.points(count, 4, seed);
                assert!(
                    (0..4).all(|dimension| is_even(&points, dimension)),
                    "{design:?}"
                );
                assert_eq!(points, design.points(count, 4, seed));
                assert_ne!(points, design.points(count, 4, seed + 1));
            }
        }
        let independent = Design::Independent.points(64, 1, 0);
        assert!(!is_even(&independent, 0));
    }

    #[test]
    fn more_points_of_a_sobol_sequence_begin_with_the_same() {
        let (few, many) = (
            Design::Sobol.points(8, 3, 1),
            Design::Sobol.points(32, 3, 1),
        );
        assert_eq!(few, many[..8]);
    }
}
