//! candle's operations on any device that candle knows: `candle-cpu`, the oracle of [`crate::backend::cpu`], and `candle-cuda:N`,
//! for doubts about the kernels of `backend::cuda`. The backward pass is written by hand here too: candle's own computes a gradient for the first layer's
//! input, and its gradient of the norm at zero is NaN.
//!
//! Scores, labels and losses are made on the host from one number a row.

use candle_core::{D, DType, Device, Tensor};
use kernels::tf32;
use sweeps::training::{MatmulPrecision, ReconstructionError};

use crate::backend::state::{NetworkState, ParameterState};
use crate::backend::{
    ADAGRAD_EPSILON, Backend, Findings, Gate, Optimizer, Parameter, Report, Split, Target,
};
use crate::data::device_features::{DeviceFeatures, copied};
use crate::error::TrainError;
use crate::method::labels::HostLabels;
use crate::paper;

/// A device of candle's, with the features that batches are gathered from.
pub(crate) struct Candle {
    device: Device,
    train: DeviceFeatures,
    test: Option<DeviceFeatures>,
    precision: MatmulPrecision,
    /// What stands in a buffer until something is in it.
    nothing: Tensor,
}

impl Candle {
    /// Batches of `device` come from `train` and `test`.
    pub(crate) fn new(
        device: &Device,
        train: DeviceFeatures,
        test: Option<DeviceFeatures>,
    ) -> Result<Self, TrainError> {
        Ok(Self {
            nothing: Tensor::zeros((1, 1), DType::F32, device)?,
            device: device.clone(),
            precision: MatmulPrecision::F32,
            train,
            test,
        })
    }

    /// left · right, in the precision of the job. Rounding happens on the host: this is the oracle of faster ways.
    fn product(&self, left: &Tensor, right: &Tensor) -> Result<Tensor, TrainError> {
        let operand = |tensor: &Tensor| match self.precision {
            MatmulPrecision::F32 => Ok(tensor.clone()),
            MatmulPrecision::Tf32 => {
                let mut values = to_host(tensor)?;
                for value in &mut values {
                    *value = tf32::round(*value);
                }
                Ok::<_, TrainError>(copied(&values, tensor.dims2()?, &self.device)?)
            }
        };
        Ok(operand(left)?.matmul(&operand(right)?)?)
    }

    /// A column `[b, 1]` of host values.
    fn column(&self, values: &[f32]) -> Result<Tensor, TrainError> {
        Ok(copied(values, (values.len(), 1), &self.device)?)
    }

    /// A column of ones where a label is above one half, zeros elsewhere.
    fn positives(&self, labels: &[f32]) -> Result<Tensor, TrainError> {
        let positive: Vec<f32> = labels
            .iter()
            .map(|label| f32::from(u8::from(*label > 0.5)))
            .collect();
        self.column(&positive)
    }

    /// f̂ − t (Eq. 6).
    fn difference(
        &self,
        f_hat: &Tensor,
        f: &Tensor,
        target: &Target<'_, Self>,
    ) -> Result<Tensor, TrainError> {
        let (rows, width) = f_hat.dims2()?;
        Ok(match target {
            Target::Input | Target::Without { .. } => (f_hat - f)?,
            Target::Ones { labels } => {
                let positive = self
                    .positives(&labels.values)?
                    .broadcast_as((rows, width))?;
                let ones = f.ones_like()?;
                (f_hat - positive.gt(0.0)?.where_cond(&ones, f)?)?
            }
            Target::Replace { sources } => {
                let sources = copied(sources, rows, &self.device)?;
                (f_hat - f.index_select(&sources, 0)?)?
            }
            Target::Gaussian {
                positive,
                noise,
                sigma,
            } => {
                let mut target = f.clone();
                if !positive.is_empty() {
                    let rows = copied(positive, positive.len(), &self.device)?;
                    let noise = copied(noise, (positive.len(), width), &self.device)?;
                    target = target.index_add(&rows, &(noise * *sigma)?, 0)?;
                }
                (f_hat - target)?
            }
        })
    }
}

