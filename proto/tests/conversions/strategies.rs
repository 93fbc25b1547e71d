//! Nouns of every kind, as proptest draws them.

use std::sync::Arc;

use proptest::prelude::*;
use sweeps::parameter::{Kind, Role};
use sweeps::registry::PARAMETERS;
use sweeps::{
    Amount, ArtifactRef, AttemptNumber, Cell, CellResult, DatasetFacts, DatasetSource, DeviceInfo,
    Digest, EpochPoint, Extraction, ExtractionSettings, ExtractionWeights, FinalMetrics, JobId,
    JobSpec, JobStatus, Outcome, Parameters, Phase, Provenance, Regime, Reporting, RunRecord,
    ScoreBy, ScoreMetrics, SplitFacts, Synthetic, Value, Warning,
};

/// Finite doubles of every magnitude, −0 and subnormals included.
fn number() -> impl Strategy<Value = f64> {
    use prop::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO
}
fn maybe() -> impl Strategy<Value = Option<f64>> {
    prop::option::of(number())
}
/// Durations and widths are never negative; proto3 does not tell −0 from an absent 0 where a field is not optional.
fn length() -> impl Strategy<Value = f64> {
    number().prop_map(f64::abs)
}
pub(crate) fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest)
}
pub(crate) fn name() -> impl Strategy<Value = String> {
    "\\PC{0,40}"
}

fn source() -> impl Strategy<Value = DatasetSource> {
    prop_oneof![
        name().prop_map(DatasetSource::Named),
        (
            [name(), name(), name()],
            [digest(), digest()],
            any::<(Option<u64>, bool, bool, bool, u32)>()
        )
            .prop_map(
                |([folder, video, backbone], [digest, file], (random, a, b, c, revision))| {
                    DatasetSource::Video(Box::new(Extraction {
                        folder,
                        video,
                        digest,
                        settings: ExtractionSettings {
                            backbone,
                            weights: random
                                .map_or(ExtractionWeights::File(file), ExtractionWeights::Random),
                            ten_crops: a,
                            drop_last: b,
                            f16: c,
                            revision,
                        },
                    }))
                }
            ),
        (
            any::<(u32, u32, u32, u64)>(),
            0..Regime::ALL.len(),
            prop::array::uniform5(0.0..1e9)
        )
            .prop_map(|((videos, mean_length, dimension, seed), regime, drawn)| {
                let mut regime = Regime::ALL[regime].1;
                if let Regime::CoherentEvents(events) = &mut regime {
                    for ((name, _), amount) in events.settings().into_iter().zip(drawn) {
                        *events.setting_mut(name).unwrap() = Amount::try_from(amount).unwrap();
                    }
                }
                DatasetSource::Synthetic(Synthetic {
                    videos,
                    mean_length,
                    dimension,
                    seed,
                    regime,
                })
            }),
    ]
}

/// A value that the parameter accepts, drawn by its kind.
fn value_of(kind: &Kind, draw: u64) -> Value {
    let share = (draw % 1009) as f64 / 1009.0;
    match kind {
        Kind::Integer { min, max } => Value::Integer(min + (draw % (max - min + 1) as u64) as i64),
        Kind::Float(range) => {
            Value::Float(range.min + (range.max - range.min) * (0.001 + 0.99 * share))
        }
        Kind::Choice(words) => Value::from(words[draw as usize % words.len()]),
        Kind::Widths => Value::List(vec![
            Value::Integer(1 + (draw % 512) as i64);
            1 + draw as usize % 5
        ]),
        Kind::LabelRule => Value::Table(match draw % 2 {
            0 => [
                ("rule".into(), "mean-std".into()),
                ("k".into(), share.into()),
            ]
            .into(),
            _ => [
                ("rule".into(), "soft-rank".into()),
                ("exponent".into(), (1.0 + share).into()),
            ]
            .into(),
        }),
        Kind::Threshold { .. } => Value::Table(match draw % 3 {
            0 => [("rule".into(), "otsu".into())].into(),
            1 => [
                ("rule".into(), "mean-std".into()),
                ("k".into(), share.into()),
            ]
            .into(),
            _ => [
                ("rule".into(), "top-percent".into()),
                ("percent".into(), (1.0 + share).into()),
            ]
            .into(),
        }),
    }
}

pub(crate) fn job() -> impl Strategy<Value = JobSpec> {
    (
        source(),
        any::<u64>(),
        prop::collection::vec(prop::option::of(any::<u64>()), PARAMETERS.len()),
    )
        .prop_map(|(dataset, seed, draws)| {
            let mut parameters = Parameters::default();
            for (parameter, draw) in PARAMETERS.iter().zip(draws) {
                if let Some(draw) = draw
                    && parameter.role == Role::Training
                {
                    parameters
                        .set(parameter.name, &value_of(&parameter.kind, draw))
                        .unwrap();
                }
            }
            JobSpec {
                dataset,
                seed,
                parameters,
            }
        })
}

