//! C3D (Tran et al., "Learning Spatiotemporal Features with 3D Convolutional Networks") up to fc6, whose ReLU is the
//! feature. Names as in the PyTorch port DavideA/c3d-pytorch: `conv1`, `conv2`, `conv3a` … `conv5b`, `fc6`; `Checkpoint`
//! knows those of jfzhang95/pytorch-video-recognition too.

use super::{Observer, TensorSource};
use crate::activations::Activations;
use crate::engine::Engine;
use crate::error::ExtractError;
use crate::fused_conv::{Activation, FusedConv, Pool, Shape};

/// Convolutions with their output channels; `true`: a pool follows.
const CONVOLUTIONS: [(&str, usize, bool); 8] = [
    ("conv1", 64, true),
    ("conv2", 128, true),
    ("conv3a", 256, false),
    ("conv3b", 256, true),
    ("conv4a", 512, false),
    ("conv4b", 512, true),
    ("conv5a", 512, false),
    ("conv5b", 512, true),
];

/// Length of the feature vector.
pub(crate) const DIMENSION: usize = 4096;

/// The network on one device; widths are divided by `shrink` in tests.
pub(crate) struct C3d<E: Engine> {
    convolutions: Vec<(&'static str, E::Packed, bool)>,
    fc6: E::Packed,
}

impl<E: Engine> C3d<E> {
    pub(crate) fn load(
        engine: &E,
        shrink: usize,
        source: &mut dyn TensorSource,
    ) -> Result<Self, ExtractError> {
        let mut load = |name: &str, shape: Shape, stored: &[usize]| {
            let conv = FusedConv {
                shape,
                weights: source.tensor(&format!("{name}.weight"), stored)?,
                bias: source.tensor(&format!("{name}.bias"), &[shape.out])?,
                activation: Activation::Relu,
            };
            engine.pack(&conv)
        };
        let mut input = 3;
        let mut convolutions = Vec::new();
        for (name, width, pooled) in CONVOLUTIONS {
            let shape = Shape {
                out: width / shrink,
                input,
                groups: 1,
                kernel: [3; 3],
                stride: [1; 3],
                padding: [(1, 1); 3],
            };
            convolutions.push((name, load(name, shape, &shape.weights())?, pooled));
            input = shape.out;
        }
        // What is left of a 16×112×112 clip is 1×4×4: the fully connected layer is a convolution over all of it.
        let fc6 = Shape {
            out: DIMENSION / shrink,
            input,
            groups: 1,
            kernel: [1, 4, 4],
            stride: [1; 3],
            padding: [(0, 0); 3],
        };
        Ok(Self {
            convolutions,
            fc6: load("fc6", fc6, &[fc6.out, 16 * input])?,
        })
    }

    /// Features `[B][4096]` of clips `[3, B, 16, 112, 112]`.
    pub(crate) fn features(
        &self,
        engine: &E,
        clips: Activations,
        observe: Observer<'_, E::Activations>,
    ) -> Result<Vec<Vec<f32>>, ExtractError> {
        let mut x = engine.upload(clips)?;
        for (name, convolution, pooled) in &self.convolutions {
            x = engine.convolve(convolution, &x)?;
            if *pooled {
                let frames = if *name == "conv1" { 1 } else { 2 };
                let beside = usize::from(*name == "conv5b");
                let pool = Pool {
                    kernel: [frames, 2, 2],
                    stride: [frames, 2, 2],
                    padding: [(0, 0), (beside, beside), (beside, beside)],
                };
                x = engine.max_pool(&pool, &x)?;
            }
            observe(name, &x)?;
        }
        let x = engine.convolve(&self.fc6, &x)?;
        engine.means(&x)
    }
}
