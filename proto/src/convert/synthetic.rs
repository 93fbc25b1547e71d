//! Settings of generated data.

use sweeps::{Amount, CoherentEvents, Regime, Synthetic};

use crate::error::WireError;
use crate::number::{finite, required};
use crate::wire;

impl From<&Synthetic> for wire::Synthetic {
    fn from(synthetic: &Synthetic) -> Self {
        let (regime, coherent_events) = match synthetic.regime {
            Regime::OwnCameras => (wire::Regime::OwnCameras, None),
            Regime::FixedCameras => (wire::Regime::FixedCameras, None),
            Regime::HardBursts => (wire::Regime::HardBursts, None),
            Regime::CoherentEvents(events) => (wire::Regime::CoherentEvents, Some(events.into())),
        };
        Self {
            videos: synthetic.videos,
            mean_length: synthetic.mean_length,
            dimension: synthetic.dimension,
            seed: synthetic.seed,
            regime: regime.into(),
            coherent_events,
        }
    }
}

impl TryFrom<wire::Synthetic> for Synthetic {
    type Error = WireError;
    fn try_from(synthetic: wire::Synthetic) -> Result<Self, WireError> {
        const REGIME: &str = "dataset.regime";
        let unknown = |_| WireError::UnknownWord {
            what: REGIME,
            value: synthetic.regime,
        };
        let events = synthetic.coherent_events;
        let regime = match wire::Regime::try_from(synthetic.regime).map_err(unknown)? {
            wire::Regime::Unspecified => return Err(WireError::Missing(REGIME)),
            wire::Regime::OwnCameras => Regime::OwnCameras,
            wire::Regime::FixedCameras => Regime::FixedCameras,
            wire::Regime::HardBursts => Regime::HardBursts,
            wire::Regime::CoherentEvents => {
                Regime::CoherentEvents(required("dataset.coherent_events", events)?.try_into()?)
            }
        };
        Ok(Self {
            videos: synthetic.videos,
            mean_length: synthetic.mean_length,
            dimension: synthetic.dimension,
            seed: synthetic.seed,
            regime,
        })
    }
}

impl From<CoherentEvents> for wire::CoherentEvents {
    fn from(events: CoherentEvents) -> Self {
        Self {
            coherence: events.coherence.get(),
            camera_strength: events.camera_strength.get(),
            amplitude: events.amplitude.get(),
            flicker: events.flicker.get(),
            clutter: events.clutter.get(),
        }
    }
}

impl TryFrom<wire::CoherentEvents> for CoherentEvents {
    type Error = WireError;
    fn try_from(events: wire::CoherentEvents) -> Result<Self, WireError> {
        Ok(Self {
            coherence: amount("dataset.coherence", events.coherence)?,
            camera_strength: amount("dataset.camera_strength", events.camera_strength)?,
            amplitude: amount("dataset.amplitude", events.amplitude)?,
            flicker: amount("dataset.flicker", events.flicker)?,
            clutter: amount("dataset.clutter", events.clutter)?,
        })
    }
}

/// Ranges are checked where the data are made; here a number must be one.
fn amount(what: &'static str, number: f64) -> Result<Amount, WireError> {
    Amount::try_from(finite(what, number)?).map_err(|_| WireError::Negative(what))
}
