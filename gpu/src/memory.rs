//! How much of a GPU's memory there is for a job, and how much of it candle addresses.

/// Elements that candle's kernels can be trusted with in one tensor.
///
/// They count elements in `unsigned int`, and the launch is told their number in 32 bits (candle-core and candle-kernels 0.11.1:
/// `LaunchConfig::for_num_elems(n as u32)`); `index_select`, copies and everything elementwise step by the whole grid, so that
/// the counter itself wraps above 2³¹ elements, and nothing says so. Below 2³¹ all of it is right.
pub const ADDRESSABLE: usize = (1 << 31) - 1;

/// Bytes that this process can take: those that nobody has, and of the memory that its pool keeps those that nobody uses. The
/// pool never gives memory back ([`open`](crate::open) says why), so that CUDA counts what earlier jobs had as taken.
#[cfg_attr(not(any(test, feature = "cuda")), allow(dead_code))]
fn available(free: usize, pool: Option<Pool>) -> usize {
    let kept = pool.map_or(0, |pool| pool.reserved.saturating_sub(pool.used));
    free.saturating_add(usize::try_from(kept).unwrap_or(usize::MAX))
}

/// What a device's pool of memory tells.
#[cfg_attr(not(any(test, feature = "cuda")), allow(dead_code))]
#[derive(Debug, Clone, Copy)]
struct Pool {
    /// Bytes that it has of the device.
    reserved: u64,
    /// Bytes of them that are in use.
    used: u64,
}

/// Bytes of the memory of a GPU that [`open`](crate::open) opened which this process can take; `None` where the device is no
/// GPU, or does not say. Waits for its queue, so that what was dropped counts as free.
#[cfg(not(feature = "cuda"))]
pub fn free_bytes(_: &candle_core::Device) -> Option<usize> {
    None
}

/// Bytes of the memory of a GPU that [`open`](crate::open) opened which this process can take; `None` where the device is no
/// GPU, or does not say. Waits for its queue, so that what was dropped counts as free.
#[cfg(feature = "cuda")]
pub fn free_bytes(device: &candle_core::Device) -> Option<usize> {
    let stream = device.as_cuda_device().ok()?.cuda_stream();
    match cuda::free_bytes(&stream) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            // It may be one that a drop recorded, which CUDA's next call would have returned: that call still shall.
            stream.context().record_err::<()>(Err(error));
            None
        }
    }
}

#[cfg(feature = "cuda")]
mod cuda {
    use candle_core::cuda_backend::cudarc::driver::result::{device, mem_pool};
    use candle_core::cuda_backend::cudarc::driver::{
        CudaContext, CudaStream, DriverError, sys::CUmemPool_attribute,
    };

    use super::{Pool, available};

    pub(super) fn free_bytes(stream: &CudaStream) -> Result<usize, DriverError> {
        stream.synchronize()?;
        let context = stream.context();
        let (free, _) = context.mem_get_info()?;
        let pool = context.has_async_alloc().then(|| pool(context));
        Ok(available(free, pool.transpose()?))
    }

    fn pool(context: &CudaContext) -> Result<Pool, DriverError> {
        let read = |attribute| {
            let mut bytes = 0_u64;
            // SAFETY: the device is the context's; the attribute is a 64-bit number, written to one that lives.
            #[allow(unsafe_code)]
            unsafe {
                let pool = device::get_mem_pool(context.cu_device())?;
                mem_pool::get_attribute(pool, attribute, (&raw mut bytes).cast())?;
            }
            Ok::<_, DriverError>(bytes)
        };
        Ok(Pool {
            reserved: read(CUmemPool_attribute::CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT)?,
            used: read(CUmemPool_attribute::CU_MEMPOOL_ATTR_USED_MEM_CURRENT)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_pool_keeps_and_nobody_uses_is_free() {
        let kept = Pool {
            reserved: 70,
            used: 30,
        };
        assert_eq!(available(20, Some(kept)), 60);
        assert_eq!(available(20, None), 20);
        // Two numbers that were read one after the other.
        let raced = Pool {
            reserved: 30,
            used: 31,
        };
        assert_eq!(available(20, Some(raced)), 20);
    }

    #[test]
    fn the_processor_does_not_say() {
        assert_eq!(free_bytes(&candle_core::Device::Cpu), None);
    }
}
