//! What extraction runs on, chosen once.

use candle_core::Device as Candled;

use crate::error::ExtractError;

/// A device that is open.
#[derive(Debug, Clone)]
pub struct Device(pub(crate) Kind);

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// The processor, by this crate's own loops, with so many threads.
    Cpu { threads: usize },
    /// candle's operations.
    Candle(Candled, String),
}

impl Device {
    /// Opens a device by name: `cpu`, `cuda:N`, or `auto` (the first GPU of a CUDA build where there is one, else the
    /// CPU). `candle-cpu` runs the GPU's operations on the CPU: slow, for tests and doubts.
    ///
    /// `threads` is for the CPU; unset, one per core. Features do not depend on it.
    pub fn open(name: &str, threads: Option<usize>) -> Result<Self, ExtractError> {
        let cpu = || {
            let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            Self(Kind::Cpu {
                threads: threads.unwrap_or_else(cores).max(1),
            })
        };
        match name {
            "cpu" => Ok(cpu()),
            "candle-cpu" => Ok(Self(Kind::Candle(Candled::Cpu, name.to_owned()))),
            "auto" => Ok(Self::cuda(0).unwrap_or_else(|_| cpu())),
            _ => match name.strip_prefix("cuda:").map(str::parse) {
                Some(Ok(ordinal)) => Self::cuda(ordinal),
                _ => Err(ExtractError::Device(format!(
                    "there is none of the name `{name}`; `cpu`, `auto` and `cuda:N` are possible"
                ))),
            },
        }
    }

    fn cuda(ordinal: usize) -> Result<Self, ExtractError> {
        if !candle_core::utils::cuda_is_available() {
            return Err(ExtractError::Device(
                "this build has no CUDA; build with `--features cuda`, or use `cpu`".to_owned(),
            ));
        }
        let device = Candled::new_cuda(ordinal)?;
        Ok(Self(Kind::Candle(device, format!("cuda:{ordinal}"))))
    }
}
