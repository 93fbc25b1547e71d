//! One trace, run with the draws that it recorded, and held against what it recorded.

use std::collections::BTreeSet;

use sweeps::training::{Pretraining, PseudoLabels};

use crate::backend::candle::TensorNetworks;
use crate::backend::cpu::CpuNetworks;
use crate::backend::state::{PairState, tensor_name};
use crate::backend::{Networks, Split};
use crate::data::device_features::DeviceFeatures;
use crate::device::{Backend, Device};
use crate::error::TrainError;
use crate::method::pretraining::by_difference;
use crate::method::random_streams::{Positions, RandomStreams};
use crate::method::schedule::{Hooks, PhasePlan, Plan, Position};
use crate::method::step::{Context, Report, Step};
use crate::run::progress::SCORE_ROWS;
use crate::selftest::case::{Case, TraceError};
use crate::selftest::tensors::Tensors;
use crate::selftest::{TOLERANCE, TensorReport};

pub(super) fn replay(
    case: &Case<'_>,
    expected: &Tensors<'_>,
    device: &Device,
) -> Result<Vec<TensorReport>, TraceError> {
    let selected = selected_rows(case);
    let context = Context {
        training: &case.training,
        video: &case.video,
        known: &case.known,
        hidden: &[],
        dimension: case.features.columns(),
    };
    let plan = Plan::new(context, &selected, true)?;
    let rows = case.features.rows();
    let capacity = plan.largest_batch().max(SCORE_ROWS.min(rows));
    let mut networks: Box<dyn Networks + '_> = match &device.backend {
        Backend::Cpu(threads) => Box::new(CpuNetworks::new(
            &case.features,
            None,
            &case.initial,
            &case.training,
            capacity,
            threads.count(),
        )?),
        Backend::Tensors(device, _) => Box::new(TensorNetworks::new(
            device,
            DeviceFeatures::unshared(&case.features, device)?,
            None,
            &case.initial,
            &case.training,
            capacity,
        )?),
    };
    let mut draws = RecordedDraws {
        case,
        epoch: 0,
        step: 0,
    };
    let mut tape = Tape::default();
    plan.run(Position::default(), &mut *networks, &mut draws, &mut tape)?;
    tape.score(&mut *networks, rows)?;
    let mut state = PairState::default();
    networks.save(&mut state)?;
    compare(
        &tape,
        &state,
        expected,
        case.training.pseudo_labels == PseudoLabels::Hard,
    )
}

fn selected_rows(case: &Case<'_>) -> Vec<u32> {
    match case.training.pretraining {
        Pretraining::Off => Vec::new(),
        Pretraining::TemporalDifference { bound, scale } => {
            by_difference(&case.features, &case.video, 1, bound, scale).rows
        }
        Pretraining::NormalOnly => (0..case.video.len() as u32)
            .filter(|row| case.video_label[case.video[*row as usize] as usize] == 0)
            .collect(),
    }
}

/// RandomStreams read from the trace.
struct RecordedDraws<'a> {
    case: &'a Case<'a>,
    /// Epochs so far, through all phases.
    epoch: usize,
    /// Steps so far that drew noise or replacements.
    step: usize,
}

