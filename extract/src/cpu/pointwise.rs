//! The 1×1×1 convolution, which is a matrix product: `[out, input] · [input, positions]`.
//!
//! The input is packed once into panels of 48 positions, all channels of a panel together, so that the kernel reads one
//! contiguous run per step and a panel stays in the second cache while the output channels go over it.

use kernels::Isa;
use kernels::buffer::Aligned;
use kernels::convolution::{self, Block, LANES, OffsetTable};
use rayon::prelude::*;

use crate::fused_conv::{Activation, FusedConv, Shape};

use crate::activations::Activations;

/// Positions of a panel: what the kernel does at once with eight output channels.
const PANEL: usize = 48;

/// Output channels of one task: few enough that two threads share the work evenly, many enough to pay for the task.
const TASK: usize = 32;

/// Output channels that the kernel does at once.
const TILE: usize = 8;

/// Weights packed as `[out / 8][input][8]`, zeros where the last tile is not full.
pub(crate) struct Pointwise {
    shape: Shape,
    activation: Activation,
    weights: Vec<f32>,
    bias: Vec<f32>,
    table: OffsetTable,
}

impl Pointwise {
    pub(crate) fn new(conv: &FusedConv) -> Self {
        let shape = conv.shape;
        Self {
            shape,
            activation: conv.activation,
            weights: pack_tiles(&conv.weights, shape.out, shape.input, TILE),
            bias: conv.bias.clone(),
            table: OffsetTable::new(
                &(0..shape.input)
                    .map(|i| (i * PANEL) as u32)
                    .collect::<Vec<_>>(),
                1,
                0,
            ),
        }
    }

    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// out ← activation(W·x + bias (+ out, where `onto`)).
    pub(crate) fn run(&self, isa: Isa, x: &Activations, out: &mut Activations, onto: bool) {
        assert_eq!(
            (x.channels, out.channels),
            (self.shape.input, self.shape.out),
            "channels"
        );
        assert_eq!(
            out.size,
            self.shape.output(x.size),
            "sizes of a pointwise convolution"
        );
        let columns = out.row();
        if columns == 0 {
            return;
        }
        let panels = self.panels(x, out);
        let panel_length = PANEL * self.shape.input;
        let bias = &self.bias;
        out.values
            .par_chunks_mut(TASK * columns)
            .enumerate()
            .for_each(|(task, rows)| {
                let mut block = [0.0; TILE * PANEL];
                for (panel, values) in panels.chunks(panel_length).enumerate() {
                    let from = panel * PANEL;
                    let width = PANEL.min(columns - from);
                    for (tile, rows) in rows.chunks_mut(TILE * columns).enumerate() {
                        let first = task * TASK + tile * TILE;
                        let weights =
                            &self.weights[first * self.shape.input..][..TILE * self.shape.input];
                        convolution::run(
                            isa,
                            Block {
                                base: 0,
                                frames: (0, 1),
                                channels: TILE,
                                vectors: width.div_ceil(LANES),
                            },
                            &self.table,
                            weights,
                            values,
                            &mut block,
                            PANEL,
                        );
                        for (o, row) in rows.chunks_mut(columns).enumerate() {
                            let row = &mut row[from..from + width];
                            let sums = &block[o * PANEL..][..width];
                            finish(self.activation, row, sums, bias[first + o], onto);
                        }
                    }
                }
            });
    }

    /// The input of every output position, `[panels][input][48]`; the last panel filled with zeros.
    /// Aligned: a panel's steps are three lines of the cache each, and are read as such.
    fn panels(&self, x: &Activations, out: &Activations) -> Aligned {
        let columns = out.row();
        let input = self.shape.input;
        let mut panels = Aligned::zeros(columns.div_ceil(PANEL) * PANEL * input);
        // Where an output column lies in the input; nothing to look up where no axis is strided.
        let sources: Option<Vec<u32>> = (x.size != out.size).then(|| {
            let ([st, sh, sw], [ot, oh, ow], [it, ih, iw]) = (self.shape.stride, out.size, x.size);
            let mut sources = Vec::with_capacity(columns);
            for clip in 0..out.clips {
                for t in 0..ot {
                    for y in 0..oh {
                        let row = ((clip * it + t * st) * ih + y * sh) * iw;
                        sources.extend((0..ow).map(|column| (row + column * sw) as u32));
                    }
                }
            }
            sources
        });
        let length = x.row();
        panels
            .par_chunks_mut(PANEL * input)
            .enumerate()
            .for_each(|(panel, values)| {
                let from = panel * PANEL;
                let width = PANEL.min(columns - from);
                for (channel, to) in values.chunks_mut(PANEL).enumerate() {
                    let channel = &x.values[channel * length..][..length];
                    match &sources {
                        None => to[..width].copy_from_slice(&channel[from..from + width]),
                        Some(sources) => {
                            for (to, source) in to.iter_mut().zip(&sources[from..from + width]) {
                                *to = channel[*source as usize];
                            }
                        }
                    }
                }
            });
        panels
    }
}

/// row ← activation(sums + bias (+ row, where `onto`)).
pub(super) fn finish(activation: Activation, row: &mut [f32], sums: &[f32], bias: f32, onto: bool) {
    match (activation, onto) {
        (Activation::Relu, true) => {
            for (out, sum) in row.iter_mut().zip(sums) {
                *out = Activation::Relu.apply(*out + (*sum + bias));
            }
        }
        (Activation::Relu, false) => {
            for (out, sum) in row.iter_mut().zip(sums) {
                *out = Activation::Relu.apply(*sum + bias);
            }
        }
        (activation, onto) => {
            for (out, sum) in row.iter_mut().zip(sums) {
                let before = if onto { *out } else { 0.0 };
                *out = activation.apply(before + (*sum + bias));
            }
        }
    }
}

/// `[channels, steps]` → `[channels / tile][steps][tile]`, zeros where the last tile is not full.
pub(super) fn pack_tiles(weights: &[f32], channels: usize, steps: usize, tile: usize) -> Vec<f32> {
    let mut packed = vec![0.0; channels.div_ceil(tile) * tile * steps];
    for (channel, row) in weights.chunks(steps).enumerate().take(channels) {
        let start = channel / tile * tile * steps + channel % tile;
        for (step, weight) in row.iter().enumerate() {
            packed[start + step * tile] = *weight;
        }
    }
    packed
}
