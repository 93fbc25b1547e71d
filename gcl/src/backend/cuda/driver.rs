//! The queue of CUDA: one stream of candle's device, kernels from the PTX that the build made, products by cuBLAS.
#![allow(
    unsafe_code,
    reason = "the driver is C; every block says what it relies on"
)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::rc::Rc;
use std::sync::Arc;

use candle_core::cuda_backend::WrapErr;
use candle_core::cuda_backend::cudarc::cublas::{result as cublas, sys as blas};
use candle_core::cuda_backend::cudarc::driver::{
    CudaFunction, CudaSlice, CudaStream, DevicePtr, DeviceRepr, LaunchConfig, PushKernelArg, result,
};
use candle_core::{CudaDevice, DType, Storage, Tensor};
use half::f16;
use sweeps::training::MatmulPrecision;

use crate::backend::cuda::kernels::{Address, Kernel, NAMES, THREADS};
use crate::backend::cuda::memory::{Features, Resident, ResidentScaling};
use crate::backend::cuda::queue::{Product, Queue};
use crate::data::device_features::{DeviceFeatures, DeviceScaling, Place};
use crate::error::TrainError;

#[expect(unreachable_pub, reason = "the build writes it")]
mod ptx {
    include!(concat!(env!("OUT_DIR"), "/ptx.rs"));
}

/// Page-locked host memory of a queue: batches of row numbers and the findings of a step go through it, so that a copy is put
/// in the queue instead of waiting for it.
const PINNED_BYTES: usize = 4 << 20;
/// Pieces begin at multiples of this.
const PIECE_BYTES: usize = 64;

/// A device's queue.
pub(crate) struct Driver {
    device: CudaDevice,
    stream: Arc<CudaStream>,
    functions: BTreeMap<&'static str, CudaFunction>,
    pinned: RefCell<Pinned>,
}

impl Driver {
    /// The queue of a device; loads the kernels.
    pub(crate) fn new(device: &CudaDevice) -> Result<Self, TrainError> {
        let stream = device.cuda_stream();
        let functions = NAMES
            .iter()
            .map(|name| {
                let function = device.get_or_load_custom_func(name, "gcl", ptx::KERNELS)?;
                Ok((*name, function.into_cuda_function()))
            })
            .collect::<Result<_, candle_core::Error>>()?;
        Ok(Self {
            pinned: RefCell::new(Pinned::new(&stream)?),
            device: device.clone(),
            stream,
            functions,
        })
    }

    /// Makes this thread's calls go to the device.
    fn bind(&self) -> Result<(), TrainError> {
        Ok(self.stream.context().bind_to_thread().w()?)
    }
}

/// Page-locked memory, used from its begin on until somebody waits for the queue.
struct Pinned {
    at: *mut u8,
    used: usize,
    stream: Arc<CudaStream>,
}

impl Pinned {
    fn new(stream: &Arc<CudaStream>) -> Result<Self, TrainError> {
        stream.context().bind_to_thread().w()?;
        // SAFETY: plain memory of the host.
        let at = unsafe { result::malloc_host(PINNED_BYTES, 0) }.w()?;
        Ok(Self {
            at: at.cast(),
            used: 0,
            stream: Arc::clone(stream),
        })
    }

    /// Room for a piece that the queue has not used since the last wait, if there is so much.
    fn take(&mut self, bytes: usize) -> Option<*mut u8> {
        let end = self.used.checked_add(bytes)?;
        if end > PINNED_BYTES {
            return None;
        }
        // SAFETY: inside the allocation.
        let at = unsafe { self.at.add(self.used) };
        self.used = end.next_multiple_of(PIECE_BYTES);
        Some(at)
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let context = self.stream.context();
        // What other drops recorded is handed out once, to whoever asks first. This cannot return it, and so records it again.
        let recorded = context.check_err();
        match self.stream.synchronize() {
            // SAFETY: made by `malloc_host`; the copies that used it are done.
            Ok(()) => context.record_err(unsafe { result::free_host(self.at.cast::<c_void>()) }),
            // Copies may be under way: the memory stays theirs.
            failed @ Err(_) => context.record_err(failed),
        }
        context.record_err(recorded);
    }
}

