//! Records, epochs, failures.

use sweeps::{
    ArtifactRef, AttemptNumber, DatasetFacts, DeviceInfo, EpochPoint, Failure, FailureClass,
    FinalMetrics, Outcome, Phase, Provenance, RunRecord, ScoreMetrics, SplitFacts, Warning,
};

use crate::error::WireError;
use crate::fit::{fit, fit_text};
use crate::limits::{ARTIFACTS, NAME_BYTES, TEXT_BYTES};
use crate::number::{at_most, attempt, digest, finite, job_id, optional, required, text, word};
use crate::wire;

crate::same_words!(
    "phase",
    Phase,
    wire::Phase,
    [PretrainGenerator, PretrainDiscriminator, Train]
);
crate::same_words!(
    "failure.class",
    FailureClass,
    wire::FailureClass,
    [
        Preempted,
        WorkerLost,
        Timeout,
        OutOfMemory,
        Diverged,
        BadData,
        Trainer
    ]
);

impl From<&EpochPoint> for wire::EpochPoint {
    fn from(point: &EpochPoint) -> Self {
        Self {
            phase: wire::Phase::from(point.phase).into(),
            epoch: point.epoch,
            auc_d: point.auc_d,
            auc_g: point.auc_g,
            loss_d: point.loss_d,
            loss_g: point.loss_g,
            positive_share_g: point.positive_share_g,
            positive_share_d: point.positive_share_d,
            agreement_gd: point.agreement_gd,
            agreement_truth: point.agreement_truth,
        }
    }
}

impl TryFrom<wire::EpochPoint> for EpochPoint {
    type Error = WireError;
    fn try_from(point: wire::EpochPoint) -> Result<Self, WireError> {
        Ok(Self {
            phase: word::<wire::Phase, _>("phase", point.phase)?,
            epoch: point.epoch,
            auc_d: optional("auc_d", point.auc_d)?,
            auc_g: optional("auc_g", point.auc_g)?,
            loss_d: optional("loss_d", point.loss_d)?,
            loss_g: optional("loss_g", point.loss_g)?,
            positive_share_g: optional("positive_share_g", point.positive_share_g)?,
            positive_share_d: optional("positive_share_d", point.positive_share_d)?,
            agreement_gd: optional("agreement_gd", point.agreement_gd)?,
            agreement_truth: optional("agreement_truth", point.agreement_truth)?,
        })
    }
}

impl From<&ScoreMetrics> for wire::ScoreMetrics {
    fn from(metrics: &ScoreMetrics) -> Self {
        Self {
            auc: metrics.auc,
            ap: metrics.ap,
            ano_auc: metrics.ano_auc,
            macro_auc: metrics.macro_auc,
            far: metrics.far,
            recall_at_fpr10: metrics.recall_at_fpr10,
        }
    }
}

impl TryFrom<wire::ScoreMetrics> for ScoreMetrics {
    type Error = WireError;
    fn try_from(metrics: wire::ScoreMetrics) -> Result<Self, WireError> {
        Ok(Self {
            auc: optional("auc", metrics.auc)?,
            ap: optional("ap", metrics.ap)?,
            ano_auc: optional("ano_auc", metrics.ano_auc)?,
            macro_auc: optional("macro_auc", metrics.macro_auc)?,
            far: optional("far", metrics.far)?,
            recall_at_fpr10: optional("recall_at_fpr10", metrics.recall_at_fpr10)?,
        })
    }
}

impl From<&FinalMetrics> for wire::FinalMetrics {
    fn from(metrics: &FinalMetrics) -> Self {
        Self {
            d: metrics.d.as_ref().map(Into::into),
            g: metrics.g.as_ref().map(Into::into),
        }
    }
}

impl TryFrom<wire::FinalMetrics> for FinalMetrics {
    type Error = WireError;
    fn try_from(metrics: wire::FinalMetrics) -> Result<Self, WireError> {
        Ok(Self {
            d: metrics.d.map(TryInto::try_into).transpose()?,
            g: metrics.g.map(TryInto::try_into).transpose()?,
        })
    }
}

