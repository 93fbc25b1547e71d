//! The baselines against scikit-learn, NumPy and PyTorch (`tests/fixtures/baselines.py`).

use candle_core::Device;
use serde::Deserialize;
use std::collections::BTreeMap;
use sweeps::training::{IsolationForest, MatmulPrecision, Mil, OneClassSvm};

use crate::backend::Backend;
use crate::backend::candle::Candle;
use crate::backend::cpu::Cpu;
use crate::backend::cuda::Cuda;
use crate::backend::cuda::shim::Shim;
use crate::backend::state::{NetworkState, ParameterState};
use crate::baselines::fit::{Fault, FitContext};
use crate::baselines::mil_network::{MilNetwork, shapes};
use crate::baselines::{adkim, isolation_forest, mil, one_class_svm, pca};
use crate::data::device_features::DeviceFeatures;
use crate::data::features::Features;
use crate::data::matrix::Matrix;
use crate::method::random_streams::SeededStreams;

#[derive(Deserialize)]
struct Fixture {
    dimension: usize,
    train: Vec<f32>,
    test: Vec<f32>,
    pca: BTreeMap<usize, Vec<f64>>,
    adkim: AdKimCase,
    isolation_forest: BTreeMap<usize, Vec<f64>>,
    one_class_svm: SvmCase,
    mil: MilCase,
}

#[derive(Deserialize)]
struct AdKimCase {
    basis: Vec<f64>,
    ridge: f64,
    distances: Vec<f64>,
}

#[derive(Deserialize)]
struct SvmCase {
    gamma: f64,
    nu: f64,
    outside: Vec<f64>,
}

#[derive(Deserialize)]
struct MilCase {
    x: Vec<f32>,
    start: Vec<Vec<f32>>,
    end: Vec<Vec<f64>>,
    losses: Vec<f64>,
    segments: usize,
    positive: u32,
    negative: u32,
    dimension: usize,
    hidden: Vec<usize>,
    sparsity: f64,
    smoothness: f64,
    learning_rate: f64,
    weight_decay: f64,
}

struct World {
    fixture: Fixture,
    train: Features,
    test: Features,
    rows: Vec<u32>,
}

fn world() -> World {
    let text = include_str!("../../tests/fixtures/baselines.json");
    let fixture: Fixture = serde_json::from_str(text).unwrap();
    let train = Features::from(Matrix::new(fixture.train.clone(), fixture.dimension));
    World {
        rows: (0..train.rows() as u32).collect(),
        test: Matrix::new(fixture.test.clone(), fixture.dimension).into(),
        train,
        fixture,
    }
}

impl World {
    fn context(&self, seed: u64) -> FitContext<'_> {
        FitContext {
            train: &self.train,
            rows: &self.rows,
            test: &self.test,
            seed,
            threads: 1,
            stopped: &|| false,
        }
    }
}

fn assert_near(found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let difference = (f64::from(*found) - expected).abs();
        assert!(
            difference < tolerance * expected.abs().max(1.0),
            "{found}, expected {expected}"
        );
    }
}

#[test]
fn pca_errors_are_scikit_learns() {
    let world = world();
    for (kept, expected) in &world.fixture.pca {
        let found = pca::score(&world.context(0), Some(*kept)).unwrap();
        assert_near(&found, expected, 1e-6);
    }
    // As many components as dimensions would leave no error at all: one is kept back.
    let found = pca::score(&world.context(0), Some(600)).unwrap();
    assert_near(&found, &world.fixture.pca[&5], 1e-6);
}

#[test]
fn distances_in_a_given_subspace_are_numpys() {
    let world = world();
    let case = &world.fixture.adkim;
    let found = adkim::distances(&world.context(0), &case.basis, case.ridge).unwrap();
    assert_near(&found, &case.distances, 1e-6);
}

#[test]
fn a_projection_is_semi_orthogonal_and_of_its_seed() {
    let (rows, columns) = (40, 7);
    let basis = adkim::projection(1, rows, columns);
    for i in 0..columns {
        for j in 0..columns {
            let product: f64 = (0..rows)
                .map(|row| basis[row * columns + i] * basis[row * columns + j])
                .sum();
            assert!((product - f64::from(u8::from(i == j))).abs() < 1e-12);
        }
    }
    assert_ne!(basis, adkim::projection(2, rows, columns));
    // A full basis leaves nothing out, so the distances are those in any other full basis.
    let world = world();
    let full = |seed| {
        let basis = adkim::projection(seed, world.fixture.dimension, world.fixture.dimension);
        adkim::distances(&world.context(0), &basis, 1e-12).unwrap()
    };
    let expected: Vec<f64> = full(1).into_iter().map(f64::from).collect();
    assert_near(&full(2), &expected, 1e-5);
}

#[test]
fn a_forest_is_on_average_scikit_learns() {
    let world = world();
    for (samples, expected) in &world.fixture.isolation_forest {
        let settings = IsolationForest {
            trees: 100,
            samples: *samples,
        };
        let mut mean = vec![0.0; expected.len()];
        for seed in 0..20 {
            let found = isolation_forest::score(&world.context(seed), settings).unwrap();
            for (mean, found) in mean.iter_mut().zip(found) {
                *mean += f64::from(found) / 20.0;
            }
        }
        for (mean, expected) in mean.iter().zip(expected) {
            // Some 0.003 of either side's mean is chance.
            assert!((mean - expected).abs() < 0.012, "{mean}, {expected}");
        }
    }
}

