//! G and, where there is one, D on any backend, with their optimizers.
//!
//! A batch that was gathered is a [`Batch`]; what G made of one is a [`Reconstruction`], which learning uses up. Both, like
//! scores and labels, are buffers of the pair, lent out: whoever gives them back ([`Networks::put_back`] and the methods that
//! take them by value) saves the next step an allocation.

use sweeps::Training;
use sweeps::training::ReconstructionError;

use crate::backend::mlp::{Activations, Dropout, Mlp, Relu, Style};
use crate::backend::state::{NetworkState, PairState};
use crate::backend::{Backend, Findings, Optimizer, Report, Split, Target};
use crate::data::device_cache::working_bytes;
use crate::error::TrainError;
use crate::method::labels::{HostLabels, LabelRule, Supervision, label};

/// The rows of a batch, f.
pub(crate) struct Batch<B: Backend> {
    features: B::Buffer,
    rows: Vec<u32>,
}

/// What G made of a batch: f̂, and what its layers gave on the way.
pub(crate) struct Reconstruction<B: Backend>(Activations<B>);

/// Masks of D's dropout on the host, one per hidden layer, `[b, width]`: 0 or `scale`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HostMasks<'a> {
    pub(crate) masks: &'a [Vec<f32>],
    pub(crate) scale: f32,
}

/// G and D, their optimizers, and the buffers of a step. A state without layers of G makes a D alone.
pub(crate) struct Networks<B: Backend> {
    backend: B,
    generator: Option<Mlp<B>>,
    discriminator: Option<Discriminator<B>>,
    error: ReconstructionError,
    dimension: usize,
    capacity: usize,
    spare: Spare<B>,
}

struct Discriminator<B: Backend> {
    network: Mlp<B>,
    activations: Activations<B>,
    /// Widths of the hidden layers.
    hidden: Vec<usize>,
    /// Made at the first dropout.
    masks: Vec<B::Buffer>,
}

/// What nobody uses at the moment.
struct Spare<B: Backend> {
    batches: Vec<Batch<B>>,
    reconstructions: Vec<Reconstruction<B>>,
    scores: Vec<B::Scores>,
    labels: Vec<B::Labels>,
    /// Of labelling on the host.
    host_scores: Vec<f32>,
    host_labels: HostLabels,
    scratch: Vec<f32>,
}

impl<B: Backend> Networks<B> {
    /// Networks of that state, for batches of up to `capacity` rows.
    pub(crate) fn new(
        mut backend: B,
        state: &PairState,
        training: &Training,
        capacity: usize,
    ) -> Result<Self, TrainError> {
        let style = Style {
            relu: Relu::Every,
            wide_bias_sums: false,
            optimizer: Optimizer::RmsProp {
                settings: training.optimizer,
                learning_rate: training.learning_rate,
            },
            precision: training.matmul_precision,
        };
        let generator = if state.generator.shapes.is_empty() {
            None
        } else {
            Some(Mlp::new(&mut backend, &state.generator, capacity, style)?)
        };
        let discriminator = match &state.discriminator {
            Some(state) => {
                let network = Mlp::new(&mut backend, state, capacity, style)?;
                let last = state.shapes.len().saturating_sub(1);
                Some(Discriminator {
                    activations: network.activations(&mut backend, capacity)?,
                    network,
                    hidden: state.shapes[..last].iter().map(|s| s.outputs).collect(),
                    masks: Vec::new(),
                })
            }
            None => None,
        };
        let mut shapes = state.networks().flat_map(|(_, network)| &network.shapes);
        let dimension = shapes.next().map_or(0, |s| s.inputs);
        let spare = Spare {
            batches: vec![Batch {
                features: backend.buffer(capacity, dimension)?,
                rows: Vec::with_capacity(capacity),
            }],
            reconstructions: match &generator {
                Some(generator) => {
                    vec![Reconstruction(
                        generator.activations(&mut backend, capacity)?,
                    )]
                }
                None => Vec::new(),
            },
            scores: Vec::new(),
            labels: Vec::new(),
            host_scores: Vec::new(),
            host_labels: HostLabels::default(),
            scratch: Vec::new(),
        };
        Ok(Self {
            backend,
            generator,
            discriminator,
            error: training.reconstruction_error,
            dimension,
            capacity,
            spare,
        })
    }

