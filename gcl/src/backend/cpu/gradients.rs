//! The hand-written backward pass against candle's automatic one, in both implementations of the networks.

use candle_core::{D, Device, Tensor, Var};
use sweeps::training::ReconstructionError;
use sweeps::{DatasetSource, JobSpec, Parameters, Training};

use crate::backend::cpu::CpuNetworks;
use crate::backend::state::{LayerShape, NetworkState, PairState};
use crate::backend::{Dropout, Networks, Split, Target};
use crate::data::features::Features;
use crate::data::matrix::Matrix;
use crate::method::random_streams::initial_weights;

const ROWS: usize = 37;
const WIDTH: usize = 11;

fn chain(widths: &[usize]) -> Vec<LayerShape> {
    widths
        .windows(2)
        .map(|pair| LayerShape {
            inputs: pair[0],
            outputs: pair[1],
        })
        .collect()
}

fn state() -> PairState {
    let (generator, discriminator) = (chain(&[WIDTH, 7, 3, 5, WIDTH]), chain(&[WIDTH, 6, 4, 1]));
    let mut drawn = initial_weights(3, &[&generator, &discriminator]);
    PairState {
        discriminator: drawn.pop(),
        generator: drawn.pop().unwrap(),
    }
}

fn numbers(count: usize, salt: usize) -> Vec<f32> {
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

fn compare(what: &str, found: &[&[f32]], variables: &[Var], loss: &Tensor, found_loss: f64) {
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
    let features = Matrix::new(numbers(ROWS * WIDTH, 1), WIDTH);
    let data = Features::from(features.clone());
    let x = Tensor::from_slice(features.values(), (ROWS, WIDTH), &Device::Cpu).unwrap();
    let labels: Vec<f32> = (0..ROWS)
        .map(|row| f32::from(u8::from(row % 3 == 0)))
        .collect();
    let positive: Vec<u32> = (0..ROWS as u32).filter(|row| row % 3 == 0).collect();
    let kept = ROWS - positive.len();
    let noise = numbers(positive.len() * WIDTH, 5);
    let sources: Vec<u32> = (0..ROWS as u32)
        .map(|row| {
            if row % 3 == 0 {
                (row + 1) % ROWS as u32
            } else {
                row
            }
        })
        .collect();
    let target_of = |row: usize, target: &Target<'_>| -> Vec<f32> {
        let own = features.row(row).to_vec();
        match target {
            Target::Ones { .. } if labels[row] > 0.5 => vec![1.0; WIDTH],
            Target::Replace { .. } => features.row(sources[row] as usize).to_vec(),
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
        for target in [
            Target::Input,
            Target::Ones { labels: &labels },
            Target::Replace { sources: &sources },
            Target::Gaussian {
                positive: &positive,
                noise: &noise,
                sigma: 1.5,
            },
            Target::Without {
                labels: &labels,
                kept,
            },
        ] {
            let state = state();
            let rows: Vec<u32> = (0..ROWS as u32).collect();
            let mut networks =
                CpuNetworks::new(&data, None, &state, &training(error), 64, 1).unwrap();
            networks.load(Split::Train, &rows).unwrap();
            networks.reconstruct().unwrap();
            let loss = networks.learn_generator(target).unwrap();

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
            let what = format!("{error:?}, {target:?}");
            compare(
                &what[..what.len().min(30)],
                &networks.generator.gradients(),
                &variables,
                &expected,
                loss,
            );
        }
    }
}

#[test]
fn gradients_of_d_are_those_of_candles_graph_with_and_without_dropout() {
    let features = Matrix::new(numbers(ROWS * WIDTH, 2), WIDTH);
    let data = Features::from(features.clone());
    let x = Tensor::from_slice(features.values(), (ROWS, WIDTH), &Device::Cpu).unwrap();
    let labels: Vec<f32> = (0..ROWS).map(|row| (row % 5) as f32 / 4.0).collect();
    let masks: Vec<Vec<f32>> = [6, 4]
        .map(|width| {
            (0..ROWS * width)
                .map(|i| if i % 3 == 0 { 0.0 } else { 1.5 })
                .collect()
        })
        .to_vec();
    for with_dropout in [false, true] {
        let state = state();
        let rows: Vec<u32> = (0..ROWS as u32).collect();
        let settings = training(ReconstructionError::L2);
        let mut networks = CpuNetworks::new(&data, None, &state, &settings, 64, 1).unwrap();
        networks.load(Split::Train, &rows).unwrap();
        let dropout = with_dropout.then_some(Dropout {
            masks: &masks,
            scale: 1.5,
        });
        let loss = networks.learn_discriminator(&labels, dropout).unwrap();

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
        let network = networks.discriminator.as_ref().unwrap();
        let what = format!("dropout {with_dropout}");
        compare(
            &what,
            &network.gradients(),
            &variables,
            &terms.mean_all().unwrap(),
            loss,
        );
    }
}
