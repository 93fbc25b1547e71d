//! The hand-written backward pass against candle's automatic one, on every backend.

use candle_core::{D, Device, Tensor, Var};
use sweeps::training::ReconstructionError;
use sweeps::{DatasetSource, JobSpec, Parameters, Training};

use crate::backend::candle::Candle;
use crate::backend::cpu::Cpu;
use crate::backend::cuda::Cuda;
use crate::backend::cuda::shim::Shim;
use crate::backend::networks::{HostMasks, Networks};
use crate::backend::state::{NetworkState, PairState, chain};
use crate::backend::{Backend, Split, Target};
use crate::data::device_features::DeviceFeatures;
use crate::data::features::Features;
use crate::data::matrix::Matrix;
use crate::method::labels::HostLabels;
use crate::method::random_streams::initial_weights;

const ROWS: usize = 37;
const WIDTH: usize = 11;

fn state() -> PairState {
    let (generator, discriminator) = (chain(WIDTH, &[7, 3, 5], WIDTH), chain(WIDTH, &[6, 4], 1));
    let mut drawn = initial_weights(3, &[&generator, &discriminator]);
    PairState {
        discriminator: drawn.pop(),
        generator: drawn.pop().unwrap(),
    }
}

fn values(count: usize, salt: usize) -> Vec<f32> {
    (0..count)
        .map(|i| ((i * 7919 + salt * 104_729) % 2003) as f32 / 1001.5 - 1.0)
        .collect()
}

/// Weights as variables of candle's graph, and what the network gives for `x`.
fn graph(state: &NetworkState, x: &Tensor, masks: &[Tensor]) -> (Vec<Var>, Tensor) {
    let mut variables = Vec::new();
    let mut value = x.clone();
    let last = state.shapes.len() - 1;
    for (index, shape) in state.shapes.iter().enumerate() {
        let variable =
            |values: &[f32], dims: &[usize]| Var::from_slice(values, dims, &Device::Cpu).unwrap();
        let weight = variable(
            &state.parameters[2 * index].value,
            &[shape.outputs, shape.inputs],
        );
        let bias = variable(&state.parameters[2 * index + 1].value, &[shape.outputs]);
        value = value
            .matmul(&weight.t().unwrap())
            .unwrap()
            .broadcast_add(&bias)
            .unwrap();
        if index < last {
            value = value.relu().unwrap();
            if let Some(mask) = masks.get(index) {
                value = (value * mask).unwrap();
            }
        }
        variables.extend([weight, bias]);
    }
    (variables, value)
}

fn compare(what: &str, found: &[Vec<f32>], variables: &[Var], loss: &Tensor, found_loss: f64) {
    let expected = f64::from(loss.to_scalar::<f32>().unwrap());
    assert!(
        (expected - found_loss).abs() < 1e-5 * expected.max(1.0),
        "{what}: loss {found_loss}, {expected}"
    );
    let gradients = loss.backward().unwrap();
    assert_eq!(found.len(), variables.len());
    for (index, (found, variable)) in found.iter().zip(variables).enumerate() {
        let expected: Vec<f32> = gradients
            .get(variable)
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1()
            .unwrap();
        for (found, expected) in found.iter().zip(&expected) {
            assert!(
                (found - expected).abs() < 1e-6,
                "{what}, parameter {index}: {found}, candle has {expected}"
            );
        }
    }
}

fn candle(features: &Features) -> Candle {
    let features = DeviceFeatures::unshared(features, &Device::Cpu).unwrap();
    Candle::new(&Device::Cpu, features, None).unwrap()
}

/// All rows.
fn all(features: &Features) -> Vec<f32> {
    let rows: Vec<u32> = (0..features.rows() as u32).collect();
    let mut values = vec![0.0; features.rows() * features.columns()];
    features.gather(1, &rows, &mut values);
    values
}

/// Labels on a backend.
fn labels_on<B: Backend>(backend: &mut B, values: &[f32]) -> B::Labels {
    let host = HostLabels {
        values: values.to_vec(),
        ..HostLabels::default()
    };
    let mut labels = backend.labels(values.len()).unwrap();
    backend.write_labels(&host, &mut labels).unwrap();
    labels
}

fn training(error: ReconstructionError) -> Training {
    let mut training = Training::of(&JobSpec::resolve(
        DatasetSource::Named("any".into()),
        0,
        &Parameters::default(),
    ));
    training.reconstruction_error = error;
    training
}

#[test]
fn gradients_of_g_are_those_of_candles_graph() {
    let features = Features::from(Matrix::new(values(ROWS * WIDTH, 1), WIDTH));
    gradients_of_g(&features, || Cpu::new(&features, None, 1));
    gradients_of_g(&features, || candle(&features));
    if let Some(queue) = Shim::open() {
        gradients_of_g(&features, || Cuda::on(queue, &features));
    }
}