fn point() -> impl Strategy<Value = EpochPoint> {
    (
        prop::sample::select(vec![
            Phase::PretrainGenerator,
            Phase::PretrainDiscriminator,
            Phase::Train,
        ]),
        any::<u32>(),
        [
            maybe(),
            maybe(),
            maybe(),
            maybe(),
            maybe(),
            maybe(),
            maybe(),
            maybe(),
        ],
    )
        .prop_map(|(phase, epoch, numbers)| EpochPoint {
            phase,
            epoch,
            auc_d: numbers[0],
            auc_g: numbers[1],
            loss_d: numbers[2],
            loss_g: numbers[3],
            positive_share_g: numbers[4],
            positive_share_d: numbers[5],
            agreement_gd: numbers[6],
            agreement_truth: numbers[7],
        })
}

fn metrics() -> impl Strategy<Value = ScoreMetrics> {
    [maybe(), maybe(), maybe(), maybe(), maybe(), maybe()].prop_map(|numbers| ScoreMetrics {
        auc: numbers[0],
        ap: numbers[1],
        ano_auc: numbers[2],
        macro_auc: numbers[3],
        far: numbers[4],
        recall_at_fpr10: numbers[5],
    })
}

pub(crate) fn record() -> impl Strategy<Value = RunRecord> {
    let outcome = (
        prop::collection::vec(point(), 0..6),
        prop::option::of(metrics()),
        prop::option::of(metrics()),
        prop::collection::vec((name(), name()), 0..3),
        prop::collection::vec((name(), digest(), any::<u64>()), 0..3),
    )
        .prop_map(|(curve, d, g, warnings, artifacts)| Outcome {
            curve,
            metrics: FinalMetrics { d, g },
            warnings: warnings
                .into_iter()
                .map(|(code, message)| Warning { code, message })
                .collect(),
            artifacts: artifacts
                .into_iter()
                .map(|(name, digest, bytes)| ArtifactRef {
                    name,
                    digest,
                    bytes,
                })
                .collect(),
        });
    let provenance = (
        (1..u64::MAX, name(), name(), name(), name()),
        (any::<u32>(), digest(), length(), any::<u32>()),
        proptest::option::of((name(), any::<[u64; 9]>())),
        any::<Option<u64>>(),
    )
        .prop_map(
            |(
                (attempt, worker, kind, device, version),
                (trainer_revision, dataset_digest, duration_s, resumed),
                facts,
                cached_since_ms,
            )| {
                let split = |numbers: &[u64]| SplitFacts {
                    videos: numbers[0],
                    segments: numbers[1],
                    frames: numbers[2],
                    anomalous_frames: numbers[3],
                };
                let facts = facts.map(|(own_name, numbers)| DatasetFacts {
                    own_name,
                    synthetic: numbers[0] % 2 == 1,
                    feature_dim: numbers[0],
                    train: split(&numbers[1..5]),
                    test: split(&numbers[5..]),
                });
                Provenance {
                    attempt: AttemptNumber(attempt),
                    worker,
                    device: DeviceInfo { kind, name: device },
                    version,
                    trainer_revision,
                    dataset_digest,
                    duration_s,
                    resumed,
                    dataset: facts.map(Box::new),
                    cached_since_ms,
                }
            },
        );
    (digest(), outcome, provenance).prop_map(|(job, outcome, provenance)| RunRecord {
        job_id: JobId(job.0),
        outcome,
        provenance,
    })
}

pub(crate) fn cell_result() -> impl Strategy<Value = CellResult> {
    (
        (
            name(),
            job(),
            prop::collection::vec(prop::option::of(number()), 0..4),
            any::<bool>(),
            length(),
        ),
        (
            digest(),
            0..JobStatus::ALL.len(),
            prop::option::of(record()),
            any::<u32>(),
        ),
        (
            prop::collection::vec(point(), 0..3),
            prop::option::of(name()),
        ),
    )
        .prop_map(
            |(
                (variant, job, point, by_generator, score_smoothing),
                (id, status, record, attempts),
                (live, error),
            )| {
                CellResult {
                    cell: Cell {
                        variant,
                        point: point
                            .into_iter()
                            .map(|value| value.map(Value::Float))
                            .collect(),
                        job,
                        reporting: Reporting {
                            score_by: if by_generator {
                                ScoreBy::Generator
                            } else {
                                ScoreBy::Discriminator
                            },
                            score_smoothing,
                            // Some have it: no number of its own is drawn for it.
                            clip_segments: (attempts % 3 > 0).then_some(attempts),
                        },
                    },
                    job_id: JobId(id.0),
                    status: JobStatus::ALL[status],
                    record: record.map(Arc::new),
                    live,
                    attempts,
                    error,
                }
            },
        )
}
