//! The world of coherent events, in which the steps of the paper appear for a reason: events share a direction that a discriminator
//! can fit, while the hard normal segments, ordinary bursts, have none in common.
//!
//! A latent vector has three blocks: each video's own camera, ordinary activity (an AR(1) process with a level of its own per
//! video), and one that ordinary activity never uses. An event lies mostly along activity, which an autoencoder learns to
//! reconstruct; a burst lies in the third block, each along a direction of its own.
//!
//! Every draw is made whatever the settings, so that two worlds of one seed differ in what was turned and in nothing else.

use std::ops::Range;

use sweeps::{CoherentEvents, Synthetic};

use super::layer::{Layer, Making, Spread};
use super::random::{Random, unit};
use super::videos::{FRAMES, World};
use crate::dataset::Video;

const CAMERA: Range<usize> = 0..24;
const ACTIVITY: Range<usize> = 24..36;
const UNUSUAL: Range<usize> = 36..60;
const LATENT: usize = UNUSUAL.end;
const EVENT_TYPES: usize = 13;
const SPREAD: Spread = Spread {
    weight: 2.0,
    bias: 0.3,
    gain: 0.4,
    common: Some(0.3),
    noise: 0.3,
};
/// Log-std of a video's level of activity, of an event's strength and of a burst's.
const BUSY: f64 = 0.5;
const STRENGTH: f64 = 0.3;
/// Share of an event's squared length inside ordinary activity.
const INSIDE: f64 = 0.9;
/// How far a burst moves a segment, and how many segments it has at most.
const BURST: f64 = 3.0;
const LONGEST_BURST: usize = 3;
/// An event's share of its video, from and to.
const EVENT_SHARE: (f64, f64) = (0.1, 0.4);
/// What stays of the activity from segment to segment, ordinarily and within an event.
const KEPT: f64 = 0.85;
const KEPT_IN_EVENT: f64 = 0.6;
/// A video's length as a share of the mean one, from and to.
const LENGTHS: (f64, f64) = (0.3, 5.0);

/// The world with its stream of draws.
pub(super) struct CoherentWorld {
    random: Random,
    settings: CoherentEvents,
    mean_length: f64,
    layer: Layer,
    activity: Vec<f64>,
    events: Vec<Vec<f64>>,
}

impl CoherentWorld {
    pub(super) fn new(settings: &Synthetic, events: CoherentEvents, making: Making) -> Self {
        let mut random = Random::of(settings.seed);
        let layer = Layer::draw(
            &mut random,
            LATENT,
            settings.dimension as usize,
            SPREAD,
            making,
        );
        let activity = (0..ACTIVITY.len())
            .map(|rank| 0.8 * libm::pow(0.92, rank as f64))
            .collect();
        let common = direction(&mut random, INSIDE);
        let coherence = events.coherence.get();
        let events_of = (0..EVENT_TYPES).map(|_| {
            let own = direction(&mut random, INSIDE);
            common
                .iter()
                .zip(own)
                .map(|(common, own)| coherence.sqrt() * common + (1.0 - coherence).sqrt() * own)
                .collect()
        });
        let event_directions = events_of.collect();
        Self {
            settings: events,
            mean_length: f64::from(settings.mean_length),
            layer,
            activity,
            events: event_directions,
            random,
        }
    }

