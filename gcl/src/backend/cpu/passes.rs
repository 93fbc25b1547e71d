//! The passes between the products: each reads and writes its buffers once.
//!
//! Work is cut into chunks whose size does not depend on the number of threads, and sums over rows are made chunk by
//! chunk and then over the chunks in order: same bits at any number of threads.

use kernels::passes::{ROWS, WORTH_A_THREAD, chunks, squared_distance, sum_of_squares};
use rayon::prelude::*;
use sweeps::training::ReconstructionError;

/// The error of a row from the sum of its squares (Eq. 1): ‖f − f̂‖₂, or the mean of the squares.
fn error_of(sum: f32, width: usize, kind: ReconstructionError) -> f32 {
    match kind {
        ReconstructionError::L2 => sum.sqrt(),
        ReconstructionError::Mse => sum / width as f32,
    }
}

/// The error of every row (Eq. 1).
///
/// # Shapes
/// `x`, `y`: `[b, d]`; `errors`: `[b]`.
pub(crate) fn row_errors(
    threads: usize,
    errors: &mut [f32],
    y: &[f32],
    x: &[f32],
    width: usize,
    kind: ReconstructionError,
) {
    let work = |errors: &mut [f32], y: &[f32], x: &[f32]| {
        for ((error, y), x) in errors
            .iter_mut()
            .zip(y.chunks_exact(width))
            .zip(x.chunks_exact(width))
        {
            *error = error_of(squared_distance(y, x), width, kind);
        }
    };
    if threads > 1 && y.len() >= WORTH_A_THREAD {
        errors
            .par_chunks_mut(ROWS)
            .zip(y.par_chunks(ROWS * width))
            .zip(x.par_chunks(ROWS * width))
            .for_each(|((errors, y), x)| work(errors, y, x));
    } else {
        work(errors, y, x);
    }
}

/// What a row of G's output is compared with (Eq. 6).
pub(crate) enum TargetRow<'a> {
    /// These features.
    Features(&'a [f32]),
    /// All ones.
    Ones,
    /// Features + σ · noise.
    Noisy(&'a [f32], f32, &'a [f32]),
    /// Nothing: the row is left out of the loss.
    Nothing,
}

/// Turns G's output into the gradient of the loss (Eq. 5) with respect to it, in place, and gives the sum of the kept
/// rows' errors; `sums` takes its column sums per chunk. `weight` is 1/(number of kept rows). The gradient of the norm at zero is zero.
///
/// # Shapes
/// `y`: `[b, d]`; `losses`: `[b]`; `sums`: at least `[chunks(b), d]`.
pub(crate) fn residual<'a>(
    threads: usize,
    y: &mut [f32],
    losses: &mut [f32],
    sums: &mut [f32],
    kind: ReconstructionError,
    (width, weight): (usize, f32),
    target: impl Fn(usize) -> TargetRow<'a> + Sync + Send,
) -> f64 {
    let rows = losses.len();
    let work = |chunk: usize, y: &mut [f32], sums: &mut [f32], losses: &mut [f32]| {
        sums.fill(0.0);
        for (offset, (y, loss)) in y.chunks_exact_mut(width).zip(losses).enumerate() {
            *loss = residual_row(y, &target(chunk * ROWS + offset), weight, kind);
            for (sum, gradient) in sums.iter_mut().zip(&*y) {
                *sum += *gradient;
            }
        }
    };
    let sums = &mut sums[..chunks(rows) * width];
    if threads > 1 && y.len() >= WORTH_A_THREAD {
        y.par_chunks_mut(ROWS * width)
            .zip(sums.par_chunks_mut(width))
            .zip(losses.par_chunks_mut(ROWS))
            .enumerate()
            .for_each(|(chunk, ((y, sums), losses))| work(chunk, y, sums, losses));
    } else {
        y.chunks_mut(ROWS * width)
            .zip(sums.chunks_mut(width))
            .zip(losses.chunks_mut(ROWS))
            .enumerate()
            .for_each(|(chunk, ((y, sums), losses))| work(chunk, y, sums, losses));
    }
    losses.iter().map(|loss| f64::from(*loss)).sum()
}

fn residual_row(
    y: &mut [f32],
    target: &TargetRow<'_>,
    weight: f32,
    kind: ReconstructionError,
) -> f32 {
    match target {
        TargetRow::Nothing => {
            y.fill(0.0);
            return 0.0;
        }
        TargetRow::Ones => y.iter_mut().for_each(|value| *value -= 1.0),
        TargetRow::Features(features) => {
            for (value, feature) in y.iter_mut().zip(*features) {
                *value -= *feature;
            }
        }
        TargetRow::Noisy(features, sigma, noise) => {
            for ((value, feature), noise) in y.iter_mut().zip(*features).zip(*noise) {
                *value -= *feature + *sigma * *noise;
            }
        }
    }
    let sum = sum_of_squares(y);
    let error = error_of(sum, y.len(), kind);
    let factor = match kind {
        ReconstructionError::L2 if error == 0.0 => 0.0,
        ReconstructionError::L2 => weight / error,
        ReconstructionError::Mse => 2.0 * weight / y.len() as f32,
    };
    for value in y {
        *value *= factor;
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_of_the_norm_at_zero_is_zero() {
        let mut y = [3.0, 5.0, 1.0, 1.0];
        let features = [0.0, 1.0, 1.0, 1.0];
        let (mut losses, mut sums) = ([0.0; 2], [9.0; 2]);
        let total = residual(
            1,
            &mut y,
            &mut losses,
            &mut sums,
            ReconstructionError::L2,
            (2, 0.5),
            |row| TargetRow::Features(&features[row * 2..][..2]),
        );
        assert_eq!((total, losses), (5.0, [5.0, 0.0]));
        assert_eq!(y, [0.3, 0.4, 0.0, 0.0]);
        assert_eq!(sums, [0.3, 0.4]);
    }

    #[test]
    fn rows_left_out_have_no_gradient() {
        let mut y = [3.0, 4.0, 7.0, 7.0];
        let (mut losses, mut sums) = ([0.0; 2], [9.0; 2]);
        let total = residual(
            1,
            &mut y,
            &mut losses,
            &mut sums,
            ReconstructionError::Mse,
            (2, 1.0),
            |row| {
                if row == 0 {
                    TargetRow::Features(&[0.0, 0.0])
                } else {
                    TargetRow::Nothing
                }
            },
        );
        assert_eq!((total, y), (12.5, [3.0, 4.0, 0.0, 0.0]));
    }
}
