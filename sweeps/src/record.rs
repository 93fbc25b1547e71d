//! What a job produced.
//!
//! A record has two halves. The [`Outcome`] is a function of the job, its data and the build: two attempts must agree on
//! it to the bit. The [`Provenance`] says who made it, when and how long it took.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{AttemptNumber, Digest, JobId};

/// What a job produced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The job.
    pub job_id: JobId,
    /// What must be equal whoever ran it.
    pub outcome: Outcome,
    /// Who ran it, on what, how long.
    pub provenance: Provenance,
}

/// The deterministic half of a record.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// One point per epoch and phase, in the order of training.
    pub curve: Curve,
    /// Metrics of the last epoch: the result.
    pub metrics: FinalMetrics,
    /// What went wrong without stopping the run, and must be seen.
    pub warnings: Vec<Warning>,
    /// Bytes too big for a record.
    pub artifacts: Vec<ArtifactRef>,
}

impl Outcome {
    /// Whether no number of it is infinite or NaN.
    pub fn is_finite(&self) -> bool {
        let FinalMetrics { d, g } = &self.metrics;
        d.iter().chain(g).all(ScoreMetrics::is_finite)
            && self.curve.iter().all(EpochPoint::is_finite)
    }
}

/// One point per epoch and phase.
pub type Curve = Vec<EpochPoint>;

/// The phases of a run, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Pre-training of G (§3.3); of `distil` the autoencoders that label, one after another.
    PretrainGenerator,
    /// Training of D with G frozen (§3.3).
    PretrainDiscriminator,
    /// The cooperative loop, or the only phase of a method without one.
    Train,
}

impl Phase {
    /// The name in CSV files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::PretrainGenerator => "pretrain-generator",
            Self::PretrainDiscriminator => "pretrain-discriminator",
            Self::Train => "train",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What is known at the end of an epoch. What does not apply is `None` (an autoencoder has no D).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochPoint {
    /// The phase.
    pub phase: Phase,
    /// Counted from 1 within a phase.
    pub epoch: u32,
    /// Frame-level AUC of D's score on the test split, `[0, 1]`.
    pub auc_d: Option<f64>,
    /// Frame-level AUC of G's score (reconstruction error), `[0, 1]`. Of `distil` after its autoencoders: of the fused score.
    pub auc_g: Option<f64>,
    /// Mean loss of D over the epoch's steps (Eq. 3).
    pub loss_d: Option<f64>,
    /// Mean loss of G over the epoch's steps (Eq. 5).
    pub loss_g: Option<f64>,
    /// Share of rows that G labelled anomalous over the epoch, `[0, 1]`.
    pub positive_share_g: Option<f64>,
    /// Share of rows that D labelled anomalous over the epoch, `[0, 1]`.
    pub positive_share_d: Option<f64>,
    /// Share of rows on which the two label sets agree, `[0, 1]`.
    pub agreement_gd: Option<f64>,
    /// Share of rows on which the labels agree with the training truth, where a data set has it. Diagnostic only.
    pub agreement_truth: Option<f64>,
}

impl EpochPoint {
    /// A point of which nothing is known yet.
    pub fn new(phase: Phase, epoch: u32) -> Self {
        Self {
            phase,
            epoch,
            auc_d: None,
            auc_g: None,
            loss_d: None,
            loss_g: None,
            positive_share_g: None,
            positive_share_d: None,
            agreement_gd: None,
            agreement_truth: None,
        }
    }

    /// Its numbers, in the order of its fields.
    pub fn numbers(&self) -> [Option<f64>; 8] {
        [
            self.auc_d,
            self.auc_g,
            self.loss_d,
            self.loss_g,
            self.positive_share_g,
            self.positive_share_d,
            self.agreement_gd,
            self.agreement_truth,
        ]
    }

    /// Whether no number of it is infinite or NaN.
    pub fn is_finite(&self) -> bool {
        all_finite(self.numbers())
    }
}

/// The metrics of the two scores after the last epoch.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FinalMetrics {
    /// Of the discriminator's score, or a classifier's.
    pub d: Option<ScoreMetrics>,
    /// Of the reconstruction error, or a distance; of `distil` by a reconstruction the fused score.
    pub g: Option<ScoreMetrics>,
}

