//! How a worker's device is doing: measured by the worker, shown by the coordinator, kept by nobody.

use crate::error::WireError;
use crate::wire;

/// How a worker's device is doing, measured over the last seconds. What is not known is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Telemetry {
    /// Share of the time in which the device computed, 0 to 100.
    pub busy_percent: Option<u32>,
    /// Memory of the device in use, by whomever; on the CPU, memory of the process.
    pub memory_used_bytes: Option<u64>,
    /// Batches that were trained on: finite and not negative.
    pub batches_per_second: Option<f64>,
    /// Share of the time in which a job waited for its data, 0 to 100.
    pub data_wait_percent: Option<u32>,
}

impl From<&Telemetry> for wire::Telemetry {
    fn from(telemetry: &Telemetry) -> Self {
        Self {
            busy_percent: telemetry.busy_percent,
            memory_used_bytes: telemetry.memory_used_bytes,
            batches_per_second: telemetry.batches_per_second,
            data_wait_percent: telemetry.data_wait_percent,
        }
    }
}

impl TryFrom<wire::Telemetry> for Telemetry {
    type Error = WireError;
    fn try_from(telemetry: wire::Telemetry) -> Result<Self, WireError> {
        if let Some(rate) = telemetry.batches_per_second
            && !(rate.is_finite() && rate >= 0.0)
        {
            return Err(WireError::NotFinite("telemetry.batches_per_second"));
        }
        Ok(Self {
            busy_percent: percent("telemetry.busy_percent", telemetry.busy_percent)?,
            memory_used_bytes: telemetry.memory_used_bytes,
            batches_per_second: telemetry.batches_per_second,
            data_wait_percent: percent("telemetry.data_wait_percent", telemetry.data_wait_percent)?,
        })
    }
}

fn percent(what: &'static str, value: Option<u32>) -> Result<Option<u32>, WireError> {
    match value {
        Some(value) if value > 100 => Err(WireError::OutOfRange {
            what,
            value: value.into(),
            expected: "0 to 100 are taken",
        }),
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused() {
        let good = wire::Telemetry {
            busy_percent: Some(100),
            memory_used_bytes: Some(u64::MAX),
            batches_per_second: Some(0.0),
            data_wait_percent: Some(0),
        };
        let noun = Telemetry::try_from(good).unwrap();
        assert_eq!(wire::Telemetry::from(&noun), good);
        for bad in [
            wire::Telemetry {
                busy_percent: Some(101),
                ..good
            },
            wire::Telemetry {
                data_wait_percent: Some(u32::MAX),
                ..good
            },
            wire::Telemetry {
                batches_per_second: Some(f64::NAN),
                ..good
            },
            wire::Telemetry {
                batches_per_second: Some(f64::INFINITY),
                ..good
            },
            wire::Telemetry {
                batches_per_second: Some(-1.0),
                ..good
            },
        ] {
            assert!(Telemetry::try_from(bad).is_err(), "{bad:?}");
        }
    }
}