impl RecordedDraws<'_> {
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

    fn read_order(&mut self, rows: &[u32]) -> Result<Vec<u32>, TraceError> {
        let name = format!("order.{:03}", self.epoch);
        self.epoch += 1;
        let inputs = &self.case.inputs;
        let order = inputs.indices(&name, self.case.features.rows())?;
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

/// The training loop knows no traces: what is wrong with one reaches it as bad data, in the same words.
fn told(error: TraceError) -> TrainError {
    match error {
        TraceError::Train(error) => error,
        other => TrainError::bad_data(other.to_string()),
    }
}

impl RandomStreams for RecordedDraws<'_> {
    fn order(&mut self, rows: &[u32], out: &mut Vec<u32>) -> Result<(), TrainError> {
        *out = self.read_order(rows).map_err(told)?;
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
struct Tape {
    threshold_g: Vec<f64>,
    labels_g: Vec<f64>,
    loss_d: Vec<f64>,
    threshold_d: Vec<f64>,
    labels_d: Vec<f64>,
    loss_g: Vec<f64>,
    score_g: Vec<f64>,
    score_d: Vec<f64>,
}

impl Tape {
    fn score(&mut self, networks: &mut dyn Networks, rows: usize) -> Result<(), TrainError> {
        let rows: Vec<u32> = (0..rows as u32).collect();
        let mut some = Vec::new();
        for rows in rows.chunks(networks.capacity()) {
            networks.load(Split::Train, rows)?;
            networks.reconstruct()?;
            networks.errors(&mut some)?;
            self.score_g
                .extend(some.iter().map(|score| f64::from(*score)));
            networks.probabilities(&mut some)?;
            self.score_d
                .extend(some.iter().map(|score| f64::from(*score)));
        }
        Ok(())
    }
}

impl Hooks for Tape {
    fn before_step(&mut self) -> Result<(), TrainError> {
        Ok(())
    }

    fn after_step(&mut self, _: &[u32], report: &Report, step: &Step) {
        self.threshold_g.extend(report.threshold_g);
        self.loss_d.extend(report.loss_d);
        self.threshold_d.extend(report.threshold_d);
        self.loss_g.extend(report.loss_g);
        self.labels_g
            .extend(step.labels_g.iter().map(|label| f64::from(*label)));
        self.labels_d
            .extend(step.labels_d.iter().map(|label| f64::from(*label)));
    }

    fn after_epoch(
        &mut self,
        _: &PhasePlan,
        _: u32,
        _: Position,
        _: &mut dyn Networks,
        _: &dyn RandomStreams,
    ) -> Result<(), TrainError> {
        Ok(())
    }
}

fn compare(
    tape: &Tape,
    state: &PairState,
    expected: &Tensors<'_>,
    hard: bool,
) -> Result<Vec<TensorReport>, TraceError> {
    let steps = [
        ("threshold_g", &tape.threshold_g, false),
        ("labels_g", &tape.labels_g, hard),
        ("loss_d", &tape.loss_d, false),
        ("threshold_d", &tape.threshold_d, false),
        ("labels_d", &tape.labels_d, true),
        ("loss_g", &tape.loss_g, false),
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
    found.push(("score_g".to_owned(), tape.score_g.clone(), false));
    found.push(("score_d".to_owned(), tape.score_d.clone(), false));
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
            let recorded = expected.floats(name)?;
            if recorded.len() != values.len() {
                return Err(expected.fault(
                    name,
                    format!(
                        "has {} values, the run made {}",
                        recorded.len(),
                        values.len()
                    ),
                ));
            }
            Ok(report(name, values, &recorded, *labels))
        })
        .collect()
}

fn report(name: &str, found: &[f64], recorded: &[f64], labels: bool) -> TensorReport {
    // A NaN on either side must show as an infinite deviation, not vanish in a maximum.
    let absolute = found
        .iter()
        .zip(recorded)
        .map(|(found, recorded)| (found - recorded).abs())
        .map(|difference| {
            if difference.is_nan() {
                f64::INFINITY
            } else {
                difference
            }
        })
        .fold(0.0, f64::max);
    let largest = recorded.iter().map(|value| value.abs()).fold(0.0, f64::max);
    let wrong_labels = labels.then(|| {
        found
            .iter()
            .zip(recorded)
            .filter(|(found, recorded)| found != recorded)
            .count()
    });
    let deviation = absolute / largest.max(1.0);
    TensorReport {
        name: name.to_owned(),
        values: found.len(),
        absolute,
        relative: if absolute == 0.0 {
            0.0
        } else {
            absolute / largest
        },
        wrong_labels,
        deviation,
        passed: wrong_labels.map_or(deviation <= TOLERANCE, |wrong| wrong == 0),
    }
}
