//! What can go wrong, each with the file it is about.

use std::path::{Path, PathBuf};

/// How a file is said to be no video. The message of a job that comes back from a worker is known by it.
pub const NO_PICTURE: &str = "has no moving picture";

/// Why features could not be extracted.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Weights that do not fit the network, or that are no weights at all.
    #[error("{}: {message}", path.display())]
    Weights {
        /// The weights file.
        path: PathBuf,
        /// The first thing that does not fit.
        message: String,
    },
    /// A video that cannot be decoded.
    #[error("{}: {message}", path.display())]
    Video {
        /// The video.
        path: PathBuf,
        /// What the decoder says.
        message: String,
    },
    /// A file that the decoder knows, and that is no video: sound, perhaps with a cover.
    #[error("{}: {NO_PICTURE}: {message}", path.display())]
    NoPicture {
        /// The file.
        path: PathBuf,
        /// What is in it.
        message: String,
    },
    /// Something ended the decoder again and again: that says nothing of the video.
    #[error("{}: {message}", path.display())]
    Ended {
        /// The video.
        path: PathBuf,
        /// How it ended.
        message: String,
    },
    /// The decoder is not there.
    #[error(
        "cannot start `{program}`: {source}\n\nhint: install ffmpeg 5.1 or newer (Debian: `apt-get install ffmpeg`), or say where it is with `--ffmpeg`"
    )]
    Decoder {
        /// What was to be started.
        program: PathBuf,
        /// Why it did not start.
        source: std::io::Error,
    },
    /// The list of videos has a fault.
    #[error("{}:{line}: {message}", path.display())]
    List {
        /// The list.
        path: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// What is wrong.
        message: String,
    },
    /// What was asked for cannot be done.
    #[error("{0}")]
    Request(String),
    /// A recorded case that cannot be replayed.
    #[error("{}: {message}", path.display())]
    Case {
        /// The file of the case.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A GPU cannot be used, or answered with a fault of its own, by a code of its libraries. A CUDA context does not survive
    /// most of them: nothing more is to be computed in this process.
    #[error("{0}")]
    Device(String),
    /// The device has not enough memory left; another may do.
    #[error("the device has not enough memory left: {0}")]
    OutOfMemory(String),
    /// This program or this host could not do its part: shapes that do not fit, threads that do not start. The device is as
    /// good as before.
    #[error("{0}")]
    Host(String),
    /// Asked to stop; what is done is kept.
    #[error("stopped; the same command goes on from here")]
    Stopped,
}

impl ExtractError {
    /// Whether other videos may do: the rest of a run goes on.
    pub(crate) fn is_of_one_video(&self) -> bool {
        matches!(
            self,
            Self::Video { .. } | Self::NoPicture { .. } | Self::Ended { .. }
        )
    }

    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            source,
        }
    }
}

#[cfg(feature = "candle")]
impl From<gpu::Fault> for ExtractError {
    fn from(gpu::Fault { blame, message }: gpu::Fault) -> Self {
        match blame {
            gpu::Blame::Memory => Self::OutOfMemory(message),
            gpu::Blame::Device => Self::Device(format!("the device failed: {message}")),
            gpu::Blame::Program => Self::Host(message),
        }
    }
}

#[cfg(feature = "candle")]
impl From<candle_core::Error> for ExtractError {
    fn from(error: candle_core::Error) -> Self {
        gpu::Fault::of(&error).into()
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Tensor};

    use super::*;

    #[test]
    fn shapes_that_do_not_fit_are_not_the_devices_fault() {
        let error = Tensor::ones((2, 3), DType::F32, &Device::Cpu)
            .and_then(|ones| ones.reshape((4, 4)))
            .map_err(ExtractError::from)
            .unwrap_err();
        assert!(matches!(&error, ExtractError::Host(_)), "{error:?}");
        assert!(!error.to_string().contains('\n'), "{error}");
        let full = gpu::Fault {
            blame: gpu::Blame::Memory,
            message: "CUBLAS_STATUS_ALLOC_FAILED".to_owned(),
        };
        assert!(matches!(full.into(), ExtractError::OutOfMemory(_)));
    }
}
