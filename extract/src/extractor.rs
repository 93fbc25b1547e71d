//! A network with its weights on a device: clips in, features out.

use kernels::Threads;

use crate::activations::Activations;
use crate::backbone::Backbone;
#[cfg(feature = "candle")]
use crate::candle::Candle;
use crate::clip::Clip;
use crate::cpu::Cpu;
use crate::device::{Device, Kind};
use crate::engine::Engine;
use crate::error::ExtractError;
use crate::network::{C3d, Lite0, Plan, ResNext, TensorSource};
use crate::weights::Weights;

/// A stage of the network: its name, and its output brought back from the device. On a GPU lot by lot.
pub(crate) type Stages<'a> = &'a mut (dyn FnMut(&str, &Activations) + Send);

/// A network on one device.
enum Network<E: Engine> {
    ResNext(ResNext<E>),
    C3d(C3d<E>),
    Lite0(Lite0<E>),
}

enum Placed {
    /// With counted threads, never the whole machine's.
    Cpu(Cpu, Threads, Box<Network<Cpu>>),
    #[cfg(feature = "candle")]
    Candle(Candle, Box<Network<Candle>>),
}

/// A feature extractor, ready.
pub struct Extractor {
    backbone: Backbone,
    placed: Placed,
}

impl<E: Engine> Network<E> {
    fn load(
        engine: &E,
        backbone: Backbone,
        source: &mut dyn TensorSource,
    ) -> Result<Self, ExtractError> {
        Ok(match backbone {
            Backbone::ResNext101 => {
                Self::ResNext(ResNext::load(engine, &Plan::resnext101(), source)?)
            }
            Backbone::ResNext50 => {
                Self::ResNext(ResNext::load(engine, &Plan::resnext50(), source)?)
            }
            Backbone::C3d => Self::C3d(C3d::load(engine, 1, source)?),
            Backbone::EfficientNetLite0 => Self::Lite0(Lite0::load(engine, source)?),
        })
    }

    /// Of the first `wanted` clips the stages are told.
    fn features(
        &self,
        engine: &E,
        clips: Activations,
        wanted: usize,
        stages: Option<Stages<'_>>,
    ) -> Result<Vec<Vec<f32>>, ExtractError> {
        let mut stages = stages;
        let observe = &mut |name: &str, activations: &E::Activations| {
            if let Some(stages) = &mut stages {
                stages(name, &engine.download(activations)?.first_clips(wanted));
            }
            Ok(())
        };
        match self {
            Self::ResNext(network) => network.features(engine, clips, observe),
            Self::C3d(network) => network.features(engine, clips, observe),
            Self::Lite0(network) => network.features(engine, clips, observe),
        }
    }
}

impl Extractor {
    /// Loads weights onto a device.
    pub fn load(
        backbone: Backbone,
        weights: &Weights,
        device: &Device,
    ) -> Result<Self, ExtractError> {
        let mut source = weights.source()?;
        let extractor = Self::from_source(backbone, &mut *source, device)?;
        source.finish()?;
        Ok(extractor)
    }

    pub(crate) fn from_source(
        backbone: Backbone,
        source: &mut dyn TensorSource,
        device: &Device,
    ) -> Result<Self, ExtractError> {
        let placed = match &device.0 {
            Kind::Cpu(threads) => {
                let (cpu, pool) = (Cpu::new(), threads.clone());
                let network = Network::load(&cpu, backbone, source)?;
                Placed::Cpu(cpu, pool, Box::new(network))
            }
            #[cfg(feature = "candle")]
            Kind::Candle(device, name) => {
                let candle = Candle::new(device.clone(), name.clone());
                let network = Network::load(&candle, backbone, source)?;
                Placed::Candle(candle, Box::new(network))
            }
        };
        Ok(Self { backbone, placed })
    }

    /// Which network it is.
    pub fn backbone(&self) -> Backbone {
        self.backbone
    }

    /// Where it runs; for a CPU with the instruction set, on which the last bits depend.
    pub fn device(&self) -> String {
        match &self.placed {
            Placed::Cpu(cpu, ..) => format!("cpu ({})", cpu.isa().name()),
            #[cfg(feature = "candle")]
            Placed::Candle(candle, _) => candle.name().to_owned(),
        }
    }

    /// Clips to hand over at once so that no lot has to be filled up: `batch`, rounded up to whole lots.
    pub(crate) fn whole_lots(&self, batch: usize) -> usize {
        match &self.placed {
            Placed::Cpu(..) => batch,
            #[cfg(feature = "candle")]
            Placed::Candle(candle, _) => batch.next_multiple_of(candle.lot()),
        }
    }

