//! Every other convolution, direct: no matrix of patches is made, so memory stays at one padded copy of the input.
//!
//! A stride s over an axis is undone by splitting that axis into its s phases: in a phase, consecutive outputs read
//! consecutive inputs. Each phase of a frame is copied once into a plane with zeros around it, rows `pitch` apart; then
//! the input of tap (kt, ky, kx) lies at a constant distance from the output position, over the ends of the rows too. The
//! few positions between the rows are computed and thrown away. Taps of frames outside the clip are skipped, not
//! multiplied by zero.

use kernels::Isa;
use kernels::convolution::{self, Block, LANES, OffsetTable};
use rayon::prelude::*;

use super::pointwise::{finish, pack_tiles};
use crate::fused_conv::{Activation, FusedConv, Shape};

use crate::activations::Activations;

/// Output channels of one task, where one group is split over tasks.
const TASK: usize = 32;

/// A convolution over a window; weights packed per group as `[out / tile][kt][input][kh][kw][tile]`.
pub(crate) struct DirectConv {
    shape: Shape,
    activation: Activation,
    weights: Vec<f32>,
    bias: Vec<f32>,
    /// Output channels that the kernel does at once.
    tile: usize,
}

/// One axis of rows or columns, split into phases.
#[derive(Debug, Clone)]
struct Axis {
    stride: usize,
    /// Per tap: its phase, and how many places of the phase it is away from the output's own.
    taps: Vec<(usize, isize)>,
    /// The smallest of those distances, not above zero; the largest, not below.
    lowest: isize,
    highest: isize,
    out: usize,
    input: usize,
}

impl Axis {
    fn new(kernel: usize, stride: usize, before: usize, input: usize, out: usize) -> Self {
        let taps: Vec<_> = (0..kernel)
            .map(|tap| {
                let away = tap as isize - before as isize;
                (
                    away.rem_euclid(stride as isize) as usize,
                    away.div_euclid(stride as isize),
                )
            })
            .collect();
        let distances = || taps.iter().map(|(_, distance)| *distance);
        Self {
            stride,
            lowest: distances().min().unwrap_or(0).min(0),
            highest: distances().max().unwrap_or(0).max(0),
            taps,
            out,
            input,
        }
    }

    /// Inputs of a phase that some output reads.
    fn used(&self, phase: usize) -> usize {
        self.input
            .saturating_sub(phase)
            .div_ceil(self.stride)
            .min((self.out as isize + self.highest) as usize)
    }

    /// Places from one row to the next, so that what a row reads before its start or after its end is zero: the same
    /// zeros serve both.
    fn pitch(&self) -> usize {
        (0..self.stride)
            .map(|phase| self.used(phase) + (-self.lowest) as usize)
            .max()
            .unwrap_or(0)
            .max((self.out as isize + self.highest) as usize)
    }
}

/// The padded copy: `[frames][channels][phases of rows][phases of columns][plane]`.
struct Layout {
    rows: Axis,
    columns: Axis,
    pitch: usize,
    plane: usize,
    frame: usize,
    table: OffsetTable,
    /// Positions that are computed per output frame, a multiple of [`LANES`].
    run: usize,
}

