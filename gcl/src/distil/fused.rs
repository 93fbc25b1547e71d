//! `score_by = "fused"`: the error of a reconstruction and D's logit, each standardised over the training rows.

use crate::paper;

/// What the error of a test row is worth beside D's logit.
pub(crate) struct Fusion {
    /// Per test row (e − mean e×)/std e×: e by a model of all training rows, e× those of the training rows.
    standardised: Vec<f64>,
}

impl Fusion {
    /// Of the errors of the training rows, each by the model that labelled it, and of the test rows.
    pub(crate) fn new(train: &[f64], test: &[f64]) -> Self {
        let standard = Standard::of(train);
        Self {
            standardised: test.iter().map(|error| standard.apply(*error)).collect(),
        }
    }

    /// The fused score of every test row.
    pub(crate) fn scores(&self, train_logits: &[f32], test_logits: &[f32]) -> Vec<f32> {
        let standard = Standard::of(train_logits);
        self.standardised
            .iter()
            .zip(test_logits)
            .map(|(error, logit)| (error + standard.apply(f64::from(*logit))) as f32)
            .collect()
    }
}

/// Mean and population std of what stands for the training split.
struct Standard {
    mean: f64,
    std: f64,
}

impl Standard {
    fn of<T: Copy + Into<f64>>(values: &[T]) -> Self {
        let (mean, std) = paper::mean_and_std(values);
        Self { mean, std }
    }

    /// A score that is the same for all training rows says nothing: 0.
    fn apply(&self, value: f64) -> f64 {
        if self.std == 0.0 {
            0.0
        } else {
            (value - self.mean) / self.std
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_standardised_over_the_training_rows() {
        let fusion = Fusion::new(&[1.0, 3.0], &[2.0, 5.0]);
        // Errors: mean 2, std 1. Logits: mean 0, std 4.
        assert_eq!(fusion.scores(&[-4.0, 4.0], &[8.0, -2.0]), [2.0, 2.5]);
    }

    #[test]
    fn a_dead_discriminator_leaves_the_error() {
        let fusion = Fusion::new(&[1.0, 3.0], &[2.0, 5.0]);
        assert_eq!(fusion.scores(&[7.0, 7.0], &[7.0, 9.0]), [0.0, 3.0]);
    }
}
