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
    /// The device answered with a fault of its own, by a code of its libraries. A CUDA context does not survive most of
    /// them: nothing more is to be computed in this process.
    #[error("the device failed: {message}")]
    Device {
        /// Its words.
        message: String,
    },
    /// This program or this host could not do its part: shapes that do not fit, an artifact that cannot be written, a thread
    /// that does not start. The device is as good as before.
    #[error("{message}")]
    Host {
        /// What could not be done.
        message: String,
    },
}

impl From<metrics::artifact::ArtifactError> for TrainError {
    fn from(error: metrics::artifact::ArtifactError) -> Self {
        Self::host(error.to_string())
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
            Self::BadCheckpoint { .. } | Self::Device { .. } | Self::Host { .. } => {
                FailureClass::Trainer
            }
        };
        Failure::new(class, self.to_string())
    }

    /// A mistake of this program, or something that its host does not give.
    pub(crate) fn host(message: impl Into<String>) -> Self {
        Self::Host {
            message: message.into(),
        }
    }

    pub(crate) fn bad_data(message: impl Into<String>) -> Self {
        Self::BadData {
            message: message.into(),
        }
    }
}

#[cfg(feature = "candle")]
impl From<gpu::Fault> for TrainError {
    fn from(gpu::Fault { blame, message }: gpu::Fault) -> Self {
        match blame {
            gpu::Blame::Memory => Self::OutOfMemory { message },
            gpu::Blame::Device => Self::Device { message },
            gpu::Blame::Program => Self::Host { message },
        }
    }
}

#[cfg(feature = "candle")]
impl From<candle_core::Error> for TrainError {
    fn from(error: candle_core::Error) -> Self {
        gpu::Fault::of(&error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_devices_fault_is_not_called_so() {
        let shapes =
            candle_core::Tensor::ones((2, 3), candle_core::DType::F32, &candle_core::Device::Cpu)
                .and_then(|ones| ones.reshape((4, 4)))
                .unwrap_err();
        let error = TrainError::from(shapes);
        assert!(matches!(error, TrainError::Host { .. }), "{error:?}");
        assert_eq!(error.failure().class, FailureClass::Trainer);
        let full = gpu::Fault {
            blame: gpu::Blame::Memory,
            message: "CUBLAS_STATUS_ALLOC_FAILED".to_owned(),
        };
        assert_eq!(
            TrainError::from(full).failure().class,
            FailureClass::OutOfMemory
        );
    }
}
