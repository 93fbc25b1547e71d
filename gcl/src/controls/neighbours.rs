//! Mean distances to the nearest training rows.
//!
//! Exact, and with bounded memory: products of blocks in f32 tell which few rows can be the nearest, and the distances to
//! these are taken in f64. The products' rounding is bounded, so that a row is left out only where it cannot be among the
//! nearest; where the few that are kept do not prove that, all rows are looked at one by one. Therefore the result has the
//! bits of a plain loop over all pairs, whatever multiplies and on however many threads.

use kernels::product::{View, product};
use rayon::prelude::*;

use crate::baselines::fit::{Fault, FitContext};
use crate::baselines::numbers::{CHUNK, each, mean};
use crate::controls::features::distance;
use crate::controls::nearest::Smallest;
use crate::data::features::Features;

/// Test rows and training rows of a block: at 2,048 dimensions some 16 MiB.
const BLOCK: [usize; 2] = [512, 1024];
/// Rows that are kept beyond the nearest that are asked for: room for what rounding cannot tell apart.
const SPARE: usize = 27;

/// How the nearest rows are looked for.
pub(crate) struct Neighbours<'a> {
    /// How many; all, where there are fewer.
    count: usize,
    /// The video of each row, where the rows that are scored are the training rows themselves: then those of the same video do
    /// not count.
    same: Option<&'a [u32]>,
    block: [usize; 2],
    spare: usize,
}

impl<'a> Neighbours<'a> {
    /// For test rows, which are no training rows.
    pub(crate) fn of_test(count: usize) -> Self {
        Self {
            count,
            same: None,
            block: BLOCK,
            spare: SPARE,
        }
    }

    /// For the training rows themselves, whose videos are `video`.
    pub(crate) fn of_other_videos(count: usize, video: &'a [u32]) -> Self {
        Self {
            same: Some(video),
            ..Self::of_test(count)
        }
    }

    /// The mean distance of every test row of `context` to its nearest training rows.
    pub(crate) fn mean_distances(&self, context: &FitContext<'_>) -> Result<Vec<f64>, Fault> {
        let center = mean(context)?;
        let width = center.len();
        let [height, breadth] = self.block;
        let count = context.test.rows();
        let mut distances = Vec::with_capacity(count);
        let mut train = Block::new(breadth, width);
        let mut test = Block::new(height.min(count), width);
        let mut products = vec![0.0; height.min(count) * breadth];
        for start in (0..count).step_by(height) {
            let rows: Vec<u32> = (start as u32..(start + height).min(count) as u32).collect();
            test.fill(context, context.test, &rows, &center);
            let mut found = vec![Smallest::new(self.count + self.spare); rows.len()];
            for others in context.rows.chunks(breadth) {
                context.go_on()?;
                train.fill(context, context.train, others, &center);
                product(
                    &mut products,
                    View::new(&test.values, rows.len(), width),
                    View::new(&train.values, others.len(), width).t(),
                    context.threads,
                );
                let offer = |(index, (found, products)): (usize, (&mut Smallest, &[f32]))| {
                    for (place, other) in others.iter().enumerate() {
                        if self.counts(rows[index], *other) {
                            let dot = f64::from(products[place]);
                            found.offer(least(&test, index, &train, place, dot), *other);
                        }
                    }
                };
                if context.threads > 1 {
                    let products = products.par_chunks(others.len());
                    found
                        .par_iter_mut()
                        .zip(products)
                        .enumerate()
                        .for_each(offer);
                } else {
                    let products = products.chunks(others.len());
                    found.iter_mut().zip(products).enumerate().for_each(offer);
                }
            }
            let exact = each(context.threads, rows.len(), |index| {
                self.mean_distance(context, rows[index], &found[index])
            });
            for distance in exact {
                distances.push(distance?);
            }
        }
        Ok(distances)
    }

    /// Whether a training row is one that a row may be compared with.
    fn counts(&self, row: u32, other: u32) -> bool {
        self.same
            .is_none_or(|video| video[row as usize] != video[other as usize])
    }

    /// The mean distance of a row to its nearest, of those that `found` could not rule out.
    fn mean_distance(
        &self,
        context: &FitContext<'_>,
        row: u32,
        found: &Smallest,
    ) -> Result<f64, Fault> {
        let (mut scratch, mut other) = (Vec::new(), Vec::new());
        let own = context.test.row(row as usize, &mut scratch);
        let mut nearest = Smallest::new(self.count);
        for place in found.places() {
            let there = context.train.row(place as usize, &mut other);
            nearest.offer(distance(own, there), place);
        }
        // Whoever was left out is at least so far away.
        let bound = found.bound();
        if bound < f64::INFINITY && nearest.bound().powi(2) > bound {
            nearest = Smallest::new(self.count);
            for others in context.rows.chunks(CHUNK) {
                context.go_on()?;
                for place in others.iter().filter(|place| self.counts(row, **place)) {
                    let there = context.train.row(*place as usize, &mut other);
                    nearest.offer(distance(own, there), *place);
                }
            }
        }
        let values = nearest.values();
        if values.is_empty() {
            return Err(Fault::NotFinite(
                "a mean distance to training segments of other videos: there are none; it",
            ));
        }
        Ok(values.iter().sum::<f64>() / values.len() as f64)
    }
}

