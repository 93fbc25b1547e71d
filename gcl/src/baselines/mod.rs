//! The methods of Table 1 beside this paper's own: the same data, metrics, curve and artifacts, another model.
//!
//! What is fitted in one go gives one point, epoch 1 of the training phase, and starts over when it was stopped. All of it
//! runs on the host, whatever the device: plain loops whose order no thread count changes, sums in f64, the same bits on
//! every machine. [`mil`] alone has epochs and a checkpoint, and multiplies by `gemm` as the networks do.

mod adkim;
pub(crate) mod eigen;
pub(crate) mod fit;
mod isolation_forest;
pub(crate) mod mil;
mod mil_network;
pub(crate) mod numbers;
mod one_class_svm;
pub(crate) mod pca;
#[cfg(test)]
mod tests;

use sweeps::training::{Method, Pretraining};
use sweeps::{EpochPoint, Phase, Training};

use crate::baselines::fit::{Fault, FitContext, start};
use crate::error::TrainError;
use crate::method::pretraining::selected_rows;
use crate::method::step::diverged;
use crate::run::checkpoint::Checkpoint;
use crate::run::epoch_scores::Kept;
use crate::run::progress::{Scores, mean_over_crops};
use crate::run::request::{Observer, Request};

/// Fits a baseline and scores the test segments.
pub(crate) fn run(
    request: &Request<'_>,
    training: &Training,
    observer: &mut dyn Observer,
) -> Result<(Checkpoint, Scores, Kept), TrainError> {
    if training.method == Method::MilRanking {
        return mil::run(request, training, observer);
    }
    let dataset = request.dataset;
    let mut start = start(request);
    let kept = Kept::new(training, dataset, &start)?;
    if let Some(checkpoint) = &request.checkpoint
        && checkpoint.header.next != (0, 0)
    {
        return Err(TrainError::BadCheckpoint {
            message: "this method keeps none".to_owned(),
        });
    }
    let selection = selected_rows(training, dataset)?;
    let mut rows = selection.rows;
    match training.pretraining {
        Pretraining::Off => rows.extend(0..dataset.train.rows() as u32),
        Pretraining::TemporalDifference { .. } => start
            .header
            .warnings
            .say_of_filter(selection.share, selection.threshold),
        Pretraining::NormalOnly => {}
    }
    if rows.is_empty() {
        return Err(TrainError::bad_data(
            "no segment is left to fit: the selection of `pretraining` keeps none \
             (`difference_threshold` and `difference_scale` decide; `difference_quantile = 0.7` in [job] keeps that share of them on any features)",
        ));
    }
    let context = FitContext {
        train: &dataset.train,
        rows: &rows,
        test: &dataset.test,
        seed: request.job.seed,
        threads: request.device.threads(),
        stopped: &|| request.stop.is_stopped(),
    };
    let scored = match training.method {
        Method::AdKim => adkim::score(&context, training.adkim),
        Method::Pca => pca::score(&context, training.pca_dimensions),
        Method::IsolationForest => isolation_forest::score(&context, training.isolation_forest),
        _ => one_class_svm::score(&context, training.one_class_svm),
    };
    let at = (Phase::Train, 1);
    let scores = scored.map_err(|fault| fault.of_run(|| start.clone(), at))?;
    let scores = mean_over_crops(&scores, dataset.crops);
    if !scores.iter().all(|score| score.is_finite()) {
        return Err(diverged("a score", at));
    }
    let point = EpochPoint {
        auc_g: metrics::auc(&scores, &dataset.frames),
        ..EpochPoint::new(Phase::Train, 1)
    };
    observer.on_epoch(&point, &start);
    let mut end = start.clone();
    end.header.curve.push(point);
    Ok((
        end,
        Scores {
            g: Some(scores),
            d: None,
        },
        kept,
    ))
}
