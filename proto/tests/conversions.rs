//! Nouns survive the wire unchanged, and nothing that arrives can panic.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, outside test functions"
)]

use std::sync::Arc;

use proptest::prelude::*;
use prost::Message;
use proto::{WireError, limits, wire};
use sweeps::parameter::{Kind, Role};
use sweeps::registry::PARAMETERS;
use sweeps::{
    ArtifactRef, AttemptNumber, Cell, CellResult, DatasetFacts, DatasetSource, DeviceInfo, Digest,
    EpochPoint, Extraction, ExtractionSettings, ExtractionWeights, Failure, FailureClass,
    FinalMetrics, JobId, JobSpec, JobStatus, Outcome, Parameters, Phase, Provenance, Regime,
    Reporting, RunRecord, ScoreBy, ScoreMetrics, SplitFacts, Synthetic, Value, Warning,
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
fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest)
}
fn name() -> impl Strategy<Value = String> {
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
        (any::<(u32, u32, u32, u64)>(), 0..3_usize).prop_map(
            |((videos, mean_length, dimension, seed), regime)| {
                DatasetSource::Synthetic(Synthetic {
                    videos,
                    mean_length,
                    dimension,
                    seed,
                    regime: Regime::ALL[regime].1,
                })
            }
        ),
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

fn job() -> impl Strategy<Value = JobSpec> {
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

fn record() -> impl Strategy<Value = RunRecord> {
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
    )
        .prop_map(
            |(
                (attempt, worker, kind, device, version),
                (trainer_revision, dataset_digest, duration_s, resumed),
                facts,
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
                }
            },
        );
    (digest(), outcome, provenance).prop_map(|(job, outcome, provenance)| RunRecord {
        job_id: JobId(job.0),
        outcome,
        provenance,
    })
}

