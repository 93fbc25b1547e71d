//! Holm's step-down adjustment: one place for verdicts that are watched and those that are not.

/// Holm's step-down adjustment of p-values, in their order, in a family of `family` tests. The family is what was set out
/// to be tested before anything ran: tests without a p (missing values, which stay missing) count in it, since they might
/// have been the smallest. A family that is smaller than the number of p-values is that number.
pub fn holm(p_values: &[Option<f64>], family: usize) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> = p_values
        .iter()
        .enumerate()
        .filter_map(|(index, p)| p.map(|p| (index, p)))
        .collect();
    order.sort_by(|left, right| left.1.total_cmp(&right.1));
    let family = family.max(order.len());
    let mut adjusted = vec![None; p_values.len()];
    let mut largest = 0.0_f64;
    for (step, (index, p)) in order.iter().enumerate() {
        largest = largest.max(p * (family - step) as f64).min(1.0);
        adjusted[*index] = Some(largest);
    }
    adjusted
}
