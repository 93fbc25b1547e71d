//! The artifact `scores`: the final score of every test segment, from which every figure on scores can be drawn.
//!
//! Tensors: `score_g` and, where there is a D, `score_d` (f32, one per segment, test videos in the data set's order;
//! `score_g` is absent where a method has a classifier alone), `positives` and `negatives` (u32, the anomalous and normal
//! frames that each segment stands for), `segments` (u32, per video). The metadata entry `gcl-scores`:
//! `{"format": 1, "videos": [names]}`.
//!
//! A control that scores frames by their place has one score per frame. Its file has the tensor `frame_anomalous` besides (u8, one
//! per frame, video by video, 1 where the frame is anomalous), and `score_g` is as long as that.

use std::borrow::Cow;

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
    /// Per frame of all videos whether it is anomalous, where the scores are of frames; `None` where they are of segments.
    pub frame_truth: Option<Vec<bool>>,
    /// D's score per segment; `None` without a D.
    pub d: Option<Vec<f32>>,
    /// G's score per segment; `None` for a classifier.
    pub g: Option<Vec<f32>>,
}

impl Scores {
    /// What each score stands for: the segments, or the frames one by one.
    pub fn scored(&self) -> Cow<'_, Frames> {
        match &self.frame_truth {
            None => Cow::Borrowed(&self.frames),
            Some(truth) => Cow::Owned(self.frames.one_by_one(truth)),
        }
    }

    /// The same with every test video cut into clips: see [`Frames::clips`].
    pub fn scored_clips(&self, segments: u32) -> Frames {
        let clips = self.frames.clips(segments);
        match &self.frame_truth {
            None => clips,
            Some(truth) => clips.one_by_one(truth),
        }
    }

    /// The file.
    pub fn encode(&self) -> Result<Vec<u8>, ArtifactError> {
        let mut writer = Writer::new(KIND);
        writer.frames(&self.frames);
        if let Some(truth) = &self.frame_truth {
            writer.flags("frame_anomalous", truth);
        }
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
        let frame_truth = reader.optional_flags("frame_anomalous")?;
        if let Some(truth) = &frame_truth
            && !frames.has_frames(truth)
        {
            return Err(reader.fault("has other frames one by one than in its segments"));
        }
        let length = frame_truth.as_ref().map_or(frames.segments(), Vec::len);
        let scores = |name: &str| match reader.floats(name)? {
            Some(found) if found.shape != [length] => {
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
            frame_truth,
            d,
            g,
        })
    }
}
