//! A fully connected network on the CPU: ReLU between layers, the last layer linear, backward written by hand.

use kernels::buffer::buffer;
use kernels::passes::{self, BiasRelu, ReluGradient, RmsProp, add_chunks};
use kernels::product::{View, product, product_then};
use rayon::prelude::*;

use crate::backend::Dropout;
use crate::backend::state::{LayerShape, NetworkState, ParameterState};
use crate::error::TrainError;

/// A network with its optimizer and the activations of one batch.
pub(crate) struct Mlp {
    layers: Vec<Layer>,
    /// What each layer gave for the batch, `[capacity, outputs]`; the backward pass turns it into the gradient with
    /// respect to the layer's output before its ReLU.
    activations: Vec<Vec<f32>>,
}

struct Layer {
    shape: LayerShape,
    weight: Parameter,
    bias: Parameter,
}

struct Parameter {
    state: ParameterState,
    gradient: Vec<f32>,
}

/// Scratch of a backward pass, shared by both networks.
pub(crate) struct Scratch {
    /// Gradient with respect to a layer's input, `[capacity, widest input of a layer but the first]`.
    pub(crate) inputs: Vec<f32>,
    /// Column sums per chunk, `[chunks(capacity), widest output]`.
    pub(crate) sums: Vec<f32>,
}

impl Scratch {
    pub(crate) fn new(capacity: usize, networks: &[&[LayerShape]]) -> Result<Self, TrainError> {
        let layers = || networks.iter().flat_map(|shapes| shapes.iter());
        let hidden = networks
            .iter()
            .flat_map(|shapes| shapes[1..].iter())
            .map(|shape| shape.inputs)
            .max()
            .unwrap_or(0);
        let widest = layers().map(|shape| shape.outputs).max().unwrap_or(0);
        Ok(Self {
            inputs: buffer(capacity * hidden)?,
            sums: buffer(passes::chunks(capacity) * widest)?,
        })
    }
}

impl Parameter {
    fn new(state: &ParameterState) -> Result<Self, TrainError> {
        Ok(Self {
            gradient: buffer(state.value.len())?,
            state: state.with_memory()?,
        })
    }

    fn learn(&mut self, threads: usize, settings: RmsProp) {
        passes::rms_prop(
            threads,
            &mut self.state.value,
            &mut self.state.square,
            &mut self.state.momentum,
            &self.gradient,
            settings,
        );
    }

    fn reset(&mut self) {
        self.state.square.fill(0.0);
        self.state.momentum.fill(0.0);
    }
}

impl Mlp {
    /// The network of that state, for batches of up to `capacity` rows.
    pub(crate) fn new(state: &NetworkState, capacity: usize) -> Result<Self, TrainError> {
        let mut layers = Vec::with_capacity(state.shapes.len());
        let mut activations = Vec::with_capacity(state.shapes.len());
        // Copied on all threads of the job: most of a warm start is the system's making of fresh pages.
        let mut parameters = state
            .parameters
            .par_iter()
            .map(Parameter::new)
            .collect::<Result<Vec<_>, _>>()?
            .into_iter();
        for shape in &state.shapes {
            let (Some(weight), Some(bias)) = (parameters.next(), parameters.next()) else {
                break;
            };
            layers.push(Layer {
                shape: *shape,
                weight,
                bias,
            });
            activations.push(buffer(capacity * shape.outputs)?);
        }
        Ok(Self {
            layers,
            activations,
        })
    }

    /// What the last layer gave, `[rows, outputs]`.
    pub(crate) fn output(&mut self, rows: usize) -> &mut [f32] {
        let last = self.layers.len() - 1;
        &mut self.activations[last][..rows * self.layers[last].shape.outputs]
    }

    /// The output, and where the gradient of the last bias belongs.
    pub(crate) fn output_and_bias_gradient(&mut self, rows: usize) -> (&mut [f32], &mut [f32]) {
        let last = self.layers.len() - 1;
        let layer = &mut self.layers[last];
        (
            &mut self.activations[last][..rows * layer.shape.outputs],
            &mut layer.bias.gradient,
        )
    }