    /// Length of a row of features.
    pub(crate) fn dimension(&self) -> usize {
        self.dimension
    }

    /// Whether there is a G.
    pub(crate) fn has_generator(&self) -> bool {
        self.generator.is_some()
    }

    /// Whether there is a D.
    pub(crate) fn has_discriminator(&self) -> bool {
        self.discriminator.is_some()
    }

    /// Widths of D's hidden layers.
    pub(crate) fn hidden_widths(&self) -> &[usize] {
        self.discriminator.as_ref().map_or(&[], |d| &d.hidden)
    }

    /// Rows that fit in one batch.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Gathers the rows of a batch.
    pub(crate) fn load(&mut self, split: Split, rows: &[u32]) -> Result<Batch<B>, TrainError> {
        let mut batch = match self.spare.batches.pop() {
            Some(batch) => batch,
            None => Batch {
                features: self.backend.buffer(self.capacity, self.dimension)?,
                rows: Vec::new(),
            },
        };
        self.backend.gather(split, rows, &mut batch.features)?;
        batch.rows.clear();
        batch.rows.extend_from_slice(rows);
        Ok(batch)
    }

    /// f̂ = G(f).
    pub(crate) fn reconstruct(
        &mut self,
        batch: &Batch<B>,
    ) -> Result<Reconstruction<B>, TrainError> {
        let generator = self.generator.as_ref().ok_or_else(no_generator)?;
        let mut reconstruction = match self.spare.reconstructions.pop() {
            Some(reconstruction) => reconstruction,
            None => Reconstruction(generator.activations(&mut self.backend, self.capacity)?),
        };
        generator.forward(
            &mut self.backend,
            &batch.features,
            None,
            &mut reconstruction.0,
        )?;
        Ok(reconstruction)
    }

    /// The reconstruction error of every row (Eq. 1).
    pub(crate) fn reconstruction_errors(
        &mut self,
        batch: &Batch<B>,
        reconstruction: &Reconstruction<B>,
    ) -> Result<B::Scores, TrainError> {
        let mut errors = self.spare_scores()?;
        self.backend.row_errors(
            &batch.features,
            reconstruction.0.last(),
            self.error,
            &mut errors,
        )?;
        Ok(errors)
    }

    /// p = σ(D(f)) without dropout.
    pub(crate) fn probabilities(&mut self, batch: &Batch<B>) -> Result<B::Scores, TrainError> {
        let mut probabilities = self.spare_scores()?;
        let d = self.discriminator.as_mut().ok_or_else(no_discriminator)?;
        d.network
            .forward(&mut self.backend, &batch.features, None, &mut d.activations)?;
        self.backend
            .probabilities(d.activations.last(), &mut probabilities)?;
        Ok(probabilities)
    }

    /// D's output before the sigmoid, without dropout, on the host.
    pub(crate) fn read_logits(
        &mut self,
        batch: &Batch<B>,
        out: &mut Vec<f32>,
    ) -> Result<(), TrainError> {
        let d = self.discriminator.as_mut().ok_or_else(no_discriminator)?;
        d.network
            .forward(&mut self.backend, &batch.features, None, &mut d.activations)?;
        self.backend.read(d.activations.last(), out)
    }

    /// Labels of a batch that were made elsewhere.
    pub(crate) fn write_labels(&mut self, values: &[f32]) -> Result<B::Labels, TrainError> {
        let mut labels = match self.spare.labels.pop() {
            Some(labels) => labels,
            None => self.backend.labels(self.capacity)?,
        };
        let host = &mut self.spare.host_labels;
        host.clear();
        host.values.extend_from_slice(values);
        self.backend.write_labels(host, &mut labels)?;
        Ok(labels)
    }

