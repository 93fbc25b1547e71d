//! The files that keep scores, both ways: what the trainer writes, and what reports and figures read.
//!
//! Each is a safetensors file with one metadata entry in JSON, so that a few lines of Python read it without this project.
//! The same content gives the same bytes; reading checks every length, and memory stays within the file's.

mod embedding;
mod epoch_scores;
mod file;
mod scores;

pub use embedding::{EMBEDDING, Embedding};
pub use epoch_scores::{EPOCH_SCORES, EpochScores};
pub use scores::{SCORES, Scores};

/// A file that could not be written, or that is not what the trainer writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the artifact `{artifact}` {message}")]
pub struct ArtifactError {
    /// The artifact's name.
    pub artifact: &'static str,
    /// What is wrong with it.
    pub message: String,
}
