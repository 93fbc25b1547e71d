//! D on labels that were made before: layers, weights, optimizer, epochs and batches as in GCL of the same seed.

use sweeps::{Phase, Training};

use crate::backend::Backend;
use crate::backend::networks::{Networks, bytes_needed};
use crate::backend::open::{Source, Work, on};
use crate::backend::state::{PairState, discriminator_shapes, generator_shapes};
use crate::distil::fused::Fusion;
use crate::distil::position::{Part, start};
use crate::error::TrainError;
use crate::method::random_streams::{SeededStreams, initial_weights};
use crate::method::schedule::{PhasePlan, Plan, Position};
use crate::method::step::{Kind, StepContext};
use crate::run::checkpoint::Checkpoint;
use crate::run::epoch_scores::Kept;
use crate::run::progress::{Progress, SCORE_ROWS, Scores};
use crate::run::request::{Observer, Request};

/// The plan of D's training on these labels, one for each training row.
pub(crate) fn plan<'a>(training: &'a Training, video: &'a [u32], labels: &'a [f32]) -> Plan<'a> {
    Plan {
        context: StepContext {
            training,
            video,
            known: &[],
            labels,
        },
        phases: vec![PhasePlan {
            phase: Phase::Train,
            kind: Kind::GivenLabels,
            epochs: training.epochs,
            rows: (0..labels.len() as u32).collect(),
        }],
    }
}

/// Trains D from where the checkpoint stands. `phase`: D's number among the phases of the run.
pub(crate) fn train(
    request: &Request<'_>,
    training: &Training,
    observer: &mut dyn Observer,
    (labels, fusion): (&[f32], Option<Fusion>),
    phase: usize,
    checkpoint: Checkpoint,
) -> Result<(Checkpoint, Scores, Kept), TrainError> {
    let dataset = request.dataset;
    let plan = plan(training, &dataset.video, labels);
    let start = start(checkpoint.header.next, phase);
    let state = if start == Position::default() {
        initial(request.job.seed, dataset.dimension(), training)
    } else {
        checkpoint.networks.clone()
    };
    let capacity = plan
        .largest_batch()
        .max(SCORE_ROWS.min(dataset.test.rows()));
    let need = bytes_needed(&state, dataset.dimension(), capacity);
    let student = Student {
        request,
        training,
        observer,
        plan,
        start,
        phase,
        state,
        checkpoint,
        fusion,
        capacity,
    };
    on(request.device, Source::Dataset { dataset, need }, student)
}

/// D with the weights that it has in GCL of that seed, where G's are drawn before it.
fn initial(seed: u64, dimension: usize, training: &Training) -> PairState {
    let (g, d) = (
        generator_shapes(dimension, training),
        discriminator_shapes(dimension, training),
    );
    PairState {
        discriminator: initial_weights(seed, &[&g, &d]).pop(),
        ..PairState::default()
    }
}

struct Student<'a, 'r> {
    request: &'a Request<'r>,
    training: &'a Training,
    observer: &'a mut dyn Observer,
    plan: Plan<'a>,
    start: Position,
    phase: usize,
    state: PairState,
    checkpoint: Checkpoint,
    fusion: Option<Fusion>,
    capacity: usize,
}

impl Work for Student<'_, '_> {
    type Networks<B: Backend> = Networks<B>;
    type Output = (Checkpoint, Scores, Kept);

    fn networks<B: Backend>(&self, backend: B) -> Result<Networks<B>, TrainError> {
        Networks::new(backend, &self.state, self.training, self.capacity)
    }

    fn run<B: Backend>(self, networks: Networks<B>) -> Result<Self::Output, TrainError> {
        let mut networks = networks;
        let Request { job, dataset, .. } = *self.request;
        let mut draws = SeededStreams::resume(job.seed, &self.checkpoint.header.streams);
        let kept = Kept::new(self.training, dataset, &self.checkpoint)?;
        let stop = self.request.stop;
        let progress = Progress::new(dataset, stop, self.observer, self.checkpoint, kept);
        let mut progress = progress.with_fusion(self.fusion);
        let mut part = Part {
            progress: &mut progress,
            phase: self.phase,
            epochs: 0,
        };
        self.plan
            .run(self.start, &mut networks, &mut draws, &mut part)?;
        progress.finish(&mut networks)
    }
}
