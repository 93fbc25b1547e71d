//! What several baselines compute: means, covariances, a Cholesky factor. f64, in an order that no thread count changes.

use rayon::prelude::*;

use crate::baselines::fit::{Fault, FitContext};
use crate::data::features::Features;

/// Rows that are summed up at once, and between two looks at the stop flag.
pub(crate) const CHUNK: usize = 1024;
/// Columns of a covariance that are made at once: 64 · 64 · 8 bytes stay in the first cache.
const TILE: usize = 64;

/// `work` on each of `0..count`, in that order of results. Never on threads that are not this job's.
pub(crate) fn each<T: Send>(
    threads: usize,
    count: usize,
    work: impl Fn(usize) -> T + Sync + Send,
) -> Vec<T> {
    if threads > 1 {
        (0..count).into_par_iter().map(work).collect()
    } else {
        (0..count).map(work).collect()
    }
}

/// The mean of each column over the fitted rows.
pub(crate) fn mean(context: &FitContext<'_>) -> Result<Vec<f64>, Fault> {
    let mut mean = vec![0.0; context.train.columns()];
    let mut scratch = Vec::new();
    for rows in context.rows.chunks(CHUNK) {
        context.go_on()?;
        for row in rows {
            for (sum, value) in mean
                .iter_mut()
                .zip(context.train.row(*row as usize, &mut scratch))
            {
                *sum += f64::from(*value);
            }
        }
    }
    for sum in &mut mean {
        *sum /= context.rows.len() as f64;
    }
    Ok(mean)
}

/// The population covariance of `count` rows of `columns` values, `[columns, columns]`; `fill` writes the columns
/// `first..first + out.len()` of a centred row.
///
/// Tiles of it are made side by side, each summed over all rows in their order.
pub(crate) fn covariance(
    context: &FitContext<'_>,
    count: usize,
    columns: usize,
    fill: impl Fn(usize, usize, &mut [f64]) + Sync + Send,
) -> Result<Vec<f64>, Fault> {
    let blocks = columns.div_ceil(TILE);
    let tiles: Vec<(usize, usize)> = (0..blocks)
        .flat_map(|i| (i..blocks).map(move |j| (i * TILE, j * TILE)))
        .collect();
    let made = each(context.threads, tiles.len(), |index| {
        let (top, left) = tiles[index];
        let (height, width) = (TILE.min(columns - top), TILE.min(columns - left));
        let (mut tile, mut x, mut y) = (
            vec![0.0; height * width],
            vec![0.0; height],
            vec![0.0; width],
        );
        for row in 0..count {
            if row % CHUNK == 0 {
                context.go_on()?;
            }
            fill(row, top, &mut x);
            fill(row, left, &mut y);
            for (x, sums) in x.iter().zip(tile.chunks_exact_mut(width)) {
                for (sum, y) in sums.iter_mut().zip(&y) {
                    *sum += x * y;
                }
            }
        }
        Ok(tile)
    });
    let mut covariance = vec![0.0; columns * columns];
    for ((top, left), tile) in tiles.into_iter().zip(made) {
        let width = TILE.min(columns - left);
        for (i, sums) in tile?.chunks_exact(width).enumerate() {
            for (j, sum) in sums.iter().enumerate() {
                let value = sum / count as f64;
                covariance[(top + i) * columns + left + j] = value;
                covariance[(left + j) * columns + top + i] = value;
            }
        }
    }
    Ok(covariance)
}

/// L of a = L·Lᵀ, row by row, in place of the lower triangle. `None` unless `a` is positive definite.
pub(crate) fn cholesky(mut a: Vec<f64>, size: usize) -> Option<Vec<f64>> {
    for i in 0..size {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| a[i * size + k] * a[j * size + k]).sum();
            let rest = a[i * size + j] - sum;
            if i > j {
                a[i * size + j] = rest / a[j * size + j];
            } else if rest > 0.0 && rest.is_finite() {
                a[i * size + i] = rest.sqrt();
            } else {
                return None;
            }
        }
    }
    Some(a)
}

/// ‖L⁻¹ y‖, with `y` used up.
pub(crate) fn whitened_norm(factor: &[f64], y: &mut [f64]) -> f64 {
    let size = y.len();
    let mut total = 0.0;
    for i in 0..size {
        let sum: f64 = (0..i).map(|k| factor[i * size + k] * y[k]).sum();
        y[i] = (y[i] - sum) / factor[i * size + i];
        total += y[i] * y[i];
    }
    total.sqrt()
}

/// Writes `first..first + out.len()` of row − mean.
pub(crate) fn centred(
    features: &Features,
    row: usize,
    mean: &[f64],
    first: usize,
    out: &mut [f64],
) {
    let mut values = [0.0; TILE];
    for (part, out) in out.chunks_mut(TILE).enumerate() {
        let first = first + part * TILE;
        let values = &mut values[..out.len()];
        features.copy_columns(row, first, values);
        for ((out, value), mean) in out.iter_mut().zip(values).zip(&mean[first..]) {
            *out = f64::from(*value) - mean;
        }
    }
}
