//! What a device does for the networks: one trait, [`Backend`], over matrices of f32 that lie where it computes.
//!
//! Above the trait there is one network ([`mlp`]) and one pair of G and D ([`networks`]). Below it: [`cpu`] (buffers that are
//! made once, hand-fused passes), `cuda` (kernels of our own between cuBLAS's products) and [`candle`] (candle's operations on any
//! device that it knows: the oracle of the others). The equations that all three must compute stand in [`crate::paper`];
//! `equations` holds them against it.

#[cfg(feature = "candle")]
pub(crate) mod candle;
pub(crate) mod cpu;
#[cfg(any(feature = "cuda", test))]
pub(crate) mod cuda;
#[cfg(test)]
mod equations;
#[cfg(test)]
mod gradients;
pub(crate) mod mlp;
pub(crate) mod networks;
pub(crate) mod open;
pub(crate) mod state;

use sweeps::training::{MatmulPrecision, ReconstructionError, RmsProp};

use crate::backend::state::{LayerShape, NetworkState, ParameterState};
use crate::error::TrainError;
use crate::method::labels::{HostLabels, LabelRule, Supervision};

/// Which matrix rows come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Split {
    Train,
    Test,
}

/// A weight or bias with the optimizer's memory of it and the gradient of the last backward pass, all of one shape: weights
/// `[outputs, inputs]`, biases `[1, outputs]`.
pub(crate) struct Parameter<B: Backend> {
    pub(crate) value: B::Buffer,
    /// s of RMSprop, or Adagrad's sum of squares.
    pub(crate) square: B::Buffer,
    /// m of RMSprop; zeros under Adagrad.
    pub(crate) momentum: B::Buffer,
    pub(crate) gradient: B::Buffer,
}

/// How parameters follow their gradients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Optimizer {
    /// As PyTorch makes it: s ← αs + (1−α)g²; m ← μm + g/(√s + ε); w ← w − ηm.
    RmsProp {
        settings: RmsProp,
        learning_rate: f64,
    },
    /// g ← g + λw; s ← s + g²; w ← w − ηg/(√s + ε), ε = 1e-10.
    Adagrad {
        learning_rate: f64,
        weight_decay: f64,
    },
}

/// Adagrad's ε, PyTorch's default.
pub(crate) const ADAGRAD_EPSILON: f64 = 1e-10;

/// What a gradient meets on its way from a layer's output back to what the layer's product gave.
#[derive(Debug)]
pub(crate) enum Gate<'a, M> {
    /// A ReLU, and a dropout that multiplied what it kept by `scale` (1 without one): its zeros are the ReLU's.
    Relu { scale: f32 },
    /// No ReLU; the mask of a dropout, if there was one.
    Linear { mask: Option<&'a M> },
}

/// G's targets for a batch (Eq. 6), row by row. Labels above one half mean anomalous.
#[derive(Debug)]
pub(crate) enum Target<'a, B: Backend> {
    /// The features themselves.
    Input,
    /// All ones for anomalous rows.
    Ones { labels: &'a B::Labels },
    /// The features of that row of the batch.
    Replace { sources: Vec<u32> },
    /// Features + σ·noise for the rows of `positive`; `noise` is `[positive.len(), d]`.
    Gaussian {
        positive: Vec<u32>,
        noise: Vec<f32>,
        sigma: f64,
    },
    /// Anomalous rows are left out of the loss, which is the mean over the `kept` others. With none kept, nothing is
    /// learned and the loss is 0.
    Without { labels: &'a B::Labels, kept: usize },
}

/// What a step found, where it was made; `None` where the step did no such thing.
pub(crate) struct Findings<B: Backend> {
    pub(crate) labels_g: Option<B::Labels>,
    pub(crate) loss_d: Option<B::Loss>,
    pub(crate) labels_d: Option<B::Labels>,
    pub(crate) loss_g: Option<B::Loss>,
}

impl<B: Backend> Default for Findings<B> {
    fn default() -> Self {
        Self {
            labels_g: None,
            loss_d: None,
            labels_d: None,
            loss_g: None,
        }
    }
}

/// [`Findings`] on the host. Keeps its buffers from step to step.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Report {
    /// Labels by G, after masking, and their threshold; no values where G did not label.
    pub(crate) labels_g: HostLabels,
    /// Labels by D, likewise.
    pub(crate) labels_d: HostLabels,
    pub(crate) loss_d: Option<f64>,
    pub(crate) loss_g: Option<f64>,
}

