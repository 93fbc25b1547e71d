//! Synthetic data: features of a small world, made from a seed.
//!
//! A latent vector moves as the world's rules say; a fixed random layer with a ReLU makes features of it, non-negative and unequally
//! scaled as those of a network after average pooling. Everything is drawn from ChaCha and computed with `libm`, so that every
//! machine makes the same bytes. Which videos are anomalous is drawn first and only decides whether an event is put in: names,
//! order and lengths carry nothing of it.
//!
//! Reading order: `random`, `videos`, `layer`, `scenes`, `coherent_events`.

mod coherent_events;
mod layer;
mod random;
mod scenes;
mod videos;

use std::ops::Range;

use sweeps::parameter::Kind;
use sweeps::registry::SETTINGS;
use sweeps::{Regime, Synthetic};

use crate::dataset::{Dataset, Metadata, Split};
use crate::error::{DatasetError, Faults};
use coherent_events::CoherentWorld;
use layer::Making;
use scenes::{Rules, SceneWorld};
use videos::{FRAMES, World};

pub(crate) use random::Random;

/// Bytes of features beyond which making them in memory is refused.
const MOST_BYTES: u64 = 16 << 30;

fn world_of(settings: &Synthetic, making: Making) -> Box<dyn World> {
    let rules = match settings.regime {
        Regime::OwnCameras => Rules::OWN_CAMERAS,
        Regime::FixedCameras => Rules::FIXED_CAMERAS,
        Regime::HardBursts => Rules::HARD_BURSTS,
        Regime::CoherentEvents(events) => {
            return Box::new(CoherentWorld::new(settings, events, making));
        }
    };
    Box::new(SceneWorld::new(settings, rules, making))
}

/// Makes the data set of these settings.
///
/// # Errors
/// More bytes than fit in memory.
pub fn synthesize(settings: &Synthetic) -> Result<Dataset, DatasetError> {
    made(settings, Making::Features)
}

/// The same without its features, in a fraction of the time: videos with their lengths, labels and truth. To look at a feature of it panics.
///
/// # Errors
/// More bytes than fit in memory, had they been made.
pub fn outline(settings: &Synthetic) -> Result<Dataset, DatasetError> {
    made(settings, Making::Nothing)
}

fn made(settings: &Synthetic, making: Making) -> Result<Dataset, DatasetError> {
    let name = settings.to_string();
    check(settings, &name)?;
    let mut world = world_of(settings, making);
    let train = (settings.videos as usize * 2).div_ceil(3);
    let (train, test) = (
        split(world.as_mut(), 0..train),
        split(world.as_mut(), train..settings.videos as usize),
    );
    Ok(Dataset {
        metadata: Metadata {
            name,
            feature_dim: settings.dimension as usize,
            frames_per_segment: FRAMES as u32,
            extractor: "synthetic (gcl-sweep data synth)".to_owned(),
            source: format!(
                "synthetic: regime {}, seed {}",
                settings.regime.name(),
                settings.seed
            ),
            licence: "CC0-1.0".to_owned(),
        },
        synthetic: true,
        digest: settings.digest(),
        train,
        test,
        notes: Vec::new(),
    })
}

/// The ranges are those of `[dataset.synthetic]` in a sweep file; the settings may come from elsewhere.
fn check(settings: &Synthetic, name: &str) -> Result<(), DatasetError> {
    let mut faults = Faults::new(name.as_ref());
    for setting in SETTINGS {
        let (least, most) = match setting.kind {
            Kind::Integer { min, max } => (min as f64, max as f64),
            Kind::Float(range) => (range.min, range.max),
            _ => continue,
        };
        let value = settings.setting(setting.name);
        if let Some(value) = value.and_then(|value| value.as_float())
            && !(least..=most).contains(&value)
        {
            let key = setting.name.rsplit('.').next().unwrap_or_default();
            faults.add(
                key.as_ref(),
                format_args!("{value} is out of range [{least}, {most}]"),
            );
        }
    }
    let bytes = [settings.videos, settings.mean_length, settings.dimension, 4]
        .iter()
        .fold(1_u64, |bytes, factor| {
            bytes.saturating_mul(u64::from(*factor))
        });
    if bytes > MOST_BYTES && !faults.any() {
        faults.add(
            "synthetic".as_ref(),
            format_args!("these settings make about {bytes} bytes of features; at most {MOST_BYTES} are made in memory"),
        );
    }
    faults.finish(())
}

/// The videos of one split: half of them anomalous, at least one of each kind, in an order that is drawn.
fn split(world: &mut dyn World, videos: Range<usize>) -> Split {
    let count = videos.len();
    let mut labels: Vec<bool> = (0..count).map(|index| index < (count / 2).max(1)).collect();
    for index in (1..count).rev() {
        labels.swap(index, world.random().below(index + 1));
    }
    Split {
        videos: videos
            .zip(labels)
            .map(|(index, label)| world.video(index, label))
            .collect(),
    }
}
