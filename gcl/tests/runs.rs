//! Whole runs: a record is a function of job, data and build. Not of threads, interruptions, or training truth.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use crate::support;

use gcl::{Checkpoint, Request, StopFlag, TrainError, Trained, train};
use support::{Listener, cpu, job, prepare, run, world};
use sweeps::{JobSpec, Phase, Value};

fn threshold(rule: &str, key: &str, number: f64) -> Value {
    Value::Table(
        [
            ("rule".to_owned(), Value::from(rule)),
            (key.to_owned(), Value::Float(number)),
        ]
        .into(),
    )
}

/// One job of every kind.
fn every_kind() -> Vec<(&'static str, JobSpec)> {
    let pretrained: [(&str, Value); 4] = [
        ("pretraining", "temporal-difference".into()),
        ("difference_quantile", 0.7.into()),
        ("pretrain_epochs", 2.into()),
        ("pretrain_discriminator_epochs", 1.into()),
    ];
    let with = |more: &[(&str, Value)]| job(5, &[&pretrained[..], more].concat());
    vec![
        ("gcl", job(5, &[])),
        ("pretrained", with(&[])),
        (
            "noise and dropout",
            job(
                5,
                &[
                    ("negative_learning.target", "gaussian".into()),
                    ("network.discriminator_dropout", 0.6.into()),
                    (
                        "threshold.generator",
                        threshold("top-percent", "percent", 20.0),
                    ),
                ],
            ),
        ),
        (
            "replace",
            job(
                5,
                &[
                    ("negative_learning.target", "replace".into()),
                    ("update_order", "simultaneous".into()),
                    (
                        "threshold.generator",
                        Value::Table([("rule".into(), "otsu".into())].into()),
                    ),
                    (
                        "threshold.discriminator",
                        Value::Table([("rule".into(), "valley".into())].into()),
                    ),
                ],
            ),
        ),
        (
            "no negative learning",
            with(&[
                ("negative_learning.target", "none".into()),
                ("reconstruction_error", "mse".into()),
                ("pseudo_labels", "soft".into()),
            ]),
        ),
        (
            "own labels",
            with(&[
                ("method", "gcl-own-labels".into()),
                ("threshold.generator", threshold("fixed", "value", 2.0)),
            ]),
        ),
        ("autoencoder", job(5, &[("method", "autoencoder".into())])),
        (
            "autoencoder on differences",
            job(
                5,
                &[
                    ("method", "autoencoder".into()),
                    ("pretraining", "temporal-difference".into()),
                    ("difference_threshold", 0.4.into()),
                ],
            ),
        ),
        (
            "all artifacts",
            with(&[
                ("artifacts.embedding", "tsne".into()),
                ("artifacts.epoch_scores", "on".into()),
            ]),
        ),
        ("baseline adkim", job(5, &[("method", "adkim".into())])),
        (
            "baseline pca",
            job(
                5,
                &[
                    ("method", "pca".into()),
                    ("pretraining", "temporal-difference".into()),
                    ("difference_quantile", 0.7.into()),
                ],
            ),
        ),
        (
            "baseline forest",
            job(
                5,
                &[
                    ("method", "isolation-forest".into()),
                    ("isolation_forest.trees", 20.into()),
                    ("isolation_forest.samples", 32.into()),
                ],
            ),
        ),
        (
            "baseline svm",
            job(
                5,
                &[
                    ("method", "one-class-svm".into()),
                    ("one_class_svm.features", 64.into()),
                    ("one_class_svm.samples", 100.into()),
                ],
            ),
        ),
        ("distil", job(5, &[("method", "distil".into())])),
        (
            "distil across folds",
            job(
                5,
                &[
                    ("method", "distil".into()),
                    ("labels.folds", 3.into()),
                    ("labels.smoothing", 1.5.into()),
                    ("labels.rule", threshold("soft-rank", "exponent", 2.0)),
                    ("artifacts.epoch_scores", "on".into()),
                ],
            ),
        ),
        (
            "distil components",
            job(
                5,
                &[
                    ("method", "distil".into()),
                    ("labels.model", "pca".into()),
                    ("labels.folds", 5.into()),
                    ("labels.rule", threshold("top-percent", "percent", 20.0)),
                    ("network.discriminator_dropout", 0.3.into()),
                ],
            ),
        ),
        ("labels by c2fpl", labelled_by("c2fpl")),
        ("labels by clap", labelled_by("clap")),
        ("labels by lanp", labelled_by("lanp")),
    ]
}

