//! `method = "distil"`: labels that are made once, and D that learns them.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use crate::support;

use std::path::{Path, PathBuf};

use gcl::{DataParts, TrainError, Trained, open_device, selftest};
use metrics::artifact::{SCORES, Scores};
use support::{cpu, job, run, world};
use sweeps::{JobSpec, Phase, Value};

fn distil(more: &[(&str, Value)]) -> JobSpec {
    job(5, &[&[("method", "distil".into())], more].concat())
}

fn scores(trained: &Trained) -> Scores {
    let (_, bytes) = trained
        .artifacts
        .iter()
        .find(|(name, _)| name == SCORES)
        .unwrap();
    Scores::decode(bytes).unwrap()
}

/// Gain of cooperation is GCL_B − AE→D: the autoencoder must be the very one that stands in the table beside them.
#[test]
fn the_autoencoder_that_labels_is_the_one_of_the_table() {
    let alone = run(
        &job(5, &[("method", "autoencoder".into())]),
        world(13, 1),
        &cpu(1),
    )
    .unwrap();
    for folds in [0, 3] {
        let job = distil(&[("labels.folds", folds.into())]);
        let curve = run(&job, world(13, 1), &cpu(1)).unwrap().outcome.curve;
        let (before, after): (Vec<_>, Vec<_>) = curve
            .into_iter()
            .partition(|point| point.phase == Phase::PretrainGenerator);
        let epochs: Vec<u32> = before.iter().map(|point| point.epoch).collect();
        assert_eq!(epochs, (1..=2 * (1 + folds as u32)).collect::<Vec<_>>());
        for (found, expected) in before.iter().zip(&alone.outcome.curve) {
            assert_eq!(
                (found.auc_g, found.loss_g),
                (expected.auc_g, expected.loss_g)
            );
        }
        assert_eq!(after.len(), 2);
        assert!(
            after
                .iter()
                .all(|point| point.loss_d.is_some() && point.loss_g.is_none())
        );
    }
}

/// D of a job on labels that nobody disputes finds what they mark.
#[test]
fn d_learns_its_labels() {
    let job = distil(&[
        ("labels.model", "pca".into()),
        ("epochs", 60.into()),
        (
            "labels.rule",
            Value::Table([("rule".into(), "mean-std".into())].into()),
        ),
    ]);
    let curve = run(&job, world(13, 1), &cpu(1)).unwrap().outcome.curve;
    let loss = |index: usize| curve[index].loss_d.unwrap();
    assert!(loss(curve.len() - 1) < 0.5 * loss(0));
}

/// Two crops that are equal are labelled as one would be.
#[test]
fn equal_crops_change_no_label() {
    let twice = || {
        let plain = world(13, 1);
        let rows = |matrix: &gcl::Matrix| {
            let rows = (0..matrix.rows()).flat_map(|row| [matrix.row(row), matrix.row(row)]);
            gcl::Matrix::new(rows.flatten().copied().collect(), 13)
        };
        let double = |video: &[u32]| video.iter().flat_map(|video| [*video; 2]).collect();
        DataParts {
            train: rows(&plain.train),
            test: rows(&plain.test),
            crops: 2,
            video: double(&plain.video),
            truth: None,
            ..plain
        }
    };
    for more in [
        vec![
            ("labels.model", Value::from("pca")),
            ("labels.folds", 4.into()),
            ("labels.smoothing", 2.0.into()),
        ],
        vec![("labels.maker", "c2fpl".into())],
        vec![("labels.maker", "clap".into())],
        vec![
            ("labels.maker", "lanp".into()),
            ("labels.share", 0.3.into()),
        ],
    ] {
        let share = |parts, batch: i64| {
            let job = distil(
                &[
                    &more[..],
                    &[("batch_size", batch.into()), ("epochs", 1.into())],
                ]
                .concat(),
            );
            let found = run(&job, parts, &cpu(1)).unwrap();
            found.outcome.curve[0].positive_share_g.unwrap()
        };
        let rows = world(13, 1).train.rows() as i64;
        let (one, two) = (share(world(13, 1), rows), share(twice(), 2 * rows));
        assert!(
            one > 0.0 && (one - two).abs() < 1e-12,
            "{more:?}: {one} {two}"
        );
    }
}

/// The fused score stands in G's place, and is D's order plus the error's.
#[test]
fn the_fused_score_holds_both() {
    let job = distil(&[("labels.model", "pca".into())]);
    let trained = run(&job, world(13, 1), &cpu(1)).unwrap();
    let found = scores(&trained);
    let (fused, d) = (found.g.unwrap(), found.d.unwrap());
    let error = run(
        &self::job(5, &[("method", "pca".into())]),
        world(13, 1),
        &cpu(1),
    );
    assert!(error.is_ok());
    assert_ne!(fused, d);
    // Both are standardised: neither is lost beside the other.
    let logit: Vec<f64> = d
        .iter()
        .map(|p| (f64::from(*p) / (1.0 - f64::from(*p))).ln())
        .collect();
    let rest: Vec<f64> = fused.iter().map(|fused| f64::from(*fused)).collect();
    assert!(correlation(&logit, &rest) > 0.2);
}

fn correlation(x: &[f64], y: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mx, my) = (mean(x), mean(y));
    let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
        x.iter().zip(y).map(|(x, y)| f(x - mx, y - my)).sum()
    };
    sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
}

#[test]
fn what_cannot_be_labelled_is_bad_data() {
    let lanp = distil(&[("labels.maker", "lanp".into())]);
    let one_video = || {
        let mut parts = world(13, 1);
        parts.video.fill(0);
        parts.labels.truncate(1);
        parts
    };
    let folds = distil(&[("labels.model", "pca".into()), ("labels.folds", 2.into())]);
    let many = distil(&[("labels.folds", 20.into())]);
    for (job, parts, word) in [
        (lanp, world(13, 1), "labels.share"),
        (folds, one_video(), "labels.folds = 2"),
        (many, world(13, 1), "labels.folds"),
    ] {
        let refused = run(&job, parts, &cpu(1)).unwrap_err();
        assert!(matches!(refused, TrainError::BadData { .. }), "{refused}");
        assert!(refused.to_string().contains(word), "{refused}");
    }
}

/// `golden/controls` in `GCL_SHARED`, or in `shared` beside the repository.
fn golden() -> Option<PathBuf> {
    let folder = std::env::var_os("GCL_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let folder = folder.join("golden/controls");
    folder.is_dir().then_some(folder)
}

#[test]
fn the_golden_labels_are_matched() {
    let Some(folder) = golden() else {
        println!("skipped: there is no folder of golden controls (GCL_SHARED)");
        return;
    };
    for device in [cpu(1), cpu(2), open_device("candle-cpu", Some(1)).unwrap()] {
        let report = selftest::replay(&folder, &device).unwrap();
        for tensor in &report.tensors {
            println!(
                "{:20} {:.1e} {:?}",
                tensor.name, tensor.deviation, tensor.wrong_labels
            );
            assert!(tensor.passed, "{tensor:?}");
        }
        for name in [
            "labels",
            "window_labels",
            "lanp_z_rms",
            "loss_d",
            "logit",
            "fused",
        ] {
            assert!(
                report.tensors.iter().any(|tensor| tensor.name == name),
                "{name}"
            );
        }
    }
}