impl Layout {
    fn new(shape: &Shape, size: [usize; 3], out: [usize; 3]) -> Self {
        let axis = |axis: usize| {
            Axis::new(
                shape.kernel[axis],
                shape.stride[axis],
                shape.padding[axis].0,
                size[axis],
                out[axis],
            )
        };
        let (rows, columns) = (axis(1), axis(2));
        let pitch = columns.pitch();
        let top = (-rows.lowest) as usize;
        let front = (-columns.lowest) as usize;
        let run = ((out[1] - 1) * pitch + out[2]).div_ceil(LANES) * LANES;
        let in_use = (0..rows.stride)
            .map(|phase| rows.used(phase))
            .max()
            .unwrap_or(0);
        let last_row = top + in_use.max((rows.out as isize + rows.highest) as usize);
        let reach =
            front + (top as isize + rows.highest) as usize * pitch + columns.highest as usize + run;
        let plane = (front + last_row * pitch).max(reach);
        let phases = rows.stride * columns.stride;
        let channels = shape.input / shape.groups;
        let frame = channels * phases * plane;
        let mut within = Vec::with_capacity(channels * rows.taps.len() * columns.taps.len());
        for channel in 0..channels {
            for (row_phase, row) in &rows.taps {
                for (column_phase, column) in &columns.taps {
                    let plane_index =
                        (channel * rows.stride + row_phase) * columns.stride + column_phase;
                    let place = front as isize + (row + top as isize) * pitch as isize + column;
                    within.push((plane_index * plane + place as usize) as u32);
                }
            }
        }
        Self {
            table: OffsetTable::new(&within, shape.kernel[0], frame),
            rows,
            columns,
            pitch,
            plane,
            frame,
            run,
        }
    }

