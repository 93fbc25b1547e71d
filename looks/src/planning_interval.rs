//! The interval to plan with (Wang & Ramdas, arXiv 2310.03722): it covers the mean difference at all times at once.

use serde::{Deserialize, Serialize};

/// c², fixed before the first seed: where the interval is narrowest.
const C_SQUARED: f64 = 1.0;

/// An interval of a mean difference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PlanningInterval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl PlanningInterval {
    /// Whether it lies within ± the margin.
    pub fn is_within(&self, margin: f64) -> bool {
        self.low >= -margin && self.high <= margin
    }
}

/// d̄ ± s·sqrt((T − 1)/(1 − T·c²/(n + c²))) with T = (sqrt((n + c²)/c²)/α)^(2/n) and s² = (1/n) Σ (d − d̄)²; `None` is the whole
/// line: so few differences, or one that is no finite number, say nothing.
pub fn planning_interval(differences: &[f64], alpha: f64) -> Option<PlanningInterval> {
    let n = differences.len() as f64;
    let half = half_width(differences.len(), alpha)?;
    let sum: f64 = differences.iter().sum();
    let mean = if sum.is_finite() {
        sum / n
    } else {
        differences.iter().map(|d| d / n).sum()
    };
    let largest = differences
        .iter()
        .map(|d| (d - mean).abs())
        .fold(0.0, f64::max);
    let spread = if largest > 0.0 {
        let squares = differences.iter().map(|d| ((d - mean) / largest).powi(2));
        largest * libm::sqrt(squares.sum::<f64>() / n)
    } else {
        0.0
    };
    let interval = PlanningInterval {
        low: mean - half * spread,
        high: mean + half * spread,
    };
    (interval.low.is_finite() && interval.high.is_finite()).then_some(interval)
}

/// Half of its width, in standard deviations (of n, not n − 1).
fn half_width(differences: usize, alpha: f64) -> Option<f64> {
    if differences == 0 || !(alpha > 0.0 && alpha < 1.0) {
        return None;
    }
    let n = differences as f64;
    let t = libm::pow(libm::sqrt((n + C_SQUARED) / C_SQUARED) / alpha, 2.0 / n);
    let rest = 1.0 - t * C_SQUARED / (n + C_SQUARED);
    (rest > 0.0).then(|| libm::sqrt((t - 1.0) / rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half-widths over the sample standard deviation at 5%.
    #[test]
    fn it_is_as_wide_as_it_should_be() {
        for (n, expected) in [
            (5, 3.78),
            (6, 2.23),
            (8, 1.50),
            (10, 1.22),
            (15, 0.91),
            (20, 0.77),
            (30, 0.61),
            (50, 0.47),
        ] {
            let n_f = f64::from(n);
            let half = half_width(n as usize, 0.05).unwrap() * ((n_f - 1.0) / n_f).sqrt();
            assert!((half - expected).abs() < 0.006, "{n}: {half}");
        }
        for n in 0..4 {
            assert_eq!(half_width(n, 0.05), None, "{n}");
        }
    }

    #[test]
    fn it_is_around_the_mean_and_as_wide_as_the_spread() {
        let differences = [0.1, 0.3, 0.2, 0.4, 0.0, 0.2];
        let found = planning_interval(&differences, 0.05).unwrap();
        assert!((found.low + found.high - 0.4).abs() < 1e-12);
        let half = (found.high - found.low) / 2.0;
        let sample_std = (0.1_f64 / 5.0).sqrt();
        assert!((half / sample_std - 2.23).abs() < 0.006);
        let shifted = differences.map(|d| d * 1e-150 + 1e-150);
        let found = planning_interval(&shifted, 0.05).unwrap();
        assert!(((found.high - found.low) / 2e-150 - half).abs() < 1e-9);
        assert!(!found.is_within(1e-150) && found.is_within(1e-149));
    }

    #[test]
    fn seeds_that_all_agree_have_no_width_and_nonsense_has_no_interval() {
        let equal = planning_interval(&[0.25; 6], 0.05).unwrap();
        assert_eq!((equal.low, equal.high), (0.25, 0.25));
        assert_eq!(
            planning_interval(&[0.1, f64::NAN, 0.2, 0.3, 0.4, 0.5], 0.05),
            None
        );
        assert_eq!(
            planning_interval(&[f64::MAX, -f64::MAX, 0.0, 0.0, 0.0, 1.0], 0.05),
            None
        );
        assert_eq!(planning_interval(&[0.1; 9], 0.0), None);
        assert_eq!(planning_interval(&[], 0.05), None);
    }
}
