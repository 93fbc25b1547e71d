//! What a product is made of: two matrices as they are, or rounded to TF32.

use kernels::product::View;
use kernels::tf32;
use sweeps::training::MatmulPrecision;

use crate::backend::cpu::host_buffer::{HostBuffer, grow};
use crate::error::TrainError;

/// Gives the operands of a product in the precision of a job.
pub(super) struct Operands {
    pub(super) precision: MatmulPrecision,
    threads: usize,
    /// Rounded copies, made where they are needed.
    left: Vec<f32>,
    right: Vec<f32>,
}

impl Operands {
    pub(super) fn new(threads: usize) -> Self {
        Self {
            precision: MatmulPrecision::F32,
            threads,
            left: Vec::new(),
            right: Vec::new(),
        }
    }

    /// Both as a product takes them.
    pub(super) fn of<'a>(
        &'a mut self,
        left: &'a HostBuffer,
        right: &'a HostBuffer,
    ) -> Result<(View<'a>, View<'a>), TrainError> {
        match self.precision {
            MatmulPrecision::F32 => Ok((left.view(), right.view())),
            MatmulPrecision::Tf32 => Ok((
                rounded(self.threads, left, &mut self.left)?,
                rounded(self.threads, right, &mut self.right)?,
            )),
        }
    }
}

fn rounded<'a>(
    threads: usize,
    of: &HostBuffer,
    into: &'a mut Vec<f32>,
) -> Result<View<'a>, TrainError> {
    let values = of.values();
    grow(into, values.len())?;
    tf32::round_all(threads, values, &mut into[..values.len()]);
    Ok(View::new(into, of.rows, of.columns))
}
