//! Statistics that compare runs by who is ahead, not by how far.

/// The probability that a run of `left` beats a run of `right`, ties at half: the Mann–Whitney U over n·m. `None` when a
/// side is empty.
pub fn probability_of_improvement(left: &[f64], right: &[f64]) -> Option<f64> {
    if left.is_empty() || right.is_empty() {
        return None;
    }
    let mut sorted = right.to_vec();
    sorted.sort_by(f64::total_cmp);
    let wins: f64 = left
        .iter()
        .map(|value| {
            let less = sorted.partition_point(|other| other < value);
            let not_greater = sorted.partition_point(|other| other <= value);
            (less + not_greater) as f64 / 2.0
        })
        .sum();
    Some(wins / (left.len() * right.len()) as f64)
}

/// The share of runs at or above each of `levels`: one line of a performance profile. `None` of nothing.
pub fn performance_profile(values: &[f64], levels: &[f64]) -> Option<Vec<f64>> {
    if values.is_empty() {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some(
        levels
            .iter()
            .map(|level| {
                let less = sorted.partition_point(|value| value < level);
                (sorted.len() - less) as f64 / sorted.len() as f64
            })
            .collect(),
    )
}
