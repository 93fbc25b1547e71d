//! The residual of principal components as the error of a reconstruction: of as many as explain 90% of the variance.
//!
//! With at least as many rows as dimensions the covariance of the others is that of all rows less a fold's own, so that the rows are
//! read once.

use crate::baselines::fit::{Fault, FitContext};
use crate::baselines::numbers::{centred, covariance, each, mean};
use crate::baselines::pca::Components;
use crate::data::features::Features;
use crate::distil::folds::part;

/// The share of the variance that the kept components exceed.
pub(crate) const SHARE: f64 = 0.9;

/// Errors of the training rows and of the test rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Errors {
    pub(crate) train: Vec<f64>,
    pub(crate) test: Vec<f64>,
    /// Components of the model of all rows, then of each fold's.
    pub(crate) components: Vec<usize>,
}

/// Errors of the test rows by a model of `context.rows`, which are all training rows, and of the training rows: by that model without folds, else
/// by one of the other folds. `fold`: of each training row; `share`: of the variance, which the kept components exceed.
pub(crate) fn errors(
    context: &FitContext<'_>,
    fold: &[u32],
    folds: usize,
    share: f64,
) -> Result<Errors, Fault> {
    let parts: Vec<(Vec<u32>, Vec<u32>)> =
        (0..folds as u32).map(|number| part(fold, number)).collect();
    let models = if context.rows.len() < context.train.columns() {
        let of = |rows: &[u32]| Components::of_share(&FitContext { rows, ..*context }, share);
        let mut models = vec![of(context.rows)?];
        for (own, others) in &parts {
            // A fold without rows needs no model.
            models.push(of(if own.is_empty() { context.rows } else { others })?);
        }
        models
    } else {
        let own: Vec<&[u32]> = parts.iter().map(|(own, _)| own.as_slice()).collect();
        by_covariance(context, &own, share)?
    };
    let residuals = |model: &Components, features: &Features, rows: &[u32]| {
        each(context.threads, rows.len(), |place| {
            model.residual(features, rows[place] as usize)
        })
    };
    let mut train = vec![0.0; context.train.rows()];
    let mut set = |rows: &[u32], values: Vec<f64>| {
        for (row, value) in rows.iter().zip(values) {
            train[*row as usize] = value;
        }
    };
    if folds == 0 {
        set(
            context.rows,
            residuals(&models[0], context.train, context.rows),
        );
    }
    for ((own, _), model) in parts.iter().zip(&models[1..]) {
        context.go_on()?;
        set(own, residuals(model, context.train, own));
    }
    let every: Vec<u32> = (0..context.test.rows() as u32).collect();
    Ok(Errors {
        train,
        test: residuals(&models[0], context.test, &every),
        components: models.iter().map(Components::count).collect(),
    })
}

/// Models of all rows and of all but each part's.
fn by_covariance(
    context: &FitContext<'_>,
    parts: &[&[u32]],
    share: f64,
) -> Result<Vec<Components>, Fault> {
    let width = context.train.columns();
    let mean = mean(context)?;
    let everything = [context.rows];
    let cut = if parts.is_empty() {
        &everything[..]
    } else {
        parts
    };
    let mut sums = Vec::new();
    for rows in cut {
        sums.push(Sums::of(&FitContext { rows, ..*context }, &mean)?);
    }
    let mut total = Sums::none(width);
    for part in &sums {
        total.add(part, 1.0);
    }
    let fit = |sums: &Sums| -> Result<Components, Fault> {
        let (shift, covariance) = sums.moments();
        let mean = mean.iter().zip(&shift).map(|(m, s)| m + s).collect();
        Components::of_moments(context, (mean, covariance), share)
    };
    let mut models = vec![fit(&total)?];
    for part in sums.iter().take(parts.len()) {
        // The others: all without this part. A part without rows needs no model of its own, and any will do.
        let mut others = Sums {
            first: total.first.clone(),
            second: total.second.clone(),
            count: total.count,
        };
        others.add(part, -1.0);
        models.push(fit(&others)?);
    }
    Ok(models)
}

/// Sums over some rows x of x − μ and of (x − μ)(x − μ)ᵀ.
struct Sums {
    first: Vec<f64>,
    second: Vec<f64>,
    count: f64,
}

impl Sums {
    fn none(width: usize) -> Self {
        Self {
            first: vec![0.0; width],
            second: vec![0.0; width * width],
            count: 0.0,
        }
    }