fn labelled_by(maker: &str) -> JobSpec {
    job(
        5,
        &[
            ("method", "distil".into()),
            ("labels.maker", maker.into()),
            ("labels.share", 0.4.into()),
        ],
    )
}

fn ranking() -> JobSpec {
    job(
        5,
        &[
            ("method", "mil-ranking".into()),
            ("epochs", 3.into()),
            ("learning_rate", 0.01.into()),
            ("mil.segments", 8.into()),
            ("mil.bags", 4.into()),
            ("mil.hidden", Value::List(vec![32.into(), 8.into()])),
            ("mil.dropout", 0.2.into()),
            ("artifacts.epoch_scores", "on".into()),
        ],
    )
}

fn supervised_kinds() -> Vec<(&'static str, JobSpec)> {
    vec![
        (
            "one class",
            job(
                5,
                &[
                    ("pretraining", "normal-only".into()),
                    ("pretrain_epochs", 1.into()),
                ],
            ),
        ),
        ("mask", job(5, &[("supervision_percent", 50.into())])),
        (
            "mask-top",
            job(
                5,
                &[
                    ("supervision_percent", 100.into()),
                    ("weak_supervision", "mask-top".into()),
                ],
            ),
        ),
        (
            "autoencoder on normal videos",
            job(
                5,
                &[
                    ("method", "autoencoder".into()),
                    ("pretraining", "normal-only".into()),
                ],
            ),
        ),
        (
            "baseline pca on normal videos",
            job(
                5,
                &[
                    ("method", "pca".into()),
                    ("pretraining", "normal-only".into()),
                ],
            ),
        ),
        ("ranking", ranking()),
    ]
}

fn resume(job: &JobSpec, checkpoint: Checkpoint) -> Result<Trained, TrainError> {
    train(
        &Request {
            job,
            dataset: &prepare(world(13, 1), job),
            device: &cpu(1),
            stop: &StopFlag::new(),
            checkpoint: Some(checkpoint),
        },
        &mut (),
    )
}

#[test]
fn a_job_run_twice_is_equal_to_the_bit_at_any_number_of_threads() {
    for (name, job) in every_kind().into_iter().chain(supervised_kinds()) {
        let first = run(&job, world(13, 1), &cpu(1)).unwrap();
        for threads in [1, 2, 3] {
            let again = run(&job, world(13, 1), &cpu(threads)).unwrap();
            assert!(first == again, "{name} at {threads} threads");
        }
        let metrics = &first.outcome.metrics;
        let without_g = name == "ranking" || name.starts_with("labels by");
        assert_eq!(metrics.g.is_none(), without_g, "{name}");
        let without_d = ["auto", "own labels", "baseline"];
        assert_eq!(
            metrics.d.is_some(),
            !without_d.iter().any(|word| name.contains(word)),
            "{name}"
        );
        let last = first.outcome.curve.last().unwrap();
        assert_eq!(
            (last.auc_g, last.auc_d),
            (metrics.g.and_then(|g| g.auc), metrics.d.and_then(|d| d.auc)),
            "{name}"
        );
    }
}

