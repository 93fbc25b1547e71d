//! Stand-ins: data with the shape of a data set and nothing of its content, for rehearsals.
//!
//! A [`Shape`] says how many videos a data set has, how long they are, what is known of them, and how many crops a
//! segment has. It is taken from a folder, or from the numbers that ship for the usual benchmarks. A stand-in has that
//! number of videos, with lengths and events scaled down to some thousand segments, few dimensions, and features of a small
//! world: videos have levels of their own, activity is autocorrelated, and events move a segment aside. Every method has
//! something to learn from it; what it learns says nothing of the data set.

use sweeps::Digest;

use crate::dataset::{Dataset, Metadata, Split, Video};
use crate::features::Features;
use crate::synthetic::Random;

mod published;
mod shape;

pub use published::{Published, published};
pub use shape::{Shape, VideoShape};

/// Width of a stand-in's features.
pub const DIMENSION: usize = 16;
/// Dimensions of ordinary activity.
const ACTIVITY: usize = 4;
/// Levels that videos start from.
const SCENES: usize = 5;

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
        notes: Vec::new(),
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
        notes: Vec::new(),
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
        let mut random = Random::of(seed);
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
