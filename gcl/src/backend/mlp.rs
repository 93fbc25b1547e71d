//! A fully connected network on any backend: linear layers, ReLU between them, the last one linear, backward written by hand.

use sweeps::training::MatmulPrecision;

use crate::backend::state::{LayerShape, NetworkState, ParameterState};
use crate::backend::{Backend, Gate, Optimizer, Parameter};
use crate::error::TrainError;

/// What differs between the networks that there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Style {
    /// Which hidden layers have a ReLU.
    pub(crate) relu: Relu,
    /// Whether gradients of hidden biases are sums of their own, in f64 on the CPU, instead of the pass's.
    pub(crate) wide_bias_sums: bool,
    pub(crate) optimizer: Optimizer,
    pub(crate) precision: MatmulPrecision,
}

/// Which hidden layers have a ReLU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relu {
    Every,
    First,
}

impl Relu {
    /// Whether hidden layer number `layer` has one.
    fn follows(self, layer: usize) -> bool {
        self == Self::Every || layer == 0
    }
}

/// A network with its optimizer.
pub(crate) struct Mlp<B: Backend> {
    layers: Vec<LayerShape>,
    /// Weight and bias of each layer in turn.
    parameters: Vec<Parameter<B>>,
    style: Style,
}

/// What each layer gave for a batch, `[b, outputs]`. The backward pass turns it into the gradient with respect to the layer's
/// product.
pub(crate) struct Activations<B: Backend>(Vec<B::Buffer>);

/// Masks of a dropout after each hidden layer, `[b, width]`: 0 or `scale`.
pub(crate) struct Dropout<'a, B: Backend> {
    pub(crate) masks: &'a [B::Buffer],
    pub(crate) scale: f32,
}

impl<B: Backend> Mlp<B> {
    /// The network of that state, for batches of up to `rows` rows.
    pub(crate) fn new(
        backend: &mut B,
        state: &NetworkState,
        rows: usize,
        style: Style,
    ) -> Result<Self, TrainError> {
        backend.set_precision(style.precision);
        backend.reserve(rows, &state.shapes)?;
        Ok(Self {
            layers: state.shapes.clone(),
            parameters: backend.parameters(state)?,
            style,
        })
    }

    /// Room for what the layers give for batches of up to `rows` rows.
    pub(crate) fn activations(
        &self,
        backend: &mut B,
        rows: usize,
    ) -> Result<Activations<B>, TrainError> {
        let buffers = self
            .layers
            .iter()
            .map(|shape| backend.buffer(rows, shape.outputs));
        Ok(Activations(buffers.collect::<Result<_, _>>()?))
    }

    /// Runs the batch `x`, `[b, inputs]`, through all layers.
    pub(crate) fn forward(
        &self,
        backend: &mut B,
        x: &B::Buffer,
        dropout: Option<&Dropout<'_, B>>,
        out: &mut Activations<B>,
    ) -> Result<(), TrainError> {
        for index in 0..self.layers.len() {
            let (before, here) = out.0.split_at_mut(index);
            let parameters = &self.parameters[2 * index..];
            let hidden = index + 1 < self.layers.len();
            backend.layer(
                before.last().unwrap_or(x),
                &parameters[0].value,
                &parameters[1].value,
                hidden && self.style.relu.follows(index),
                dropout
                    .filter(|_| hidden)
                    .map(|dropout| &dropout.masks[index]),
                &mut here[0],
            )?;
        }
        Ok(())
    }

    /// The output of `activations`, and where the gradient of the last bias belongs.
    pub(crate) fn output<'a>(
        &'a mut self,
        activations: &'a mut Activations<B>,
    ) -> (&'a mut B::Buffer, &'a mut B::Buffer) {
        let last = self.layers.len() - 1;
        (
            &mut activations.0[last],
            &mut self.parameters[2 * last + 1].gradient,
        )
    }

    /// One step of the optimizer, from the gradient that the output of `activations` holds (that of the last bias is already in
    /// its place). The gradient of the first layer's input is never made: nobody needs it.
    ///
    /// `x` and `dropout` are those of the forward pass.
    pub(crate) fn learn(
        &mut self,
        backend: &mut B,
        x: &B::Buffer,
        dropout: Option<&Dropout<'_, B>>,
        activations: &mut Activations<B>,
    ) -> Result<(), TrainError> {
        self.backward(backend, x, dropout, activations)?;
        backend.optimize(&mut self.parameters, &self.style.optimizer)
    }

    fn backward(
        &mut self,
        backend: &mut B,
        x: &B::Buffer,
        dropout: Option<&Dropout<'_, B>>,
        activations: &mut Activations<B>,
    ) -> Result<(), TrainError> {
        for index in (0..self.layers.len()).rev() {
            let (before, here) = activations.0.split_at_mut(index);
            let (lower, upper) = self.parameters.split_at_mut(2 * index);
            let (gradient, weight) = (&here[0], &mut upper[0]);
            let input = before.last().unwrap_or(x);
            backend.weight_gradient(gradient, input, &mut weight.gradient)?;
            let (Some(activation), Some(bias)) = (before.last_mut(), lower.last_mut()) else {
                break;
            };
            let gate = if self.style.relu.follows(index - 1) {
                Gate::Relu {
                    scale: dropout.map_or(1.0, |dropout| dropout.scale),
                }
            } else {
                Gate::Linear {
                    mask: dropout.map(|dropout| &dropout.masks[index - 1]),
                }
            };
            backend.input_gradient(
                gradient,
                &weight.value,
                gate,
                activation,
                &mut bias.gradient,
            )?;
            if self.style.wide_bias_sums {
                backend.column_sums(activation, &mut bias.gradient)?;
            }
        }
        Ok(())
    }

    /// Forgets the optimizer's memory.
    pub(crate) fn reset_optimizer(&mut self, backend: &mut B) -> Result<(), TrainError> {
        backend.forget(&mut self.parameters)
    }

    /// Copies shapes, weights and optimizer memory into `into`, whose buffers are kept.
    pub(crate) fn save(&self, backend: &B, into: &mut NetworkState) -> Result<(), TrainError> {
        into.shapes.clone_from(&self.layers);
        into.parameters
            .resize_with(self.parameters.len(), ParameterState::default);
        backend.save(&self.parameters, &mut into.parameters)
    }

    /// The gradients of the last step.
    #[cfg(test)]
    pub(crate) fn gradients(&self, backend: &B) -> Vec<Vec<f32>> {
        let gradients = self.parameters.iter().map(|parameter| {
            let mut values = Vec::new();
            backend.read(&parameter.gradient, &mut values).unwrap();
            values
        });
        gradients.collect()
    }
}

impl<B: Backend> Activations<B> {
    /// What the last layer gave.
    pub(crate) fn last(&self) -> &B::Buffer {
        &self.0[self.0.len() - 1]
    }
}
