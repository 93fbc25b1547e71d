//! Where a sweep stands as a whole, and who works: what the live page asks again and again.

use looks::ClaimsView;
use proto::nouns::{AuditStamp, Refusal, SweepSummary, Timestamp, WorkerView};
use sweeps::{AttemptNumber, JobId};

use super::Scheduler;

/// Where a sweep stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standing {
    /// Its version.
    pub(crate) grid: u32,
    pub(crate) summary: SweepSummary,
    pub(crate) trainer_revision: u32,
    pub(crate) discrepancies: u64,
    pub(crate) lost_ms: u64,
    pub(crate) audit: AuditStamp,
    /// Of a sweep with `[adaptive]`: where its claims stand.
    pub(crate) claims: Option<Box<ClaimsView>>,
    /// Every worker that is known, and since when it has which jobs, of this sweep or another.
    pub(crate) workers: Vec<(WorkerView, Vec<(JobId, Timestamp)>)>,
    /// The time of the answer.
    pub(crate) now: Timestamp,
}

impl Scheduler {
    /// The last attempts of jobs, and whether they have a record. One that is not known is left out.
    pub(crate) fn last_attempts(&self, jobs: &[JobId]) -> Vec<(JobId, AttemptNumber, bool)> {
        let known = jobs.iter().filter_map(|id| {
            let job = self.jobs.job(self.jobs.find(id)?);
            Some((*id, job.attempts, job.done().is_some()))
        });
        known.collect()
    }

    /// Where a sweep stands.
    pub(crate) fn standing(&self, sweep: &str, now: Timestamp) -> Result<Standing, Refusal> {
        // Less than `sweep_info`: text and data sets of a sweep are long, and nobody asks for them again and again.
        let sweep = self.sweep(sweep)?;
        let since = |job: JobId| {
            let index = self.jobs.find(&job)?;
            Some((job, self.lease_of(index)?.since))
        };
        let workers = self.workers(now).into_iter().map(|worker| {
            let leases = worker.leases.iter();
            let leases = leases.filter_map(|lease| since(lease.job)).collect();
            (worker, leases)
        });
        Ok(Standing {
            grid: sweep.grid,
            summary: self.whole_summary(sweep),
            trainer_revision: sweep.submission.trainer_revision,
            discrepancies: sweep.discrepancies,
            lost_ms: self.lost_ms(sweep),
            audit: self.stamp(sweep.grid),
            claims: self.claims_of(sweep),
            workers: workers.collect(),
            now,
        })
    }
}
