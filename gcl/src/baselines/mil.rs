//! Multiple-instance ranking (Sultani et al. 2018): the weakly supervised row of Table 1. A video is a bag of segments;
//! the best-scored segment of an anomalous bag is to be above that of a normal one.
//!
//! Loss of a step, as in their Eq. 6 and 7: the mean over all pairs of an anomalous bag a and a normal bag n of
//! max(0, 1 − max a + max n), plus per anomalous bag (mean over bags) `smoothness`·Σ(aᵢ − aᵢ₊₁)² + `sparsity`·Σaᵢ.
//! Where they are silent or their code and text differ: an epoch passes once over the videos of the larger class, those
//! of the smaller return in fresh orders; bags are averaged over crops; weight decay is added to the gradient.
//!
//! It reads the video-level labels of the training split, all of them, and nothing else of the truth.

use sweeps::training::Mil;
use sweeps::{EpochPoint, Phase, Training};

use crate::backend::open::{Source, Work, on};
use crate::backend::state::{NetworkState, PairState};
use crate::backend::{Backend, Split};
use crate::baselines::fit::start;
use crate::baselines::mil_network::{MilNetwork, shapes};
use crate::data::features::Features;
use crate::data::matrix::Matrix;
use crate::data::prepared::Prepared;
use crate::error::TrainError;
use crate::method::random_streams::{RandomStreams, SeededStreams, initial_weights};
use crate::method::step::diverged;
use crate::run::checkpoint::Checkpoint;
use crate::run::epoch_scores::Kept;
use crate::run::progress::{SCORE_ROWS, Scores, all_but_equal, mean_over_crops};
use crate::run::request::{Observer, Request};
use crate::run::warnings::Code;

/// Trains, from the checkpoint where there is one.
pub(crate) fn run(
    request: &Request<'_>,
    training: &Training,
    observer: &mut dyn Observer,
) -> Result<(Checkpoint, Scores, Kept), TrainError> {
    let dataset = request.dataset;
    let settings = &training.mil;
    let of_class = |anomalous: bool| -> Vec<u32> {
        (0..dataset.labels.len() as u32)
            .filter(|video| dataset.labels[*video as usize] == Some(anomalous))
            .collect()
    };
    let (anomalous, normal) = (of_class(true), of_class(false));
    if anomalous.is_empty() || normal.is_empty() {
        return Err(TrainError::bad_data(
            "method = \"mil-ranking\" needs training videos labelled normal and others labelled anomalous, and train.csv \
             lacks one of the two",
        ));
    }
    let bags = Features::from(bags(dataset, settings.segments)?);
    let shapes = shapes(dataset.dimension(), &settings.hidden);
    let checkpoint = if let Some(checkpoint) = &request.checkpoint {
        let (phase, epoch) = checkpoint.header.next;
        let fits = checkpoint
            .networks
            .discriminator
            .as_ref()
            .is_some_and(|network| network.shapes == shapes);
        if !fits || (phase, epoch) > (1, 0) || (phase == 0 && epoch >= training.epochs) {
            return Err(TrainError::BadCheckpoint {
                message: "its network or its place in the run are not this job's".to_owned(),
            });
        }
        checkpoint.clone()
    } else {
        let mut start = start(request);
        start.networks = PairState {
            discriminator: initial_weights(request.job.seed, &[&shapes]).pop(),
            ..PairState::default()
        };
        start
    };
    let work = Ranking {
        request,
        training,
        observer,
        classes: [&anomalous, &normal],
        checkpoint,
    };
    on(request.device, Source::Train(&bags, dataset), work)
}

/// A run that stands at its start or at a checkpoint.
struct Ranking<'a, 'r> {
    request: &'a Request<'r>,
    training: &'a Training,
    observer: &'a mut dyn Observer,
    /// Videos labelled anomalous, and those labelled normal.
    classes: [&'a [u32]; 2],
    checkpoint: Checkpoint,
}

impl Work for Ranking<'_, '_> {
    type Networks<B: Backend> = MilNetwork<B>;
    type Output = (Checkpoint, Scores, Kept);

    fn networks<B: Backend>(&self, backend: B) -> Result<MilNetwork<B>, TrainError> {
        let mil = &self.training.mil;
        let numbers = (self.training.learning_rate, self.training.matmul_precision);
        let rows = SCORE_ROWS.min(self.request.dataset.test.rows());
        let rows = rows.max(2 * mil.bags * mil.segments);
        let state = &self.checkpoint.networks.discriminator;
        let empty = NetworkState::default();
        MilNetwork::new(
            backend,
            state.as_ref().unwrap_or(&empty),
            mil,
            numbers,
            rows,
        )
    }

