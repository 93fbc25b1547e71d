//! What an extracting worker must be told, and what keeps it from starting.

use std::collections::BTreeMap;
use std::path::PathBuf;

use extract::ExtractError;

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
    /// Clips that the network sees at once. Does not change the values.
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
