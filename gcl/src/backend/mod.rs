//! What the training loop asks of the two networks, whatever they run on.
//!
//! Two implementations: [`crate::backend::cpu`] (preallocated buffers, hand-fused passes) and [`crate::backend::candle`] (candle's
//! operations; CUDA's path, and on the CPU the oracle of the other). Labels, thresholds and metrics never enter here:
//! they are made on the host from one number per row.

pub(crate) mod candle;
pub(crate) mod cpu;
#[cfg(any(feature = "cuda", test))]
pub(crate) mod cuda;
pub(crate) mod state;

use crate::backend::state::PairState;
use crate::error::TrainError;

/// Which matrix rows come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Split {
    Train,
    Test,
}

/// G's targets for a batch (Eq. 6), row by row. `labels` above one half mean anomalous.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'a> {
    /// The features themselves.
    Input,
    /// All ones for anomalous rows.
    Ones { labels: &'a [f32] },
    /// The features of that row of the batch.
    Replace { sources: &'a [u32] },
    /// Features + σ·noise for the rows of `positive`; `noise` is `[positive.len(), d]`.
    Gaussian {
        positive: &'a [u32],
        noise: &'a [f32],
        sigma: f64,
    },
    /// Anomalous rows are left out of the loss, which is the mean over the `kept` others (at least one).
    Without { labels: &'a [f32], kept: usize },
}

/// Masks of D's dropout, one per hidden layer, `[b, width]`, and the factor of the kept units.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dropout<'a> {
    pub(crate) masks: &'a [Vec<f32>],
    pub(crate) scale: f32,
}

/// G and, where there is one, D with their optimizers, and one batch.
///
/// The order of calls within a step: [`load`](Self::load), [`reconstruct`](Self::reconstruct), any of the readers,
/// [`learn_discriminator`](Self::learn_discriminator), any of the readers, then at most one
/// [`learn_generator`](Self::learn_generator), which uses the reconstruction up.
pub(crate) trait Networks: Send {
    /// Gathers the rows of a batch: f, `[b, d]`.
    fn load(&mut self, split: Split, rows: &[u32]) -> Result<(), TrainError>;

    /// f̂ = G(f), `[b, d]`, kept for [`learn_generator`](Self::learn_generator).
    fn reconstruct(&mut self) -> Result<(), TrainError>;

    /// f̂ itself, `[b, d]` row by row.
    fn reconstruction(&mut self, out: &mut Vec<f32>) -> Result<(), TrainError>;

    /// The reconstruction error of every row (Eq. 1), `[b]`.
    fn errors(&mut self, out: &mut Vec<f32>) -> Result<(), TrainError>;

    /// p = σ(D(f)) without dropout, `[b]`.
    fn probabilities(&mut self, out: &mut Vec<f32>) -> Result<(), TrainError>;

    /// One step of D on the batch with these labels in `[0, 1]` (Eq. 3). Gives the loss before the step.
    fn learn_discriminator(
        &mut self,
        labels: &[f32],
        dropout: Option<Dropout<'_>>,
    ) -> Result<f64, TrainError>;

    /// One step of G on the batch (Eq. 5), from the kept reconstruction. Gives the loss before the step.
    fn learn_generator(&mut self, target: Target<'_>) -> Result<f64, TrainError>;

    /// Forgets both optimizers' memory.
    fn reset_optimizers(&mut self) -> Result<(), TrainError>;

    /// Copies weights and optimizer memory to the host. `into` keeps its buffers.
    fn save(&self, into: &mut PairState) -> Result<(), TrainError>;

    /// Rows that fit in one batch.
    fn capacity(&self) -> usize;
}

/// Binary cross entropy on logits (Eq. 3), mean over the batch, and its gradient with respect to the logits, in place.
///
/// max(z, 0) − z·y + ln(1 + e^−|z|): finite for every finite logit, where candle's own is not.
pub(crate) fn cross_entropy(logits: &mut [f32], labels: &[f32]) -> f64 {
    let count = logits.len() as f64;
    let mut total = 0.0;
    for (logit, label) in logits.iter_mut().zip(labels) {
        let (z, y) = (f64::from(*logit), f64::from(*label));
        total += if z > 0.0 { z } else { 0.0 } - z * y + libm::log1p(libm::exp(-z.abs()));
        *logit = ((sigmoid(z) - y) / count) as f32;
    }
    total / count
}

/// σ(z), by `libm`.
pub(crate) fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-z))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cross_entropy_is_finite_where_candles_is_not() {
        let mut logits = [20.0, 200.0, -200.0, 0.0];
        let labels = [1.0, 0.0, 1.0, 0.5];
        let loss = cross_entropy(&mut logits, &labels);
        let expected = ((1.0 + (-20.0_f64).exp()).ln() + 200.0 + 200.0 + 2.0_f64.ln()) / 4.0;
        assert!((loss - expected).abs() < 1e-9);
        assert_eq!(logits[1..], [0.25, -0.25, 0.0]);
    }

    #[test]
    fn a_nan_logit_stays_one() {
        assert!(cross_entropy(&mut [f32::NAN], &[1.0]).is_nan());
    }
}
