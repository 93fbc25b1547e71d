//! Sums in an order that is the same on every machine.

/// Lanes of a sum of squares: enough to keep the widest registers busy, and a fixed number, so that the order of summation
/// is the same on every machine.
const LANES: usize = 16;

/// Σ (y − x)².
pub fn squared_distance(y: &[f32], x: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (y_whole, y_rest) = y.as_chunks::<LANES>();
    let (x_whole, x_rest) = x.as_chunks::<LANES>();
    for (y, x) in y_whole.iter().zip(x_whole) {
        for lane in 0..LANES {
            let difference = y[lane] - x[lane];
            lanes[lane] += difference * difference;
        }
    }
    for (lane, (y, x)) in y_rest.iter().zip(x_rest).enumerate() {
        lanes[lane] += (y - x) * (y - x);
    }
    lanes.iter().sum()
}

/// Σ y².
pub fn sum_of_squares(y: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (whole, rest) = y.as_chunks::<LANES>();
    for y in whole {
        for lane in 0..LANES {
            lanes[lane] += y[lane] * y[lane];
        }
    }
    for (lane, y) in rest.iter().enumerate() {
        lanes[lane] += y * y;
    }
    lanes.iter().sum()
}

/// out ← the sum of all rows of `sums` in order: column sums per chunk become those of all rows.
///
/// # Shapes
/// `sums`: `[chunks, width]`; `out`: `[width]`.
pub fn add_chunks(sums: &[f32], out: &mut [f32]) {
    out.fill(0.0);
    for chunk in sums.chunks_exact(out.len()) {
        for (sum, chunk) in out.iter_mut().zip(chunk) {
            *sum += *chunk;
        }
    }
}
