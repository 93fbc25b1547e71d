//! A folder that cannot be written.

use std::io;
use std::path::{Path, PathBuf};

/// A folder that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the data set {}: {cause}", .path.display())]
pub struct WriteError {
    path: PathBuf,
    #[source]
    cause: io::Error,
}

impl WriteError {
    pub(crate) fn new(path: &Path, cause: io::Error) -> Self {
        Self {
            path: path.to_owned(),
            cause,
        }
    }
}
