//! Where a job's data come from: a folder that every worker knows by name, or a generator that makes it anywhere.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::extraction::Extraction;
use crate::synthetic::Synthetic;

/// Where a job's data come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DatasetSource {
    /// A folder, resolved by each worker (`--data NAME=DIR`, or `GCL_DATA`).
    Named(String),
    /// Made by each worker from these settings, equal to the bit everywhere. Always called synthetic where it shows.
    Synthetic(Synthetic),
    /// One video: the job is no training but an extraction of its features.
    Video(Box<Extraction>),
}

/// The name that people see; a synthetic one says so.
impl fmt::Display for DatasetSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => name.fmt(formatter),
            Self::Video(extraction) => extraction.fmt(formatter),
            Self::Synthetic(synthetic) => synthetic.fmt(formatter),
        }
    }
}
