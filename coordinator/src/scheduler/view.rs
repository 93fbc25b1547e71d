//! The state as people look at it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sweeps::{DatasetSource, Digest, JobId, JobStatus};

use super::Scheduler;
use super::job::{JobIndex, State, Sweep};
use super::worker::Worker;
use crate::message::{
    DatasetKnown, JobView, LeaseView, Refusal, SweepInfo, SweepSummary, Timestamp, WorkerId,
    WorkerView,
};
use crate::model::cells::CellRow;
use crate::model::cells::CellTable;

impl Scheduler {
    /// The revisions of the trainers that its sweeps were submitted for, earlier versions of a sweep included.
    pub fn trainer_revisions(&self) -> impl Iterator<Item = u32> + '_ {
        self.grids.iter().map(|grid| grid.trainer_revision)
    }

    /// Every sweep, in the order of submission.
    pub fn sweeps(&self) -> Vec<SweepSummary> {
        self.sweeps
            .iter()
            .map(|sweep| self.summary(sweep))
            .collect()
    }

    fn summary(&self, sweep: &Sweep) -> SweepSummary {
        SweepSummary {
            name: sweep.name.to_string(),
            description: sweep.submission.description.clone(),
            priority: sweep.submission.priority,
            paused: sweep.paused,
            cancelled: sweep.cancelled,
            submitted_at: sweep.submitted_at,
            cells: self.grid(sweep.grid).jobs.len() as u64,
            counts: sweep.counts,
        }
    }

    fn sweep(&self, name: &str) -> Result<&Sweep, Refusal> {
        self.sweep_names
            .get(name)
            .map(|index| &self.sweeps[*index as usize])
            .ok_or_else(|| Refusal::UnknownSweep(name.chars().take(200).collect()))
    }

    /// Everything about a sweep but its cells.
    pub fn sweep_info(&self, name: &str) -> Result<SweepInfo, Refusal> {
        let sweep = self.sweep(name)?;
        let table = &self.grid(sweep.grid).table;
        Ok(SweepInfo {
            summary: self.summary(sweep),
            file: sweep.submission.file.clone(),
            text: sweep.submission.text.clone(),
            columns: table.columns().to_vec(),
            datasets: table
                .sources()
                .iter()
                .map(|(source, digest)| (source.to_string(), *digest))
                .collect(),
            trainer_revision: sweep.submission.trainer_revision,
            discrepancies: sweep.discrepancies,
            lost_ms: self.lost_ms(sweep),
            audit: self.stamp(sweep.grid),
        })
    }

    /// The time of attempts of its jobs that came to nothing, each job once however many cells share it.
    fn lost_ms(&self, sweep: &Sweep) -> u64 {
        let jobs: BTreeSet<JobIndex> = self.grid(sweep.grid).jobs.iter().copied().collect();
        jobs.into_iter()
            .filter_map(|index| Some(self.job(index).history.as_ref()?.lost_ms))
            .fold(0, u64::saturating_add)
    }

    /// A sweep's cells and where the job of each stands.
    pub fn cell_rows(&self, name: &str) -> Result<(Arc<CellTable>, Vec<CellRow>), Refusal> {
        let sweep = self.sweep(name)?;
        let grid = self.grid(sweep.grid);
        let rows = grid
            .jobs
            .iter()
            .map(|index| self.cell_row(*index))
            .collect();
        Ok((grid.table.clone(), rows))
    }

    fn cell_row(&self, index: JobIndex) -> CellRow {
        let job = self.job(index);
        let status = job.status();
        let error = (status != JobStatus::Done)
            .then(|| job.history.as_ref()?.failures.last())
            .flatten()
            .map(|last| {
                let worker = &last.worker;
                format!("{} (attempt {} on {worker})", last.failure, last.attempt).into()
            });
        CellRow {
            job_id: job.id,
            status,
            attempts: match &job.state {
                State::Done(done) => done.attempts.0,
                _ => job.attempts.0,
            },
            error,
        }
    }

    /// Every worker that is known.
    pub fn workers(&self, now: Timestamp) -> Vec<WorkerView> {
        self.workers
            .iter()
            .map(|(id, worker)| self.worker_view(*id, worker, now))
            .collect()
    }

    fn worker_view(&self, id: WorkerId, worker: &Worker, now: Timestamp) -> WorkerView {
        let hello = &worker.hello;
        let last_seen = if self.wait_queue.holds(id) {
            now
        } else {
            worker.last_seen
        };
        WorkerView {
            worker: id,
            name: hello.name.clone(),
            device: hello.device.clone(),
            version: hello.version.clone(),
            trainer_revision: hello.trainer_revision,
            slots: hello.slots,
            datasets: hello.datasets.clone(),
            state: self.state_of(id, worker, now),
            leases: worker.leases.iter().copied().collect(),
            joined_at: worker.joined_at,
            last_seen,
            finished: worker.finished,
            failed: worker.failed,
            warnings: self.warnings_of(id, now),
            memory_bytes: hello.memory_bytes,
            driver: hello.driver.clone(),
            measured: worker.measured,
        }
    }

    /// What an admin should know about a worker.
    pub(super) fn warnings_of(&self, id: WorkerId, now: Timestamp) -> Vec<String> {
        let Some(worker) = self.workers.get(&id) else {
            return Vec::new();
        };
        let mut warnings = Vec::new();
        if let Some(reason) = &worker.draining {
            warnings.push(format!("drained: {reason}"));
        } else if let Some(jobs) = self.held_back(&worker.hello.name, now) {
            warnings.push(format!(
                "held back: different jobs failed on it in a row, and {jobs} of them are to be tried elsewhere first"
            ));
        }
        let mut copies: BTreeMap<&str, (Digest, Vec<&str>)> = BTreeMap::new();
        for sweep in &self.sweeps {
            if sweep.submission.trainer_revision != worker.hello.trainer_revision
                && sweep.counts.of(JobStatus::Pending) > 0
            {
                warnings.push(format!(
                    "its trainer revision {} is not that of sweep `{}` ({}): it gets none of its jobs",
                    worker.hello.trainer_revision, sweep.name, sweep.submission.trainer_revision
                ));
            }
            for (source, digest) in self.grid(sweep.grid).table.sources() {
                if let DatasetSource::Named(name) = source
                    && worker
                        .hello
                        .datasets
                        .get(name)
                        .is_some_and(|copy| copy != digest)
                {
                    let told = copies.entry(name).or_insert((*digest, Vec::new()));
                    told.1.push(&sweep.name);
                }
            }
        }
        for (name, (digest, sweeps)) in copies {
            warnings.push(format!(
                "its copy of the data set `{name}` is another than that of {} ({} instead of {}): it gets none of their jobs",
                sweeps.join(", "),
                worker.hello.datasets[name].short(),
                digest.short()
            ));
        }
        warnings
    }

    /// Everything about a job but its record.
    pub fn job_view(&self, id: JobId) -> Result<JobView, Refusal> {
        let index = *self.by_id.get(&id).ok_or(Refusal::UnknownJob(id))?;
        let job = self.job(index);
        let home = &self.grid(job.home.grid).table;
        Ok(JobView {
            job_id: id,
            job: home.job(job.home.cell as usize)?,
            dataset: self.dataset_of(index),
            status: job.status(),
            attempts: job.attempts.0,
            cells: job
                .places
                .iter()
                .map(|place| {
                    let sweep = &self.sweeps[self.grid(place.grid).sweep as usize];
                    (sweep.name.to_string(), u64::from(place.cell))
                })
                .collect(),
            lease: self.lease_of(index).map(|lease| LeaseView {
                attempt: lease.attempt,
                worker: lease.worker,
                worker_name: self
                    .workers
                    .get(&lease.worker)
                    .map(|worker| worker.hello.name.clone())
                    .unwrap_or_default(),
                since: lease.since,
                expires: lease.expires,
            }),
            failures: job
                .history
                .as_ref()
                .map(|history| history.failures.clone())
                .unwrap_or_default(),
            paused: job.paused,
        })
    }

    /// The jobs whose ids begin with these digits, at most `most`.
    pub fn find_jobs(&self, prefix: &str, most: usize) -> Vec<JobId> {
        let prefix = prefix.to_ascii_lowercase();
        self.jobs
            .iter()
            .map(|job| job.id)
            .filter(|id| id.to_string().starts_with(&prefix))
            .take(most)
            .collect()
    }

    /// Whether an audit is not over.
    #[cfg(test)]
    pub(crate) fn has_audits(&self) -> bool {
        !self.audits.is_empty()
    }

    /// Whether anybody waits for work.
    #[cfg(test)]
    pub(crate) fn has_waiting(&self) -> bool {
        !self.wait_queue.is_empty()
    }

    /// The named data sets that workers announced.
    pub fn datasets(&self) -> Vec<DatasetKnown> {
        let mut known: BTreeMap<&str, BTreeMap<Digest, Vec<String>>> = BTreeMap::new();
        for worker in self.workers.values() {
            for (name, digest) in &worker.hello.datasets {
                known
                    .entry(name)
                    .or_default()
                    .entry(*digest)
                    .or_default()
                    .push(worker.hello.name.clone());
            }
        }
        known
            .into_iter()
            .map(|(name, copies)| DatasetKnown {
                name: name.to_owned(),
                copies,
            })
            .collect()
    }

    /// By name, the digests of the copies that workers announced.
    pub fn dataset_copies(&self) -> BTreeMap<String, Vec<Digest>> {
        self.datasets()
            .into_iter()
            .map(|known| (known.name, known.copies.into_keys().collect()))
            .collect()
    }
}
