//! Draws: ChaCha and `libm`, so that every machine draws the same.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// The stream of draws.
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    /// The stream of that seed.
    pub(crate) fn of(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Uniform in `[0, 1)`, 53 bits.
    pub(super) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Passes over so many draws of [`Random::normal`].
    pub(super) fn skip_normals(&mut self, count: usize) {
        // Two uniform numbers each, of two words each.
        let words = 4 * count as u128;
        self.0.set_word_pos(self.0.get_word_pos() + words);
    }

    /// Uniform below `bound`; the bias of the product is below 2⁻⁵³.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((self.unit() * bound as f64) as usize).min(bound.saturating_sub(1))
    }

    /// Standard normal, by Box and Muller.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(1.0 - self.unit())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }

    /// An index below `count`, the r-th with weight 1/r.
    pub(super) fn zipf(&mut self, count: usize) -> usize {
        let total: f64 = (1..=count).map(|rank| 1.0 / rank as f64).sum();
        let mut left = self.unit() * total;
        for rank in 1..=count {
            left -= 1.0 / rank as f64;
            if left < 0.0 {
                return rank - 1;
            }
        }
        count - 1
    }
}

/// The vector at length 1.
pub(super) fn unit(mut vector: Vec<f64>) -> Vec<f64> {
    let norm = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    for value in &mut vector {
        *value /= norm;
    }
    vector
}
