//! The scoring network of MIL ranking: fully connected, ReLU after the first hidden layer alone, dropout after every
//! hidden layer, a sigmoid on the output, Adagrad.

use sweeps::training::{MatmulPrecision, Mil};

use crate::backend::mlp::{Activations, Dropout, Mlp, Relu, Style};
use crate::backend::state::{LayerShape, NetworkState, chain};
use crate::backend::{Backend, Optimizer, Split};
use crate::error::TrainError;

/// The network, its optimizer, and one batch.
pub(crate) struct MilNetwork<B: Backend> {
    backend: B,
    network: Mlp<B>,
    batch: B::Buffer,
    activations: Activations<B>,
    scores: B::Scores,
    masks: Vec<B::Buffer>,
}

/// The layers from `inputs` over `hidden` to one score.
pub(crate) fn shapes(inputs: usize, hidden: &[usize]) -> Vec<LayerShape> {
    chain(inputs, hidden, 1)
}

impl<B: Backend> MilNetwork<B> {
    /// The network of that state, for batches of up to `rows` rows.
    pub(crate) fn new(
        mut backend: B,
        state: &NetworkState,
        settings: &Mil,
        (learning_rate, precision): (f64, MatmulPrecision),
        rows: usize,
    ) -> Result<Self, TrainError> {
        let style = Style {
            relu: Relu::First,
            wide_bias_sums: true,
            optimizer: Optimizer::Adagrad {
                learning_rate,
                weight_decay: settings.weight_decay,
            },
            precision,
        };
        let network = Mlp::new(&mut backend, state, rows, style)?;
        let inputs = state.shapes.first().map_or(0, |shape| shape.inputs);
        let masks: Vec<B::Buffer> = if settings.dropout > 0.0 {
            let hidden = settings.hidden.iter();
            hidden
                .map(|width| backend.buffer(rows, *width))
                .collect::<Result<_, _>>()?
        } else {
            Vec::new()
        };
        Ok(Self {
            batch: backend.buffer(rows, inputs)?,
            activations: network.activations(&mut backend, rows)?,
            scores: backend.scores(rows)?,
            network,
            masks,
            backend,
        })
    }

    /// σ of the output for these rows. `dropout` is the masks, one per hidden layer, `[rows, width]`, and their factor.
    pub(crate) fn forward(
        &mut self,
        split: Split,
        rows: &[u32],
        dropout: Option<(&[Vec<f32>], f32)>,
    ) -> Result<Vec<f32>, TrainError> {
        self.backend.gather(split, rows, &mut self.batch)?;
        if let Some((masks, _)) = dropout {
            for (values, mask) in masks.iter().zip(&mut self.masks) {
                let width = values.len() / rows.len();
                self.backend.write(values, width, mask)?;
            }
        }
        self.network.forward(
            &mut self.backend,
            &self.batch,
            dropout
                .map(|(_, scale)| Dropout {
                    masks: &self.masks,
                    scale,
                })
                .as_ref(),
            &mut self.activations,
        )?;
        self.backend
            .probabilities(self.activations.last(), &mut self.scores)?;
        let mut scores = Vec::new();
        self.backend.read_scores(&self.scores, &mut scores)?;
        Ok(scores)
    }

    /// One step from `gradient`, that of the loss with respect to each row's logit, for the batch that went forward last.
    /// `scale` is the factor of its dropout.
    pub(crate) fn learn(&mut self, gradient: &[f32], scale: Option<f32>) -> Result<(), TrainError> {
        let (logits, bias_gradient) = self.network.output(&mut self.activations);
        self.backend.write(gradient, 1, logits)?;
        self.backend.column_sums(logits, bias_gradient)?;
        self.network.learn(
            &mut self.backend,
            &self.batch,
            scale
                .map(|scale| Dropout {
                    masks: &self.masks,
                    scale,
                })
                .as_ref(),
            &mut self.activations,
        )
    }

    /// Copies weights and the optimizer's sums to the host. `into` keeps its buffers.
    pub(crate) fn save(&self, into: &mut NetworkState) -> Result<(), TrainError> {
        self.network.save(&self.backend, into)
    }
}
