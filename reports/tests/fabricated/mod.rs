//! Results that nobody trained: for tests of the report, and to look at its pages. They never leave the tests.

#![allow(dead_code, unreachable_pub)] // Every test binary uses a part of it.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use reports::{CellScores, DatasetInfo, EmbeddedSegment, SplitCounts, SweepResults, VideoScores};
use sweeps::{
    AttemptNumber, Cell, CellResult, DatasetSource, DeviceInfo, Digest, EpochPoint, FinalMetrics,
    JobSpec, JobStatus, Outcome, Parameters, Phase, Provenance, Regime, Reporting, RunRecord,
    ScoreMetrics, Synthetic, Value, Warning,
};

/// A variant that learns from `start` to `end` (AUC of D, percent), with `spread` between seeds.
#[derive(Debug, Clone, Copy)]
pub struct Learner {
    pub name: &'static str,
    pub start: f64,
    pub end: f64,
    pub spread: f64,
    pub has_d: bool,
}

/// Uniform in −1 … 1.
fn noise(random: &mut ChaCha8Rng) -> f64 {
    f64::from(random.next_u32()) / f64::from(u32::MAX) * 2.0 - 1.0
}

/// One finished cell.
pub fn cell(
    learner: Learner,
    dataset: &DatasetSource,
    point: &[Option<Value>],
    seed: u64,
    epochs: u32,
) -> CellResult {
    let key = format!("{}{point:?}{seed}", learner.name);
    let digest = Digest::of(b"the data");
    let job = JobSpec {
        dataset: dataset.clone(),
        seed,
        parameters: Parameters::default(),
    };
    let mut random = ChaCha8Rng::from_seed(Digest::of(key.as_bytes()).0);
    let offset = learner.spread * (noise(&mut random) + noise(&mut random));
    let mut curve = Vec::new();
    for epoch in 1..=epochs {
        let progress = 1.0 - 0.75_f64.powi(epoch as i32 - 1);
        let base = learner.start + (learner.end - learner.start) * progress + offset;
        let d = (base + 0.25 * learner.spread * noise(&mut random)) / 100.0;
        let g = (base - 2.5 + 0.4 * learner.spread * noise(&mut random)) / 100.0;
        curve.push(EpochPoint {
            auc_d: learner.has_d.then_some(d),
            auc_g: Some(g),
            loss_d: learner.has_d.then_some(0.5 / f64::from(epoch)),
            loss_g: Some(3.0 / f64::from(epoch)),
            positive_share_g: Some(0.15),
            positive_share_d: learner.has_d.then_some(0.2),
            agreement_gd: learner.has_d.then_some(0.9),
            agreement_truth: None,
            ..EpochPoint::new(Phase::Train, epoch)
        });
    }
    let score = |auc: Option<f64>| {
        auc.map(|auc| ScoreMetrics {
            auc: Some(auc),
            ap: Some(auc * 0.4),
            ano_auc: Some(auc - 0.05),
            macro_auc: Some(auc - 0.02),
            far: Some((1.0 - auc) / 4.0),
            recall_at_fpr10: Some(auc - 0.3),
        })
    };
    let last = curve
        .last()
        .cloned()
        .unwrap_or(EpochPoint::new(Phase::Train, 1));
    let job_id = sweeps::JobId(Digest::of(key.as_bytes()).0);
    CellResult {
        cell: Cell {
            variant: learner.name.into(),
            point: point.to_vec(),
            job,
            reporting: Reporting::default(),
        },
        job_id,
        status: JobStatus::Done,
        record: Some(Arc::new(RunRecord {
            job_id,
            outcome: Outcome {
                metrics: FinalMetrics {
                    d: score(last.auc_d),
                    g: score(last.auc_g),
                },
                curve,
                warnings: Vec::new(),
                artifacts: Vec::new(),
            },
            provenance: Provenance {
                attempt: AttemptNumber(1),
                worker: format!("worker-{}", seed % 2),
                device: DeviceInfo {
                    kind: "cpu-avx512f".into(),
                    name: "A processor of 2 cores".into(),
                },
                version: "gcl-sweep 0.1.0 (abcdef012345)".into(),
                trainer_revision: 1,
                dataset_digest: digest,
                duration_s: 61.5 + 3.0 * noise(&mut random),
                resumed: 0,
                cached_since_ms: None,
                dataset: None,
            },
        })),
        live: Vec::new(),
        attempts: 1,
        error: None,
    }
}