#[test]
fn rows_that_are_all_alike_make_a_forest_all_the_same() {
    let flat = Features::from(Matrix::new(vec![2.5; 60], 3));
    let rows: Vec<u32> = (0..20).collect();
    let context = FitContext {
        train: &flat,
        rows: &rows,
        test: &flat,
        seed: 1,
        threads: 1,
        stopped: &|| false,
    };
    let forest = IsolationForest {
        trees: 3,
        samples: 16,
    };
    let scores = isolation_forest::score(&context, forest).unwrap();
    assert!(scores.iter().all(|score| *score == 0.5), "{scores:?}");
    // The others find nothing to measure either, and no fault.
    let basis = adkim::projection(1, 3, 2);
    assert_eq!(adkim::distances(&context, &basis, 0.01).unwrap(), [0.0; 20]);
    assert_eq!(pca::score(&context, None).unwrap(), [0.0; 20]);
    let stopped = FitContext {
        stopped: &|| true,
        ..context
    };
    assert_eq!(pca::score(&stopped, None), Err(Fault::Stopped));
}

/// Share of pairs that both order alike.
fn concordance(found: &[f32], expected: &[f64]) -> f64 {
    let (mut same, mut all) = (0, 0);
    for i in 0..found.len() {
        for j in 0..i {
            all += 1;
            same += u32::from((found[i] > found[j]) == (expected[i] > expected[j]));
        }
    }
    f64::from(same) / f64::from(all)
}

#[test]
fn the_svm_orders_as_scikit_learns_exact_one_and_keeps_its_share() {
    let world = world();
    let case = &world.fixture.one_class_svm;
    let settings = OneClassSvm {
        nu: case.nu,
        gamma: Some(case.gamma),
        features: 2048,
        samples: 20_000,
        passes: 60,
    };
    let found = one_class_svm::score(&world.context(1), settings).unwrap();
    let concordance = concordance(&found, &case.outside);
    assert!(concordance > 0.93, "{concordance}");
    // The ν-property: about that share of the training rows lies outside.
    let on_train = FitContext {
        test: &world.train,
        ..world.context(1)
    };
    let scores = one_class_svm::score(&on_train, settings).unwrap();
    let outside = scores.iter().filter(|score| **score > 0.0).count() as f64 / 300.0;
    assert!((outside - case.nu).abs() < 0.05, "{outside}");
}

#[test]
fn fourier_features_make_the_kernel() {
    let fourier = one_class_svm::Fourier::draw(4, 3, 8192, 0.3);
    let (x, y) = ([0.5, -1.0, 0.25], [1.0, 0.0, 0.5]);
    let product: f64 = fourier
        .of(&x)
        .iter()
        .zip(fourier.of(&y))
        .map(|(a, b)| a * b)
        .sum();
    let expected = (-0.3_f64 * (0.25 + 1.0 + 0.0625)).exp();
    assert!((product - expected).abs() < 0.04, "{product} {expected}");
}

#[test]
fn steps_of_ranking_are_pytorchs() {
    let case = world().fixture.mil;
    let settings = Mil {
        segments: case.segments,
        bags: 30,
        sparsity: case.sparsity,
        smoothness: case.smoothness,
        hidden: case.hidden.clone(),
        dropout: 0.0,
        weight_decay: case.weight_decay,
    };
    let state = NetworkState {
        shapes: shapes(case.dimension, &case.hidden),
        parameters: case.start.into_iter().map(ParameterState::new).collect(),
    };
    let bags = Features::from(Matrix::new(case.x, case.dimension));
    let anomalous: Vec<u32> = (0..case.positive).collect();
    let normal: Vec<u32> = (case.positive..case.positive + case.negative).collect();
    let tensors = DeviceFeatures::unshared(&bags, &Device::Cpu).unwrap();
    let case = &RankingCase {
        state,
        settings,
        learning_rate: case.learning_rate,
        classes: [anomalous, normal],
        losses: case.losses,
        end: case.end,
    };
    case.check(Cpu::new(&bags, None, 1));
    if let Some(queue) = Shim::open() {
        case.check(Cuda::on(queue, &bags));
    }
    case.check(Candle::new(&Device::Cpu, tensors, None).unwrap());
}

struct RankingCase {
    state: NetworkState,
    settings: Mil,
    learning_rate: f64,
    classes: [Vec<u32>; 2],
    losses: Vec<f64>,
    end: Vec<Vec<f64>>,
}

impl RankingCase {
    fn check<B: Backend>(&self, backend: B) {
        let (settings, numbers) = (&self.settings, (self.learning_rate, MatmulPrecision::F32));
        let rows = settings.segments * self.classes.iter().map(Vec::len).sum::<usize>();
        let mut network = MilNetwork::new(backend, &self.state, settings, numbers, rows).unwrap();
        let [anomalous, normal] = &self.classes;
        for expected in &self.losses {
            let streams = &mut SeededStreams::new(0);
            let loss = mil::learn(&mut network, streams, (anomalous, normal), settings).unwrap();
            assert!((loss - expected).abs() < 1e-5, "{loss}, {expected}");
        }
        let mut state = NetworkState::default();
        network.save(&mut state).unwrap();
        for (found, expected) in state.parameters.iter().zip(&self.end) {
            assert_near(&found.value, expected, 1e-5);
        }
    }
}
