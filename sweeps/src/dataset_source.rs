//! Where a job's data come from: a folder that every worker knows by name, or a generator that makes it anywhere.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::extraction::Extraction;
use crate::id::Digest;
use crate::value::encode_text;

/// Raised when the generator of synthetic data gives other bits for the same settings.
pub const SYNTHETIC_REVISION: u32 = 1;

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

/// The settings of a synthetic data set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Synthetic {
    /// Videos altogether, training and test; two thirds of them train. 6 to 100,000.
    pub videos: u32,
    /// Mean length of a video, in segments of 16 frames. 4 to 10,000.
    pub mean_length: u32,
    /// Feature dimension. 8 to 16,384.
    pub dimension: u32,
    /// Seed of the generator, independent of the seeds of the jobs.
    pub seed: u64,
    /// How cameras and unpredictable normal segments behave.
    pub regime: Regime,
}

/// The three worlds in which the method behaves differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Regime {
    /// Every video has its own camera: much of the variance tells videos apart.
    OwnCameras,
    /// All videos share the cameras.
    FixedCameras,
    /// Fixed cameras, and many normal segments that nobody can predict.
    HardBursts,
}

impl Regime {
    /// Every regime with its name in a sweep file.
    pub const ALL: [(&'static str, Self); 3] = [
        ("own-cameras", Self::OwnCameras),
        ("fixed-cameras", Self::FixedCameras),
        ("hard-bursts", Self::HardBursts),
    ];

    /// The name in a sweep file.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

impl Synthetic {
    /// The digest that stands for the data in a [`crate::JobId`]: of the settings and the generator's revision, since the
    /// bytes follow from them.
    pub fn digest(&self) -> Digest {
        let mut bytes = Vec::new();
        encode_text("synthetic", &mut bytes);
        bytes.extend(SYNTHETIC_REVISION.to_le_bytes());
        for number in [self.videos, self.mean_length, self.dimension] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.seed.to_le_bytes());
        encode_text(self.regime.name(), &mut bytes);
        Digest::of(&bytes)
    }
}

/// The name that people see; a synthetic one says so.
impl fmt::Display for DatasetSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => name.fmt(formatter),
            Self::Video(extraction) => extraction.fmt(formatter),
            Self::Synthetic(synthetic) => write!(
                formatter,
                "synthetic-{}-{}x{}-d{}-s{}",
                synthetic.regime.name(),
                synthetic.videos,
                synthetic.mean_length,
                synthetic.dimension,
                synthetic.seed
            ),
        }
    }
}
