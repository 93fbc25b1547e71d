//! Controls: scores that learn nothing, which every method must be held against. No seed, no epochs; the same data, metrics,
//! curve and artifacts as the baselines, and the same bits at any number of threads.
//!
//! Three of them read no feature: how long the video is, and where in it a frame is. What they reach, a split gives away
//! by how its videos were cut. The others are the simplest that can be made of the features.

pub(crate) mod features;
pub(crate) mod nearest;
pub(crate) mod neighbours;

use metrics::place;
use sweeps::training::{Control, Controls};
use sweeps::{EpochPoint, Phase, Training};

use crate::baselines::fit::{Fault, FitContext, start};
use crate::baselines::pca::Components;
use crate::controls::neighbours::Neighbours;
use crate::data::prepared::Prepared;
use crate::error::TrainError;
use crate::method::step::diverged;
use crate::run::checkpoint::Checkpoint;
use crate::run::epoch_scores::Kept;
use crate::run::progress::{Scores, mean_over_crops};
use crate::run::request::{Observer, Request};

/// A control's scores.
pub(crate) struct Controlled {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) scores: Scores,
    pub(crate) kept: Kept,
    /// Per frame whether it is anomalous, where the scores are of frames.
    pub(crate) frame_truth: Option<Vec<bool>>,
}

/// Scores the test segments, or the test frames.
pub(crate) fn run(
    request: &Request<'_>,
    training: &Training,
    observer: &mut dyn Observer,
) -> Result<Controlled, TrainError> {
    let dataset = request.dataset;
    let mut checkpoint = start(request);
    let kept = Kept::new(training, dataset, &checkpoint)?;
    if let Some(found) = &request.checkpoint
        && found.header.next != (0, 0)
    {
        return Err(TrainError::BadCheckpoint {
            message: "this method keeps none".to_owned(),
        });
    }
    let rows: Vec<u32> = (0..dataset.train.rows() as u32).collect();
    let context = FitContext {
        train: &dataset.train,
        rows: &rows,
        test: &dataset.test,
        seed: 0,
        threads: request.device.threads(),
        stopped: &|| request.stop.is_stopped(),
    };
    let scored = self::scores(dataset, training.controls, &context);
    let Scored {
        scores,
        frame_truth,
    } = scored.map_err(|fault| match fault {
        Fault::Stopped => TrainError::Stopped(Box::new(start(request))),
        Fault::NotFinite(what) => diverged(what, (Phase::Train, 1)),
    })?;
    let by_frame = frame_truth.as_ref();
    let by_frame = by_frame.map(|truth| dataset.frames.one_by_one(truth));
    let frames = by_frame.as_ref().unwrap_or(&dataset.frames);
    if !scores.iter().all(|score| score.is_finite()) {
        return Err(diverged("a score", (Phase::Train, 1)));
    }
    let point = EpochPoint {
        auc_g: metrics::auc(&scores, frames),
        ..EpochPoint::new(Phase::Train, 1)
    };
    observer.on_epoch(&point, &checkpoint);
    checkpoint.header.curve.push(point);
    Ok(Controlled {
        checkpoint,
        scores: Scores {
            g: Some(scores),
            d: None,
        },
        kept,
        frame_truth,
    })
}

/// Scores of the test segments, or of the test frames.
pub(crate) struct Scored {
    pub(crate) scores: Vec<f32>,
    /// Per frame whether it is anomalous, where the scores are of frames.
    pub(crate) frame_truth: Option<Vec<bool>>,
}

/// The scores of a control whose models are fitted on the rows of `context`.
pub(crate) fn scores(
    dataset: &Prepared,
    controls: Controls,
    context: &FitContext<'_>,
) -> Result<Scored, Fault> {
    let control = controls.control;
    let frame_truth = control
        .is_per_frame()
        .then(|| dataset.frame_truth())
        .flatten();
    let by_frame = frame_truth.as_ref();
    let by_frame = by_frame.map(|truth| dataset.frames.one_by_one(truth));
    let frames = by_frame.as_ref().unwrap_or(&dataset.frames);
    let rows = match control {
        Control::Length => {
            return Ok(Scored {
                scores: place::length(frames),
                frame_truth,
            });
        }
        Control::Place | Control::PlaceLength => {
            let power = if control == Control::Place { 1 } else { 2 };
            return Ok(Scored {
                scores: place::place(frames, power),
                frame_truth,
            });
        }
        Control::Norm => features::norms(context)?,
        Control::TemporalDifference => {
            features::temporal_differences(context, dataset.frames.videos(), dataset.crops)?
        }
        Control::Pca => {
            Components::of_share(context, controls.variance_share)?.residuals(context)?
        }
        Control::Knn => Neighbours::of_test(controls.neighbours).mean_distances(context)?,
    };
    // The score of a segment is the mean over its crops.
    let rows: Vec<f32> = rows.into_iter().map(|score| score as f32).collect();
    Ok(Scored {
        scores: mean_over_crops(&rows, dataset.crops),
        frame_truth,
    })
}
