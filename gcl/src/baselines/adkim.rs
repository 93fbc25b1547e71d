//! Kim et al. as the paper reimplemented it for Table 1: the Mahalanobis distance in a random subspace of the features.
//!
//! The subspace is Haar distributed: the Q of a Gaussian matrix's QR with a positive diagonal of R, which Gram and
//! Schmidt's procedure gives. The covariance is the population's, with `ridge` times the mean variance on its diagonal.

use sweeps::training::AdKim;

use crate::baselines::fit::{Fault, FitContext};
use crate::baselines::numbers::{CHUNK, centred, cholesky, each, mean, whitened_norm};
use crate::data::features::Features;
use crate::method::random_streams::{normal_pair, stream};

/// Chunks of rows whose sums are held at once: 128 MiB at the most dimensions.
const WAVE: usize = 16;

/// The distance of every test row.
pub(crate) fn score(context: &FitContext<'_>, settings: AdKim) -> Result<Vec<f32>, Fault> {
    let dimension = context.train.columns();
    let basis = projection(context.seed, dimension, settings.dimensions.min(dimension));
    distances(context, &basis, settings.ridge)
}

/// A random semi-orthogonal matrix, `[dimension, wanted]` row by row.
pub(crate) fn projection(seed: u64, dimension: usize, wanted: usize) -> Vec<f64> {
    let mut stream = stream(seed, "projection");
    let mut spare = None;
    let mut normal = || {
        spare.take().unwrap_or_else(|| {
            let (first, second) = normal_pair(&mut stream);
            spare = Some(second);
            first
        })
    };
    let mut columns: Vec<Vec<f64>> = Vec::with_capacity(wanted);
    for _ in 0..wanted {
        let mut column: Vec<f64> = (0..dimension).map(|_| normal()).collect();
        // Twice is enough: what the first round leaves by rounding, the second takes.
        for _ in 0..2 {
            for other in &columns {
                let share: f64 = other.iter().zip(&column).map(|(x, y)| x * y).sum();
                for (value, other) in column.iter_mut().zip(other) {
                    *value -= share * other;
                }
            }
        }
        let norm = column
            .iter()
            .map(|value| value * value)
            .sum::<f64>()
            .sqrt()
            .max(f64::MIN_POSITIVE);
        for value in &mut column {
            *value /= norm;
        }
        columns.push(column);
    }
    (0..dimension)
        .flat_map(|row| columns.iter().map(move |column| column[row]))
        .collect()
}

/// Distances of the test rows in the subspace that `basis`, `[d, k]`, spans.
pub(crate) fn distances(
    context: &FitContext<'_>,
    basis: &[f64],
    ridge: f64,
) -> Result<Vec<f32>, Fault> {
    let dimension = context.train.columns();
    let wanted = basis.len() / dimension;
    let mean = mean(context)?;
    let project = |features: &Features, row: usize| {
        let mut place = vec![0.0; wanted];
        let mut x = vec![0.0; dimension];
        centred(features, row, &mean, 0, &mut x);
        for (x, basis) in x.iter().zip(basis.chunks_exact(wanted)) {
            for (sum, basis) in place.iter_mut().zip(basis) {
                *sum += x * basis;
            }
        }
        place
    };
    let mut covariance = vec![0.0; wanted * wanted];
    // In waves: a wave's sums are made side by side and added in order, so memory is bounded and no thread count shows.
    for wave in context.rows.chunks(CHUNK * WAVE) {
        let sums = each(context.threads, wave.len().div_ceil(CHUNK), |part| {
            context.go_on()?;
            let mut sums = vec![0.0; wanted * wanted];
            for row in wave[part * CHUNK..].iter().take(CHUNK) {
                let place = project(context.train, *row as usize);
                for (x, sums) in place.iter().zip(sums.chunks_exact_mut(wanted)) {
                    for (sum, y) in sums.iter_mut().zip(&place) {
                        *sum += x * y;
                    }
                }
            }
            Ok(sums)
        });
        for sums in sums {
            for (total, sum) in covariance.iter_mut().zip(sums?) {
                *total += sum;
            }
        }
    }
    for value in &mut covariance {
        *value /= context.rows.len() as f64;
    }
    let trace: f64 = (0..wanted).map(|i| covariance[i * wanted + i]).sum();
    // Constant features leave nothing to measure with: the plain distance then.
    let ridge = (ridge * trace / wanted as f64).max(1e-12);
    for i in 0..wanted {
        covariance[i * wanted + i] += ridge;
    }
    let factor = cholesky(covariance, wanted).ok_or(Fault::NotFinite("the covariance"))?;
    context.go_on()?;
    Ok(each(context.threads, context.test.rows(), |row| {
        whitened_norm(&factor, &mut project(context.test, row)) as f32
    }))
}