/// What a job says of itself decides whether its seeds are one job: a coordinator trains one of them for all.
#[test]
fn a_deterministic_job_gives_the_same_bits_for_every_seed_and_no_other_does() {
    for (name, mut job) in every_kind().into_iter().chain(supervised_kinds()) {
        if name == "baseline adkim" {
            // Fewer than the data's 13: the space as a whole is the same however it is turned.
            job.parameters.set("adkim.dimensions", &5.into()).unwrap();
        }
        let other = JobSpec {
            seed: job.seed + 1,
            ..job.clone()
        };
        let [first, second] = [&job, &other].map(|job| run(job, world(13, 1), &cpu(1)).unwrap());
        assert_eq!(first == second, job.is_deterministic(), "{name}");
    }
}

#[test]
fn constant_channels_are_counted_and_change_nothing() {
    // Two channels more, one of them equal in training alone.
    let wider = || {
        let mut parts = world(13, 1);
        for (matrix, value) in [(&mut parts.train, 0.25), (&mut parts.test, 0.75)] {
            let rows = 0..matrix.rows();
            let values = rows.flat_map(|row| [matrix.row(row), &[value, 7.0]].concat());
            *matrix = gcl::Matrix::new(values.collect(), 15);
        }
        parts
    };
    let kinds: [&[(&str, Value)]; 3] = [
        &[],
        &[("method", "pca".into())],
        &[("method", "mil-ranking".into()), ("mil.bags", 2.into())],
    ];
    for kind in kinds {
        let settings = |scaling: &str| {
            let scaling = [("feature_scaling", Value::from(scaling))];
            job(5, &[kind, &scaling[..]].concat())
        };
        let warnings = |job: &JobSpec, parts| -> Vec<String> {
            let outcome = run(job, parts, &cpu(1)).unwrap().outcome;
            let constant = outcome.warnings.into_iter();
            constant
                .filter(|warning| warning.code == "constant-channels")
                .map(|warning| warning.message)
                .collect()
        };
        let found = warnings(&settings("standard"), wider());
        assert!(
            found.len() == 1 && found[0].starts_with("2 of 15 channels"),
            "{found:?}"
        );
        assert!(warnings(&settings("standard"), world(13, 1)).is_empty());
        assert!(warnings(&settings("l2"), wider()).is_empty());
    }
    // Principal components of channels that are 0 throughout are those of the others.
    let pca = job(
        5,
        &[
            ("method", "pca".into()),
            ("pca.dimensions", 3.into()),
            ("feature_scaling", "standard".into()),
        ],
    );
    let auc = |parts| {
        let metrics = run(&pca, parts, &cpu(1)).unwrap().outcome.metrics;
        metrics.g.and_then(|g| g.auc).unwrap()
    };
    assert!((auc(wider()) - auc(world(13, 1))).abs() < 1e-9);
}

#[test]
fn threads_share_large_batches_without_changing_a_bit() {
    let job = job(
        1,
        &[
            ("batch_size", 120.into()),
            (
                "network.generator",
                Value::List(vec![700.into(), 33.into(), 700.into()]),
            ),
            (
                "network.discriminator",
                Value::List(vec![900.into(), 7.into()]),
            ),
        ],
    );
    let one = run(&job, world(600, 1), &cpu(1)).unwrap();
    assert_eq!(one, run(&job, world(600, 1), &cpu(2)).unwrap());
    assert_eq!(one, run(&job, world(600, 1), &cpu(3)).unwrap());
}

#[test]
fn both_implementations_of_the_networks_agree() {
    let candle = gcl::open_device("candle-cpu", None).unwrap();
    for (name, job) in every_kind().into_iter().chain(supervised_kinds()) {
        let here = run(&job, world(13, 2), &cpu(1)).unwrap().outcome;
        let there = run(&job, world(13, 2), &candle).unwrap().outcome;
        assert_eq!(here.curve.len(), there.curve.len());
        for (a, b) in here.curve.iter().zip(&there.curve) {
            for (x, y) in [
                (a.loss_g, b.loss_g),
                (a.loss_d, b.loss_d),
                (a.auc_g, b.auc_g),
            ] {
                let (x, y) = (x.unwrap_or(0.0), y.unwrap_or(0.0));
                assert!((x - y).abs() <= 1e-4 * x.abs().max(1.0), "{name}: {x} {y}");
            }
        }
    }
}