impl From<&Warning> for wire::Warning {
    fn from(warning: &Warning) -> Self {
        Self {
            code: warning.code.clone(),
            message: warning.message.clone(),
        }
    }
}

impl TryFrom<wire::Warning> for Warning {
    type Error = WireError;
    fn try_from(warning: wire::Warning) -> Result<Self, WireError> {
        Ok(Self {
            code: fit_text(warning.code, NAME_BYTES),
            message: fit_text(warning.message, TEXT_BYTES),
        })
    }
}

impl From<&ArtifactRef> for wire::ArtifactRef {
    fn from(artifact: &ArtifactRef) -> Self {
        Self {
            name: artifact.name.clone(),
            digest: artifact.digest.0.to_vec(),
            bytes: artifact.bytes,
        }
    }
}

impl TryFrom<wire::ArtifactRef> for ArtifactRef {
    type Error = WireError;
    fn try_from(artifact: wire::ArtifactRef) -> Result<Self, WireError> {
        Ok(Self {
            name: text("artifact.name", artifact.name, NAME_BYTES)?,
            digest: digest("artifact.digest", &artifact.digest)?,
            bytes: artifact.bytes,
        })
    }
}

impl From<&Outcome> for wire::Outcome {
    fn from(outcome: &Outcome) -> Self {
        Self {
            curve: outcome.curve.iter().map(Into::into).collect(),
            metrics: Some((&outcome.metrics).into()),
            warnings: outcome.warnings.iter().map(Into::into).collect(),
            artifacts: outcome.artifacts.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<wire::Outcome> for Outcome {
    type Error = WireError;
    fn try_from(outcome: wire::Outcome) -> Result<Self, WireError> {
        at_most("outcome.artifacts", outcome.artifacts.len(), ARTIFACTS)?;
        Ok(Self {
            curve: all(outcome.curve)?,
            metrics: required("outcome.metrics", outcome.metrics)?.try_into()?,
            warnings: all(outcome.warnings)?,
            artifacts: all(outcome.artifacts)?,
        })
    }
}

impl From<&DeviceInfo> for wire::DeviceInfo {
    fn from(device: &DeviceInfo) -> Self {
        Self {
            kind: device.kind.clone(),
            name: device.name.clone(),
        }
    }
}

impl TryFrom<wire::DeviceInfo> for DeviceInfo {
    type Error = WireError;
    fn try_from(device: wire::DeviceInfo) -> Result<Self, WireError> {
        Ok(Self {
            kind: fit_text(device.kind, NAME_BYTES),
            name: fit_text(device.name, NAME_BYTES),
        })
    }
}

impl From<&Provenance> for wire::Provenance {
    fn from(provenance: &Provenance) -> Self {
        Self {
            attempt: provenance.attempt.0,
            worker: provenance.worker.clone(),
            device: Some((&provenance.device).into()),
            version: provenance.version.clone(),
            trainer_revision: provenance.trainer_revision,
            dataset_digest: provenance.dataset_digest.0.to_vec(),
            duration_s: provenance.duration_s,
            resumed: provenance.resumed,
            dataset: provenance.dataset.as_deref().map(Into::into),
            cached_since_ms: provenance.cached_since_ms,
        }
    }
}

impl TryFrom<wire::Provenance> for Provenance {
    type Error = WireError;
    fn try_from(provenance: wire::Provenance) -> Result<Self, WireError> {
        Ok(Self {
            attempt: attempt(provenance.attempt)?,
            worker: fit_text(provenance.worker, NAME_BYTES),
            device: required("provenance.device", provenance.device)?.try_into()?,
            version: fit_text(provenance.version, NAME_BYTES),
            trainer_revision: provenance.trainer_revision,
            dataset_digest: digest("provenance.dataset_digest", &provenance.dataset_digest)?,
            duration_s: finite("provenance.duration_s", provenance.duration_s)?,
            resumed: provenance.resumed,
            dataset: provenance
                .dataset
                .map(|facts| DatasetFacts::try_from(facts).map(Box::new))
                .transpose()?,
            cached_since_ms: provenance.cached_since_ms,
        })
    }
}

impl From<&DatasetFacts> for wire::DatasetFacts {
    fn from(facts: &DatasetFacts) -> Self {
        Self {
            own_name: facts.own_name.clone(),
            synthetic: facts.synthetic,
            feature_dim: facts.feature_dim,
            train: Some(facts.train.into()),
            test: Some(facts.test.into()),
        }
    }
}

impl TryFrom<wire::DatasetFacts> for DatasetFacts {
    type Error = WireError;
    fn try_from(facts: wire::DatasetFacts) -> Result<Self, WireError> {
        Ok(Self {
            own_name: fit_text(facts.own_name, NAME_BYTES),
            synthetic: facts.synthetic,
            feature_dim: facts.feature_dim,
            train: required("dataset.train", facts.train)?.into(),
            test: required("dataset.test", facts.test)?.into(),
        })
    }
}

impl From<SplitFacts> for wire::SplitFacts {
    fn from(split: SplitFacts) -> Self {
        Self {
            videos: split.videos,
            segments: split.segments,
            frames: split.frames,
            anomalous_frames: split.anomalous_frames,
        }
    }
}

impl From<wire::SplitFacts> for SplitFacts {
    fn from(split: wire::SplitFacts) -> Self {
        Self {
            videos: split.videos,
            segments: split.segments,
            frames: split.frames,
            anomalous_frames: split.anomalous_frames,
        }
    }
}

impl From<&RunRecord> for wire::RunRecord {
    fn from(record: &RunRecord) -> Self {
        Self {
            job_id: record.job_id.0.to_vec(),
            outcome: Some((&record.outcome).into()),
            provenance: Some((&record.provenance).into()),
        }
    }
}

/// What is too long of a record is cut, since it is a result; what is invalid in it is refused.
impl TryFrom<wire::RunRecord> for RunRecord {
    type Error = WireError;
    fn try_from(record: wire::RunRecord) -> Result<Self, WireError> {
        Ok(fit(Self {
            job_id: job_id("record.job_id", &record.job_id)?,
            outcome: required("record.outcome", record.outcome)?.try_into()?,
            provenance: required("record.provenance", record.provenance)?.try_into()?,
        }))
    }
}

impl From<&Failure> for wire::Failure {
    fn from(failure: &Failure) -> Self {
        Self {
            class: wire::FailureClass::from(failure.class).into(),
            message: failure.message.clone(),
        }
    }
}

impl TryFrom<wire::Failure> for Failure {
    type Error = WireError;
    fn try_from(failure: wire::Failure) -> Result<Self, WireError> {
        Ok(Self {
            class: word::<wire::FailureClass, _>("failure.class", failure.class)?,
            message: fit_text(failure.message, TEXT_BYTES),
        })
    }
}

/// The attempt of a record is inside it; this is the one of a message around it.
impl From<&(sweeps::JobId, AttemptNumber)> for wire::LeaseKey {
    fn from((job, attempt): &(sweeps::JobId, AttemptNumber)) -> Self {
        Self {
            job_id: job.0.to_vec(),
            attempt: attempt.0,
        }
    }
}

impl TryFrom<wire::LeaseKey> for (sweeps::JobId, AttemptNumber) {
    type Error = WireError;
    fn try_from(key: wire::LeaseKey) -> Result<Self, WireError> {
        Ok((job_id("lease.job_id", &key.job_id)?, attempt(key.attempt)?))
    }
}

pub(crate) fn all<W, N: TryFrom<W, Error = WireError>>(list: Vec<W>) -> Result<Vec<N>, WireError> {
    list.into_iter().map(TryInto::try_into).collect()
}
