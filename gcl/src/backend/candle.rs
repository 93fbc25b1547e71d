//! The two networks on candle's tensors, on any device that candle knows: the path of CUDA, and on the CPU the oracle of
//! [`crate::backend::cpu`]. The backward pass is written by hand here too: candle's own computes a gradient for the first layer's
//! input, and its gradient of the norm at zero is NaN.

use candle_core::{D, DType, Device, Tensor};
use sweeps::Training;
use sweeps::training::{ReconstructionError, RmsProp};

use crate::backend::cpu::no_discriminator;
use crate::backend::state::{LayerShape, NetworkState, PairState, ParameterState};
use crate::backend::{Dropout, Networks, Split, Target, cross_entropy, sigmoid};
use crate::data::device_features::DeviceFeatures;
use crate::error::TrainError;

/// G and D as tensors.
pub(crate) struct TensorNetworks {
    device: Device,
    train: DeviceFeatures,
    test: Option<DeviceFeatures>,
    generator: Mlp,
    discriminator: Option<Mlp>,
    batch: Option<Tensor>,
    reconstruction: Vec<Tensor>,
    capacity: usize,
    error: ReconstructionError,
    settings: Settings,
}

#[derive(Clone, Copy)]
struct Settings {
    optimizer: RmsProp,
    learning_rate: f64,
}

struct Mlp {
    layers: Vec<Layer>,
}

struct Layer {
    weight: Parameter,
    bias: Parameter,
}

struct Parameter {
    value: Tensor,
    square: Tensor,
    momentum: Tensor,
}

impl Parameter {
    fn new(state: &ParameterState, shape: &[usize], device: &Device) -> Result<Self, TrainError> {
        let value = Tensor::from_slice(&state.value, shape, device)?;
        let memory = |kept: &[f32]| {
            if kept.is_empty() {
                value.zeros_like()
            } else {
                Tensor::from_slice(kept, shape, device)
            }
        };
        Ok(Self {
            square: memory(&state.square)?,
            momentum: memory(&state.momentum)?,
            value,
        })
    }

    fn learn(&mut self, gradient: &Tensor, settings: Settings) -> Result<(), TrainError> {
        let RmsProp {
            alpha,
            momentum,
            epsilon,
        } = settings.optimizer;
        self.square = ((&self.square * alpha)? + (gradient.sqr()? * (1.0 - alpha))?)?;
        let step = (gradient / (self.square.sqrt()? + epsilon)?)?;
        self.momentum = ((&self.momentum * momentum)? + step)?;
        self.value = (&self.value - (&self.momentum * settings.learning_rate)?)?;
        Ok(())
    }

    fn reset(&mut self) -> Result<(), TrainError> {
        self.square = self.square.zeros_like()?;
        self.momentum = self.momentum.zeros_like()?;
        Ok(())
    }

    fn save(&self, into: &mut ParameterState) -> Result<(), TrainError> {
        into.value = self.value.flatten_all()?.to_vec1()?;
        into.square = self.square.flatten_all()?.to_vec1()?;
        into.momentum = self.momentum.flatten_all()?.to_vec1()?;
        Ok(())
    }
}

impl Mlp {
    fn new(state: &NetworkState, device: &Device) -> Result<Self, TrainError> {
        let layers = state
            .shapes
            .iter()
            .zip(state.parameters.chunks_exact(2))
            .map(|(shape, parameters)| {
                Ok(Layer {
                    weight: Parameter::new(&parameters[0], &[shape.outputs, shape.inputs], device)?,
                    bias: Parameter::new(&parameters[1], &[shape.outputs], device)?,
                })
            })
            .collect::<Result<_, TrainError>>()?;
        Ok(Self { layers })
    }

    /// What every layer gives for `x`, `[b, inputs]`.
    fn forward(&self, x: &Tensor, masks: Option<&[Tensor]>) -> Result<Vec<Tensor>, TrainError> {
        let mut activations: Vec<Tensor> = Vec::with_capacity(self.layers.len());
        for (index, layer) in self.layers.iter().enumerate() {
            let input = activations.last().unwrap_or(x);
            let mut z = input
                .matmul(&layer.weight.value.t()?)?
                .broadcast_add(&layer.bias.value)?;
            if index + 1 < self.layers.len() {
                z = z.relu()?;
                if let Some(masks) = masks {
                    z = (z * &masks[index])?;
                }
            }
            activations.push(z);
        }
        Ok(activations)
    }

