//! Real and synthetic data sets through the whole of a run.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use crate::support;

use std::path::{Path, PathBuf};

use gcl::{Prepared, Request, StopFlag, train};
use support::{cpu, job};
use sweeps::training::FeatureScaling;
use sweeps::{Regime, Synthetic, Training, Value};

/// A row of a table: its name, PyTorch's mean AUC, and what it sets.
type Row = (&'static str, f64, Vec<(&'static str, Value)>);

/// A baseline, what it sets, scikit-learn's AUC where there is one.
type Baseline = (&'static str, Vec<(&'static str, Value)>, Option<f64>);

fn shared(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("GCL_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let data = folder.join("data").join(name);
    data.is_dir().then_some(data)
}

#[test]
fn synthetic_data_train() {
    let dataset = datasets::synthesize(&Synthetic {
        videos: 18,
        mean_length: 10,
        dimension: 16,
        seed: 1,
        regime: Regime::OwnCameras,
    })
    .unwrap();
    let prepared = Prepared::new(&dataset, FeatureScaling::Standard).unwrap();
    assert_eq!(prepared.train_rows(), dataset.train.segments());
    assert_eq!(prepared.frames().segments(), dataset.test.segments());
    let trained = train(
        &Request {
            job: &job(1, &[]),
            dataset: &prepared,
            device: &cpu(1),
            stop: &StopFlag::new(),
            checkpoint: None,
        },
        &mut (),
    )
    .unwrap();
    assert!(trained.outcome.metrics.d.unwrap().auc.is_some());
    assert!(trained.outcome.curve[0].agreement_truth.is_some());
}

#[test]
fn data_prepared_with_another_scaling_are_refused() {
    let parts = support::world(5, 1);
    let prepared = Prepared::from_parts(parts, FeatureScaling::L2).unwrap();
    let refused = train(
        &Request {
            job: &job(1, &[]),
            dataset: &prepared,
            device: &cpu(1),
            stop: &StopFlag::new(),
            checkpoint: None,
        },
        &mut (),
    );
    assert!(refused.is_err());
}

/// The settings of an independent PyTorch run, whose means over 5 seeds are given with the data. Minutes without
/// optimisation, so only where it is asked for: `GCL_REAL=1 cargo test --release -p gcl --test all real -- --nocapture`.
#[test]
fn the_real_tracks_come_out_as_in_pytorch() {
    let (Some(folder), Some(_)) = (shared("shanghaitech-tracks"), std::env::var_os("GCL_REAL"))
    else {
        println!("skipped: needs the folder of real data (GCL_SHARED) and GCL_REAL=1");
        return;
    };
    let dataset = datasets::open(&folder).unwrap();
    let settings: [(&'static str, Value); 3] = [
        ("epochs", 15.into()),
        ("batch_size", 512.into()),
        ("learning_rate", 2e-4.into()),
    ];
    let pretraining: (&'static str, Value) = ("pretraining", "temporal-difference".into());
    let rows: [Row; 5] = [
        ("AE_AllData", 73.14, vec![("method", "autoencoder".into())]),
        (
            "GCL_w/oNL",
            72.73,
            vec![("negative_learning.target", "none".into())],
        ),
        ("GCL_B", 73.26, vec![]),
        ("GCL_PT", 72.56, vec![pretraining.clone()]),
        (
            "GCL_WS",
            76.72,
            vec![pretraining, ("supervision_percent", 100.into())],
        ),
    ];
    let prepared = Prepared::new(&dataset, FeatureScaling::Standard).unwrap();
    for (name, expected, own) in rows {
        let aucs: Vec<f64> = (0..5)
            .map(|seed| {
                let job = job(seed, &[&settings[..], &own].concat());
                assert_eq!(Training::of(&job).feature_scaling, prepared.scaling());
                let trained = train(
                    &Request {
                        job: &job,
                        dataset: &prepared,
                        device: &cpu(1),
                        stop: &StopFlag::new(),
                        checkpoint: None,
                    },
                    &mut (),
                )
                .unwrap();
                let metrics = trained.outcome.metrics;
                if seed == 0 {
                    println!("{name}: {metrics:?} {:?}", trained.outcome.warnings);
                }
                100.0 * metrics.d.or(metrics.g).unwrap().auc.unwrap()
            })
            .collect();
        let mean = aucs.iter().sum::<f64>() / 5.0;
        let std = (aucs.iter().map(|auc| (auc - mean).powi(2)).sum::<f64>() / 4.0).sqrt();
        println!("{name:10} {mean:.2} ± {std:.2}, PyTorch {expected}");
        assert!((mean - expected).abs() < 1.0, "{name}: {aucs:?}");
    }
}

/// scikit-learn's PCA and isolation forest reach 74 and 72.5 on the same features, says the data's own page. Asked for as
/// above; some seconds.
#[test]
fn the_baselines_come_out_as_in_scikit_learn() {
    let (Some(folder), Some(_)) = (shared("shanghaitech-tracks"), std::env::var_os("GCL_REAL"))
    else {
        println!("skipped: needs the folder of real data (GCL_SHARED) and GCL_REAL=1");
        return;
    };
    let dataset = datasets::open(&folder).unwrap();
    let prepared = Prepared::new(&dataset, FeatureScaling::Standard).unwrap();
    let normal: (&'static str, Value) = ("pretraining", "normal-only".into());
    let rows: [Baseline; 7] = [
        ("pca", vec![], Some(74.0)),
        ("pca", vec![normal.clone()], None),
        ("isolation-forest", vec![], Some(72.5)),
        ("adkim", vec![], None),
        ("one-class-svm", vec![], None),
        ("one-class-svm", vec![normal], None),
        (
            "mil-ranking",
            vec![("epochs", 100.into()), ("learning_rate", 1e-3.into())],
            None,
        ),
    ];
    for (method, own, expected) in rows {
        let aucs: Vec<f64> = (0..3)
            .map(|seed| {
                let job = job(seed, &[&[("method", method.into())], &own[..]].concat());
                let trained = train(
                    &Request {
                        job: &job,
                        dataset: &prepared,
                        device: &cpu(1),
                        stop: &StopFlag::new(),
                        checkpoint: None,
                    },
                    &mut (),
                )
                .unwrap();
                let metrics = trained.outcome.metrics;
                100.0 * metrics.d.or(metrics.g).unwrap().auc.unwrap()
            })
            .collect();
        println!("{method} {own:?}: {aucs:.2?}");
        let mean = aucs.iter().sum::<f64>() / 3.0;
        assert!(
            expected.is_none_or(|expected| (mean - expected).abs() < 1.5),
            "{method}: {aucs:?}"
        );
    }
}

/// Parameters of a row.
type Settings = Vec<(&'static str, Value)>;

/// D on labels that are made once, against an independent PyTorch run over 5 seeds (AE→D by D, RSD fused). RSD was chosen while looking
/// at the test AUC of the tracks: its number there is an optimistic one. Asked for as above.
#[test]
fn distilled_labels_come_out_as_in_pytorch() {
    if std::env::var_os("GCL_REAL").is_none() {
        println!("skipped: needs the folder of real data (GCL_SHARED) and GCL_REAL=1");
        return;
    }
    let rule = |word: &str| Value::Table([("rule".into(), word.into())].into());
    let rsd = |word: &str| -> Settings {
        vec![
            ("labels.model", "pca".into()),
            ("labels.folds", 5.into()),
            ("labels.smoothing", 2.0.into()),
            ("labels.rule", rule(word)),
        ]
    };
    let maker = |word: &str| -> Settings {
        vec![("labels.maker", word.into()), ("labels.share", 0.27.into())]
    };
    let rows: [(&str, Settings, [Option<f64>; 2]); 6] = [
        ("AE→D", vec![], [Some(72.8), None]),
        ("RSD hard", rsd("top-percent"), [Some(78.1), Some(65.7)]),
        ("RSD soft", rsd("soft-rank"), [Some(76.5), Some(87.7)]),
        ("C2FPL", maker("c2fpl"), [None, None]),
        ("CLAP", maker("clap"), [None, None]),
        ("LANP", maker("lanp"), [None, None]),
    ];
    for (place, (name, batch, rate)) in
        [("shanghaitech-tracks", 512, 2e-4), ("ucsd-ped2", 16, 2e-5)]
            .into_iter()
            .enumerate()
    {
        let Some(folder) = shared(name) else {
            println!("skipped: there is no {name}");
            continue;
        };
        let dataset = datasets::open(&folder).unwrap();
        let prepared = Prepared::new(&dataset, FeatureScaling::Standard).unwrap();
        for (row, own, expected) in &rows {
            let mut found = vec![Vec::new(); 4];
            for seed in 0..5 {
                let settings: [(&str, Value); 4] = [
                    ("method", "distil".into()),
                    ("epochs", 15.into()),
                    ("batch_size", batch.into()),
                    ("learning_rate", rate.into()),
                ];
                let job = job(seed, &[&settings[..], own].concat());
                let trained = train(
                    &Request {
                        job: &job,
                        dataset: &prepared,
                        device: &cpu(1),
                        stop: &StopFlag::new(),
                        checkpoint: None,
                    },
                    &mut (),
                )
                .unwrap();
                let (_, bytes) = &trained.artifacts[0];
                let scores = metrics::artifact::Scores::decode(bytes).unwrap();
                for (at, scored) in [scores.d, scores.g].into_iter().enumerate() {
                    for (place, sigma) in [0.0, 2.0].into_iter().enumerate() {
                        let Some(scored) = &scored else { continue };
                        let smoothed = metrics::smooth(scored, scores.frames.videos(), sigma);
                        let auc = metrics::auc(&smoothed, &scores.frames).unwrap();
                        found[2 * at + place].push(100.0 * auc);
                    }
                }
            }
            let moments: Vec<(f64, f64)> = found
                .iter()
                .map(|aucs| {
                    let mean = aucs.iter().sum::<f64>() / aucs.len().max(1) as f64;
                    let squares = aucs.iter().map(|auc| (auc - mean).powi(2)).sum::<f64>();
                    (mean, (squares / (aucs.len().max(2) - 1) as f64).sqrt())
                })
                .collect();
            let [d, _, fused, _] = moments[..] else {
                panic!("four ways to score");
            };
            println!(
                "{name} {row}: D {d:.2?}, fused {fused:.2?}; with σ = 2: {:.2?}, {:.2?}",
                moments[1], moments[3]
            );
            if let Some(expected) = expected[place] {
                let (found, std) = if *row == "AE→D" { d } else { fused };
                // A point, or three standard errors of both means where seeds vary more.
                let bound = (3.0 * std * (2.0_f64 / 5.0).sqrt()).max(1.0);
                assert!(
                    (found - expected).abs() < bound,
                    "{name} {row}: {found}, not {expected}"
                );
            }
        }
    }
}