    /// The latent vectors of a video's segments.
    fn latents(&mut self, segments: usize, event: Option<&Event>) -> Vec<Vec<f64>> {
        let (random, settings) = (&mut self.random, &self.settings);
        let strength = settings.camera_strength.get();
        let camera: Vec<f64> = CAMERA
            .map(|rank| strength * libm::pow(0.9, rank as f64) * random.normal())
            .collect();
        let busy = libm::exp(BUSY * random.normal());
        let mut level: Vec<f64> = self
            .activity
            .iter()
            .map(|std| std * busy * random.normal())
            .collect();
        let mut burst: Option<Burst> = None;
        let mut latents = Vec::with_capacity(segments);
        for segment in 0..segments {
            let event = event.filter(|event| event.segments.contains(&segment));
            let kept = if event.is_some() { KEPT_IN_EVENT } else { KEPT };
            let fresh = (1.0 - kept * kept).sqrt() * busy;
            let mut latent = vec![0.0; LATENT];
            latent[CAMERA].copy_from_slice(&camera);
            for (at, (value, std)) in level.iter_mut().zip(&self.activity).enumerate() {
                *value = kept * *value + fresh * std * random.normal();
                latent[ACTIVITY.start + at] = *value;
            }
            let flicker = 1.0 + settings.flicker.get() * random.normal();
            if let Some(event) = event {
                let amplitude = settings.amplitude.get() * event.strength * flicker;
                add(&mut latent, amplitude, &self.events[event.kind]);
            }
            // Two segments are a burst's mean length, so that it covers the share of clutter.
            let starts = random.unit() < settings.clutter.get() / 2.0;
            let drawn = Burst::draw(random);
            if burst.is_none() && starts {
                burst = Some(drawn);
            }
            if let Some(under_way) = &mut burst {
                add(
                    &mut latent,
                    BURST * under_way.strength,
                    &under_way.direction,
                );
                under_way.left -= 1;
            }
            burst = burst.filter(|burst| burst.left > 0);
            latents.push(latent);
        }
        latents
    }
}

impl World for CoherentWorld {
    fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    fn video(&mut self, index: usize, label: bool) -> Video {
        let random = &mut self.random;
        let length = libm::exp(libm::log(self.mean_length) - 0.08 + 0.4 * random.normal());
        let (shortest, longest) = (LENGTHS.0 * self.mean_length, LENGTHS.1 * self.mean_length);
        let segments = length.clamp(shortest.max(4.0), longest) as usize;
        let event = Event::draw(random, segments);
        let event = label.then_some(event);
        let latents = self.latents(segments, event.as_ref());
        let mut features = Vec::with_capacity(self.layer.numbers(segments));
        for latent in &latents {
            self.layer.project(latent, &mut self.random, &mut features);
        }
        let frames = |segment: usize| (segment * FRAMES) as u32;
        Video {
            name: format!("video-{:05}", index + 1),
            frames: frames(segments),
            label: Some(label),
            anomalous: event
                .map(|event| frames(event.segments.start)..frames(event.segments.end))
                .into_iter()
                .collect(),
            features: self.layer.features_of(features, segments),
        }
    }
}

/// A contiguous event.
struct Event {
    segments: Range<usize>,
    kind: usize,
    strength: f64,
}

impl Event {
    fn draw(random: &mut Random, segments: usize) -> Self {
        let (low, high) = (libm::log(EVENT_SHARE.0), libm::log(EVENT_SHARE.1));
        let share = libm::exp(low + (high - low) * random.unit());
        let length = ((share * segments as f64) as usize).max(2);
        let start = random.below(segments - length + 1);
        Self {
            segments: start..start + length,
            kind: random.below(EVENT_TYPES),
            strength: libm::exp(STRENGTH * random.normal()),
        }
    }
}

/// An ordinary burst: hard to reconstruct, and like no other.
struct Burst {
    left: usize,
    strength: f64,
    direction: Vec<f64>,
}

impl Burst {
    fn draw(random: &mut Random) -> Self {
        Self {
            left: 1 + random.below(LONGEST_BURST),
            strength: libm::exp(STRENGTH * random.normal()),
            direction: direction(random, 0.0),
        }
    }
}

/// A direction with that share of its squared length inside ordinary activity, the rest where activity never goes.
fn direction(random: &mut Random, inside: f64) -> Vec<f64> {
    let mut vector = vec![0.0; LATENT];
    for (block, share) in [(ACTIVITY, inside), (UNUSUAL, 1.0 - inside)] {
        let part = unit(block.clone().map(|_| random.normal()).collect());
        for (value, part) in vector[block].iter_mut().zip(part) {
            *value = share.sqrt() * part;
        }
    }
    vector
}

fn add(vector: &mut [f64], times: f64, direction: &[f64]) {
    for (value, direction) in vector.iter_mut().zip(direction) {
        *value += times * direction;
    }
}
