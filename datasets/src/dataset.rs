//! A data set in memory: metadata, two splits, videos with mapped features.

use std::ops::Range;

use half::f16;
use sweeps::{DatasetFacts, Digest, SplitFacts};

use crate::features::Features;

/// A data set, checked.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// What `dataset.toml` says.
    pub metadata: Metadata,
    /// Whether a generator made it; said wherever the data set shows.
    pub synthetic: bool,
    /// Of a folder: of what is computed from (dimension, lists, features), not of descriptions. Of made data: of its settings ([`sweeps::Synthetic::digest`]).
    pub digest: Digest,
    /// The training split.
    pub train: Split,
    /// The test split.
    pub test: Split,
    /// What was left out, changed or not understood when it was made or read, one line each. Nothing depends on it.
    pub notes: Vec<String>,
}

/// What `dataset.toml` says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Metadata {
    /// Its name.
    pub name: String,
    /// Width of a feature row, d.
    pub feature_dim: usize,
    /// Frames that a segment stands for.
    pub frames_per_segment: u32,
    /// What made the features.
    pub extractor: String,
    /// Where the videos come from.
    pub source: String,
    /// Under which licence.
    pub licence: String,
}

/// The videos of a split, in the order of its list.
#[derive(Debug, Clone, Default)]
pub struct Split {
    /// The videos.
    pub videos: Vec<Video>,
}

/// One video.
#[derive(Debug, Clone)]
pub struct Video {
    /// Its name, unique within the data set.
    pub name: String,
    /// Its frames.
    pub frames: u32,
    /// Whether it holds an anomaly, where known. **Truth**: no unsupervised variant may read that of the training split.
    pub label: Option<bool>,
    /// Its anomalous frames, 0-based, end exclusive, ascending. **Truth**, as `label`.
    pub anomalous: Vec<Range<u32>>,
    pub(crate) features: Features,
}

/// A name as records carry it: one line, no longer than people write.
const MAX_NAME: usize = 128;

impl Dataset {
    /// What tells whether it is the data set that its name stands for.
    pub fn facts(&self) -> DatasetFacts {
        let name = self.metadata.name.chars();
        DatasetFacts {
            own_name: name
                .filter(|letter| !letter.is_control())
                .take(MAX_NAME)
                .collect(),
            synthetic: self.synthetic,
            feature_dim: self.metadata.feature_dim as u64,
            train: self.train.facts(),
            test: self.test.facts(),
        }
    }
}

impl Split {
    fn facts(&self) -> SplitFacts {
        SplitFacts {
            videos: self.videos.len() as u64,
            segments: self.segments() as u64,
            frames: self.frames(),
            anomalous_frames: self.anomalous_frames(),
        }
    }

    /// Segments of all videos.
    pub fn segments(&self) -> usize {
        self.videos.iter().map(Video::segments).sum()
    }

    /// Crops per segment; the same in all videos of a data set.
    pub fn crops(&self) -> usize {
        self.videos.first().map_or(1, Video::crops)
    }

    /// Whether the numbers of all videos are f16 on disk.
    pub fn is_half(&self) -> bool {
        self.videos
            .iter()
            .all(|video| video.features.dtype() == "f16")
    }

    /// Videos with that label; `None` counts those without one.
    pub fn labelled(&self, label: Option<bool>) -> usize {
        let videos = self.videos.iter();
        videos.filter(|video| video.label == label).count()
    }

    /// Videos of which nothing is known: no label, and no anomalous frames. Their frames count as normal.
    pub fn without_truth(&self) -> usize {
        let unknown = |video: &&Video| video.label.is_none() && video.anomalous.is_empty();
        self.videos.iter().filter(unknown).count()
    }

    /// Anomalous frames of all videos, as far as the list knows.
    pub fn anomalous_frames(&self) -> u64 {
        self.videos.iter().map(Video::anomalous_frames).sum()
    }

    /// Frames of all videos.
    pub fn frames(&self) -> u64 {
        self.videos
            .iter()
            .map(|video| u64::from(video.frames))
            .sum()
    }
}

impl Video {
    /// Segments.
    pub fn segments(&self) -> usize {
        self.features.segments
    }

    /// Crops per segment, 1 without crops.
    pub fn crops(&self) -> usize {
        self.features.crops
    }

    /// Copies the rows of these segments as f32, row-major `[segments, crops, dim]`; f16 is widened, exactly.
    ///
    /// # Panics
    /// If the range leaves the video or `out` has another length: both are the caller's arithmetic, not data.
    pub fn copy_rows_f32(&self, segments: Range<usize>, out: &mut [f32]) {
        self.features.copy_rows_f32(segments, out);
    }

    /// Appends all rows as f16, row-major `[segments, crops, dim]`: nothing where they are f32 on disk or were made.
    pub fn push_rows_f16(&self, out: &mut Vec<f16>) {
        self.features.push_rows_f16(out);
    }

    /// Anomalous frames.
    pub fn anomalous_frames(&self) -> u64 {
        self.anomalous
            .iter()
            .map(|range| u64::from(range.end - range.start))
            .sum()
    }
}
