//! Statements of the paper (Zaheer et al., CVPR 2022), each held against a run of the trainer. Oracles are `gcl::paper` on plain
//! networks in f64 (`support::reference`) and, so that nothing is its own judge, the method written once more (`support::naive`).

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use crate::support;

use gcl::paper;
use gcl::threshold::Threshold;
use gcl::{Checkpoint, DataParts, Request, StopFlag, TrainError, Trained, train};
use support::naive::{Network, distance, labels, sigmoid};
use support::reference::Reference;
use support::{Listener, cpu, job, prepare, run, world};
use sweeps::training::Threshold as ThresholdRule;
use sweeps::{EpochPoint, JobSpec, Phase, Value};

const D: usize = 13;

/// A job of one step: one epoch whose only batch holds all rows, raw features.
fn one_step(given: &[(&str, Value)]) -> JobSpec {
    let base: [(&str, Value); 3] = [
        ("epochs", 1.into()),
        ("batch_size", 100_000.into()),
        ("feature_scaling", "none".into()),
    ];
    job(8, &[&base[..], given].concat())
}

/// The networks before the first step.
fn start(job: &JobSpec) -> (Network, Network) {
    let stop = StopFlag::new();
    stop.stop();
    let stopped = train(
        &Request {
            job,
            dataset: &prepare(world(D, 1), job),
            device: &cpu(1),
            stop: &stop,
            checkpoint: None,
        },
        &mut (),
    );
    match stopped {
        Err(TrainError::Stopped(checkpoint)) => networks(&checkpoint),
        other => panic!("not stopped: {other:?}"),
    }
}

fn networks(checkpoint: &Checkpoint) -> (Network, Network) {
    let bytes = checkpoint.to_bytes().unwrap();
    (
        Network::read(&bytes, "generator"),
        Network::read(&bytes, "discriminator"),
    )
}

fn listen(job: &JobSpec, parts: DataParts) -> (Trained, Listener) {
    let mut listener = Listener::new(usize::MAX);
    let trained = train(
        &Request {
            job,
            dataset: &prepare(parts, job),
            device: &cpu(1),
            stop: &StopFlag::new(),
            checkpoint: None,
        },
        &mut listener,
    )
    .unwrap();
    (trained, listener)
}

fn rows(values: &[f32]) -> Vec<Vec<f64>> {
    values
        .chunks(D)
        .map(|row| row.iter().map(|value| f64::from(*value)).collect())
        .collect()
}

fn train_rows() -> Vec<Vec<f64>> {
    rows(world(D, 1).train.values())
}

fn only_point(job: &JobSpec) -> EpochPoint {
    let curve = run(job, world(D, 1), &cpu(1)).unwrap().outcome.curve;
    assert_eq!(curve.len(), 1);
    curve[0].clone()
}

fn scores(trained: &Trained, name: &str) -> Vec<f64> {
    let (_, bytes) = trained
        .artifacts
        .iter()
        .find(|(name, _)| name == metrics::artifact::SCORES)
        .unwrap();
    let tensors = safetensors::SafeTensors::deserialize(bytes).unwrap();
    let data = tensors.tensor(name).unwrap().data().to_vec();
    data.chunks_exact(4)
        .map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]])))
        .collect()
}

fn near(found: f64, expected: f64, what: &str) {
    assert!(
        (found - expected).abs() < 1e-5 * expected.abs().max(1.0),
        "{what}: {found}, expected {expected}"
    );
}

fn share(labels: &[bool]) -> f64 {
    labels.iter().filter(|label| **label).count() as f64 / labels.len() as f64
}

/// Eq. 3 on the rows, and D after one step on them.
fn discriminator_step(
    network: &Network,
    rows: &[Vec<f64>],
    labels: &[bool],
    rate: f64,
) -> (f64, Network) {
    let count = rows.len() as f64;
    let (mut loss, mut gradients) = (0.0, Vec::new());
    for (row, label) in rows.iter().zip(labels) {
        let p = sigmoid(network.output(row)[0]);
        let l = f64::from(u8::from(*label));
        loss -= (l * p.ln() + (1.0 - l) * (1.0 - p).ln()) / count;
        gradients.push(vec![(p - l) / count]);
    }
    let mut learned = network.clone();
    learned.first_step(rows, &gradients, rate);
    (loss, learned)
}

