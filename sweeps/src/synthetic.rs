//! The settings of generated data: how much of it, from which seed, and in which world.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::id::Digest;
use crate::value::encode_text;

/// Raised when the generator of synthetic data gives other bits for the same settings.
pub const SYNTHETIC_REVISION: u32 = 1;

/// The settings of a synthetic data set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Synthetic {
    /// Videos altogether, training and test; two thirds of them train. 6 to 100,000.
    pub videos: u32,
    /// Mean length of a video, in segments of 16 frames. 4 to 10,000.
    pub mean_length: u32,
    /// Feature dimension. 8 to 16,384.
    pub dimension: u32,
    /// Seed of the generator, independent of the seeds of the jobs.
    pub seed: u64,
    /// The world that the data come from.
    pub regime: Regime,
}

/// The worlds in which the method behaves differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Regime {
    /// Every video has its own camera: much of the variance tells videos apart.
    OwnCameras,
    /// All videos share the cameras.
    FixedCameras,
    /// Fixed cameras, and many normal segments that nobody can predict.
    HardBursts,
    /// Events share a direction, and the hard normal segments have none in common.
    CoherentEvents(CoherentEvents),
}

/// What can be turned in the world of coherent events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoherentEvents {
    /// Share of an event's squared length along the one direction that all events have in common. 0 to 1.
    pub coherence: Amount,
    /// How far each video's own camera moves its features. 0 to 100.
    pub camera_strength: Amount,
    /// How far an event moves them. 0 to 100.
    pub amplitude: Amount,
    /// How much an event's strength changes from segment to segment, as a share of it. 0 to 100.
    pub flicker: Amount,
    /// About this share of all segments lies in ordinary bursts, each along a direction of its own. 0 to 1.
    pub clutter: Amount,
}

/// A finite number from 0 on. Equal, ordered and hashed as a number: −0 is 0.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Amount(f64);

/// A number that is no amount.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{0} is no finite number from 0 on")]
pub struct NoAmount(f64);

impl Regime {
    /// Every regime with its name in a sweep file, and its settings at their defaults.
    pub const ALL: [(&'static str, Self); 4] = [
        ("own-cameras", Self::OwnCameras),
        ("fixed-cameras", Self::FixedCameras),
        ("hard-bursts", Self::HardBursts),
        (
            "coherent-events",
            Self::CoherentEvents(CoherentEvents::DEFAULT),
        ),
    ];

    /// The name in a sweep file.
    pub fn name(self) -> &'static str {
        match self {
            Self::OwnCameras => "own-cameras",
            Self::FixedCameras => "fixed-cameras",
            Self::HardBursts => "hard-bursts",
            Self::CoherentEvents(_) => "coherent-events",
        }
    }
}

impl CoherentEvents {
    /// A world in which the steps of the paper appear.
    pub const DEFAULT: Self = Self {
        coherence: Amount(0.9),
        camera_strength: Amount(1.0),
        amplitude: Amount(2.0),
        flicker: Amount(0.6),
        clutter: Amount(0.1),
    };

    /// Every setting with its name in a sweep file, in the order of its encoding, which is never changed.
    pub fn settings(&self) -> [(&'static str, Amount); 5] {
        [
            ("coherence", self.coherence),
            ("camera_strength", self.camera_strength),
            ("amplitude", self.amplitude),
            ("flicker", self.flicker),
            ("clutter", self.clutter),
        ]
    }

    /// The setting of that name, to be changed.
    pub fn setting_mut(&mut self, name: &str) -> Option<&mut Amount> {
        match name {
            "coherence" => Some(&mut self.coherence),
            "camera_strength" => Some(&mut self.camera_strength),
            "amplitude" => Some(&mut self.amplitude),
            "flicker" => Some(&mut self.flicker),
            "clutter" => Some(&mut self.clutter),
            _ => None,
        }
    }
}

impl Default for Synthetic {
    fn default() -> Self {
        Self {
            videos: 90,
            mean_length: 25,
            dimension: 128,
            seed: 0,
            regime: Regime::FixedCameras,
        }
    }
}

impl Synthetic {
    /// The digest that stands for the data in a [`crate::JobId`]: of the settings and the generator's revision, since the
    /// bytes follow from them.
    pub fn digest(&self) -> Digest {
        let mut bytes = Vec::new();
        encode_text("synthetic", &mut bytes);
        bytes.extend(SYNTHETIC_REVISION.to_le_bytes());
        for number in [self.videos, self.mean_length, self.dimension] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.seed.to_le_bytes());
        encode_text(self.regime.name(), &mut bytes);
        if let Regime::CoherentEvents(events) = &self.regime {
            for (_, amount) in events.settings() {
                bytes.extend(amount.get().to_le_bytes());
            }
        }
        Digest::of(&bytes)
    }
}