    /// Labels the scores of a batch (Eqs. 2 and 4).
    pub(crate) fn label(
        &mut self,
        batch: &Batch<B>,
        scores: B::Scores,
        rule: LabelRule,
        supervision: Option<Supervision<'_>>,
    ) -> Result<B::Labels, TrainError> {
        let (backend, spare) = (&mut self.backend, &mut self.spare);
        let mut labels = match spare.labels.pop() {
            Some(labels) => labels,
            None => backend.labels(self.capacity)?,
        };
        if !backend.label(&scores, rule, supervision, &batch.rows, &mut labels)? {
            backend.read_scores(&scores, &mut spare.host_scores)?;
            label(
                &spare.host_scores,
                rule,
                supervision,
                &batch.rows,
                &mut spare.scratch,
                &mut spare.host_labels,
            );
            backend.write_labels(&spare.host_labels, &mut labels)?;
        }
        spare.scores.push(scores);
        Ok(labels)
    }

    /// One step of D on the batch with these labels (Eq. 3). Gives the loss before the step.
    pub(crate) fn fit_discriminator(
        &mut self,
        batch: &Batch<B>,
        labels: &B::Labels,
        dropout: Option<HostMasks<'_>>,
    ) -> Result<B::Loss, TrainError> {
        let backend = &mut self.backend;
        let d = self.discriminator.as_mut().ok_or_else(no_discriminator)?;
        if let Some(dropout) = dropout {
            for (index, mask) in dropout.masks.iter().enumerate() {
                if d.masks.len() == index {
                    d.masks
                        .push(backend.buffer(self.capacity, d.hidden[index])?);
                }
                backend.write(mask, d.hidden[index], &mut d.masks[index])?;
            }
        }
        let dropout = dropout.map(|dropout| Dropout {
            masks: &d.masks,
            scale: dropout.scale,
        });
        let x = &batch.features;
        d.network
            .forward(backend, x, dropout.as_ref(), &mut d.activations)?;
        let (logits, bias_gradient) = d.network.output(&mut d.activations);
        let loss = backend.discriminator_loss(logits, labels, bias_gradient)?;
        d.network
            .learn(backend, x, dropout.as_ref(), &mut d.activations)?;
        Ok(loss)
    }

    /// One step of G on the batch (Eq. 5), from its reconstruction. Gives the loss before the step.
    pub(crate) fn fit_generator(
        &mut self,
        batch: &Batch<B>,
        reconstruction: Reconstruction<B>,
        target: &Target<'_, B>,
    ) -> Result<B::Loss, TrainError> {
        let backend = &mut self.backend;
        let generator = self.generator.as_mut().ok_or_else(no_generator)?;
        let mut activations = reconstruction.0;
        let loss = if let Target::Without { kept: 0, .. } = target {
            backend.no_loss()?
        } else {
            let (f_hat, bias_gradient) = generator.output(&mut activations);
            let f = &batch.features;
            let loss = backend.generator_loss(f_hat, f, target, self.error, bias_gradient)?;
            generator.learn(backend, f, None, &mut activations)?;
            loss
        };
        self.spare.reconstructions.push(Reconstruction(activations));
        Ok(loss)
    }

    /// Copies f̂ to the host, `[b, d]`.
    pub(crate) fn read_reconstruction(
        &mut self,
        reconstruction: Reconstruction<B>,
        out: &mut Vec<f32>,
    ) -> Result<(), TrainError> {
        self.backend.read(reconstruction.0.last(), out)?;
        self.spare.reconstructions.push(reconstruction);
        Ok(())
    }

    /// Copies scores to the host.
    pub(crate) fn read_scores(
        &mut self,
        scores: B::Scores,
        out: &mut Vec<f32>,
    ) -> Result<(), TrainError> {
        self.backend.read_scores(&scores, out)?;
        self.spare.scores.push(scores);
        Ok(())
    }