/// Stops after every epoch of a pre-trained run, takes the checkpoint through its bytes, and goes on.
#[test]
fn a_run_resumed_at_any_epoch_ends_equal_to_the_bit() {
    for (name, job) in every_kind().into_iter().chain(supervised_kinds()) {
        let whole = run(&job, world(13, 1), &cpu(1)).unwrap();
        let epochs = whole.outcome.curve.len();
        for stop_after in 1..=epochs {
            let mut listener = Listener::new(stop_after);
            let stop = listener.stop.clone();
            let stopped = train(
                &Request {
                    job: &job,
                    dataset: &prepare(world(13, 1), &job),
                    device: &cpu(1),
                    stop: &stop,
                    checkpoint: None,
                },
                &mut listener,
            );
            let bytes = match stopped {
                Err(TrainError::Stopped(checkpoint)) => {
                    assert_eq!(checkpoint.epoch(), listener.points.last().unwrap().epoch);
                    assert_eq!(*checkpoint, *listener.checkpoints.last().unwrap());
                    checkpoint.to_bytes().unwrap()
                }
                // After the last epoch there is nothing left to stop; its checkpoint must do all the same.
                Ok(trained) => {
                    assert_eq!((stop_after, &trained), (epochs, &whole), "{name}");
                    listener.checkpoints.last().unwrap().to_bytes().unwrap()
                }
                Err(error) => panic!("{name}: {error}"),
            };
            assert_eq!(listener.points, whole.outcome.curve[..stop_after]);
            let resumed = resume(&job, Checkpoint::from_bytes(&bytes).unwrap()).unwrap();
            assert!(resumed == whole, "{name} resumed after epoch {stop_after}");
        }
    }
}

#[test]
fn a_stop_before_the_first_epoch_ends_keeps_the_start() {
    let job = job(5, &[]);
    let stop = StopFlag::new();
    stop.stop();
    let stopped = train(
        &Request {
            job: &job,
            dataset: &prepare(world(13, 1), &job),
            device: &cpu(1),
            stop: &stop,
            checkpoint: None,
        },
        &mut (),
    );
    let Err(TrainError::Stopped(checkpoint)) = stopped else {
        panic!("it was not stopped");
    };
    assert_eq!((checkpoint.phase(), checkpoint.epoch()), (Phase::Train, 0));
    assert_eq!(
        resume(&job, *checkpoint).unwrap(),
        run(&job, world(13, 1), &cpu(1)).unwrap()
    );
}

#[test]
fn a_checkpoint_of_another_job_is_refused() {
    let mine = job(5, &[]);
    let mut listener = Listener::new(usize::MAX);
    train(
        &Request {
            job: &mine,
            dataset: &prepare(world(13, 1), &mine),
            device: &cpu(1),
            stop: &StopFlag::new(),
            checkpoint: None,
        },
        &mut listener,
    )
    .unwrap();
    let refused = resume(&job(6, &[]), listener.checkpoints[0].clone());
    assert!(matches!(refused, Err(TrainError::BadCheckpoint { .. })));
    assert!(Checkpoint::from_bytes(b"nothing").is_err());
}

