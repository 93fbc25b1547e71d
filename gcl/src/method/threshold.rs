//! From values to pseudo labels (Eqs. 2 and 4): the rules of §3.2.2, §3.2.4 and §4, per batch.
//!
//! Values are f32 as the networks give them; thresholds are f64, standard deviations population ones in two passes. A
//! label is `value ≥ threshold`.

use sweeps::training::Threshold as ThresholdRule;

use crate::paper;

/// The threshold of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Threshold {
    /// Labels are positive from it on.
    pub value: f64,
    /// Whether the values are all but equal (std ≤ 1e-6·|mean|), so that no row is positive whatever the threshold. Never
    /// so with a fixed threshold, which does not depend on the batch.
    pub degenerate: bool,
}

/// Bins of the histogram whose valley is looked for.
const BINS: usize = 64;

impl Threshold {
    /// The threshold of `values` by `rule`. `scratch` is overwritten: it saves an allocation per batch.
    ///
    /// Where the paper is silent: `otsu` cuts the sorted values exactly (no bins) where the variance between the two classes
    /// is largest, the threshold being the smallest value of the upper class. `valley` smooths a histogram of 64 bins twice
    /// with (1 2 1)/4 and takes the middle of the lowest bin between two peaks. Of several it is the one that chance explains
    /// least, by depth below the lower peak over √(lower peak + bin); it counts if that is at least 2 and the bin at most half
    /// of the lower peak. A histogram without such a valley is cut by Otsu's rule.
    pub fn of(values: &[f32], rule: ThresholdRule, scratch: &mut Vec<f32>) -> Self {
        let (mean, std) = paper::mean_and_std(values);
        let value = match rule {
            ThresholdRule::MeanStd { k } => paper::threshold((mean, std), k),
            ThresholdRule::TopPercent { percent } => top_percent(values, percent, scratch),
            ThresholdRule::Fixed { value } => value,
            ThresholdRule::Otsu => otsu(values, scratch),
            ThresholdRule::Valley => valley(values).unwrap_or_else(|| otsu(values, scratch)),
        };
        let fixed = matches!(rule, ThresholdRule::Fixed { .. });
        Self {
            value,
            degenerate: !fixed && std <= 1e-6 * mean.abs(),
        }
    }

    /// The labels of `values`: 1 where one is at or above the threshold, else 0.
    pub fn labels(self, values: &[f32], labels: &mut Vec<f32>) {
        labels.clear();
        labels.extend(values.iter().map(|value| {
            if self.degenerate {
                0.0
            } else {
                paper::label(f64::from(*value), self.value)
            }
        }));
    }
}

/// Soft labels (§4.2): (e − min)/(max − min) over the batch.
pub fn soft_labels(values: &[f32], labels: &mut Vec<f32>) {
    let low = values.iter().copied().fold(f32::INFINITY, f32::min);
    let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    // Values that are all equal are all normal; the bound is the reference's.
    let range = (f64::from(high) - f64::from(low)).max(1e-12);
    labels.clear();
    labels.extend(
        values
            .iter()
            .map(|value| ((f64::from(*value) - f64::from(low)) / range) as f32),
    );
}

/// The smallest among the round(percent/100·b) largest values (half up), at least one.
fn top_percent(values: &[f32], percent: f64, scratch: &mut Vec<f32>) -> f64 {
    let count =
        ((percent / 100.0 * values.len() as f64 + 0.5).floor() as usize).clamp(1, values.len());
    scratch.clear();
    scratch.extend_from_slice(values);
    let (_, smallest, _) =
        scratch.select_nth_unstable_by(count - 1, |left, right| right.total_cmp(left));
    f64::from(*smallest)
}

fn otsu(values: &[f32], scratch: &mut Vec<f32>) -> f64 {
    scratch.clear();
    scratch.extend_from_slice(values);
    scratch.sort_unstable_by(f32::total_cmp);
    let total: f64 = scratch.iter().map(|value| f64::from(*value)).sum();
    let count = scratch.len() as f64;
    let mut best = (f64::NEG_INFINITY, f64::from(scratch[0]));
    let mut below = 0.0;
    for split in 1..scratch.len() {
        below += f64::from(scratch[split - 1]);
        if scratch[split] == scratch[split - 1] {
            continue;
        }
        let lower = split as f64;
        let distance = below / lower - (total - below) / (count - lower);
        let between = lower * (count - lower) * distance * distance;
        if between > best.0 {
            best = (between, f64::from(scratch[split]));
        }
    }
    best.1
}

