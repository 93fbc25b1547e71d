//! Controls: scores that learn nothing, which every method must be held against. No seed, no epochs; the same data, metrics,
//! curve and artifacts as the baselines, and the same bits at any number of threads.
//!
//! Three of them read no feature: how long the video is, and where in it a frame is. What they reach, a split gives away
//! by how its videos were cut. The others are the simplest that can be made of the features.

pub(crate) mod features;
pub(crate) mod nearest;
pub(crate) mod neighbours;

use metrics::{Frames, place};
use sweeps::training::{Control, Controls};
use sweeps::{EpochPoint, Phase, Training};

use crate::baselines::fit::{Fault, FitContext, start};
use crate::baselines::pca::Components;
use crate::controls::neighbours::Neighbours;
use crate::data::prepared::Prepared;
use crate::error::TrainError;
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
    let scored = scores(dataset, training.controls, &context)
        .map_err(|fault| fault.of_run(|| start(request), (Phase::Train, 1)))?;
    let point = EpochPoint {
        auc_g: metrics::auc(&scored.scores, scored.frames(dataset)),
        ..EpochPoint::new(Phase::Train, 1)
    };
    observer.on_epoch(&point, &checkpoint);
    checkpoint.header.curve.push(point);
    Ok(Controlled {
        checkpoint,
        scores: Scores {
            g: Some(scored.scores),
            d: None,
        },
        kept,
        frame_truth: scored.by_frame.map(|(truth, _)| truth),
    })
}

/// Scores of the test segments, or of the test frames.
pub(crate) struct Scored {
    pub(crate) scores: Vec<f32>,
    /// Where the scores are of frames: per frame whether it is anomalous, and the frames one by one.
    by_frame: Option<(Vec<bool>, Frames)>,
}

impl Scored {
    /// What the scores are of.
    pub(crate) fn frames<'a>(&'a self, dataset: &'a Prepared) -> &'a Frames {
        self.by_frame
            .as_ref()
            .map_or(&dataset.frames, |(_, frames)| frames)
    }
}

/// The scores of a control whose models are fitted on the rows of `context`. All are finite.
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
    let mut scored = Scored {
        scores: Vec::new(),
        by_frame: frame_truth.map(|truth| {
            let frames = dataset.frames.one_by_one(&truth);
            (truth, frames)
        }),
    };
    let frames = scored.frames(dataset);
    // The score of a segment is the mean over its crops.
    let of_rows = |rows: Vec<f64>| {
        let rows: Vec<f32> = rows.into_iter().map(|score| score as f32).collect();
        mean_over_crops(&rows, dataset.crops)
    };
    scored.scores = match control {
        Control::Length => place::length(frames),
        Control::Place => place::place(frames, 1),
        Control::PlaceLength => place::place(frames, 2),
        Control::Norm => of_rows(features::norms(context)?),
        Control::TemporalDifference => of_rows(features::temporal_differences(
            context,
            dataset.frames.videos(),
            dataset.crops,
        )?),
        Control::Pca => {
            let components = Components::of_share(context, controls.variance_share)?;
            of_rows(components.residuals(context)?)
        }
        Control::Knn => of_rows(Neighbours::of_test(controls.neighbours).mean_distances(context)?),
    };
    if scored.scores.iter().all(|score| score.is_finite()) {
        Ok(scored)
    } else {
        Err(Fault::NotFinite("a score"))
    }
}
