//! Bootstrap intervals of statistics that have no formula, such as the interquartile mean. Means have Student's, whose
//! coverage is right for few values, too (`mean_interval`).
//!
//! 95% intervals, BCa (bias-corrected and accelerated: Efron 1987) where n allows, the percentile interval elsewhere, none
//! below three values. Resampling is stratified and its stream is fixed, so the same values give the same interval.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use looks::statistics::{Interval, mean, normal_cdf, normal_quantile};

use crate::moments::quantile;

/// Resamples of up to [`FEW_VALUES`] values, whose distributions have the longest tails. The Monte-Carlo error of an end is
/// then 0.03 to 0.1 standard errors of the mean.
pub const RESAMPLES_OF_FEW: usize = 10_000;
/// Resamples of more values.
pub const RESAMPLES: usize = 4_000;
/// Where "few" ends.
pub const FEW_VALUES: usize = 32;

/// Below this n a bootstrap has too few distinct resamples to say anything, and no interval is given.
const SMALLEST: usize = 3;
/// Below this n the acceleration of BCa is a guess from a handful of leave-one-out values; SciPy computes it all the same
/// and so do we, but not below.
const SMALLEST_BCA: usize = 5;

/// The interval of any statistic of values in strata (rliable's way: seeds are resampled within each task, tasks stay).
/// `None` when no stratum has three values, or where the statistic is undefined.
pub fn bootstrap_interval(
    strata: &[&[f64]],
    statistic: impl Fn(&[Vec<f64>]) -> Option<f64>,
) -> Option<Interval> {
    let sizes: Vec<usize> = strata.iter().map(|stratum| stratum.len()).collect();
    if sizes.iter().copied().max().unwrap_or(0) < SMALLEST || sizes.contains(&0) {
        return None;
    }
    let full: Vec<Vec<f64>> = strata.iter().map(|stratum| stratum.to_vec()).collect();
    let observed = statistic(&full)?;
    let mut random = stream(&sizes);
    let resamples = resamples(sizes.iter().sum());
    let mut distribution = Vec::with_capacity(resamples);
    let mut drawn = full.clone();
    for _ in 0..resamples {
        for (target, stratum) in drawn.iter_mut().zip(strata) {
            for value in target.iter_mut() {
                *value = stratum[below(&mut random, stratum.len())];
            }
        }
        distribution.push(statistic(&drawn)?);
    }
    let mut left_out = Vec::new();
    for (index, stratum) in strata.iter().enumerate() {
        for leave in 0..stratum.len() {
            let mut rest = full.clone();
            rest[index].remove(leave);
            left_out.extend(
                (!rest[index].is_empty())
                    .then(|| statistic(&rest))
                    .flatten(),
            );
        }
    }
    Some(interval(observed, distribution, &left_out))
}

/// The 95% interval from a bootstrap distribution and the leave-one-out values.
fn interval(observed: f64, mut distribution: Vec<f64>, left_out: &[f64]) -> Interval {
    let (low, high) = bca_shares(observed, &distribution, left_out).unwrap_or((0.025, 0.975));
    let mut end = |share: f64| {
        // Selecting the two neighbours is a tenth of the work of sorting all.
        let position = share * (distribution.len() - 1) as f64;
        let below = position.floor() as usize;
        let (_, first, rest) = distribution.select_nth_unstable_by(below, f64::total_cmp);
        let first = *first;
        let second = rest.iter().copied().min_by(f64::total_cmp).unwrap_or(first);
        quantile(&[first, second], position - below as f64).unwrap_or(first)
    };
    Interval {
        low: end(low),
        high: end(high),
    }
}

/// The shares of the distribution that BCa takes for 2.5% and 97.5%; `None` where it is undefined (too few values, all
/// equal, or the observed value outside the distribution).
fn bca_shares(observed: f64, distribution: &[f64], left_out: &[f64]) -> Option<(f64, f64)> {
    if left_out.len() < SMALLEST_BCA {
        return None;
    }
    // Ties count half, as in SciPy.
    let (mut less, mut equal) = (0_usize, 0_usize);
    for value in distribution {
        less += usize::from(*value < observed);
        equal += usize::from(*value == observed);
    }
    let share = (less as f64 + 0.5 * equal as f64) / distribution.len() as f64;
    let bias = normal_quantile(share);
    let center = mean(left_out)?;
    let (mut cubes, mut squares) = (0.0, 0.0);
    for value in left_out {
        let difference = center - value;
        cubes += difference.powi(3);
        squares += difference.powi(2);
    }
    let acceleration = cubes / (6.0 * squares * squares.sqrt());
    let adjusted = |share: f64| {
        let z = bias + normal_quantile(share);
        normal_cdf(bias + z / (1.0 - acceleration * z))
    };
    let (low, high) = (adjusted(0.025), adjusted(0.975));
    (low.is_finite() && high.is_finite() && low < high).then_some((low, high))
}

fn resamples(values: usize) -> usize {
    if values <= FEW_VALUES {
        RESAMPLES_OF_FEW
    } else {
        RESAMPLES
    }
}

/// The stream of resamples for strata of these sizes. It depends on nothing else, so that a row keeps its interval when
/// other rows come or go.
fn stream(sizes: &[usize]) -> ChaCha8Rng {
    let mut hash = blake3::Hasher::new();
    hash.update(b"gcl-sweep bootstrap 1");
    for size in sizes {
        hash.update(&(*size as u64).to_le_bytes());
    }
    ChaCha8Rng::from_seed(*hash.finalize().as_bytes())
}

/// A whole number below `n` (Lemire's multiply-shift: the bias is below n / 2³²).
fn below(random: &mut ChaCha8Rng, n: usize) -> usize {
    ((u64::from(random.next_u32()) * n as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_mean(values: &[f64]) -> Option<Interval> {
        bootstrap_interval(&[values], |drawn| mean(&drawn[0]))
    }

    #[test]
    fn too_few_values_give_no_interval() {
        assert_eq!(of_mean(&[1.0, 2.0]), None);
        assert_eq!(bootstrap_interval(&[], |_| Some(0.0)), None);
    }

    #[test]
    fn equal_values_give_a_point() {
        let interval = of_mean(&[0.5; 8]).unwrap();
        assert_eq!((interval.low, interval.high), (0.5, 0.5));
    }
}
