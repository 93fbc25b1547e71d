//! The networks on a GPU: candle's device, memory and cuBLAS, and between the products kernels of ours (`cuda/kernels.cu`).
//!
//! Everything but [`driver`] is independent of CUDA: the tests run the same code and the same kernels on the processor, by a
//! queue of their own.
//!
//! A step in its usual form (targets `ones`, thresholds from mean and deviation or fixed) waits for the device once, when its
//! findings are read. The other targets and thresholds are made on the host, from one number a row.

mod backend;
mod batch;
#[cfg(feature = "cuda")]
pub(crate) mod driver;
pub(crate) mod kernels;
mod labelling;
mod losses;
pub(crate) mod memory;
mod parameters;
pub(crate) mod queue;
#[cfg(test)]
pub(crate) mod shim;
mod supervised;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod traces;

use sweeps::training::{MatmulPrecision, ReconstructionError};

use crate::backend::cuda::kernels::{
    AddPieces, Address, ColumnSums, Kernel, MOST_BLOCKS, blocks, pieces,
};
use crate::backend::cuda::memory::{Features, Growing, Loss, Matrix, number};
use crate::backend::cuda::queue::{Product, Queue};
use crate::backend::cuda::supervised::Supervised;
use crate::error::TrainError;

/// Losses that may wait to be read: more than a step makes.
const LOSSES: usize = 64;
/// Every parameter begins at a multiple of so many values, where cuBLAS reads fastest.
const ALIGNED: usize = 64;

/// Every weight and bias of a network in one piece of memory: values, then squares, momenta and gradients.
const SECTIONS: usize = 4;

/// A device's queue, with the features that batches are gathered from and the scratch of its passes.
pub(crate) struct Cuda<Q: Queue> {
    queue: Q,
    precision: MatmulPrecision,
    train: Features,
    test: Option<Features>,
    /// f64, `[LOSSES]`.
    losses: Q::Memory,
    next_loss: usize,
    /// f64, column sums per piece of rows.
    sums: Growing<Q>,
    /// f32, losses of the rows of a batch.
    row_losses: Growing<Q>,
    /// f32, a gradient behind a layer's product and before its gate.
    through: Growing<Q>,
    /// u32, the rows of the batch that was gathered last, and the same on the host.
    batch: Growing<Q>,
    batch_rows: Vec<u32>,
    /// u32, a target's rows, and f32, its noise.
    sources: Growing<Q>,
    noise: Growing<Q>,
    /// u32, the rows of a batch whose videos are known, on the device, and the same on the host.
    supervised: Growing<Q>,
    supervised_rows: Supervised,
}

impl<Q: Queue> Cuda<Q> {
    /// Batches come from `train` and `test`, which lie on the queue's device.
    pub(crate) fn new(
        queue: Q,
        train: Features,
        test: Option<Features>,
    ) -> Result<Self, TrainError> {
        Ok(Self {
            losses: queue.allocate(LOSSES * size_of::<f64>())?,
            queue,
            precision: MatmulPrecision::F32,
            train,
            test,
            next_loss: 0,
            sums: Growing::default(),
            row_losses: Growing::default(),
            through: Growing::default(),
            batch: Growing::default(),
            batch_rows: Vec::new(),
            sources: Growing::default(),
            noise: Growing::default(),
            supervised: Growing::default(),
            supervised_rows: Supervised::default(),
        })
    }

    fn launch<K: Kernel>(&self, arguments: &K, grid: (usize, usize)) -> Result<(), TrainError> {
        if grid.0 == 0 || grid.1 == 0 {
            return Ok(());
        }
        if grid.0 > MOST_BLOCKS.0 || grid.1 > MOST_BLOCKS.1 {
            return Err(TrainError::bad_data(format!(
                "a batch takes {} times {} blocks in the kernel `{}`, more than a GPU starts at once ({} times {}): lower batch_size",
                grid.0,
                grid.1,
                K::NAME,
                MOST_BLOCKS.0,
                MOST_BLOCKS.1
            )));
        }
        // SAFETY: every caller below gives addresses of memory of this queue that it borrows, with the extents that the
        // matrices' own numbers of rows and columns say, which it has compared.
        #[allow(unsafe_code)]
        unsafe {
            self.queue.launch(arguments, grid)
        }
    }

    fn multiply(&self, product: &Product) -> Result<(), TrainError> {
        // SAFETY: as in `launch`.
        #[allow(unsafe_code)]
        unsafe {
            self.queue.multiply(product)
        }
    }

    fn download(&self, pieces: &mut [(Address, &mut [u8])]) -> Result<(), TrainError> {
        // SAFETY: as in `launch`; the host's buffers have been made as long as what is read.
        #[allow(unsafe_code)]
        unsafe {
            self.queue.download(pieces)
        }
    }

    /// The place of the next loss.
    fn loss(&mut self) -> Loss {
        let at = self.queue.address(&self.losses) + (self.next_loss * size_of::<f64>()) as Address;
        self.next_loss = (self.next_loss + 1) % LOSSES;
        Loss(at)
    }

    /// The sums over each column of `matrix`.
    fn sum_columns(&mut self, matrix: &Matrix<Q>, out: &mut Matrix<Q>) -> Result<(), TrainError> {
        let (rows, columns) = (matrix.rows, matrix.columns);
        let sums = self.sums_of(rows, columns)?;
        self.launch(
            &ColumnSums {
                gradient: matrix.at,
                sums,
                rows: number(rows)?,
                width: matrix.width()?,
            },
            (blocks(columns), pieces(rows)),
        )?;
        self.add_pieces(sums, (rows, columns), out)
    }

    /// Room for column sums per piece of so many rows.
    fn sums_of(&mut self, rows: usize, columns: usize) -> Result<Address, TrainError> {
        let bytes = pieces(rows) * columns * size_of::<f64>();
        self.sums.reserve(&self.queue, bytes)
    }

    fn add_pieces(
        &self,
        sums: Address,
        (rows, columns): (usize, usize),
        out: &mut Matrix<Q>,
    ) -> Result<(), TrainError> {
        demand(out.columns == columns, "column sums and their place")?;
        out.hold(1)?;
        self.launch(
            &AddPieces {
                out: out.at,
                sums,
                pieces: number(pieces(rows))?,
                width: out.width()?,
            },
            (blocks(out.columns), 1),
        )
    }
}

/// Bytes of a host buffer that takes `count` values.
fn room<T: bytemuck::NoUninit + bytemuck::AnyBitPattern>(
    values: &mut Vec<T>,
    count: usize,
) -> &mut [u8] {
    values.resize(count, T::zeroed());
    bytemuck::cast_slice_mut(values)
}

fn mean_square(error: ReconstructionError) -> u32 {
    match error {
        ReconstructionError::L2 => 0,
        ReconstructionError::Mse => 1,
    }
}

/// A mistake of the caller, found before a kernel reads what is not there.
fn demand(holds: bool, what: &'static str) -> Result<(), TrainError> {
    if holds {
        Ok(())
    } else {
        Err(TrainError::host(format!("{what} do not fit each other")))
    }
}
