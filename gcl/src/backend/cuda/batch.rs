//! A batch on the device: its rows, and the features that are gathered for them.

use std::rc::Rc;

use crate::backend::Split;
use crate::backend::cuda::kernels::{Address, Gather};
use crate::backend::cuda::memory::{Features, Matrix, Resident, ResidentScaling, number};
use crate::backend::cuda::queue::Queue;
use crate::backend::cuda::{Cuda, demand};
use crate::data::device_cache::staged_rows;
use crate::error::TrainError;

impl<Q: Queue> Cuda<Q> {
    /// The rows of a batch on the device: those that were gathered last are there.
    pub(super) fn batch_on_device(&mut self, rows: &[u32]) -> Result<Address, TrainError> {
        let bytes = size_of_val(rows);
        if self.batch_rows == rows {
            return self.batch.reserve(&self.queue, bytes);
        }
        self.batch_rows.clear();
        let at = self.batch.put(&self.queue, rows)?;
        self.batch_rows.extend_from_slice(rows);
        Ok(at)
    }

    /// Gathers rows of `from` on the device; `batch` are their numbers there.
    pub(super) fn gather_on_device(
        &self,
        from: &Resident,
        (batch, count): (Address, usize),
        out: &Matrix<Q>,
    ) -> Result<(), TrainError> {
        let (norms, offset, factor) = match from.scaling {
            ResidentScaling::None => (0, 0, 0),
            ResidentScaling::Rows(norms) => (norms, 0, 0),
            ResidentScaling::Columns { offset, factor } => (0, offset, factor),
        };
        let mut first = 0;
        for (at, rows) in &from.pieces {
            self.launch(
                &Gather {
                    out: out.at,
                    features: *at,
                    rows: batch,
                    offset,
                    factor,
                    norms,
                    first: number(first)?,
                    count: number(*rows)?,
                    width: out.width()?,
                    half: u32::from(from.half),
                },
                (count, 1),
            )?;
            first += rows;
        }
        Ok(())
    }

    pub(super) fn gather_rows(
        &mut self,
        split: Split,
        rows: &[u32],
        out: &mut Matrix<Q>,
    ) -> Result<(), TrainError> {
        out.hold(rows.len())?;
        let batch = self.batch_on_device(rows)?;
        let features = match (split, &mut self.test) {
            (Split::Test, Some(test)) => test,
            _ => &mut self.train,
        };
        let (columns, all) = (features.columns(), features.rows());
        demand(
            columns == out.columns && rows.iter().all(|row| (*row as usize) < all),
            "a batch and the features",
        )?;
        match features {
            Features::Device(from) => {
                let from = Rc::clone(from);
                self.gather_on_device(&from, (batch, rows.len()), out)
            }
            Features::Host {
                features,
                threads,
                staged,
            } => {
                let at_once = staged_rows(columns);
                staged.resize(at_once.min(rows.len()) * columns, 0.0);
                for (index, part) in rows.chunks(at_once).enumerate() {
                    let staged = &mut staged[..part.len() * columns];
                    features.gather(*threads, part, staged);
                    let to = out.at + (index * at_once * columns * size_of::<f32>()) as Address;
                    // SAFETY: `out` holds all rows, and the parts follow each other.
                    #[allow(unsafe_code)]
                    unsafe {
                        self.queue.upload(bytemuck::cast_slice(staged), to)?;
                    }
                }
                Ok(())
            }
        }
    }
}