/// The error of every row of `difference`, `[b]`, on the host.
fn row_errors(difference: &Tensor, error: ReconstructionError) -> Result<Vec<f32>, TrainError> {
    let squares = difference.sqr()?;
    Ok(match error {
        ReconstructionError::L2 => squares.sum(D::Minus1)?.sqrt()?,
        ReconstructionError::Mse => squares.mean(D::Minus1)?,
    }
    .to_vec1()?)
}

fn to_host(tensor: &Tensor) -> Result<Vec<f32>, TrainError> {
    Ok(tensor.flatten_all()?.to_vec1()?)
}

impl Backend for Candle {
    type Buffer = Tensor;
    type Scores = Vec<f32>;
    type Labels = HostLabels;
    type Loss = f64;

    fn set_precision(&mut self, precision: MatmulPrecision) {
        self.precision = precision;
    }

    /// Operations make their own tensors: no room is kept.
    fn buffer(&mut self, _rows: usize, _columns: usize) -> Result<Tensor, TrainError> {
        Ok(self.nothing.clone())
    }

    fn scores(&mut self, _rows: usize) -> Result<Vec<f32>, TrainError> {
        Ok(Vec::new())
    }

    fn labels(&mut self, _rows: usize) -> Result<HostLabels, TrainError> {
        Ok(HostLabels::default())
    }

