//! What a job runs on, chosen once.

use std::fmt;
#[cfg(feature = "candle")]
use std::sync::Arc;

use kernels::Threads;
use kernels::isa::{device_kind, processor_name};
use sweeps::training::MatmulPrecision;
use sweeps::{DeviceInfo, Training};

#[cfg(feature = "candle")]
use crate::data::device_features::DeviceMemory;

/// A device that is open. Cloning it is cheap.
#[derive(Clone)]
pub struct Device {
    pub(crate) backend: Backend,
    info: DeviceInfo,
    #[cfg(feature = "candle")]
    memory: Arc<DeviceMemory>,
}

#[derive(Clone)]
pub(crate) enum Backend {
    /// Buffers and hand-fused passes.
    Cpu(Threads),
    /// candle's tensors; the threads are the host's, for what is computed there.
    #[cfg(feature = "candle")]
    Tensors(candle_core::Device, Threads),
    /// candle's memory and products on a GPU, kernels of ours.
    #[cfg(feature = "cuda")]
    Cuda(candle_core::Device, Threads),
    /// The path of CUDA on the processor.
    #[cfg(test)]
    Shim(crate::backend::cuda::shim::Shim, Threads),
}

/// A device that cannot be opened. One line that says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// No device has such a name: a mistake of whoever asked.
    #[error("{0}")]
    NoSuchName(String),
    /// The device is not there, or cannot be used now.
    #[error("{0}")]
    Unusable(String),
}

/// Opens a device by name: `cpu`, `cuda:N`, or `auto` (the first GPU of a CUDA build where there is one, else the CPU).
/// With the feature `candle`, `candle-cpu` and `candle-cuda:N` compute by candle's own operations alone: slower, for tests and doubts.
///
/// `threads` is how many threads a job may use on the CPU, also beside a GPU (baselines, noise, t-SNE); unset, one per core.
/// Results do not depend on it.
pub fn open_device(name: &str, threads: Option<usize>) -> Result<Device, DeviceError> {
    match name {
        "cpu" => open_cpu(threads),
        #[cfg(feature = "candle")]
        // One thread, whatever was asked for: slow, and its bits are nobody's measure.
        "candle-cpu" => Ok(Device {
            backend: Backend::Tensors(candle_core::Device::Cpu, start(Some(1))?),
            info: DeviceInfo {
                kind: format!("candle-{}", device_kind()),
                name: processor_name(),
            },
            #[cfg(feature = "candle")]
            memory: Arc::default(),
        }),
        "auto" => match open_cuda(0, threads) {
            Ok(device) => Ok(device),
            Err(_) => open_cpu(threads),
        },
        _ => match numbered(name) {
            Some(("cuda", ordinal)) => open_cuda(ordinal, threads),
            #[cfg(feature = "candle")]
            Some(("candle-cuda", ordinal)) => open_candle_cuda(ordinal, threads),
            _ => Err(DeviceError::NoSuchName(format!(
                "there is no device `{}`; `cpu`, `auto` and `cuda:N` are possible",
                name.chars().take(40).collect::<String>()
            ))),
        },
    }
}

impl Device {
    /// What decides the bits, and a name for people.
    pub fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// What decides the bits of a job: the device with its kind marked where products are not made in f32
    /// (`cuda-sm90-132sm-cublas13.1.0-tf32`).
    pub fn info_for(&self, training: &Training) -> DeviceInfo {
        DeviceInfo {
            kind: self.kind_for(training.matmul_precision),
            name: self.info.name.clone(),
        }
    }

    /// Every kind that [`Self::info_for`] gives its jobs.
    pub fn kinds(&self) -> Vec<String> {
        [MatmulPrecision::F32, MatmulPrecision::Tf32]
            .map(|precision| self.kind_for(precision))
            .into()
    }

    fn kind_for(&self, precision: MatmulPrecision) -> String {
        let kind = &self.info.kind;
        match precision {
            MatmulPrecision::F32 => kind.clone(),
            MatmulPrecision::Tf32 => format!("{kind}-tf32"),
        }
    }

    /// Keeps at most so many bytes of features on a GPU [default: what it has free beside a job's networks and batches]. More are
    /// gathered on the host, batch by batch.
    #[must_use]
    #[cfg_attr(not(feature = "candle"), allow(unused_variables))]
    pub fn with_feature_bytes(self, bytes: usize) -> Self {
        Self {
            #[cfg(feature = "candle")]
            memory: Arc::new(DeviceMemory::limited(bytes)),
            ..self
        }
    }

    /// What it keeps of features.
    #[cfg(feature = "candle")]
    pub(crate) fn memory(&self) -> &DeviceMemory {
        &self.memory
    }

    /// Bytes of a GPU's memory that a job can take; `None` where the host's memory is the device's.
    #[cfg(feature = "candle")]
    pub(crate) fn free_bytes(&self) -> Option<usize> {
        match &self.backend {
            #[cfg(feature = "cuda")]
            Backend::Tensors(device, _) | Backend::Cuda(device, _) => gpu::free_bytes(device),
            _ => None,
        }
    }

    /// Threads that a job uses on the host.
    pub fn threads(&self) -> usize {
        self.pool().count()
    }