    /// Runs the batch `x`, `[rows, inputs]`, through all layers.
    pub(crate) fn forward(
        &mut self,
        x: &[f32],
        rows: usize,
        threads: usize,
        dropout: Option<Dropout<'_>>,
    ) {
        let last = self.layers.len() - 1;
        for (index, layer) in self.layers.iter().enumerate() {
            let LayerShape { inputs, outputs } = layer.shape;
            let (before, here) = self.activations.split_at_mut(index);
            let input = before.last().map_or(x, |activation| activation.as_slice());
            let z = &mut here[0][..rows * outputs];
            product_then(
                z,
                View::new(input, rows, inputs),
                View::new(&layer.weight.state.value, outputs, inputs).t(),
                threads,
                BiasRelu {
                    bias: &layer.bias.state.value,
                    relu: index < last,
                },
            );
            if index < last
                && let Some(dropout) = dropout
            {
                passes::multiply(z, &dropout.masks[index]);
            }
        }
    }

    /// Backward from the gradient that [`output`](Self::output) holds (that of the last bias is already in its place) to
    /// the gradients of all weights and biases. The gradient of the first layer's input is never made: nobody needs it.
    pub(crate) fn backward(
        &mut self,
        x: &[f32],
        rows: usize,
        threads: usize,
        scale: f32,
        scratch: &mut Scratch,
    ) {
        for index in (0..self.layers.len()).rev() {
            let (front, layers) = self.layers.split_at_mut(index);
            let layer = &mut layers[0];
            let LayerShape { inputs, outputs } = layer.shape;
            let (before, here) = self.activations.split_at_mut(index);
            let gradient = View::new(&here[0], rows, outputs);
            let input = before.last().map_or(x, |activation| activation.as_slice());
            product(
                &mut layer.weight.gradient,
                gradient.t(),
                View::new(input, rows, inputs),
                threads,
            );
            let (Some(activation), Some(previous)) = (before.last_mut(), front.last_mut()) else {
                break;
            };
            let sums = &mut scratch.sums[..passes::chunks(rows) * inputs];
            let relu = ReluGradient {
                activation: &mut activation[..rows * inputs],
                sums,
                width: inputs,
                scale,
            };
            product_then(
                &mut scratch.inputs[..rows * inputs],
                gradient,
                View::new(&layer.weight.state.value, outputs, inputs),
                threads,
                relu,
            );
            add_chunks(sums, &mut previous.bias.gradient);
        }
    }

    /// One step of RMSprop on every parameter.
    pub(crate) fn learn(&mut self, threads: usize, settings: RmsProp) {
        for layer in &mut self.layers {
            layer.weight.learn(threads, settings);
            layer.bias.learn(threads, settings);
        }
    }

    /// Forgets the optimizer's memory.
    pub(crate) fn reset_optimizer(&mut self) {
        for layer in &mut self.layers {
            layer.weight.reset();
            layer.bias.reset();
        }
    }

    /// Copies shapes, weights and optimizer memory into `into`, whose buffers are kept.
    pub(crate) fn save(&self, into: &mut NetworkState) {
        into.shapes.clear();
        into.shapes
            .extend(self.layers.iter().map(|layer| layer.shape));
        into.parameters
            .resize_with(2 * self.layers.len(), ParameterState::default);
        let parameters = self
            .layers
            .iter()
            .flat_map(|layer| [&layer.weight, &layer.bias]);
        for (into, parameter) in into.parameters.iter_mut().zip(parameters) {
            into.value.clone_from(&parameter.state.value);
            into.square.clone_from(&parameter.state.square);
            into.momentum.clone_from(&parameter.state.momentum);
        }
    }

    #[cfg(test)]
    pub(crate) fn gradients(&self) -> Vec<&[f32]> {
        self.layers
            .iter()
            .flat_map(|layer| [&*layer.weight.gradient, &*layer.bias.gradient])
            .collect()
    }
}
