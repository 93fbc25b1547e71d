//! The two networks on the CPU: plain buffers that are made once, large products by tiles of our own and the others by
//! `gemm`, everything else fused into few passes over rows that are still in a cache. Nothing is allocated per step after
//! the first, except inside `gemm` for its packed panels.
//!
//! At b = 8192 and the paper's widths one cooperative step needs 289 GFLOP: G forward once, G backward without the
//! gradient of its input, D forward twice, D backward without the gradient of its input.

#[cfg(test)]
mod allocations;
#[cfg(test)]
mod gradients;
mod mlp;
mod passes;

use kernels::buffer::buffer;
use kernels::passes::{RmsProp, add_chunks, chunks};
use sweeps::Training;
use sweeps::training::ReconstructionError;

use crate::backend::cpu::mlp::{Mlp, Scratch};
use crate::backend::cpu::passes::TargetRow;
use crate::backend::state::PairState;
use crate::backend::{Dropout, Networks, Split, Target, cross_entropy, sigmoid};
use crate::data::features::Features;
use crate::error::TrainError;

/// G and D on the CPU.
pub(crate) struct CpuNetworks<'a> {
    train: &'a Features,
    test: Option<&'a Features>,
    generator: Mlp,
    discriminator: Option<Mlp>,
    /// f, `[capacity, d]`.
    batch: Vec<f32>,
    /// Rows of the batch that is loaded.
    rows: usize,
    capacity: usize,
    losses: Vec<f32>,
    /// Per row its place in the noise, or `NO_NOISE`.
    noise_places: Vec<u32>,
    scratch: Scratch,
    threads: usize,
    error: ReconstructionError,
    optimizer: RmsProp,
}

const NO_NOISE: u32 = u32::MAX;

impl<'a> CpuNetworks<'a> {
    /// Networks of that state, for batches of up to `capacity` rows of `train` and `test`.
    pub(crate) fn new(
        train: &'a Features,
        test: Option<&'a Features>,
        state: &PairState,
        training: &Training,
        capacity: usize,
        threads: usize,
    ) -> Result<Self, TrainError> {
        let shapes: Vec<_> = state
            .networks()
            .map(|(_, network)| network.shapes.as_slice())
            .collect();
        Ok(Self {
            train,
            test,
            generator: Mlp::new(&state.generator, capacity)?,
            discriminator: state
                .discriminator
                .as_ref()
                .map(|network| Mlp::new(network, capacity))
                .transpose()?,
            batch: buffer(capacity * train.columns())?,
            rows: 0,
            capacity,
            losses: buffer(capacity)?,
            noise_places: Vec::new(),
            scratch: Scratch::new(capacity, &shapes)?,
            threads,
            error: training.reconstruction_error,
            optimizer: RmsProp {
                alpha: training.optimizer.alpha,
                momentum: training.optimizer.momentum,
                epsilon: training.optimizer.epsilon,
                learning_rate: training.learning_rate,
            },
        })
    }

    fn forward_discriminator(
        &mut self,
        dropout: Option<Dropout<'_>>,
    ) -> Result<&mut Mlp, TrainError> {
        let x = &self.batch[..self.rows * self.train.columns()];
        let network = self.discriminator.as_mut().ok_or_else(no_discriminator)?;
        network.forward(x, self.rows, self.threads, dropout);
        Ok(network)
    }
}

/// A caller's mistake that must not take the process down.
pub(crate) fn no_discriminator() -> TrainError {
    TrainError::host("this method has no discriminator")
}

