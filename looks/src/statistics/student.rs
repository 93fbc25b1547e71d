//! Student's t distribution and the incomplete beta function that it is made of.

use super::normal::normal_quantile;

/// Most steps of a continued fraction or of Newton's method: far above what either takes.
const STEPS: usize = 10_000;
/// Newton's method squares its relative error: after a step as small as this one nothing is left to correct.
const SMALL_STEP: f64 = 1e-9;

/// The regularized incomplete beta function I_x(a, b). `complement` is 1 − x, given by itself so that neither end loses
/// its digits.
pub fn incomplete_beta(x: f64, complement: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if complement <= 0.0 {
        return 1.0;
    }
    // The continued fraction converges quickly below the mean.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - lower_beta(complement, x, b, a);
    }
    lower_beta(x, complement, a, b)
}

/// I_x(a, b) by its continued fraction (Lentz's method; Numerical Recipes, 6.4).
fn lower_beta(x: f64, complement: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let floor = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / floor(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for step in 1..STEPS {
        let m = step as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / floor(1.0 + even * d);
        c = floor(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / floor(1.0 + odd * d);
        c = floor(1.0 + odd / c);
        let factor = d * c;
        fraction *= factor;
        if (factor - 1.0).abs() < 1e-16 {
            break;
        }
    }
    libm::exp(beta_power(x, complement, a, b)) * fraction / a
}

/// ln of xᵃ (1 − x)ᵇ / B(a, b).
fn beta_power(x: f64, complement: f64, a: f64, b: f64) -> f64 {
    // The logarithm of what is near one, from its distance to one.
    let logarithm = |value: f64, other: f64| {
        if value > 0.5 {
            libm::log1p(-other)
        } else {
            libm::log(value)
        }
    };
    a * logarithm(x, complement) + b * logarithm(complement, x) - ln_beta(a, b)
}

/// ln B(a, b). Differences of large logarithms of Γ would cost digits: there Stirling's series is subtracted by hand.
fn ln_beta(a: f64, b: f64) -> f64 {
    let (small, large) = (a.min(b), a.max(b));
    let sum = small + large;
    if small >= 10.0 {
        return 0.5 * libm::log(2.0 * std::f64::consts::PI / large)
            + (small - 0.5) * libm::log(small / sum)
            + large * libm::log1p(-small / sum)
            + stirling(small)
            + stirling(large)
            - stirling(sum);
    }
    if large >= 10.0 {
        return libm::lgamma(small) + small - small * libm::log(sum)
            + (large - 0.5) * libm::log1p(-small / sum)
            + stirling(large)
            - stirling(sum);
    }
    libm::lgamma(small) + libm::lgamma(large) - libm::lgamma(sum)
}

/// What Stirling's formula leaves out of ln Γ(x), for x ≥ 10.
fn stirling(x: f64) -> f64 {
    const TERMS: [f64; 7] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360_360.0,
        1.0 / 156.0,
    ];
    let square = 1.0 / (x * x);
    TERMS
        .iter()
        .rev()
        .fold(0.0, |sum, term| sum * square + term)
        / x
}

/// The x with I_x(a, b) = p, for p in (0, 1).
pub fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    // The normal approximation is a start near enough for Newton's method, and the bracket keeps it in bounds.
    let center = a / (a + b);
    let spread = (center * (1.0 - center) / (a + b + 1.0)).sqrt();
    let mut x = center + spread * normal_quantile(p);
    if !(x > 0.0 && x < 1.0) {
        x = center;
    }
    for _ in 0..STEPS {
        let error = incomplete_beta(x, 1.0 - x, a, b) - p;
        if error > 0.0 {
            high = x;
        } else {
            low = x;
        }
        let density = libm::exp(beta_power(x, 1.0 - x, a, b)) / (x * (1.0 - x));
        let mut next = x - error / density;
        if !(next >= low && next <= high) {
            next = f64::midpoint(low, high);
        }
        let step = (next - x).abs();
        x = next;
        if step <= SMALL_STEP * x || high - low <= f64::EPSILON * low {
            break;
        }
    }
    x
}