    /// Copies channels of one clip into the padded planes; what is not written was zero and stays so.
    fn fill(
        &self,
        x: &Activations,
        clip: usize,
        first_channel: usize,
        channels: usize,
        buffer: &mut [f32],
    ) {
        let [frames, height, width] = x.size;
        let (top, front) = (
            (-self.rows.lowest) as usize,
            (-self.columns.lowest) as usize,
        );
        let stride = self.columns.stride;
        for channel in 0..channels {
            let values = x.channel(first_channel + channel, clip);
            for t in 0..frames {
                for row_phase in 0..self.rows.stride {
                    for row in 0..self.rows.used(row_phase) {
                        let y = row * self.rows.stride + row_phase;
                        let from = &values[(t * height + y) * width..][..width];
                        for column_phase in 0..stride {
                            let plane =
                                (channel * self.rows.stride + row_phase) * stride + column_phase;
                            let start = t * self.frame
                                + plane * self.plane
                                + front
                                + (row + top) * self.pitch;
                            let to = &mut buffer[start..][..self.columns.used(column_phase)];
                            if stride == 1 {
                                to.copy_from_slice(&from[..to.len()]);
                            } else {
                                for (to, from) in to
                                    .iter_mut()
                                    .zip(from[column_phase..].iter().step_by(stride))
                                {
                                    *to = *from;
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

impl DirectConv {
    pub(crate) fn new(conv: &FusedConv) -> Self {
        let shape = conv.shape;
        let out = shape.out / shape.groups;
        let [_, input, kt, kh, kw] = shape.weights();
        let tile = match out {
            1 => 1,
            2..=4 => 4,
            _ => 8,
        };
        // The kernel walks frames first: [out][input][kt][kh·kw] → [out][kt][input][kh·kw].
        let (steps, spatial) = (input * kt * kh * kw, kh * kw);
        let mut ordered = vec![0.0; conv.weights.len()];
        for (from, to) in conv.weights.chunks(steps).zip(ordered.chunks_mut(steps)) {
            for i in 0..input {
                for t in 0..kt {
                    to[(t * input + i) * spatial..][..spatial]
                        .copy_from_slice(&from[(i * kt + t) * spatial..][..spatial]);
                }
            }
        }
        Self {
            shape,
            activation: conv.activation,
            weights: ordered
                .chunks(out * steps)
                .flat_map(|group| pack_tiles(group, out, steps, tile))
                .collect(),
            bias: conv.bias.clone(),
            tile,
        }
    }

    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// out ← activation(weights ∗ x + bias).
    pub(crate) fn run(&self, isa: Isa, x: &Activations, out: &mut Activations) {
        assert_eq!(
            (x.channels, out.channels),
            (self.shape.input, self.shape.out),
            "channels"
        );
        assert_eq!(
            out.size,
            self.shape.output(x.size),
            "sizes of a convolution"
        );
        if out.values.is_empty() {
            return;
        }
        let layout = Layout::new(&self.shape, x.size, out.size);
        let channels = self.shape.out / self.shape.groups;
        let inputs = self.shape.input / self.shape.groups;
        let row = out.row();
        let length = layout.frame * x.size[0];
        if self.shape.groups == 1 {
            // One padded copy per clip, read by all tasks.
            let mut padded = vec![0.0; length];
            for clip in 0..x.clips {
                layout.fill(x, clip, 0, inputs, &mut padded);
                out.values
                    .par_chunks_mut(TASK.next_multiple_of(self.tile) * row)
                    .enumerate()
                    .for_each_init(Vec::new, |sums, (task, rows)| {
                        let first = task * TASK.next_multiple_of(self.tile);
                        let sizes = (x.size[0], out.size);
                        self.channels(
                            isa,
                            &layout,
                            &padded,
                            (first, 0),
                            sizes,
                            (clip, x.clips),
                            rows,
                            sums,
                        );
                    });
            }
        } else {
            out.values
                .par_chunks_mut(channels * row)
                .enumerate()
                .for_each_init(
                    || (vec![0.0; length], Vec::new()),
                    |(padded, sums), (group, rows)| {
                        for clip in 0..x.clips {
                            layout.fill(x, clip, group * inputs, inputs, padded);
                            let sizes = (x.size[0], out.size);
                            self.channels(
                                isa,
                                &layout,
                                padded,
                                (0, group),
                                sizes,
                                (clip, x.clips),
                                rows,
                                sums,
                            );
                        }
                    },
                );
        }
    }

    /// Output channels from `first` on of one group, of one clip. `rows` are those channels, `[channels][clips][T, H, W]`;
    /// `frames` is the length of the input, `size` that of the output.
    #[allow(clippy::too_many_arguments)]
    fn channels(
        &self,
        isa: Isa,
        layout: &Layout,
        padded: &[f32],
        (first, group): (usize, usize),
        (frames, size): (usize, [usize; 3]),
        (clip, clips): (usize, usize),
        rows: &mut [f32],
        sums: &mut Vec<f32>,
    ) {
        let [out_frames, height, width] = size;
        let positions = out_frames * height * width;
        let per_group = self.shape.out / self.shape.groups;
        let [_, inputs, kernel, kh, kw] = self.shape.weights();
        let steps = inputs * kernel * kh * kw;
        let packed = per_group.next_multiple_of(self.tile) * steps;
        let row = clips * positions;
        let count = rows.len() / row;
        let most = convolution::most_vectors(self.tile);
        sums.resize(count.next_multiple_of(self.tile) * layout.run, 0.0);
        for t in 0..out_frames {
            let start = (t * self.shape.stride[0]) as isize - self.shape.padding[0].0 as isize;
            let kernel_frames = (
                (-start).clamp(0, kernel as isize) as usize,
                (frames as isize - start).clamp(0, kernel as isize) as usize,
            );
            if kernel_frames.0 < kernel_frames.1 {
                let mut from = 0;
                while from < layout.run {
                    let vectors = ((layout.run - from) / LANES).min(most);
                    for (tile, sums) in sums.chunks_mut(self.tile * layout.run).enumerate() {
                        let weights = &self.weights
                            [group * packed + (first + tile * self.tile) * steps..]
                            [..self.tile * steps];
                        convolution::run(
                            isa,
                            Block {
                                base: start * layout.frame as isize + from as isize,
                                frames: kernel_frames,
                                channels: self.tile,
                                vectors,
                            },
                            &layout.table,
                            weights,
                            padded,
                            &mut sums[from..],
                            layout.run,
                        );
                    }
                    from += vectors * LANES;
                }
            } else {
                sums.fill(0.0);
            }
            for (channel, row) in rows.chunks_mut(row).enumerate() {
                let bias = self.bias[group * per_group + first + channel];
                let frame = &mut row[clip * positions + t * height * width..][..height * width];
                for (y, out) in frame.chunks_mut(width).enumerate() {
                    let sums = &sums[channel * layout.run + y * layout.pitch..][..width];
                    finish(self.activation, out, sums, bias, false);
                }
            }
        }
    }
}
