//! What an extracting worker must be told, and what keeps it from starting.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use extract::video::Decoder;
use extract::{Device, ExtractError, Weights};
use sweeps::Digest;

use super::{Extracting, Inner};

/// What an extracting worker must be told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folders of videos by name (`--videos NAME=DIR`).
    pub videos: BTreeMap<String, PathBuf>,
    /// Files of weights; known by their content.
    pub weights: Vec<PathBuf>,
    /// Where the network runs: `cpu`, `cuda:N`, `auto`.
    pub device: String,
    /// Threads of the network on a CPU; unset, one per core.
    pub threads: Option<usize>,
    /// Clips that the network sees at once. Does not change the numbers.
    pub batch: usize,
    /// ffmpeg, where it is not in the search path.
    pub ffmpeg: Option<PathBuf>,
    /// Threads of a decoding process.
    pub decode_threads: usize,
    /// Where features lie until they are delivered. No other process writes there.
    pub scratch: PathBuf,
}

/// An extracting worker that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Decoder, device, weights or videos.
    #[error(transparent)]
    Extract(#[from] ExtractError),
    /// The scratch folder cannot be used.
    #[error("the scratch folder {} cannot be used", .folder.display())]
    Scratch {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        #[source]
        cause: std::io::Error,
    },
}

impl<T> Extracting<T> {
    /// Around `training`. Without folders of videos nothing is looked for, and no job will come.
    ///
    /// # Errors
    /// No decoder, no such device, weights or videos that cannot be read.
    pub fn open(training: T, settings: Settings) -> Result<Self, StartError> {
        let wanted = !settings.videos.is_empty();
        let mut weights = BTreeMap::new();
        let mut decoder = None;
        if wanted {
            decoder = Some(Decoder::find(
                settings.ffmpeg.as_deref(),
                settings.decode_threads,
            )?);
            for folder in settings.videos.values() {
                extract::video::find(folder)?;
            }
            for file in settings.weights {
                if let Some(digest) = Weights::File(file.clone()).digest()? {
                    weights.insert(Digest(digest), file);
                }
            }
            let scratch = |cause| StartError::Scratch {
                folder: settings.scratch.clone(),
                cause,
            };
            // What an earlier process left is done again.
            match std::fs::remove_dir_all(&settings.scratch) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(scratch(error));
                }
                _ => {}
            }
            std::fs::create_dir_all(&settings.scratch).map_err(scratch)?;
        }
        // Opening costs nothing; the network is loaded with the first job.
        let device = if wanted {
            Device::open(&settings.device, settings.threads)?
        } else {
            Device::open("cpu", Some(1))?
        };
        Ok(Self {
            training,
            inner: Arc::new(Inner {
                videos: settings.videos,
                weights,
                decoder,
                device,
                batch: settings.batch.max(1),
                scratch: settings.scratch,
                network: Mutex::new(None),
            }),
        })
    }
}