impl Report {
    /// Takes labels of G and of D and losses of D and of G.
    pub(crate) fn set(
        &mut self,
        [labels_g, labels_d]: [Option<&HostLabels>; 2],
        [loss_d, loss_g]: [Option<f64>; 2],
    ) {
        for (into, labels) in [
            (&mut self.labels_g, labels_g),
            (&mut self.labels_d, labels_d),
        ] {
            match labels {
                Some(labels) => into.clone_from(labels),
                None => into.clear(),
            }
        }
        (self.loss_d, self.loss_g) = (loss_d, loss_g);
    }
}

/// Operations on matrices `[rows, columns]` of f32, row by row, in buffers that belong to the caller.
///
/// Every operation writes all of its `out` arguments, which have room for as many rows as the inputs have, and sets how many
/// rows they hold. A backend may put operations in a queue: only what copies to the host ([`read`](Self::read) and the other
/// `read_…`, [`save`](Self::save)) has to wait. Rows are independent of each other, sums over rows have an order that neither
/// the number of threads nor timing changes.
pub(crate) trait Backend: Sized {
    /// A matrix.
    type Buffer: 'static;
    /// One number a row of a batch: reconstruction errors (Eq. 1) or probabilities of D.
    type Scores: 'static;
    /// Pseudo labels of a batch, in `[0, 1]`, with the threshold that made them.
    type Labels: 'static;
    /// A loss that nobody has read yet.
    type Loss: 'static;

    /// Makes products in that precision from here on; in f32 before.
    fn set_precision(&mut self, precision: MatmulPrecision);

    /// A matrix with room for `rows` rows.
    fn buffer(&mut self, rows: usize, columns: usize) -> Result<Self::Buffer, TrainError>;

    /// Room for the scores of `rows` rows.
    fn scores(&mut self, rows: usize) -> Result<Self::Scores, TrainError>;

    /// Room for the labels of `rows` rows.
    fn labels(&mut self, rows: usize) -> Result<Self::Labels, TrainError>;

    /// Makes what the passes of a network of these layers need besides its buffers, for batches of up to `rows` rows.
    fn reserve(&mut self, _rows: usize, _layers: &[LayerShape]) -> Result<(), TrainError> {
        Ok(())
    }

    /// The parameters of a network, weight and bias of each layer in turn. An empty memory of the optimizer is zeros.
    fn parameters(&mut self, state: &NetworkState) -> Result<Vec<Parameter<Self>>, TrainError>;

    /// Copies values and optimizer memory to the host. `into` keeps its buffers.
    fn save(
        &self,
        parameters: &[Parameter<Self>],
        into: &mut [ParameterState],
    ) -> Result<(), TrainError>;

    /// Zeroes the optimizer's memory.
    fn forget(&mut self, parameters: &mut [Parameter<Self>]) -> Result<(), TrainError>;

    /// Copies `values`, rows of `columns`, from the host.
    fn write(
        &mut self,
        values: &[f32],
        columns: usize,
        out: &mut Self::Buffer,
    ) -> Result<(), TrainError>;

    /// Copies a matrix to the host.
    fn read(&self, buffer: &Self::Buffer, out: &mut Vec<f32>) -> Result<(), TrainError>;

    /// Gathers the rows of a batch: f, `[rows.len(), d]`.
    fn gather(
        &mut self,
        split: Split,
        rows: &[u32],
        out: &mut Self::Buffer,
    ) -> Result<(), TrainError>;

    /// out ← input · weightᵀ + bias, then max(·, 0) where `relu` is set, then times `mask`.
    ///
    /// # Shapes
    /// `input`: `[b, inputs]`; `weight`: `[outputs, inputs]`; `bias`: `[1, outputs]`; `mask`, `out`: `[b, outputs]`.
    fn layer(
        &mut self,
        input: &Self::Buffer,
        weight: &Self::Buffer,
        bias: &Self::Buffer,
        relu: bool,
        mask: Option<&Self::Buffer>,
        out: &mut Self::Buffer,
    ) -> Result<(), TrainError>;

    /// out ← gradientᵀ · input.
    ///
    /// # Shapes
    /// `gradient`: `[b, outputs]`; `input`: `[b, inputs]`; `out`: `[outputs, inputs]`.
    fn weight_gradient(
        &mut self,
        gradient: &Self::Buffer,
        input: &Self::Buffer,
        out: &mut Self::Buffer,
    ) -> Result<(), TrainError>;

