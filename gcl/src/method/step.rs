//! One step of training on one batch, as production and the replay of a trace make it: the paper's own step, which is
//! [`paper::cooperative_step`], and those of its ablations.

use sweeps::training::{NegativeTarget, PseudoLabels, UpdateOrder};
use sweeps::{Phase, Training};

use crate::backend::networks::{Batch, HostMasks, Networks, Reconstruction};
use crate::backend::{Backend, Findings, Report, Split, Target};
use crate::error::TrainError;
use crate::method::labels::{LabelRule, Supervision};
use crate::method::random_streams::RandomStreams;
use crate::paper::{self, Pair};

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// G learns the batch itself: an autoencoder, and pre-training of G.
    Reconstruct,
    /// D learns G's labels, G stays: pre-training of D.
    FrozenGenerator,
    /// Both learn (§3.2).
    Cooperative,
    /// G learns from its own labels (§4.2).
    OwnLabels,
    /// D learns labels that were made before.
    GivenLabels,
}

/// What a step is made with, the same for all steps of a run.
#[derive(Clone, Copy)]
pub(crate) struct StepContext<'a> {
    pub(crate) training: &'a Training,
    /// The video of each training row.
    pub(crate) video: &'a [u32],
    /// Per video its label, where the training may know it.
    pub(crate) known: &'a [Option<bool>],
    /// The label of each training row, where labels were made before.
    pub(crate) labels: &'a [f32],
}

/// Makes steps, in buffers that it keeps.
#[derive(Default)]
pub(crate) struct Step {
    report: Report,
    buffers: Buffers,
}

/// What is drawn for a step.
#[derive(Default)]
struct Buffers {
    masks: Vec<Vec<f32>>,
    labels: Vec<f32>,
    positive: Vec<u32>,
    noise: Vec<f32>,
    sources: Vec<u32>,
}

impl Step {
    /// One step of that kind on `rows`, in `phase` and `epoch`. What it reports is kept until the next.
    ///
    /// Numbers that are not finite show in the report, after the whole step: nothing of it is used then.
    pub(crate) fn run<B: Backend>(
        &mut self,
        kind: Kind,
        context: StepContext<'_>,
        networks: &mut Networks<B>,
        random: &mut dyn RandomStreams,
        rows: &[u32],
        at: (Phase, u32),
    ) -> Result<&Report, TrainError> {
        let f = networks.load(Split::Train, rows)?;
        let pair = &mut Cooperation {
            networks: &mut *networks,
            context,
            random,
            buffers: &mut self.buffers,
        };
        let (findings, unused) = match kind {
            Kind::Reconstruct => (pair.reconstruct_step(&f)?, None),
            Kind::FrozenGenerator => pair.frozen_generator_step(&f)?,
            Kind::OwnLabels => (pair.own_labels_step(&f)?, None),
            Kind::GivenLabels => (pair.given_labels_step(&f)?, None),
            Kind::Cooperative => {
                let step = match context.training.update_order {
                    UpdateOrder::Alternating => paper::cooperative_step(pair, &f)?,
                    UpdateOrder::Simultaneous => pair.simultaneous_step(&f)?,
                };
                (Findings::from(step), None)
            }
        };
        networks.put_back(f, unused);
        networks.read_findings(findings, &mut self.report)?;
        self.report.check(at)?;
        Ok(&self.report)
    }
}

/// G and D of a run with what the steps need beside them.
struct Cooperation<'a, B: Backend> {
    networks: &'a mut Networks<B>,
    context: StepContext<'a>,
    random: &'a mut dyn RandomStreams,
    buffers: &'a mut Buffers,
}

