//! The CPU: plain buffers that are made once, large products by tiles of our own and the others by `gemm`, everything else
//! fused into few passes over rows that are still in a cache. Nothing is allocated per step after the first, except inside
//! `gemm` for its packed panels.
//!
//! At b = 8192 and the paper's widths one cooperative step needs 289 GFLOP: G forward once, G backward without the
//! gradient of its input, D forward twice, D backward without the gradient of its input.

#[cfg(test)]
mod allocations;
mod host_buffer;
mod operands;
mod passes;

use kernels::buffer::{buffer, copy};
use kernels::passes::{BiasRelu, ReluGradient, RmsProp, add_chunks, chunks, multiply, rms_prop};
use kernels::product::{product, product_then};
use rayon::prelude::*;
use sweeps::training::{MatmulPrecision, ReconstructionError};

use crate::backend::cpu::host_buffer::{HostBuffer, grow};
use crate::backend::cpu::operands::Operands;
use crate::backend::cpu::passes::TargetRow;
use crate::backend::state::{LayerShape, NetworkState, ParameterState};
use crate::backend::{
    ADAGRAD_EPSILON, Backend, Findings, Gate, Optimizer, Parameter, Report, Split, Target,
};
use crate::data::features::Features;
use crate::error::TrainError;
use crate::method::labels::HostLabels;
use crate::paper;

/// The host's processor, and the features that batches are gathered from.
pub(crate) struct Cpu<'a> {
    train: &'a Features,
    test: Option<&'a Features>,
    threads: usize,
    operands: Operands,
    scratch: Scratch,
}

/// What passes need besides their buffers, made for the largest network and batch.
#[derive(Default)]
struct Scratch {
    /// Gradient with respect to a layer's input, `[rows, widest input of a layer but the first]`.
    inputs: Vec<f32>,
    /// Column sums per chunk, `[chunks(rows), widest output]`.
    sums: Vec<f32>,
    wide_sums: Vec<f64>,
    /// Errors of rows, `[rows]`.
    losses: Vec<f32>,
    /// Per row its place in the noise, or `NO_NOISE`.
    noise_places: Vec<u32>,
}

const NO_NOISE: u32 = u32::MAX;

impl<'a> Cpu<'a> {
    /// Batches come from `train` and `test`; products and passes use so many threads of the caller's pool.
    pub(crate) fn new(train: &'a Features, test: Option<&'a Features>, threads: usize) -> Self {
        Self {
            train,
            test,
            threads,
            operands: Operands::new(threads),
            scratch: Scratch::default(),
        }
    }
}

