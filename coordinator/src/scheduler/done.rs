//! What is remembered of a finished job's record.

use std::collections::BTreeSet;
use std::sync::Arc;

use sweeps::{AttemptNumber, Digest, Outcome, RunRecord};

use proto::nouns::{AuditVerdict, Receipt};

/// What a second record is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Done {
    pub(super) attempt: AttemptNumber,
    /// Attempts that it took: those of audits come later and are not counted.
    pub(super) attempts: AttemptNumber,
    pub(super) outcome: Digest,
    pub(super) device_kind: Arc<str>,
    pub(super) trainer_revision: u32,
    pub(super) worker: Arc<str>,
    /// Attempts whose records were compared, and whether they differed.
    pub(super) compared: Vec<(AttemptNumber, Receipt)>,
    /// The final AUCs, with which results of other kinds of devices are compared.
    pub(super) scores: [Option<f64>; 2],
    /// How its last audit ended.
    pub(super) audit: Option<AuditVerdict>,
    /// Epochs of its curve.
    pub(super) epochs: u32,
    /// What it cost, counted: see [`work_of`].
    pub(super) work: u64,
    /// Codes of its warnings, each once.
    pub(super) warnings: Box<[Arc<str>]>,
    /// Of a result that was taken over from its user's cache: since when it is there, in milliseconds since 1970.
    pub(super) cached_since_ms: Option<u64>,
}

impl Done {
    pub(super) fn of(record: &RunRecord, attempts: AttemptNumber) -> Self {
        Self {
            attempt: record.provenance.attempt,
            attempts,
            outcome: record.outcome.digest(),
            device_kind: record.provenance.device.kind.as_str().into(),
            trainer_revision: record.provenance.trainer_revision,
            worker: record.provenance.worker.as_str().into(),
            compared: Vec::new(),
            scores: scores_of(&record.outcome),
            audit: None,
            epochs: u32::try_from(record.outcome.curve.len()).unwrap_or(u32::MAX),
            work: work_of(record),
            warnings: codes(&record.outcome),
            cached_since_ms: record.provenance.cached_since_ms,
        }
    }
}

fn codes(outcome: &Outcome) -> Box<[Arc<str>]> {
    /// A trainer has some ten.
    const MOST: usize = 16;
    const BYTES: usize = 64;
    let codes = outcome
        .warnings
        .iter()
        .map(|warning| proto::cut(&warning.code, BYTES));
    let codes: BTreeSet<String> = codes.collect();
    codes.into_iter().take(MOST).map(Arc::from).collect()
}

/// What a run cost, in a unit that every machine counts alike: training segments times epochs of all phases. Seconds differ
/// from worker to worker, and which seed comes next must not.
fn work_of(record: &RunRecord) -> u64 {
    let dataset = record.provenance.dataset.as_deref();
    let segments = dataset.map_or(1, |facts| facts.train.segments.max(1));
    segments.saturating_mul((record.outcome.curve.len() as u64).max(1))
}

/// The final AUCs of a result: the discriminator's, the generator's.
pub(super) fn scores_of(outcome: &Outcome) -> [Option<f64>; 2] {
    let metrics = &outcome.metrics;
    [&metrics.d, &metrics.g].map(|scores| scores.as_ref().and_then(|scores| scores.auc))
}
