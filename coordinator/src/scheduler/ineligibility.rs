//! Why a worker cannot run a sweep's jobs.

use std::fmt;

use sweeps::{DatasetSource, Digest};

use super::job_table::Site;
use super::worker_table::Worker;

/// Why a worker cannot run a sweep's jobs on one of its data sets. What follows the worker's name in a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ineligibility<'a> {
    /// It is sent away.
    Draining,
    /// Its trainer is of another revision.
    Revision { has: u32, wanted: u32 },
    /// It computes on another kind of device.
    Device { has: &'a str, wanted: &'a str },
    /// It has not this label.
    Label(&'a str),
    /// It says that it has less memory.
    Memory { has: u64, wanted: u64 },
    /// It does not have the data set of this name.
    NoDataset(&'a str),
    /// It has another copy of the data set.
    OtherCopy {
        name: &'a str,
        has: Digest,
        wanted: Digest,
    },
}

impl<'a> Ineligibility<'a> {
    /// Why a worker cannot run the jobs of a site; `None`: it can.
    pub(super) fn of(worker: &'a Worker, site: Site<'a>) -> Option<Self> {
        let hello = &worker.hello;
        let wants = &site.sweep.submission.requirements;
        if worker.draining.is_some() {
            return Some(Self::Draining);
        }
        if hello.trainer_revision != site.grid.trainer_revision {
            return Some(Self::Revision {
                has: hello.trainer_revision,
                wanted: site.grid.trainer_revision,
            });
        }
        if let Some(device) = &wants.device
            && !hello.device.kind.starts_with(device.as_str())
        {
            return Some(Self::Device {
                has: &hello.device.kind,
                wanted: device,
            });
        }
        let mut labels = wants.labels.iter();
        if let Some(label) = labels.find(|label| !hello.labels.contains(label)) {
            return Some(Self::Label(label));
        }
        if let (Some(wanted), Some(has)) = (wants.memory_bytes, hello.memory_bytes)
            && has < wanted
        {
            return Some(Self::Memory { has, wanted });
        }
        let (dataset, digest) = &site.grid.table.sources()[site.source];
        let DatasetSource::Named(name) = dataset else {
            return None;
        };
        match hello.datasets.get(name) {
            None => Some(Self::NoDataset(name)),
            Some(copy) if copy != digest => Some(Self::OtherCopy {
                name,
                has: *copy,
                wanted: *digest,
            }),
            Some(_) => None,
        }
    }
}

impl fmt::Display for Ineligibility<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Draining => formatter.write_str("is draining"),
            Self::Revision { has, wanted } => {
                write!(formatter, "has trainer revision {has}, the sweep {wanted}")
            }
            Self::Device { has, wanted } => {
                write!(formatter, "computes on {has}, the sweep asks for {wanted}")
            }
            Self::Label(label) => write!(formatter, "has no label `{label}`"),
            Self::Memory { has, wanted } => write!(
                formatter,
                "has {has} bytes of memory, the sweep asks for {wanted}"
            ),
            Self::NoDataset(name) => {
                write!(formatter, "does not have the data set `{name}`")
            }
            Self::OtherCopy { name, has, wanted } => write!(
                formatter,
                "has another copy of the data set `{name}` ({} instead of {})",
                has.short(),
                wanted.short()
            ),
        }
    }
}
