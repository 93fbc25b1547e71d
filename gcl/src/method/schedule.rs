//! The order of a run: phases, epochs, batches (§3.3, §4). It knows neither metrics nor checkpoints nor traces: they hang
//! on [`Hooks`].

use sweeps::training::{Method, Pretraining};
use sweeps::{Phase, Training};

use crate::backend::networks::Networks;
use crate::backend::{Backend, Report};
use crate::error::TrainError;
use crate::method::random_streams::RandomStreams;
use crate::method::step::{Kind, Step, StepContext};

/// The phases of a run with the rows that each visits.
pub(crate) struct Plan<'a> {
    pub(crate) context: StepContext<'a>,
    pub(crate) phases: Vec<PhasePlan>,
}

/// One phase.
pub(crate) struct PhasePlan {
    pub(crate) phase: Phase,
    pub(crate) kind: Kind,
    pub(crate) epochs: u32,
    pub(crate) rows: Vec<u32>,
}

/// Where a run stands: before the epoch `epoch` (counted from 0) of phase number `phase`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Position {
    pub(crate) phase: usize,
    pub(crate) epoch: u32,
}

/// What the loop tells whoever runs it.
pub(crate) trait Hooks {
    /// At every batch boundary.
    fn before_step(&mut self) -> Result<(), TrainError>;
    /// After every step.
    fn after_step(&mut self, rows: &[u32], report: &Report);
    /// After every epoch; `next` is where the run goes on, `epoch` counts from 1.
    fn after_epoch<B: Backend>(
        &mut self,
        phase: &PhasePlan,
        epoch: u32,
        next: Position,
        networks: &mut Networks<B>,
        draws: &dyn RandomStreams,
    ) -> Result<(), TrainError>;
}

/// The phases of `training` and their epochs: what progress is measured against. Epochs count from 1 within a phase.
pub fn planned_epochs(training: &Training) -> Vec<(Phase, u32)> {
    match training.method {
        method if method.has_generator() => {}
        Method::MilRanking => return vec![(Phase::Train, training.epochs)],
        Method::Distil => {
            let autoencoders = training.distil.autoencoders() as u32;
            let mut phases = vec![
                (Phase::PretrainGenerator, autoencoders * training.epochs),
                (Phase::Train, training.epochs),
            ];
            phases.retain(|(_, epochs)| *epochs > 0);
            return phases;
        }
        // Fitted in one go.
        _ => return vec![(Phase::Train, 1)],
    }
    kinds(training, false)
        .into_iter()
        .map(|(phase, _, epochs)| (phase, epochs))
        .collect()
}

/// `always_d`: D is pre-trained even where the method has none, as the reference does; no result of G depends on it.
fn kinds(training: &Training, always_d: bool) -> Vec<(Phase, Kind, u32)> {
    let mut phases = Vec::new();
    let pretrained = training.pretraining != Pretraining::Off;
    if pretrained && training.method != Method::Autoencoder {
        phases.push((
            Phase::PretrainGenerator,
            Kind::Reconstruct,
            training.pretrain_epochs,
        ));
        if training.method == Method::Gcl || always_d {
            phases.push((
                Phase::PretrainDiscriminator,
                Kind::FrozenGenerator,
                training.pretrain_discriminator_epochs,
            ));
        }
    }
    let kind = match training.method {
        Method::Gcl => Kind::Cooperative,
        Method::GclOwnLabels => Kind::OwnLabels,
        // The baselines and distil never come here.
        _ => Kind::Reconstruct,
    };
    phases.push((Phase::Train, kind, training.epochs));
    phases.retain(|(_, _, epochs)| *epochs > 0);
    phases
}

impl<'a> Plan<'a> {
    /// The plan of a run on `rows` training rows, of which `selected` pre-train G (and are all that an autoencoder sees).
    pub(crate) fn new(
        context: StepContext<'a>,
        selected: &[u32],
        always_d: bool,
    ) -> Result<Self, TrainError> {
        let training = context.training;
        let every: Vec<u32> = (0..context.video.len() as u32).collect();
        let phases: Vec<PhasePlan> = kinds(training, always_d)
            .into_iter()
            .map(|(phase, kind, epochs)| PhasePlan {
                phase,
                kind,
                epochs,
                rows: if kind == Kind::Reconstruct && training.pretraining != Pretraining::Off {
                    selected.to_vec()
                } else {
                    every.clone()
                },
            })
            .collect();
        if let Some(empty) = phases.iter().find(|phase| phase.rows.is_empty()) {
            return Err(TrainError::bad_data(format!(
                "no segment is left to train on in phase {}: the selection of `pretraining` keeps none \
                 (`difference_threshold` and `difference_scale` decide; `difference_quantile = 0.7` in [job] keeps that share of them on any features)",
                empty.phase
            )));
        }
        Ok(Self { context, phases })
    }

    /// Rows of a batch in `phase`.
    pub(crate) fn batch(&self, phase: &PhasePlan) -> usize {
        self.context.training.batch_size.min(phase.rows.len())
    }

    /// Rows of the largest batch.
    pub(crate) fn largest_batch(&self) -> usize {
        self.phases
            .iter()
            .map(|phase| self.batch(phase))
            .max()
            .unwrap_or(1)
    }

    /// Runs from `start` to the end. A short last batch of an epoch is dropped unless it is the only one.
    pub(crate) fn run<B: Backend>(
        &self,
        start: Position,
        networks: &mut Networks<B>,
        draws: &mut dyn RandomStreams,
        hooks: &mut impl Hooks,
    ) -> Result<(), TrainError> {
        let mut step = Step::default();
        let mut order = Vec::new();
        for (index, phase) in self.phases.iter().enumerate().skip(start.phase) {
            let first = if index == start.phase { start.epoch } else { 0 };
            if first == 0 {
                networks.reset_optimizers()?;
            }
            for epoch in first..phase.epochs {
                draws.order(&phase.rows, &mut order)?;
                for rows in order.chunks_exact(self.batch(phase)) {
                    hooks.before_step()?;
                    let at = (phase.phase, epoch + 1);
                    let report = step.run(phase.kind, self.context, networks, draws, rows, at)?;
                    hooks.after_step(rows, report);
                }
                let next = if epoch + 1 < phase.epochs {
                    Position {
                        phase: index,
                        epoch: epoch + 1,
                    }
                } else {
                    Position {
                        phase: index + 1,
                        epoch: 0,
                    }
                };
                hooks.after_epoch(phase, epoch + 1, next, networks, draws)?;
            }
        }
        Ok(())
    }
}
