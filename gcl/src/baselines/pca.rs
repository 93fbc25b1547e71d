//! Reconstruction error of principal components: the linear autoencoder that every other must beat.

use crate::baselines::eigen::eigenvectors;
use crate::baselines::fit::{Fault, FitContext};
use crate::baselines::numbers::{centred, covariance, each, mean};

/// ‖(x − μ) − VVᵀ(x − μ)‖₂ of every test row, V the `dimensions` strongest components of the fitted rows.
pub(crate) fn score(
    context: &FitContext<'_>,
    dimensions: Option<usize>,
) -> Result<Vec<f32>, Fault> {
    let width = context.train.columns();
    let kept = dimensions.unwrap_or((width / 8).max(1)).min(width - 1);
    let mean = mean(context)?;
    let covariance = covariance(context, context.rows.len(), width, |row, first, out| {
        centred(context.train, context.rows[row] as usize, &mean, first, out);
    })?;
    if !covariance.iter().all(|value| value.is_finite()) {
        return Err(Fault::NotFinite("the covariance"));
    }
    let components = eigenvectors(covariance, width, kept, &|| context.go_on())?;
    context.go_on()?;
    Ok(each(context.threads, context.test.rows(), |row| {
        let mut x = vec![0.0; width];
        centred(context.test, row, &mean, 0, &mut x);
        let mut rest = x.clone();
        for component in components.chunks_exact(width) {
            let share: f64 = component.iter().zip(&x).map(|(v, x)| v * x).sum();
            for (rest, v) in rest.iter_mut().zip(component) {
                *rest -= share * v;
            }
        }
        rest.iter().map(|value| value * value).sum::<f64>().sqrt() as f32
    }))
}