    fn of(context: &FitContext<'_>, mean: &[f64]) -> Result<Self, Fault> {
        let (rows, width) = (context.rows, mean.len());
        if rows.is_empty() {
            return Ok(Self::none(width));
        }
        let fill = |row: usize, first: usize, out: &mut [f64]| {
            centred(context.train, rows[row] as usize, mean, first, out);
        };
        let mut second = covariance(context, rows.len(), width, fill)?;
        let count = rows.len() as f64;
        for value in &mut second {
            *value *= count;
        }
        let mut first = vec![0.0; width];
        let mut row = vec![0.0; width];
        for index in 0..rows.len() {
            fill(index, 0, &mut row);
            for (sum, value) in first.iter_mut().zip(&row) {
                *sum += value;
            }
        }
        Ok(Self {
            first,
            second,
            count,
        })
    }

    /// Adds `sign` times the other.
    fn add(&mut self, other: &Self, sign: f64) {
        for (sum, value) in self.first.iter_mut().zip(&other.first) {
            *sum += sign * value;
        }
        for (sum, value) in self.second.iter_mut().zip(&other.second) {
            *sum += sign * value;
        }
        self.count += sign * other.count;
    }

    /// The mean less μ, and the population covariance.
    fn moments(&self) -> (Vec<f64>, Vec<f64>) {
        let count = self.count.max(1.0);
        let shift: Vec<f64> = self.first.iter().map(|sum| sum / count).collect();
        let width = shift.len();
        let covariance = self.second.iter().enumerate();
        let covariance = covariance
            .map(|(place, sum)| sum / count - shift[place / width] * shift[place % width])
            .collect();
        (shift, covariance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::matrix::Matrix;

    /// Rows of `width` numbers with three strong directions.
    fn rows(count: usize, width: usize) -> Features {
        let values = (0..count * width).map(|place| {
            let (row, column) = (place / width, place % width);
            let strong: f64 = (0..3)
                .map(|k| {
                    let weight = ((row * (k + 3) * 31 + k) % 17) as f64 - 8.0;
                    weight * (((column + 1) * (k + 2) * 13 % 11) as f64 - 5.0)
                })
                .sum();
            let noise = ((row * 7919 + column * 104_729) % 1009) as f64 / 100.0;
            (strong + noise) as f32
        });
        Features::from(Matrix::new(values.collect(), width))
    }

    fn found(features: &Features, fold: &[u32], folds: usize, threads: usize) -> Errors {
        let every: Vec<u32> = (0..features.rows() as u32).collect();
        let context = FitContext {
            train: features,
            rows: &every,
            test: features,
            seed: 0,
            threads,
            stopped: &|| false,
        };
        errors(&context, fold, folds, SHARE).unwrap()
    }

    /// Both ways to the components, by the definition: a fold's errors are those of a model that was fitted on the others alone.
    #[test]
    fn a_fold_is_judged_by_the_others() {
        for (count, width) in [(60, 9), (20, 31)] {
            let features = rows(count, width);
            let fold: Vec<u32> = (0..count as u32).map(|row| row / 4 % 3).collect();
            let crossed = found(&features, &fold, 3, 1);
            for wanted in 0..3 {
                let (own, others) = part(&fold, wanted);
                let context = FitContext {
                    train: &features,
                    rows: &others,
                    test: &features,
                    seed: 0,
                    threads: 1,
                    stopped: &|| false,
                };
                let model = &by_covariance(&context, &[], SHARE).unwrap()[0];
                assert_eq!(crossed.components[wanted as usize + 1], model.count());
                for row in own {
                    let expected = model.residual(&features, row as usize);
                    let found = crossed.train[row as usize];
                    assert!((found - expected).abs() < 1e-9, "{found} {expected}");
                }
            }
        }
    }

    #[test]
    fn without_folds_all_rows_judge_themselves_and_threads_change_nothing() {
        for (count, width) in [(60, 9), (20, 31)] {
            let features = rows(count, width);
            let one = found(&features, &vec![0; count], 0, 1);
            assert_eq!(one.train, one.test);
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(2)
                .build()
                .unwrap();
            let two = pool.install(|| found(&features, &vec![0; count], 0, 2));
            assert_eq!(one, two);
            // No more than a tenth of the variance is left.
            let mean = |column: usize| {
                let values = (0..count).map(|row| f64::from(features.value(row, column)));
                values.sum::<f64>() / count as f64
            };
            let total: f64 = (0..width)
                .map(|column| {
                    let mean = mean(column);
                    (0..count)
                        .map(|row| (f64::from(features.value(row, column)) - mean).powi(2))
                        .sum::<f64>()
                })
                .sum();
            let left: f64 = one.train.iter().map(|error| error * error).sum();
            assert!(left < 0.1 * total && left > 0.0);
        }
    }

    #[test]
    fn rows_that_are_all_equal_have_no_error() {
        let features = Features::from(Matrix::new(vec![2.0; 30], 3));
        let errors = found(&features, &[0, 1, 0, 1, 0, 1, 0, 1, 0, 1], 2, 1);
        assert_eq!(errors.train, [0.0; 10]);
    }
}
