//! What is missing, too long or unknown is refused by name.

use prost::Message;
use proto::{WireError, limits, wire};
use sweeps::{
    AttemptNumber, DatasetSource, DeviceInfo, Digest, EpochPoint, JobId, JobSpec, Outcome,
    Parameters, Provenance, RunRecord, Value,
};

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
            cached_since_ms: None,
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