    fn pool(&self) -> &Threads {
        match &self.backend {
            Backend::Cpu(threads) => threads,
            #[cfg(feature = "candle")]
            Backend::Tensors(_, threads) => threads,
            #[cfg(feature = "cuda")]
            Backend::Cuda(_, threads) => threads,
            #[cfg(test)]
            Backend::Shim(_, threads) => threads,
        }
    }

    /// Loads the kernels.
    #[cfg(feature = "cuda")]
    fn try_kernels(&self) -> Result<(), crate::error::TrainError> {
        if let Backend::Cuda(device, _) = &self.backend {
            crate::backend::cuda::driver::Driver::new(device.as_cuda_device()?)?;
        }
        Ok(())
    }

    /// The path of CUDA on the processor; `None`, and said so, where there is no C compiler.
    #[cfg(test)]
    pub(crate) fn shim() -> Option<Self> {
        Self::on_shim(crate::backend::cuda::shim::Shim::open()?)
    }

    /// The path of CUDA on this queue.
    #[cfg(test)]
    pub(crate) fn on_shim(queue: crate::backend::cuda::shim::Shim) -> Option<Self> {
        Some(Self {
            backend: Backend::Shim(queue, start(Some(1)).ok()?),
            info: DeviceInfo {
                kind: "shim".to_owned(),
                name: "CUDA's kernels on the processor".to_owned(),
            },
            #[cfg(feature = "candle")]
            memory: Arc::default(),
        })
    }

    /// Runs `work` where its parallel passes find this device's threads, and no others.
    pub(crate) fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.pool().install(work)
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Device")
            .field("info", &self.info)
            .field("threads", &self.threads())
            .finish_non_exhaustive()
    }
}

fn start(threads: Option<usize>) -> Result<Threads, DeviceError> {
    Threads::start(threads, "gcl").map_err(|error| DeviceError::Unusable(error.to_string()))
}

fn open_cpu(threads: Option<usize>) -> Result<Device, DeviceError> {
    Ok(Device {
        backend: Backend::Cpu(start(threads)?),
        info: DeviceInfo {
            kind: device_kind().to_owned(),
            name: processor_name(),
        },
        #[cfg(feature = "candle")]
        memory: Arc::default(),
    })
}

/// `KIND:N`.
fn numbered(name: &str) -> Option<(&str, usize)> {
    let (kind, number) = name.split_once(':')?;
    Some((kind, number.parse().ok()?))
}

#[cfg(feature = "candle")]
fn open_gpu(ordinal: usize) -> Result<gpu::Opened, DeviceError> {
    gpu::open(ordinal).map_err(|fault| {
        DeviceError::Unusable(format!(
            "`cuda:{ordinal}` cannot be used: {}",
            fault.message
        ))
    })
}

#[cfg(feature = "candle")]
fn open_candle_cuda(ordinal: usize, threads: Option<usize>) -> Result<Device, DeviceError> {
    let gpu::Opened { device, facts } = open_gpu(ordinal)?;
    Ok(Device {
        backend: Backend::Tensors(device, start(threads)?),
        info: DeviceInfo {
            kind: format!("candle-{}", facts.kind()),
            name: facts.name,
        },
        #[cfg(feature = "candle")]
        memory: Arc::default(),
    })
}

#[cfg(not(feature = "candle"))]
fn open_cuda(ordinal: usize, _: Option<usize>) -> Result<Device, DeviceError> {
    Err(DeviceError::Unusable(format!(
        "`cuda:{ordinal}` cannot be used: this program was built without the feature `cuda`"
    )))
}

#[cfg(all(feature = "candle", not(feature = "cuda")))]
fn open_cuda(ordinal: usize, _: Option<usize>) -> Result<Device, DeviceError> {
    Err(match open_gpu(ordinal) {
        Err(refused) => refused,
        Ok(opened) => {
            DeviceError::Unusable(format!("there are no kernels for {}", opened.facts.name))
        }
    })
}

#[cfg(feature = "cuda")]
fn open_cuda(ordinal: usize, threads: Option<usize>) -> Result<Device, DeviceError> {
    let gpu::Opened { device, facts } = open_gpu(ordinal)?;
    let opened = Device {
        backend: Backend::Cuda(device, start(threads)?),
        info: DeviceInfo {
            kind: facts.kind(),
            name: facts.name,
        },
        #[cfg(feature = "candle")]
        memory: Arc::default(),
    };
    // What is wrong with our kernels is said before a job is taken.
    opened.try_kernels().map_err(|error| {
        DeviceError::Unusable(format!("`cuda:{ordinal}` cannot be used: {error}"))
    })?;
    Ok(opened)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_open_by_name() {
        let device = open_device("cpu", Some(3)).unwrap();
        assert_eq!(device.threads(), 3);
        assert!(device.info().kind.starts_with("cpu-"));
        assert!(open_device("auto", None).is_ok());
        for name in ["gpu", "cuda", "cuda:x", ""] {
            let refused = open_device(name, None).unwrap_err();
            assert!(matches!(refused, DeviceError::NoSuchName(_)), "{name}");
        }
    }

    #[test]
    fn a_gpu_that_is_not_there_is_no_wrong_name() {
        let refused = open_device("cuda:4321", None).unwrap_err();
        assert!(matches!(&refused, DeviceError::Unusable(_)), "{refused:?}");
        assert!(
            refused
                .to_string()
                .starts_with("`cuda:4321` cannot be used: ")
        );
        assert!(!refused.to_string().contains('\n'));
    }
}
