//! Numbers over seeds: how many, their mean, how they spread, and Student's 95% interval of the mean.

use serde::Serialize;

/// Below this n no interval is given: of two values Student's is 25 times as wide as they are apart.
const SMALLEST: usize = 3;

/// Numbers over seeds. In JSON `[n, mean, std, low, high]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// How many values.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Their sample standard deviation; `None` of one value.
    pub std: Option<f64>,
    /// The 95% interval of the mean; `None` below three values.
    pub interval: Option<(f64, f64)>,
}

impl Summary {
    /// Of these values; `None` where there is none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> = values.into_iter().collect();
        let n = values.len();
        if n == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let std = (n > 1).then(|| (squares / (n - 1) as f64).sqrt());
        let interval = std.filter(|_| n >= SMALLEST).map(|std| {
            let reach = std / (n as f64).sqrt() * student_quantile_975(n - 1);
            (mean - reach, mean + reach)
        });
        Some(Self {
            n,
            mean,
            std,
            interval,
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

/// The 97.5% quantile of Student's distribution, by Hill's expansion (Algorithm 396 of the ACM), whose error is below 1e-4
/// from three degrees on; one and two degrees are exact.
fn student_quantile_975(degrees: usize) -> f64 {
    const TAIL: f64 = 0.05;
    let n = degrees as f64;
    match degrees {
        0 => f64::INFINITY,
        1 => 12.706_204_736_432_1,
        2 => (2.0 / (TAIL * (2.0 - TAIL)) - 2.0).sqrt(),
        _ => {
            let a = 1.0 / (n - 0.5);
            let b = 48.0 / (a * a);
            let mut c = ((20_700.0 * a / b - 98.0) * a - 16.0) * a + 96.36;
            let d =
                ((94.5 / (b + c) - 3.0) / b + 1.0) * (a * std::f64::consts::FRAC_PI_2).sqrt() * n;
            let mut y = (d * TAIL).powf(2.0 / n);
            if y > 0.05 + a {
                // The normal quantile of 2.5%.
                let x = -1.959_963_984_540_054_f64;
                y = x * x;
                if degrees < 5 {
                    c += 0.3 * (n - 4.5) * (x + 0.6);
                }
                c += (((0.05 * d * x - 5.0) * x - 7.0) * x - 2.0) * x + b;
                y = (((((0.4 * y + 6.3) * y + 36.0) * y + 94.5) / c - y - 3.0) / b + 1.0) * x;
                y = (a * y * y).exp_m1();
            } else {
                y = ((1.0 / (((n + 6.0) / (n * y) - 0.089 * d - 0.822) * (n + 2.0) * 3.0)
                    + 0.5 / (n + 4.0))
                    * y
                    - 1.0)
                    * (n + 1.0)
                    / (n + 2.0)
                    + 1.0 / y;
            }
            (n * y).sqrt()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_is_that_of_the_tables() {
        for (degrees, table) in [
            (1, 12.7062),
            (2, 4.3027),
            (3, 3.1824),
            (4, 2.7764),
            (5, 2.5706),
            (9, 2.2622),
            (29, 2.0452),
            (99, 1.9842),
            (10_000, 1.9602),
        ] {
            let found = student_quantile_975(degrees);
            assert!((found - table).abs() < 2e-3, "{degrees}: {found} {table}");
        }
    }

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
