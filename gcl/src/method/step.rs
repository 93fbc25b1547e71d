//! One step of training on one batch (§3.2; Fig. 2): the same code in production and in the replay of a trace.

use std::collections::BTreeMap;

use sweeps::training::{NegativeTarget, PseudoLabels, Threshold, UpdateOrder, WeakSupervision};
use sweeps::{Phase, Training};

use crate::backend::{Dropout, Networks, Split, Target};
use crate::error::TrainError;
use crate::method::random_streams::RandomStreams;
use crate::method::threshold::{cut, hard_labels, soft_labels};

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
}

/// What a step is made with, the same for all steps of a run.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) training: &'a Training,
    /// The video of each training row.
    pub(crate) video: &'a [u32],
    /// Per video its label, where the training may know it.
    pub(crate) known: &'a [Option<bool>],
    /// Widths of D's hidden layers.
    pub(crate) hidden: &'a [usize],
    /// Length of a row.
    pub(crate) dimension: usize,
}

/// What a step found. `None` where it did not do such a thing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Report {
    pub(crate) threshold_g: Option<f64>,
    pub(crate) loss_d: Option<f64>,
    pub(crate) threshold_d: Option<f64>,
    pub(crate) loss_g: Option<f64>,
    /// Whether a batch's values were all but equal, so that no row was labelled anomalous.
    pub(crate) degenerate: bool,
}

/// The buffers of a step. After [`run`](Self::run) they hold what it found per row.
#[derive(Default)]
pub(crate) struct Step {
    /// Labels by G, after masking; empty where G did not label.
    pub(crate) labels_g: Vec<f32>,
    /// Labels by D, after masking; empty where D did not label.
    pub(crate) labels_d: Vec<f32>,
    errors: Vec<f32>,
    probabilities: Vec<f32>,
    positive: Vec<u32>,
    noise: Vec<f32>,
    sources: Vec<u32>,
    masks: Vec<Vec<f32>>,
    scratch: Vec<f32>,
}

impl Step {
    /// One step of that kind on `rows`, in `phase` and `epoch`.
    pub(crate) fn run(
        &mut self,
        kind: Kind,
        context: Context<'_>,
        networks: &mut dyn Networks,
        draws: &mut dyn RandomStreams,
        rows: &[u32],
        at: (Phase, u32),
    ) -> Result<Report, TrainError> {
        let mut report = Report::default();
        self.labels_g.clear();
        self.labels_d.clear();
        networks.load(Split::Train, rows)?;
        networks.reconstruct()?;
        match kind {
            Kind::Reconstruct => {
                report.loss_g = Some(networks.learn_generator(Target::Input)?);
            }
            Kind::FrozenGenerator => {
                self.label_by_generator(context, networks, rows, at, &mut report)?;
                self.learn_discriminator(context, networks, draws, &mut report)?;
            }
            Kind::Cooperative => {
                self.label_by_generator(context, networks, rows, at, &mut report)?;
                let before = context.training.update_order == UpdateOrder::Simultaneous;
                if before {
                    self.label_by_discriminator(context, networks, rows, at, &mut report)?;
                }
                self.learn_discriminator(context, networks, draws, &mut report)?;
                if !before {
                    self.label_by_discriminator(context, networks, rows, at, &mut report)?;
                }
                let labels = std::mem::take(&mut self.labels_d);
                let learned = self.learn_generator(context, networks, draws, &labels);
                self.labels_d = labels;
                report.loss_g = Some(learned?);
            }
            Kind::OwnLabels => {
                self.label_by_generator(context, networks, rows, at, &mut report)?;
                let labels = std::mem::take(&mut self.labels_g);
                let learned = self.learn_generator(context, networks, draws, &labels);
                self.labels_g = labels;
                report.loss_g = Some(learned?);
            }
        }
        finite(report.loss_d, "the loss of D", at)?;
        finite(report.loss_g, "the loss of G", at)?;
        Ok(report)
    }

    /// Eq. 2: labels from G's errors.
    fn label_by_generator(
        &mut self,
        context: Context<'_>,
        networks: &mut dyn Networks,
        rows: &[u32],
        at: (Phase, u32),
        report: &mut Report,
    ) -> Result<(), TrainError> {
        networks.errors(&mut self.errors)?;
        all_finite(&self.errors, "a reconstruction error", at)?;
        let training = context.training;
        let found = cut(
            &self.errors,
            training.threshold_generator,
            &mut self.scratch,
        );
        report.threshold_g = Some(found.threshold);
        report.degenerate |= found.degenerate;
        match training.pseudo_labels {
            PseudoLabels::Hard => hard_labels(&self.errors, found, &mut self.labels_g),
            PseudoLabels::Soft => soft_labels(&self.errors, &mut self.labels_g),
        }
        supervise(context, rows, &self.errors, &mut self.labels_g);
        Ok(())
    }

    /// Eq. 4: labels from D's probabilities.
    fn label_by_discriminator(
        &mut self,
        context: Context<'_>,
        networks: &mut dyn Networks,
        rows: &[u32],
        at: (Phase, u32),
        report: &mut Report,
    ) -> Result<(), TrainError> {
        networks.probabilities(&mut self.probabilities)?;
        all_finite(&self.probabilities, "a probability of D", at)?;
        let rule: Threshold = context.training.threshold_discriminator;
        let found = cut(&self.probabilities, rule, &mut self.scratch);
        report.threshold_d = Some(found.threshold);
        report.degenerate |= found.degenerate;
        hard_labels(&self.probabilities, found, &mut self.labels_d);
        supervise(context, rows, &self.probabilities, &mut self.labels_d);
        Ok(())
    }