#[test]
fn eq_1_the_reconstruction_error_is_the_norm_and_not_its_square() {
    let (trained, listener) = listen(&one_step(&[]), world(D, 1));
    let (generator, _) = networks(listener.checkpoints.last().unwrap());
    for (score, row) in scores(&trained, "score_g")
        .iter()
        .zip(rows(world(D, 1).test.values()))
    {
        near(
            *score,
            distance(&row, &generator.output(&row)),
            "score of G",
        );
    }
}

#[test]
fn section_3_4_the_score_is_the_probability_of_d() {
    let (trained, listener) = listen(&one_step(&[]), world(D, 1));
    let (_, discriminator) = networks(listener.checkpoints.last().unwrap());
    for (score, row) in scores(&trained, "score_d")
        .iter()
        .zip(rows(world(D, 1).test.values()))
    {
        near(*score, sigmoid(discriminator.output(&row)[0]), "score of D");
    }
}

#[test]
fn eqs_2_to_6_are_one_step_in_this_order() {
    let job = one_step(&[]);
    let (generator, discriminator) = start(&job);
    let rows = train_rows();
    let errors: Vec<f64> = rows
        .iter()
        .map(|row| distance(row, &generator.output(row)))
        .collect();
    // Eq. 2 with the threshold of §4: mean + 1 std.
    let by_g = labels(&errors, 1.0);
    // Eq. 3.
    let (loss_d, updated) = discriminator_step(&discriminator, &rows, &by_g, 1e-3);
    // Eq. 4 by the updated D, mean + 0.1 std.
    let p: Vec<f64> = rows
        .iter()
        .map(|row| sigmoid(updated.output(row)[0]))
        .collect();
    let by_d = labels(&p, 0.1);
    // Eqs. 5 and 6: all ones where D says anomalous; G is still the one of the start.
    let loss_g = rows
        .iter()
        .zip(&by_d)
        .map(|(row, anomalous)| {
            let target = if *anomalous {
                vec![1.0; D]
            } else {
                row.clone()
            };
            distance(&target, &generator.output(row))
        })
        .sum::<f64>()
        / rows.len() as f64;
    let agreement: Vec<bool> = by_g.iter().zip(&by_d).map(|(g, d)| g == d).collect();
    let truth = world(D, 1).truth.unwrap();
    let true_labels: Vec<bool> = by_d
        .iter()
        .zip(&truth)
        .map(|(d, truth)| d == truth)
        .collect();

    let point = only_point(&job);
    near(point.positive_share_g.unwrap(), share(&by_g), "labels of G");
    near(point.loss_d.unwrap(), loss_d, "loss of D");
    near(point.positive_share_d.unwrap(), share(&by_d), "labels of D");
    near(point.loss_g.unwrap(), loss_g, "loss of G");
    near(point.agreement_gd.unwrap(), share(&agreement), "agreement");
    near(
        point.agreement_truth.unwrap(),
        share(&true_labels),
        "agreement with the truth",
    );
    assert!(share(&by_d) > 0.0 && share(&by_d) < 1.0);
}

#[test]
fn fig_2_the_step_of_training_is_the_one_that_the_paper_module_writes_down() {
    let job = one_step(&[]);
    let (generator, discriminator) = start(&job);
    let mut reference = Reference {
        generator,
        discriminator,
        rate: 1e-3,
    };
    let Ok(step) = paper::cooperative_step(&mut reference, &train_rows());

    let (trained, listener) = listen(&job, world(D, 1));
    let point = &trained.outcome.curve[0];
    let share =
        |labels: &[f32]| labels.iter().map(|l| f64::from(*l)).sum::<f64>() / labels.len() as f64;
    near(
        point.positive_share_g.unwrap(),
        share(&step.l_g),
        "labels of G",
    );
    near(point.loss_d.unwrap(), step.loss_d, "loss of D");
    near(
        point.positive_share_d.unwrap(),
        share(&step.l_d),
        "labels of D",
    );
    near(point.loss_g.unwrap(), step.loss_g, "loss of G");
    let (generator, discriminator) = networks(&listener.checkpoints[0]);
    for (found, expected) in [
        (&generator, &reference.generator),
        (&discriminator, &reference.discriminator),
    ] {
        let values = |network: &Network| -> Vec<f64> {
            let layers = network.0.iter();
            layers
                .flat_map(|(weight, bias)| {
                    weight
                        .iter()
                        .flatten()
                        .chain(bias)
                        .copied()
                        .collect::<Vec<_>>()
                })
                .collect()
        };
        for (found, expected) in values(found).iter().zip(values(expected)) {
            assert!((found - expected).abs() < 2e-5, "{found} {expected}");
        }
    }
}

