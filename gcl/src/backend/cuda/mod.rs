//! The networks on a GPU: candle's device, memory and cuBLAS, and between the products kernels of ours (`cuda/kernels.cu`).
//!
//! Everything but [`driver`] is independent of CUDA: the tests run the same code and the same kernels on the processor, by a
//! queue of their own.
#![allow(dead_code, reason = "the networks come next")]

#[cfg(feature = "cuda")]
pub(crate) mod driver;
pub(crate) mod kernels;
pub(crate) mod queue;
#[cfg(test)]
pub(crate) mod shim;
#[cfg(test)]
mod tests;
