//! Small results for tests.

use sweeps::{
    ArtifactRef, AttemptNumber, DeviceInfo, Digest, EpochPoint, JobId, Outcome, Phase, Provenance,
    RunRecord, TRAINER_REVISION,
};

use super::entry::Entry;
use super::key::Key;

/// The key of the job with that number.
pub(crate) fn key(number: u8) -> Key {
    Key::of(&entry(number).record)
}

/// Its result, with an artifact of 300 bytes.
pub(crate) fn entry(number: u8) -> Entry {
    let artifact = vec![number; 300];
    let mut point = EpochPoint::new(Phase::Train, 1);
    point.auc_d = Some(0.1 + 0.2);
    Entry {
        record: RunRecord {
            job_id: JobId([number; 32]),
            outcome: Outcome {
                curve: vec![point],
                artifacts: vec![ArtifactRef {
                    name: "scores".into(),
                    digest: Digest::of(&artifact),
                    bytes: artifact.len() as u64,
                }],
                ..Outcome::default()
            },
            provenance: Provenance {
                attempt: AttemptNumber(2),
                worker: "local-1".into(),
                device: DeviceInfo {
                    kind: "cpu-avx2".into(),
                    name: "a processor".into(),
                },
                version: "0.1.0".into(),
                trainer_revision: TRAINER_REVISION,
                dataset_digest: Digest([1; 32]),
                duration_s: 1.5,
                resumed: 0,
                dataset: None,
                cached_since_ms: None,
            },
        },
        artifacts: vec![artifact],
        since_ms: 1_000,
    }
}
