//! How far a share of runs might move with other seeds.

use looks::statistics::{Interval, beta_quantile};

/// The exact 95% interval (Clopper and Pearson) of the probability behind k of n, as shares. Its coverage is at least 95%
/// for every probability, and k = 0 and k = n have a width: five of five is not certainty. `None` of nothing.
pub fn clopper_pearson(k: usize, n: usize) -> Option<Interval> {
    let low = |k: usize| match (k, n) {
        (0, _) => 0.0,
        // I_x(n, 1) is xⁿ.
        (k, n) if k == n => libm::pow(0.025, 1.0 / n as f64),
        (k, n) => beta_quantile(0.025, k as f64, (n - k + 1) as f64),
    };
    (n > 0 && k <= n).then(|| Interval {
        low: low(k),
        high: 1.0 - low(n - k),
    })
}

/// [`clopper_pearson`] in counts: between how many and how many of n; all of nothing is between 0 and 0.
pub fn share_interval(k: usize, n: usize) -> (f64, f64) {
    clopper_pearson(k, n).map_or((0.0, 0.0), |share| {
        (share.low * n as f64, share.high * n as f64)
    })
}
