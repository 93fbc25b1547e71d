//! The scoring network of MIL ranking: fully connected, ReLU after the first hidden layer alone, dropout after every
//! hidden layer, a sigmoid on the output, Adagrad.

use kernels::product::{View, product};

use crate::backend::sigmoid;
use crate::backend::state::{LayerShape, NetworkState};

/// Adagrad's ε, PyTorch's default.
const EPSILON: f64 = 1e-10;

/// A network with its optimizer's sums (in `square` of its state).
pub(crate) struct MilNetwork {
    pub(crate) state: NetworkState,
    threads: usize,
    /// What each layer gave for the last batch, after ReLU and dropout.
    activations: Vec<Vec<f32>>,
}

/// The layers from `inputs` over `hidden` to one score.
pub(crate) fn shapes(inputs: usize, hidden: &[usize]) -> Vec<LayerShape> {
    let widths: Vec<usize> = [inputs]
        .into_iter()
        .chain(hidden.iter().copied())
        .chain([1])
        .collect();
    widths
        .windows(2)
        .map(|pair| LayerShape {
            inputs: pair[0],
            outputs: pair[1],
        })
        .collect()
}

impl MilNetwork {
    pub(crate) fn new(mut state: NetworkState, threads: usize) -> Self {
        for parameter in &mut state.parameters {
            // Adagrad's sums; empty before the first step.
            parameter.square.resize(parameter.value.len(), 0.0);
        }
        Self {
            activations: vec![Vec::new(); state.shapes.len()],
            state,
            threads,
        }
    }

    /// σ of the output for the rows of `x`, `[rows, inputs]`. `masks`, one per hidden layer or none, are dropout's.
    pub(crate) fn forward(&mut self, x: &[f32], rows: usize, masks: &[Vec<f32>]) -> Vec<f32> {
        let last = self.state.shapes.len() - 1;
        for (index, shape) in self.state.shapes.iter().enumerate() {
            let (before, here) = self.activations.split_at_mut(index);
            let input = before.last().map_or(x, |activation| activation.as_slice());
            let z = &mut here[0];
            z.resize(rows * shape.outputs, 0.0);
            let weight = &self.state.parameters[2 * index].value;
            product(
                z,
                View::new(input, rows, shape.inputs),
                View::new(weight, shape.outputs, shape.inputs).t(),
                self.threads,
            );
            let bias = &self.state.parameters[2 * index + 1].value;
            for row in z.chunks_exact_mut(shape.outputs) {
                for (value, bias) in row.iter_mut().zip(bias) {
                    *value += bias;
                    // Not `max`: a NaN must stay one.
                    if index == 0 && index < last && *value < 0.0 {
                        *value = 0.0;
                    }
                }
            }
            if let Some(mask) = masks.get(index) {
                for (value, mask) in z.iter_mut().zip(mask) {
                    *value *= mask;
                }
            }
        }
        self.activations[last]
            .iter()
            .map(|logit| sigmoid(f64::from(*logit)) as f32)
            .collect()
    }

    /// One step from `gradient`, that of the loss with respect to each row's logit, for the batch that went forward last.
    pub(crate) fn learn(
        &mut self,
        x: &[f32],
        masks: &[Vec<f32>],
        gradient: Vec<f32>,
        learning_rate: f64,
        weight_decay: f64,
    ) {
        let rows = gradient.len();
        let mut gradient = gradient;
        let mut updates = Vec::with_capacity(self.state.shapes.len());
        for (index, shape) in self.state.shapes.iter().enumerate().rev() {
            let input = match index.checked_sub(1) {
                Some(before) => &self.activations[before],
                None => x,
            };
            let z = View::new(&gradient, rows, shape.outputs);
            let mut weight = vec![0.0; shape.inputs * shape.outputs];
            product(
                &mut weight,
                z.t(),
                View::new(input, rows, shape.inputs),
                self.threads,
            );
            let mut sums = vec![0.0; shape.outputs];
            for row in gradient.chunks_exact(shape.outputs) {
                for (sum, value) in sums.iter_mut().zip(row) {
                    *sum += f64::from(*value);
                }
            }
            let bias: Vec<f32> = sums.into_iter().map(|sum| sum as f32).collect();
            updates.push((index, weight, bias));
            let Some(before) = index.checked_sub(1) else {
                break;
            };
            let mut back = vec![0.0; rows * shape.inputs];
            product(
                &mut back,
                z,
                View::new(
                    &self.state.parameters[2 * index].value,
                    shape.outputs,
                    shape.inputs,
                ),
                self.threads,
            );
            if let Some(mask) = masks.get(before) {
                for (value, mask) in back.iter_mut().zip(mask) {
                    *value *= mask;
                }
            }
            if before == 0 {
                for (value, activation) in back.iter_mut().zip(&self.activations[0]) {
                    if *activation <= 0.0 {
                        *value = 0.0;
                    }
                }
            }
            gradient = back;
        }
        for (index, weight, bias) in updates {
            for (parameter, gradient) in [(2 * index, weight), (2 * index + 1, bias)] {
                let parameter = &mut self.state.parameters[parameter];
                let values = parameter.value.iter_mut().zip(&mut parameter.square);
                for ((value, sum), gradient) in values.zip(&gradient) {
                    let gradient = f64::from(*gradient) + weight_decay * f64::from(*value);
                    let total = f64::from(*sum) + gradient * gradient;
                    *sum = total as f32;
                    *value = (f64::from(*value)
                        - learning_rate * gradient / (total.sqrt() + EPSILON))
                        as f32;
                }
            }
        }
    }
}