/// The name that people see. Settings of the world that are not at their defaults are in it, so that two data sets never share one.
impl fmt::Display for Synthetic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "synthetic-{}", self.regime.name())?;
        if let Regime::CoherentEvents(events) = &self.regime {
            let defaults = CoherentEvents::DEFAULT.settings();
            for ((name, amount), (_, default)) in events.settings().into_iter().zip(defaults) {
                if amount != default {
                    write!(formatter, "-{name}{amount}")?;
                }
            }
        }
        write!(
            formatter,
            "-{}x{}-d{}-s{}",
            self.videos, self.mean_length, self.dimension, self.seed
        )
    }
}

impl Amount {
    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Amount {
    type Error = NoAmount;

    fn try_from(number: f64) -> Result<Self, NoAmount> {
        if number.is_finite() && number >= 0.0 {
            Ok(Self(number + 0.0))
        } else {
            Err(NoAmount(number))
        }
    }
}

impl From<Amount> for f64 {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl PartialEq for Amount {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Amount {}

impl PartialOrd for Amount {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Amount {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Hash for Amount {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(regime: Regime) -> Synthetic {
        Synthetic {
            videos: 12,
            mean_length: 6,
            dimension: 8,
            seed: 3,
            regime,
        }
    }

    /// Every id of a job on synthetic data hangs on these.
    #[test]
    fn digests_and_names_are_pinned() {
        let shown = Regime::ALL.map(|(name, regime)| {
            assert_eq!(regime.name(), name);
            (set(regime).digest().short(), set(regime).to_string())
        });
        let expected = [
            ("99f652fedec7", "synthetic-own-cameras-12x6-d8-s3"),
            ("68cac9ccb61a", "synthetic-fixed-cameras-12x6-d8-s3"),
            ("57648d5c0d40", "synthetic-hard-bursts-12x6-d8-s3"),
            ("52f398611a22", "synthetic-coherent-events-12x6-d8-s3"),
        ];
        assert_eq!(
            shown.map(|(digest, name)| (digest, name)),
            expected.map(|(digest, name)| (digest.to_owned(), name.to_owned()))
        );
    }

    #[test]
    fn every_setting_of_coherent_events_is_in_name_and_digest() {
        let base = set(Regime::ALL[3].1);
        let names: Vec<&str> = CoherentEvents::DEFAULT
            .settings()
            .map(|(name, _)| name)
            .to_vec();
        for name in names {
            let mut events = CoherentEvents::DEFAULT;
            *events.setting_mut(name).unwrap() = Amount::try_from(0.25).unwrap();
            let other = set(Regime::CoherentEvents(events));
            assert_ne!(other.digest(), base.digest(), "{name}");
            assert_eq!(
                other.to_string(),
                format!("synthetic-coherent-events-{name}0.25-12x6-d8-s3")
            );
        }
    }

    #[test]
    fn an_amount_is_finite_and_not_negative() {
        for wrong in [f64::NAN, f64::INFINITY, -1e-300] {
            assert!(Amount::try_from(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Amount::try_from(-0.0), Ok(Amount(0.0)));
        assert!(serde_json::from_str::<Amount>("-1").is_err());
    }

    #[test]
    fn json_of_the_first_regimes_is_as_it_was() {
        let text = r#"{"videos":12,"mean_length":6,"dimension":8,"seed":3,"regime":"hard-bursts"}"#;
        let set = set(Regime::HardBursts);
        assert_eq!(serde_json::to_string(&set).unwrap(), text);
        assert_eq!(serde_json::from_str::<Synthetic>(text).unwrap(), set);
        let coherent = Synthetic {
            regime: Regime::ALL[3].1,
            ..set
        };
        let text = serde_json::to_string(&coherent).unwrap();
        assert_eq!(serde_json::from_str::<Synthetic>(&text).unwrap(), coherent);
    }
}