impl<B: Backend> Pair for Cooperation<'_, B> {
    type Batch = Batch<B>;
    type Reconstruction = Reconstruction<B>;
    type Scores = B::Scores;
    type Labels = B::Labels;
    type Target<'l>
        = Target<'l, B>
    where
        Self: 'l;
    type Loss = B::Loss;
    type Error = TrainError;

    fn reconstruct(&mut self, f: &Batch<B>) -> Result<Reconstruction<B>, TrainError> {
        self.networks.reconstruct(f)
    }

    fn reconstruction_errors(
        &mut self,
        f: &Batch<B>,
        f_hat: &Reconstruction<B>,
    ) -> Result<B::Scores, TrainError> {
        self.networks.reconstruction_errors(f, f_hat)
    }

    fn labels_by_g(&mut self, f: &Batch<B>, errors: B::Scores) -> Result<B::Labels, TrainError> {
        let training = self.context.training;
        let rule = LabelRule {
            threshold: training.threshold_generator,
            labels: training.pseudo_labels,
        };
        let supervision = self.context.supervision();
        self.networks.label(f, errors, rule, supervision)
    }

    /// With the job's dropout.
    fn fit_discriminator(&mut self, f: &Batch<B>, l_g: &B::Labels) -> Result<B::Loss, TrainError> {
        let share = self.context.training.discriminator_dropout;
        if share <= 0.0 {
            return self.networks.fit_discriminator(f, l_g, None);
        }
        let hidden = self.networks.hidden_widths();
        let masks = &mut self.buffers.masks;
        masks.resize_with(hidden.len(), Vec::new);
        for (mask, width) in masks.iter_mut().zip(hidden) {
            self.random.dropout(f.len() * width, share, mask);
        }
        let scale = (1.0 / (1.0 - share)) as f32;
        self.networks
            .fit_discriminator(f, l_g, Some(HostMasks { masks, scale }))
    }

    fn probabilities(&mut self, f: &Batch<B>) -> Result<B::Scores, TrainError> {
        self.networks.probabilities(f)
    }

    fn labels_by_d(&mut self, f: &Batch<B>, p: B::Scores) -> Result<B::Labels, TrainError> {
        let rule = LabelRule {
            threshold: self.context.training.threshold_discriminator,
            labels: PseudoLabels::Hard,
        };
        let supervision = self.context.supervision();
        self.networks.label(f, p, rule, supervision)
    }

    /// The paper's ones, or one of its other targets (§3.2.5, Fig. 5). Those read the labels on the host.
    fn targets<'l>(
        &mut self,
        f: &Batch<B>,
        l_d: &'l B::Labels,
    ) -> Result<Target<'l, B>, TrainError> {
        let target = self.context.training.target;
        let buffers = &mut *self.buffers;
        if target != NegativeTarget::Ones {
            self.networks.read_labels(l_d, &mut buffers.labels)?;
        }
        let anomalous = |row: &u32| buffers.labels[*row as usize] > 0.5;
        Ok(match target {
            NegativeTarget::Ones => Target::Ones { labels: l_d },
            NegativeTarget::None => Target::Without {
                labels: l_d,
                kept: buffers.labels.iter().filter(|l| **l <= 0.5).count(),
            },
            NegativeTarget::Replace => {
                let mut sources = std::mem::take(&mut buffers.sources);
                self.random.replacement(&buffers.labels, &mut sources)?;
                Target::Replace { sources }
            }
            NegativeTarget::Gaussian { sigma } => {
                let mut positive = std::mem::take(&mut buffers.positive);
                let mut noise = std::mem::take(&mut buffers.noise);
                positive.clear();
                positive.extend((0..f.len() as u32).filter(anomalous));
                let dimension = self.networks.dimension();
                self.random
                    .noise(&positive, f.len(), dimension, &mut noise)?;
                Target::Gaussian {
                    positive,
                    noise,
                    sigma,
                }
            }
        })
    }

    fn fit_generator(
        &mut self,
        f: &Batch<B>,
        f_hat: Reconstruction<B>,
        t: Target<'_, B>,
    ) -> Result<B::Loss, TrainError> {
        let loss = self.networks.fit_generator(f, f_hat, &t)?;
        match t {
            Target::Replace { sources } => self.buffers.sources = sources,
            Target::Gaussian {
                positive, noise, ..
            } => (self.buffers.positive, self.buffers.noise) = (positive, noise),
            Target::Input | Target::Ones { .. } | Target::Without { .. } => {}
        }
        Ok(loss)
    }
}