    /// Features `[B][dimension]` of B clips of one size. A clip's features do not depend on the others.
    pub fn features(&self, clips: &[Clip]) -> Result<Vec<Vec<f32>>, ExtractError> {
        self.features_and_stages(clips, None)
    }

    pub(crate) fn features_and_stages(
        &self,
        clips: &[Clip],
        stages: Option<Stages<'_>>,
    ) -> Result<Vec<Vec<f32>>, ExtractError> {
        self.check(clips)?;
        self.computed(clips, stages)
    }

    /// The same of clips of any one size.
    fn computed(
        &self,
        clips: &[Clip],
        stages: Option<Stages<'_>>,
    ) -> Result<Vec<Vec<f32>>, ExtractError> {
        if clips.is_empty() {
            return Ok(Vec::new());
        }
        let preprocessing = self.backbone.preprocessing();
        match &self.placed {
            Placed::Cpu(cpu, pool, network) => {
                let activations = preprocessing.values(&clips.iter().collect::<Vec<_>>());
                pool.install(|| network.features(cpu, activations, clips.len(), stages))
            }
            #[cfg(feature = "candle")]
            Placed::Candle(candle, network) => {
                let mut stages = stages;
                let mut features = Vec::with_capacity(clips.len());
                for lot in clips.chunks(candle.lot()) {
                    let fill = lot.last().into_iter().cycle();
                    let fill = fill.take(candle.lot() - lot.len());
                    let activations =
                        preprocessing.values(&lot.iter().chain(fill).collect::<Vec<_>>());
                    let stages: Option<Stages<'_>> = match &mut stages {
                        Some(stages) => Some(&mut **stages),
                        None => None,
                    };
                    let found = network.features(candle, activations, lot.len(), stages)?;
                    features.extend(found.into_iter().take(lot.len()));
                }
                Ok(features)
            }
        }
    }

    /// Refuses clips of other sizes than the network's.
    fn check(&self, clips: &[Clip]) -> Result<(), ExtractError> {
        let side = self.backbone.crop();
        let frames = clips.first().map_or(0, |clip| clip.frames);
        let fits = |clip: &Clip| {
            clip.frames == frames
                && clip.side == side
                && frames > 0
                && clip.pixels.len() == frames * side * side * 3
                && (self.backbone != Backbone::C3d || frames == 16)
        };
        if clips.iter().all(fits) {
            return Ok(());
        }
        Err(ExtractError::Request(format!(
            "{} wants clips of equal length and {side}×{side} pixels",
            self.backbone.name()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Smaller pictures than videos give: candle's loops are compiled without optimisation here.
    const SIDE: usize = 64;

    /// As on a GPU: in lots of two, the last filled up. The bits of a clip's features do not depend on the others, nor on
    /// how many there are; the stages tell of no clip that only fills.
    #[test]
    fn lots_are_filled_up_and_change_nothing() {
        let weights = Weights::Random(3);
        let mut source = weights.source().unwrap();
        let device = candle_core::Device::Cpu;
        let candle = Candle::in_lots_of(2, device, "lots".to_owned());
        let backbone = Backbone::EfficientNetLite0;
        let network = Network::load(&candle, backbone, &mut *source).unwrap();
        let extractor = Extractor {
            backbone,
            placed: Placed::Candle(candle, Box::new(network)),
        };
        let clips: Vec<Clip> = (0..3)
            .map(|salt| Clip {
                frames: 1,
                side: SIDE,
                pixels: (0..SIDE * SIDE * 3)
                    .map(|at| ((at * 7919 + salt * 31) % 251) as u8)
                    .collect(),
            })
            .collect();
        let mut clips_of_stages = Vec::new();
        let mut stages = |name: &str, activations: &Activations| {
            if name == "stem" {
                clips_of_stages.push((activations.clips, activations.values.len()));
            }
        };
        let features = extractor.computed(&clips, Some(&mut stages)).unwrap();
        assert_eq!(features.len(), 3);
        let stem = 32 * (SIDE / 2) * (SIDE / 2);
        assert_eq!(clips_of_stages, [(2, 2 * stem), (1, stem)]);
        for (clip, features) in clips.iter().zip(&features) {
            let alone = extractor
                .computed(std::slice::from_ref(clip), None)
                .unwrap();
            assert_eq!(alone[0], *features);
        }
        assert_eq!(extractor.whole_lots(3), 4);
    }
}
