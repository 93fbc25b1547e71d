//! ResNeXt over frames (Hara et al., "Can Spatiotemporal 3D CNNs Retrace the History of 2D CNNs and ImageNet?"):
//! cardinality 32, shortcut B, without its classifier.

use super::{Observer, Rank, TensorSource, normed};
use crate::activations::Activations;
use crate::engine::Engine;
use crate::error::ExtractError;
use crate::fused_conv::{Activation, Pool, Shape};

/// PyTorch's default epsilon.
const NORM: (Rank, f64) = (Rank::Video, 1e-5);

/// Sizes of a ResNeXt; tests use tiny ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Channels after the first convolution.
    pub(crate) stem: usize,
    /// Groups of the 3×3×3 convolutions.
    pub(crate) groups: usize,
    /// Per layer: number of blocks and middle width; twice that goes out.
    pub(crate) layers: [(usize, usize); 4],
}

impl Plan {
    /// 101 layers.
    pub(crate) fn resnext101() -> Self {
        Self::with_blocks([3, 4, 23, 3])
    }

    /// 50 layers.
    pub(crate) fn resnext50() -> Self {
        Self::with_blocks([3, 4, 6, 3])
    }

    fn with_blocks(blocks: [usize; 4]) -> Self {
        Self {
            stem: 64,
            groups: 32,
            layers: std::array::from_fn(|layer| (blocks[layer], 128 << layer)),
        }
    }

    /// Length of the feature vector.
    pub(crate) fn dimension(&self) -> usize {
        2 * self.layers[3].1
    }
}

struct Block<E: Engine> {
    reduce: E::Packed,
    grouped: E::Packed,
    expand: E::Packed,
    shortcut: Option<E::Packed>,
}

/// The network on one device.
pub(crate) struct ResNext<E: Engine> {
    stem: E::Packed,
    layers: Vec<Vec<Block<E>>>,
}

fn shape(input: usize, out: usize, groups: usize, kernel: usize, stride: usize) -> Shape {
    Shape {
        out,
        input,
        groups,
        kernel: [kernel; 3],
        stride: [stride; 3],
        padding: [(kernel / 2, kernel / 2); 3],
    }
}

impl<E: Engine> ResNext<E> {
    pub(crate) fn load(
        engine: &E,
        plan: &Plan,
        source: &mut dyn TensorSource,
    ) -> Result<Self, ExtractError> {
        let stem = Shape {
            stride: [1, 2, 2],
            ..shape(3, plan.stem, 1, 7, 1)
        };
        let stem = engine.pack(&normed(
            source,
            "conv1",
            "bn1",
            stem,
            NORM,
            Activation::Relu,
        )?)?;
        let mut layers = Vec::new();
        let mut input = plan.stem;
        for (index, (blocks, width)) in plan.layers.into_iter().enumerate() {
            let mut layer = Vec::new();
            for block in 0..blocks {
                let stride = if index > 0 && block == 0 { 2 } else { 1 };
                let name = |part: &str| format!("layer{}.{block}.{part}", index + 1);
                let mut part = |conv: &str, norm: &str, shape: Shape, activation: Activation| {
                    let fused = normed(source, &name(conv), &name(norm), shape, NORM, activation)?;
                    engine.pack(&fused)
                };
                let out = 2 * width;
                let reduce = part(
                    "conv1",
                    "bn1",
                    shape(input, width, 1, 1, 1),
                    Activation::Relu,
                )?;
                let grouped = shape(width, width, plan.groups, 3, stride);
                let grouped = part("conv2", "bn2", grouped, Activation::Relu)?;
                // The ReLU comes after the sum with the shortcut.
                let expand = part("conv3", "bn3", shape(width, out, 1, 1, 1), Activation::Relu)?;
                let shortcut = if block == 0 && (stride != 1 || input != out) {
                    let shape = shape(input, out, 1, 1, stride);
                    Some(part(
                        "downsample.0",
                        "downsample.1",
                        shape,
                        Activation::Linear,
                    )?)
                } else {
                    None
                };
                layer.push(Block {
                    reduce,
                    grouped,
                    expand,
                    shortcut,
                });
                input = out;
            }
            layers.push(layer);
        }
        Ok(Self { stem, layers })
    }

    /// Features `[B][2048]` of clips `[3, B, T, H, W]`: RGB minus its means.
    pub(crate) fn features(
        &self,
        engine: &E,
        clips: Activations,
        observe: Observer<'_, E::Activations>,
    ) -> Result<Vec<Vec<f32>>, ExtractError> {
        let x = engine.upload(clips)?;
        let x = engine.convolve(&self.stem, &x)?;
        let pool = Pool {
            kernel: [3; 3],
            stride: [2; 3],
            padding: [(1, 1); 3],
        };
        let mut x = engine.max_pool(&pool, &x)?;
        observe("maxpool", &x)?;
        for (index, layer) in self.layers.iter().enumerate() {
            for block in layer {
                let inner = engine.convolve(&block.reduce, &x)?;
                let inner = engine.convolve(&block.grouped, &inner)?;
                let shortcut = match &block.shortcut {
                    Some(shortcut) => engine.convolve(shortcut, &x)?,
                    None => x,
                };
                x = engine.convolve_onto(&block.expand, &inner, shortcut)?;
            }
            observe(&format!("layer{}", index + 1), &x)?;
        }
        engine.means(&x)
    }
}
