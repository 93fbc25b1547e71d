//! Student's t interval of a mean.

use crate::statistics::{mean, sample_std};

/// The 95% interval of the mean of `values`; `None` below two values.
pub(super) fn interval(values: &[f64]) -> Option<(f64, f64)> {
    let (mean, std) = (mean(values)?, sample_std(values)?);
    let n = values.len() as f64;
    let reach = quantile(n - 1.0) * std / n.sqrt();
    Some((mean - reach, mean + reach))
}

/// The 97.5% quantile of Student's t with so many degrees of freedom, by bisection.
fn quantile(degrees: f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 13.0_f64);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if upper_tail(middle, degrees) > 0.025 {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// P(T > t) for t ≥ 0: half of the regularized incomplete beta function I_x(ν/2, 1/2) at x = ν / (ν + t²).
fn upper_tail(t: f64, degrees: f64) -> f64 {
    0.5 * incomplete_beta(degrees / (degrees + t * t), degrees / 2.0, 0.5)
}

/// The regularized incomplete beta function by Lentz's continued fraction.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(1.0 - x, b, a);
    }
    let front = libm::exp(
        libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b)
            + a * libm::log(x)
            + b * libm::log1p(-x),
    ) / a;
    let keep = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let (mut c, mut d) = (1.0, 1.0 / keep(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for step in 1..500 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / keep(1.0 + term * d);
            c = keep(1.0 + term / c);
            change = d * c;
            fraction *= change;
        }
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    front * fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_the_tables() {
        // scipy.stats.t.ppf(0.975, n)
        for (degrees, expected) in [
            (1.0, 12.706_204_736_432_095),
            (2.0, 4.302_652_729_911_275),
            (4.0, 2.776_445_105_198_054_6),
            (9.0, 2.262_157_162_740_991_6),
            (49.0, 2.009_575_237_129_183_7),
            (499.0, 1.964_729_390_986_008_2),
        ] {
            assert!((quantile(degrees) - expected).abs() < 1e-8, "{degrees}");
        }
        let (low, high) = interval(&[1.0, 2.0, 3.0]).unwrap();
        assert!((high - 2.0 - 4.302_652_729_911_275 / 3.0_f64.sqrt()).abs() < 1e-9);
        assert!((low + high - 4.0).abs() < 1e-12);
        assert_eq!(interval(&[1.0]), None);
    }
}
