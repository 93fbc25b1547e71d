//! One trace, run with the draws that it recorded, and held against what it recorded.

use std::collections::BTreeSet;

use sweeps::training::{Pretraining, PseudoLabels};

use crate::backend::networks::Networks;
use crate::backend::open::{Source, Work, on};
use crate::backend::state::{PairState, tensor_name};
use crate::backend::{Backend, Report, Split};
use crate::device::Device;
use crate::error::TrainError;
use crate::method::pretraining::{by_difference, rows_of_videos};
use crate::method::random_streams::{Positions, RandomStreams};
use crate::method::schedule::{Hooks, PhasePlan, Plan, Position};
use crate::method::step::StepContext;
use crate::run::progress::SCORE_ROWS;
use crate::selftest::case::Case;
use crate::selftest::error::TraceError;
use crate::selftest::report::{TOLERANCE, TensorReport};
use crate::selftest::tensors::Tensors;

pub(super) fn replay(
    case: &Case<'_>,
    expected: &Tensors<'_>,
    device: &Device,
) -> Result<Vec<TensorReport>, TraceError> {
    let selected = selected_rows(case);
    let context = StepContext {
        training: &case.training,
        video: &case.video,
        known: &case.known,
        labels: &[],
    };
    let plan = Plan::new(context, &selected, true)?;
    let (run, state) = on(device, Source::Only(&case.features), Replay { case, plan })?;
    compare(
        &run,
        &state,
        expected,
        case.training.pseudo_labels == PseudoLabels::Hard,
    )
}

/// A run of a trace.
struct Replay<'a> {
    case: &'a Case<'a>,
    plan: Plan<'a>,
}

impl Work for Replay<'_> {
    type Networks<B: Backend> = Networks<B>;
    type Output = (RecordedRun, PairState);

    fn networks<B: Backend>(&self, backend: B) -> Result<Networks<B>, TrainError> {
        let rows = SCORE_ROWS.min(self.case.features.rows());
        let capacity = self.plan.largest_batch().max(rows);
        Networks::new(backend, &self.case.initial, &self.case.training, capacity)
    }

    fn run<B: Backend>(self, networks: Networks<B>) -> Result<Self::Output, TrainError> {
        let Self { case, plan } = self;
        let mut networks = networks;
        let rows = case.features.rows();
        let mut draws = RecordedStreams {
            case,
            epoch: 0,
            step: 0,
        };
        let mut run = RecordedRun::default();
        plan.run(Position::default(), &mut networks, &mut draws, &mut run)?;
        run.score(&mut networks, rows)?;
        let mut state = PairState::default();
        networks.save(&mut state)?;
        Ok((run, state))
    }
}

fn selected_rows(case: &Case<'_>) -> Vec<u32> {
    match case.training.pretraining {
        Pretraining::Off => Vec::new(),
        Pretraining::TemporalDifference { bound, scale } => {
            by_difference(&case.features, &case.video, 1, bound, scale).rows
        }
        Pretraining::NormalOnly => {
            rows_of_videos(&case.video, |video| case.video_label[video] == 0)
        }
    }
}

/// RandomStreams read from the trace.
struct RecordedStreams<'a> {
    case: &'a Case<'a>,
    /// Epochs so far, through all phases.
    epoch: usize,
    /// Steps so far that drew noise or replacements.
    step: usize,
}

impl RecordedStreams<'_> {
    /// Where the values of this step begin in the tensor `[steps, per step]`, if they are in it.
    fn next_step(&mut self, tensor: &str, shape: &[usize]) -> Result<usize, TraceError> {
        let inputs = &self.case.inputs;
        let found = inputs.shape(tensor)?;
        let step = self.step;
        self.step += 1;
        if found.len() == shape.len() + 1 && found[1..] == *shape && step < found[0] {
            Ok(step * shape.iter().product::<usize>())
        } else {
            Err(inputs.fault(
                tensor,
                format!("has shape {found:?}, step {step} needs {shape:?}"),
            ))
        }
    }

    fn read_noise(
        &mut self,
        positive: &[u32],
        batch: usize,
        dimension: usize,
    ) -> Result<Vec<f32>, TraceError> {
        let start = self.next_step("noise", &[batch, dimension])?;
        let noise = self.case.inputs.floats("noise")?;
        Ok(positive
            .iter()
            .flat_map(|row| &noise[start + *row as usize * dimension..][..dimension])
            .map(|value| *value as f32)
            .collect())
    }

    fn read_replacement(&mut self, batch: usize) -> Result<Vec<u32>, TraceError> {
        let start = self.next_step("replacement", &[batch])?;
        let inputs = &self.case.inputs;
        let rows = inputs.indices("replacement", batch)?;
        rows[start..][..batch]
            .iter()
            .map(|row| u32::try_from(*row).map_err(|_| inputs.fault("replacement", "holds -1")))
            .collect()
    }
}

/// The order in which epoch number `epoch` of the trace visits `rows`, of `all` rows.
pub(super) fn read_order(
    inputs: &Tensors<'_>,
    epoch: usize,
    rows: &[u32],
    all: usize,
) -> Result<Vec<u32>, TraceError> {
    let name = format!("order.{epoch:03}");
    let order = inputs.indices(&name, all)?;
    let visited: BTreeSet<i64> = order.iter().copied().collect();
    let selected: BTreeSet<i64> = rows.iter().map(|row| i64::from(*row)).collect();
    if order.len() != rows.len() || visited != selected {
        return Err(inputs.fault(
            &name,
            format!(
                "visits {} rows, which are not the {} that this phase trains on",
                order.len(),
                rows.len()
            ),
        ));
    }
    Ok(order.into_iter().map(|row| row as u32).collect())
}