// SAFETY: one stream keeps the order, and candle's allocator is ordered by the same stream.
unsafe impl Queue for Driver {
    type Memory = CudaSlice<u8>;

    fn allocate(&self, bytes: usize) -> Result<CudaSlice<u8>, TrainError> {
        // SAFETY: whoever reads has written before.
        Ok(unsafe { self.device.alloc::<u8>(bytes.max(1)) }?)
    }

    fn address(&self, memory: &CudaSlice<u8>) -> Address {
        memory.device_ptr(&self.stream).0
    }

    unsafe fn zero(&self, at: Address, bytes: usize) -> Result<(), TrainError> {
        self.bind()?;
        // SAFETY: the caller's.
        Ok(unsafe { result::memset_d8_async(at, 0, bytes, self.stream.cu_stream()) }.w()?)
    }

    unsafe fn upload(&self, from: &[u8], to: Address) -> Result<(), TrainError> {
        self.bind()?;
        let stream = self.stream.cu_stream();
        let mut pinned = self.pinned.borrow_mut();
        if from.len() > PINNED_BYTES / 4 {
            // SAFETY: the caller's; `from` stays until the wait below.
            unsafe { result::memcpy_htod_async(to, from, stream) }.w()?;
            // *Because* CUDA may read memory that is not page-locked after the call.
            self.stream.synchronize().w()?;
            pinned.used = 0;
            return Ok(());
        }
        let staged = if let Some(staged) = pinned.take(from.len()) {
            staged
        } else {
            self.stream.synchronize().w()?;
            pinned.used = 0;
            pinned
                .take(from.len())
                .ok_or_else(|| TrainError::host("a piece is larger than its staging memory"))?
        };
        // SAFETY: `take` gave room for it, and nothing in the queue uses that room.
        let staged = unsafe {
            staged.copy_from_nonoverlapping(from.as_ptr(), from.len());
            std::slice::from_raw_parts(staged, from.len())
        };
        // SAFETY: the caller's; the staged bytes stay until the queue was waited for.
        Ok(unsafe { result::memcpy_htod_async(to, staged, stream) }.w()?)
    }

    unsafe fn download(&self, pieces: &mut [(Address, &mut [u8])]) -> Result<(), TrainError> {
        self.bind()?;
        let stream = self.stream.cu_stream();
        let mut pinned = self.pinned.borrow_mut();
        let mut staged = Vec::with_capacity(pieces.len());
        let mut queued = Ok(());
        for (at, out) in pieces.iter_mut() {
            let place = pinned.take(out.len());
            // SAFETY: the room is ours until the wait below.
            let room =
                place.map(|place| unsafe { std::slice::from_raw_parts_mut(place, out.len()) });
            // SAFETY: the caller's. What has no room goes to memory that is not page-locked, and stays until the wait below.
            queued = unsafe { result::memcpy_dtoh_async(room.unwrap_or(out), *at, stream) }.w();
            if queued.is_err() {
                break;
            }
            staged.push(place);
        }
        // Also after an error: earlier copies may still write into what the caller gave.
        self.stream.synchronize().w()?;
        pinned.used = 0;
        queued?;
        for ((_, out), place) in pieces.iter_mut().zip(staged) {
            if let Some(place) = place {
                // SAFETY: the copies into it are done.
                unsafe { out.as_mut_ptr().copy_from_nonoverlapping(place, out.len()) };
            }
        }
        Ok(())
    }

    unsafe fn launch<K: Kernel>(
        &self,
        arguments: &K,
        (blocks_x, blocks_y): (usize, usize),
    ) -> Result<(), TrainError> {
        let (Ok(x), Ok(y)) = (u32::try_from(blocks_x), u32::try_from(blocks_y)) else {
            return Err(TrainError::host("too many blocks for one launch"));
        };
        let function = self
            .functions
            .get(K::NAME)
            .ok_or_else(|| TrainError::host(format!("there is no kernel `{}`", K::NAME)))?;
        let arguments = Plain(*arguments);
        let mut launch = self.stream.launch_builder(function);
        launch.arg(&arguments);
        let shape = LaunchConfig {
            grid_dim: (x, y, 1),
            block_dim: (THREADS as u32, 1, 1),
            shared_mem_bytes: 0,
        };
        // SAFETY: the layout is the kernel's (a promise of `Kernel`), the addresses are the caller's.
        unsafe { launch.launch(shape) }.w()?;
        Ok(())
    }

