//! The error of G as the error of a reconstruction: G trained on all rows as `method = "autoencoder"` trains it, to the bit, and
//! then one for each fold on the other folds, from the same weights.

use sweeps::{Phase, Training};

use crate::backend::networks::{Networks, bytes_needed};
use crate::backend::open::{Source, Work, on};
use crate::backend::state::{PairState, generator_shapes};
use crate::backend::{Backend, Split};
use crate::distil::folds::part;
use crate::distil::position::{Part, start};
use crate::error::TrainError;
use crate::method::random_streams::{SeededStreams, initial_weights};
use crate::method::schedule::{PhasePlan, Plan, Position};
use crate::method::step::{Kind, StepContext, diverged};
use crate::run::checkpoint::Checkpoint;
use crate::run::epoch_scores::Kept;
use crate::run::progress::{Progress, SCORE_ROWS};
use crate::run::request::{Observer, Request};

/// Trains what is not trained yet; gives the checkpoint with all errors in it. `fold`: of each training row.
///
/// A checkpoint at the beginning of a phase has the networks of the phase before and not yet their errors: those are made of
/// the networks then.
pub(crate) fn train(
    request: &Request<'_>,
    training: &Training,
    observer: &mut dyn Observer,
    fold: &[u32],
    mut checkpoint: Checkpoint,
) -> Result<Checkpoint, TrainError> {
    let dataset = request.dataset;
    let every: Vec<u32> = (0..dataset.train.rows() as u32).collect();
    let (phase, epoch) = checkpoint.header.next;
    let first = if epoch == 0 {
        phase.saturating_sub(1)
    } else {
        phase
    };
    for model in first..training.distil.autoencoders() {
        let folds = training.distil.folds;
        let (judged, rows) = match model.checked_sub(1) {
            None if folds == 0 => (every.clone(), every.clone()),
            None => (Vec::new(), every.clone()),
            Some(number) => part(fold, number as u32),
        };
        if model > 0 && judged.is_empty() {
            return Err(TrainError::bad_data(
                "labels.folds is more than there are training videos with segments",
            ));
        }
        let context = StepContext {
            training,
            video: &dataset.video,
            known: &[],
            labels: &[],
        };
        let plan = Plan {
            context,
            phases: vec![PhasePlan {
                phase: Phase::PretrainGenerator,
                kind: Kind::Reconstruct,
                epochs: training.epochs,
                rows,
            }],
        };
        let (phase, epoch) = checkpoint.header.next;
        let is_new = (phase, epoch) == (0, 0) || phase == model && epoch == 0;
        let state = if is_new {
            let shapes = generator_shapes(dataset.dimension(), training);
            PairState {
                generator: initial_weights(request.job.seed, &[&shapes])
                    .pop()
                    .unwrap_or_default(),
                discriminator: None,
            }
        } else {
            checkpoint.networks.clone()
        };
        let capacity = plan
            .largest_batch()
            .max(SCORE_ROWS.min(dataset.test.rows()));
        let need = bytes_needed(&state, dataset.dimension(), capacity);
        let fit = Fit {
            request,
            training,
            observer: &mut *observer,
            start: start((phase, epoch), model),
            plan,
            model,
            state,
            checkpoint,
            judged,
            capacity,
        };
        checkpoint = on(request.device, Source::Dataset { dataset, need }, fit)?;
    }
    Ok(checkpoint)
}

/// One autoencoder.
struct Fit<'a, 'r> {
    request: &'a Request<'r>,
    training: &'a Training,
    observer: &'a mut dyn Observer,
    plan: Plan<'a>,
    start: Position,
    /// Its number; 0 is that of all rows.
    model: usize,
    state: PairState,
    checkpoint: Checkpoint,
    /// Training rows whose errors it makes.
    judged: Vec<u32>,
    capacity: usize,
}

impl Work for Fit<'_, '_> {
    type Networks<B: Backend> = Networks<B>;
    type Output = Checkpoint;

    fn networks<B: Backend>(&self, backend: B) -> Result<Networks<B>, TrainError> {
        Networks::new(backend, &self.state, self.training, self.capacity)
    }

    fn run<B: Backend>(self, networks: Networks<B>) -> Result<Checkpoint, TrainError> {
        let mut networks = networks;
        let Request { job, dataset, .. } = *self.request;
        let mut draws = SeededStreams::resume(job.seed, &self.checkpoint.header.streams);
        let kept = Kept::new(self.training, dataset, &self.checkpoint)?;
        let stop = self.request.stop;
        let mut progress = Progress::new(dataset, stop, self.observer, self.checkpoint, kept);
        let mut part = Part {
            progress: &mut progress,
            phase: self.model,
            epochs: self.model as u32 * self.training.epochs,
        };
        self.plan
            .run(self.start, &mut networks, &mut draws, &mut part)?;
        let mut checkpoint = progress.into_checkpoint();
        if stop.is_stopped() {
            return Err(TrainError::Stopped(Box::new(checkpoint)));
        }
        let at = checkpoint.header.finished;
        let errors = errors(&mut networks, Split::Train, &self.judged, at)?;
        let known = &mut checkpoint.errors;
        known.train.resize(dataset.train.rows(), 0.0);
        for (row, error) in self.judged.iter().zip(errors) {
            known.train[*row as usize] = error;
        }
        if self.model == 0 {
            let every: Vec<u32> = (0..dataset.test.rows() as u32).collect();
            known.test = self::errors(&mut networks, Split::Test, &every, at)?;
        }
        Ok(checkpoint)
    }
}

/// Errors of these rows.
fn errors<B: Backend>(
    networks: &mut Networks<B>,
    split: Split,
    rows: &[u32],
    at: (Phase, u32),
) -> Result<Vec<f32>, TrainError> {
    let (mut all, mut some) = (Vec::with_capacity(rows.len()), Vec::new());
    for rows in rows.chunks(networks.capacity()) {
        let batch = networks.load(split, rows)?;
        let reconstruction = networks.reconstruct(&batch)?;
        let errors = networks.reconstruction_errors(&batch, &reconstruction)?;
        networks.read_scores(errors, &mut some)?;
        networks.put_back(batch, Some(reconstruction));
        all.extend_from_slice(&some);
    }
    if all.iter().all(|error| error.is_finite()) {
        Ok(all)
    } else {
        Err(diverged("a reconstruction error", at))
    }
}
