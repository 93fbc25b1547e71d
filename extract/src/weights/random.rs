//! Weights from a seed, the same on every machine: each tensor has a stream of its own, derived from the seed and its name.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::FinishedSource;
use crate::error::ExtractError;
use crate::network::TensorSource;

/// Share of its input that a block adds to it: thirty blocks that add all of it would square the values away.
const BRANCH: f32 = 0.2;

/// Random weights.
#[derive(Debug)]
pub(crate) struct Random {
    seed: u64,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
    }
}

impl TensorSource for Random {
    /// Kernels are uniform in ±√(6 / fan-in), which keeps the size of activations through a ReLU; batch norms do nothing but
    /// shrink the branches of residual blocks.
    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ExtractError> {
        let count = shape.iter().product();
        if shape.len() == 1 {
            let branch = name.ends_with(".bn3.weight");
            let value = match name.rsplit('.').next() {
                Some("weight") if branch => BRANCH,
                Some("weight" | "running_var") => 1.0,
                _ => 0.0,
            };
            return Ok(vec![value; count]);
        }
        let mut hasher = blake3::Hasher::new_derive_key("gcl-sweep extract random weights 1");
        hasher.update(&self.seed.to_le_bytes());
        hasher.update(name.as_bytes());
        let mut stream = ChaCha8Rng::from_seed(*hasher.finalize().as_bytes());
        let fan_in: usize = shape[1..].iter().product();
        let bound = (6.0 / fan_in as f32).sqrt();
        Ok((0..count)
            .map(|_| {
                let unit = (stream.next_u32() >> 8) as f32 / 8_388_608.0 - 1.0;
                unit * bound
            })
            .collect())
    }
}

impl FinishedSource for Random {
    fn finish(&self) -> Result<(), ExtractError> {
        Ok(())
    }
}