/// The least that the squared distance of two rows can be, by the product of the two.
///
/// With u = 2⁻²⁴: centred values are rounded by at most u each, which moves a squared distance by less than 4u(‖x‖ + ‖y‖)²; a product
/// summed over d values in any order is wrong by less than 1.01·d·u·‖x‖‖y‖, and counts twice, so by less than d·u·(‖x‖ + ‖y‖)²
/// together. The rest is in f64.
fn least(test: &Block, row: usize, train: &Block, other: usize, dot: f64) -> f64 {
    let (x, y) = (test.squares[row], train.squares[other]);
    let norms = test.norms[row] + train.norms[other];
    let least = x + y - 2.0 * dot - train.slack * norms * norms;
    // A product beyond f32 tells nothing.
    if least.is_finite() {
        least
    } else {
        f64::NEG_INFINITY
    }
}

/// Rows in f32 about the mean of the training rows, which distances do not depend on and products are exacter for.
struct Block {
    values: Vec<f32>,
    width: usize,
    /// ‖x‖² of each.
    squares: Vec<f64>,
    norms: Vec<f64>,
    /// By which share of (‖x‖ + ‖y‖)² a squared distance may be wrong.
    slack: f64,
}

impl Block {
    fn new(rows: usize, width: usize) -> Self {
        Self {
            values: vec![0.0; rows * width],
            width,
            squares: Vec::new(),
            norms: Vec::new(),
            slack: (width as f64 + 8.0) * 2.0_f64.powi(-24),
        }
    }

    fn fill(
        &mut self,
        context: &FitContext<'_>,
        features: &Features,
        rows: &[u32],
        center: &[f64],
    ) {
        features.gather(context.threads, rows, &mut self.values);
        let center_row = |row: &mut [f32]| {
            let mut sum = 0.0;
            for (value, center) in row.iter_mut().zip(center) {
                *value = (f64::from(*value) - center) as f32;
                sum += f64::from(*value) * f64::from(*value);
            }
            sum
        };
        let values = &mut self.values[..rows.len() * self.width];
        self.squares = if context.threads > 1 {
            values.par_chunks_mut(self.width).map(center_row).collect()
        } else {
            values.chunks_mut(self.width).map(center_row).collect()
        };
        self.norms = self.squares.iter().map(|square| square.sqrt()).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::matrix::Matrix;
    use kernels::Threads;
    use proptest::prelude::*;

    fn context<'a>(
        train: &'a Features,
        test: &'a Features,
        rows: &'a [u32],
        threads: usize,
    ) -> FitContext<'a> {
        FitContext {
            train,
            rows,
            test,
            seed: 0,
            threads,
            stopped: &|| false,
        }
    }

    /// All pairs, sorted.
    fn naive(context: &FitContext<'_>, count: usize, video: Option<&[u32]>) -> Vec<f64> {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        (0..context.test.rows())
            .map(|row| {
                let mut all: Vec<f64> = (0..context.train.rows())
                    .filter(|other| video.is_none_or(|video| video[row] != video[*other]))
                    .map(|other| {
                        let here = context.test.row(row, &mut left);
                        distance(here, context.train.row(other, &mut right))
                    })
                    .collect();
                all.sort_by(f64::total_cmp);
                all.truncate(count);
                all.iter().sum::<f64>() / all.len() as f64
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        /// The bits of the plain loop, however the blocks are cut, on one thread and three: with many equal rows, with rows far
        /// from the origin, with few to choose from.
        #[test]
        fn the_nearest_are_those_of_all_pairs(
            seed in 0_u32..1000,
            (rows, queries, width) in (6_usize..40, 1_usize..20, 1_usize..9),
            levels in prop::sample::select(vec![1_u32, 3, 100_000]),
            offset in prop::sample::select(vec![0.0_f32, 1e4]),
            (count, spare) in (1_usize..7, 0_usize..4),
            block in prop::sample::select(vec![[4, 5], [7, 64], [512, 1024]]),
        ) {
            let value = |place: usize, salt: u32| {
                let mixed = (place as u32 + salt).wrapping_mul(2_654_435_761) ^ seed;
                offset + (mixed.wrapping_mul(40_503) >> 7) as f32 % levels as f32 / 10.0
            };
            let matrix = |rows: usize, salt| {
                Matrix::new((0..rows * width).map(|place| value(place, salt)).collect(), width)
            };
            let (train, test): (Features, Features) = (matrix(rows, 1).into(), matrix(queries, 77).into());
            let all: Vec<u32> = (0..rows as u32).collect();
            let video: Vec<u32> = (0..rows as u32).map(|row| row / 3).collect();
            let expected = naive(&context(&train, &test, &all, 1), count, None);
            let of_others = naive(&context(&train, &train, &all, 1), count, Some(&video));
            for threads in [1, 3] {
                let pool = Threads::start(Some(threads), "nearest").unwrap();
                let [found, others] = pool.install(|| [
                    Neighbours { block, spare, ..Neighbours::of_test(count) }
                        .mean_distances(&context(&train, &test, &all, threads)).unwrap(),
                    Neighbours { block, spare, ..Neighbours::of_other_videos(count, &video) }
                        .mean_distances(&context(&train, &train, &all, threads)).unwrap(),
                ]);
                prop_assert_eq!(&found, &expected);
                prop_assert_eq!(&others, &of_others);
            }
        }
    }

    #[test]
    fn a_row_without_any_other_video_has_no_distance() {
        let train: Features = Matrix::new(vec![1.0, 2.0, 3.0], 1).into();
        let rows = [0, 1, 2];
        let fault = Neighbours::of_other_videos(2, &[0, 0, 0])
            .mean_distances(&context(&train, &train, &rows, 1));
        assert!(matches!(fault, Err(Fault::NotFinite(_))));
    }
}