/// The cell with another end than `done`.
pub fn ended(
    mut result: CellResult,
    status: JobStatus,
    error: Option<&str>,
    attempts: u32,
) -> CellResult {
    if status == JobStatus::Running
        && let Some(record) = &result.record
    {
        result.live = record.outcome.curve[..record.outcome.curve.len() / 2].to_vec();
    }
    result.record = None;
    result.status = status;
    result.error = error.map(str::to_owned);
    result.attempts = attempts;
    result
}

fn learner(name: &'static str, start: f64, end: f64, spread: f64) -> Learner {
    Learner {
        name,
        start,
        end,
        spread,
        has_d: true,
    }
}

fn autoencoder(name: &'static str, start: f64, end: f64, spread: f64) -> Learner {
    Learner {
        name,
        start,
        end,
        spread,
        has_d: false,
    }
}

fn ucf_crime() -> (DatasetSource, DatasetInfo) {
    let name = "ucf-crime-resnext";
    let info = DatasetInfo {
        name: name.into(),
        own_name: Some(name.into()),
        digest: Some(Digest::of(b"the data")),
        synthetic: false,
        feature_dim: Some(2048),
        licence: Some("for research".into()),
        source: Some("UCF-Crime, Sultani et al. 2018".into()),
        extractor: Some("ResNeXt-101 3D, Kinetics".into()),
        train: Some(SplitCounts {
            videos: 1610,
            segments: 779_780,
            frames: 12_476_480,
            anomalous_frames: None,
        }),
        test: Some(SplitCounts {
            videos: 290,
            segments: 69_484,
            frames: 1_111_744,
            anomalous_frames: Some(84_326),
        }),
    };
    (DatasetSource::Named(name.into()), info)
}

fn sweep(name: &str, text: &str) -> SweepResults {
    SweepResults {
        name: name.into(),
        description: "Fabricated results, to look at the page".into(),
        source_text: text.into(),
        source_path: format!("sweeps/{name}.toml"),
        command: format!("gcl-sweep run sweeps/{name}.toml --out results"),
        version: "gcl-sweep 0.1.0 (abcdef012345)".into(),
        ..SweepResults::default()
    }
}

/// Two variants, five seeds, all done, synthetic data: what a newcomer's first page looks like.
pub fn quickstart() -> SweepResults {
    let dataset = DatasetSource::Synthetic(Synthetic {
        videos: 120,
        mean_length: 40,
        dimension: 64,
        seed: 1,
        regime: Regime::FixedCameras,
    });
    let mut results = sweep(
        "quickstart",
        "name = \"quickstart\"\n\n[axes]\nseed = { from = 0, count = 5 }\n",
    );
    for learner in [
        autoencoder("AE_AllData", 66.0, 71.0, 0.8),
        learner("GCL_B", 60.0, 75.0, 1.4),
    ] {
        results
            .cells
            .extend((0..5).map(|seed| cell(learner, &dataset, &[], seed, 15)));
    }
    results
}