    /// activation ← (gradient · weight) through `gate`: the gradient with respect to the product of the layer before, in the
    /// place of what that layer gave; and its column sums, the gradient of that layer's bias.
    ///
    /// # Shapes
    /// `gradient`: `[b, outputs]`; `weight`: `[outputs, inputs]`; `activation`: `[b, inputs]`; `bias_gradient`: `[1, inputs]`.
    fn input_gradient(
        &mut self,
        gradient: &Self::Buffer,
        weight: &Self::Buffer,
        gate: Gate<'_, Self::Buffer>,
        activation: &mut Self::Buffer,
        bias_gradient: &mut Self::Buffer,
    ) -> Result<(), TrainError>;

    /// out ← the sums over each column, `[1, columns]`, in f64 on the CPU.
    fn column_sums(
        &mut self,
        gradient: &Self::Buffer,
        out: &mut Self::Buffer,
    ) -> Result<(), TrainError>;

    /// One step of the optimizer on all parameters of a network.
    fn optimize(
        &mut self,
        parameters: &mut [Parameter<Self>],
        optimizer: &Optimizer,
    ) -> Result<(), TrainError>;

    /// The reconstruction error of every row (Eq. 1).
    ///
    /// # Shapes
    /// `f`, `f_hat`: `[b, d]`; `out`: `[b]`.
    fn row_errors(
        &mut self,
        f: &Self::Buffer,
        f_hat: &Self::Buffer,
        error: ReconstructionError,
        out: &mut Self::Scores,
    ) -> Result<(), TrainError>;

    /// p = σ(logits).
    ///
    /// # Shapes
    /// `logits`: `[b, 1]`; `out`: `[b]`.
    fn probabilities(
        &mut self,
        logits: &Self::Buffer,
        out: &mut Self::Scores,
    ) -> Result<(), TrainError>;

    /// Eq. 3 on logits: gives the loss, turns `logits` into its gradient with respect to them and `bias_gradient`, `[1, 1]`,
    /// into that of the last bias.
    fn discriminator_loss(
        &mut self,
        logits: &mut Self::Buffer,
        labels: &Self::Labels,
        bias_gradient: &mut Self::Buffer,
    ) -> Result<Self::Loss, TrainError>;

    /// Eq. 5: gives the loss, turns `f_hat` into its gradient with respect to it and `bias_gradient`, `[1, d]`, into that of the
    /// last bias. Of [`Target::Without`] at least one row is kept. The gradient of the norm at zero is zero.
    fn generator_loss(
        &mut self,
        f_hat: &mut Self::Buffer,
        f: &Self::Buffer,
        target: &Target<'_, Self>,
        error: ReconstructionError,
        bias_gradient: &mut Self::Buffer,
    ) -> Result<Self::Loss, TrainError>;

    /// The loss of a step that learned nothing: 0.
    fn no_loss(&mut self) -> Result<Self::Loss, TrainError>;

    /// Labels scores (Eqs. 2 and 4) without the host, where it can; gives whether it did. Where it did not, the scores are read,
    /// labelled by [`crate::method::labels`] and the labels written back.
    ///
    /// `rows` are the batch's rows, by which `supervision` knows their videos.
    fn label(
        &mut self,
        _scores: &Self::Scores,
        _rule: LabelRule,
        _supervision: Option<Supervision<'_>>,
        _rows: &[u32],
        _out: &mut Self::Labels,
    ) -> Result<bool, TrainError> {
        Ok(false)
    }

    /// Copies labels from the host.
    fn write_labels(
        &mut self,
        labels: &HostLabels,
        out: &mut Self::Labels,
    ) -> Result<(), TrainError>;

    /// Copies scores to the host.
    fn read_scores(&self, scores: &Self::Scores, out: &mut Vec<f32>) -> Result<(), TrainError>;

    /// Copies the values of labels to the host.
    fn read_labels(&self, labels: &Self::Labels, out: &mut Vec<f32>) -> Result<(), TrainError>;

    /// Copies all that a step found to the host, in one go.
    fn read_findings(
        &mut self,
        findings: &Findings<Self>,
        report: &mut Report,
    ) -> Result<(), TrainError>;
}