    /// From the gradient with respect to the output, `[b, outputs]`, to one step of the optimizer.
    fn learn(
        &mut self,
        x: &Tensor,
        activations: &[Tensor],
        gradient: Tensor,
        scale: f64,
        settings: Settings,
    ) -> Result<(), TrainError> {
        let mut gradient = gradient;
        for (index, layer) in self.layers.iter_mut().enumerate().rev() {
            let input = index
                .checked_sub(1)
                .map_or(x, |before| &activations[before]);
            let weight = gradient.t()?.matmul(input)?;
            let bias = gradient.sum(0)?;
            if index > 0 {
                let through = gradient.matmul(&layer.weight.value)?;
                let open = input.gt(0.0)?.to_dtype(DType::F32)?;
                gradient = ((through * open)? * scale)?;
            }
            layer.weight.learn(&weight, settings)?;
            layer.bias.learn(&bias, settings)?;
        }
        Ok(())
    }

    fn reset(&mut self) -> Result<(), TrainError> {
        for layer in &mut self.layers {
            layer.weight.reset()?;
            layer.bias.reset()?;
        }
        Ok(())
    }

    fn save(&self, into: &mut NetworkState) -> Result<(), TrainError> {
        into.shapes.clear();
        into.parameters
            .resize_with(2 * self.layers.len(), ParameterState::default);
        for (layer, parameters) in self.layers.iter().zip(into.parameters.chunks_exact_mut(2)) {
            let (outputs, inputs) = layer.weight.value.dims2()?;
            into.shapes.push(LayerShape { inputs, outputs });
            layer.weight.save(&mut parameters[0])?;
            layer.bias.save(&mut parameters[1])?;
        }
        Ok(())
    }
}

impl TensorNetworks {
    /// Networks of that state on `device`, for batches of up to `capacity` rows of `train` and `test`.
    pub(crate) fn new(
        device: &Device,
        train: DeviceFeatures,
        test: Option<DeviceFeatures>,
        state: &PairState,
        training: &Training,
        capacity: usize,
    ) -> Result<Self, TrainError> {
        Ok(Self {
            device: device.clone(),
            train,
            test,
            generator: Mlp::new(&state.generator, device)?,
            discriminator: state
                .discriminator
                .as_ref()
                .map(|network| Mlp::new(network, device))
                .transpose()?,
            batch: None,
            reconstruction: Vec::new(),
            capacity,
            error: training.reconstruction_error,
            settings: Settings {
                optimizer: training.optimizer,
                learning_rate: training.learning_rate,
            },
        })
    }

    fn batch(&self) -> Result<&Tensor, TrainError> {
        self.batch
            .as_ref()
            .ok_or_else(|| TrainError::host("no batch is loaded"))
    }

    fn output(&self) -> Result<&Tensor, TrainError> {
        self.reconstruction
            .last()
            .ok_or_else(|| TrainError::host("the batch was not reconstructed"))
    }

    /// A column `[b, 1]` of host values.
    fn column(&self, values: &[f32]) -> Result<Tensor, TrainError> {
        Ok(Tensor::from_slice(values, (values.len(), 1), &self.device)?)
    }

    /// A column of ones where a label is above one half, zeros elsewhere.
    fn positives(&self, labels: &[f32]) -> Result<Tensor, TrainError> {
        let positive: Vec<f32> = labels
            .iter()
            .map(|label| f32::from(u8::from(*label > 0.5)))
            .collect();
        self.column(&positive)
    }

    /// The error of every row of `difference`, `[b]`, on the host.
    fn row_errors(&self, difference: &Tensor) -> Result<Vec<f32>, TrainError> {
        let squares = difference.sqr()?;
        Ok(match self.error {
            ReconstructionError::L2 => squares.sum(D::Minus1)?.sqrt()?,
            ReconstructionError::Mse => squares.mean(D::Minus1)?,
        }
        .to_vec1()?)
    }
}

impl Networks for TensorNetworks {
    fn load(&mut self, split: Split, rows: &[u32]) -> Result<(), TrainError> {
        let features = match (split, &mut self.test) {
            (Split::Test, Some(test)) => test,
            _ => &mut self.train,
        };
        // The batch before goes first: two need not fit at once.
        self.batch = None;
        self.batch = Some(features.gather(rows)?);
        self.reconstruction.clear();
        Ok(())
    }

    fn reconstruct(&mut self) -> Result<(), TrainError> {
        self.reconstruction = self.generator.forward(self.batch()?, None)?;
        Ok(())
    }

    fn reconstruction(&mut self, out: &mut Vec<f32>) -> Result<(), TrainError> {
        *out = self.output()?.flatten_all()?.to_vec1()?;
        Ok(())
    }

    fn errors(&mut self, out: &mut Vec<f32>) -> Result<(), TrainError> {
        *out = self.row_errors(&(self.output()? - self.batch()?)?)?;
        Ok(())
    }

