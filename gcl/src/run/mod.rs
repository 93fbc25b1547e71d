//! One run from start to end: training, its progress, checkpoints and artifacts.

pub(crate) mod checkpoint;
mod checkpoint_bytes;
pub(crate) mod embedding;
pub(crate) mod epoch_scores;
pub(crate) mod progress;
pub(crate) mod request;
pub(crate) mod train;
pub(crate) mod warnings;
