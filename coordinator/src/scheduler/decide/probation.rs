//! Workers on which jobs fail in a row.
//!
//! Three failures in a row may be the worker's fault or that of three jobs. So the worker is held back, another one tries these jobs
//! next, and their outcome decides: well elsewhere, the worker is sent away; failed elsewhere, the jobs are to blame and the
//! worker goes on. A worker that is held back still tries what failed on others, so that two of them clear each other.

use crate::model::entry::Entry;
use crate::scheduler::Scheduler;
use crate::scheduler::ineligibility::Ineligibility;
use crate::scheduler::job::{CellRef, JobIndex, JobState};
use proto::nouns::{Timestamp, WorkerId};

/// What the jobs that failed on a worker since its last success have come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    /// They wait for another worker's try, or are in it.
    pub(super) open: usize,
    /// They finished elsewhere: it was not the job.
    pub(super) well_elsewhere: usize,
}

impl Scheduler {
    fn evidence(&self, identity: &str, now: Timestamp) -> Evidence {
        let mut evidence = Evidence::default();
        for index in self.blame.jobs_of(identity).into_iter().flatten() {
            match &self.jobs.job(*index).state {
                JobState::Done(_) => evidence.well_elsewhere += 1,
                JobState::Leased(lease) => {
                    let elsewhere = self
                        .workers
                        .get(lease.worker)
                        .is_some_and(|worker| worker.identity != identity);
                    evidence.open += usize::from(elsewhere);
                }
                JobState::Queued => {
                    let can =
                        self.is_waiting(*index) && self.another_could_run(*index, identity, now);
                    evidence.open += usize::from(can);
                }
                JobState::Failed | JobState::Quarantined | JobState::Cancelled => {}
            }
        }
        evidence
    }

    /// Whether a worker gets no new jobs until those that failed on it were tried elsewhere, and how many these are.
    pub(in crate::scheduler) fn held_back(&self, identity: &str, now: Timestamp) -> Option<usize> {
        // Most workers have nothing to their name: this is asked at every lease.
        if self.blame.jobs_of(identity)?.len() < self.policy.blame {
            return None;
        }
        let Evidence {
            open,
            well_elsewhere,
        } = self.evidence(identity, now);
        (open > 0 && open + well_elsewhere >= self.policy.blame).then_some(open)
    }

    /// A job that failed on another worker, for this one to try: it goes before everything else.
    pub(super) fn pick_cross_check(&self, id: WorkerId) -> Option<CellRef> {
        let worker = self.workers.get(id)?;
        let identity = worker.identity.as_str();
        self.blame.jobs_of_others(identity).find_map(|index| {
            let job = self.jobs.job(index);
            if job.failed_on(identity) {
                return None;
            }
            job.cells.iter().find(|cell| {
                self.jobs.is_queued_at(*cell)
                    && Ineligibility::of(worker, self.jobs.site(*cell)).is_none()
            })
        })
    }

    fn is_waiting(&self, index: JobIndex) -> bool {
        let mut cells = self.jobs.job(index).cells.iter();
        cells.any(|cell| self.jobs.is_queued_at(cell))
    }

    /// Sends a worker away on which different jobs failed that were well elsewhere, as long as somebody else is left to work.
    pub(in crate::scheduler) fn decide_dismissal(
        &self,
        identity: &str,
        now: Timestamp,
    ) -> Vec<Entry> {
        let jobs = self.evidence(identity, now).well_elsewhere;
        if jobs < self.policy.blame {
            return Vec::new();
        }
        let others = self.workers.iter().any(|(id, worker)| {
            worker.identity != identity
                && worker.draining.is_none()
                && self.is_connected(id, worker, now)
        });
        if !others {
            return Vec::new();
        }
        let reason = format!(
            "{jobs} different jobs failed on it in a row and were well elsewhere: look at its log"
        );
        self.workers
            .iter()
            .filter(|(_, worker)| worker.identity == identity && worker.draining.is_none())
            .map(|(worker, _)| Entry::WorkerDrained {
                at: now,
                worker,
                reason: reason.clone(),
            })
            .collect()
    }
}
