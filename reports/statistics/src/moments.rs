//! Location and spread.

use looks::statistics::mean;

/// The quantile at `share` in `[0, 1]`, linear between neighbours (NumPy's default). `sorted` is ascending.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let position = share.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (position.floor() as usize, position.ceil() as usize);
    let weight = position - below as f64;
    // NumPy's form: exact at both neighbours, whichever is nearer.
    let step = sorted[above] - sorted[below];
    Some(if weight < 0.5 {
        sorted[below] + step * weight
    } else {
        sorted[above] - step * (1.0 - weight)
    })
}

/// The mean of the middle half (a trimmed mean that cuts ⌊n/4⌋ values at each end, as SciPy's `trim_mean(x, 0.25)`): what
/// rliable recommends where single runs fail badly. `None` of nothing.
pub fn interquartile_mean(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let cut = sorted.len() / 4;
    mean(&sorted[cut..sorted.len() - cut])
}
