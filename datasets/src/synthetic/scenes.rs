//! The three first worlds: scenes, cameras, autocorrelated activity, rare contiguous events off the manifold of what is usual.
//!
//! A latent vector has four blocks (scene, camera, activity, and one that normal data never uses); a fixed random layer with a
//! ReLU makes features of it. Activity follows an AR(1) process with a level of its own per video, ordinary bursts and cuts happen
//! everywhere, and an anomalous video holds one contiguous event that moves the latent vector, mostly along ordinary activity,
//! partly off the manifold.

use std::ops::Range;

use sweeps::Synthetic;

use super::layer::{Layer, Making, Spread};
use super::random::{Random, unit};
use super::videos::{FRAMES, World};
use crate::dataset::Video;

const SCENES: usize = 13;
const EVENT_TYPES: usize = 13;
const SCENE: Range<usize> = 0..12;
const CAMERA: Range<usize> = 12..36;
const ACTIVITY: Range<usize> = 36..44;
const UNUSUAL: Range<usize> = 44..60;
const LATENT: usize = UNUSUAL.end;
const SPREAD: Spread = Spread {
    weight: 1.0,
    bias: 0.2,
    gain: 0.5,
    common: None,
    noise: 0.15,
};

/// What differs between the regimes.
pub(super) struct Rules {
    /// Spread of each video's own camera.
    camera: f64,
    /// Log-std of a factor on each segment's jitter: unpredictable hard segments.
    hard: f64,
    /// Ordinary bursts per segment.
    bursts: f64,
}

impl Rules {
    pub(super) const OWN_CAMERAS: Self = Self {
        camera: 1.2,
        hard: 0.0,
        bursts: 0.02,
    };
    pub(super) const FIXED_CAMERAS: Self = Self {
        camera: 0.0,
        hard: 0.0,
        bursts: 0.02,
    };
    pub(super) const HARD_BURSTS: Self = Self {
        camera: 0.0,
        hard: 0.8,
        bursts: 0.06,
    };
}

/// A world with its stream of draws.
pub(super) struct SceneWorld {
    random: Random,
    rules: Rules,
    mean_length: f64,
    layer: Layer,
    scenes: Vec<Vec<f64>>,
    camera: Vec<f64>,
    activity: Vec<f64>,
    events: Vec<Vec<f64>>,
}

impl SceneWorld {
    pub(super) fn new(settings: &Synthetic, rules: Rules, making: Making) -> Self {
        let mut random = Random::of(settings.seed);
        let layer = Layer::draw(
            &mut random,
            LATENT,
            settings.dimension as usize,
            SPREAD,
            making,
        );
        let scenes = (0..SCENES).map(|_| random.block(SCENE, 1.0)).collect();
        let mut camera = vec![0.0; LATENT];
        camera[SCENE].fill(rules.camera);
        for (rank, value) in camera[CAMERA].iter_mut().enumerate() {
            *value = rules.camera * libm::pow(0.85, rank as f64);
        }
        let activity = (0..ACTIVITY.len())
            .map(|rank| 0.8 * libm::pow(0.9, rank as f64))
            .collect();
        let events = (0..EVENT_TYPES).map(|_| random.event()).collect();
        Self {
            random,
            rules,
            mean_length: f64::from(settings.mean_length),
            layer,
            scenes,
            camera,
            activity,
            events,
        }
    }
}