/// Everything that can be wrong with a sweep, on the paper's data set.
pub fn troubled() -> SweepResults {
    let (dataset, info) = ucf_crime();
    let mut results = sweep("table2", "name = \"table2\" # with <tags> & \"quotes\"\n");
    results.datasets.push(info);
    results
        .facts
        .push(("Cargo.lock (BLAKE3)".into(), "0123456789abcdef".into()));
    results
        .notes
        .push("Two attempts of job 0123456789ab differ: see the coordinator's log.".into());
    let learners = [
        autoencoder("AE_AllData", 50.0, 56.4, 0.5),
        learner("GCL_B", 55.0, 67.2, 0.7),
        learner("GCL_PT", 62.0, 71.6, 0.4),
        learner(
            "<script>alert(\"x\")</script> & 协同学习 ünïcode",
            55.0,
            64.0,
            2.0,
        ),
        learner("GCL_OCC", 60.0, 74.0, 0.6),
    ];
    for learner in learners {
        for seed in 0..10 {
            if learner.name == "GCL_OCC" && seed > 0 {
                continue;
            }
            if learner.name == "GCL_PT" && seed == 4 {
                continue;
            }
            results.cells.push(cell(learner, &dataset, &[], seed, 15));
        }
    }
    let replace = |results: &mut SweepResults,
                   variant: &str,
                   seed: u64,
                   status,
                   error: Option<&str>,
                   attempts| {
        for result in &mut results.cells {
            if result.cell.variant.contains(variant) && result.cell.job.seed == seed {
                *result = ended(result.clone(), status, error, attempts);
            }
        }
    };
    let diverged = "diverged: the loss of G is NaN in epoch 3, step 17";
    replace(
        &mut results,
        "GCL_B",
        2,
        JobStatus::Failed,
        Some(diverged),
        1,
    );
    replace(&mut results, "GCL_B", 7, JobStatus::Running, None, 2);
    replace(
        &mut results,
        "script",
        1,
        JobStatus::Quarantined,
        Some("trainer: index out of bounds\n<b>at</b> line 3, \"quoted\""),
        2,
    );
    replace(&mut results, "script", 3, JobStatus::Pending, None, 0);
    replace(&mut results, "script", 4, JobStatus::Cancelled, None, 1);
    for (index, result) in results.cells.iter_mut().enumerate() {
        if let Some(record) = &mut result.record
            && index % 6 == 5
        {
            let record = Arc::make_mut(record);
            record.provenance.resumed = 1;
            record.outcome.warnings.push(Warning {
                code: "labels-locked".into(),
                message: "train, epochs 4–15: the two label sets agree on 99.2% of rows".into(),
            });
            result.attempts = 3;
        }
    }
    results
}

/// One numeric axis: supervision.
pub fn supervision() -> SweepResults {
    let (dataset, info) = ucf_crime();
    let mut results = sweep("fig9", "name = \"fig9\"\n");
    results.datasets.push(info);
    results.columns = vec!["supervision_percent".into()];
    for (percent, end) in [(0.0, 70.5), (33.0, 76.0), (66.0, 78.0), (100.0, 80.0)] {
        for seed in 0..5 {
            let point = [Some(Value::Float(percent))];
            results.cells.push(cell(
                learner("GCL_WS", 60.0, end, 0.6),
                &dataset,
                &point,
                seed,
                15,
            ));
        }
    }
    results
}

/// Draws of two parameters at once: neither is a function of the other.
pub fn drawn() -> SweepResults {
    let mut results = supervision();
    results.columns.push("learning_rate".into());
    for result in &mut results.cells {
        let percent = result.cell.point[0].as_ref().and_then(Value::as_float);
        let rate = match percent.unwrap() as u32 {
            0 => 3e-4,
            33 => 1e-4,
            66 => 5e-4,
            _ => 2e-4,
        };
        result.cell.point.push(Some(Value::Float(rate)));
    }
    results
}