impl<B: Backend> Cooperation<'_, B> {
    /// The cooperative step with both labels from before either network's step (`update_order = "simultaneous"`).
    fn simultaneous_step(
        &mut self,
        f: &Batch<B>,
    ) -> Result<paper::Step<B::Labels, B::Loss>, TrainError> {
        let f_hat = self.reconstruct(f)?;
        let errors = self.reconstruction_errors(f, &f_hat)?;
        let l_g = self.labels_by_g(f, errors)?;
        let p = self.probabilities(f)?;
        let l_d = self.labels_by_d(f, p)?;
        let loss_d = self.fit_discriminator(f, &l_g)?;
        let t = self.targets(f, &l_d)?;
        let loss_g = self.fit_generator(f, f_hat, t)?;
        Ok(paper::Step {
            l_g,
            loss_d,
            l_d,
            loss_g,
        })
    }

    /// G learns to reconstruct the batch.
    fn reconstruct_step(&mut self, f: &Batch<B>) -> Result<Findings<B>, TrainError> {
        let f_hat = self.reconstruct(f)?;
        Ok(Findings {
            loss_g: Some(self.fit_generator(f, f_hat, Target::Input)?),
            ..Findings::default()
        })
    }

    /// D learns G's labels (§3.3). The reconstruction is left over.
    fn frozen_generator_step(
        &mut self,
        f: &Batch<B>,
    ) -> Result<(Findings<B>, Option<Reconstruction<B>>), TrainError> {
        let f_hat = self.reconstruct(f)?;
        let errors = self.reconstruction_errors(f, &f_hat)?;
        let l_g = self.labels_by_g(f, errors)?;
        let findings = Findings {
            loss_d: Some(self.fit_discriminator(f, &l_g)?),
            labels_g: Some(l_g),
            ..Findings::default()
        };
        Ok((findings, Some(f_hat)))
    }

    /// G's labels make G's targets (§4.2).
    fn own_labels_step(&mut self, f: &Batch<B>) -> Result<Findings<B>, TrainError> {
        let f_hat = self.reconstruct(f)?;
        let errors = self.reconstruction_errors(f, &f_hat)?;
        let l_g = self.labels_by_g(f, errors)?;
        let t = self.targets(f, &l_g)?;
        Ok(Findings {
            loss_g: Some(self.fit_generator(f, f_hat, t)?),
            labels_g: Some(l_g),
            ..Findings::default()
        })
    }
}

impl<B: Backend> Cooperation<'_, B> {
    /// D learns the labels that were made before. They are reported as G's, in whose place their maker stands.
    fn given_labels_step(&mut self, f: &Batch<B>) -> Result<Findings<B>, TrainError> {
        let labels = self.context.labels;
        let values: Vec<f32> = f.rows().iter().map(|row| labels[*row as usize]).collect();
        let labels = self.networks.write_labels(&values)?;
        Ok(Findings {
            loss_d: Some(self.fit_discriminator(f, &labels)?),
            labels_g: Some(labels),
            ..Findings::default()
        })
    }
}

impl<'a> StepContext<'a> {
    /// What is known of the videos, if anything is.
    fn supervision(&self) -> Option<Supervision<'a>> {
        self.known
            .iter()
            .any(Option::is_some)
            .then_some(Supervision {
                video: self.video,
                known: self.known,
                mode: self.training.weak_supervision,
            })
    }
}

impl<B: Backend> From<paper::Step<B::Labels, B::Loss>> for Findings<B> {
    fn from(step: paper::Step<B::Labels, B::Loss>) -> Self {
        Self {
            labels_g: Some(step.l_g),
            loss_d: Some(step.loss_d),
            labels_d: Some(step.l_d),
            loss_g: Some(step.loss_g),
        }
    }
}

impl Report {
    /// Whether a batch's values were all but equal, so that no row was labelled anomalous.
    pub(crate) fn degenerate(&self) -> bool {
        self.labels_g.threshold.degenerate || self.labels_d.threshold.degenerate
    }

    /// Refuses what is not finite.
    fn check(&self, at: (Phase, u32)) -> Result<(), TrainError> {
        let finite = |loss: Option<f64>| loss.is_none_or(f64::is_finite);
        let found = [
            (self.labels_g.finite, "a reconstruction error"),
            (self.labels_d.finite, "a probability of D"),
            (finite(self.loss_d), "the loss of D"),
            (finite(self.loss_g), "the loss of G"),
        ];
        match found.into_iter().find(|(finite, _)| !finite) {
            Some((_, what)) => Err(diverged(what, at)),
            None => Ok(()),
        }
    }
}

/// Something is not finite.
pub(crate) fn diverged(what: &'static str, (phase, epoch): (Phase, u32)) -> TrainError {
    TrainError::Diverged { what, phase, epoch }
}