#[test]
fn the_equations_are_the_papers() {
    // Eq. 3 as it is printed, where its logarithms are finite.
    for (z, l) in [(0.3, 1.0), (-2.5, 0.0), (4.0, 0.25), (-6.0, 1.0)] {
        let p: f64 = 1.0 / (1.0 + f64::exp(-z));
        let printed = -(l * p.ln() + (1.0 - l) * (1.0 - p).ln());
        near(paper::cross_entropy(z, l), printed, "Eq. 3");
    }
    let mut logits = [20.0, 200.0, -200.0, 0.0];
    let loss = paper::discriminator_loss(&mut logits, &[1.0, 0.0, 1.0, 0.5]);
    let expected = ((1.0 + f64::exp(-20.0)).ln() + 200.0 + 200.0 + 2.0_f64.ln()) / 4.0;
    near(loss, expected, "where the printed one is infinite");
    assert_eq!(logits[1..], [0.25, -0.25, 0.0]);
    assert!(paper::discriminator_loss(&mut [f32::NAN], &[1.0]).is_nan());
    // Eqs. 1, 5 and 6 by hand.
    let (f, f_hat) = ([3.0, 0.0], [0.0, 4.0]);
    assert_eq!(paper::reconstruction_error(&f, &f_hat), 5.0);
    assert_eq!(
        (paper::target(&f, 0.0), paper::target(&f, 1.0)),
        (f.to_vec(), vec![1.0; 2])
    );
    let t = [f.to_vec(), vec![1.0, 1.0]];
    assert_eq!(
        paper::generator_loss(&t, &[f_hat.to_vec(), vec![1.0, 1.0]]),
        2.5
    );
    let gradient = paper::generator_gradient(&f, &f_hat, 2);
    near(gradient[0], -0.3, "gradient of Eq. 5");
    near(gradient[1], 0.4, "gradient of Eq. 5");
    assert_eq!(paper::generator_gradient(&f, &f, 2), [0.0, 0.0]);
    // Eqs. 2 and 4: at or above.
    let values = [1.0, 2.0, 3.0, 6.0];
    let (mean, std) = paper::mean_and_std(&values);
    near(mean, 3.0, "mean");
    near(std, 3.5_f64.sqrt(), "population std");
    near(
        paper::threshold((mean, std), 0.1),
        3.0 + 0.1 * 3.5_f64.sqrt(),
        "threshold",
    );
    assert_eq!(
        [2.9, 3.0, 3.1].map(|value| paper::label(value, 3.0)),
        [0.0, 1.0, 1.0]
    );
}

#[test]
fn fig_2_simultaneous_updates_label_before_either_step() {
    let job = one_step(&[("update_order", "simultaneous".into())]);
    let (generator, discriminator) = start(&job);
    let rows = train_rows();
    let p: Vec<f64> = rows
        .iter()
        .map(|row| sigmoid(discriminator.output(row)[0]))
        .collect();
    let by_d = labels(&p, 0.1);
    let loss_g = rows
        .iter()
        .zip(&by_d)
        .map(|(row, anomalous)| {
            let target = if *anomalous {
                vec![1.0; D]
            } else {
                row.clone()
            };
            distance(&target, &generator.output(row))
        })
        .sum::<f64>()
        / rows.len() as f64;
    let point = only_point(&job);
    near(point.positive_share_d.unwrap(), share(&by_d), "labels of D");
    near(point.loss_g.unwrap(), loss_g, "loss of G");
}

#[test]
fn section_3_2_2_a_fixed_percentage_of_the_largest_errors_is_anomalous() {
    let rule = |percent: f64| {
        Value::Table(
            [
                ("rule".to_owned(), Value::from("top-percent")),
                ("percent".to_owned(), Value::Float(percent)),
            ]
            .into(),
        )
    };
    let count = train_rows().len() as f64;
    for percent in [1.0, 10.0, 33.0] {
        let point = only_point(&one_step(&[("threshold.generator", rule(percent))]));
        let expected = (percent / 100.0 * count + 0.5).floor() / count;
        near(point.positive_share_g.unwrap(), expected, "share");
    }
}

