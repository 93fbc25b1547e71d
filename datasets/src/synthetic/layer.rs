//! The fixed random layer that makes features of latent vectors: weights, noise, ReLU, mean over positions, gain.

use super::random::Random;
use crate::features::Features;

/// Spatial positions whose noisy activations are averaged after the ReLU.
const POSITIONS: usize = 4;
/// Mean of the biases.
const BIAS: f64 = -0.2;

/// Features that are summed up side by side: each as if it were alone.
const WIDE: usize = 16;

/// Whether features are made, or only passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Making {
    Features,
    Nothing,
}

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
    making: Making,
    /// For each number of a latent vector a row with the weight of each feature.
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
        making: Making,
    ) -> Self {
        let scale = spread.weight / (latent as f64).sqrt();
        let mut weights = vec![0.0; features * latent];
        for feature in 0..features {
            for row in weights.chunks_exact_mut(features) {
                row[feature] = random.normal() * scale;
            }
        }
        let bias = (0..features).map(|_| BIAS + spread.bias * random.normal());
        let bias = bias.collect();
        let gain = (0..features).map(|_| libm::exp(spread.gain * random.normal()));
        Self {
            weights,
            bias,
            gain: gain.collect(),
            spread,
            making,
        }
    }

    /// The features of a video of so many segments: those that were projected, or none.
    pub(super) fn features_of(&self, projected: Vec<f32>, segments: usize) -> Features {
        match self.making {
            Making::Features => Features::made(projected, self.bias.len()),
            Making::Nothing => Features::unmade(segments, self.bias.len()),
        }
    }

    /// Numbers of a video of so many segments.
    pub(super) fn numbers(&self, segments: usize) -> usize {
        match self.making {
            Making::Features => segments * self.bias.len(),
            Making::Nothing => 0,
        }
    }

    /// Adds the row of a latent vector to `out`. The stream goes on behind it, whether it is made or not.
    pub(super) fn project(&self, latent: &[f64], random: &mut Random, out: &mut Vec<f32>) {
        let features = self.bias.len();
        if self.making == Making::Nothing {
            let of_each = POSITIONS + usize::from(self.spread.common.is_some());
            random.skip_normals(features * of_each);
            return;
        }
        for first in (0..features).step_by(WIDE) {
            let some = first..features.min(first + WIDE);
            let mut products = [0.0; WIDE];
            for (row, value) in self.weights.chunks_exact(features).zip(latent) {
                for (product, weight) in products.iter_mut().zip(&row[some.clone()]) {
                    *product += weight * value;
                }
            }
            let settings = self.bias[some.clone()].iter().zip(&self.gain[some]);
            for (product, (bias, gain)) in products.iter().zip(settings) {
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
}
