//! What extraction runs on, chosen once; and the networks' operations in candle's, for GPUs.
//!
//! candle has no 3-D convolution. Here the frames under the kernel are laid side by side as channels of one image, so that
//! one 2-D convolution per layer does it: [B·T′, G·kt·C/G, H, W] with the weights reordered the same way.

use candle_core::{DType, Device as Candled, Tensor};
use kernels::Threads;

use crate::engine::Engine;
use crate::error::ExtractError;
use crate::filter::{Activation, Filter, Pool, Shape};
use crate::volume::Volume;

/// A device that is open.
#[derive(Debug, Clone)]
pub struct Device(pub(crate) Kind);

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// The processor, by this crate's own loops.
    Cpu(Threads),
    /// candle's operations.
    Candle(Candled, String),
}

impl Device {
    /// Opens a device by name: `cpu`, `cuda:N`, or `auto` (the first GPU of a CUDA build where there is one, else the
    /// CPU). `candle-cpu` runs the GPU's operations on the CPU: slow, for tests and doubts.
    ///
    /// `threads` is for the CPU; unset, one per core. Features do not depend on it.
    pub fn open(name: &str, threads: Option<usize>) -> Result<Self, ExtractError> {
        let cpu = || {
            Threads::start(threads, "extract")
                .map(|threads| Self(Kind::Cpu(threads)))
                .map_err(|error| ExtractError::Device(error.to_string()))
        };
        match name {
            "cpu" => cpu(),
            "candle-cpu" => Ok(Self(Kind::Candle(Candled::Cpu, name.to_owned()))),
            "auto" => Self::cuda(0).or_else(|_| cpu()),
            _ => match name.strip_prefix("cuda:").map(str::parse) {
                Some(Ok(ordinal)) => Self::cuda(ordinal),
                _ => Err(ExtractError::Device(format!(
                    "there is none of the name `{name}`; `cpu`, `auto` and `cuda:N` are possible"
                ))),
            },
        }
    }

    fn cuda(ordinal: usize) -> Result<Self, ExtractError> {
        if !candle_core::utils::cuda_is_available() {
            return Err(ExtractError::Device(
                "this build has no CUDA; build with `--features cuda`, or use `cpu`".to_owned(),
            ));
        }
        let device = Candled::new_cuda(ordinal)?;
        Ok(Self(Kind::Candle(device, format!("cuda:{ordinal}"))))
    }
}

/// candle's operations on one device.
#[derive(Debug, Clone)]
pub(crate) struct Candle {
    device: Candled,
    name: String,
}

/// A convolution on the device.
pub(crate) struct Placed {
    shape: Shape,
    activation: Activation,
    /// `[out, kt · input / groups, kh, kw]`.
    weights: Tensor,
    /// `[1, out, 1, 1]`.
    bias: Tensor,
}

/// Activations `[B · T, C, H, W]`.
pub(crate) struct Frames {
    tensor: Tensor,
    clips: usize,
}

impl Frames {
    fn frames(&self) -> Result<usize, ExtractError> {
        Ok(self.tensor.dim(0)? / self.clips)
    }
}

impl Candle {
    pub(crate) fn new(device: Candled, name: String) -> Self {
        Self { device, name }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// For tap `tap` the input frame of every output frame of every clip; frame `clips · frames` is all zero.
    fn sources(
        &self,
        clips: usize,
        frames: usize,
        out: usize,
        tap: isize,
        stride: usize,
    ) -> Result<Tensor, ExtractError> {
        let mut indices = Vec::with_capacity(clips * out);
        for clip in 0..clips {
            for t in 0..out {
                let at = (t * stride) as isize + tap;
                let inside = at >= 0 && at < frames as isize;
                indices.push(if inside {
                    clip * frames + at as usize
                } else {
                    clips * frames
                } as u32);
            }
        }
        let length = indices.len();
        Ok(Tensor::from_vec(indices, length, &self.device)?)
    }

    /// One frame of zeros behind the last.
    fn with_zero_frame(tensor: &Tensor) -> Result<Tensor, ExtractError> {
        Ok(tensor.pad_with_zeros(0, 0, 1)?)
    }

    fn sum(&self, placed: &Placed, x: &Frames) -> Result<Frames, ExtractError> {
        let shape = &placed.shape;
        let [kt, ..] = shape.kernel;
        let (_, channels, height, width) = x.tensor.dims4()?;
        let frames = x.frames()?;
        let out = shape.output([frames, height, width])[0];
        let mut tensor = x.tensor.clone();
        if kt > 1 || shape.stride[0] > 1 {
            let padded = Self::with_zero_frame(&tensor)?;
            let taps = (0..kt)
                .map(|tap| {
                    let tap = tap as isize - shape.padding[0].0 as isize;
                    let sources = self.sources(x.clips, frames, out, tap, shape.stride[0])?;
                    let per_group = channels / shape.groups;
                    let picked = padded.index_select(&sources, 0)?;
                    Ok(picked.reshape((x.clips * out, shape.groups, per_group, height, width))?)
                })
                .collect::<Result<Vec<_>, ExtractError>>()?;
            tensor =
                Tensor::cat(&taps, 2)?.reshape((x.clips * out, kt * channels, height, width))?;
        }
        let [_, rows, columns] = shape.padding;
        let mut padding = rows.0;
        if rows.0 != rows.1 || columns != rows {
            tensor = tensor
                .pad_with_zeros(2, rows.0, rows.1)?
                .pad_with_zeros(3, columns.0, columns.1)?;
            padding = 0;
        }
        let sums = tensor.contiguous()?.conv2d(
            &placed.weights,
            padding,
            shape.stride[1],
            1,
            shape.groups,
        )?;
        Ok(Frames {
            tensor: sums.broadcast_add(&placed.bias)?,
            clips: x.clips,
        })
    }
}

fn activate(activation: Activation, tensor: &Tensor) -> Result<Tensor, ExtractError> {
    Ok(match activation {
        Activation::Linear => tensor.clone(),
        Activation::Relu => tensor.relu()?,
        Activation::Relu6 => tensor.clamp(0f32, 6f32)?,
    })
}

impl Engine for Candle {
    type Packed = Placed;
    type Volume = Frames;

