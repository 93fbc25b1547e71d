//! Opening a GPU, in one way for everybody.

use crate::facts::Facts;
use crate::fault::{Blame, Fault};

/// A GPU that is open.
#[derive(Debug, Clone)]
pub struct Opened {
    /// candle's handle. All work goes through one queue of its own, whichever thread it comes from.
    pub device: candle_core::Device,
    /// What decides its bits.
    pub facts: Facts,
}

/// Opens the GPU that CUDA shows to this process under that number.
///
/// Kernels are loaded at their first use, so that a GPU that is older than they are would fail in its first job: one is
/// run here.
#[cfg(not(feature = "cuda"))]
pub fn open(_: usize) -> Result<Opened, Fault> {
    Err(Fault {
        blame: Blame::Program,
        message: "this program was built without the feature `cuda`".to_owned(),
    })
}

/// Opens the GPU that CUDA shows to this process under that number.
///
/// Kernels are loaded at their first use, so that a GPU that is older than they are would fail in its first job: one is
/// run here.
#[cfg(feature = "cuda")]
pub fn open(ordinal: usize) -> Result<Opened, Fault> {
    // The stream of candle's own opener is another one in every thread: what one job's thread copies to the device would
    // have no order with what the next job's thread computes from it.
    let device = candle_core::Device::new_cuda_with_stream(ordinal)
        .map_err(|error| beyond(ordinal).unwrap_or_else(|| Fault::of(&error)))?;
    let facts = cuda::facts(&device).map_err(|error| Fault::of(&error))?;
    cuda::probe(&device).map_err(|error| {
        let fault = Fault::of(&error);
        let (major, minor) = facts.capability;
        Fault {
            message: format!(
                "{} (compute capability {major}.{minor}) does not run this program's kernels: they are built for one \
                 capability (CUDA_COMPUTE_CAP), up to 8.9 also for newer ones, from 9.0 on for that one alone: {}",
                facts.name, fault.message
            ),
            blame: match fault.blame {
                Blame::Memory => Blame::Memory,
                Blame::Device | Blame::Program => Blame::Device,
            },
        }
    })?;
    Ok(Opened { device, facts })
}

/// What to say of a number that no GPU has: CUDA's own "invalid device ordinal" does not say how many there are.
#[cfg(feature = "cuda")]
fn beyond(ordinal: usize) -> Option<Fault> {
    use candle_core::cuda_backend::cudarc::driver::CudaContext;

    let count = usize::try_from(CudaContext::device_count().ok()?).ok()?;
    (ordinal >= count).then(|| Fault {
        blame: Blame::Device,
        message: match count {
            0 => "CUDA shows no GPU to this process".to_owned(),
            1 => "CUDA shows one GPU to this process, `cuda:0`".to_owned(),
            _ => format!(
                "CUDA shows {count} GPUs to this process, `cuda:0` to `cuda:{}`",
                count - 1
            ),
        },
    })
}

#[cfg(feature = "cuda")]
mod cuda {
    use candle_core::cuda_backend::WrapErr;
    use candle_core::cuda_backend::cudarc::cublas::sys::cublasGetVersion_v2;
    use candle_core::cuda_backend::cudarc::driver::result::{device, mem_pool};
    use candle_core::cuda_backend::cudarc::driver::{CudaContext, sys};
    use candle_core::{Device, Error, Tensor};

    use crate::facts::Facts;

    pub(super) fn facts(device: &Device) -> Result<Facts, Error> {
        let cuda = device.as_cuda_device()?;
        let stream = cuda.cuda_stream();
        let context = stream.context();
        // All work of a handle is in the order of its one stream, and events would cost two calls a buffer.
        // SAFETY: whoever opens the device again (a worker that also extracts) shares this context, but not the stream, and no
        // tensor crosses from one handle to the other: each is written, read and freed in one stream's order. What one
        // stream freed the pool gives to another by an order that the driver keeps itself.
        #[allow(unsafe_code)]
        unsafe {
            context.disable_event_tracking();
        }
        keep_memory(context)?;
        let attribute = |which| context.attribute(which).w();
        let (major, minor) = context.compute_capability().w()?;
        let mut version = 0;
        // SAFETY: the handle is open, and the version is written to a number that lives.
        #[allow(unsafe_code)]
        unsafe {
            cublasGetVersion_v2(*cuda.cublas_handle().handle(), &raw mut version)
                .result()
                .w()?;
        }
        Ok(Facts {
            capability: (number(major), number(minor)),
            multiprocessors: number(attribute(
                sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT,
            )?),
            cublas: number(version),
            name: device::get_name(context.cu_device()).unwrap_or_else(|_| "a GPU".to_owned()),
        })
    }

    fn number(value: i32) -> u32 {
        u32::try_from(value).unwrap_or(0)
    }

    /// Memory that was freed stays with the process for its next buffers. *Because* the default gives everything back
    /// to the system at every synchronization, and takes it again right after.
    fn keep_memory(context: &CudaContext) -> Result<(), Error> {
        if !context.has_async_alloc() {
            return Ok(());
        }
        let mut everything = u64::MAX;
        // SAFETY: the device is the context's; the attribute is a 64-bit number.
        #[allow(unsafe_code)]
        unsafe {
            let pool = device::get_mem_pool(context.cu_device()).w()?;
            mem_pool::set_attribute(
                pool,
                sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD,
                (&raw mut everything).cast(),
            )
            .w()
        }
    }

    /// A kernel there and back.
    pub(super) fn probe(device: &Device) -> Result<(), Error> {
        let given = Tensor::from_slice(&[0.0_f32, 1.0, 2.0, 3.0], 4, device)?;
        let found = given.affine(2.0, 1.0)?.to_vec1::<f32>()?;
        if found == [1.0, 3.0, 5.0, 7.0] {
            Ok(())
        } else {
            candle_core::bail!("2·(0, 1, 2, 3) + 1 came out as {found:?}")
        }
    }
}
