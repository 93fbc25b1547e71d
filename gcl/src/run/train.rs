//! One job from start to end: a `JobSpec`, prepared data, a device, an observer and a stop flag. It knows nothing of the
//! cluster.

use sweeps::training::{Method, Pretraining};
use sweeps::{FinalMetrics, JobSpec, Outcome, Training};

use crate::backend::Backend;
use crate::backend::networks::{Networks, bytes_needed};
use crate::backend::open::{Source, Work, on};
use crate::backend::state::{PairState, discriminator_shapes, generator_shapes};
use crate::baselines;
use crate::controls::{self, Controlled};
use crate::data::prepared::Prepared;
use crate::data_card;
use crate::distil;
use crate::error::TrainError;
use crate::method::pretraining::{Selection, selected_rows};
use crate::method::random_streams::{SeededStreams, initial_weights, supervised_videos};
use crate::method::schedule::{Plan, Position};
use crate::method::step::StepContext;
use crate::run::checkpoint::{Checkpoint, LabelErrors};
use crate::run::embedding;
use crate::run::epoch_scores::Kept;
use crate::run::progress::{Progress, SCORE_ROWS, Scores};
use crate::run::request::{Observer, Request};
use metrics::artifact::{self, EMBEDDING, EPOCH_SCORES, SCORES};
use metrics::data_card::DATA_CARD;
use metrics::{AlarmRule, D_THRESHOLD, Frames, G_RECALL, evaluate};

/// What a finished run gives. A function of job, data, build and kind of device alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// Curve, final metrics and warnings; `artifacts` is empty, whoever stores them fills it.
    pub outcome: Outcome,
    /// Named bytes too big for a record: [`SCORES`], and where the job asks for them [`EPOCH_SCORES`], [`EMBEDDING`] and
    /// [`DATA_CARD`].
    pub artifacts: Vec<(String, Vec<u8>)>,
}

/// Trains a job to its end, or until it is stopped.
///
/// Equal to the bit whatever the number of threads, and however often it was stopped and taken up again.
pub fn train(request: &Request<'_>, observer: &mut dyn Observer) -> Result<Trained, TrainError> {
    request.device.install(|| run(request, observer))
}

fn run(request: &Request<'_>, observer: &mut dyn Observer) -> Result<Trained, TrainError> {
    let Request { job, dataset, .. } = *request;
    let training = Training::of(job);
    if training.feature_scaling != dataset.scaling {
        return Err(TrainError::bad_data(
            "the data were prepared with another feature_scaling than the job's",
        ));
    }
    demand_truth(dataset)?;
    let End {
        checkpoint,
        scores: found,
        kept,
        frame_truth,
        embedding,
    } = if training.method.has_generator() {
        cooperate(request, &training, observer)?
    } else if training.method == Method::Control {
        request.check_origin()?;
        controls::run(request, &training, observer)?.into()
    } else {
        request.check_origin()?;
        let (checkpoint, scores, kept) = match training.method {
            Method::Distil => distil::run(request, &training, observer)?,
            _ => baselines::run(request, &training, observer)?,
        };
        End {
            checkpoint,
            scores,
            kept,
            frame_truth: None,
            embedding: None,
        }
    };
    let scores = artifact::Scores {
        names: dataset.test_names.to_vec(),
        frames: Frames::clone(&dataset.frames),
        frame_truth,
        d: found.d,
        g: found.g,
    };
    let scored = scores.scored();
    let score = |scores: &Option<Vec<f32>>, alarm| {
        scores
            .as_ref()
            .map(|scores| evaluate(scores, &scored, alarm))
    };
    let metrics = FinalMetrics {
        d: score(&scores.d, AlarmRule::At(D_THRESHOLD)),
        g: score(&scores.g, AlarmRule::Recall(G_RECALL)),
    };
    let scores = scores.encode()?;
    let mut artifacts = vec![(SCORES.to_owned(), scores)];
    if let Some(bytes) = kept.encode(dataset, &checkpoint.epoch_scores)? {
        artifacts.push((EPOCH_SCORES.to_owned(), bytes));
    }
    if let Some(bytes) = embedding {
        artifacts.push((EMBEDDING.to_owned(), bytes));
    }
    if training.data_card {
        let card = data_card::of_job(request)?;
        artifacts.push((DATA_CARD.to_owned(), card.encode()));
    }
    Ok(Trained {
        outcome: Outcome {
            metrics,
            warnings: checkpoint.header.warnings.list(),
            curve: checkpoint.header.curve,
            artifacts: Vec::new(),
        },
        artifacts,
    })
}

/// Refuses test data that no metric can be computed on: training for nothing would look like a result.
fn demand_truth(dataset: &Prepared) -> Result<(), TrainError> {
    let any = |counts: &[u32]| counts.iter().any(|count| *count > 0);
    let frames = &dataset.frames;
    let found = match (any(frames.positives()), any(frames.negatives())) {
        (true, true) => return Ok(()),
        (false, _) => "no anomalous frames",
        (true, false) => "only anomalous frames",
    };
    Err(TrainError::bad_data(format!(
        "the test split has {found}: an AUC needs both kinds, so that training would be for nothing; \
         test.csv lists the anomalous frames of each video"
    )))
}

/// The end of a run.
struct End {
    checkpoint: Checkpoint,
    /// Of the test segments.
    scores: Scores,
    /// Which scores `checkpoint` carries of each epoch.
    kept: Kept,
    /// Per test frame whether it is anomalous, where the scores are of frames.
    frame_truth: Option<Vec<bool>>,
    /// The artifact, where it was asked for and the method has a G.
    embedding: Option<Vec<u8>>,
}

