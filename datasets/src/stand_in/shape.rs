//! The shape of a data set: videos, their lengths, what is known of them, crops.

use std::ops::Range;

use sweeps::{Regime, Synthetic};

use crate::dataset::{Dataset, Split};
use crate::error::DatasetError;
use crate::synthetic::synthesize;

/// Rows of a stand-in's training split, about; more where there are more videos than half as many.
const TRAIN_ROWS: usize = 1600;
/// Rows of its test split, about.
const TEST_ROWS: usize = 500;
/// Segments that a scaled training video and a test video keep, where they have as many.
const FEWEST_SEGMENTS: [usize; 2] = [2, 1];
/// Segments of a synthetic data set up to which its lengths are drawn.
const MOST_DRAWN: u64 = 1 << 21;

/// How many videos there are in both splits, how long they are, and what is known of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Frames that a segment stands for.
    pub frames_per_segment: u32,
    /// Crops per segment.
    pub crops: usize,
    /// The training split.
    pub train: Vec<VideoShape>,
    /// The test split.
    pub test: Vec<VideoShape>,
}

/// The shape of a video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoShape {
    /// Its frames.
    pub frames: u32,
    /// Its segments.
    pub segments: usize,
    /// Its label, where known.
    pub label: Option<bool>,
    /// Its anomalous frames, where known.
    pub anomalous: Vec<Range<u32>>,
}

impl Shape {
    /// The shape of that data set.
    pub fn of(dataset: &Dataset) -> Self {
        let videos = |split: &Split| {
            split
                .videos
                .iter()
                .map(|video| VideoShape {
                    frames: video.frames,
                    segments: video.segments(),
                    label: video.label,
                    anomalous: video.anomalous.clone(),
                })
                .collect()
        };
        Self {
            frames_per_segment: dataset.metadata.frames_per_segment,
            crops: dataset.train.crops(),
            train: videos(&dataset.train),
            test: videos(&dataset.test),
        }
    }

    /// The shape of a synthetic data set of these settings; without one of its own, that of the defaults of
    /// `[dataset.synthetic]`.
    ///
    /// # Errors
    /// Settings out of their ranges.
    pub fn synthetic(settings: Option<&Synthetic>) -> Result<Self, DatasetError> {
        if let Some(settings) = settings
            && u64::from(settings.videos) * u64::from(settings.mean_length) > MOST_DRAWN
        {
            return Ok(Self::even(settings));
        }
        let narrow = Synthetic {
            // Lengths follow the same law whatever the dimension, and few dimensions are made sooner.
            dimension: 8,
            ..settings.cloned().unwrap_or(Synthetic {
                videos: 90,
                mean_length: 25,
                dimension: 8,
                seed: 0,
                regime: Regime::FixedCameras,
            })
        };
        synthesize(&narrow).map(|dataset| Self::of(&dataset))
    }

    /// Videos of the mean length, every other one anomalous.
    fn even(settings: &Synthetic) -> Self {
        let video = |index: u32| {
            let frames = 16 * settings.mean_length;
            let anomalous = index % 2 == 1;
            VideoShape {
                frames,
                segments: settings.mean_length as usize,
                label: Some(anomalous),
                anomalous: anomalous.then_some(0..frames / 8).into_iter().collect(),
            }
        };
        let train = (settings.videos * 2).div_ceil(3);
        Self {
            frames_per_segment: 16,
            crops: 1,
            train: (0..train).map(video).collect(),
            test: (train..settings.videos).map(video).collect(),
        }
    }

    /// Training rows and test rows: segments times crops.
    pub fn rows(&self) -> [usize; 2] {
        [&self.train, &self.test]
            .map(|videos| self.crops * videos.iter().map(|video| video.segments).sum::<usize>())
    }

    /// The same shape with shorter videos, of some thousand rows.
    #[must_use]
    pub fn scaled_down(&self) -> Self {
        let scaled = |videos: &[VideoShape], rows: usize, fewest: usize| {
            let segments: usize = videos.iter().map(|video| video.segments).sum();
            let share = rows as f64 / (segments * self.crops).max(1) as f64;
            videos
                .iter()
                .map(|video| video.scaled(share.min(1.0), fewest, self.frames_per_segment))
                .collect()
        };
        Self {
            frames_per_segment: self.frames_per_segment,
            crops: self.crops,
            train: scaled(&self.train, TRAIN_ROWS, FEWEST_SEGMENTS[0]),
            test: scaled(&self.test, TEST_ROWS, FEWEST_SEGMENTS[1]),
        }
    }
}

impl VideoShape {
    fn scaled(&self, share: f64, fewest: usize, frames_per_segment: u32) -> Self {
        let segments = (self.segments as f64 * share).round() as usize;
        let segments = segments.max(fewest.min(self.segments));
        // A last segment that is not whole, and frames after the last segment, stay as they are.
        let gone = (self.segments - segments) as u64 * u64::from(frames_per_segment);
        let frames = u64::from(self.frames).saturating_sub(gone).max(1) as u32;
        let place = |frame: u32, round: fn(f64) -> f64| {
            round(f64::from(frame) * f64::from(frames) / f64::from(self.frames.max(1))) as u32
        };
        let mut anomalous: Vec<Range<u32>> = Vec::with_capacity(self.anomalous.len());
        for range in &self.anomalous {
            let before = anomalous.last().map_or(0, |last| last.end);
            let start = place(range.start, f64::floor).max(before);
            let end = place(range.end, f64::ceil).max(start + 1).min(frames);
            // Of events that shrink into one place the first stays.
            if start < end {
                anomalous.push(start..end);
            }
        }
        Self {
            frames,
            segments,
            label: self.label,
            anomalous,
        }
    }
}