/// Training truth reaches nothing but the diagnostic of its own.
#[test]
fn flipping_all_training_labels_leaves_unsupervised_runs_equal_to_the_bit() {
    let mut flipped = world(13, 1);
    for label in &mut flipped.labels {
        *label = label.map(|anomalous| !anomalous);
    }
    flipped
        .truth
        .as_mut()
        .unwrap()
        .iter_mut()
        .for_each(|truth| *truth = !*truth);
    let mut unlabelled = world(13, 1);
    unlabelled.labels.fill(None);
    unlabelled.truth = None;
    let without_diagnostic = |mut trained: Trained| {
        for point in &mut trained.outcome.curve {
            point.agreement_truth = None;
        }
        trained
    };
    for (name, job) in every_kind() {
        let plain = run(&job, world(13, 1), &cpu(1)).unwrap();
        let labels = !name.starts_with("autoencoder") && !name.starts_with("baseline");
        assert_eq!(
            plain
                .outcome
                .curve
                .last()
                .unwrap()
                .agreement_truth
                .is_some(),
            labels,
            "{name}"
        );
        let plain = without_diagnostic(plain);
        for other in [&flipped, &unlabelled] {
            let other = without_diagnostic(run(&job, other.clone(), &cpu(1)).unwrap());
            assert!(plain == other, "{name}");
        }
    }
    for (name, job) in supervised_kinds() {
        let plain = run(&job, world(13, 1), &cpu(1)).unwrap();
        let other = run(&job, flipped.clone(), &cpu(1)).unwrap();
        assert_ne!(
            without_diagnostic(plain),
            without_diagnostic(other),
            "{name} reads labels"
        );
        let error = run(&job, unlabelled.clone(), &cpu(1)).unwrap_err();
        assert!(
            matches!(error, TrainError::BadData { .. }),
            "{name}: {error}"
        );
    }
}

#[test]
fn other_seeds_give_other_runs() {
    assert_ne!(
        run(&job(1, &[]), world(13, 1), &cpu(1)).unwrap(),
        run(&job(2, &[]), world(13, 1), &cpu(1)).unwrap()
    );
}

#[test]
fn a_run_that_explodes_is_diverged() {
    let mut huge = world(13, 1);
    huge.train = gcl::Matrix::new(
        huge.train
            .values()
            .iter()
            .map(|value| value * 1e25)
            .collect(),
        13,
    );
    for method in ["autoencoder", "gcl", "gcl-own-labels"] {
        let job = job(
            5,
            &[
                ("method", method.into()),
                ("feature_scaling", "none".into()),
            ],
        );
        let error = run(&job, huge.clone(), &cpu(1)).unwrap_err();
        assert!(matches!(error, TrainError::Diverged { .. }), "{error}");
        assert_eq!(error.failure().class, sweeps::FailureClass::Diverged);
    }
    // Training goes well, but a test segment cannot be scored.
    let mut broken = world(13, 1);
    let mut values = broken.test.values().to_vec();
    values[7] = f32::NAN;
    broken.test = gcl::Matrix::new(values, 13);
    let error = run(&job(5, &[]), broken, &cpu(1)).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { .. }), "{error}");
}

#[test]
fn what_goes_wrong_is_warned_of_once_per_kind() {
    let codes = |job: &JobSpec| -> Vec<String> {
        let trained = run(job, world(13, 1), &cpu(1)).unwrap();
        trained
            .outcome
            .warnings
            .iter()
            .map(|warning| warning.code.clone())
            .collect()
    };
    assert_eq!(codes(&job(5, &[("batch_size", 100.into())])), ["few-steps"]);
    assert_eq!(
        codes(&job(
            5,
            &[
                ("batch_size", 8.into()),
                ("threshold.generator", threshold("fixed", "value", 1e9)),
                ("threshold.discriminator", threshold("fixed", "value", 2.0)),
            ]
        )),
        ["labels-locked", "labels-one-class"]
    );
    let mut alike = world(13, 1);
    let row = alike.test.row(0).to_vec();
    alike.test = gcl::Matrix::new(row.repeat(alike.test.rows()), 13);
    let small = job(5, &[("batch_size", 8.into())]);
    let trained = run(&small, alike, &cpu(1)).unwrap();
    assert_eq!(trained.outcome.metrics.d.unwrap().auc, Some(0.5));
    assert_eq!(trained.outcome.warnings[0].code, "constant-discriminator");
    assert!(
        trained.outcome.warnings[0]
            .message
            .ends_with("(train: epochs 1-2)")
    );
    let all = codes(&job(
        5,
        &[
            ("batch_size", 8.into()),
            ("pretraining", "temporal-difference".into()),
            ("difference_threshold", 100.0.into()),
            ("pretrain_epochs", 1.into()),
            ("pretrain_discriminator_epochs", 1.into()),
        ],
    ));
    assert!(all.contains(&"difference-filter".to_owned()), "{all:?}");
}

