//! The fixed random layer that makes features of latent vectors: weights, noise, ReLU, mean over positions, gain.

use super::random::Random;

/// Spatial positions whose noisy activations are averaged after the ReLU.
const POSITIONS: usize = 4;
/// Mean of the biases.
const BIAS: f64 = -0.2;

/// How a layer is drawn, and the noise that it adds before the ReLU.
pub(super) struct Spread {
    /// Std of a weight, as a share of what keeps a latent vector's length.
    pub(super) weight: f64,
    pub(super) bias: f64,
    /// Log-std.
    pub(super) gain: f64,
    /// Noise of a feature that all positions have in common; `None` draws none.
    pub(super) common: Option<f64>,
    /// Noise of each position.
    pub(super) noise: f64,
}

pub(super) struct Layer {
    spread: Spread,
    /// A row of weights for each feature.
    weights: Vec<f64>,
    bias: Vec<f64>,
    gain: Vec<f64>,
}

impl Layer {
    /// A layer from latent vectors of that length to so many features.
    pub(super) fn draw(
        random: &mut Random,
        latent: usize,
        features: usize,
        spread: Spread,
    ) -> Self {
        let scale = spread.weight / (latent as f64).sqrt();
        let weights = (0..features * latent).map(|_| random.normal() * scale);
        let weights = weights.collect();
        let bias = (0..features).map(|_| BIAS + spread.bias * random.normal());
        let bias = bias.collect();
        let gain = (0..features).map(|_| libm::exp(spread.gain * random.normal()));
        Self {
            weights,
            bias,
            gain: gain.collect(),
            spread,
        }
    }

    /// Features of a row.
    pub(super) fn features(&self) -> usize {
        self.bias.len()
    }

    /// Adds the row of a latent vector to `out`.
    pub(super) fn project(&self, latent: &[f64], random: &mut Random, out: &mut Vec<f32>) {
        let rows = self.weights.chunks_exact(latent.len());
        for ((row, bias), gain) in rows.zip(&self.bias).zip(&self.gain) {
            let product: f64 = row
                .iter()
                .zip(latent)
                .map(|(weight, value)| weight * value)
                .sum();
            let mut clean = bias + product;
            if let Some(std) = self.spread.common {
                clean += std * random.normal();
            }
            let sum: f64 = (0..POSITIONS)
                .map(|_| f64::max(clean + self.spread.noise * random.normal(), 0.0))
                .sum();
            out.push((sum / POSITIONS as f64 * gain) as f32);
        }
    }
}
