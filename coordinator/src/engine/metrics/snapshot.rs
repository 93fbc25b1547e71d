//! What is looked up when somebody asks for metrics.

use std::collections::BTreeMap;
use std::path::Path;

use nix::sys::resource::{Resource, getrlimit};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use sweeps::JobStatus;

use super::devices;
use crate::scheduler::Totals;

/// What is looked up when somebody asks for metrics.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetricsSnapshot {
    /// What the scheduler knows; `None` where the engine does not answer.
    pub totals: Option<Totals>,
    /// What is on disk.
    pub disk: Disk,
    /// Whether the journal is known to be damaged.
    pub journal_damaged: bool,
    /// Whether the tokens can be read; where they cannot, nobody is let in.
    pub tokens_readable: bool,
    /// Damaged artifacts that were found since the start.
    pub damaged_artifacts: u64,
    /// Whether the coordinator is ready.
    pub ready: bool,
    /// Version of the program.
    pub version: String,
}

/// What is on disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Disk {
    /// The journal.
    pub journal: u64,
    /// The index.
    pub index: u64,
    /// The artifacts.
    pub artifacts: u64,
    /// Room that is left in the state folder's file system.
    pub free: u64,
}

impl Disk {
    /// Of that state folder. It walks the folder: not for every second.
    pub fn of(state: &Path) -> Self {
        Self {
            journal: bytes_below(&state.join("journal"), 4),
            index: bytes_below(&state.join("index"), 4),
            artifacts: bytes_below(&state.join("artifacts"), 4),
            free: free(state).unwrap_or(0),
        }
    }
}

pub(crate) use crate::store::artifacts::free;

fn bytes_below(folder: &Path, depth: u32) -> u64 {
    // What goes away while it is counted counts nothing.
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .filter_map(|entry| Some((entry.metadata().ok()?, entry.path())))
        .map(|(found, path)| match (found.is_dir(), depth) {
            (true, 0) => 0,
            (true, _) => bytes_below(&path, depth - 1),
            (false, _) => found.len(),
        })
        .sum()
}

/// Memory of this process that is in RAM, in bytes.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// File descriptors that this process holds open.
fn open_files() -> Option<u64> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count() as u64)
}

impl MetricsSnapshot {
    /// As gauges.
    pub(super) fn registry(&self) -> Registry {
        let mut registry = Registry::with_prefix("gcl");
        let gauge = |value: u64| {
            let gauge: Gauge = Gauge::default();
            gauge.set(value.try_into().unwrap_or(i64::MAX));
            gauge
        };
        let family = |label: &'static str, values: &BTreeMap<&'static str, u64>| {
            let family = Family::<[(&'static str, &'static str); 1], Gauge>::default();
            for (name, value) in values {
                family
                    .get_or_create(&[(label, *name)])
                    .set((*value).try_into().unwrap_or(i64::MAX));
            }
            family
        };
        let version = Family::<[(&'static str, String); 1], Gauge>::default();
        version
            .get_or_create(&[("version", self.version.clone())])
            .set(1);
        registry.register("build", "1, with the version as a label", version);
        registry.register(
            "ready",
            "1 where the coordinator takes and keeps results",
            gauge(self.ready.into()),
        );
        registry.register(
            "journal_damaged",
            "1 where a part of the journal is not what was written: repair it",
            gauge(self.journal_damaged.into()),
        );
        registry.register(
            "tokens_readable",
            "0 where the tokens cannot be read, so that nobody is let in: the log says why",
            gauge(self.tokens_readable.into()),
        );
        if let Some(totals) = &self.totals {
            let jobs = JobStatus::ALL
                .iter()
                .map(|status| (status.name(), totals.jobs.of(*status)))
                .collect();
            registry.register(
                "jobs",
                "Different jobs by status; pending is the length of the queue",
                family("status", &jobs),
            );
            registry.register("leases", "Live leases", gauge(totals.leases));
            registry.register(
                "waiting_workers",
                "Workers that wait for work now",
                gauge(totals.waiting),
            );
            registry.register(
                "workers",
                "Workers by state",
                family("state", &totals.workers),
            );
            registry.register("sweeps", "Sweeps by state", family("state", &totals.sweeps));
            registry.register(
                "oldest_report_age",
                "Time since the worker with a lease that is silent for longest was heard",
                gauge(totals.oldest_report_ms / 1000),
            );
            devices::register(&mut registry, &totals.devices);
        }
        registry.register(
            "artifacts_damaged",
            "Artifacts that were found damaged and set aside since the start",
            gauge(self.damaged_artifacts),
        );
        for (name, help, value) in [
            ("journal", "Size of the journal", self.disk.journal),
            ("index", "Size of the index", self.disk.index),
            ("artifacts", "Size of the artifacts", self.disk.artifacts),
            (
                "disk_free",
                "Room left for the state folder",
                self.disk.free,
            ),
        ] {
            registry.register_with_unit(name, help, Unit::Bytes, gauge(value));
        }
        if let Some(files) = open_files() {
            registry.register("open_files", "Open file descriptors", gauge(files));
        }
        if let Ok((most, _)) = getrlimit(Resource::RLIMIT_NOFILE) {
            registry.register(
                "open_files_limit",
                "File descriptors that the process may hold open",
                gauge(most),
            );
        }
        if let Some(bytes) = resident() {
            registry.register_with_unit(
                "resident_memory",
                "Memory of the process in RAM",
                Unit::Bytes,
                gauge(bytes),
            );
        }
        registry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_files() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("artifacts/ab")).unwrap();
        std::fs::write(folder.path().join("artifacts/ab/x"), [0; 1000]).unwrap();
        std::fs::create_dir(folder.path().join("journal")).unwrap();
        std::fs::write(folder.path().join("journal/1"), [0; 10]).unwrap();
        let disk = Disk::of(folder.path());
        assert_eq!((disk.artifacts, disk.journal, disk.index), (1000, 10, 0));
        assert!(disk.free > 0);
    }
}