/// A setting of generated data on an axis, each seed with data of its own: what GCL_B gains grows with coherence. With controls.
pub fn coherence() -> SweepResults {
    const TEXT: &str = "name = \"coherence\"\n[dataset.synthetic]\nvideos = 12\nregime = \"coherent-events\"\nseed = \"job\"\n\
        [axes]\nseed = { from = 0, count = 4 }\ndataset.synthetic.coherence = [0, 0.3, 0.9]\n\
        [[variant]]\nname = \"AE_AllData\"\njob = { method = \"autoencoder\" }\n[[variant]]\nname = \"GCL_B\"\n\
        [report]\nfigures = [\"gain\"]\nreference = \"AE_AllData\"\ncontrols = true\n";
    let (spec, expansion) =
        sweeps::expand_text("coherence.toml", TEXT, sweeps::Limits::default()).unwrap();
    let mut results = sweep("coherence", TEXT);
    results.columns = expansion.columns;
    results.report.figures = spec.report.figures;
    results.report.reference = spec.report.reference;
    results.report.controls = true;
    for asked in expansion.cells {
        let share = asked.point[0].as_ref().and_then(Value::as_float).unwrap();
        let (end, has_d) = match asked.variant.as_str() {
            "GCL_B" => (66.0 + 2.0 * share, true),
            "AE_AllData" => (70.0 - 8.0 * share, false),
            _ => (50.0, false),
        };
        let learner = Learner {
            has_d,
            ..learner("", 50.0, end, 1.0)
        };
        let learner = Learner {
            name: Box::leak(asked.variant.clone().into_boxed_str()),
            ..learner
        };
        let mut made = cell(learner, &asked.job.dataset, &asked.point, asked.job.seed, 2);
        made.cell = asked;
        results.cells.push(made);
    }
    results
}

/// Two axes, one of thresholds: a grid of `15 × 4` points.
pub fn grid() -> SweepResults {
    let (dataset, info) = ucf_crime();
    let mut results = sweep("thresholds", "name = \"thresholds\"\n");
    results.datasets.push(info);
    results.columns = vec!["threshold.generator".into(), "learning_rate".into()];
    for k in [0.5, 1.0, 1.5, 2.0] {
        for (step, rate) in [1e-5, 2e-5, 5e-5, 1e-4, 2e-4].into_iter().enumerate() {
            let rule =
                Value::Table([("rule".into(), "mean-std".into()), ("k".into(), k.into())].into());
            let point = [Some(rule), Some(Value::Float(rate))];
            let end = 72.0 - 4.0 * (k - 1.2).abs() - 2.0 * (step as f64 - 1.5).abs();
            for seed in 0..3 {
                let done = cell(learner("GCL_B", 55.0, end, 0.6), &dataset, &point, seed, 15);
                let failed = k == 2.0 && step == 4;
                results.cells.push(if failed {
                    ended(done, JobStatus::Failed, Some("diverged: NaN"), 1)
                } else {
                    done
                });
            }
        }
    }
    results
}

/// One axis of fifty values, three seeds, two variants.
pub fn wide() -> SweepResults {
    let (dataset, info) = ucf_crime();
    let mut results = sweep("sigma", "name = \"sigma\"\n");
    results.datasets.push(info);
    results.columns = vec!["negative_learning.sigma".into()];
    for name in ["GCL_B", "GCL_PT"] {
        for step in 1..=50 {
            let end = 60.0
                + 10.0 * (-(f64::from(step) - 30.0).powi(2) / 300.0).exp()
                + if name == "GCL_PT" { 2.0 } else { 0.0 };
            for seed in 0..3 {
                let point = [Some(Value::Float(f64::from(step) / 5.0))];
                results.cells.push(cell(
                    learner(name, 55.0, end, 0.5),
                    &dataset,
                    &point,
                    seed,
                    5,
                ));
            }
        }
    }
    results
}

/// `jobs` jobs of 15 epochs in two variants.
pub fn large(jobs: u64) -> SweepResults {
    long(jobs, 15)
}

/// `jobs` jobs of so many epochs in two variants.
pub fn long(jobs: u64, epochs: u32) -> SweepResults {
    let (dataset, info) = ucf_crime();
    let mut results = sweep("large", "name = \"large\"\n");
    results.datasets.push(info);
    for learner in [
        learner("GCL_B", 55.0, 67.2, 0.7),
        learner("GCL_PT", 62.0, 71.6, 0.4),
    ] {
        results
            .cells
            .extend((0..jobs / 2).map(|seed| cell(learner, &dataset, &[], seed, epochs)));
    }
    results
}