#[test]
fn section_3_2_2_class_boundaries_fall_in_low_density_regions() {
    // A bigger peak towards the minimum error and a smaller one towards the maximum, as the paper observed.
    let mut random = support::Lcg(3);
    let mut peak = |center: f32, width: f32| {
        center + width * ((0..6).map(|_| random.unit()).sum::<f32>() / 3.0 - 1.0)
    };
    let mut errors: Vec<f32> = (0..800).map(|_| peak(1.0, 0.7)).collect();
    errors.extend((0..120).map(|_| peak(3.0, 0.6)));
    for rule in [ThresholdRule::Otsu, ThresholdRule::Valley] {
        let mut found = Vec::new();
        Threshold::of(&errors, rule, &mut Vec::new()).labels(&errors, &mut found);
        assert_eq!(found.iter().sum::<f32>(), 120.0, "{rule:?}");
    }
}

#[test]
fn section_3_2_5_rows_left_out_do_not_count_in_the_mean() {
    let job = one_step(&[("negative_learning.target", "none".into())]);
    let (generator, discriminator) = start(&job);
    let rows = train_rows();
    let errors: Vec<f64> = rows
        .iter()
        .map(|row| distance(row, &generator.output(row)))
        .collect();
    let (_, updated) = discriminator_step(&discriminator, &rows, &labels(&errors, 1.0), 1e-3);
    let p: Vec<f64> = rows
        .iter()
        .map(|row| sigmoid(updated.output(row)[0]))
        .collect();
    let kept: Vec<f64> = errors
        .iter()
        .zip(labels(&p, 0.1))
        .filter(|(_, anomalous)| !anomalous)
        .map(|(error, _)| *error)
        .collect();
    let mean = kept.iter().sum::<f64>() / kept.len() as f64;
    near(only_point(&job).loss_g.unwrap(), mean, "loss of G");
}

#[test]
fn section_3_2_5_larger_noise_makes_a_larger_loss() {
    let loss = |sigma: f64| {
        only_point(&one_step(&[
            ("negative_learning.target", "gaussian".into()),
            ("negative_learning.sigma", sigma.into()),
        ]))
        .loss_g
        .unwrap()
    };
    // The noise of a row has norm σ√d on average, far above everything else here.
    let (small, large) = (loss(50.0), loss(200.0));
    assert!((large / small - 4.0).abs() < 0.2, "{small} {large}");
}

#[test]
fn section_3_3_pretraining_skips_segments_that_change_much_and_the_first() {
    let mut parts = world(D, 1);
    let rows = rows(parts.train.values());
    let kept = |bound: f64| {
        (1..rows.len())
            .filter(|row| parts.video[*row] == parts.video[row - 1])
            .filter(|row| distance(&rows[*row], &rows[row - 1]) <= bound)
            .collect::<Vec<_>>()
    };
    let bound = 0.25;
    let expected = kept(bound);
    assert!(expected.len() > 3 && expected.len() < rows.len() - 12);
    let job = one_step(&[
        ("method", "autoencoder".into()),
        ("pretraining", "temporal-difference".into()),
        ("difference_scale", "as-is".into()),
        ("difference_threshold", bound.into()),
    ]);
    let (generator, _) = start(&job);
    let mean = expected
        .iter()
        .map(|row| distance(&rows[*row], &generator.output(&rows[*row])))
        .sum::<f64>()
        / expected.len() as f64;
    parts.truth = None;
    let trained = run(&job, parts, &cpu(1)).unwrap();
    near(trained.outcome.curve[0].loss_g.unwrap(), mean, "loss of G");
}

