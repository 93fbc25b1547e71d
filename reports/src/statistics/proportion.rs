//! How far a share of runs might move with other seeds.

/// The 95% percentile bootstrap interval of the share `k` of `n`, in counts. Resampling n runs makes a binomial count, so its
/// quantiles are the interval that resamples without end would give: no Monte-Carlo error.
pub fn share_interval(k: usize, n: usize) -> (usize, usize) {
    if n == 0 || k == 0 || k >= n {
        return (k, k);
    }
    let (count, share) = (n as f64, k as f64 / n as f64);
    let (yes, no) = (libm::log(share), libm::log1p(-share));
    let ways =
        |j: f64| libm::lgamma(count + 1.0) - libm::lgamma(j + 1.0) - libm::lgamma(count - j + 1.0);
    // Further out than ten standard deviations nothing adds up to anything.
    let reach = 10.0 * (count * share * (1.0 - share)).sqrt() + 10.0;
    let first = (k as f64 - reach).max(0.0) as usize;
    let (mut total, mut low) = (0.0, None);
    for j in first..=n {
        let at = j as f64;
        total += libm::exp(ways(at) + at * yes + (count - at) * no);
        if low.is_none() && total >= 0.025 {
            low = Some(j);
        }
        if total >= 0.975 {
            return (low.unwrap_or(j), j);
        }
    }
    (low.unwrap_or(k), n)
}

#[cfg(test)]
mod tests {
    use super::share_interval;

    #[test]
    fn the_interval_is_the_binomials() {
        // scipy.stats.binom.ppf([0.025, 0.975], n, k / n)
        for (k, n, low, high) in [
            (1, 5, 0, 3),
            (4, 5, 2, 5),
            (5, 10, 2, 8),
            (9, 10, 7, 10),
            (25, 500, 16, 35),
            (2500, 5000, 2431, 2569),
        ] {
            assert_eq!(share_interval(k, n), (low, high), "{k} of {n}");
        }
        assert_eq!(share_interval(0, 5), (0, 0));
        assert_eq!(share_interval(5, 5), (5, 5));
        assert_eq!(share_interval(0, 0), (0, 0));
    }
}
