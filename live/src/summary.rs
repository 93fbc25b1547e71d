//! Numbers over seeds: how many, their mean, how they spread, and Student's 95% interval of the mean.

use looks::statistics::{mean, mean_interval, sample_std};
use serde::Serialize;

/// Numbers over seeds. In JSON `[n, mean, std, low, high]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Summary {
    /// How many values.
    pub(crate) n: usize,
    /// Their mean.
    pub(crate) mean: f64,
    /// Their sample standard deviation; `None` of one value.
    pub(crate) std: Option<f64>,
    /// The 95% interval of the mean; `None` below three values.
    pub(crate) interval: Option<(f64, f64)>,
}

impl Summary {
    /// Of these values; `None` where there is none.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> = values.into_iter().collect();
        Some(Self {
            n: values.len(),
            mean: mean(&values)?,
            std: sample_std(&values),
            interval: mean_interval(&values).map(|interval| (interval.low, interval.high)),
        })
    }
}

impl Serialize for Summary {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (low, high) = self.interval.unzip();
        (
            self.n,
            rounded(self.mean),
            self.std.map(rounded),
            low.map(rounded),
            high.map(rounded),
        )
            .serialize(serializer)
    }
}

/// As many digits as a page shows: six after the point, of large numbers fewer.
pub(crate) fn rounded(value: f64) -> f64 {
    let scale = if value.abs() < 1e6 { 1e6 } else { 1.0 };
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_few_values_do_not_say_is_not_said() {
        assert_eq!(Summary::of([]), None);
        let one = Summary::of([0.5]).unwrap();
        assert_eq!(
            (one.n, one.mean, one.std, one.interval),
            (1, 0.5, None, None)
        );
        let two = Summary::of([0.5, 0.7]).unwrap();
        assert!((two.std.unwrap() - 0.141_421).abs() < 1e-5);
        assert_eq!(two.interval, None);
        let three = Summary::of([0.5, 0.6, 0.7]).unwrap();
        let (low, high) = three.interval.unwrap();
        assert!((low - 0.3516).abs() < 1e-3 && (high - 0.8484).abs() < 1e-3);
        let equal = Summary::of([0.6; 4]).unwrap();
        assert!(equal.interval.is_some_and(|(low, high)| high - low < 1e-12));
        assert_eq!(
            serde_json::to_string(&two).unwrap(),
            "[2,0.6,0.141421,null,null]"
        );
    }
}