/// The metrics of one score on the test split (GCL.md, "Scores and metrics"). Each in `[0, 1]`; `None` where the data do
/// not define it (no normal videos, one class only).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ScoreMetrics {
    /// Area under the ROC curve over all frames of all test videos pooled, ties at half.
    pub auc: Option<f64>,
    /// Average precision over the same frames.
    pub ap: Option<f64>,
    /// AUC over the frames of the anomalous videos alone.
    pub ano_auc: Option<f64>,
    /// Mean of the AUCs of the videos that have both classes.
    pub macro_auc: Option<f64>,
    /// False alarm rate: the share of the frames of normal videos at or above a threshold. D's threshold is 0.5. G's is the
    /// highest at which half of the anomalous test frames are found: it comes from the test truth.
    pub far: Option<f64>,
    /// The best recall of a threshold with at most 10% false positives; that threshold, too, comes from the test truth.
    pub recall_at_fpr10: Option<f64>,
}

impl ScoreMetrics {
    /// Whether no number of it is infinite or NaN.
    pub fn is_finite(&self) -> bool {
        all_finite([
            self.auc,
            self.ap,
            self.ano_auc,
            self.macro_auc,
            self.far,
            self.recall_at_fpr10,
        ])
    }
}

fn all_finite<const N: usize>(numbers: [Option<f64>; N]) -> bool {
    numbers.into_iter().flatten().all(f64::is_finite)
}

/// What went wrong without stopping the run, and must be seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Warning {
    /// A stable name: `labels-one-class`, `labels-locked`, `constant-discriminator`, `constant-channels`, `few-steps`,
    /// `difference-filter`.
    pub code: String,
    /// One line for people, with the phase and epochs.
    pub message: String,
}

/// A content-addressed blob that belongs to a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactRef {
    /// What it is: `scores`.
    pub name: String,
    /// Of its bytes as stored.
    pub digest: Digest,
    /// Their number.
    pub bytes: u64,
}

/// The half of a record on who and when. Never compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The attempt that made it.
    pub attempt: AttemptNumber,
    /// The worker's name.
    pub worker: String,
    /// What it ran on.
    pub device: DeviceInfo,
    /// Version of the program, with its commit where known.
    pub version: String,
    /// [`crate::TRAINER_REVISION`] of the worker.
    pub trainer_revision: u32,
    /// Digest of the data set as the worker saw it.
    pub dataset_digest: Digest,
    /// Seconds of wall time in the trainer, resumed parts included.
    pub duration_s: f64,
    /// How often the run was taken up again from a checkpoint.
    pub resumed: u32,
    /// What the worker knows of a named data set; `None` for a synthetic one, and in records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<Box<DatasetFacts>>,
    /// Of a result that no worker of this state made, but that was taken over from its user's cache of finished results: since
    /// when it is there, in milliseconds since 1970. The rest of the provenance is that of the run that trained it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_since_ms: Option<u64>,
}

/// What a worker knows of a named data set: enough to tell whether it is the one that its name stands for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DatasetFacts {
    /// What its own dataset.toml calls it.
    pub own_name: String,
    /// Whether a generator made it.
    #[serde(default)]
    pub synthetic: bool,
    /// Width of a feature row.
    pub feature_dim: u64,
    /// The training split.
    pub train: SplitFacts,
    /// The test split.
    pub test: SplitFacts,
}

/// Counts of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SplitFacts {
    /// Videos.
    pub videos: u64,
    /// Segments.
    pub segments: u64,
    /// Frames.
    pub frames: u64,
    /// Anomalous frames, as far as the list knows.
    pub anomalous_frames: u64,
}

/// What a job ran on. Bits are promised equal only where `kind` is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// What decides the bits: `cpu-avx512f`, `cpu-avx2`, `cuda-sm90`.
    pub kind: String,
    /// For people: the processor's or the card's name.
    pub name: String,
}

impl Outcome {
    /// The digest that two attempts of one job are compared by.
    pub fn digest(&self) -> Digest {
        // JSON of floats is exact here (shortest text that reads back the same), and of field order fixed by the struct.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// The best AUC over the epochs of the training phase: optimistic, since it is chosen with test truth.
    pub fn best_epoch_auc(&self, of: impl Fn(&EpochPoint) -> Option<f64>) -> Option<f64> {
        self.curve
            .iter()
            .filter(|point| point.phase == Phase::Train)
            .filter_map(of)
            .reduce(f64::max)
    }
}
