//! From the errors of the whole training split to labels.

use sweeps::training::LabelRule;

use crate::paper;

/// Values whose std is at most this share of their mean are equal but for rounding: no row is anomalous then, as in a batch of GCL.
const EQUAL: f64 = 1e-6;

/// The labels of `values`, which are finite.
pub(crate) fn labels(values: &[f64], rule: LabelRule) -> Vec<f32> {
    let (mean, std) = paper::mean_and_std(values);
    let threshold = match rule {
        LabelRule::SoftRank { exponent } => return soft_ranks(values, exponent),
        LabelRule::MeanStd { k } => paper::threshold((mean, std), k),
        LabelRule::TopPercent { percent } => top_percent(values, percent),
    };
    if std <= EQUAL * mean.abs() {
        return vec![0.0; values.len()];
    }
    values
        .iter()
        .map(|value| paper::label(*value, threshold))
        .collect()
}

/// The smallest among the round(percent/100·N) largest values (half up), at least one.
fn top_percent(values: &[f64], percent: f64) -> f64 {
    let wanted = (percent / 100.0 * values.len() as f64 + 0.5).floor() as usize;
    let mut values = values.to_vec();
    let place = wanted.clamp(1, values.len()) - 1;
    *values
        .select_nth_unstable_by(place, |left, right| right.total_cmp(left))
        .1
}

/// ((rank − ½)/N)^exponent, ranks from 1; equal values share the mean of their ranks.
fn soft_ranks(values: &[f64], exponent: f64) -> Vec<f32> {
    let count = values.len() as f64;
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|left, right| values[*left].total_cmp(&values[*right]));
    let mut labels = vec![0.0; values.len()];
    let mut first = 0;
    for equal in order.chunk_by(|left, right| values[*left] == values[*right]) {
        // Ranks first + 1 to first + n have the mean first + (n + 1)/2.
        let rank = first as f64 + f64::midpoint(equal.len() as f64, 1.0);
        let label = libm::pow((rank - 0.5) / count, exponent) as f32;
        for place in equal {
            labels[*place] = label;
        }
        first += equal.len();
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::threshold::Threshold;
    use sweeps::training::Threshold as ThresholdRule;

    #[test]
    fn hard_rules_are_those_of_a_batch() {
        let floats: Vec<f32> = (0..101).map(|i| (i * 37 % 101) as f32 / 7.0).collect();
        let values: Vec<f64> = floats.iter().map(|value| f64::from(*value)).collect();
        for (rule, of_batch) in [
            (
                LabelRule::MeanStd { k: 0.7 },
                ThresholdRule::MeanStd { k: 0.7 },
            ),
            (
                LabelRule::TopPercent { percent: 12.4 },
                ThresholdRule::TopPercent { percent: 12.4 },
            ),
            (
                LabelRule::TopPercent { percent: 0.1 },
                ThresholdRule::TopPercent { percent: 0.1 },
            ),
        ] {
            let mut expected = Vec::new();
            Threshold::of(&floats, of_batch, &mut Vec::new()).labels(&floats, &mut expected);
            assert_eq!(labels(&values, rule), expected, "{rule:?}");
        }
    }

    #[test]
    fn errors_that_are_all_but_equal_label_nobody() {
        for rule in [
            LabelRule::MeanStd { k: 1.0 },
            LabelRule::TopPercent { percent: 50.0 },
        ] {
            assert_eq!(labels(&[0.5, 0.500_000_1, 0.5], rule), [0.0; 3]);
        }
    }

    #[test]
    fn soft_labels_are_powers_of_mid_ranks() {
        let found = labels(&[3.0, 1.0, 2.0, 2.0], LabelRule::SoftRank { exponent: 2.0 });
        // Ranks 4, 1, 2.5, 2.5.
        let expected = [3.5_f64, 0.5, 2.0, 2.0].map(|place| (place / 4.0).powi(2) as f32);
        assert_eq!(found, expected);
    }
}
