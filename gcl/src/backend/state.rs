//! The two networks as numbers on the host: their shapes (§4, implementation details) and their state between epochs.
//!
//! Nothing here computes: backends do, and all read and write this form.

use serde::{Deserialize, Serialize};
use sweeps::Training;

/// Which network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// G.
    Generator,
    /// D.
    Discriminator,
}

impl Role {
    /// The prefix of its tensors in traces and checkpoints.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Generator => "generator",
            Self::Discriminator => "discriminator",
        }
    }
}

/// One fully connected layer: y = W x + b with W `[outputs, inputs]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LayerShape {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

impl LayerShape {
    /// Length of the weight and of the bias.
    pub(crate) fn lengths(self) -> [usize; 2] {
        [self.inputs * self.outputs, self.outputs]
    }
}

/// The layers of G for features of `dimension`: d → d/2 → d/4 → d/8 → d/4 → d/2 → d, rounded down, at least one unit.
pub(crate) fn generator_shapes(dimension: usize, training: &Training) -> Vec<LayerShape> {
    let hidden = training.generator_widths.clone().unwrap_or_else(|| {
        [2, 4, 8, 4, 2]
            .map(|share| (dimension / share).max(1))
            .to_vec()
    });
    chain(dimension, &hidden, dimension)
}

/// The layers of D for features of `dimension`: d → d/4 → 32 → 1.
pub(crate) fn discriminator_shapes(dimension: usize, training: &Training) -> Vec<LayerShape> {
    let hidden = training
        .discriminator_widths
        .clone()
        .unwrap_or_else(|| vec![(dimension / 4).max(1), 32]);
    chain(dimension, &hidden, 1)
}

/// The layers from `inputs` over `hidden` to `outputs`.
pub(crate) fn chain(inputs: usize, hidden: &[usize], outputs: usize) -> Vec<LayerShape> {
    let ends = hidden.iter().copied().chain([outputs]);
    let begins = [inputs].into_iter().chain(hidden.iter().copied());
    begins
        .zip(ends)
        .map(|(inputs, outputs)| LayerShape { inputs, outputs })
        .collect()
}

/// One weight or bias with the optimizer's memory of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ParameterState {
    pub(crate) value: Vec<f32>,
    /// s of RMSprop; empty before the first step.
    pub(crate) square: Vec<f32>,
    /// m of RMSprop; empty before the first step.
    pub(crate) momentum: Vec<f32>,
}

impl ParameterState {
    pub(crate) fn new(value: Vec<f32>) -> Self {
        Self {
            value,
            ..Self::default()
        }
    }
}

/// One network: weight and bias of every layer, in turn.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct NetworkState {
    pub(crate) shapes: Vec<LayerShape>,
    pub(crate) parameters: Vec<ParameterState>,
}

/// G and, where the method has one, D.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct PairState {
    pub(crate) generator: NetworkState,
    pub(crate) discriminator: Option<NetworkState>,
}

impl PairState {
    /// Both with their roles.
    pub(crate) fn networks(&self) -> impl Iterator<Item = (Role, &NetworkState)> {
        [(Role::Generator, &self.generator)].into_iter().chain(
            self.discriminator
                .as_ref()
                .map(|network| (Role::Discriminator, network)),
        )
    }
}

/// The name of a parameter's tensor: `generator.0.weight`.
pub(crate) fn tensor_name(role: Role, parameter: usize) -> String {
    let kind = if parameter.is_multiple_of(2) {
        "weight"
    } else {
        "bias"
    };
    format!("{}.{}.{kind}", role.name(), parameter / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweeps::{DatasetSource, JobSpec, Parameters};

    fn widths(shapes: &[LayerShape]) -> Vec<usize> {
        shapes.iter().map(|shape| shape.outputs).collect()
    }

    #[test]
    fn the_papers_widths() {
        let training = Training::of(&JobSpec::resolve(
            DatasetSource::Named("any".into()),
            0,
            &Parameters::default(),
        ));
        assert_eq!(
            widths(&generator_shapes(2048, &training)),
            [1024, 512, 256, 512, 1024, 2048]
        );
        assert_eq!(widths(&discriminator_shapes(2048, &training)), [512, 32, 1]);
        assert_eq!(
            widths(&generator_shapes(147, &training)),
            [73, 36, 18, 36, 73, 147]
        );
        assert_eq!(widths(&generator_shapes(3, &training)), [1, 1, 1, 1, 1, 3]);
    }
}