    /// Copies labels to the host.
    pub(crate) fn read_labels(
        &self,
        labels: &B::Labels,
        out: &mut Vec<f32>,
    ) -> Result<(), TrainError> {
        self.backend.read_labels(labels, out)
    }

    /// Copies all that a step found to the host.
    pub(crate) fn read_findings(
        &mut self,
        findings: Findings<B>,
        report: &mut Report,
    ) -> Result<(), TrainError> {
        self.backend.read_findings(&findings, report)?;
        let labels = [findings.labels_g, findings.labels_d];
        self.spare.labels.extend(labels.into_iter().flatten());
        Ok(())
    }

    /// Takes back a batch, and what was reconstructed of it and not learned from.
    pub(crate) fn put_back(&mut self, batch: Batch<B>, reconstruction: Option<Reconstruction<B>>) {
        self.spare.batches.push(batch);
        self.spare.reconstructions.extend(reconstruction);
    }

    /// Forgets both optimizers' memory.
    pub(crate) fn reset_optimizers(&mut self) -> Result<(), TrainError> {
        if let Some(generator) = &mut self.generator {
            generator.reset_optimizer(&mut self.backend)?;
        }
        if let Some(d) = &mut self.discriminator {
            d.network.reset_optimizer(&mut self.backend)?;
        }
        Ok(())
    }

    /// Copies weights and optimizer memory to the host. `into` keeps its buffers.
    pub(crate) fn save(&self, into: &mut PairState) -> Result<(), TrainError> {
        match &self.generator {
            Some(generator) => generator.save(&self.backend, &mut into.generator)?,
            None => into.generator = NetworkState::default(),
        }
        match &self.discriminator {
            Some(d) => d
                .network
                .save(&self.backend, into.discriminator.get_or_insert_default())?,
            None => into.discriminator = None,
        }
        Ok(())
    }

    fn spare_scores(&mut self) -> Result<B::Scores, TrainError> {
        match self.spare.scores.pop() {
            Some(scores) => Ok(scores),
            None => self.backend.scores(self.capacity),
        }
    }

    /// A loss on the host.
    #[cfg(test)]
    pub(crate) fn read_loss(&mut self, loss: B::Loss) -> f64 {
        let mut report = Report::default();
        let findings = Findings {
            loss_g: Some(loss),
            ..Findings::default()
        };
        self.read_findings(findings, &mut report).unwrap();
        report.loss_g.unwrap()
    }

    /// The gradients of the last step of G and of D.
    #[cfg(test)]
    pub(crate) fn gradients(&self) -> [Vec<Vec<f32>>; 2] {
        let (g, d) = (self.generator.as_ref(), self.discriminator.as_ref());
        [
            g.map(|g| g.gradients(&self.backend)).unwrap_or_default(),
            d.map(|d| d.network.gradients(&self.backend))
                .unwrap_or_default(),
        ]
    }
}

impl<B: Backend> Batch<B> {
    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Which rows these are.
    pub(crate) fn rows(&self) -> &[u32] {
        &self.rows
    }
}

/// What networks and batches take of a device at most.
pub(crate) fn bytes_needed(state: &PairState, dimension: usize, capacity: usize) -> usize {
    let shapes = state.networks().flat_map(|(_, network)| &network.shapes);
    let (parameters, widths) = shapes.fold((0, 0), |(parameters, widths), shape| {
        let own = (shape.inputs + 1) * shape.outputs;
        (parameters + own, widths + shape.outputs)
    });
    working_bytes(parameters, widths, dimension, capacity)
}

/// A caller's mistake that must not take the process down.
fn no_generator() -> TrainError {
    TrainError::host("this method has no generator")
}

/// Likewise.
fn no_discriminator() -> TrainError {
    TrainError::host("this method has no discriminator")
}