    fn run<B: Backend>(self, network: MilNetwork<B>) -> Result<Self::Output, TrainError> {
        let mut network = network;
        let Self {
            request,
            training,
            observer,
            classes,
            mut checkpoint,
        } = self;
        let [anomalous, normal] = classes;
        let dataset = request.dataset;
        let settings = &training.mil;
        let kept = Kept::new(training, dataset, &checkpoint)?;
        let mut draws = SeededStreams::resume(request.job.seed, &checkpoint.header.streams);
        let first = match checkpoint.header.next {
            (0, epoch) => epoch,
            _ => training.epochs,
        };
        let mut scores = None;
        for epoch in first..training.epochs {
            let at = (Phase::Train, epoch + 1);
            let per_class = classes.map(|videos| settings.bags.min(videos.len()));
            let steps = anomalous
                .len()
                .div_ceil(per_class[0])
                .max(normal.len().div_ceil(per_class[1]));
            let mut orders = [Vec::new(), Vec::new()];
            for ((order, videos), bags) in orders.iter_mut().zip(classes).zip(per_class) {
                let mut fresh = Vec::new();
                while order.len() < steps * bags {
                    draws.order(videos, &mut fresh)?;
                    order.append(&mut fresh);
                }
            }
            let mut total = 0.0;
            for step in 0..steps {
                if request.stop.is_stopped() {
                    return Err(TrainError::Stopped(Box::new(checkpoint)));
                }
                let [positive, negative] = [0, 1].map(|class: usize| {
                    &orders[class][step * per_class[class]..][..per_class[class]]
                });
                let loss = learn(&mut network, &mut draws, (positive, negative), settings)?;
                if !loss.is_finite() {
                    return Err(diverged("the loss of D", at));
                }
                total += loss;
                observer.on_batch();
            }
            let found = score(&mut network, dataset)?;
            if !found.iter().all(|score| score.is_finite()) {
                return Err(diverged("a score of D", at));
            }
            let point = EpochPoint {
                auc_d: metrics::auc(&found, &dataset.frames),
                loss_d: Some(total / steps as f64),
                ..EpochPoint::new(Phase::Train, epoch + 1)
            };
            let header = &mut checkpoint.header;
            if all_but_equal(&found) {
                header
                    .warnings
                    .see(Code::ConstantDiscriminator, Phase::Train, epoch + 1);
            }
            header.next = if epoch + 1 < training.epochs {
                (0, epoch + 1)
            } else {
                (1, 0)
            };
            header.finished = at;
            header.streams = draws.positions();
            header.curve.push(point.clone());
            network.save(checkpoint.networks.discriminator.get_or_insert_default())?;
            kept.keep(None, Some(&found), &mut checkpoint.epoch_scores);
            scores = Some(found);
            observer.on_epoch(&point, &checkpoint);
        }
        let d = match scores {
            Some(scores) => scores,
            None => score(&mut network, dataset)?,
        };
        Ok((
            checkpoint,
            Scores {
                g: None,
                d: Some(d),
            },
            kept,
        ))
    }
}

/// One bag a video, `[videos · segments, d]`: its rows cut into `segments` parts as equal as can be, each averaged. A
/// video with fewer segments repeats some.
pub(crate) fn bags(dataset: &Prepared, segments: usize) -> Result<Matrix, TrainError> {
    let (columns, crops) = (dataset.dimension(), dataset.crops);
    let videos = dataset.labels.len();
    let mut bags = Matrix::zeros(videos.saturating_mul(segments), columns)?;
    let mut bounds = vec![(0, 0); videos];
    for (row, video) in dataset.video.iter().enumerate() {
        let (first, end) = &mut bounds[*video as usize];
        if *end == 0 {
            *first = row;
        }
        *end = row + 1;
    }
    let mut parts = bags.values_mut().chunks_exact_mut(columns);
    let mut sums = vec![0.0; columns];
    let mut scratch = Vec::new();
    for (first, end) in bounds {
        let length = (end - first) / crops;
        for (part, out) in (0..segments).zip(parts.by_ref()) {
            let from = part * length / segments;
            let to = ((part + 1) * length / segments).max(from + 1).min(length);
            sums.fill(0.0);
            let rows = first + from * crops..first + to * crops;
            if rows.is_empty() {
                // A video without rows; its bag stays at zero.
                continue;
            }
            let count = rows.len() as f64;
            for row in rows {
                for (sum, value) in sums.iter_mut().zip(dataset.train.row(row, &mut scratch)) {
                    *sum += f64::from(*value);
                }
            }
            for (out, sum) in out.iter_mut().zip(&sums) {
                *out = (sum / count) as f32;
            }
        }
    }
    Ok(bags)
}

/// One step on these videos; gives the loss before it.
pub(crate) fn learn<B: Backend>(
    network: &mut MilNetwork<B>,
    draws: &mut dyn RandomStreams,
    (anomalous, normal): (&[u32], &[u32]),
    settings: &Mil,
) -> Result<f64, TrainError> {
    let segments = settings.segments as u32;
    let rows: Vec<u32> = anomalous
        .iter()
        .chain(normal)
        .flat_map(|video| video * segments..(video + 1) * segments)
        .collect();
    let mut masks = Vec::new();
    if settings.dropout > 0.0 {
        for width in &settings.hidden {
            let mut mask = Vec::new();
            draws.dropout(rows.len() * width, settings.dropout, &mut mask);
            masks.push(mask);
        }
    }
    let scale = (settings.dropout > 0.0).then(|| (1.0 / (1.0 - settings.dropout)) as f32);
    let dropout = scale.map(|scale| (masks.as_slice(), scale));
    let scores = network.forward(Split::Train, &rows, dropout)?;
    let (loss, mut gradient) = ranking_loss(&scores, anomalous.len(), settings);
    for (gradient, score) in gradient.iter_mut().zip(&scores) {
        // Through the sigmoid.
        *gradient *= score * (1.0 - score);
    }
    network.learn(&gradient, scale)?;
    Ok(loss)
}

/// The loss and its gradient with respect to each score; the first `anomalous` bags are the anomalous ones.
pub(crate) fn ranking_loss(scores: &[f32], anomalous: usize, settings: &Mil) -> (f64, Vec<f32>) {
    let segments = settings.segments;
    let mut gradient = vec![0.0_f64; scores.len()];
    // The best of each bag, the first of equals.
    let best: Vec<(usize, f64)> = scores
        .chunks_exact(segments)
        .enumerate()
        .map(|(bag, scores)| {
            let mut top = 0;
            for (place, score) in scores.iter().enumerate() {
                if *score > scores[top] {
                    top = place;
                }
            }
            (bag * segments + top, f64::from(scores[top]))
        })
        .collect();
    let (positive, negative) = best.split_at(anomalous);
    let pairs = (positive.len() * negative.len()) as f64;
    let mut loss = 0.0;
    for (top, high) in positive {
        for (other, low) in negative {
            let hinge = 1.0 - high + low;
            if hinge > 0.0 {
                loss += hinge / pairs;
                gradient[*top] -= 1.0 / pairs;
                gradient[*other] += 1.0 / pairs;
            } else if hinge.is_nan() {
                loss = f64::NAN;
            }
        }
    }
    let share = 1.0 / anomalous as f64;
    for first in (0..anomalous * segments).step_by(segments) {
        for place in first..first + segments {
            loss += share * settings.sparsity * f64::from(scores[place]);
            gradient[place] += share * settings.sparsity;
            if place + 1 < first + segments {
                let difference = f64::from(scores[place]) - f64::from(scores[place + 1]);
                loss += share * settings.smoothness * difference * difference;
                gradient[place] += share * settings.smoothness * 2.0 * difference;
                gradient[place + 1] -= share * settings.smoothness * 2.0 * difference;
            }
        }
    }
    (
        loss,
        gradient.into_iter().map(|value| value as f32).collect(),
    )
}

fn score<B: Backend>(
    network: &mut MilNetwork<B>,
    dataset: &Prepared,
) -> Result<Vec<f32>, TrainError> {
    let rows: Vec<u32> = (0..dataset.test.rows() as u32).collect();
    let mut scores = Vec::with_capacity(rows.len());
    for rows in rows.chunks(SCORE_ROWS) {
        scores.extend(network.forward(Split::Test, rows, None)?);
    }
    Ok(mean_over_crops(&scores, dataset.crops))
}