impl World for SceneWorld {
    fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    fn video(&mut self, index: usize, label: bool) -> Video {
        let random = &mut self.random;
        let length = libm::exp(libm::log(self.mean_length) - 0.32 + 0.8 * random.normal());
        let segments = length.clamp(4.0, 12.0 * self.mean_length) as usize;
        let frames = segments * FRAMES + random.below(FRAMES);
        let scene = &self.scenes[random.zipf(SCENES)];
        let tail = libm::exp(0.5 * random.normal());
        let mut base: Vec<f64> = scene
            .iter()
            .zip(&self.camera)
            .map(|(scene, camera)| scene + tail * camera * random.normal())
            .collect();
        let busy = libm::exp(0.5 * random.normal());
        // Drawn for every video, so that nothing after it depends on the label but the event itself.
        let event = Event::draw(random, &self.events, segments, frames);
        let event = if label { Some(event) } else { None };

        let mut features = Vec::with_capacity(self.layer.numbers(segments));
        let mut level: Vec<f64> = self
            .activity
            .iter()
            .map(|std| std * busy * random.normal())
            .collect();
        let (mut burst_left, mut burst) = (0, vec![0.0; ACTIVITY.len()]);
        let mut jitter = 0.0;
        for segment in 0..segments {
            let cover = event.as_ref().map_or(0.0, |event| event.cover(segment));
            let (keep, strength) = if cover > 0.0 {
                (0.5, 1.6 * busy)
            } else {
                (0.85, busy)
            };
            let fresh = f64::sqrt(1.0 - keep * keep) * strength;
            for (value, std) in level.iter_mut().zip(&self.activity) {
                *value = keep * *value + fresh * std * random.normal();
            }
            let (starts, longer) = (random.unit() < self.rules.bursts, 1 + random.below(5));
            let mut draw: Vec<f64> = self
                .activity
                .iter()
                .map(|std| 1.5 * std * random.normal())
                .collect();
            if burst_left == 0 && starts {
                draw[0] = draw[0].abs();
                (burst_left, burst) = (longer, draw);
            }
            let cut = random.unit() < 0.002;
            for (value, std) in base.iter_mut().zip(&self.camera) {
                let step = 0.7 * std * random.normal();
                if cut {
                    *value += step;
                }
            }
            jitter = 0.5 * jitter + 0.5 * random.normal();
            let hard = libm::exp(self.rules.hard * random.normal());
            let mut latent: Vec<f64> = base
                .iter()
                .map(|base| base + 0.15 * hard * strength * random.normal())
                .collect();
            for (at, value) in latent[ACTIVITY].iter_mut().enumerate() {
                *value += level[at] + if burst_left > 0 { burst[at] } else { 0.0 };
            }
            if let Some(event) = &event {
                for (value, direction) in latent.iter_mut().zip(&event.direction) {
                    *value += event.amplitude * cover * (1.0 + 0.4 * jitter) * direction;
                }
            }
            burst_left = burst_left.saturating_sub(1);
            self.layer.project(&latent, random, &mut features);
        }
        let anomalous = event
            .map(|event| event.frames.start as u32..event.frames.end as u32)
            .into_iter()
            .collect();
        Video {
            name: format!("video-{:05}", index + 1),
            frames: frames as u32,
            label: Some(label),
            anomalous,
            features: self.layer.features_of(features, segments),
        }
    }
}

/// A contiguous event.
struct Event {
    frames: Range<usize>,
    amplitude: f64,
    direction: Vec<f64>,
}

impl Event {
    fn draw(random: &mut Random, types: &[Vec<f64>], segments: usize, frames: usize) -> Self {
        let (low, high) = (libm::log(0.03), libm::log(0.35));
        let share = libm::exp(low + (high - low) * random.unit());
        // At least a segment, and inside the segments that are extracted.
        let length = ((share * frames as f64) as usize).clamp(FRAMES, segments * FRAMES);
        let start = random.below(segments * FRAMES - length + 1);
        let noise = 0.3 / (LATENT as f64).sqrt();
        let kind = random.below(types.len());
        let direction = unit(
            types[kind]
                .iter()
                .map(|value| value + noise * random.normal())
                .collect(),
        );
        Self {
            frames: start..start + length,
            amplitude: 3.0 * libm::exp(0.5 * random.normal()),
            direction,
        }
    }

    /// The share of a segment inside the event.
    fn cover(&self, segment: usize) -> f64 {
        let (from, to) = (segment * FRAMES, (segment + 1) * FRAMES);
        let inside = self
            .frames
            .end
            .min(to)
            .saturating_sub(self.frames.start.max(from));
        inside as f64 / FRAMES as f64
    }
}

impl Random {
    /// A latent vector that is normal in one block and zero elsewhere.
    fn block(&mut self, block: Range<usize>, std: f64) -> Vec<f64> {
        let mut vector = vec![0.0; LATENT];
        for value in &mut vector[block] {
            *value = std * self.normal();
        }
        vector
    }

    /// A direction of a type of event: 0.7 of its squared length along ordinary activity (most of that along its first
    /// axis, the energy of motion), the rest where normal data never go.
    fn event(&mut self) -> Vec<f64> {
        let mut inside = unit(self.block(ACTIVITY.start + 1..ACTIVITY.end, 1.0));
        for value in &mut inside {
            *value *= 0.3_f64.sqrt();
        }
        inside[ACTIVITY.start] = 0.7_f64.sqrt();
        let outside = unit(self.block(UNUSUAL, 1.0));
        inside
            .iter()
            .zip(&outside)
            .map(|(inside, outside)| 0.7_f64.sqrt() * inside + 0.3_f64.sqrt() * outside)
            .collect()
    }
}
