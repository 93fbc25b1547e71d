//! `method = "distil"`: a label maker labels the whole training split once, and D learns its labels. With the errors of an autoencoder
//! it is the one-shot student AE→D, which GCL_B must beat for its cooperation to be worth anything; with those of principal components,
//! cross-fitted and smoothed, RSD (reconstruct, smooth, distil); and with the label makers of C2FPL, CLAP and LANP what became
//! of the idea in the field.
//!
//! [`run`] is the order of a job: errors, labels, D. What is computed on the host (all but the autoencoder) is made again when a
//! job is taken up: same bits, in a moment beside D's training.

mod autoencoder;
pub(crate) mod c2fpl;
pub(crate) mod clap;
pub(crate) mod folds;
pub(crate) mod fused;
pub(crate) mod lanp;
mod mixture;
pub(crate) mod pca;
mod position;
pub(crate) mod rule;
pub(crate) mod segments;
pub(crate) mod student;
pub(crate) mod videos;
pub(crate) mod window;

use metrics::smooth_rows;
use sweeps::training::{Distil, LabelMaker, LabelModel};
use sweeps::{Phase, Training};

use crate::backend::state::{discriminator_shapes, generator_shapes};
use crate::baselines::fit::{FitContext, start};
use crate::data::prepared::Prepared;
use crate::distil::fused::Fusion;
use crate::distil::pca::Errors;
use crate::distil::segments::Segments;
use crate::distil::videos::rows_of_each;
use crate::error::TrainError;
use crate::method::step::diverged;
use crate::run::checkpoint::Checkpoint;
use crate::run::epoch_scores::Kept;
use crate::run::progress::{Scores, say_of_few_steps};
use crate::run::request::{Observer, Request};

/// Trains, from the checkpoint where there is one.
pub(crate) fn run(
    request: &Request<'_>,
    training: &Training,
    observer: &mut dyn Observer,
) -> Result<(Checkpoint, Scores, Kept), TrainError> {
    let dataset = request.dataset;
    let distil = &training.distil;
    let autoencoders = distil.autoencoders();
    let mut checkpoint = match &request.checkpoint {
        Some(checkpoint) => {
            check(checkpoint, training, dataset)?;
            checkpoint.clone()
        }
        None => begin(request, training),
    };
    let (labels, fusion) = if distil.maker == LabelMaker::Reconstruction {
        let fold = folds_of_rows(request.job.seed, dataset, distil.folds)?;
        let errors = match distil.model {
            LabelModel::Autoencoder => {
                checkpoint = autoencoder::train(request, training, observer, &fold, checkpoint)?;
                let widen = |errors: &[f32]| errors.iter().map(|e| f64::from(*e)).collect();
                Errors {
                    train: widen(&checkpoint.errors.train),
                    test: widen(&checkpoint.errors.test),
                    ..Errors::default()
                }
            }
            LabelModel::Pca => components(request, distil, &fold, &checkpoint)?,
        };
        let rows = rows_of_each(&dataset.video, dataset.labels.len());
        let smoothed = smooth_rows(&errors.train, &rows, dataset.crops, distil.smoothing);
        (
            rule::labels(&smoothed, distil.rule),
            Some(Fusion::new(&errors.train, &errors.test)),
        )
    } else {
        (by_successor(request, distil)?, None)
    };
    let made = (labels.as_slice(), fusion);
    student::train(request, training, observer, made, autoencoders, checkpoint)
}

/// A run that has not begun.
fn begin(request: &Request<'_>, training: &Training) -> Checkpoint {
    let autoencoders = training.distil.autoencoders();
    let mut checkpoint = start(request);
    let header = &mut checkpoint.header;
    if autoencoders > 0 {
        header.finished.0 = Phase::PretrainGenerator;
    }
    let rows = request.dataset.train.rows();
    let batch = training.batch_size.min(rows);
    let phases = (autoencoders > 0).then_some(Phase::PretrainGenerator);
    for phase in phases.into_iter().chain([Phase::Train]) {
        say_of_few_steps(&mut header.warnings, phase, rows, batch);
    }
    checkpoint
}