/// One axis of `values` values, ten seeds, two variants, 15 epochs.
pub fn large_grid(values: u32) -> SweepResults {
    long_grid(values, 15)
}

/// One axis of `values` values, ten seeds, two variants, so many epochs.
pub fn long_grid(values: u32, epochs: u32) -> SweepResults {
    let (dataset, info) = ucf_crime();
    let mut results = sweep("large-grid", "name = \"large-grid\"\n");
    results.datasets.push(info);
    results.columns = vec!["negative_learning.sigma".into()];
    for learner in [
        learner("GCL_B", 55.0, 67.2, 0.7),
        learner("GCL_PT", 62.0, 71.6, 0.4),
    ] {
        for step in 1..=values {
            let point = [Some(Value::Float(f64::from(step) / 5.0))];
            results
                .cells
                .extend((0..10).map(|seed| cell(learner, &dataset, &point, seed, epochs)));
        }
    }
    results
}

/// Two data sets with a batch size each, crossed with supervision; some seeds are missing.
pub fn datasets() -> SweepResults {
    let mut results = sweep("fig9", "name = \"fig9\"\n");
    results.columns = ["supervision_percent", "dataset", "batch_size"]
        .map(String::from)
        .to_vec();
    for (name, batch, shift) in [
        ("ucf-crime-resnext", 8192, 0.0),
        ("shanghaitech-resnext", 512, 12.0),
    ] {
        for (percent, end) in [(0, 70.5), (33, 76.0), (66, 78.0), (100, 80.0)] {
            for seed in 0..4 {
                let point = [
                    Some(Value::Integer(percent)),
                    Some(Value::Text(name.into())),
                    Some(Value::Integer(batch)),
                ];
                let learner = learner("GCL_WS", 60.0 + shift, end + shift, 0.6);
                let dataset = DatasetSource::Named(name.into());
                let done = cell(learner, &dataset, &point, seed, 15);
                let missing = percent == 66 && seed > 0 && shift > 0.0;
                results.cells.push(if missing {
                    ended(done, JobStatus::Pending, None, 0)
                } else {
                    done
                });
            }
        }
    }
    results.report.figures = ["fig9", "fig10", "fig5", "seeds", "intervals"]
        .map(String::from)
        .to_vec();
    results
}

/// Two rules of thresholds, crossed, on two data sets with a batch size each.
pub fn thresholds() -> SweepResults {
    let mut results = sweep("thresholds", "name = \"thresholds\"\n");
    results.columns = [
        "threshold.discriminator",
        "threshold.generator",
        "dataset",
        "batch_size",
    ]
    .map(String::from)
    .to_vec();
    let generator = [
        "mean-std k=0.5",
        "mean-std k=1",
        "mean-std k=2",
        "top-percent percent=5",
        "top-percent percent=10",
        "top-percent percent=20",
        "otsu",
        "valley",
    ];
    let discriminator = [
        "fixed value=0.5",
        "mean-std k=0.1",
        "mean-std k=1",
        "otsu",
        "top-percent percent=10",
    ];
    for (name, batch, shift) in [
        ("ucf-crime-resnext", 8192, 0.0),
        ("shanghaitech-resnext", 512, 12.0),
    ] {
        for (down, d) in discriminator.iter().enumerate() {
            for (across, g) in generator.iter().enumerate() {
                for seed in 0..3 {
                    let point = [
                        Some(Value::Text((*d).into())),
                        Some(Value::Text((*g).into())),
                        Some(Value::Text(name.into())),
                        Some(Value::Integer(batch)),
                    ];
                    let end = 70.0 + shift - (down as f64 - 2.0).powi(2) - across as f64 / 2.0;
                    let dataset = DatasetSource::Named(name.into());
                    let done = cell(learner("GCL_B", 55.0, end, 0.6), &dataset, &point, seed, 15);
                    let failed = down == 4 && across > 5 && seed > 0;
                    results.cells.push(if failed {
                        ended(done, JobStatus::Failed, Some("diverged: NaN"), 1)
                    } else {
                        done
                    });
                }
            }
        }
    }
    results.report.figures = vec!["thresholds".into()];
    results
}

