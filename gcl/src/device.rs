//! What a job runs on, chosen once.

use std::fmt;
use std::sync::Arc;

use sweeps::DeviceInfo;

/// A device that is open. Cloning it is cheap.
#[derive(Clone)]
pub struct Device {
    pub(crate) backend: Backend,
    info: DeviceInfo,
}

#[derive(Clone)]
pub(crate) enum Backend {
    /// Buffers and hand-fused passes; `pool` exists for more than one thread.
    Cpu {
        threads: usize,
        pool: Option<Arc<rayon::ThreadPool>>,
    },
    /// candle's tensors.
    Tensors(candle_core::Device),
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
/// `threads` is how many threads a job may use on the CPU; unset, one per core. Results do not depend on it.
pub fn open_device(name: &str, threads: Option<usize>) -> Result<Device, DeviceError> {
    match name {
        "cpu" => open_cpu(threads),
        "candle-cpu" => Ok(Device {
            backend: Backend::Tensors(candle_core::Device::Cpu),
            info: DeviceInfo {
                kind: format!("candle-{}", cpu_kind()),
                name: cpu_name(),
            },
        }),
        "auto" => match open_cuda(0) {
            Ok(device) => Ok(device),
            Err(_) => open_cpu(threads),
        },
        _ => match name.strip_prefix("cuda:").map(str::parse::<usize>) {
            Some(Ok(ordinal)) => open_cuda(ordinal),
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

    /// Threads that a job uses on the host.
    pub fn threads(&self) -> usize {
        match &self.backend {
            Backend::Cpu { threads, .. } => *threads,
            Backend::Tensors(_) => 1,
        }
    }

    /// Runs `work` where its parallel passes find this device's threads, and no others.
    pub(crate) fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.backend {
            Backend::Cpu {
                pool: Some(pool), ..
            } => pool.install(work),
            _ => work(),
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

fn open_cpu(threads: Option<usize>) -> Result<Device, DeviceError> {
    let threads = threads
        .filter(|threads| *threads > 0)
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    let pool = (threads > 1)
        .then(|| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .thread_name(|index| format!("gcl-{index}"))
                .build()
                .map(Arc::new)
        })
        .transpose()
        .map_err(|error| {
            DeviceError::Unusable(format!("{threads} threads could not be started: {error}"))
        })?;
    Ok(Device {
        backend: Backend::Cpu { threads, pool },
        info: DeviceInfo {
            kind: cpu_kind().to_owned(),
            name: cpu_name(),
        },
    })
}

/// The instruction set that `gemm` chooses at run time: it decides the order of sums, and so the bits.
fn cpu_kind() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            "cpu-avx512f"
        } else if std::arch::is_x86_feature_detected!("fma") {
            "cpu-avx2"
        } else {
            "cpu-x86-64"
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        "cpu-neon"
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        "cpu-generic"
    }
}

/// The processor's name where the system tells it.
fn cpu_name() -> String {
    std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        })
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

fn open_cuda(ordinal: usize) -> Result<Device, DeviceError> {
    let opened = gpu::open(ordinal).map_err(|fault| {
        DeviceError::Unusable(format!(
            "`cuda:{ordinal}` cannot be used: {}",
            fault.message
        ))
    })?;
    Ok(Device {
        backend: Backend::Tensors(opened.device),
        info: DeviceInfo {
            kind: opened.facts.kind(gpu::Precision::Full),
            name: opened.facts.name,
        },
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
