//! What a device's queue of work does for this backend. In a CUDA build it is CUDA's; the tests have one that runs the same
//! kernels on the processor.

use sweeps::training::MatmulPrecision;

use crate::backend::cuda::kernels::{Address, Kernel};
use crate::error::TrainError;

/// c ← op(a) · op(b), f32 row by row in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Product {
    /// `[m, k]`, or `[k, m]` where it is `transposed_a`.
    pub(crate) a: Address,
    pub(crate) transposed_a: bool,
    /// `[k, n]`, or `[n, k]` where it is `transposed_b`.
    pub(crate) b: Address,
    pub(crate) transposed_b: bool,
    /// `[m, n]`.
    pub(crate) c: Address,
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
    pub(crate) precision: MatmulPrecision,
}

/// Work in order. What reads and writes is put at the queue's end; only [`download`](Self::download) waits.
///
/// # Safety
/// An implementation must run what it is given in order, each piece with all the memory that it was given.
#[allow(unsafe_code, reason = "addresses cross a border that no type crosses")]
pub(crate) unsafe trait Queue: 'static {
    /// Memory of the device. Dropping it gives it back once the work that was queued before is done.
    type Memory: 'static;

    /// Memory for so many bytes, of any content.
    fn allocate(&self, bytes: usize) -> Result<Self::Memory, TrainError>;

    /// Where it begins: a multiple of 256.
    fn address(&self, memory: &Self::Memory) -> Address;

    /// Fills with zeros.
    ///
    /// # Safety
    /// The bytes lie in memory of this queue that lives.
    unsafe fn zero(&self, at: Address, bytes: usize) -> Result<(), TrainError>;

    /// Copies from the host. `from` may change when this returns.
    ///
    /// # Safety
    /// As [`zero`](Self::zero).
    unsafe fn upload(&self, from: &[u8], to: Address) -> Result<(), TrainError>;

    /// Waits for all that was queued, and copies to the host: one wait for all pieces.
    ///
    /// # Safety
    /// As [`zero`](Self::zero).
    unsafe fn download(&self, pieces: &mut [(Address, &mut [u8])]) -> Result<(), TrainError>;

    /// Runs a kernel on `blocks_x` · `blocks_y` blocks.
    ///
    /// # Safety
    /// Its addresses are of memory that lives and has the extents that the kernel reads and writes.
    unsafe fn launch<K: Kernel>(
        &self,
        arguments: &K,
        blocks: (usize, usize),
    ) -> Result<(), TrainError>;

    /// A product.
    ///
    /// # Safety
    /// As [`launch`](Self::launch).
    unsafe fn multiply(&self, product: &Product) -> Result<(), TrainError>;
}
