//! Why a trace was not replayed.

use std::path::PathBuf;

use crate::baselines::fit::Fault;
use crate::error::TrainError;

/// A trace that cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// A file is not there or cannot be read.
    #[error("{} cannot be read", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{file}: {message}")]
    File {
        /// The file.
        file: &'static str,
        /// What is wrong.
        message: String,
    },
    /// A tensor is missing, or not what it should be.
    #[error("{file}: tensor `{tensor}` {message}")]
    Tensor {
        /// The file.
        file: &'static str,
        /// The tensor.
        tensor: String,
        /// What is wrong.
        message: String,
    },
    /// The run broke off.
    #[error(transparent)]
    Train(#[from] TrainError),
}

impl From<Fault> for TraceError {
    fn from(fault: Fault) -> Self {
        let what = match fault {
            Fault::Stopped => "stopped",
            Fault::NotFinite(what) => what,
        };
        Self::Train(TrainError::bad_data(format!("{what} is not finite")))
    }
}