impl From<Controlled> for End {
    fn from(found: Controlled) -> Self {
        Self {
            checkpoint: found.checkpoint,
            scores: found.scores,
            kept: found.kept,
            frame_truth: found.frame_truth,
            embedding: None,
        }
    }
}

/// Trains G, and D where there is one.
fn cooperate(
    request: &Request<'_>,
    training: &Training,
    observer: &mut dyn Observer,
) -> Result<End, TrainError> {
    let Request {
        job,
        dataset,
        device,
        ..
    } = *request;
    let known = known_labels(job, training, dataset)?;
    let selection = selected_rows(training, dataset)?;
    let generator = generator_shapes(dataset.dimension(), training);
    let discriminator = (training.method == Method::Gcl)
        .then(|| discriminator_shapes(dataset.dimension(), training));
    let context = StepContext {
        training,
        video: &dataset.video,
        known: &known,
        labels: &[],
    };
    let plan = Plan::new(context, &selection.rows, false)?;

    let checkpoint = if let Some(checkpoint) = &request.checkpoint {
        check(
            checkpoint,
            request,
            &generator,
            discriminator.as_deref(),
            &plan,
        )?;
        checkpoint.clone()
    } else {
        let shapes: Vec<_> = [Some(generator.as_slice()), discriminator.as_deref()]
            .into_iter()
            .flatten()
            .collect();
        let mut drawn = initial_weights(job.seed, &shapes).into_iter();
        Checkpoint {
            header: request.first_header(plan.phases[0].phase),
            networks: PairState {
                generator: drawn.next().unwrap_or_default(),
                discriminator: drawn.next(),
            },
            epoch_scores: Vec::new(),
            errors: LabelErrors::default(),
        }
    };

    let rows = SCORE_ROWS.min(dataset.test.rows());
    let capacity = plan.largest_batch().max(rows);
    let need = bytes_needed(&checkpoint.networks, dataset.dimension(), capacity);
    let work = Cooperation {
        request,
        training,
        observer,
        plan,
        selection,
        checkpoint,
        capacity,
    };
    on(device, Source::Dataset { dataset, need }, work)
}

/// A run that stands at its start or at a checkpoint.
struct Cooperation<'a, 'r> {
    request: &'a Request<'r>,
    training: &'a Training,
    observer: &'a mut dyn Observer,
    plan: Plan<'a>,
    selection: Selection,
    checkpoint: Checkpoint,
    /// Rows of the largest batch.
    capacity: usize,
}

impl Work for Cooperation<'_, '_> {
    type Networks<B: Backend> = Networks<B>;
    type Output = End;

    fn networks<B: Backend>(&self, backend: B) -> Result<Networks<B>, TrainError> {
        let state = &self.checkpoint.networks;
        Networks::new(backend, state, self.training, self.capacity)
    }

    fn run<B: Backend>(self, networks: Networks<B>) -> Result<End, TrainError> {
        let mut networks = networks;
        let Self {
            request,
            training,
            observer,
            plan,
            selection,
            checkpoint,
            ..
        } = self;
        let Request { job, dataset, .. } = *request;
        let mut draws = SeededStreams::resume(job.seed, &checkpoint.header.streams);
        let (phase, epoch) = checkpoint.header.next;
        let kept = Kept::new(training, dataset, &checkpoint)?;
        let mut progress = Progress::new(dataset, request.stop, observer, checkpoint, kept);
        if request.checkpoint.is_none() {
            progress.warn_of_few_steps(&plan);
            if let Pretraining::TemporalDifference { .. } = training.pretraining {
                progress.warn_of_filter(selection.share, selection.threshold);
            }
        }
        let start = Position { phase, epoch };
        plan.run(start, &mut networks, &mut draws, &mut progress)?;
        let (checkpoint, scores, kept) = progress.finish(&mut networks)?;
        let embedding = if training.embedding {
            embedding::make(&mut networks, dataset, job.seed, request.device.threads())?
        } else {
            None
        };
        Ok(End {
            checkpoint,
            scores,
            kept,
            frame_truth: None,
            embedding,
        })
    }
}

/// The labels that the training may know (Fig. 9).
fn known_labels(
    job: &JobSpec,
    training: &Training,
    dataset: &Prepared,
) -> Result<Vec<Option<bool>>, TrainError> {
    let mut known = vec![None; dataset.labels.len()];
    if training.supervision_percent > 0.0 && training.method != Method::Autoencoder {
        for video in supervised_videos(job.seed, known.len(), training.supervision_percent) {
            known[video] = dataset.labels[video];
        }
        if dataset.labels.iter().all(Option::is_none) {
            return Err(TrainError::bad_data(
                "supervision_percent needs video-level labels of the training videos, and train.csv has none",
            ));
        }
    }
    Ok(known)
}

/// Whether the checkpoint is one of this run.
fn check(
    checkpoint: &Checkpoint,
    request: &Request<'_>,
    generator: &[crate::backend::state::LayerShape],
    discriminator: Option<&[crate::backend::state::LayerShape]>,
    plan: &Plan<'_>,
) -> Result<(), TrainError> {
    request.check_origin()?;
    let header = &checkpoint.header;
    let same = checkpoint.networks.generator.shapes == generator
        && checkpoint
            .networks
            .discriminator
            .as_ref()
            .map(|network| network.shapes.as_slice())
            == discriminator;
    let (phase, epoch) = header.next;
    let reachable = match plan.phases.get(phase) {
        Some(phase) => epoch < phase.epochs,
        None => phase == plan.phases.len() && epoch == 0,
    };
    if !same || !reachable {
        return Err(TrainError::BadCheckpoint {
            message: "its networks or its place in the run are not this job's".to_owned(),
        });
    }
    Ok(())
}
