//! What extraction runs on, chosen once.

#[cfg(feature = "candle")]
use candle_core::Device as Candled;
use kernels::Threads;

use crate::error::ExtractError;

/// A device that is open.
#[derive(Debug, Clone)]
pub struct Device(pub(crate) Kind);

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// The processor, by this crate's own loops.
    Cpu(Threads),
    /// candle's operations.
    #[cfg(feature = "candle")]
    Candle(Candled, String),
}

impl Device {
    /// Opens a device by name: `cpu`, `cuda:N`, or `auto` (the first GPU of a CUDA build where there is one, else the
    /// CPU). With the feature `candle`, `candle-cpu` runs the GPU's operations on the CPU: slow, for tests and doubts.
    ///
    /// `threads` is for the CPU; unset, one per core. Features do not depend on it.
    pub fn open(name: &str, threads: Option<usize>) -> Result<Self, ExtractError> {
        let cpu = || {
            Threads::start(threads, "extract")
                .map(|threads| Self(Kind::Cpu(threads)))
                .map_err(|error| ExtractError::Host(error.to_string()))
        };
        match name {
            "cpu" => cpu(),
            #[cfg(feature = "candle")]
            "candle-cpu" => Ok(Self(Kind::Candle(Candled::Cpu, name.to_owned()))),
            "auto" => Self::cuda(0).or_else(|_| cpu()),
            _ => match name.strip_prefix("cuda:").map(str::parse) {
                Some(Ok(ordinal)) => Self::cuda(ordinal),
                _ => Err(ExtractError::Request(format!(
                    "there is no device `{name}`; `cpu`, `auto` and `cuda:N` are possible"
                ))),
            },
        }
    }

    /// Whether it is a GPU, which a fault can make unusable for this process.
    pub fn is_gpu(&self) -> bool {
        match &self.0 {
            Kind::Cpu(_) => false,
            #[cfg(feature = "candle")]
            Kind::Candle(device, _) => device.is_cuda(),
        }
    }

    #[cfg(not(feature = "candle"))]
    fn cuda(ordinal: usize) -> Result<Self, ExtractError> {
        Err(ExtractError::Device(format!(
            "`cuda:{ordinal}` cannot be used: this program was built without the feature `cuda`"
        )))
    }

    #[cfg(feature = "candle")]
    fn cuda(ordinal: usize) -> Result<Self, ExtractError> {
        let opened = gpu::open(ordinal).map_err(|fault| {
            let message = format!("`cuda:{ordinal}` cannot be used: {}", fault.message);
            match fault.blame {
                gpu::Blame::Memory => ExtractError::OutOfMemory(message),
                gpu::Blame::Device | gpu::Blame::Program => ExtractError::Device(message),
            }
        })?;
        // What decides the bits first: it is what records of two machines are compared by.
        let kind = opened.facts.kind();
        let name = format!("{kind} ({})", opened.facts.name);
        Ok(Self(Kind::Candle(opened.device, name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_is_no_wrong_name() {
        let refused = Device::open("cuda:4321", None).unwrap_err();
        assert!(matches!(&refused, ExtractError::Device(_)), "{refused:?}");
        assert!(refused.to_string().contains("`cuda:4321` cannot be used"));
        for name in ["gpu", "cuda", "cuda:x", ""] {
            let refused = Device::open(name, None).unwrap_err();
            assert!(matches!(refused, ExtractError::Request(_)), "{name}");
        }
        assert!(!Device::open("candle-cpu", None).unwrap().is_gpu());
    }
}
