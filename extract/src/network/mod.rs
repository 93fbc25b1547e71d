//! The networks, written once for every device.

mod c3d;
mod lite0;
mod resnext;

pub(crate) use c3d::C3d;
pub(crate) use lite0::Lite0;
pub(crate) use resnext::{Plan, ResNext};

use crate::error::ExtractError;
use crate::fused_conv::{Activation, BatchNorm, FusedConv, Shape};

/// Where the tensors of a network come from.
pub(crate) trait TensorSource {
    /// The tensor of that name, checked against that shape.
    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ExtractError>;
}

/// Called after each stage with its name and its output.
pub(crate) type Observer<'a, V> = &'a mut dyn FnMut(&str, &V) -> Result<(), ExtractError>;

/// Axes of a stored kernel: networks for single images have none for frames.
#[derive(Debug, Clone, Copy)]
enum Rank {
    Image,
    Video,
}

/// A convolution without bias and the batch norm after it, both by name.
fn normed(
    source: &mut dyn TensorSource,
    conv: &str,
    norm: &str,
    shape: Shape,
    (rank, epsilon): (Rank, f64),
    activation: Activation,
) -> Result<FusedConv, ExtractError> {
    let [out, input, kt, kh, kw] = shape.weights();
    let weights = match rank {
        Rank::Image => source.tensor(&format!("{conv}.weight"), &[out, input, kh, kw]),
        Rank::Video => source.tensor(&format!("{conv}.weight"), &[out, input, kt, kh, kw]),
    }?;
    let mut vector = |part: &str| source.tensor(&format!("{norm}.{part}"), &[shape.out]);
    let norm = BatchNorm {
        weight: vector("weight")?,
        bias: vector("bias")?,
        mean: vector("running_mean")?,
        variance: vector("running_var")?,
        epsilon,
    };
    Ok(FusedConv::folded(shape, weights, &norm, activation))
}