    fn probabilities(&mut self, out: &mut Vec<f32>) -> Result<(), TrainError> {
        let network = self.discriminator.as_ref().ok_or_else(no_discriminator)?;
        let activations = network.forward(self.batch()?, None)?;
        let logits: Vec<f32> = match activations.last() {
            Some(logits) => logits.flatten_all()?.to_vec1()?,
            None => Vec::new(),
        };
        out.clear();
        out.extend(logits.iter().map(|logit| sigmoid(f64::from(*logit)) as f32));
        Ok(())
    }

    fn learn_discriminator(
        &mut self,
        labels: &[f32],
        dropout: Option<Dropout<'_>>,
    ) -> Result<f64, TrainError> {
        let mut network = self.discriminator.take().ok_or_else(no_discriminator)?;
        let x = self.batch()?;
        let masks = dropout
            .map(|dropout| {
                dropout
                    .masks
                    .iter()
                    .map(|mask| {
                        Tensor::from_slice(
                            mask,
                            (labels.len(), mask.len() / labels.len()),
                            &self.device,
                        )
                    })
                    .collect::<Result<Vec<_>, _>>()
            })
            .transpose()?;
        let activations = network.forward(x, masks.as_deref())?;
        let mut logits: Vec<f32> = match activations.last() {
            Some(logits) => logits.flatten_all()?.to_vec1()?,
            None => Vec::new(),
        };
        let loss = cross_entropy(&mut logits, labels);
        let gradient = self.column(&logits)?;
        let scale = dropout.map_or(1.0, |dropout| f64::from(dropout.scale));
        network.learn(x, &activations, gradient, scale, self.settings)?;
        self.discriminator = Some(network);
        Ok(loss)
    }

    fn learn_generator(&mut self, target: Target<'_>) -> Result<f64, TrainError> {
        let x = self.batch()?.clone();
        let output = self.output()?;
        let (rows, width) = output.dims2()?;
        let difference = match target {
            Target::Input | Target::Without { .. } => (output - &x)?,
            Target::Ones { labels } => {
                // x + positive · (1 − x): exact, since positive is 0 or 1.
                let positive = self.positives(labels)?.broadcast_as((rows, width))?;
                let ones = x.ones_like()?;
                (output - positive.gt(0.0)?.where_cond(&ones, &x)?)?
            }
            Target::Replace { sources } => {
                let sources = Tensor::from_slice(sources, rows, &self.device)?;
                (output - x.index_select(&sources, 0)?)?
            }
            Target::Gaussian {
                positive,
                noise,
                sigma,
            } => {
                let mut target = x.clone();
                if !positive.is_empty() {
                    let rows = Tensor::from_slice(positive, positive.len(), &self.device)?;
                    let noise = Tensor::from_slice(noise, (positive.len(), width), &self.device)?;
                    target = target.index_add(&rows, &(noise * sigma)?, 0)?;
                }
                (output - target)?
            }
        };
        let errors = self.row_errors(&difference)?;
        let (weights, kept): (Vec<bool>, usize) = match target {
            Target::Without { labels, kept } => {
                (labels.iter().map(|label| *label <= 0.5).collect(), kept)
            }
            _ => (vec![true; rows], rows),
        };
        let weight = 1.0 / kept as f32;
        let factors: Vec<f32> = errors
            .iter()
            .zip(&weights)
            .map(|(error, keep)| match self.error {
                _ if !keep => 0.0,
                ReconstructionError::L2 if *error == 0.0 => 0.0,
                ReconstructionError::L2 => weight / error,
                ReconstructionError::Mse => 2.0 * weight / width as f32,
            })
            .collect();
        let gradient = difference.broadcast_mul(&self.column(&factors)?)?;
        self.generator
            .learn(&x, &self.reconstruction, gradient, 1.0, self.settings)?;
        self.reconstruction.clear();
        let total: f64 = errors
            .iter()
            .zip(&weights)
            .filter(|(_, keep)| **keep)
            .map(|(error, _)| f64::from(*error))
            .sum();
        Ok(total / kept as f64)
    }

    fn reset_optimizers(&mut self) -> Result<(), TrainError> {
        self.generator.reset()?;
        if let Some(network) = &mut self.discriminator {
            network.reset()?;
        }
        Ok(())
    }

    fn save(&self, into: &mut PairState) -> Result<(), TrainError> {
        self.generator.save(&mut into.generator)?;
        match &self.discriminator {
            Some(network) => {
                network.save(into.discriminator.get_or_insert_default())?;
            }
            None => into.discriminator = None,
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.capacity
    }
}
