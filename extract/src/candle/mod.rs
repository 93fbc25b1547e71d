//! The networks' operations in candle's, for GPUs.
//!
//! candle has no 3-D convolution, loops over the groups of a 2-D one, and unfolds it by a kernel that addresses in 32
//! bits. Here activations lie channels last, `[B, T, H·W, C]`, and a convolution is: gather the frames under the kernel,
//! put groups first, gather the places under the kernel, one batched product whose batch are the groups. That is the same
//! handful of launches for one group and for a thousand (a depthwise convolution is one with as many groups as channels),
//! and a pointwise convolution is the product alone. cuDNN has all of it in one call and would serve here; it is a library
//! of its own with a licence of its own, and nothing else in this program needs it.

mod bounds;
mod tables;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use candle_core::{DType, Device as Candled, Tensor};

use crate::activations::Activations;
use crate::engine::Engine;
use crate::error::ExtractError;
use crate::fused_conv::{Activation, FusedConv, Pool, Shape};
use bounds::{ADDRESSABLE, UNFOLDED, largest_batch};
use tables::{Axis, Table};

/// Clips of a lot on a GPU.
///
/// *Because* cuBLAS chooses the order of a sum by the sizes of a product: lots of one size, the last one filled up, keep
/// the last bits of a clip's features from depending on `--batch` and on how long its video is.
const LOT: usize = 8;

/// candle's operations on one device.
#[derive(Debug)]
pub(crate) struct Candle {
    device: Candled,
    name: String,
    lot: usize,
    /// Elements that a convolution may unfold at once.
    unfolded: usize,
    tables: Mutex<HashMap<Table, Tensor>>,
    /// Operations sent to the device: what a test holds against the number of groups.
    launches: AtomicUsize,
}

/// A convolution on the device.
#[derive(Debug)]
pub(crate) struct PackedConv {
    shape: Shape,
    activation: Activation,
    /// `[groups, kh · kw · kt · input / groups, out / groups]`.
    weights: Tensor,
    /// `[out]`.
    bias: Tensor,
    /// `[1]`, of a ReLU that has one. On the device from the beginning, since candle would copy a number there at each use.
    ceiling: Option<Tensor>,
}

/// Activations `[B, T, H · W, C]`.
#[derive(Debug)]
pub(crate) struct ChannelsLast {
    tensor: Tensor,
    /// T, H, W.
    size: [usize; 3],
}

impl Candle {
    pub(crate) fn new(device: Candled, name: String) -> Self {
        let lot = if device.is_cuda() { LOT } else { 1 };
        Self::in_lots_of(lot, device, name)
    }

