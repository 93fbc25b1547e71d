//! Weights: a file that people pass around, or random ones for tests.

mod checkpoint;
mod pickle;
mod random;
mod tensor_file;

use std::path::PathBuf;

use crate::error::ExtractError;
use crate::network::TensorSource;

#[cfg(test)]
pub(crate) use checkpoint::Checkpoint;
pub(crate) use tensor_file::{Kind, Tensors};

/// Where the weights of a network come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Weights {
    /// A PyTorch checkpoint (`.pth`, `.pt`, both forms that PyTorch has written) or a safetensors file.
    File(PathBuf),
    /// Made from a seed: for tests, never for results.
    Random(u64),
}

impl Weights {
    /// `random:SEED` or a path.
    pub fn parse(text: &str) -> Result<Self, ExtractError> {
        match text.strip_prefix("random:") {
            Some(seed) => seed.parse().map(Self::Random).map_err(|_| {
                ExtractError::Request(format!(
                    "`{text}`: the seed must be a whole number, as in `random:7`"
                ))
            }),
            None => Ok(Self::File(text.into())),
        }
    }

    /// The digest of the file, as 32 bytes; none of random ones.
    pub fn digest(&self) -> Result<Option<[u8; 32]>, ExtractError> {
        match self {
            Self::Random(_) => Ok(None),
            Self::File(path) => Ok(Some(*crate::files::digest(path)?.as_bytes())),
        }
    }

    /// How a data set's metadata names them: by the content of the file, or loudly as random.
    pub fn describe(&self) -> Result<String, ExtractError> {
        match self {
            Self::Random(seed) => Ok(format!(
                "RANDOM WEIGHTS (seed {seed}), not trained on anything"
            )),
            Self::File(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                Ok(format!(
                    "weights {name} (blake3 {})",
                    crate::files::digest(path)?.to_hex()
                ))
            }
        }
    }

    pub(crate) fn source(&self) -> Result<Box<dyn FinishedSource>, ExtractError> {
        Ok(match self {
            Self::File(path) => Box::new(checkpoint::Checkpoint::open(path)?),
            Self::Random(seed) => Box::new(random::Random::new(*seed)),
        })
    }
}

/// A source that can say what a network left over.
pub(crate) trait FinishedSource: TensorSource {
    /// Refuses weights of which a part was not asked for: they belong to another network.
    fn finish(&self) -> Result<(), ExtractError>;
}