#[test]
fn a_filter_that_keeps_nothing_is_bad_data() {
    let job = job(
        5,
        &[
            ("pretraining", "temporal-difference".into()),
            ("difference_threshold", 0.0.into()),
        ],
    );
    let error = run(&job, world(13, 1), &cpu(1)).unwrap_err();
    assert!(
        error.to_string().contains("difference_threshold"),
        "{error}"
    );
}

#[test]
fn crops_are_rows_in_training_and_means_in_scores() {
    let trained = run(&job(5, &[]), world(13, 3), &cpu(1)).unwrap();
    let scores = safetensors::SafeTensors::deserialize(&trained.artifacts[0].1)
        .unwrap()
        .tensor("score_g")
        .unwrap()
        .shape()
        .to_vec();
    assert_eq!(scores, [world(13, 3).frames.segments()]);
}

fn artifact<'a>(trained: &'a Trained, name: &str) -> safetensors::SafeTensors<'a> {
    let found = trained.artifacts.iter().find(|(other, _)| other == name);
    safetensors::SafeTensors::deserialize(&found.unwrap().1).unwrap()
}

#[test]
fn scores_per_epoch_end_with_the_final_ones() {
    for (job, epochs, names) in [
        (
            job(5, &[("artifacts.epoch_scores", "on".into())]),
            2,
            &["score_g", "score_d"][..],
        ),
        (ranking(), 3, &["score_d"][..]),
    ] {
        let trained = run(&job, world(13, 1), &cpu(1)).unwrap();
        let (all, last) = (
            artifact(&trained, metrics::artifact::EPOCH_SCORES),
            artifact(&trained, metrics::artifact::SCORES),
        );
        let segments = world(13, 1).frames.segments();
        for name in names {
            let kept = all.tensor(name).unwrap();
            assert_eq!(kept.shape(), [epochs, segments]);
            let data = kept.data();
            assert_eq!(
                &data[data.len() - 4 * segments..],
                last.tensor(name).unwrap().data()
            );
            assert_ne!(&data[..4 * segments], last.tensor(name).unwrap().data());
        }
        for name in ["positives", "negatives", "segments"] {
            assert_eq!(
                all.tensor(name).unwrap().data(),
                last.tensor(name).unwrap().data()
            );
        }
    }
}

#[test]
fn an_embedding_keeps_what_is_alike_together() {
    let wide = |asked: &str| {
        let widths = Value::List(vec![32.into(), 16.into(), 32.into()]);
        let given = [
            ("method", "autoencoder".into()),
            ("epochs", 20.into()),
            ("network.generator", widths),
            ("artifacts.embedding", asked.into()),
        ];
        run(&job(5, &given), world(13, 3), &cpu(1)).unwrap()
    };
    let (trained, plain) = (wide("tsne"), wide("off"));
    assert_eq!(trained.outcome, plain.outcome, "it changes nothing else");
    assert_eq!(plain.artifacts.len(), 1);
    let embedding = artifact(&trained, metrics::artifact::EMBEDDING);
    let frames = world(13, 3).frames;
    let count = frames.segments();
    let points = embedding.tensor("points").unwrap();
    assert_eq!(points.shape(), [count, 2]);
    let numbers: Vec<f32> = points
        .data()
        .as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect();
    assert!(numbers.iter().all(|number| number.is_finite()));
    let anomalous: usize = (0..count)
        .filter(|segment| {
            frames.positives()[*segment] > 0
                && frames.positives()[*segment] >= frames.negatives()[*segment]
        })
        .count();
    let said = embedding.tensor("anomalous").unwrap().data();
    let said: usize = said.iter().map(|truth| usize::from(*truth)).sum();
    assert_eq!(said, anomalous);
    // Videos of one scene differ less than scenes do: the nearest point is mostly of the same scene.
    let video: Vec<u32> = embedding
        .tensor("video")
        .unwrap()
        .data()
        .as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| u32::from_le_bytes(*bytes))
        .collect();
    let distance = |i: usize, j: usize| {
        (numbers[2 * i] - numbers[2 * j]).powi(2)
            + (numbers[2 * i + 1] - numbers[2 * j + 1]).powi(2)
    };
    let near = (0..count)
        .filter(|i| {
            let nearest = (0..count)
                .filter(|j| j != i)
                .min_by(|a, b| distance(*i, *a).total_cmp(&distance(*i, *b)))
                .unwrap();
            // Test videos start at 12, and a scene returns every third video.
            video[*i] % 3 == video[nearest] % 3
        })
        .count();
    assert!(near * 10 > count * 8, "{near} of {count}");
}

