//! Reconstruction error of principal components: the linear autoencoder that every other must beat.

use crate::baselines::eigen::{eigenpairs, eigenvectors};
use crate::baselines::fit::{Fault, FitContext};
use crate::baselines::numbers::{centred, covariance, each, mean};
use crate::data::features::Features;

/// Principal components of the fitted rows.
pub(crate) struct Components {
    mean: Vec<f64>,
    /// Unit vectors, the strongest first, row by row.
    vectors: Vec<f64>,
}

/// ‖(x − μ) − VVᵀ(x − μ)‖₂ of every test row, V the `dimensions` strongest components of the fitted rows.
pub(crate) fn score(
    context: &FitContext<'_>,
    dimensions: Option<usize>,
) -> Result<Vec<f32>, Fault> {
    let width = context.train.columns();
    let kept = dimensions.unwrap_or((width / 8).max(1)).min(width - 1);
    let (mean, covariance) = moments(context)?;
    let vectors = eigenvectors(covariance, width, kept, &|| context.go_on())?;
    let components = Components { mean, vectors };
    let residuals = components.residuals(context)?;
    Ok(residuals.into_iter().map(|value| value as f32).collect())
}

impl Components {
    /// The fewest components of the fitted rows whose share of the variance exceeds `share`.
    pub(crate) fn of_share(context: &FitContext<'_>, share: f64) -> Result<Self, Fault> {
        if context.rows.len() < context.train.columns() {
            return Self::of_products(context, share);
        }
        let (mean, covariance) = moments(context)?;
        Self::of_moments(context, (mean, covariance), share)
    }

    /// The same of rows of which mean and covariance are known; `context` says whether to go on.
    pub(crate) fn of_moments(
        context: &FitContext<'_>,
        (mean, covariance): (Vec<f64>, Vec<f64>),
        share: f64,
    ) -> Result<Self, Fault> {
        let width = mean.len();
        let mut pairs = eigenpairs(finite(covariance)?, width, &|| context.go_on())?;
        pairs
            .vectors
            .truncate(kept_of_share(&pairs.values, share) * width);
        Ok(Self {
            mean,
            vectors: pairs.vectors,
        })
    }

    /// The same of fewer rows than dimensions: with X the centred rows, an eigenvector u of XXᵀ with value λ > 0 gives the component Xᵀu/√λ.
    fn of_products(context: &FitContext<'_>, share: f64) -> Result<Self, Fault> {
        let (rows, width) = (context.rows, context.train.columns());
        let mean = mean(context)?;
        let mut x = vec![0.0; rows.len() * width];
        for (row, out) in rows.iter().zip(x.chunks_exact_mut(width)) {
            centred(context.train, *row as usize, &mean, 0, out);
        }
        let count = rows.len();
        let products = each(context.threads, count * count, |place| {
            let (i, j) = (place / count, place % count);
            let (low, high) = (i.min(j) * width, i.max(j) * width);
            let pairs = x[low..][..width].iter().zip(&x[high..][..width]);
            pairs.map(|(x, y)| x * y).sum::<f64>()
        });
        let pairs = eigenpairs(finite(products)?, count, &|| context.go_on())?;
        let kept = kept_of_share(&pairs.values, share);
        let positive = pairs.values.iter().filter(|value| **value > 0.0).count();
        let mut vectors = vec![0.0; kept.min(positive) * width];
        let weights = pairs.vectors.chunks_exact(count.max(1)).zip(&pairs.values);
        for (component, (weights, value)) in vectors.chunks_exact_mut(width).zip(weights) {
            for (weight, row) in weights.iter().zip(x.chunks_exact(width)) {
                for (component, x) in component.iter_mut().zip(row) {
                    *component += weight * x;
                }
            }
            let norm = value.sqrt();
            for value in component {
                *value /= norm;
            }
        }
        Ok(Self { mean, vectors })
    }

    /// Their number.
    pub(crate) fn count(&self) -> usize {
        self.vectors.len() / self.mean.len().max(1)
    }

    /// What they leave of every test row: the norm of the rest.
    pub(crate) fn residuals(&self, context: &FitContext<'_>) -> Result<Vec<f64>, Fault> {
        context.go_on()?;
        Ok(each(context.threads, context.test.rows(), |row| {
            self.residual(context.test, row)
        }))
    }

    /// What they leave of that row.
    pub(crate) fn residual(&self, features: &Features, row: usize) -> f64 {
        let width = self.mean.len();
        let mut x = vec![0.0; width];
        centred(features, row, &self.mean, 0, &mut x);
        let mut rest = x.clone();
        for component in self.vectors.chunks_exact(width) {
            let share: f64 = component.iter().zip(&x).map(|(v, x)| v * x).sum();
            for (rest, v) in rest.iter_mut().zip(component) {
                *rest -= share * v;
            }
        }
        rest.iter().map(|value| value * value).sum::<f64>().sqrt()
    }
}

/// Mean and covariance of the fitted rows.
fn moments(context: &FitContext<'_>) -> Result<(Vec<f64>, Vec<f64>), Fault> {
    let mean = mean(context)?;
    let width = context.train.columns();
    let covariance = covariance(context, context.rows.len(), width, |row, first, out| {
        centred(context.train, context.rows[row] as usize, &mean, first, out);
    })?;
    Ok((mean, finite(covariance)?))
}

fn finite(values: Vec<f64>) -> Result<Vec<f64>, Fault> {
    if values.iter().all(|value| value.is_finite()) {
        Ok(values)
    } else {
        Err(Fault::NotFinite("the covariance"))
    }
}

/// How many of these eigenvalues, the largest first, exceed `share` of their sum together; at least one.
fn kept_of_share(values: &[f64], share: f64) -> usize {
    let total: f64 = values.iter().map(|value| value.max(0.0)).sum();
    let mut sum = 0.0;
    let below = values
        .iter()
        .take_while(|value| {
            sum += value.max(0.0);
            sum <= share * total
        })
        .count();
    (below + 1).min(values.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_kept_until_their_share_exceeds_what_is_asked() {
        let values = [6.0, 3.0, 1.0, 0.0];
        for (share, kept) in [(0.5, 1), (0.6, 2), (0.89, 2), (0.9, 3), (0.99, 3)] {
            assert_eq!(kept_of_share(&values, share), kept, "{share}");
        }
        assert_eq!(kept_of_share(&[0.0, 0.0], 0.9), 2, "no variance at all");
        assert_eq!(kept_of_share(&[2.0], 0.5), 1);
    }
}