    pub(crate) fn in_lots_of(lot: usize, device: Candled, name: String) -> Self {
        Self {
            lot,
            unfolded: UNFOLDED,
            device,
            name,
            tables: Mutex::default(),
            launches: AtomicUsize::new(0),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Clips that the network is to be given at once, neither more nor less.
    pub(crate) fn lot(&self) -> usize {
        self.lot
    }

    /// One operation more was sent to the device.
    fn launched(&self, tensor: Tensor) -> Tensor {
        self.launches.fetch_add(1, Ordering::Relaxed);
        tensor
    }

    /// The middle axis of `[left, places, right]` picked by a table.
    fn gather(
        &self,
        tensor: &Tensor,
        shape: (usize, usize, usize),
        table: Table,
    ) -> Result<Tensor, ExtractError> {
        let tensor = tensor.reshape(shape)?;
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let indices = if let Some(indices) = tables.get(&table) {
            indices.clone()
        } else {
            let indices = table.indices();
            let length = indices.len();
            let indices = Tensor::from_vec(indices, length, &self.device)?;
            tables.insert(table, indices.clone());
            indices
        };
        drop(tables);
        Ok(self.launched(tensor.index_select(&indices, 1)?))
    }

    /// weights ∗ x of clips that fit at once: `[B, T, H·W, C]` → `[B, T′, H′·W′, out]`.
    fn product(
        &self,
        conv: &PackedConv,
        x: &Tensor,
        size: [usize; 3],
    ) -> Result<Tensor, ExtractError> {
        let shape = &conv.shape;
        let clips = x.dim(0)?;
        let [frames, height, width] = size;
        let [out_frames, out_height, out_width] = shape.output(size);
        let [kt, kh, kw] = shape.kernel;
        let (groups, input, area) = (shape.groups, shape.input / shape.groups, height * width);
        let [over_frames, rows, columns] = [0, 1, 2].map(|axis| Axis::of(shape, axis, size));
        let mut x = x.clone();
        if !over_frames.is_identity() {
            let places = (clips, frames, area * shape.input);
            x = self.gather(&x, places, Table::Line(over_frames))?;
        }
        if kt > 1 || groups > 1 {
            // [B, T′, kt, H·W, G, C/G] → [G, B, T′, H·W, kt, C/G].
            let split = x.reshape(&[clips, out_frames, kt, area, groups, input][..])?;
            x = self.launched(split.permute([4, 0, 1, 3, 2, 5])?.contiguous()?);
        }
        if !(rows.is_identity() && columns.is_identity()) {
            let places = (groups * clips * out_frames, area, kt * input);
            x = self.gather(&x, places, Table::Plane(rows, columns))?;
        }
        let positions = clips * out_frames * out_height * out_width;
        let x = x.reshape((groups, positions, kh * kw * kt * input))?;
        let mut sums = self.launched(x.matmul(&conv.weights)?);
        if groups > 1 {
            sums = self.launched(sums.transpose(0, 1)?.contiguous()?);
        }
        Ok(sums.reshape((clips, out_frames, out_height * out_width, shape.out))?)
    }

    /// weights ∗ x + bias, in as many parts as the bounds demand.
    fn sum(&self, conv: &PackedConv, x: &ChannelsLast) -> Result<ChannelsLast, ExtractError> {
        let shape = &conv.shape;
        let clips = x.tensor.dim(0)?;
        let out = shape.output(x.size).iter().product::<usize>() * shape.out;
        let fitting = largest_batch(shape, x.size, self.unfolded)
            .or_else(|| largest_batch(shape, x.size, ADDRESSABLE).map(|_| 1))
            .filter(|_| x.tensor.elem_count() <= ADDRESSABLE && clips * out <= ADDRESSABLE)
            .ok_or_else(|| {
                ExtractError::Request(format!(
                    "{clips} clips of {:?} frames, rows and columns are too large for this device: candle addresses in 32 bits",
                    x.size
                ))
            })?;
        let parts = (0..clips)
            .step_by(fitting)
            .map(|first| {
                let part = x.tensor.narrow(0, first, fitting.min(clips - first))?;
                self.product(conv, &part, x.size)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let sums = match &parts[..] {
            [whole] => whole.clone(),
            parts => self.launched(Tensor::cat(parts, 0)?),
        };
        Ok(ChannelsLast {
            tensor: self.launched(sums.broadcast_add(&conv.bias)?),
            size: shape.output(x.size),
        })
    }

    fn activate(&self, conv: &PackedConv, tensor: Tensor) -> Result<Tensor, ExtractError> {
        if conv.activation == Activation::Linear {
            return Ok(tensor);
        }
        let tensor = self.launched(tensor.relu()?);
        Ok(match &conv.ceiling {
            Some(ceiling) => self.launched(tensor.broadcast_minimum(ceiling)?),
            None => tensor,
        })
    }
}

/// `[out, input / groups, kt, kh · kw]` → `[groups, kh · kw, kt, input / groups, out / groups]`.
fn reordered(conv: &FusedConv) -> Vec<f32> {
    let shape = conv.shape;
    let [_, input, kt, kh, kw] = shape.weights();
    let (spatial, per_group) = (kh * kw, shape.out / shape.groups);
    let mut values = Vec::with_capacity(conv.weights.len());
    for group in 0..shape.groups {
        for place in 0..spatial {
            for frame in 0..kt {
                for channel in 0..input {
                    values.extend((0..per_group).map(|out| {
                        let row = (group * per_group + out) * input + channel;
                        conv.weights[(row * kt + frame) * spatial + place]
                    }));
                }
            }
        }
    }
    values
}

impl Engine for Candle {
    type Packed = PackedConv;
    type Activations = ChannelsLast;

    fn pack(&self, conv: &FusedConv) -> Result<PackedConv, ExtractError> {
        let shape = conv.shape;
        let [out, input, kt, kh, kw] = shape.weights();
        let sides = (shape.groups, kh * kw * kt * input, shape.out / shape.groups);
        let ceiling = (conv.activation == Activation::Relu6)
            .then(|| Tensor::from_slice(&[6f32], 1, &self.device))
            .transpose()?;
        Ok(PackedConv {
            shape,
            ceiling,
            activation: conv.activation,
            weights: Tensor::from_vec(reordered(conv), sides, &self.device)?,
            bias: Tensor::from_slice(&conv.bias, out, &self.device)?,
        })
    }

    fn upload(&self, activations: Activations) -> Result<ChannelsLast, ExtractError> {
        let (size, [frames, height, width]) = (activations.size, activations.size);
        let sides = (
            activations.channels,
            activations.clips,
            frames,
            height * width,
        );
        let tensor = Tensor::from_vec(activations.values, sides, &self.device)?;
        Ok(ChannelsLast {
            tensor: self.launched(tensor.permute((1, 2, 3, 0))?.contiguous()?),
            size,
        })
    }

    fn download(&self, x: &ChannelsLast) -> Result<Activations, ExtractError> {
        let (clips, _, _, channels) = x.tensor.dims4()?;
        let values = x
            .tensor
            .permute((3, 0, 1, 2))?
            .flatten_all()?
            .to_dtype(DType::F32)?;
        Ok(Activations {
            channels,
            clips,
            size: x.size,
            values: values.to_vec1()?,
        })
    }

    fn convolve(&self, conv: &PackedConv, x: &ChannelsLast) -> Result<ChannelsLast, ExtractError> {
        let sums = self.sum(conv, x)?;
        Ok(ChannelsLast {
            tensor: self.activate(conv, sums.tensor)?,
            size: sums.size,
        })
    }

    fn convolve_onto(
        &self,
        conv: &PackedConv,
        x: &ChannelsLast,
        onto: ChannelsLast,
    ) -> Result<ChannelsLast, ExtractError> {
        let sums = self.sum(conv, x)?;
        let tensor = self.launched((sums.tensor + onto.tensor)?);
        Ok(ChannelsLast {
            tensor: self.activate(conv, tensor)?,
            size: sums.size,
        })
    }

    /// One axis after the other, a maximum of gathered taps each.
    fn max_pool(&self, pool: &Pool, x: &ChannelsLast) -> Result<ChannelsLast, ExtractError> {
        let (clips, _, _, channels) = x.tensor.dims4()?;
        let mut tensor = x.tensor.clone();
        let mut size = x.size;
        for axis in 0..3 {
            let along = Axis::of_pool(pool, axis, x.size);
            if along.is_identity() {
                continue;
            }
            let places = (
                clips * size[..axis].iter().product::<usize>(),
                size[axis],
                size[axis + 1..].iter().product::<usize>() * channels,
            );
            let mut best = self.gather(&tensor, places, Table::Pool(along, 0))?;
            for tap in 1..along.taps() {
                let picked = self.gather(&tensor, places, Table::Pool(along, tap))?;
                best = self.launched(best.maximum(&picked)?);
            }
            tensor = best;
            size[axis] = pool.output(x.size)[axis];
        }
        let [frames, height, width] = size;
        Ok(ChannelsLast {
            tensor: tensor.reshape((clips, frames, height * width, channels))?,
            size,
        })
    }

    fn means(&self, x: &ChannelsLast) -> Result<Vec<Vec<f32>>, ExtractError> {
        let (clips, frames, area, channels) = x.tensor.dims4()?;
        let places = x.tensor.reshape((clips, frames * area, channels))?;
        Ok(self.launched(places.mean(1)?).to_vec2()?)
    }
}

#[cfg(test)]
mod tests;
