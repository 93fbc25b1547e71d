//! Intervals of a mean over seeds.

use std::sync::OnceLock;

use super::moments::{mean, sample_std};
use super::student::student_quantile;

/// Below this n no interval is given: of two values Student's is 25 times as wide as they are apart.
const SMALLEST: usize = 3;
/// The level of an interval unless its maker says otherwise.
const USUAL_LEVEL: f64 = 0.95;

/// A confidence interval; 95% unless its maker says otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Whether it lies wholly above zero.
    pub fn above_zero(self) -> bool {
        self.low > 0.0
    }

    /// Whether zero lies in it.
    pub fn has_zero(self) -> bool {
        !self.above_zero() && !self.below_zero()
    }

    /// Whether it lies wholly below zero.
    pub fn below_zero(self) -> bool {
        self.high < 0.0
    }
}

/// Student's 95% interval of the mean of independent values; `None` below three.
///
/// Its coverage is 95% for normal values at every n, and 90 to 97% for the heavy-tailed and mildly two-peaked ones of
/// `reports/statistics/tests/simulations.rs`. Values of two peaks far apart can all fall on one of them: at n = 3 that happens in a quarter of
/// all cases, and no interval made of the three values alone can know. From n = 5 on coverage is above 90% there, too.
pub fn mean_interval(values: &[f64]) -> Option<Interval> {
    mean_interval_at(values, USUAL_LEVEL)
}

/// As [`mean_interval`], of another level: 0.9 for the interval that two one-sided tests at 5% look at.
pub fn mean_interval_at(values: &[f64], level: f64) -> Option<Interval> {
    student_interval(values.len(), mean(values)?, standard_error(values)?, level)
}

/// The interval of a mean of n values that has this standard error.
pub fn student_interval(n: usize, mean: f64, error: f64, level: f64) -> Option<Interval> {
    if n < SMALLEST {
        return None;
    }
    // Equal values have no spread: rounding of their mean makes none either.
    let reach = if error > 0.0 {
        error * errors_of_reach(n - 1, level)
    } else {
        0.0
    };
    Some(Interval {
        low: mean - reach,
        high: mean + reach,
    })
}

/// How many standard errors an interval reaches to each side. A live page makes thousands of intervals of few seeds at a time:
/// at the usual level each quantile is found once.
fn errors_of_reach(degrees: usize, level: f64) -> f64 {
    static USUAL: [OnceLock<f64>; 256] = [const { OnceLock::new() }; 256];
    let find = || student_quantile(0.5 + level / 2.0, degrees as f64);
    match USUAL.get(degrees) {
        Some(known) if level == USUAL_LEVEL => *known.get_or_init(find),
        _ => find(),
    }
}

/// The standard error of the mean, s / √n; `None` below two values.
pub fn standard_error(values: &[f64]) -> Option<f64> {
    let first = *values.first()?;
    // The mean of equal values may differ from them in its last bit.
    if values.iter().all(|value| *value == first) {
        return (values.len() > 1).then_some(0.0);
    }
    sample_std(values).map(|std| std / (values.len() as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_values_give_no_interval_and_equal_ones_a_point() {
        assert_eq!(mean_interval(&[0.7, 0.8]), None);
        let point = mean_interval(&[0.1; 7]).unwrap();
        assert!((point.low - 0.1).abs() < 1e-15 && point.low == point.high);
    }
}
