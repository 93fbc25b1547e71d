//! Scaling of the features, fitted on the training split alone. Statistics are f64, in two passes; a value is scaled in f64 and
//! then rounded to f32, when it is read.

use std::sync::Arc;

use datasets::RawValues;
use sweeps::training::FeatureScaling;

use crate::data::rows::Rows;

/// A norm below this is taken for it: a row of zeros stays one.
const SMALLEST_NORM: f64 = 1e-12;
/// A channel whose standard deviation on the training split is below this share of that of the data is taken for constant:
/// divided by what is left, rounding errors of training and any change in the test split would drown the other channels.
const CONSTANT_SHARE: f64 = 1e-6;

/// What is done to the rows of one split when they are read.
#[derive(Debug, Default, PartialEq)]
pub(crate) enum Scaling {
    /// Nothing.
    #[default]
    None,
    /// Each row divided by a norm of its own, `[rows]`.
    Rows(Vec<f64>),
    /// (x − offset)·factor, per dimension; 0 where the factor is 0.
    Columns { offset: Vec<f64>, factor: Vec<f64> },
}

impl Scaling {
    /// Fits `kind` on the training rows: what is done to these, and to those of the test split.
    ///
    /// Where GCL.md is silent: a dimension that is constant on the training split has factor 1 under `min-max`, and values
    /// of the test split are not clipped.
    pub(crate) fn fit(kind: FeatureScaling, train: &Rows, test: &Rows) -> [Arc<Self>; 2] {
        let (rows, columns) = (train.rows(), train.columns());
        let count = rows as f64;
        let both = |scaling: Self| {
            let scaling = Arc::new(scaling);
            [scaling.clone(), scaling]
        };
        match kind {
            FeatureScaling::None => both(Self::None),
            FeatureScaling::L2 => [train, test].map(|rows| {
                let least = norms(rows).map(|norm| norm.max(SMALLEST_NORM));
                Arc::new(Self::Rows(least.collect()))
            }),
            FeatureScaling::UnitMean => {
                let mean = norms(train).sum::<f64>() / count;
                both(Self::Columns {
                    offset: vec![0.0; columns],
                    factor: vec![1.0 / mean.max(SMALLEST_NORM); columns],
                })
            }
            FeatureScaling::Standard => {
                let (offset, std) = moments(train);
                // Of the data about the means of their channels: a large constant says nothing about how much data vary.
                let variance = std.iter().map(|std| std * std).sum::<f64>() / columns as f64;
                let least = CONSTANT_SHARE * variance.sqrt();
                let varies = |std: f64| std > 0.0 && std >= least;
                let factor = std
                    .iter()
                    .map(|std| if varies(*std) { 1.0 / std } else { 0.0 })
                    .collect();
                both(Self::Columns { offset, factor })
            }
            FeatureScaling::MinMax => {
                let mut low = vec![f64::INFINITY; columns];
                let mut high = vec![f64::NEG_INFINITY; columns];
                each_row(train, |_, row| {
                    for ((low, high), value) in low.iter_mut().zip(&mut high).zip(row) {
                        *low = low.min(f64::from(*value));
                        *high = high.max(f64::from(*value));
                    }
                });
                let factor = low
                    .iter()
                    .zip(&high)
                    .map(|(low, high)| if high > low { 1.0 / (high - low) } else { 1.0 })
                    .collect();
                both(Self::Columns {
                    offset: low,
                    factor,
                })
            }
        }
    }

    /// Channels that are constant on the training split, and therefore 0 wherever they are scaled.
    pub(crate) fn constant_channels(&self) -> usize {
        match self {
            Self::None | Self::Rows(_) => 0,
            Self::Columns { factor, .. } => factor.iter().filter(|factor| **factor == 0.0).count(),
        }
    }

    /// Writes what the columns from `first` on of row `index` are: `raw` before scaling, `out` after it.
    pub(crate) fn apply(&self, index: usize, first: usize, raw: RawValues<'_>, out: &mut [f32]) {
        // f16 is widened first; f32 is read where it lies.
        let raw = match raw {
            RawValues::F32(values) => Some(values),
            RawValues::F16(_) => {
                raw.copy_to(out);
                None
            }
        };
        match (self, raw) {
            (Self::None, Some(values)) => out.copy_from_slice(values),
            (Self::None, None) => {}
            (Self::Rows(norms), Some(values)) => {
                for (out, value) in out.iter_mut().zip(values) {
                    *out = divided(*value, norms[index]);
                }
            }
            (Self::Rows(norms), None) => {
                for value in out {
                    *value = divided(*value, norms[index]);
                }
            }
            (Self::Columns { offset, factor }, raw) => {
                let channels = offset[first..].iter().zip(&factor[first..]);
                match raw {
                    Some(values) => {
                        for ((out, value), channel) in out.iter_mut().zip(values).zip(channels) {
                            *out = affine(*value, channel);
                        }
                    }
                    None => {
                        for (value, channel) in out.iter_mut().zip(channels) {
                            *value = affine(*value, channel);
                        }
                    }
                }
            }
        }
    }

    /// Bytes that its numbers take.
    pub(crate) fn bytes(&self) -> usize {
        8 * match self {
            Self::None => 0,
            Self::Rows(norms) => norms.len(),
            Self::Columns { offset, factor } => offset.len() + factor.len(),
        }
    }
}

fn divided(value: f32, norm: f64) -> f32 {
    (f64::from(value) / norm) as f32
}

fn affine(value: f32, (offset, factor): (&f64, &f64)) -> f32 {
    if *factor == 0.0 {
        0.0
    } else {
        ((f64::from(value) - offset) * factor) as f32
    }
}