    unsafe fn multiply(&self, product: &Product) -> Result<(), TrainError> {
        let Product { m, n, k, .. } = *product;
        let size = |value: usize| {
            i32::try_from(value).map_err(|_| TrainError::host("a product is too large for cuBLAS"))
        };
        let operation = |transposed| {
            if transposed {
                blas::cublasOperation_t::CUBLAS_OP_T
            } else {
                blas::cublasOperation_t::CUBLAS_OP_N
            }
        };
        let compute = match product.precision {
            MatmulPrecision::F32 => blas::cublasComputeType_t::CUBLAS_COMPUTE_32F,
            MatmulPrecision::Tf32 => blas::cublasComputeType_t::CUBLAS_COMPUTE_32F_FAST_TF32,
        };
        let (one, zero) = (1.0_f32, 0.0_f32);
        let float = blas::cudaDataType_t::CUDA_R_32F;
        self.bind()?;
        // cuBLAS counts column by column, where a row-by-row matrix is its transpose: cᵀ ← op(b)ᵀ · op(a)ᵀ.
        // SAFETY: the handle is open, the factors live through the call, the addresses are the caller's.
        unsafe {
            cublas::gemm_ex(
                *self.device.cublas_handle().handle(),
                operation(product.transposed_b),
                operation(product.transposed_a),
                size(n)?,
                size(m)?,
                size(k)?,
                (&raw const one).cast(),
                product.b as *const c_void,
                float,
                size(if product.transposed_b { k } else { n })?,
                product.a as *const c_void,
                float,
                size(if product.transposed_a { m } else { k })?,
                (&raw const zero).cast(),
                product.c as *mut c_void,
                float,
                size(n)?,
                compute,
                blas::cublasGemmAlgo_t::CUBLAS_GEMM_DEFAULT,
            )
        }
        .w()?;
        Ok(())
    }
}

/// Features of a device's cache, as kernels read them.
pub(crate) fn features(queue: &Driver, features: DeviceFeatures) -> Result<Features, TrainError> {
    let (rows, scaling) = match features.into_place() {
        Place::Host {
            features, threads, ..
        } => return Ok(Features::on_host(features, threads)),
        Place::Device { rows, scaling } => (rows, scaling),
    };
    let address = |tensor: &Tensor| address(queue, tensor);
    let mut pieces = Vec::with_capacity(rows.slices.len());
    let (mut all, mut columns, mut half) = (0, 0, false);
    for slice in &rows.slices {
        let count;
        (count, columns) = slice.dims2()?;
        half = slice.dtype() == DType::F16;
        pieces.push((address(slice)?, count));
        all += count;
    }
    Ok(Features::Device(Rc::new(Resident {
        pieces,
        rows: all,
        columns,
        half,
        scaling: match &scaling {
            DeviceScaling::None => ResidentScaling::None,
            DeviceScaling::Rows(norms) => ResidentScaling::Rows(address(norms)?),
            DeviceScaling::Columns { offset, factor, .. } => ResidentScaling::Columns {
                offset: address(offset)?,
                factor: address(factor)?,
            },
        },
        _owner: Box::new((rows, scaling)),
    })))
}

/// Where the values of a tensor lie.
fn address(queue: &Driver, tensor: &Tensor) -> Result<Address, TrainError> {
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cuda(storage) = &*storage else {
        return Err(TrainError::host("features are on another device"));
    };
    let begin = match tensor.dtype() {
        DType::F16 => storage.as_cuda_slice::<f16>()?.device_ptr(&queue.stream).0,
        DType::F32 => storage.as_cuda_slice::<f32>()?.device_ptr(&queue.stream).0,
        DType::F64 => storage.as_cuda_slice::<f64>()?.device_ptr(&queue.stream).0,
        other => {
            return Err(TrainError::host(format!("features are {other:?}")));
        }
    };
    let skipped = layout.start_offset() * tensor.dtype().size_in_bytes();
    Ok(begin + skipped as Address)
}

/// Arguments as the driver takes them.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Plain<K>(K);

// SAFETY: a kernel's arguments are plain numbers, laid out as in C.
unsafe impl<K: Kernel> DeviceRepr for Plain<K> {}
