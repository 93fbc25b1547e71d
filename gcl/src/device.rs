//! What a job runs on, chosen once.

use std::fmt;
use std::sync::Arc;

use kernels::Threads;
use kernels::isa::{device_kind, processor_name};
use sweeps::DeviceInfo;

use crate::data::device_features::DeviceMemory;

/// A device that is open. Cloning it is cheap.
#[derive(Clone)]
pub struct Device {
    pub(crate) backend: Backend,
    info: DeviceInfo,
    memory: Arc<DeviceMemory>,
}

#[derive(Clone)]
pub(crate) enum Backend {
    /// Buffers and hand-fused passes.
    Cpu(Threads),
    /// candle's tensors; the threads are the host's, for what is computed there.
    Tensors(candle_core::Device, Threads),
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
/// `candle-cpu` runs the operations of the GPU path on the CPU: slower, for tests and doubts.
///
/// `threads` is how many threads a job may use on the CPU, also beside a GPU (baselines, noise, t-SNE); unset, one per core.
/// Results do not depend on it.
pub fn open_device(name: &str, threads: Option<usize>) -> Result<Device, DeviceError> {
    match name {
        "cpu" => open_cpu(threads),
        // One thread, whatever was asked for: slow, and its bits are nobody's measure.
        "candle-cpu" => Ok(Device {
            backend: Backend::Tensors(candle_core::Device::Cpu, start(Some(1))?),
            info: DeviceInfo {
                kind: format!("candle-{}", device_kind()),
                name: processor_name(),
            },
            memory: Arc::default(),
        }),
        "auto" => match open_cuda(0, threads) {
            Ok(device) => Ok(device),
            Err(_) => open_cpu(threads),
        },
        _ => match name.strip_prefix("cuda:").map(str::parse::<usize>) {
            Some(Ok(ordinal)) => open_cuda(ordinal, threads),
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

    /// Keeps at most so many bytes of features on a GPU [default: what it has free beside a job's networks and batches]. More are
    /// gathered on the host, batch by batch.
    #[must_use]
    pub fn with_feature_bytes(self, bytes: usize) -> Self {
        Self {
            memory: Arc::new(DeviceMemory::limited(bytes)),
            ..self
        }
    }

    /// What it keeps of features.
    pub(crate) fn memory(&self) -> &DeviceMemory {
        &self.memory
    }

    /// Bytes of a GPU's memory that nobody has taken; `None` where the host's memory is the device's.
    pub(crate) fn free_bytes(&self) -> Option<usize> {
        match &self.backend {
            #[cfg(feature = "cuda")]
            Backend::Tensors(device, _) => {
                let stream = device.as_cuda_device().ok()?.cuda_stream();
                stream.context().mem_get_info().ok().map(|(free, _)| free)
            }
            _ => None,
        }
    }

    /// Threads that a job uses on the host.
    pub fn threads(&self) -> usize {
        match &self.backend {
            Backend::Cpu(threads) | Backend::Tensors(_, threads) => threads.count(),
        }
    }

    /// Runs `work` where its parallel passes find this device's threads, and no others.
    pub(crate) fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.backend {
            Backend::Cpu(threads) | Backend::Tensors(_, threads) => threads.install(work),
        }
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
        memory: Arc::default(),
    })
}

fn open_cuda(ordinal: usize, threads: Option<usize>) -> Result<Device, DeviceError> {
    let opened = gpu::open(ordinal).map_err(|fault| {
        DeviceError::Unusable(format!(
            "`cuda:{ordinal}` cannot be used: {}",
            fault.message
        ))
    })?;
    Ok(Device {
        backend: Backend::Tensors(opened.device, start(threads)?),
        info: DeviceInfo {
            kind: opened.facts.kind(gpu::Precision::Full),
            name: opened.facts.name,
        },
        memory: Arc::default(),
    })
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
