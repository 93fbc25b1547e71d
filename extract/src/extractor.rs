//! A network with its weights on a device: clips in, features out.

use kernels::Threads;

use crate::backbone::Backbone;
use crate::cpu::Cpu;
use crate::device::{Candle, Device, Kind};
use crate::engine::Engine;
use crate::error::ExtractError;
use crate::network::{C3d, Lite0, Plan, ResNext, TensorSource};
use crate::volume::Volume;
use crate::weights::Weights;

/// A square clip of RGB frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    /// Frames T.
    pub frames: usize,
    /// Rows and columns S.
    pub side: usize,
    /// `[T, S, S, 3]`, row by row.
    pub pixels: Vec<u8>,
}

/// A stage of the network: its name, and its output brought back from the device.
pub(crate) type Stages<'a> = &'a mut (dyn FnMut(&str, &Volume) + Send);

/// A network on one device.
enum Network<E: Engine> {
    ResNext(ResNext<E>),
    C3d(C3d<E>),
    Lite0(Lite0<E>),
}

enum Placed {
    /// With counted threads, never the whole machine's.
    Cpu(Cpu, Threads, Box<Network<Cpu>>),
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

    fn features(
        &self,
        engine: &E,
        clips: Volume,
        stages: Option<Stages<'_>>,
    ) -> Result<Vec<Vec<f32>>, ExtractError> {
        let mut stages = stages;
        let observe = &mut |name: &str, volume: &E::Volume| {
            if let Some(stages) = &mut stages {
                stages(name, &engine.download(volume)?);
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
            Placed::Candle(candle, _) => candle.name().to_owned(),
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
        let volume = self.volume(clips)?;
        if clips.is_empty() {
            return Ok(Vec::new());
        }
        match &self.placed {
            Placed::Cpu(cpu, pool, network) => {
                pool.install(|| network.features(cpu, volume, stages))
            }
            Placed::Candle(candle, network) => network.features(candle, volume, stages),
        }
    }

    /// RGB bytes to `[3, B, T, S, S]`, normalised as the backbone wants.
    fn volume(&self, clips: &[Clip]) -> Result<Volume, ExtractError> {
        let side = self.backbone.crop();
        let frames = clips.first().map_or(0, |clip| clip.frames);
        let fits = |clip: &Clip| {
            clip.frames == frames
                && clip.side == side
                && frames > 0
                && clip.pixels.len() == frames * side * side * 3
                && (self.backbone != Backbone::C3d || frames == 16)
        };
        if !clips.iter().all(fits) {
            return Err(ExtractError::Request(format!(
                "{} wants clips of equal length and {side}×{side} pixels",
                self.backbone.name()
            )));
        }
        let (means, divisor) = self.backbone.normalisation();
        let mut volume = Volume::zeros(3, clips.len(), [frames, side, side]);
        let positions = volume.positions();
        for (channel, mean) in means.into_iter().enumerate() {
            for (clip, values) in clips.iter().enumerate() {
                let to =
                    &mut volume.values[(channel * clips.len() + clip) * positions..][..positions];
                for (to, pixel) in to
                    .iter_mut()
                    .zip(values.pixels[channel..].iter().step_by(3))
                {
                    *to = (f32::from(*pixel) - mean) / divisor;
                }
            }
        }
        Ok(volume)
    }
}