impl Backend for Cpu<'_> {
    type Buffer = HostBuffer;
    type Scores = Vec<f32>;
    type Labels = HostLabels;
    type Loss = f64;

    fn set_precision(&mut self, precision: MatmulPrecision) {
        self.operands.precision = precision;
    }

    fn buffer(&mut self, rows: usize, columns: usize) -> Result<HostBuffer, TrainError> {
        HostBuffer::new(rows, columns)
    }

    fn scores(&mut self, rows: usize) -> Result<Vec<f32>, TrainError> {
        Ok(buffer(rows)?)
    }

    fn labels(&mut self, _rows: usize) -> Result<HostLabels, TrainError> {
        Ok(HostLabels::default())
    }

    fn reserve(&mut self, rows: usize, layers: &[LayerShape]) -> Result<(), TrainError> {
        let hidden = layers.iter().skip(1).map(|shape| shape.inputs).max();
        let widest = layers.iter().map(|shape| shape.outputs).max();
        grow(&mut self.scratch.inputs, rows * hidden.unwrap_or(0))?;
        grow(&mut self.scratch.sums, chunks(rows) * widest.unwrap_or(0))?;
        grow(&mut self.scratch.losses, rows)
    }

    fn parameters(&mut self, state: &NetworkState) -> Result<Vec<Parameter<Self>>, TrainError> {
        let shapes = state
            .shapes
            .iter()
            .flat_map(|shape| [(shape.outputs, shape.inputs), (1, shape.outputs)]);
        let shapes: Vec<(usize, usize)> = shapes.collect();
        // Copied on all threads of the job: most of a warm start is the system's making of fresh pages.
        shapes
            .par_iter()
            .zip(&state.parameters)
            .map(|(&(rows, columns), state)| {
                let owned = |values: &[f32]| -> Result<HostBuffer, TrainError> {
                    Ok(HostBuffer {
                        values: if values.is_empty() {
                            buffer(rows * columns)?
                        } else {
                            copy(values)?
                        },
                        rows,
                        columns,
                    })
                };
                Ok(Parameter {
                    gradient: HostBuffer::new(rows, columns)?,
                    square: owned(&state.square)?,
                    momentum: owned(&state.momentum)?,
                    value: owned(&state.value)?,
                })
            })
            .collect()
    }

    fn save(
        &self,
        parameters: &[Parameter<Self>],
        into: &mut [ParameterState],
    ) -> Result<(), TrainError> {
        for (into, parameter) in into.iter_mut().zip(parameters) {
            into.value.clone_from(&parameter.value.values);
            into.square.clone_from(&parameter.square.values);
            into.momentum.clone_from(&parameter.momentum.values);
        }
        Ok(())
    }

    fn forget(&mut self, parameters: &mut [Parameter<Self>]) -> Result<(), TrainError> {
        for parameter in parameters {
            parameter.square.values.fill(0.0);
            parameter.momentum.values.fill(0.0);
        }
        Ok(())
    }

    fn write(
        &mut self,
        values: &[f32],
        columns: usize,
        out: &mut HostBuffer,
    ) -> Result<(), TrainError> {
        out.take(values.len() / columns).copy_from_slice(values);
        Ok(())
    }

    fn read(&self, buffer: &HostBuffer, out: &mut Vec<f32>) -> Result<(), TrainError> {
        out.clear();
        out.extend_from_slice(buffer.values());
        Ok(())
    }

    fn gather(
        &mut self,
        split: Split,
        rows: &[u32],
        out: &mut HostBuffer,
    ) -> Result<(), TrainError> {
        let features = match split {
            Split::Train => self.train,
            Split::Test => self.test.unwrap_or(self.train),
        };
        features.gather(self.threads, rows, out.take(rows.len()));
        Ok(())
    }

    fn layer(
        &mut self,
        input: &HostBuffer,
        weight: &HostBuffer,
        bias: &HostBuffer,
        relu: bool,
        mask: Option<&HostBuffer>,
        out: &mut HostBuffer,
    ) -> Result<(), TrainError> {
        let z = out.take(input.rows);
        let (input, weight) = self.operands.of(input, weight)?;
        product_then(
            z,
            input,
            weight.t(),
            self.threads,
            BiasRelu {
                bias: &bias.values,
                relu,
            },
        );
        if let Some(mask) = mask {
            multiply(z, mask.values());
        }
        Ok(())
    }

    fn weight_gradient(
        &mut self,
        gradient: &HostBuffer,
        input: &HostBuffer,
        out: &mut HostBuffer,
    ) -> Result<(), TrainError> {
        let (gradient, input) = self.operands.of(gradient, input)?;
        product(out.values_mut(), gradient.t(), input, self.threads);
        Ok(())
    }

    fn input_gradient(
        &mut self,
        gradient: &HostBuffer,
        weight: &HostBuffer,
        gate: Gate<'_, HostBuffer>,
        activation: &mut HostBuffer,
        bias_gradient: &mut HostBuffer,
    ) -> Result<(), TrainError> {
        let (rows, inputs) = (gradient.rows, weight.columns);
        let (gradient, weight) = self.operands.of(gradient, weight)?;
        match gate {
            Gate::Relu { scale } => {
                let sums = &mut self.scratch.sums[..chunks(rows) * inputs];
                let relu = ReluGradient {
                    activation: activation.values_mut(),
                    sums,
                    width: inputs,
                    scale,
                };
                product_then(
                    &mut self.scratch.inputs[..rows * inputs],
                    gradient,
                    weight,
                    self.threads,
                    relu,
                );
                add_chunks(sums, &mut bias_gradient.values);
                Ok(())
            }
            Gate::Linear { mask } => {
                let values = activation.values_mut();
                product(values, gradient, weight, self.threads);
                if let Some(mask) = mask {
                    multiply(values, mask.values());
                }
                self.column_sums(activation, bias_gradient)
            }
        }
    }

    fn column_sums(
        &mut self,
        gradient: &HostBuffer,
        out: &mut HostBuffer,
    ) -> Result<(), TrainError> {
        let sums = &mut self.scratch.wide_sums;
        sums.clear();
        sums.resize(gradient.columns, 0.0);
        for row in gradient.values().chunks_exact(gradient.columns) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += f64::from(*value);
            }
        }
        for (out, sum) in out.values.iter_mut().zip(sums) {
            *out = *sum as f32;
        }
        Ok(())
    }

    fn optimize(
        &mut self,
        parameters: &mut [Parameter<Self>],
        optimizer: &Optimizer,
    ) -> Result<(), TrainError> {
        for parameter in parameters {
            let Parameter {
                value,
                square,
                momentum,
                gradient,
            } = parameter;
            match optimizer {
                Optimizer::RmsProp {
                    settings,
                    learning_rate,
                } => rms_prop(
                    self.threads,
                    &mut value.values,
                    &mut square.values,
                    &mut momentum.values,
                    &gradient.values,
                    RmsProp {
                        alpha: settings.alpha,
                        momentum: settings.momentum,
                        epsilon: settings.epsilon,
                        learning_rate: *learning_rate,
                    },
                ),
                Optimizer::Adagrad {
                    learning_rate,
                    weight_decay,
                } => adagrad(
                    &mut value.values,
                    &mut square.values,
                    &gradient.values,
                    (*learning_rate, *weight_decay),
                ),
            }
        }
        Ok(())
    }

    fn row_errors(
        &mut self,
        f: &HostBuffer,
        f_hat: &HostBuffer,
        error: ReconstructionError,
        out: &mut Vec<f32>,
    ) -> Result<(), TrainError> {
        out.resize(f.rows, 0.0);
        passes::row_errors(
            self.threads,
            out,
            f_hat.values(),
            f.values(),
            f.columns,
            error,
        );
        Ok(())
    }

    fn probabilities(&mut self, logits: &HostBuffer, out: &mut Vec<f32>) -> Result<(), TrainError> {
        out.clear();
        out.extend(
            logits
                .values()
                .iter()
                .map(|logit| paper::sigmoid(f64::from(*logit)) as f32),
        );
        Ok(())
    }

    fn discriminator_loss(
        &mut self,
        logits: &mut HostBuffer,
        labels: &HostLabels,
        bias_gradient: &mut HostBuffer,
    ) -> Result<f64, TrainError> {
        let loss = paper::discriminator_loss(logits.values_mut(), &labels.values);
        self.column_sums(logits, bias_gradient)?;
        Ok(loss)
    }

    fn generator_loss(
        &mut self,
        f_hat: &mut HostBuffer,
        f: &HostBuffer,
        target: &Target<'_, Self>,
        error: ReconstructionError,
        bias_gradient: &mut HostBuffer,
    ) -> Result<f64, TrainError> {
        let (rows, width) = (f.rows, f.columns);
        let scratch = &mut self.scratch;
        if let Target::Gaussian { positive, .. } = target {
            scratch.noise_places.clear();
            scratch.noise_places.resize(rows, NO_NOISE);
            for (place, row) in positive.iter().enumerate() {
                scratch.noise_places[*row as usize] = place as u32;
            }
        }
        let kept = match target {
            Target::Without { kept, .. } => *kept,
            _ => rows,
        };
        let (x, noise_places) = (f.values(), &scratch.noise_places);
        let features = |row: usize| &x[row * width..][..width];
        let sums = &mut scratch.sums[..chunks(rows) * width];
        let total = passes::residual(
            self.threads,
            f_hat.values_mut(),
            &mut scratch.losses[..rows],
            sums,
            error,
            (width, 1.0 / kept as f32),
            |row| match target {
                Target::Ones { labels } if labels.values[row] > 0.5 => TargetRow::Ones,
                Target::Replace { sources } => TargetRow::Features(features(sources[row] as usize)),
                Target::Gaussian { noise, sigma, .. } if noise_places[row] != NO_NOISE => {
                    let place = noise_places[row] as usize;
                    TargetRow::Noisy(
                        features(row),
                        *sigma as f32,
                        &noise[place * width..][..width],
                    )
                }
                Target::Without { labels, .. } if labels.values[row] > 0.5 => TargetRow::Nothing,
                Target::Input
                | Target::Ones { .. }
                | Target::Gaussian { .. }
                | Target::Without { .. } => TargetRow::Features(features(row)),
            },
        );
        add_chunks(sums, &mut bias_gradient.values);
        Ok(total / kept as f64)
    }

    fn no_loss(&mut self) -> Result<f64, TrainError> {
        Ok(0.0)
    }

    fn write_labels(
        &mut self,
        labels: &HostLabels,
        out: &mut HostLabels,
    ) -> Result<(), TrainError> {
        out.clone_from(labels);
        Ok(())
    }

    fn read_scores(&self, scores: &Vec<f32>, out: &mut Vec<f32>) -> Result<(), TrainError> {
        out.clone_from(scores);
        Ok(())
    }

    fn read_labels(&self, labels: &HostLabels, out: &mut Vec<f32>) -> Result<(), TrainError> {
        out.clone_from(&labels.values);
        Ok(())
    }

    fn read_findings(
        &mut self,
        findings: &Findings<Self>,
        report: &mut Report,
    ) -> Result<(), TrainError> {
        report.set(
            [findings.labels_g.as_ref(), findings.labels_d.as_ref()],
            [findings.loss_d, findings.loss_g],
        );
        Ok(())
    }
}

fn adagrad(value: &mut [f32], square: &mut [f32], gradient: &[f32], (rate, decay): (f64, f64)) {
    for ((value, sum), gradient) in value.iter_mut().zip(square).zip(gradient) {
        let gradient = f64::from(*gradient) + decay * f64::from(*value);
        let total = f64::from(*sum) + gradient * gradient;
        *sum = total as f32;
        *value = (f64::from(*value) - rate * gradient / (total.sqrt() + ADAGRAD_EPSILON)) as f32;
    }
}
