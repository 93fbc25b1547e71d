//! The networks on the CPU. Nothing here depends on the number of threads: every output is one sum in one order.

mod direct;
mod pointwise;

use kernels::Isa;
use rayon::prelude::*;

use crate::activations::Activations;
use crate::engine::Engine;
use crate::error::ExtractError;
use crate::fused_conv::{FusedConv, Pool};

pub(crate) use direct::DirectConv;
pub(crate) use pointwise::Pointwise;

/// A convolution, its weights packed for the kernel.
pub(crate) enum Packed {
    /// 1×1×1.
    Pointwise(Pointwise),
    /// Everything else.
    Direct(DirectConv),
}

/// The processor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cpu {
    isa: Isa,
}

impl Cpu {
    /// With the widest vectors there are.
    pub(crate) fn new() -> Self {
        Self { isa: Isa::detect() }
    }

    /// The instruction set, as recorded beside results.
    pub(crate) fn isa(self) -> Isa {
        self.isa
    }
}

impl Engine for Cpu {
    type Packed = Packed;
    type Activations = Activations;

    fn pack(&self, conv: &FusedConv) -> Result<Packed, ExtractError> {
        Ok(if conv.shape.is_pointwise() {
            Packed::Pointwise(Pointwise::new(conv))
        } else {
            Packed::Direct(DirectConv::new(conv))
        })
    }

    fn upload(&self, activations: Activations) -> Result<Activations, ExtractError> {
        Ok(activations)
    }

    fn download(&self, activations: &Activations) -> Result<Activations, ExtractError> {
        Ok(activations.clone())
    }

    fn convolve(&self, packed: &Packed, x: &Activations) -> Result<Activations, ExtractError> {
        let shape = match packed {
            Packed::Pointwise(pointwise) => pointwise.shape(),
            Packed::Direct(direct) => direct.shape(),
        };
        let mut out = Activations::zeros(shape.out, x.clips, shape.output(x.size));
        match packed {
            Packed::Pointwise(pointwise) => pointwise.run(self.isa, x, &mut out, false),
            Packed::Direct(direct) => direct.run(self.isa, x, &mut out),
        }
        Ok(out)
    }

    fn convolve_onto(
        &self,
        packed: &Packed,
        x: &Activations,
        mut onto: Activations,
    ) -> Result<Activations, ExtractError> {
        match packed {
            Packed::Pointwise(pointwise) => pointwise.run(self.isa, x, &mut onto, true),
            Packed::Direct(_) => unreachable!("shortcuts end in a pointwise convolution"),
        }
        Ok(onto)
    }

    fn max_pool(&self, pool: &Pool, x: &Activations) -> Result<Activations, ExtractError> {
        let mut out = Activations::zeros(x.channels, x.clips, pool.output(x.size));
        let size = out.size;
        let positions = out.positions();
        if positions > 0 {
            out.values
                .par_chunks_mut(positions)
                .zip(x.values.par_chunks(x.positions()))
                .for_each(|(out, x_values)| max_pool_one(pool, x_values, x.size, out, size));
        }
        Ok(out)
    }

    fn means(&self, x: &Activations) -> Result<Vec<Vec<f32>>, ExtractError> {
        Ok(x.means())
    }
}

/// One channel of one clip.
fn max_pool_one(pool: &Pool, x: &[f32], size: [usize; 3], out: &mut [f32], out_size: [usize; 3]) {
    let range = |axis: usize, at: usize| {
        let start = (at * pool.stride[axis]) as isize - pool.padding[axis].0 as isize;
        let end = (start + pool.kernel[axis] as isize).min(size[axis] as isize);
        (start.max(0) as usize)..(end.max(0) as usize)
    };
    for t in 0..out_size[0] {
        for y in 0..out_size[1] {
            let row = &mut out[(t * out_size[1] + y) * out_size[2]..][..out_size[2]];
            row.fill(f32::NEG_INFINITY);
            for from_t in range(0, t) {
                for from_y in range(1, y) {
                    let from = &x[(from_t * size[1] + from_y) * size[2]..][..size[2]];
                    for (column, best) in row.iter_mut().enumerate() {
                        for value in &from[range(2, column)] {
                            // NaN stays visible: `max` would drop it.
                            if *value > *best || value.is_nan() {
                                *best = *value;
                            }
                        }
                    }
                }
            }
        }
    }
}
