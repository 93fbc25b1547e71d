//! Scaling of the features, fitted on the training split alone. Statistics are f64, in two passes.

use sweeps::training::FeatureScaling;

use crate::error::TrainError;
use crate::matrix::Matrix;

/// A norm below this is taken for it: a row of zeros stays one.
const SMALLEST_NORM: f64 = 1e-12;
/// A standard deviation below this is taken for it.
const SMALLEST_STD: f64 = 1e-6;

/// A fitted scaling.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scaling {
    /// As they are.
    None,
    /// Each row to unit norm.
    Rows,
    /// (x − offset)·factor, per dimension.
    Columns { offset: Vec<f64>, factor: Vec<f64> },
}

impl Scaling {
    /// Fits `kind` on the training rows.
    ///
    /// Where GCL.md is silent: a dimension that is constant on the training split has factor 1 under `min-max`, and values
    /// of the test split are not clipped.
    pub(crate) fn fit(kind: FeatureScaling, train: &Matrix) -> Self {
        let (rows, columns) = (train.rows(), train.columns());
        let count = rows as f64;
        match kind {
            FeatureScaling::None => Self::None,
            FeatureScaling::L2 => Self::Rows,
            FeatureScaling::UnitMean => {
                let mean = (0..rows).map(|row| norm(train.row(row))).sum::<f64>() / count;
                Self::Columns {
                    offset: vec![0.0; columns],
                    factor: vec![1.0 / mean.max(SMALLEST_NORM); columns],
                }
            }
            FeatureScaling::Standard => {
                let mut mean = vec![0.0; columns];
                for row in 0..rows {
                    for (sum, value) in mean.iter_mut().zip(train.row(row)) {
                        *sum += f64::from(*value);
                    }
                }
                for sum in &mut mean {
                    *sum /= count;
                }
                let mut variance = vec![0.0; columns];
                for row in 0..rows {
                    for ((sum, mean), value) in variance.iter_mut().zip(&mean).zip(train.row(row)) {
                        let difference = f64::from(*value) - mean;
                        *sum += difference * difference;
                    }
                }
                Self::Columns {
                    offset: mean,
                    factor: variance
                        .iter()
                        .map(|sum| 1.0 / (sum / count).sqrt().max(SMALLEST_STD))
                        .collect(),
                }
            }
            FeatureScaling::MinMax => {
                let mut low = vec![f64::INFINITY; columns];
                let mut high = vec![f64::NEG_INFINITY; columns];
                for row in 0..rows {
                    for ((low, high), value) in low.iter_mut().zip(&mut high).zip(train.row(row)) {
                        *low = low.min(f64::from(*value));
                        *high = high.max(f64::from(*value));
                    }
                }
                let factor = low
                    .iter()
                    .zip(&high)
                    .map(|(low, high)| if high > low { 1.0 / (high - low) } else { 1.0 })
                    .collect();
                Self::Columns {
                    offset: low,
                    factor,
                }
            }
        }
    }

    /// Scales all rows in place. Rows that need no scaling stay where they are.
    pub(crate) fn apply(&self, matrix: &mut Matrix) -> Result<(), TrainError> {
        if matches!(self, Self::None) {
            return Ok(());
        }
        let columns = matrix.columns();
        let rows = matrix.values_mut()?.chunks_exact_mut(columns);
        match self {
            Self::None => {}
            Self::Rows => rows.for_each(|row| {
                let norm = norm(row).max(SMALLEST_NORM);
                for value in row {
                    *value = (f64::from(*value) / norm) as f32;
                }
            }),
            Self::Columns { offset, factor } => rows.for_each(|row| {
                for ((value, offset), factor) in row.iter_mut().zip(offset).zip(factor) {
                    *value = ((f64::from(*value) - offset) * factor) as f32;
                }
            }),
        }
        Ok(())
    }
}

/// ‖x‖₂.
pub(crate) fn norm(row: &[f32]) -> f64 {
    row.iter()
        .map(|value| f64::from(*value) * f64::from(*value))
        .sum::<f64>()
        .sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaled(kind: FeatureScaling) -> Vec<f32> {
        let mut train = Matrix::new(vec![3.0, 4.0, 1.0, 0.0, 0.0, 1.0, 6.0, 8.0, 1.0], 3);
        let scaling = Scaling::fit(kind, &train);
        scaling.apply(&mut train).unwrap();
        train.values().to_vec()
    }

    #[test]
    fn each_scaling_does_what_it_says() {
        assert_eq!(scaled(FeatureScaling::None)[..3], [3.0, 4.0, 1.0]);
        let l2 = scaled(FeatureScaling::L2);
        assert!((norm(&l2[..3]) - 1.0).abs() < 1e-6 && l2[5] == 1.0);
        let unit_mean = scaled(FeatureScaling::UnitMean);
        let mean: f64 = unit_mean.chunks(3).map(norm).sum::<f64>() / 3.0;
        assert!((mean - 1.0).abs() < 1e-6);
        let standard = scaled(FeatureScaling::Standard);
        // Population std of 3, 0, 6 is √6.
        assert!((f64::from(standard[6]) - 3.0 / 6.0_f64.sqrt()).abs() < 1e-6);
        assert_eq!(standard[2], 0.0, "a constant dimension");
        let min_max = scaled(FeatureScaling::MinMax);
        assert_eq!(min_max, [0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
    }
}