impl Networks for CpuNetworks<'_> {
    fn load(&mut self, split: Split, rows: &[u32]) -> Result<(), TrainError> {
        let features = match split {
            Split::Train => self.train,
            Split::Test => self.test.unwrap_or(self.train),
        };
        self.rows = rows.len();
        features.gather(self.threads, rows, &mut self.batch);
        Ok(())
    }

    fn reconstruct(&mut self) -> Result<(), TrainError> {
        let x = &self.batch[..self.rows * self.train.columns()];
        self.generator.forward(x, self.rows, self.threads, None);
        Ok(())
    }

    fn reconstruction(&mut self, out: &mut Vec<f32>) -> Result<(), TrainError> {
        out.clear();
        out.extend_from_slice(self.generator.output(self.rows));
        Ok(())
    }

    fn errors(&mut self, out: &mut Vec<f32>) -> Result<(), TrainError> {
        out.resize(self.rows, 0.0);
        passes::row_errors(
            self.threads,
            out,
            self.generator.output(self.rows),
            &self.batch[..self.rows * self.train.columns()],
            self.train.columns(),
            self.error,
        );
        Ok(())
    }

    fn probabilities(&mut self, out: &mut Vec<f32>) -> Result<(), TrainError> {
        let rows = self.rows;
        let logits = self.forward_discriminator(None)?.output(rows);
        out.clear();
        out.extend(logits.iter().map(|logit| sigmoid(f64::from(*logit)) as f32));
        Ok(())
    }

    fn learn_discriminator(
        &mut self,
        labels: &[f32],
        dropout: Option<Dropout<'_>>,
    ) -> Result<f64, TrainError> {
        let rows = self.rows;
        let (logits, bias_gradient) = self
            .forward_discriminator(dropout)?
            .output_and_bias_gradient(rows);
        let loss = cross_entropy(logits, labels);
        bias_gradient[0] = logits
            .iter()
            .map(|gradient| f64::from(*gradient))
            .sum::<f64>() as f32;
        let scale = dropout.map_or(1.0, |dropout| dropout.scale);
        let x = &self.batch[..rows * self.train.columns()];
        let network = self.discriminator.as_mut().ok_or_else(no_discriminator)?;
        network.backward(x, rows, self.threads, scale, &mut self.scratch);
        network.learn(self.threads, self.optimizer);
        Ok(loss)
    }

    fn learn_generator(&mut self, target: Target<'_>) -> Result<f64, TrainError> {
        let (rows, width) = (self.rows, self.train.columns());
        if let Target::Gaussian { positive, .. } = target {
            self.noise_places.clear();
            self.noise_places.resize(rows, NO_NOISE);
            for (place, row) in positive.iter().enumerate() {
                self.noise_places[*row as usize] = place as u32;
            }
        }
        let kept = match target {
            Target::Without { kept, .. } => kept,
            _ => rows,
        };
        let x = &self.batch[..rows * width];
        let noise_places = &self.noise_places;
        let features = |row: usize| &x[row * width..][..width];
        let (output, bias_gradient) = self.generator.output_and_bias_gradient(rows);
        let sums = &mut self.scratch.sums[..chunks(rows) * width];
        let total = passes::residual(
            self.threads,
            output,
            &mut self.losses[..rows],
            sums,
            self.error,
            (width, 1.0 / kept as f32),
            |row| match target {
                Target::Ones { labels } if labels[row] > 0.5 => TargetRow::Ones,
                Target::Replace { sources } => TargetRow::Features(features(sources[row] as usize)),
                Target::Gaussian { noise, sigma, .. } if noise_places[row] != NO_NOISE => {
                    let place = noise_places[row] as usize;
                    TargetRow::Noisy(
                        features(row),
                        sigma as f32,
                        &noise[place * width..][..width],
                    )
                }
                Target::Without { labels, .. } if labels[row] > 0.5 => TargetRow::Nothing,
                Target::Input
                | Target::Ones { .. }
                | Target::Gaussian { .. }
                | Target::Without { .. } => TargetRow::Features(features(row)),
            },
        );
        add_chunks(sums, bias_gradient);
        self.generator
            .backward(x, rows, self.threads, 1.0, &mut self.scratch);
        self.generator.learn(self.threads, self.optimizer);
        Ok(total / kept as f64)
    }

    fn reset_optimizers(&mut self) -> Result<(), TrainError> {
        self.generator.reset_optimizer();
        if let Some(network) = &mut self.discriminator {
            network.reset_optimizer();
        }
        Ok(())
    }

    fn save(&self, into: &mut PairState) -> Result<(), TrainError> {
        self.generator.save(&mut into.generator);
        match &self.discriminator {
            Some(network) => {
                network.save(into.discriminator.get_or_insert_default());
            }
            None => into.discriminator = None,
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.capacity
    }
}