fn gradients_of_g<B: Backend>(features: &Features, mut backend: impl FnMut() -> B) {
    let x = Tensor::from_slice(&all(features), (ROWS, WIDTH), &Device::Cpu).unwrap();
    let labels: Vec<f32> = (0..ROWS)
        .map(|row| f32::from(u8::from(row % 3 == 0)))
        .collect();
    let positive: Vec<u32> = (0..ROWS as u32).filter(|row| row % 3 == 0).collect();
    let kept = ROWS - positive.len();
    let noise = values(positive.len() * WIDTH, 5);
    let sources: Vec<u32> = (0..ROWS as u32)
        .map(|row| {
            if row % 3 == 0 {
                (row + 1) % ROWS as u32
            } else {
                row
            }
        })
        .collect();
    let on_backend = labels_on(&mut backend(), &labels);
    let target_of = |row: usize, target: &Target<'_, B>| -> Vec<f32> {
        let own = features.row(row, &mut Vec::new()).to_vec();
        match target {
            Target::Ones { .. } if labels[row] > 0.5 => vec![1.0; WIDTH],
            Target::Replace { .. } => features
                .row(sources[row] as usize, &mut Vec::new())
                .to_vec(),
            Target::Gaussian { sigma, .. } if labels[row] > 0.5 => {
                let place = positive.iter().position(|p| *p as usize == row).unwrap();
                own.iter()
                    .zip(&noise[place * WIDTH..])
                    .map(|(value, noise)| value + *sigma as f32 * noise)
                    .collect()
            }
            _ => own,
        }
    };
    for error in [ReconstructionError::L2, ReconstructionError::Mse] {
        for (what, target) in [
            ("input", Target::Input),
            (
                "ones",
                Target::Ones {
                    labels: &on_backend,
                },
            ),
            (
                "replace",
                Target::Replace {
                    sources: sources.clone(),
                },
            ),
            (
                "gaussian",
                Target::Gaussian {
                    positive: positive.clone(),
                    noise: noise.clone(),
                    sigma: 1.5,
                },
            ),
            (
                "without",
                Target::Without {
                    labels: &on_backend,
                    kept,
                },
            ),
        ] {
            let state = state();
            let rows: Vec<u32> = (0..ROWS as u32).collect();
            let mut networks = Networks::new(backend(), &state, &training(error), 64).unwrap();
            let batch = networks.load(Split::Train, &rows).unwrap();
            let reconstruction = networks.reconstruct(&batch).unwrap();
            let loss = networks
                .fit_generator(&batch, reconstruction, &target)
                .unwrap();
            let loss = networks.read_loss(loss);

            let (variables, output) = graph(&state.generator, &x, &[]);
            let targets: Vec<f32> = (0..ROWS).flat_map(|row| target_of(row, &target)).collect();
            let targets = Tensor::from_vec(targets, (ROWS, WIDTH), &Device::Cpu).unwrap();
            let squares = (output - targets).unwrap().sqr().unwrap();
            let errors = match error {
                ReconstructionError::L2 => squares.sum(D::Minus1).unwrap().sqrt().unwrap(),
                ReconstructionError::Mse => squares.mean(D::Minus1).unwrap(),
            };
            let expected = if let Target::Without { .. } = target {
                let weights: Vec<f32> = labels.iter().map(|label| 1.0 - label).collect();
                let weights = Tensor::from_vec(weights, ROWS, &Device::Cpu).unwrap();
                ((errors * weights).unwrap().sum_all().unwrap() / kept as f64).unwrap()
            } else {
                errors.mean_all().unwrap()
            };
            let [found, _] = networks.gradients();
            compare(
                &format!("{error:?}, {what}"),
                &found,
                &variables,
                &expected,
                loss,
            );
        }
    }
}

#[test]
fn gradients_of_d_are_those_of_candles_graph_with_and_without_dropout() {
    let features = Features::from(Matrix::new(values(ROWS * WIDTH, 2), WIDTH));
    gradients_of_d(&features, || Cpu::new(&features, None, 1));
    gradients_of_d(&features, || candle(&features));
    if let Some(queue) = Shim::open() {
        gradients_of_d(&features, || Cuda::on(queue, &features));
    }
}

fn gradients_of_d<B: Backend>(features: &Features, mut backend: impl FnMut() -> B) {
    let x = Tensor::from_slice(&all(features), (ROWS, WIDTH), &Device::Cpu).unwrap();
    let labels: Vec<f32> = (0..ROWS).map(|row| (row % 5) as f32 / 4.0).collect();
    let masks: Vec<Vec<f32>> = [6, 4]
        .map(|width| {
            (0..ROWS * width)
                .map(|i| if i % 3 == 0 { 0.0 } else { 1.5 })
                .collect()
        })
        .to_vec();
    let on_backend = labels_on(&mut backend(), &labels);
    for with_dropout in [false, true] {
        let state = state();
        let rows: Vec<u32> = (0..ROWS as u32).collect();
        let settings = training(ReconstructionError::L2);
        let mut networks = Networks::new(backend(), &state, &settings, 64).unwrap();
        let batch = networks.load(Split::Train, &rows).unwrap();
        let dropout = with_dropout.then_some(HostMasks {
            masks: &masks,
            scale: 1.5,
        });
        let loss = networks
            .fit_discriminator(&batch, &on_backend, dropout)
            .unwrap();
        let loss = networks.read_loss(loss);

        let tensors: Vec<Tensor> = masks
            .iter()
            .filter(|_| with_dropout)
            .map(|mask| Tensor::from_slice(mask, (ROWS, mask.len() / ROWS), &Device::Cpu).unwrap())
            .collect();
        let discriminator = state.discriminator.as_ref().unwrap();
        let (variables, logits) = graph(discriminator, &x, &tensors);
        let z = logits.flatten_all().unwrap();
        let y = Tensor::from_slice(&labels, ROWS, &Device::Cpu).unwrap();
        let tail = (z.abs().unwrap().neg().unwrap().exp().unwrap() + 1.0)
            .unwrap()
            .log()
            .unwrap();
        let terms = ((z.relu().unwrap() - (&z * &y).unwrap()).unwrap() + tail).unwrap();
        let [_, found] = networks.gradients();
        let what = format!("dropout {with_dropout}");
        compare(&what, &found, &variables, &terms.mean_all().unwrap(), loss);
    }
}
