//! Jobs that train nothing: one video to features.
//!
//! An extraction travels as the data source of a [`crate::JobSpec`] without parameters: what such a job depends on is a
//! video and what is done to it, and everything between submitting and recording treats it like any other job. Its id
//! has a domain and a revision of its own, so that no change of the trainer makes anybody extract again.
//!
//! Reading order: this file, then [`mod@file`], the text in which extractions are submitted.

pub mod file;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use file::{ExtractionSweep, FileError};

use crate::id::{Digest, DigestError, JobId};
use crate::value::encode_text;

/// The artifact that says what came of the video: [`Extracted`] as JSON.
pub const EXTRACTED: &str = "extraction.json";

/// How the artifacts with the features are called: `features.npy.0`, `features.npy.1`, …: the file in pieces.
pub const FEATURES: &str = "features.npy";

/// One video to features.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extraction {
    /// The folder of videos, by the name under which workers know it (`--videos NAME=DIR`).
    pub folder: String,
    /// The video's name: its path in that folder without the extension.
    pub video: String,
    /// The digest of the video's bytes.
    pub digest: Digest,
    /// What is done to it.
    pub settings: ExtractionSettings,
}

/// How a video becomes rows of features. Everything here changes the numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtractionSettings {
    /// The network's name.
    pub backbone: String,
    /// Its weights.
    pub weights: ExtractionWeights,
    /// Ten crops instead of the centre.
    pub ten_crops: bool,
    /// A short last segment is left out instead of padded.
    pub drop_last: bool,
    /// f16 instead of f32.
    pub f16: bool,
    /// Revision of the extractor: raised when it makes other features of the same video.
    pub revision: u32,
}

/// Weights by their content. Written `random:7`, or `blake3:` and 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExtractionWeights {
    /// Made from a seed, for tests.
    Random(u64),
    /// The file with that digest.
    File(Digest),
}

/// What came of a video, beside its features.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extracted {
    /// Its frames.
    pub frames: u64,
    /// Its segments.
    pub segments: u64,
    /// BLAKE3 of the stored numbers, without the file's header.
    pub features_blake3: String,
    /// What the decoder complained about though it decoded; empty when nothing.
    pub complaints: String,
    /// Where the network ran.
    pub device: String,
    /// Version of the decoder.
    pub ffmpeg: String,
}

impl Extraction {
    /// The job's identity for a video of that digest. Names of folder and video are not part of it.
    pub fn id(&self, video: Digest) -> JobId {
        let settings = &self.settings;
        let mut bytes = Vec::with_capacity(256);
        encode_text("gcl-sweep extraction 1", &mut bytes);
        bytes.extend(settings.revision.to_le_bytes());
        bytes.extend(video.0);
        encode_text(&settings.backbone, &mut bytes);
        encode_text(&settings.weights.to_string(), &mut bytes);
        bytes.extend([settings.ten_crops, settings.drop_last, settings.f16].map(u8::from));
        JobId(*blake3::hash(&bytes).as_bytes())
    }

    /// The labels that a worker needs for it. Workers announce what they can extract as labels, so that the scheduler
    /// needs to know nothing of videos.
    pub fn labels(&self) -> Vec<String> {
        let mut labels = vec![
            revision_label(self.settings.revision),
            folder_label(&self.folder),
        ];
        if let ExtractionWeights::File(digest) = self.settings.weights {
            labels.push(weights_label(digest));
        }
        labels
    }
}

/// The label of workers whose extractor has that revision.
pub fn revision_label(revision: u32) -> String {
    format!("extract:{revision}")
}

/// The label of workers that have that folder of videos.
pub fn folder_label(name: &str) -> String {
    format!("videos:{name}")
}

/// The label of workers that have the weights of that digest.
pub fn weights_label(digest: Digest) -> String {
    format!("weights:{digest}")
}

/// The folder and the video: what people see.
impl fmt::Display for Extraction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.folder, self.video)
    }
}

impl fmt::Display for ExtractionWeights {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random(seed) => write!(formatter, "random:{seed}"),
            Self::File(digest) => write!(formatter, "blake3:{digest}"),
        }
    }
}

impl FromStr for ExtractionWeights {
    type Err = DigestError;
    fn from_str(text: &str) -> Result<Self, DigestError> {
        if let Some(seed) = text.strip_prefix("random:").and_then(|s| s.parse().ok()) {
            return Ok(Self::Random(seed));
        }
        text.strip_prefix("blake3:")
            .ok_or_else(|| DigestError(text.chars().take(80).collect()))?
            .parse()
            .map(Self::File)
    }
}

impl Serialize for ExtractionWeights {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ExtractionWeights {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(|_| serde::de::Error::custom("weights are written random:SEED or blake3:HEX"))
    }
}

#[cfg(test)]
pub(crate) fn example() -> Extraction {
    Extraction {
        folder: "ucf-crime".into(),
        video: "Abuse/Abuse001_x264".into(),
        digest: Digest([7; 32]),
        settings: ExtractionSettings {
            backbone: "resnext101".into(),
            weights: ExtractionWeights::File(Digest([9; 32])),
            ten_crops: false,
            drop_last: false,
            f16: false,
            revision: 1,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset_source::DatasetSource;
    use crate::job::JobSpec;
    use crate::parameters::Parameters;

    fn id(change: impl FnOnce(&mut Extraction)) -> JobId {
        let mut extraction = example();
        change(&mut extraction);
        let digest = extraction.digest;
        JobSpec {
            dataset: DatasetSource::Video(Box::new(extraction)),
            seed: 0,
            parameters: Parameters::default(),
        }
        .id(digest)
    }

    /// Every extraction ever done hangs on this.
    #[test]
    fn the_encoding_is_pinned() {
        assert_eq!(id(|_| ()).short(), "754d877ed5bd");
    }

    #[test]
    fn what_changes_the_numbers_changes_the_id_and_names_do_not() {
        let base = id(|_| ());
        assert_eq!(base, id(|one| one.folder = "other".into()));
        assert_eq!(base, id(|one| one.video = "other".into()));
        for (what, other) in [
            ("digest", id(|one| one.digest = Digest([8; 32]))),
            ("backbone", id(|one| one.settings.backbone = "c3d".into())),
            (
                "weights",
                id(|one| one.settings.weights = ExtractionWeights::Random(1)),
            ),
            ("crops", id(|one| one.settings.ten_crops = true)),
            ("last", id(|one| one.settings.drop_last = true)),
            ("f16", id(|one| one.settings.f16 = true)),
            ("revision", id(|one| one.settings.revision = 2)),
        ] {
            assert_ne!(base, other, "{what}");
        }
    }

    #[test]
    fn a_worker_needs_the_folder_the_weights_and_the_extractor() {
        let file = format!("weights:{}", Digest([9; 32]));
        assert_eq!(
            example().labels(),
            ["extract:1", "videos:ucf-crime", file.as_str()]
        );
        let mut random = example();
        random.settings.weights = ExtractionWeights::Random(3);
        assert_eq!(random.labels(), ["extract:1", "videos:ucf-crime"]);
    }

    #[test]
    fn weights_are_read_as_they_are_written() {
        for weights in [
            ExtractionWeights::Random(7),
            ExtractionWeights::File(Digest([3; 32])),
        ] {
            assert_eq!(weights.to_string().parse(), Ok(weights));
        }
        for wrong in ["", "random:", "random:-1", "blake3:12", "weights.pth"] {
            assert!(wrong.parse::<ExtractionWeights>().is_err(), "{wrong}");
        }
    }
}