/// P(T > t) for t ≥ 0.
fn upper_tail(t: f64, degrees: f64) -> f64 {
    let square = t * t;
    let sum = degrees + square;
    if !sum.is_finite() {
        return 0.0;
    }
    0.5 * incomplete_beta(degrees / sum, square / sum, degrees / 2.0, 0.5)
}

/// The distribution function of Student's t with so many degrees of freedom.
pub fn student_cdf(t: f64, degrees: f64) -> f64 {
    if t < 0.0 {
        upper_tail(-t, degrees)
    } else {
        1.0 - upper_tail(t, degrees)
    }
}

/// P(T > t), exact in the far tail where 1 − [`student_cdf`] is not.
pub fn student_tail(t: f64, degrees: f64) -> f64 {
    student_cdf(-t, degrees)
}

/// The quantile of Student's t at p; infinite at 0 and 1.
pub fn student_quantile(p: f64, degrees: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    if p > 0.5 {
        return -student_quantile(1.0 - p, degrees);
    }
    if p == 0.5 {
        return 0.0;
    }
    if degrees == 1.0 {
        return -1.0 / libm::tan(std::f64::consts::PI * p);
    }
    if degrees == 2.0 {
        return -(1.0 - 2.0 * p) / (2.0 * p * (1.0 - p)).sqrt();
    }
    // Solved for t > 0 with P(T > t) = p; the normal quantile lies below it.
    let mut low = 0.0_f64;
    let mut high = -normal_quantile(p);
    while upper_tail(high, degrees) > p && high < 1e150 {
        low = high;
        high *= 2.0;
    }
    let scale = ln_beta(0.5, degrees / 2.0) + 0.5 * libm::log(degrees);
    let mut t = high;
    for _ in 0..STEPS {
        let tail = upper_tail(t, degrees);
        if tail > p {
            low = t;
        } else {
            high = t;
        }
        // Newton's method on ln P, which is nearly linear in ln t in the tail.
        let density = libm::exp(-(degrees + 1.0) / 2.0 * libm::log1p(t * t / degrees) - scale);
        let mut next = t + libm::log(tail / p) * tail / density;
        if !(next >= low && next <= high) {
            next = f64::midpoint(low, high);
        }
        let step = (next - t).abs();
        t = next;
        if step <= SMALL_STEP * t || high - low <= f64::EPSILON * low {
            break;
        }
    }
    -t
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (degrees, table) in [
            (1.0, 12.7062),
            (2.0, 4.3027),
            (3.0, 3.1824),
            (4.0, 2.7764),
            (5.0, 2.5706),
            (9.0, 2.2622),
            (29.0, 2.0452),
            (99.0, 1.9842),
            (10_000.0, 1.9602),
        ] {
            let found = student_quantile(0.975, degrees);
            assert!((found - table).abs() < 1e-4, "{degrees}: {found} {table}");
        }
    }

    #[test]
    fn quantiles_and_distribution_are_inverse() {
        for degrees in [1.0, 2.0, 3.0, 4.5, 9.0, 29.0, 99.0, 4999.0] {
            for p in [1e-12, 1e-5, 0.01, 0.025, 0.3, 0.5, 0.7, 0.975, 0.9995] {
                let again = student_cdf(student_quantile(p, degrees), degrees);
                assert!(
                    (again - p).abs() <= 1e-12 * p,
                    "{p} with {degrees}: {again}"
                );
            }
        }
        assert_eq!(student_quantile(0.0, 3.0), f64::NEG_INFINITY);
        assert_eq!(student_quantile(1.0, 3.0), f64::INFINITY);
        assert_eq!(student_cdf(f64::INFINITY, 3.0), 1.0);
        assert_eq!(student_cdf(f64::NEG_INFINITY, 3.0), 0.0);
        for (a, b) in [(1.0, 20.0), (5.0, 1.0), (300.0, 4701.0)] {
            for p in [0.025, 0.5, 0.975] {
                let x = beta_quantile(p, a, b);
                let again = incomplete_beta(x, 1.0 - x, a, b);
                assert!((again - p).abs() < 1e-12, "{p} of {a}, {b}: {x}, {again:e}");
            }
        }
    }
}
