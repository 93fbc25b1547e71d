//! How a worker's device is doing, for the people who run the cluster.
//!
//! A thread of its own looks every two seconds and leaves a reading behind, which the heartbeat takes along: a driver
//! that hangs must not stop heartbeats. Results never depend on anything here.

mod cgroup;
mod host;
mod slurm;
mod window;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use proto::telemetry::Telemetry;
use sweeps::DeviceInfo;
use tokio::time::Instant;

use self::window::{Busy, Moment, Window};
use crate::gpu::nvml::Monitor;
use crate::gpu::{Assigned, own_share};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(2);

/// Measures a device while it lives.
pub struct Meter {
    memory_bytes: Option<u64>,
    driver: Option<String>,
    shared: Arc<Shared>,
    /// Dropped, it ends the thread.
    _stop: mpsc::Sender<()>,
}

#[derive(Default)]
struct Shared {
    batches: AtomicU64,
    waits: Mutex<Waits>,
    reading: Mutex<Option<Telemetry>>,
}

/// Time that jobs spent waiting for their data.
#[derive(Default)]
struct Waits {
    over: Duration,
    since: Option<Instant>,
}

/// What is looked at.
enum Source {
    Cpu {
        threads: usize,
    },
    Gpu {
        monitor: Box<Monitor>,
        uuid: String,
    },
    /// A GPU that the driver's library does not show.
    Hidden,
}

/// A job waits for its data as long as this lives.
pub(crate) struct Waiting<'a>(&'a Shared);

/// Memory that a process here may have: the machine's, or that of its container or Slurm job where that is less; `None`: nobody
/// says it.
pub fn memory_here() -> Option<u64> {
    host::memory()
}

impl Meter {
    /// Measures the GPU of that number among those that this process sees, or else this process on the CPU.
    pub fn start(device: &DeviceInfo, ordinal: usize, threads: usize, assigned: &Assigned) -> Self {
        if !device.kind.starts_with("cuda") {
            return Self::of(Source::Cpu { threads }, host::memory(), None);
        }
        let found = Monitor::open().and_then(|monitor| Ok((monitor.inventory()?, monitor)));
        match found {
            Ok((inventory, monitor)) => {
                let share = own_share(&inventory, assigned, ordinal, &device.name);
                let memory = share.as_ref().and_then(|share| share.memory_bytes);
                let source = match share.and_then(|share| share.uuid) {
                    Some(uuid) => Source::Gpu {
                        monitor: Box::new(monitor),
                        uuid,
                    },
                    None => Source::Hidden,
                };
                Self::of(source, memory, inventory.driver)
            }
            Err(error) => {
                tracing::warn!(%error, "how busy the GPU is will not be known");
                Self::of(Source::Hidden, None, None)
            }
        }
    }

    fn of(source: Source, memory_bytes: Option<u64>, driver: Option<String>) -> Self {
        let shared = Arc::new(Shared::default());
        let (stop, stopped) = mpsc::channel();
        let watched = Arc::clone(&shared);
        let started = thread::Builder::new()
            .name("meter".to_owned())
            .spawn(move || watched.watch(&source, &stopped));
        if let Err(error) = started {
            tracing::warn!(%error, "no thread to measure the device");
        }
        Self {
            memory_bytes,
            driver,
            shared,
            _stop: stop,
        }
    }

    /// Says another amount of memory than the device has, where one is given.
    #[must_use]
    pub fn announcing(self, memory_bytes: Option<u64>) -> Self {
        Self {
            memory_bytes: memory_bytes.or(self.memory_bytes),
            ..self
        }
    }

    /// Memory of the device; on the CPU, what this process may have.
    pub fn memory_bytes(&self) -> Option<u64> {
        self.memory_bytes
    }

    /// Version of the driver.
    pub fn driver(&self) -> Option<String> {
        self.driver.clone()
    }

    /// The last reading.
    pub fn reading(&self) -> Option<Telemetry> {
        *lock(&self.shared.reading)
    }

    /// A batch was trained on.
    pub(crate) fn batch(&self) {
        self.shared.batches.fetch_add(1, Ordering::Relaxed);
    }

    /// A job begins to wait for its data.
    pub(crate) fn waiting(&self) -> Waiting<'_> {
        lock(&self.shared.waits).since = Some(Instant::now());
        Waiting(&self.shared)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waits = lock(&self.0.waits);
        if let Some(since) = waits.since.take() {
            waits.over += since.elapsed();
        }
    }
}

impl Shared {
    fn watch(&self, source: &Source, stopped: &mpsc::Receiver<()>) {
        let mut window = Window::new(match source {
            Source::Cpu { threads } => *threads,
            Source::Gpu { .. } | Source::Hidden => 1,
        });
        loop {
            let (busy, memory) = source.look();
            let reading = window.push(
                Moment {
                    at: Instant::now(),
                    busy,
                    batches: self.batches.load(Ordering::Relaxed),
                    waited: self.waited(),
                },
                memory,
            );
            *lock(&self.reading) = Some(reading);
            match stopped.recv_timeout(EVERY) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn waited(&self) -> Duration {
        let waits = lock(&self.waits);
        waits.over + waits.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

impl Source {
    /// How busy it is, and the memory in use.
    fn look(&self) -> (Busy, Option<u64>) {
        match self {
            Self::Cpu { .. } => (
                host::processor_time().map_or(Busy::Unknown, Busy::Time),
                host::resident(),
            ),
            Self::Gpu { monitor, uuid } => {
                let load = monitor.load(uuid);
                (
                    load.busy_percent.map_or(Busy::Unknown, Busy::Percent),
                    load.memory_used,
                )
            }
            Self::Hidden => (Busy::Unknown, None),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_on_the_cpu_is_measured() {
        let device = DeviceInfo {
            kind: "cpu-avx2".to_owned(),
            name: "a processor".to_owned(),
        };
        let meter = Meter::start(&device, 0, 1, &Assigned::default());
        // The first reading comes at once, from another thread.
        let reading = loop {
            if let Some(reading) = meter.reading() {
                break reading;
            }
            thread::yield_now();
        };
        if cfg!(target_os = "linux") {
            assert!(meter.memory_bytes() > reading.memory_used_bytes);
            assert!(reading.memory_used_bytes > Some(1 << 20));
        }
        assert_eq!(meter.driver(), None);
        assert_eq!(reading.busy_percent, None, "nothing to compare with yet");
        let shared = Arc::downgrade(&meter.shared);
        drop(meter);
        while shared.upgrade().is_some() {
            thread::yield_now();
        }
    }

    #[test]
    fn a_gpu_that_nobody_shows_has_no_readings_and_hurts_nobody() {
        let device = DeviceInfo {
            kind: "cuda-sm00".to_owned(),
            name: "a GPU of no make".to_owned(),
        };
        let meter = Meter::start(&device, 7, 1, &Assigned::default());
        meter.batch();
        drop(meter.waiting());
        assert_eq!(meter.memory_bytes(), None);
    }
}
