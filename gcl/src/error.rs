//! Why a run ended without a result.

use sweeps::{Failure, FailureClass, Phase};

use crate::run::checkpoint::Checkpoint;

/// Why a run ended without a result. Each variant exists because the caller does something else about it.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The stop flag was raised. Training goes on from the checkpoint, which is of the last finished epoch: a stop in
    /// the middle of one leaves no other trace.
    #[error("stopped after epoch {} of {}", .0.epoch(), .0.phase())]
    Stopped(Box<Checkpoint>),
    /// A loss, a score or an error became NaN or infinite. Deterministic: trying again cannot help.
    #[error("{what} is not finite ({phase}, epoch {epoch})")]
    Diverged {
        /// What was not finite.
        what: &'static str,
        /// Where.
        phase: Phase,
        /// Counted from 1.
        epoch: u32,
    },
    /// The data set does not fit the job: no labels where the job needs them, no row left to train on.
    #[error("{message}")]
    BadData {
        /// What is missing and what to do.
        message: String,
    },
    /// The checkpoint is damaged, or of another job, revision or kind of device. Start without it.
    #[error("the checkpoint cannot be used: {message}")]
    BadCheckpoint {
        /// What does not fit.
        message: String,
    },
    /// The device or the host has not enough memory.
    #[error("out of memory: {message}")]
    OutOfMemory {
        /// What did not fit.
        message: String,
    },
    /// The device answered with a fault of its own.
    #[error("the device failed: {message}")]
    Device {
        /// Its words.
        message: String,
    },
}

impl From<metrics::artifact::ArtifactError> for TrainError {
    fn from(error: metrics::artifact::ArtifactError) -> Self {
        Self::Device {
            message: error.to_string(),
        }
    }
}

impl From<kernels::OutOfMemory> for TrainError {
    fn from(error: kernels::OutOfMemory) -> Self {
        Self::OutOfMemory {
            message: error.to_string(),
        }
    }
}

impl TrainError {
    /// The failure that a job's attempt is recorded with.
    pub fn failure(&self) -> Failure {
        let class = match self {
            Self::Stopped(_) => FailureClass::Preempted,
            Self::Diverged { .. } => FailureClass::Diverged,
            Self::BadData { .. } => FailureClass::BadData,
            Self::OutOfMemory { .. } => FailureClass::OutOfMemory,
            Self::BadCheckpoint { .. } | Self::Device { .. } => FailureClass::Trainer,
        };
        Failure::new(class, self.to_string())
    }

    pub(crate) fn bad_data(message: impl Into<String>) -> Self {
        Self::BadData {
            message: message.into(),
        }
    }
}

impl From<candle_core::Error> for TrainError {
    fn from(error: candle_core::Error) -> Self {
        let message = error.to_string();
        // candle passes CUDA's words on without a type.
        let lower = message.to_lowercase();
        if lower.contains("out of memory") || lower.contains("out_of_memory") {
            Self::OutOfMemory { message }
        } else {
            Self::Device { message }
        }
    }
}