/// The training loop knows no traces: what is wrong with one reaches it as bad data, in the same words.
pub(super) fn told(error: TraceError) -> TrainError {
    match error {
        TraceError::Train(error) => error,
        other => TrainError::bad_data(other.to_string()),
    }
}

impl RandomStreams for RecordedStreams<'_> {
    fn order(&mut self, rows: &[u32], out: &mut Vec<u32>) -> Result<(), TrainError> {
        let all = self.case.features.rows();
        *out = read_order(&self.case.inputs, self.epoch, rows, all).map_err(told)?;
        self.epoch += 1;
        Ok(())
    }

    fn noise(
        &mut self,
        positive: &[u32],
        batch: usize,
        dimension: usize,
        out: &mut Vec<f32>,
    ) -> Result<(), TrainError> {
        *out = self.read_noise(positive, batch, dimension).map_err(told)?;
        Ok(())
    }

    fn replacement(&mut self, labels: &[f32], out: &mut Vec<u32>) -> Result<(), TrainError> {
        *out = self.read_replacement(labels.len()).map_err(told)?;
        Ok(())
    }

    fn dropout(&mut self, length: usize, _: f64, out: &mut Vec<f32>) {
        out.clear();
        out.resize(length, 1.0);
    }

    fn positions(&self) -> Positions {
        Positions::new()
    }
}

/// What the run gave, step by step.
#[derive(Default)]
struct RecordedRun {
    threshold_g: Vec<f64>,
    labels_g: Vec<f64>,
    loss_d: Vec<f64>,
    threshold_d: Vec<f64>,
    labels_d: Vec<f64>,
    loss_g: Vec<f64>,
    score_g: Vec<f64>,
    score_d: Vec<f64>,
}

impl RecordedRun {
    fn score<B: Backend>(
        &mut self,
        networks: &mut Networks<B>,
        rows: usize,
    ) -> Result<(), TrainError> {
        let rows: Vec<u32> = (0..rows as u32).collect();
        let mut some = Vec::new();
        for rows in rows.chunks(networks.capacity()) {
            let batch = networks.load(Split::Train, rows)?;
            let reconstruction = networks.reconstruct(&batch)?;
            let errors = networks.reconstruction_errors(&batch, &reconstruction)?;
            networks.read_scores(errors, &mut some)?;
            self.score_g
                .extend(some.iter().map(|score| f64::from(*score)));
            let probabilities = networks.probabilities(&batch)?;
            networks.read_scores(probabilities, &mut some)?;
            self.score_d
                .extend(some.iter().map(|score| f64::from(*score)));
            networks.put_back(batch, Some(reconstruction));
        }
        Ok(())
    }
}

impl Hooks for RecordedRun {
    fn before_step(&mut self) -> Result<(), TrainError> {
        Ok(())
    }

    fn after_step(&mut self, _: &[u32], report: &Report) {
        self.threshold_g.extend(report.labels_g.threshold());
        self.loss_d.extend(report.loss_d);
        self.threshold_d.extend(report.labels_d.threshold());
        self.loss_g.extend(report.loss_g);
        self.labels_g
            .extend(report.labels_g.values.iter().map(|label| f64::from(*label)));
        self.labels_d
            .extend(report.labels_d.values.iter().map(|label| f64::from(*label)));
    }

    fn after_epoch<B: Backend>(
        &mut self,
        _: &PhasePlan,
        _: u32,
        _: Position,
        _: &mut Networks<B>,
        _: &dyn RandomStreams,
    ) -> Result<(), TrainError> {
        Ok(())
    }
}

fn compare(
    run: &RecordedRun,
    state: &PairState,
    expected: &Tensors<'_>,
    hard: bool,
) -> Result<Vec<TensorReport>, TraceError> {
    let steps = [
        ("threshold_g", &run.threshold_g, false),
        ("labels_g", &run.labels_g, hard),
        ("loss_d", &run.loss_d, false),
        ("threshold_d", &run.threshold_d, false),
        ("labels_d", &run.labels_d, true),
        ("loss_g", &run.loss_g, false),
    ];
    let mut found: Vec<(String, Vec<f64>, bool)> = steps
        .into_iter()
        .filter(|(_, values, _)| !values.is_empty())
        .map(|(name, values, labels)| (name.to_owned(), values.clone(), labels))
        .collect();
    for (role, network) in state.networks() {
        for (index, parameter) in network.parameters.iter().enumerate() {
            let values = parameter.value.iter().map(|value| f64::from(*value));
            found.push((tensor_name(role, index), values.collect(), false));
        }
    }
    found.push(("score_g".to_owned(), run.score_g.clone(), false));
    found.push(("score_d".to_owned(), run.score_d.clone(), false));
    if let Some(name) = expected
        .names()
        .iter()
        .find(|name| !found.iter().any(|(made, _, _)| made == *name))
    {
        return Err(expected.fault(name, "is recorded, but this run does not make it"));
    }
    found
        .iter()
        .map(|(name, values, labels)| {
            TensorReport::compare(name, values, expected, *labels, TOLERANCE)
        })
        .collect()
}
