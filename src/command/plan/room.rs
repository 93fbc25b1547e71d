//! The memory that the workers of a run need, and whether this machine has it.

use std::collections::BTreeSet;

use sweeps::Training;

use super::groups::Group;
use crate::command::local_workers;
use crate::command::memory::Memory;
use crate::command::preflight::Findings;
use crate::output::{counted, size};

/// The device of workers to whom nobody names one.
const DEVICE: &str = "auto";

/// What one worker needs, and what there is.
#[derive(Debug, Default)]
pub struct Room {
    /// Of one worker, at most; `None`: nothing trains, or of no data set anything is known.
    pub worker: Option<Memory>,
    /// Data sets of which nothing is known.
    pub unknown: usize,
    /// Workers that a run starts here.
    pub workers: usize,
    /// Memory that they may have together; `None`: nobody says it, or it is a GPU's.
    pub here: Option<u64>,
}

impl Room {
    /// Of the jobs of these groups that are not done; `jobs` of them train.
    pub fn of(groups: &[Group<'_>], found: &Findings, jobs: usize) -> Self {
        let mut worker: Option<Memory> = None;
        let mut unknown = BTreeSet::new();
        let open = groups.iter().filter(|group| group.done < group.jobs.len());
        for group in open.filter(|_| jobs > 0) {
            let job = &group.first.job;
            match found.shapes.get(&job.dataset) {
                Some(shape) => {
                    let memory = Memory::of(&Training::of(job), *shape);
                    worker = Some(worker.unwrap_or_default().at_most(memory));
                }
                None => {
                    unknown.insert(&job.dataset);
                }
            }
        }
        let gpus = local_workers::gpus(DEVICE).len();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            worker,
            unknown: unknown.len(),
            workers: local_workers::usual_count(DEVICE, gpus, cores).min(jobs.max(1)),
            here: (gpus == 0).then(memory_here).flatten(),
        }
    }

    /// Lines for people.
    pub fn lines(&self) -> Vec<String> {
        let Some(memory) = self.worker else {
            return Vec::new();
        };
        let Memory {
            features, networks, ..
        } = memory;
        let each = features + networks;
        let mut text = format!(
            "memory: about {} for each worker ({} of features, {} of networks and a batch)",
            size(each),
            size(features),
            size(networks)
        );
        if self.unknown > 0 {
            text += &format!("; not known for {}", counted(self.unknown, "data set"));
        }
        let all = each.saturating_mul(self.workers as u64);
        let mut lines = vec![text];
        if let Some(here) = self.here.filter(|here| all > *here) {
            let fit = (here / each.max(1)).max(1);
            lines.push(format!(
                "warning: `run` starts {} here, which need {} together; this machine has {}: --workers {fit} may fit",
                counted(self.workers, "worker"),
                size(all),
                size(here)
            ));
        }
        lines
    }
}

#[cfg(feature = "train")]
fn memory_here() -> Option<u64> {
    worker::telemetry::memory_here()
}

/// A control plane trains nothing here.
#[cfg(not(feature = "train"))]
fn memory_here() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_that_do_not_fit_are_warned_of() {
        let memory = Memory {
            features: 3_000_000_000,
            networks: 1_000_000_000,
            checkpoint: 0,
        };
        let room = |here| Room {
            worker: Some(memory),
            unknown: 1,
            workers: 4,
            here,
        };
        let lines = room(Some(9_000_000_000)).lines();
        assert_eq!(
            lines,
            [
                "memory: about 4.0 GB for each worker (3.0 GB of features, 1.0 GB of networks and a batch); not known for 1 data set",
                "warning: `run` starts 4 workers here, which need 16.0 GB together; this machine has 9.0 GB: --workers 2 may fit",
            ]
        );
        assert_eq!(room(Some(16_000_000_000)).lines().len(), 1);
        assert_eq!(room(None).lines().len(), 1);
        assert!(Room::default().lines().is_empty());
    }
}