#[test]
fn ranking_learns_what_its_labels_say() {
    let mut given = ranking();
    given.parameters.set("epochs", &60.into()).unwrap();
    let trained = run(&given, world(13, 1), &cpu(1)).unwrap();
    let curve = &trained.outcome.curve;
    let (first, last) = (curve[0].loss_d.unwrap(), curve[59].loss_d.unwrap());
    assert!(last < 0.7 * first, "{first} {last}");
    let auc = trained.outcome.metrics.d.unwrap().auc.unwrap();
    assert!(auc > 0.8, "{auc}");
}

#[test]
fn a_stopped_baseline_starts_over() {
    for (name, job) in every_kind()
        .into_iter()
        .filter(|(name, _)| name.starts_with("baseline"))
    {
        let stop = StopFlag::new();
        stop.stop();
        let stopped = train(
            &Request {
                job: &job,
                dataset: &prepare(world(13, 1), &job),
                device: &cpu(1),
                stop: &stop,
                checkpoint: None,
            },
            &mut (),
        );
        let Err(TrainError::Stopped(checkpoint)) = stopped else {
            panic!("{name} was not stopped");
        };
        let bytes = checkpoint.to_bytes().unwrap();
        let resumed = resume(&job, Checkpoint::from_bytes(&bytes).unwrap()).unwrap();
        assert_eq!(resumed, run(&job, world(13, 1), &cpu(1)).unwrap(), "{name}");
        let phases = gcl::planned_epochs(&sweeps::Training::of(&job));
        assert_eq!(phases, [(Phase::Train, 1)], "{name}");
    }
}

#[test]
fn a_test_split_of_one_class_is_refused_before_anything_is_trained() {
    use metrics::Frames;
    for (truth, said) in [
        (false, "no anomalous frames"),
        (true, "only anomalous frames"),
    ] {
        let mut parts = world(13, 1);
        let mut frames = Frames::default();
        for video in parts.frames.videos() {
            let length = video.len() as u32 * 16;
            let all = 0..length;
            let ranges = if truth {
                std::slice::from_ref(&all)
            } else {
                &[]
            };
            frames.push(video.len(), length, 16, ranges);
        }
        parts.frames = frames;
        let mut listener = Listener::new(usize::MAX);
        let job = job(5, &[]);
        let refused = train(
            &Request {
                job: &job,
                dataset: &prepare(parts, &job),
                device: &cpu(1),
                stop: &StopFlag::new(),
                checkpoint: None,
            },
            &mut listener,
        );
        let message = refused.unwrap_err().failure().message;
        assert!(message.contains(said), "{message}");
        assert!(listener.points.is_empty());
    }
}

#[test]
fn features_that_do_not_fit_on_the_device_train_to_the_same_bits() {
    let device = || gcl::open_device("candle-cpu", None).unwrap();
    for scaling in ["none", "l2", "min-max"] {
        let job = job(3, &[("feature_scaling", scaling.into())]);
        let resident = run(&job, world(13, 3), &device()).unwrap();
        let gathered = run(&job, world(13, 3), &device().with_feature_bytes(0)).unwrap();
        assert_eq!(resident, gathered, "{scaling}");
    }
}
