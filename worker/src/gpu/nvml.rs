//! What NVIDIA's management library says. It is loaded at run time: a host without a driver has none.

use std::ffi::OsStr;

use nvml_wrapper::{Device, Nvml};

use super::inventory::{Gpu, Inventory, Load, Slice};

/// The library's names: drivers install the first, development packages the second.
const LIBRARIES: [&str; 2] = ["libnvidia-ml.so.1", "libnvidia-ml.so"];

/// The library that is not there, or does not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "NVIDIA's management library (libnvidia-ml.so.1) does not answer: {0}; is the driver installed, and does the container get it?"
)]
pub struct NvmlError(String);

/// The library, open: it is asked again for how busy a GPU is.
#[derive(Debug)]
pub struct Monitor {
    nvml: Nvml,
}

impl Monitor {
    /// Loads the library.
    pub fn open() -> Result<Self, NvmlError> {
        let mut said = String::new();
        for library in LIBRARIES {
            match Nvml::builder().lib_path(OsStr::new(library)).init() {
                Ok(nvml) => return Ok(Self { nvml }),
                Err(error) if said.is_empty() => said = error.to_string(),
                Err(_) => {}
            }
        }
        Err(NvmlError(said))
    }

    /// What there is. A GPU that does not answer, since it is another's or broken, is left out.
    pub fn inventory(&self) -> Result<Inventory, NvmlError> {
        let count = self
            .nvml
            .device_count()
            .map_err(|error| NvmlError(error.to_string()))?;
        let gpus = (0..count)
            .filter_map(|index| {
                let device = self.nvml.device_by_index(index).ok()?;
                let sliced = device.mig_mode().is_ok_and(|mode| mode.current == 1);
                Some(Gpu {
                    index,
                    uuid: device.uuid().ok()?,
                    name: device.name().unwrap_or_else(|_| "a GPU".to_owned()),
                    memory_bytes: memory(&device),
                    sliced,
                    slices: if sliced { slices(&device) } else { Vec::new() },
                })
            })
            .collect();
        Ok(Inventory {
            driver: self.driver(),
            gpus,
        })
    }

    /// Version of the driver.
    pub fn driver(&self) -> Option<String> {
        self.nvml.sys_driver_version().ok()
    }

    /// How busy the GPU or slice with that UUID is.
    pub fn load(&self, uuid: &str) -> Load {
        let Ok(device) = self.nvml.device_by_uuid(uuid) else {
            return Load::default();
        };
        Load {
            busy_percent: device.utilization_rates().ok().map(|rates| rates.gpu),
            memory_used: device.memory_info().ok().map(|memory| memory.used),
        }
    }
}

fn memory(device: &Device<'_>) -> Option<u64> {
    device.memory_info().ok().map(|memory| memory.total)
}

fn slices(device: &Device<'_>) -> Vec<Slice> {
    // The count is that of places for slices; empty ones answer an error.
    (0..device.mig_device_count().unwrap_or(0))
        .filter_map(|index| {
            let slice = device.mig_device_by_index(index).ok()?;
            Some(Slice {
                uuid: slice.uuid().ok()?,
                memory_bytes: memory(&slice),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_a_driver_is_told_so_in_one_line() {
        match Monitor::open() {
            Ok(monitor) => assert!(monitor.inventory().is_ok()),
            Err(error) => {
                let said = error.to_string();
                assert!(
                    said.contains("libnvidia-ml.so.1") && !said.contains('\n'),
                    "{said}"
                );
            }
        }
    }
}