/// The fold of each training row; all 0 without folds. Refuses folds of which one has all rows.
fn folds_of_rows(seed: u64, dataset: &Prepared, folds: usize) -> Result<Vec<u32>, TrainError> {
    let of_video = folds::deal(seed, dataset.labels.len(), folds);
    let fold: Vec<u32> = dataset
        .video
        .iter()
        .map(|video| of_video[*video as usize])
        .collect();
    if folds > 0 && fold.iter().all(|other| *other == fold[0]) {
        return Err(TrainError::bad_data(format!(
            "labels.folds = {folds} leaves a model nothing to be fitted on: the training videos with segments are all in one fold"
        )));
    }
    Ok(fold)
}

/// Errors of principal components.
fn components(
    request: &Request<'_>,
    distil: &Distil,
    fold: &[u32],
    checkpoint: &Checkpoint,
) -> Result<Errors, TrainError> {
    let dataset = request.dataset;
    let every: Vec<u32> = (0..dataset.train.rows() as u32).collect();
    let context = FitContext {
        train: &dataset.train,
        rows: &every,
        test: &dataset.test,
        seed: request.job.seed,
        threads: request.device.threads(),
        stopped: &|| request.stop.is_stopped(),
    };
    let at = (Phase::Train, 1);
    let errors = pca::errors(&context, fold, distil.folds, pca::SHARE)
        .map_err(|fault| fault.of_run(|| checkpoint.clone(), at))?;
    let all = errors.train.iter().chain(&errors.test);
    if all.clone().all(|error| error.is_finite()) {
        Ok(errors)
    } else {
        Err(diverged("a reconstruction error", at))
    }
}

/// Labels by one of the methods that came after GCL.
fn by_successor(request: &Request<'_>, distil: &Distil) -> Result<Vec<f32>, TrainError> {
    let dataset = request.dataset;
    let segments = Segments::new(dataset, request.device.threads());
    let labels = match distil.maker {
        LabelMaker::Clap => {
            let norms = finite(segments.squared_norms())?;
            clap::labels(&norms, &segments.variances())
        }
        LabelMaker::Lanp => {
            let share = distil.share.ok_or_else(|| {
                TrainError::bad_data(
                    "labels.maker = \"lanp\" needs labels.share, the share of the videos that it takes for anomalous",
                )
            })?;
            let (width, affinity) = (dataset.dimension(), distil.affinity);
            let normality = segments.each_scaled(|video| lanp::normality(video, width, affinity));
            lanp::labels(&finite(normality)?, share)
        }
        LabelMaker::C2fpl | LabelMaker::Reconstruction => {
            c2fpl::labels(&finite(segments.squared_norms())?)
        }
    };
    Ok(segments.of_rows(&labels))
}

/// Refuses numbers that are none.
fn finite(values: Vec<Vec<f64>>) -> Result<Vec<Vec<f64>>, TrainError> {
    if values.iter().flatten().all(|value| value.is_finite()) {
        Ok(values)
    } else {
        Err(diverged("a segment's score", (Phase::Train, 1)))
    }
}

/// Whether the checkpoint is one of this run.
fn check(
    checkpoint: &Checkpoint,
    training: &Training,
    dataset: &Prepared,
) -> Result<(), TrainError> {
    let (phase, epoch) = checkpoint.header.next;
    let last = training.distil.autoencoders();
    let networks = &checkpoint.networks;
    let reachable = (phase <= last && epoch < training.epochs) || (phase, epoch) == (last + 1, 0);
    // At the beginning of a phase the networks are those of the phase before.
    let trained = if epoch == 0 {
        phase.checked_sub(1)
    } else {
        Some(phase)
    };
    let shapes_fit = match trained {
        None => true,
        Some(phase) if phase < last => {
            networks.discriminator.is_none()
                && networks.generator.shapes == generator_shapes(dataset.dimension(), training)
        }
        Some(_) => networks.discriminator.as_ref().is_some_and(|network| {
            network.shapes == discriminator_shapes(dataset.dimension(), training)
        }),
    };
    // The errors of an autoencoder are in every checkpoint after its phase's first epoch.
    let errors = &checkpoint.errors;
    let errors_fit = trained.is_none_or(|phase| phase == 0 || last == 0)
        || errors.train.len() == dataset.train.rows() && errors.test.len() == dataset.test.rows();
    if reachable && shapes_fit && errors_fit {
        Ok(())
    } else {
        Err(TrainError::BadCheckpoint {
            message: "its networks, its errors or its place in the run are not this job's"
                .to_owned(),
        })
    }
}