fn cell_result() -> impl Strategy<Value = CellResult> {
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

/// Through real bytes, not only through the generated structs.
fn travel<M: Message + Default>(message: &M) -> M {
    M::decode(message.encode_to_vec().as_slice()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_job_survives_the_wire_with_its_id(job in job(), dataset in digest()) {
        let back = JobSpec::try_from(travel(&wire::JobSpec::from(&job))).unwrap();
        prop_assert_eq!(back.id(dataset), job.id(dataset));
        prop_assert_eq!(back, job);
    }

    #[test]
    fn a_record_survives_the_wire_to_the_bit(record in record()) {
        let back = RunRecord::try_from(travel(&wire::RunRecord::from(&record))).unwrap();
        prop_assert_eq!(back.outcome.digest(), record.outcome.digest());
        // `==` takes −0 for 0; the shown form does not.
        prop_assert_eq!(format!("{back:?}"), format!("{record:?}"));
    }

    #[test]
    fn a_cell_survives_the_wire(cell in cell_result()) {
        let back = CellResult::try_from(travel(&wire::CellResult::from(&cell))).unwrap();
        prop_assert_eq!(format!("{back:?}"), format!("{cell:?}"));
    }

    #[test]
    fn a_failure_survives_the_wire(class in 0..FailureClass::ALL.len(), message in "\\PC{0,5000}") {
        let failure = Failure::new(FailureClass::ALL[class], message);
        prop_assert_eq!(Failure::try_from(travel(&wire::Failure::from(&failure))).unwrap(), failure);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        convert_anything(&bytes);
    }

    /// Random bytes seldom get past the first tag; bytes near a real message do.
    #[test]
    fn damaged_messages_never_panic(
        cell in cell_result(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = wire::CellResult::from(&cell).encode_to_vec();
        for (at, byte) in damage {
            let length = bytes.len();
            bytes[at.index(length)] = byte;
        }
        convert_anything(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        convert_anything(&bytes);
    }
}

/// Decodes as everything that has a conversion, and converts what decodes.
fn convert_anything(bytes: &[u8]) {
    macro_rules! each {
        ($($wire:ty => $noun:ty),+ $(,)?) => {$(
            if let Ok(message) = <$wire>::decode(bytes) {
                let _ = <$noun>::try_from(message);
            }
        )+};
    }
    each!(
        wire::Value => Value,
        wire::DatasetSource => DatasetSource,
        wire::JobSpec => JobSpec,
        wire::EpochPoint => EpochPoint,
        wire::RunRecord => RunRecord,
        wire::Failure => Failure,
        wire::CellResult => CellResult,
        wire::LeaseKey => (JobId, AttemptNumber),
        wire::Versions => proto::version::Versions,
    );
}

fn valid_record() -> wire::RunRecord {
    (&RunRecord {
        job_id: JobId([1; 32]),
        outcome: Outcome::default(),
        provenance: Provenance {
            attempt: AttemptNumber(1),
            worker: "w".into(),
            device: DeviceInfo::default(),
            version: "1".into(),
            trainer_revision: 1,
            dataset_digest: Digest([2; 32]),
            duration_s: 1.0,
            resumed: 0,
            dataset: None,
        },
    })
        .into()
}

#[test]
fn what_is_missing_too_long_or_not_a_number_is_named() {
    let mut record = valid_record();
    assert!(RunRecord::try_from(record.clone()).is_ok());

    record.provenance.as_mut().unwrap().duration_s = f64::NAN;
    assert_eq!(
        RunRecord::try_from(record).unwrap_err(),
        WireError::NotFinite("provenance.duration_s")
    );

    let mut record = valid_record();
    record.provenance.as_mut().unwrap().worker = "x".repeat(limits::NAME_BYTES + 1);
    // It is a result: what is too long of it is cut, and it is not refused for it.
    let worker = RunRecord::try_from(record).unwrap().provenance.worker;
    assert!(worker.len() <= limits::NAME_BYTES, "{}", worker.len());
    assert!(
        worker.starts_with("xxx") && worker.contains("(cut, 1025 bytes in all)"),
        "{worker}"
    );

    let mut record = valid_record();
    record.job_id.pop();
    assert_eq!(
        RunRecord::try_from(record).unwrap_err(),
        WireError::NotADigest {
            what: "record.job_id",
            bytes: 31
        }
    );

    let mut record = valid_record();
    record.outcome = None;
    assert_eq!(
        RunRecord::try_from(record).unwrap_err(),
        WireError::Missing("record.outcome")
    );

    let mut record = valid_record();
    let point = wire::EpochPoint {
        phase: wire::Phase::Train.into(),
        epoch: 1,
        ..Default::default()
    };
    record.outcome.as_mut().unwrap().curve = vec![point; limits::CURVE_POINTS + 1];
    let curve = RunRecord::try_from(record).unwrap().outcome.curve;
    assert!(curve.len() <= limits::CURVE_POINTS, "{}", curve.len());

    let point = wire::EpochPoint {
        phase: 77,
        ..Default::default()
    };
    assert_eq!(
        EpochPoint::try_from(point).unwrap_err(),
        WireError::UnknownWord {
            what: "phase",
            value: 77
        }
    );
}

/// The longest curve that is taken fits a message, or a long job could never deliver.
#[test]
fn the_longest_record_fits_a_message() {
    let mut record = valid_record();
    let number = Some(0.123_456_789);
    record.outcome.as_mut().unwrap().curve = vec![
        wire::EpochPoint {
            phase: 3,
            epoch: 100_000,
            auc_d: number,
            auc_g: number,
            loss_d: number,
            loss_g: number,
            positive_share_g: number,
            positive_share_d: number,
            agreement_gd: number,
            agreement_truth: number,
        };
        limits::CURVE_POINTS
    ];
    assert!(
        record.encoded_len() < limits::MESSAGE_BYTES,
        "{}",
        record.encoded_len()
    );
}

#[test]
fn a_value_nested_too_deep_is_refused() {
    let mut value = wire::Value {
        kind: Some(wire::value::Kind::Boolean(true)),
    };
    for _ in 0..=limits::VALUE_DEPTH {
        value = wire::Value {
            kind: Some(wire::value::Kind::List(wire::ValueList {
                values: vec![value],
            })),
        };
    }
    assert_eq!(Value::try_from(value).unwrap_err(), WireError::TooDeep);
}

#[test]
fn a_parameter_of_another_version_is_refused_by_name() {
    let job = JobSpec::resolve(DatasetSource::Named("d".into()), 1, &Parameters::default());
    let mut message = wire::JobSpec::from(&job);
    message.parameters.insert(
        "epoch_of_tomorrow".into(),
        wire::Value::from(&Value::Integer(1)),
    );
    let WireError::Parameter(cause) = JobSpec::try_from(message).unwrap_err() else {
        panic!("another error is expected");
    };
    assert!(cause.0.contains("epoch_of_tomorrow"));
}
