//! Where outputs find their inputs, as tables of indices that lie on the device: gathering by a table replaces padding,
//! striding and unfolding.

use crate::fused_conv::{Pool, Shape};

/// The index at which candle's `index_select` writes zeros (its CPU and its CUDA code).
const OUTSIDE: u32 = u32::MAX;

/// One axis of a convolution or of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Axis {
    kernel: usize,
    stride: usize,
    before: usize,
    input: usize,
    out: usize,
}

impl Axis {
    /// Axis 0, 1 or 2 (frames, rows, columns) of a convolution over an input of that size.
    pub(crate) fn of(shape: &Shape, axis: usize, size: [usize; 3]) -> Self {
        Self {
            kernel: shape.kernel[axis],
            stride: shape.stride[axis],
            before: shape.padding[axis].0,
            input: size[axis],
            out: shape.output(size)[axis],
        }
    }

    /// The same of a pool.
    pub(crate) fn of_pool(pool: &Pool, axis: usize, size: [usize; 3]) -> Self {
        Self {
            kernel: pool.kernel[axis],
            stride: pool.stride[axis],
            before: pool.padding[axis].0,
            input: size[axis],
            out: pool.output(size)[axis],
        }
    }

    /// Whether every output is its own input.
    pub(crate) fn is_identity(&self) -> bool {
        self.kernel == 1 && self.stride == 1 && self.before == 0 && self.input == self.out
    }

    /// Taps of the kernel.
    pub(crate) fn taps(&self) -> usize {
        self.kernel
    }

    /// The input of a tap of an output; none in the padding.
    fn source(&self, out: usize, tap: usize) -> Option<usize> {
        (out * self.stride + tap)
            .checked_sub(self.before)
            .filter(|at| *at < self.input)
    }
}

/// A table; equal ones are made once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Table {
    /// `[out, taps]` of one axis.
    Line(Axis),
    /// `[out rows, out columns, taps of rows, taps of columns]`, places counted row by row.
    Plane(Axis, Axis),
    /// `[out]` of one tap of a pool; what lies in the padding is another input under the same kernel, which changes no
    /// maximum.
    Pool(Axis, usize),
}

impl Table {
    /// The indices, in the order of the table's axes.
    pub(crate) fn indices(self) -> Vec<u32> {
        let index = |at: Option<usize>| at.map_or(OUTSIDE, |at| at as u32);
        match self {
            Self::Line(axis) => (0..axis.out)
                .flat_map(|out| (0..axis.kernel).map(move |tap| index(axis.source(out, tap))))
                .collect(),
            Self::Plane(rows, columns) => {
                let mut indices =
                    Vec::with_capacity(rows.out * columns.out * rows.kernel * columns.kernel);
                for y in 0..rows.out {
                    for x in 0..columns.out {
                        for row in (0..rows.kernel).map(|tap| rows.source(y, tap)) {
                            let places = (0..columns.kernel).map(|tap| {
                                let column = columns.source(x, tap);
                                index(row.zip(column).map(|(y, x)| y * columns.input + x))
                            });
                            indices.extend(places);
                        }
                    }
                }
                indices
            }
            Self::Pool(axis, tap) => (0..axis.out)
                .map(|out| {
                    let mut inside = (0..axis.kernel).filter_map(|tap| axis.source(out, tap));
                    let first = inside.clone().next().unwrap_or(0);
                    let last = inside.next_back().unwrap_or(0);
                    let at = (out * axis.stride + tap).saturating_sub(axis.before);
                    at.clamp(first, last) as u32
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AXIS: Axis = Axis {
        kernel: 3,
        stride: 2,
        before: 1,
        input: 4,
        out: 2,
    };

    #[test]
    fn tables_point_at_inputs_and_outside() {
        assert_eq!(Table::Line(AXIS).indices(), [OUTSIDE, 0, 1, 1, 2, 3]);
        let pools = [0, 1, 2].map(|tap| Table::Pool(AXIS, tap).indices());
        assert_eq!(pools, [[0, 1], [0, 2], [1, 3]]);
        let two = Axis {
            kernel: 2,
            stride: 1,
            before: 0,
            input: 3,
            out: 2,
        };
        let plane = Table::Plane(AXIS, two).indices();
        assert_eq!(plane[..6], [OUTSIDE, OUTSIDE, 0, 1, 3, 4]);
        assert_eq!(plane[18..], [4, 5, 7, 8, 10, 11]);
    }
}