#[test]
fn section_3_3_then_d_learns_with_g_frozen_and_the_loop_starts_afresh() {
    let given: [(&str, Value); 4] = [
        ("pretraining", "temporal-difference".into()),
        ("difference_quantile", 0.6.into()),
        ("pretrain_epochs", 2.into()),
        ("pretrain_discriminator_epochs", 2.into()),
    ];
    let (trained, listener) = listen(&one_step(&given), world(D, 1));
    let phases: Vec<(Phase, u32)> = trained
        .outcome
        .curve
        .iter()
        .map(|point| (point.phase, point.epoch))
        .collect();
    assert_eq!(
        phases,
        [
            (Phase::PretrainGenerator, 1),
            (Phase::PretrainGenerator, 2),
            (Phase::PretrainDiscriminator, 1),
            (Phase::PretrainDiscriminator, 2),
            (Phase::Train, 1)
        ]
    );
    let weights: Vec<(Network, Network)> = listener.checkpoints.iter().map(networks).collect();
    let same = |a: &Network, b: &Network| a.0 == b.0;
    assert!(!same(&weights[0].0, &weights[1].0) && same(&weights[0].1, &weights[1].1));
    assert!(same(&weights[1].0, &weights[2].0) && same(&weights[1].0, &weights[3].0));
    assert!(!same(&weights[2].1, &weights[3].1));
    assert_eq!(
        trained.outcome.curve[2].auc_g,
        trained.outcome.curve[1].auc_g
    );

    // Fresh optimizer state: the one step of the loop is a first step.
    let (generator, discriminator) = &weights[3];
    let rows = train_rows();
    let errors: Vec<f64> = rows
        .iter()
        .map(|row| distance(row, &generator.output(row)))
        .collect();
    let (_, expected) = discriminator_step(discriminator, &rows, &labels(&errors, 1.0), 1e-3);
    for ((found, _), (expected, _)) in weights[4].1.0.iter().zip(&expected.0) {
        for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
            assert!((found - expected).abs() < 2e-5, "{found} {expected}");
        }
    }
}

#[test]
fn section_4_widths_and_initial_weights() {
    let job = one_step(&[]);
    let (generator, discriminator) = start(&job);
    let widths = |network: &Network| -> Vec<usize> {
        network.0.iter().map(|(_, bias)| bias.len()).collect()
    };
    assert_eq!(widths(&generator), [6, 3, 1, 3, 6, 13]);
    assert_eq!(widths(&discriminator), [3, 32, 1]);
    for (weight, bias) in generator.0.iter().chain(&discriminator.0) {
        let bound = 1.0 / (weight[0].len() as f64).sqrt();
        let all = || weight.iter().flatten().chain(bias);
        assert!(all().all(|value| value.abs() <= bound + 1e-9));
    }
    // An autoencoder of the same seed starts from the same G.
    let (same, _) = start(&one_step(&[("method", "autoencoder".into())]));
    assert!(generator.0 == same.0);
}

#[test]
fn section_4_2_own_labels_train_g_without_d() {
    let job = one_step(&[("method", "gcl-own-labels".into())]);
    let (generator, _) = start(&job);
    let rows = train_rows();
    let errors: Vec<f64> = rows
        .iter()
        .map(|row| distance(row, &generator.output(row)))
        .collect();
    let own = labels(&errors, 1.0);
    let loss = rows
        .iter()
        .zip(&own)
        .map(|(row, anomalous)| {
            let target = if *anomalous {
                vec![1.0; D]
            } else {
                row.clone()
            };
            distance(&target, &generator.output(row))
        })
        .sum::<f64>()
        / rows.len() as f64;
    let point = only_point(&job);
    near(point.loss_g.unwrap(), loss, "loss of G");
    near(point.positive_share_g.unwrap(), share(&own), "labels");
    assert_eq!((point.loss_d, point.auc_d), (None, None));
}

#[test]
fn section_4_2_soft_labels_are_errors_between_0_and_1() {
    let job = one_step(&[("pseudo_labels", "soft".into())]);
    let (generator, discriminator) = start(&job);
    let rows = train_rows();
    let errors: Vec<f64> = rows
        .iter()
        .map(|row| distance(row, &generator.output(row)))
        .collect();
    let low = errors.iter().copied().fold(f64::INFINITY, f64::min);
    let high = errors.iter().copied().fold(0.0, f64::max);
    let loss = rows
        .iter()
        .zip(&errors)
        .map(|(row, error)| {
            let (p, l) = (
                sigmoid(discriminator.output(row)[0]),
                (error - low) / (high - low),
            );
            -(l * p.ln() + (1.0 - l) * (1.0 - p).ln())
        })
        .sum::<f64>()
        / rows.len() as f64;
    near(only_point(&job).loss_d.unwrap(), loss, "loss of D");
}

#[test]
fn fig_9_a_video_known_to_be_normal_has_no_positive() {
    let mut parts = world(D, 1);
    parts.labels.fill(Some(false));
    let job = one_step(&[("supervision_percent", 100.into())]);
    let point = run(&job, parts, &cpu(1)).unwrap().outcome.curve[0].clone();
    assert_eq!(
        (point.positive_share_g, point.positive_share_d),
        (Some(0.0), Some(0.0))
    );
}
