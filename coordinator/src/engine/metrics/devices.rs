//! What workers say of their devices, one series for each worker that is there.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::scheduler::DeviceTotals;

type Worker = [(&'static str, String); 1];

/// Adds a gauge for each thing that is said.
pub(super) fn register(registry: &mut Registry, devices: &BTreeMap<String, DeviceTotals>) {
    let mut add = |name: &str, help: &str, value: fn(&DeviceTotals) -> Option<f64>| {
        let family = Family::<Worker, Gauge<f64, AtomicU64>>::default();
        for (worker, device) in devices {
            if let Some(value) = value(device) {
                family
                    .get_or_create(&[("worker", worker.clone())])
                    .set(value);
            }
        }
        registry.register(name, help, family);
    };
    add(
        "worker_device_busy_ratio",
        "Share of the time in which a worker's device computed",
        |device| share(device.telemetry.busy_percent),
    );
    add(
        "worker_data_wait_ratio",
        "Share of the time in which a worker's job waited for its data",
        |device| share(device.telemetry.data_wait_percent),
    );
    add(
        "worker_batches_per_second",
        "Batches that a worker trains on",
        |device| device.telemetry.batches_per_second,
    );
    add(
        "worker_memory_used_bytes",
        "Memory in use: the GPU's, or on the CPU the worker process's",
        |device| device.telemetry.memory_used_bytes.map(|bytes| bytes as f64),
    );
    add(
        "worker_memory_bytes",
        "Memory of a worker's device",
        |device| device.memory_bytes.map(|bytes| bytes as f64),
    );
}

fn share(percent: Option<u32>) -> Option<f64> {
    percent.map(|percent| f64::from(percent) / 100.0)
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use proto::telemetry::Telemetry;

    use super::*;

    #[test]
    fn what_is_known_is_a_gauge_and_what_is_not_is_left_out() {
        let devices = [
            (
                "one \"of\" many".to_owned(),
                DeviceTotals {
                    memory_bytes: Some(100),
                    telemetry: Telemetry {
                        busy_percent: Some(50),
                        memory_used_bytes: Some(40),
                        batches_per_second: Some(2.5),
                        data_wait_percent: Some(1),
                    },
                },
            ),
            ("silent".to_owned(), DeviceTotals::default()),
        ];
        let mut registry = Registry::with_prefix("gcl");
        register(&mut registry, &devices.into());
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            lines,
            [
                "gcl_worker_device_busy_ratio{worker=\"one \\\"of\\\" many\"} 0.5",
                "gcl_worker_data_wait_ratio{worker=\"one \\\"of\\\" many\"} 0.01",
                "gcl_worker_batches_per_second{worker=\"one \\\"of\\\" many\"} 2.5",
                "gcl_worker_memory_used_bytes{worker=\"one \\\"of\\\" many\"} 40.0",
                "gcl_worker_memory_bytes{worker=\"one \\\"of\\\" many\"} 100.0",
            ]
        );
    }
}
