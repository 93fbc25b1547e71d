//! What the tests multiply.

/// Numbers in [−1, 1), other ones for another `salt`.
pub(crate) fn numbers(count: usize, salt: usize) -> Vec<f32> {
    (0..count)
        .map(|i| (((i * 7919 + salt * 104_729) % 2003) as f32 / 1001.5) - 1.0)
        .collect()
}
