//! The record of what a trainer made.

use sweeps::{ArtifactRef, Digest, JobId, Provenance, RunRecord};

use crate::delivery::Artifacts;
use crate::trainer::Finished;
use crate::wording::clean_warnings;

/// The record of a result, as it is kept wherever it was made, and the bytes of its artifacts. It is a result, however long: what is
/// too long of it is cut.
pub fn record_of(
    job_id: JobId,
    finished: Finished,
    provenance: Provenance,
) -> (RunRecord, Artifacts) {
    let mut outcome = finished.outcome;
    clean_warnings(&mut outcome);
    let artifacts: Artifacts = finished
        .artifacts
        .into_iter()
        .map(|artifact| {
            let digest = Digest::of(&artifact.bytes);
            outcome.artifacts.push(ArtifactRef {
                name: artifact.name,
                digest,
                bytes: artifact.bytes.len() as u64,
            });
            (digest, artifact.bytes)
        })
        .collect();
    let record = RunRecord {
        job_id,
        outcome,
        provenance,
    };
    (proto::fit(record), artifacts)
}