/// A table of methods on one data set: one that draws nothing, one of a hundred epochs, ten seeds each.
pub fn methods() -> SweepResults {
    let (dataset, info) = ucf_crime();
    let mut results = sweep("table1", "name = \"table1\"\n");
    results.datasets.push(info);
    for (learner, epochs) in [
        (learner("GCL_B", 55.0, 67.2, 0.7), 15),
        (learner("GCL_PT", 62.0, 71.6, 0.4), 15),
        (autoencoder("PCA", 58.0, 58.0, 0.0), 1),
        (autoencoder("AE_AllData", 50.0, 56.4, 0.5), 15),
        (learner("Sultani et al.", 60.0, 75.4, 0.6), 100),
    ] {
        for seed in 0..10 {
            let mut done = cell(learner, &dataset, &[], seed, epochs);
            if learner.name == "PCA" {
                let first = cell(learner, &dataset, &[], 0, epochs);
                done.job_id = first.job_id;
                done.record = first.record;
            }
            results.cells.push(done);
        }
    }
    results.report.figures = ["profile", "intervals", "fig10", "fig5"]
        .map(String::from)
        .to_vec();
    results
}

/// Three variants whose scores per segment were kept.
pub fn scores() -> SweepResults {
    let (dataset, info) = ucf_crime();
    let mut results = sweep("fig4", "name = \"fig4\"\n");
    results.datasets.push(info);
    let learners = [
        autoencoder("AE_AllData", 50.0, 56.4, 0.5),
        learner("GCL_w/oNL", 55.0, 64.2, 0.7),
        learner("GCL_B", 55.0, 67.2, 0.7),
    ];
    for (index, learner) in learners.into_iter().enumerate() {
        results
            .cells
            .extend((0..3).map(|seed| cell(learner, &dataset, &[], seed, 15)));
        let mut random = ChaCha8Rng::from_seed([index as u8; 32]);
        let shift = 0.1 + 0.12 * index as f64;
        let mut scores = CellScores {
            cell: 3 * index,
            ..CellScores::default()
        };
        for video in 0..12_u32 {
            let segments = 60 + 5 * video;
            let event = (video % 2 == 0).then(|| 320..480 + 16 * video);
            let name = format!("Explosion{video:03}_x264");
            let count = segments as usize;
            let mut all =
                VideoScores::with_truth(&name, count, segments * 16 + 7, 16, event.as_slice());
            let mut make = |shift: f64| -> Vec<f32> {
                (0..segments)
                    .map(|segment| {
                        let inside = event.iter().any(|range| range.contains(&(segment * 16)));
                        let base = 0.3 + 0.12 * (noise(&mut random) + noise(&mut random));
                        (base + if inside { shift } else { 0.0 }) as f32
                    })
                    .collect()
            };
            let (d, g) = (make(shift), make(0.6 * shift));
            let epochs = if index == 2 && matches!(video, 4 | 5) {
                [1, 2, 4, 8, 12, 15]
                    .map(|epoch| (epoch, make(shift * f64::from(epoch) / 12.0)))
                    .to_vec()
            } else {
                Vec::new()
            };
            all.epochs = epochs;
            all.g = g;
            if learner.has_d {
                all.d = d;
            }
            scores.videos.push(all);
        }
        for _ in 0..800 {
            let anomalous = noise(&mut random) > 0.85;
            let away = if anomalous { 30.0 * shift } else { 0.0 };
            scores.embedding.push(EmbeddedSegment {
                x: (10.0 * noise(&mut random) + away) as f32,
                y: (10.0 * noise(&mut random) * noise(&mut random) + away) as f32,
                anomalous,
            });
        }
        results.scores.push(scores);
    }
    results.report.figures = ["fig4", "fig6", "fig7", "fig8", "fig10"]
        .map(String::from)
        .to_vec();
    results
}
