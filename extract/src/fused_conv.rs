//! One convolution with its batch norm folded in: what the networks are made of, independent of the device.

/// The shape of a convolution over frames, rows and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Output channels.
    pub(crate) out: usize,
    /// Input channels.
    pub(crate) input: usize,
    /// Groups of channels that do not see each other.
    pub(crate) groups: usize,
    /// Kernel over T, H, W.
    pub(crate) kernel: [usize; 3],
    /// Stride over T, H, W.
    pub(crate) stride: [usize; 3],
    /// Zeros before the first and after the last input of each axis.
    pub(crate) padding: [(usize, usize); 3],
}

impl Shape {
    /// Shape of the weights: `[out, input / groups, kt, kh, kw]`.
    pub(crate) fn weights(&self) -> [usize; 5] {
        let [kt, kh, kw] = self.kernel;
        [self.out, self.input / self.groups, kt, kh, kw]
    }

    /// Size of the output for an input of that size; zero where the kernel does not fit.
    pub(crate) fn output(&self, size: [usize; 3]) -> [usize; 3] {
        std::array::from_fn(|axis| {
            let (before, after) = self.padding[axis];
            (size[axis] + before + after)
                .checked_sub(self.kernel[axis])
                .map_or(0, |room| room / self.stride[axis] + 1)
        })
    }

    /// A convolution that looks at one position only.
    pub(crate) fn is_pointwise(&self) -> bool {
        self.kernel == [1; 3] && self.groups == 1 && self.padding == [(0, 0); 3]
    }
}

/// What follows the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activation {
    /// Nothing.
    Linear,
    /// max(x, 0).
    Relu,
    /// min(max(x, 0), 6).
    Relu6,
}

impl Activation {
    #[inline]
    pub(crate) fn apply(self, x: f32) -> f32 {
        match self {
            Self::Linear => x,
            Self::Relu => x.max(0.0),
            Self::Relu6 => x.clamp(0.0, 6.0),
        }
    }
}

/// Weights and bias with the batch norm folded in: w·γ/√(var + ε), β − mean·γ/√(var + ε).
#[derive(Debug, Clone)]
pub(crate) struct FusedConv {
    /// The shape.
    pub(crate) shape: Shape,
    /// `[out, input / groups, kt, kh, kw]`, row by row.
    pub(crate) weights: Vec<f32>,
    /// `[out]`.
    pub(crate) bias: Vec<f32>,
    /// What follows.
    pub(crate) activation: Activation,
}

/// The batch norm that follows a convolution, as trained.
#[derive(Debug)]
pub(crate) struct BatchNorm {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) mean: Vec<f32>,
    pub(crate) variance: Vec<f32>,
    pub(crate) epsilon: f64,
}

impl FusedConv {
    /// Folds the batch norm in; computed in f64.
    pub(crate) fn folded(
        shape: Shape,
        mut weights: Vec<f32>,
        norm: &BatchNorm,
        activation: Activation,
    ) -> Self {
        let per_channel = weights.len() / shape.out;
        let mut bias = Vec::with_capacity(shape.out);
        for (channel, weights) in weights.chunks_mut(per_channel).enumerate() {
            let scale = f64::from(norm.weight[channel])
                / (f64::from(norm.variance[channel]) + norm.epsilon).sqrt();
            for weight in weights {
                *weight = (f64::from(*weight) * scale) as f32;
            }
            bias.push(
                (f64::from(norm.bias[channel]) - f64::from(norm.mean[channel]) * scale) as f32,
            );
        }
        Self {
            shape,
            weights,
            bias,
            activation,
        }
    }
}

/// Max pooling over T, H, W; padding counts as −∞.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pool {
    pub(crate) kernel: [usize; 3],
    pub(crate) stride: [usize; 3],
    /// Before and after each axis; less than the kernel.
    pub(crate) padding: [(usize, usize); 3],
}

impl Pool {
    /// Size of the output for an input of that size.
    pub(crate) fn output(&self, size: [usize; 3]) -> [usize; 3] {
        Shape {
            out: 1,
            input: 1,
            groups: 1,
            kernel: self.kernel,
            stride: self.stride,
            padding: self.padding,
        }
        .output(size)
    }
}