    fn learn_discriminator(
        &mut self,
        context: Context<'_>,
        networks: &mut dyn Networks,
        draws: &mut dyn RandomStreams,
        report: &mut Report,
    ) -> Result<(), TrainError> {
        let share = context.training.discriminator_dropout;
        let dropout = if share > 0.0 {
            self.masks.resize_with(context.hidden.len(), Vec::new);
            for (mask, width) in self.masks.iter_mut().zip(context.hidden) {
                draws.dropout(self.labels_g.len() * width, share, mask);
            }
            Some(Dropout {
                masks: &self.masks,
                scale: (1.0 / (1.0 - share)) as f32,
            })
        } else {
            None
        };
        report.loss_d = Some(networks.learn_discriminator(&self.labels_g, dropout)?);
        Ok(())
    }

    /// Eqs. 5 and 6: G learns the targets that `labels` make.
    fn learn_generator(
        &mut self,
        context: Context<'_>,
        networks: &mut dyn Networks,
        draws: &mut dyn RandomStreams,
        labels: &[f32],
    ) -> Result<f64, TrainError> {
        let target = match context.training.target {
            NegativeTarget::Ones => Target::Ones { labels },
            NegativeTarget::None => {
                let kept = labels.iter().filter(|label| **label <= 0.5).count();
                if kept == 0 {
                    return Ok(0.0);
                }
                Target::Without { labels, kept }
            }
            NegativeTarget::Replace => {
                draws.replacement(labels, &mut self.sources)?;
                Target::Replace {
                    sources: &self.sources,
                }
            }
            NegativeTarget::Gaussian { sigma } => {
                self.positive.clear();
                self.positive
                    .extend((0..labels.len() as u32).filter(|row| labels[*row as usize] > 0.5));
                draws.noise(
                    &self.positive,
                    labels.len(),
                    context.dimension,
                    &mut self.noise,
                )?;
                Target::Gaussian {
                    positive: &self.positive,
                    noise: &self.noise,
                    sigma,
                }
            }
        };
        networks.learn_generator(target)
    }
}

/// What a known video-level label does to pseudo labels (Fig. 9): no positive in a normal video; with `mask-top` also the
/// best-scored row of the batch (the first of equals) of every anomalous video at 1.
fn supervise(context: Context<'_>, rows: &[u32], scores: &[f32], labels: &mut [f32]) {
    let video = |row: usize| context.video[rows[row] as usize];
    let known = |row: usize| context.known[video(row) as usize];
    for (row, label) in labels.iter_mut().enumerate() {
        if known(row) == Some(false) {
            *label = 0.0;
        }
    }
    if context.training.weak_supervision == WeakSupervision::MaskTop {
        let mut best: BTreeMap<u32, usize> = BTreeMap::new();
        for row in (0..labels.len()).filter(|row| known(*row) == Some(true)) {
            let top = best.entry(video(row)).or_insert(row);
            if scores[row] > scores[*top] {
                *top = row;
            }
        }
        for row in best.into_values() {
            labels[row] = 1.0;
        }
    }
}

fn all_finite(values: &[f32], what: &'static str, at: (Phase, u32)) -> Result<(), TrainError> {
    if values.iter().all(|value| value.is_finite()) {
        Ok(())
    } else {
        Err(diverged(what, at))
    }
}

fn finite(value: Option<f64>, what: &'static str, at: (Phase, u32)) -> Result<(), TrainError> {
    if value.is_none_or(f64::is_finite) {
        Ok(())
    } else {
        Err(diverged(what, at))
    }
}

/// Something is not finite.
pub(crate) fn diverged(what: &'static str, (phase, epoch): (Phase, u32)) -> TrainError {
    TrainError::Diverged { what, phase, epoch }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweeps::{DatasetSource, JobSpec, Parameters};

    fn supervised(mode: &str, labels: [f32; 5]) -> [f32; 5] {
        let mut given = Parameters::default();
        given.set("supervision_percent", &100.into()).unwrap();
        given.set("weak_supervision", &mode.into()).unwrap();
        let job = JobSpec::resolve(DatasetSource::Named("any".into()), 0, &given);
        let training = Training::of(&job);
        let context = Context {
            training: &training,
            // Rows 10 and 11 are of a normal video, 12 and 13 of an anomalous one, 14 of an unknown one.
            video: &[9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 0, 0, 1, 1, 2],
            known: &[Some(false), Some(true), None],
            hidden: &[],
            dimension: 1,
        };
        let mut labels = labels;
        supervise(
            context,
            &[10, 12, 11, 13, 14],
            &[0.9, 0.1, 0.8, 0.2, 0.7],
            &mut labels,
        );
        labels
    }

    #[test]
    fn a_normal_video_has_no_positive() {
        assert_eq!(supervised("mask", [1.0; 5]), [0.0, 1.0, 0.0, 1.0, 1.0]);
        assert_eq!(supervised("mask", [0.0; 5]), [0.0; 5]);
    }

    #[test]
    fn mask_top_keeps_the_best_row_of_an_anomalous_video() {
        assert_eq!(supervised("mask-top", [0.0; 5]), [0.0, 0.0, 0.0, 1.0, 0.0]);
    }
}