    fn pack(&self, filter: &Filter) -> Result<Placed, ExtractError> {
        let shape = filter.shape;
        assert_eq!(
            shape.stride[1], shape.stride[2],
            "candle has one stride for both axes"
        );
        let [out, input, kt, kh, kw] = shape.weights();
        let weights = Tensor::from_slice(&filter.weights, (out, input, kt, kh * kw), &self.device)?
            .transpose(1, 2)?
            .contiguous()?
            .reshape((out, kt * input, kh, kw))?;
        Ok(Placed {
            shape,
            activation: filter.activation,
            weights,
            bias: Tensor::from_slice(&filter.bias, (1, out, 1, 1), &self.device)?,
        })
    }

    fn upload(&self, volume: Volume) -> Result<Frames, ExtractError> {
        let [frames, height, width] = volume.size;
        let (channels, clips) = (volume.channels, volume.clips);
        let tensor = Tensor::from_vec(
            volume.values,
            (channels, clips * frames, height, width),
            &self.device,
        )?;
        Ok(Frames {
            tensor: tensor.transpose(0, 1)?.contiguous()?,
            clips,
        })
    }

    fn download(&self, x: &Frames) -> Result<Volume, ExtractError> {
        let (_, channels, height, width) = x.tensor.dims4()?;
        let values = x
            .tensor
            .transpose(0, 1)?
            .flatten_all()?
            .to_dtype(DType::F32)?;
        Ok(Volume {
            channels,
            clips: x.clips,
            size: [x.frames()?, height, width],
            values: values.to_vec1()?,
        })
    }

    fn convolve(&self, placed: &Placed, x: &Frames) -> Result<Frames, ExtractError> {
        let sums = self.sum(placed, x)?;
        Ok(Frames {
            tensor: activate(placed.activation, &sums.tensor)?,
            clips: x.clips,
        })
    }

    fn convolve_onto(
        &self,
        placed: &Placed,
        x: &Frames,
        onto: Frames,
    ) -> Result<Frames, ExtractError> {
        let sums = self.sum(placed, x)?;
        Ok(Frames {
            tensor: activate(placed.activation, &(sums.tensor + onto.tensor)?)?,
            clips: x.clips,
        })
    }

    /// Zeros stand for −∞: every pool here follows a ReLU.
    fn max_pool(&self, pool: &Pool, x: &Frames) -> Result<Frames, ExtractError> {
        let (_, _, height, width) = x.tensor.dims4()?;
        let frames = x.frames()?;
        let out = pool.output([frames, height, width])[0];
        let [_, rows, columns] = pool.padding;
        let spatial = x
            .tensor
            .pad_with_zeros(2, rows.0, rows.1)?
            .pad_with_zeros(3, columns.0, columns.1)?
            .max_pool2d_with_stride(
                (pool.kernel[1], pool.kernel[2]),
                (pool.stride[1], pool.stride[2]),
            )?;
        let padded = Self::with_zero_frame(&spatial)?;
        let mut best: Option<Tensor> = None;
        for tap in 0..pool.kernel[0] {
            let tap = tap as isize - pool.padding[0].0 as isize;
            let sources = self.sources(x.clips, frames, out, tap, pool.stride[0])?;
            let picked = padded.index_select(&sources, 0)?;
            best = Some(match best {
                Some(best) => best.maximum(&picked)?,
                None => picked,
            });
        }
        let tensor =
            best.ok_or_else(|| ExtractError::Device("a pool without a kernel".to_owned()))?;
        Ok(Frames {
            tensor,
            clips: x.clips,
        })
    }

    fn means(&self, x: &Frames) -> Result<Vec<Vec<f32>>, ExtractError> {
        let frames = x.frames()?;
        let channels = x.tensor.dim(1)?;
        let means = x
            .tensor
            .mean((2, 3))?
            .reshape((x.clips, frames, channels))?
            .mean(1)?;
        Ok(means.to_vec2()?)
    }
}