    fn parameters(&mut self, state: &NetworkState) -> Result<Vec<Parameter<Self>>, TrainError> {
        let shapes = state
            .shapes
            .iter()
            .flat_map(|shape| [(shape.outputs, shape.inputs), (1, shape.outputs)]);
        shapes
            .zip(&state.parameters)
            .map(|(shape, state)| {
                let value = copied(&state.value, shape, &self.device)?;
                let memory = |kept: &[f32]| {
                    if kept.is_empty() {
                        value.zeros_like()
                    } else {
                        copied(kept, shape, &self.device)
                    }
                };
                Ok(Parameter {
                    square: memory(&state.square)?,
                    momentum: memory(&state.momentum)?,
                    gradient: self.nothing.clone(),
                    value,
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
            into.value = to_host(&parameter.value)?;
            into.square = to_host(&parameter.square)?;
            into.momentum = to_host(&parameter.momentum)?;
        }
        Ok(())
    }

    fn forget(&mut self, parameters: &mut [Parameter<Self>]) -> Result<(), TrainError> {
        for parameter in parameters {
            parameter.square = parameter.square.zeros_like()?;
            parameter.momentum = parameter.momentum.zeros_like()?;
        }
        Ok(())
    }

    fn write(
        &mut self,
        values: &[f32],
        columns: usize,
        out: &mut Tensor,
    ) -> Result<(), TrainError> {
        *out = copied(values, (values.len() / columns, columns), &self.device)?;
        Ok(())
    }

    fn read(&self, buffer: &Tensor, out: &mut Vec<f32>) -> Result<(), TrainError> {
        *out = to_host(buffer)?;
        Ok(())
    }

    fn gather(&mut self, split: Split, rows: &[u32], out: &mut Tensor) -> Result<(), TrainError> {
        let features = match (split, &mut self.test) {
            (Split::Test, Some(test)) => test,
            _ => &mut self.train,
        };
        // The batch before goes first: two need not fit at once.
        *out = self.nothing.clone();
        *out = features.gather(rows)?;
        Ok(())
    }

    fn layer(
        &mut self,
        input: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        relu: bool,
        mask: Option<&Tensor>,
        out: &mut Tensor,
    ) -> Result<(), TrainError> {
        *out = self.nothing.clone();
        let mut z = self.product(input, &weight.t()?)?.broadcast_add(bias)?;
        if relu {
            z = z.relu()?;
        }
        if let Some(mask) = mask {
            z = (z * mask)?;
        }
        *out = z;
        Ok(())
    }

    fn weight_gradient(
        &mut self,
        gradient: &Tensor,
        input: &Tensor,
        out: &mut Tensor,
    ) -> Result<(), TrainError> {
        *out = self.product(&gradient.t()?, input)?;
        Ok(())
    }

    fn input_gradient(
        &mut self,
        gradient: &Tensor,
        weight: &Tensor,
        gate: Gate<'_, Tensor>,
        activation: &mut Tensor,
        bias_gradient: &mut Tensor,
    ) -> Result<(), TrainError> {
        let through = self.product(gradient, weight)?;
        *activation = match gate {
            Gate::Relu { scale } => {
                let open = activation.gt(0.0)?.to_dtype(DType::F32)?;
                ((through * open)? * f64::from(scale))?
            }
            Gate::Linear { mask: Some(mask) } => (through * mask)?,
            Gate::Linear { mask: None } => through,
        };
        self.column_sums(activation, bias_gradient)
    }

    fn column_sums(&mut self, gradient: &Tensor, out: &mut Tensor) -> Result<(), TrainError> {
        *out = gradient.sum_keepdim(0)?;
        Ok(())
    }

    fn optimize(
        &mut self,
        parameters: &mut [Parameter<Self>],
        optimizer: &Optimizer,
    ) -> Result<(), TrainError> {
        for parameter in parameters {
            let gradient = &parameter.gradient;
            match optimizer {
                Optimizer::RmsProp {
                    settings,
                    learning_rate,
                } => {
                    let alpha = settings.alpha;
                    parameter.square =
                        ((&parameter.square * alpha)? + (gradient.sqr()? * (1.0 - alpha))?)?;
                    let step = (gradient / (parameter.square.sqrt()? + settings.epsilon)?)?;
                    parameter.momentum = ((&parameter.momentum * settings.momentum)? + step)?;
                    parameter.value = (&parameter.value - (&parameter.momentum * *learning_rate)?)?;
                }
                Optimizer::Adagrad {
                    learning_rate,
                    weight_decay,
                } => {
                    let gradient = (gradient + (&parameter.value * *weight_decay)?)?;
                    parameter.square = (&parameter.square + gradient.sqr()?)?;
                    let step = (gradient / (parameter.square.sqrt()? + ADAGRAD_EPSILON)?)?;
                    parameter.value = (&parameter.value - (step * *learning_rate)?)?;
                }
            }
        }
        Ok(())
    }

    fn row_errors(
        &mut self,
        f: &Tensor,
        f_hat: &Tensor,
        error: ReconstructionError,
        out: &mut Vec<f32>,
    ) -> Result<(), TrainError> {
        *out = row_errors(&(f_hat - f)?, error)?;
        Ok(())
    }

    fn probabilities(&mut self, logits: &Tensor, out: &mut Vec<f32>) -> Result<(), TrainError> {
        let logits = to_host(logits)?.into_iter();
        *out = logits
            .map(|logit| paper::sigmoid(f64::from(logit)) as f32)
            .collect();
        Ok(())
    }

    fn discriminator_loss(
        &mut self,
        logits: &mut Tensor,
        labels: &HostLabels,
        bias_gradient: &mut Tensor,
    ) -> Result<f64, TrainError> {
        let mut values = to_host(logits)?;
        let loss = paper::discriminator_loss(&mut values, &labels.values);
        *logits = self.column(&values)?;
        self.column_sums(logits, bias_gradient)?;
        Ok(loss)
    }

    fn generator_loss(
        &mut self,
        f_hat: &mut Tensor,
        f: &Tensor,
        target: &Target<'_, Self>,
        error: ReconstructionError,
        bias_gradient: &mut Tensor,
    ) -> Result<f64, TrainError> {
        let difference = self.difference(f_hat, f, target)?;
        let (rows, width) = difference.dims2()?;
        let errors = row_errors(&difference, error)?;
        let (keep, kept): (Vec<bool>, usize) = match target {
            Target::Without { labels, kept } => {
                let keep = labels.values.iter().map(|label| *label <= 0.5);
                (keep.collect(), *kept)
            }
            _ => (vec![true; rows], rows),
        };
        let weight = 1.0 / kept as f32;
        let factors: Vec<f32> = errors
            .iter()
            .zip(&keep)
            .map(|(value, keep)| match error {
                _ if !keep => 0.0,
                ReconstructionError::L2 if *value == 0.0 => 0.0,
                ReconstructionError::L2 => weight / value,
                ReconstructionError::Mse => 2.0 * weight / width as f32,
            })
            .collect();
        *f_hat = difference.broadcast_mul(&self.column(&factors)?)?;
        self.column_sums(f_hat, bias_gradient)?;
        let total: f64 = errors
            .iter()
            .zip(&keep)
            .filter(|(_, keep)| **keep)
            .map(|(error, _)| f64::from(*error))
            .sum();
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
