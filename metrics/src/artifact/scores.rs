//! The artifact `scores`: the final score of every test segment, from which every figure on scores can be drawn.
//!
//! Tensors: `score_g` and, where there is a D, `score_d` (f32, one per segment, test videos in the data set's order;
//! `score_g` is absent where a method has a classifier alone), `positives` and `negatives` (u32, the anomalous and normal
//! frames that each segment stands for), `segments` (u32, per video). The metadata entry `gcl-scores`:
//! `{"format": 1, "videos": [names]}`.

use super::ArtifactError;
use super::file::{Kind, Reader, Writer};
use crate::frames::Frames;

/// The name of the artifact.
pub const SCORES: &str = "scores";
const KIND: Kind = Kind {
    name: SCORES,
    key: "gcl-scores",
};

/// The final scores of the test segments.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scores {
    /// Names of the test videos.
    pub names: Vec<String>,
    /// Their frames.
    pub frames: Frames,
    /// D's score per segment; `None` without a D.
    pub d: Option<Vec<f32>>,
    /// G's score per segment; `None` for a classifier.
    pub g: Option<Vec<f32>>,
}

impl Scores {
    /// The file.
    pub fn encode(&self) -> Result<Vec<u8>, ArtifactError> {
        let mut writer = Writer::new(KIND);
        writer.frames(&self.frames);
        for (name, scores) in [("score_g", &self.g), ("score_d", &self.d)] {
            if let Some(scores) = scores {
                writer.floats(name, vec![scores.len()], scores);
            }
        }
        writer.finish(&serde_json::json!({ "format": 1, "videos": self.names }))
    }

    /// Reads what [`encode`](Scores::encode) wrote; other bytes are refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, ArtifactError> {
        let reader = Reader::new(KIND, bytes)?;
        let names: Vec<String> = reader.entry("videos")?;
        let frames = reader.frames(names.len())?;
        let scores = |name: &str| match reader.floats(name)? {
            Some(found) if found.shape != [frames.segments()] => {
                Err(reader.fault(format!("has a tensor `{name}` of another length")))
            }
            found => Ok(found.map(|found| found.values)),
        };
        let (d, g) = (scores("score_d")?, scores("score_g")?);
        if d.is_none() && g.is_none() {
            return Err(reader.fault("has no scores"));
        }
        Ok(Self {
            names,
            frames,
            d,
            g,
        })
    }
}
