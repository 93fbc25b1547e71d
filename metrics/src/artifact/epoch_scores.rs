//! The artifact `epoch-scores` (Fig. 7): the scores of test segments after each epoch of the main phase.
//!
//! Tensors: `score_g` and `score_d` where the method has them (f32, `[epochs, segments]`), `positives`, `negatives` and
//! `segments` as in `scores`, for the videos that are kept. The metadata entry `gcl-epoch-scores`:
//! `{"format": 1, "videos": [names], "all": bool}`; `all` says whether these are all test videos.

use super::ArtifactError;
use super::file::{Kind, Reader, Writer};
use crate::frames::Frames;

/// The name of the artifact.
pub const EPOCH_SCORES: &str = "epoch-scores";
const KIND: Kind = Kind {
    name: EPOCH_SCORES,
    key: "gcl-epoch-scores",
};

/// The scores of some test segments after each epoch.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EpochScores {
    /// Names of the videos that were kept.
    pub names: Vec<String>,
    /// Whether these are all test videos.
    pub all: bool,
    /// Their frames.
    pub frames: Frames,
    /// Number of epochs.
    pub epochs: usize,
    /// D's scores, epoch by epoch; `None` without a D.
    pub d: Option<Vec<f32>>,
    /// G's scores, epoch by epoch; `None` for a classifier.
    pub g: Option<Vec<f32>>,
}

impl EpochScores {
    /// The file.
    pub fn encode(&self) -> Result<Vec<u8>, ArtifactError> {
        let mut writer = Writer::new(KIND);
        writer.frames(&self.frames);
        let shape = [self.epochs, self.frames.segments()];
        for (name, scores) in [("score_g", &self.g), ("score_d", &self.d)] {
            if let Some(scores) = scores {
                writer.floats(name, shape.to_vec(), scores);
            }
        }
        writer.finish(&serde_json::json!({
            "format": 1, "videos": self.names, "all": self.all,
        }))
    }

    /// Reads what [`encode`](EpochScores::encode) wrote; other bytes are refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, ArtifactError> {
        let reader = Reader::new(KIND, bytes)?;
        let names: Vec<String> = reader.entry("videos")?;
        let frames = reader.frames(names.len())?;
        let mut epochs = None;
        let mut scores = |name: &str| {
            let Some(found) = reader.floats(name)? else {
                return Ok(None);
            };
            match found.shape[..] {
                [count, width]
                    if width == frames.segments() && *epochs.get_or_insert(count) == count =>
                {
                    Ok(Some(found.values))
                }
                _ => Err(reader.fault(format!("has a tensor `{name}` of another shape"))),
            }
        };
        let (d, g) = (scores("score_d")?, scores("score_g")?);
        Ok(Self {
            all: reader.entry("all")?,
            epochs: epochs.ok_or_else(|| reader.fault("has no scores"))?,
            names,
            frames,
            d,
            g,
        })
    }
}