/// Shows all rows to `see`, in order.
fn each_row(rows: &Rows, mut see: impl FnMut(usize, &[f32])) {
    let mut widened = vec![0.0; rows.columns()];
    for index in 0..rows.rows() {
        match rows.row(index) {
            RawValues::F32(row) => see(index, row),
            half @ RawValues::F16(_) => {
                half.copy_to(&mut widened);
                see(index, &widened);
            }
        }
    }
}

/// The norm of each row, in order.
fn norms(rows: &Rows) -> impl Iterator<Item = f64> {
    let mut widened = vec![0.0; rows.columns()];
    (0..rows.rows()).map(move |index| match rows.row(index) {
        RawValues::F32(row) => norm(row),
        half @ RawValues::F16(_) => {
            half.copy_to(&mut widened);
            norm(&widened)
        }
    })
}

/// Mean and population standard deviation of each channel; exactly 0 where all values are equal, however large.
fn moments(train: &Rows) -> (Vec<f64>, Vec<f64>) {
    let columns = train.columns();
    let count = train.rows() as f64;
    let mut mean = vec![0.0; columns];
    each_row(train, |_, row| {
        for (sum, value) in mean.iter_mut().zip(row) {
            *sum += f64::from(*value);
        }
    });
    for sum in &mut mean {
        *sum /= count;
    }
    let mut variance = vec![0.0; columns];
    let mut equal = vec![true; columns];
    let mut first = Vec::new();
    each_row(train, |index, row| {
        if index == 0 {
            first = row.to_vec();
        }
        let sums = variance.iter_mut().zip(&mut equal).zip(&mean);
        for (((sum, equal), mean), (value, first)) in sums.zip(row.iter().zip(&first)) {
            let difference = f64::from(*value) - mean;
            *sum += difference * difference;
            *equal &= value == first;
        }
    });
    let std = variance.iter().zip(equal).map(|(sum, equal)| {
        // The mean is rounded: without this a constant of 10⁹ would vary a little.
        if equal { 0.0 } else { (sum / count).sqrt() }
    });
    let std = std.collect();
    (mean, std)
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
    use crate::data::matrix::Matrix;

    /// All rows as they are read under a scaling.
    fn read(rows: &Rows, scaling: &Scaling) -> Matrix {
        let mut all = vec![0.0; rows.rows() * rows.columns()];
        for (index, out) in all.chunks_exact_mut(rows.columns()).enumerate() {
            scaling.apply(index, 0, rows.row(index), out);
        }
        Matrix::new(all, rows.columns())
    }

    fn scaled(kind: FeatureScaling) -> Vec<f32> {
        let values = vec![3.0, 4.0, 1.0, 0.0, 0.0, 1.0, 6.0, 8.0, 1.0];
        let train = Rows::Own(Matrix::new(values, 3));
        let [scaling, _] = Scaling::fit(kind, &train, &train);
        read(&train, &scaling).values().to_vec()
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

    /// Training and test rows of four channels: one that varies, three that are made by `channel` of the row.
    fn standard(scale: f32, channels: [fn(usize) -> f32; 3]) -> (Arc<Scaling>, Matrix, Matrix) {
        let rows = |from: usize| {
            let row = |row: usize| {
                let varies = if row.is_multiple_of(2) { 1.0 } else { -1.0 };
                [varies, channels[0](row), channels[1](row), channels[2](row)].map(|x| x * scale)
            };
            Rows::Own(Matrix::new((from..from + 100).flat_map(row).collect(), 4))
        };
        let (train, test) = (rows(0), rows(100));
        let [scaling, of_test] = Scaling::fit(FeatureScaling::Standard, &train, &test);
        assert_eq!(scaling, of_test);
        let (train, test) = (read(&train, &scaling), read(&test, &scaling));
        (scaling, train, test)
    }

    #[test]
    fn a_channel_that_is_constant_in_training_is_zero_in_training_and_test() {
        for scale in [1e-12, 1.0, 1e12] {
            let (scaling, train, test) = standard(
                scale,
                [
                    // Equal in training alone; of large equal numbers, whose mean is rounded; noise.
                    |row| if row < 100 { 0.1 } else { 5.0 },
                    |row| if row < 100 { 1.1e9 } else { 1.2e9 },
                    |row| (row % 3) as f32 * 1e-7,
                ],
            );
            assert_eq!(scaling.constant_channels(), 3);
            for row in 0..100 {
                for matrix in [&train, &test] {
                    assert_eq!(matrix.row(row)[1..], [0.0; 3], "{scale}");
                    assert!((matrix.row(row)[0].abs() - 1.0).abs() < 1e-5);
                }
            }
        }
    }

    #[test]
    fn a_channel_that_varies_little_is_scaled_like_any_other() {
        for scale in [1e-12, 1.0, 1e12] {
            let (scaling, train, _) = standard(
                scale,
                [
                    |row| (row % 2) as f32 * 1e-5,
                    |row| (row / 50) as f32 * 4.0,
                    |row| (row % 2) as f32,
                ],
            );
            assert_eq!(scaling.constant_channels(), 0);
            for row in 0..100 {
                for value in train.row(row) {
                    assert!((value.abs() - 1.0).abs() < 1e-4, "{scale}: {value}");
                }
            }
        }
    }

    #[test]
    fn data_without_any_variance_are_zeros() {
        let train = Rows::Own(Matrix::new(vec![3.0; 12], 3));
        let [scaling, _] = Scaling::fit(FeatureScaling::Standard, &train, &train);
        assert_eq!(scaling.constant_channels(), 3);
        assert_eq!(*read(&train, &scaling).values(), [0.0; 12]);
    }
}
