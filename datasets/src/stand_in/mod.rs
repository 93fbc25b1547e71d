//! Stand-ins: data with the shape of a data set and nothing of its content, for rehearsals.
//!
//! A [`Shape`] says how many videos a data set has, how long they are, what is known of them, and how many crops a
//! segment has. It is taken from a folder, or from the numbers that ship for the usual benchmarks. A stand-in has that
//! number of videos, with lengths and events scaled down to some thousand segments, few dimensions, and features of a small
//! world: videos have levels of their own, activity is autocorrelated, and events move a segment aside. Every method has
//! something to learn from it; what it learns says nothing of the data set.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sweeps::{Digest, Regime, Synthetic};

use crate::dataset::{Dataset, Metadata, Split, Video};
use crate::error::DatasetError;
use crate::features::Features;
use crate::synthetic::{Random, synthesize};

mod published;

pub use published::{Published, published};

/// Width of a stand-in's features.
pub const DIMENSION: usize = 16;
/// Rows of a stand-in's training split, about; more where there are more videos than half as many.
const TRAIN_ROWS: usize = 1600;
/// Rows of its test split, about.
const TEST_ROWS: usize = 500;
/// Segments that a scaled training video and a test video keep, where they have as many.
const FEWEST_SEGMENTS: [usize; 2] = [2, 1];
/// Segments of a synthetic data set up to which its lengths are drawn.
const MOST_DRAWN: u64 = 1 << 21;
/// Dimensions of ordinary activity.
const ACTIVITY: usize = 4;
/// Levels that videos start from.
const SCENES: usize = 5;

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

/// Makes the stand-in of the data set `name`, which has that shape: the same bytes every time, others for another name.
/// `origin` says in `dataset.toml` where the shape is from.
pub fn stand_in(name: &str, shape: &Shape, origin: &str) -> Dataset {
    let shape = shape.scaled_down();
    let mut seed = [0; 8];
    seed.copy_from_slice(&Digest::of(name.as_bytes()).0[..8]);
    let mut world = World::new(u64::from_le_bytes(seed), &shape);
    let train = world.split("train", &shape.train);
    let test = world.split("test", &shape.test);
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"gcl-sweep stand-in 1");
    for video in train.videos.iter().chain(&test.videos) {
        hasher.update(&video.frames.to_le_bytes());
        video.features.hash(&mut hasher);
    }
    Dataset {
        metadata: Metadata {
            name: name.to_owned(),
            feature_dim: DIMENSION,
            frames_per_segment: shape.frames_per_segment,
            extractor: "none: a stand-in for rehearsals (gcl-sweep rehearse)".to_owned(),
            source: format!("made up; shape of {origin}, scaled down"),
            licence: "CC0-1.0".to_owned(),
        },
        synthetic: true,
        digest: Digest(*hasher.finalize().as_bytes()),
        train,
        test,
    }
}

/// Videos of numbers without structure and of any width, to measure how long a step takes: for the
/// training and the test split so many videos of so many segments, every other one anomalous throughout.
pub fn filler(train: (usize, usize), test: (usize, usize), dimension: usize) -> Dataset {
    let mut next = 0_u32;
    let mut split = |name: &str, (videos, segments): (usize, usize)| Split {
        videos: (0..videos)
            .map(|index| {
                let rows = (0..segments * dimension)
                    .map(|_| {
                        next = next.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        (next >> 8) as f32 / (1_u32 << 24) as f32
                    })
                    .collect();
                let (anomalous, frames) = (index % 2 == 1, 16 * segments as u32);
                Video {
                    name: format!("{name}-{index}"),
                    frames,
                    label: Some(anomalous),
                    anomalous: anomalous.then_some(0..frames).into_iter().collect(),
                    features: Features::made(rows, dimension),
                }
            })
            .collect(),
    };
    let (train, test) = (split("train", train), split("test", test));
    Dataset {
        metadata: Metadata {
            name: "filler".to_owned(),
            feature_dim: dimension,
            frames_per_segment: 16,
            extractor: "none".to_owned(),
            source: "made up".to_owned(),
            licence: "CC0-1.0".to_owned(),
        },
        synthetic: true,
        digest: Digest::of(b"filler"),
        train,
        test,
    }
}

/// The small world that stand-ins are of.
struct World {
    random: Random,
    frames_per_segment: u32,
    crops: usize,
    scenes: Vec<Vec<f64>>,
    activity: Vec<Vec<f64>>,
    event: Vec<f64>,
}

impl World {
    fn new(seed: u64, shape: &Shape) -> Self {
        let mut random = Random(ChaCha8Rng::seed_from_u64(seed));
        let mut direction =
            |scale: f64| -> Vec<f64> { (0..DIMENSION).map(|_| scale * random.normal()).collect() };
        let scenes = (0..SCENES).map(|_| direction(0.5)).collect();
        let activity = (0..ACTIVITY).map(|_| direction(0.3)).collect();
        let event = direction(0.6);
        Self {
            random,
            frames_per_segment: shape.frames_per_segment,
            crops: shape.crops,
            scenes,
            activity,
            event,
        }
    }

    fn split(&mut self, split: &str, videos: &[VideoShape]) -> Split {
        Split {
            videos: videos
                .iter()
                .enumerate()
                .map(|(index, video)| self.video(format!("{split}-{:04}", index + 1), video))
                .collect(),
        }
    }

    fn video(&mut self, name: String, shape: &VideoShape) -> Video {
        let scene = self.random.below(SCENES);
        // Drawn for every video, so that nothing after it depends on the label but the event.
        let drawn = self.random.below(shape.frames as usize) as u32;
        let somewhere = drawn..drawn + shape.frames.div_ceil(4);
        let events = match (shape.label, shape.anomalous.as_slice()) {
            // An anomalous video of which nobody knows where.
            (Some(true), []) => vec![somewhere],
            (_, known) => known.to_vec(),
        };
        let mut level: Vec<f64> = (0..ACTIVITY).map(|_| self.random.normal()).collect();
        let mut rows = Vec::with_capacity(shape.segments * self.crops * DIMENSION);
        for segment in 0..shape.segments {
            for value in &mut level {
                *value = 0.8 * *value + 0.6 * self.random.normal();
            }
            let from = segment as u32 * self.frames_per_segment;
            let to = from + self.frames_per_segment;
            let inside: u32 = events
                .iter()
                .map(|event| event.end.min(to).saturating_sub(event.start.max(from)))
                .sum();
            let cover =
                f64::from(inside.min(self.frames_per_segment)) / f64::from(self.frames_per_segment);
            for _ in 0..self.crops {
                for dimension in 0..DIMENSION {
                    let activity: f64 = level
                        .iter()
                        .zip(&self.activity)
                        .map(|(level, direction)| level * direction[dimension])
                        .sum();
                    let clean = 0.5
                        + self.scenes[scene][dimension]
                        + activity
                        + cover * self.event[dimension];
                    // Non-negative, as features after a ReLU are; never all zero.
                    rows.push((clean + 0.1 * self.random.normal()).max(0.01) as f32);
                }
            }
        }
        Video {
            name,
            frames: shape.frames,
            label: shape.label,
            anomalous: shape.anomalous.clone(),
            features: Features::made_in_crops(rows, self.crops, DIMENSION),
        }
    }
}

#[cfg(test)]
mod tests;