fn valley(values: &[f32]) -> Option<f64> {
    let low = f64::from(values.iter().copied().fold(f32::INFINITY, f32::min));
    let high = f64::from(values.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let width = (high - low) / BINS as f64;
    if width.is_nan() || width <= 0.0 {
        return None;
    }
    let mut histogram = [0.0_f64; BINS];
    for value in values {
        let bin = ((f64::from(*value) - low) / width) as usize;
        histogram[bin.min(BINS - 1)] += 1.0;
    }
    for _ in 0..2 {
        let raw = histogram;
        for bin in 0..BINS {
            // The edges are continued, so that a peak there stays one.
            let left = raw[bin.saturating_sub(1)];
            let right = raw[(bin + 1).min(BINS - 1)];
            histogram[bin] = 0.25 * left + 0.5 * raw[bin] + 0.25 * right;
        }
    }
    let mut from_right = [0.0_f64; BINS];
    for bin in (0..BINS - 1).rev() {
        from_right[bin] = from_right[bin + 1].max(histogram[bin + 1]);
    }
    let (mut clearest, mut first, mut last) = (0.0, 0, 0);
    let mut from_left = 0.0_f64;
    for bin in 1..BINS - 1 {
        from_left = from_left.max(histogram[bin - 1]);
        let (lower, here) = (from_left.min(from_right[bin]), histogram[bin]);
        let clear = (lower - here) / (lower + here).sqrt();
        if here > 0.5 * lower || clear < 2.0 {
            continue;
        }
        if clear > clearest {
            (clearest, first, last) = (clear, bin, bin);
        } else if clear == clearest && last + 1 == bin {
            last = bin;
        }
    }
    // An empty stretch is cut in its middle.
    (clearest > 0.0).then(|| low + width * ((first + last) as f64 / 2.0 + 0.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threshold(values: &[f32], rule: ThresholdRule) -> Threshold {
        Threshold::of(values, rule, &mut Vec::new())
    }

    fn labels(values: &[f32], rule: ThresholdRule) -> Vec<f32> {
        let mut labels = Vec::new();
        threshold(values, rule).labels(values, &mut labels);
        labels
    }

    #[test]
    fn mean_std_takes_the_population_std() {
        // Mean 2, population std √2 (the sample one would be 1.58).
        let values = [0.0, 1.0, 2.0, 3.0, 4.0];
        let found = threshold(&values, ThresholdRule::MeanStd { k: 1.0 });
        assert!((found.value - (2.0 + 2.0_f64.sqrt())).abs() < 1e-12);
        assert_eq!(
            labels(&values, ThresholdRule::MeanStd { k: 0.0 }),
            [0.0, 0.0, 1.0, 1.0, 1.0],
            "≥, not >"
        );
    }

    #[test]
    fn top_percent_rounds_half_up_and_takes_at_least_one() {
        let values = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!(
            labels(&values, ThresholdRule::TopPercent { percent: 30.0 }),
            [1.0, 0.0, 1.0, 0.0, 0.0],
            "1.5 is two"
        );
        assert_eq!(
            labels(&values, ThresholdRule::TopPercent { percent: 1.0 }),
            [1.0, 0.0, 0.0, 0.0, 0.0]
        );
        assert_eq!(
            labels(&values, ThresholdRule::TopPercent { percent: 100.0 }),
            [1.0; 5]
        );
        assert_eq!(
            labels(
                &[2.0, 2.0, 1.0],
                ThresholdRule::TopPercent { percent: 20.0 }
            ),
            [1.0, 1.0, 0.0],
            "ties go together"
        );
    }

    #[test]
    fn values_that_are_all_but_equal_have_no_positive() {
        let values = [0.5, 0.500_000_1, 0.5];
        for rule in [
            ThresholdRule::MeanStd { k: 0.1 },
            ThresholdRule::TopPercent { percent: 50.0 },
            ThresholdRule::Otsu,
            ThresholdRule::Valley,
        ] {
            assert!(threshold(&values, rule).degenerate);
            assert_eq!(labels(&values, rule), [0.0; 3], "{rule:?}");
        }
        assert_eq!(
            labels(&values, ThresholdRule::Fixed { value: 0.4 }),
            [1.0; 3]
        );
    }

    #[test]
    fn otsu_is_the_best_of_all_cuts() {
        let values = [0.1, 0.15, 0.2, 0.9, 0.25, 1.1, 0.12, 1.0];
        assert_eq!(
            threshold(&values, ThresholdRule::Otsu).value,
            f64::from(0.9_f32)
        );
        // Against brute force over every value as a threshold.
        let values: Vec<f32> = (0..97)
            .map(|i| ((i * 37 % 97) as f32 / 97.0).powi(3))
            .collect();
        let within = |threshold: f32| {
            [true, false]
                .map(|upper| {
                    let class: Vec<f64> = values
                        .iter()
                        .filter(|value| (**value >= threshold) == upper)
                        .map(|value| f64::from(*value))
                        .collect();
                    let mean = class.iter().sum::<f64>() / class.len().max(1) as f64;
                    class
                        .iter()
                        .map(|value| (value - mean).powi(2))
                        .sum::<f64>()
                })
                .iter()
                .sum::<f64>()
        };
        let best = values
            .iter()
            .copied()
            .min_by(|left, right| within(*left).total_cmp(&within(*right)))
            .unwrap();
        let found = threshold(&values, ThresholdRule::Otsu).value;
        assert!((within(found as f32) - within(best)).abs() < 1e-9);
    }

    #[test]
    fn valley_lies_between_the_peaks() {
        // A large peak around 1, a small one around 5, nothing between 2 and 4.
        let mut values: Vec<f32> = (0..900)
            .map(|i| 1.0 + (i % 30) as f32 / 30.0 - 0.5)
            .collect();
        values.extend((0..100).map(|i| 5.0 + (i % 20) as f32 / 20.0 - 0.5));
        let found = threshold(&values, ThresholdRule::Valley).value;
        assert!((2.0..4.0).contains(&found), "{found}");
        assert_eq!(
            labels(&values, ThresholdRule::Valley).iter().sum::<f32>(),
            100.0
        );
    }

    #[test]
    fn one_peak_falls_back_on_otsu() {
        let values: Vec<f32> = (0..1000).map(|i| (i as f32 / 1000.0).powi(2)).collect();
        assert_eq!(
            threshold(&values, ThresholdRule::Valley),
            threshold(&values, ThresholdRule::Otsu)
        );
    }

    #[test]
    fn soft_labels_span_zero_to_one() {
        let mut labels = Vec::new();
        soft_labels(&[2.0, 4.0, 3.0], &mut labels);
        assert_eq!(labels, [0.0, 1.0, 0.5]);
        soft_labels(&[2.0, 2.0], &mut labels);
        assert_eq!(labels, [0.0, 0.0]);
    }
}
