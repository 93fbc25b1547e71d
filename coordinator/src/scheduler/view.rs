//! The state as people look at it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use looks::ClaimsView;
use sweeps::{AttemptNumber, DatasetSource, Digest, JobId, JobStatus};

use proto::cut;
use proto::limits::{DESCRIPTION_BYTES, JOB_CELLS, TEXT_BYTES, WORKER_WARNINGS};

use super::Scheduler;
use super::job::{JobIndex, Sweep};
use super::worker_table::Worker;
use crate::model::cells::CellRow;
use crate::model::cells::CellTable;
use crate::model::claims::SweepClaims;
use proto::nouns::{
    DatasetKnown, JobView, LeaseView, Refusal, SweepInfo, SweepSummary, Timestamp, WorkerId,
    WorkerView,
};

/// Bytes of a name inside a sentence.
const SHOWN_NAME: usize = 128;

/// Some names of many, for a sentence: the first ones, and how many more there are.
#[derive(Default)]
struct Names<'a> {
    first: Vec<&'a str>,
    more: usize,
}

impl<'a> Names<'a> {
    const SHOWN: usize = 8;

    fn add(&mut self, name: &'a str) {
        if self.first.len() < Self::SHOWN {
            self.first.push(name);
        } else {
            self.more += 1;
        }
    }
}

impl fmt::Display for Names<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, name) in self.first.iter().enumerate() {
            let comma = if position > 0 { ", " } else { "" };
            write!(formatter, "{comma}{}", cut(name, SHOWN_NAME))?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(formatter, " and {more} more"),
        }
    }
}

/// Where the job of a cell stands, from memory alone.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JobRow {
    pub(crate) cell: usize,
    pub(crate) job_id: JobId,
    pub(crate) status: JobStatus,
    /// Its last attempt, whose number counts them.
    pub(crate) last_attempt: AttemptNumber,
    /// The last failure, of a job without a record.
    pub(crate) error: Option<Arc<str>>,
    /// Of a finished job: its final AUCs, its epochs, the codes of its warnings.
    pub(crate) scores: [Option<f64>; 2],
    pub(crate) epochs: u32,
    pub(crate) warnings: Box<[Arc<str>]>,
}

impl Scheduler {
    /// The revisions of the trainers that its sweeps were submitted for, earlier versions of a sweep included.
    pub fn trainer_revisions(&self) -> impl Iterator<Item = u32> + '_ {
        self.jobs.grids().iter().map(|grid| grid.trainer_revision)
    }

    /// Every sweep, in the order of submission.
    pub fn sweeps(&self) -> Vec<SweepSummary> {
        self.jobs
            .sweeps()
            .iter()
            .map(|sweep| self.summary(sweep))
            .collect()
    }

    fn summary(&self, sweep: &Sweep) -> SweepSummary {
        SweepSummary {
            name: sweep.name.to_string(),
            description: cut(&sweep.submission.description, DESCRIPTION_BYTES),
            priority: sweep.submission.priority,
            paused: sweep.paused,
            cancelled: sweep.cancelled,
            submitted_at: sweep.submitted_at,
            cells: self.jobs.grid(sweep.grid).jobs.len() as u64,
            counts: sweep.counts,
        }
    }

    pub(super) fn sweep(&self, name: &str) -> Result<&Sweep, Refusal> {
        self.jobs
            .sweep_named(name)
            .map(|sweep| self.jobs.sweep(sweep))
            .ok_or_else(|| Refusal::UnknownSweep(name.chars().take(200).collect()))
    }

    /// Everything about a sweep but its cells.
    pub fn sweep_info(&self, name: &str) -> Result<SweepInfo, Refusal> {
        let sweep = self.sweep(name)?;
        let table = &self.jobs.grid(sweep.grid).table;
        Ok(SweepInfo {
            summary: self.whole_summary(sweep),
            more_datasets: 0,
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
            claims: self.claims_of(sweep),
        })
    }

    /// The summary with a description that is cut later.
    pub(super) fn whole_summary(&self, sweep: &Sweep) -> SweepSummary {
        SweepSummary {
            description: cut(&sweep.submission.description, TEXT_BYTES),
            ..self.summary(sweep)
        }
    }

    /// Where the claims of a sweep stand.
    pub(super) fn claims_of(&self, sweep: &Sweep) -> Option<Box<ClaimsView>> {
        let claims = sweep.submission.claims.as_deref()?;
        let arms = self.arms_of(sweep, claims);
        let SweepClaims { family, texts, .. } = claims;
        Some(Box::new(ClaimsView {
            settings: family.settings,
            identity: claims.identity.short(),
            grows: claims.grows,
            claims: looks::views(family, texts, &arms, &claims.looks, claims.grows),
            looks: claims.looks.clone(),
        }))
    }

    /// The time of attempts of its jobs that came to nothing, each job once however many cells share it.
    pub(super) fn lost_ms(&self, sweep: &Sweep) -> u64 {
        // Of a million jobs few failed.
        let jobs = self.jobs.grid(sweep.grid).jobs.iter().copied();
        let failed: BTreeSet<JobIndex> = jobs
            .filter(|index| self.jobs.job(*index).history.is_some())
            .collect();
        failed
            .into_iter()
            .filter_map(|index| Some(self.jobs.job(index).history.as_ref()?.lost_ms))
            .fold(0, u64::saturating_add)
    }

    /// A sweep's cells and where the job of each stands.
    pub fn cell_rows(&self, name: &str) -> Result<(Arc<CellTable>, Vec<CellRow>), Refusal> {
        let sweep = self.sweep(name)?;
        let grid = self.jobs.grid(sweep.grid);
        let rows = grid
            .jobs
            .iter()
            .map(|index| self.cell_row(*index))
            .collect();
        Ok((grid.table.clone(), rows))
    }

    /// A sweep's version and its cells.
    pub(crate) fn grid_of(&self, name: &str) -> Result<(u32, Arc<CellTable>), Refusal> {
        let sweep = self.sweep(name)?;
        Ok((sweep.grid, self.jobs.grid(sweep.grid).table.clone()))
    }

    /// Where the jobs of some cells stand, those of certain statuses alone (none: all). `None`: that version of the sweep
    /// was replaced.
    pub(crate) fn job_rows(
        &self,
        grid: u32,
        cells: Range<usize>,
        statuses: &[JobStatus],
    ) -> Option<Vec<JobRow>> {
        let jobs = self
            .jobs
            .grids()
            .get(grid as usize)?
            .jobs
            .get(cells.clone())?;
        let wanted = |status| statuses.is_empty() || statuses.contains(&status);
        let rows = cells
            .zip(jobs)
            .filter(|(_, index)| wanted(self.jobs.job(**index).status()));
        Some(
            rows.map(|(cell, index)| self.job_row(cell, *index))
                .collect(),
        )
    }

    fn job_row(&self, cell: usize, index: JobIndex) -> JobRow {
        let CellRow {
            job_id,
            status,
            last_attempt,
            error,
        } = self.cell_row(index);
        let done = self.jobs.job(index).done();
        let (scores, epochs, warnings) = done.map_or_else(Default::default, |done| {
            (done.scores, done.epochs, done.warnings.clone())
        });
        JobRow {
            cell,
            job_id,
            status,
            last_attempt,
            error,
            scores,
            epochs,
            warnings,
        }
    }

    /// A sweep's cells that have this job, and where the job stands.
    pub fn cell_rows_of(
        &self,
        name: &str,
        job: JobId,
    ) -> Result<(Arc<CellTable>, Vec<usize>, CellRow), Refusal> {
        let sweep = self.sweep(name)?;
        let index = self.jobs.find(&job).ok_or(Refusal::UnknownJob(job))?;
        let cells = self.jobs.job(index).cells.iter();
        let cells = cells.filter(|cell| cell.grid == sweep.grid);
        Ok((
            self.jobs.grid(sweep.grid).table.clone(),
            cells.map(|cell| cell.cell as usize).collect(),
            self.cell_row(index),
        ))
    }

    fn cell_row(&self, index: JobIndex) -> CellRow {
        let job = self.jobs.job(index);
        let status = job.status();
        let error = (status != JobStatus::Done)
            .then(|| job.history.as_ref()?.failures.last())
            .flatten()
            .map(|last| last.line().into());
        CellRow {
            job_id: self.jobs.id(index),
            status,
            last_attempt: job.done().map_or(job.attempts, |done| done.attempts),
            error,
        }
    }

    /// Every worker that is known.
    pub fn workers(&self, now: Timestamp) -> Vec<WorkerView> {
        self.workers
            .iter()
            .map(|(id, worker)| self.worker_view(id, worker, now))
            .collect()
    }

    fn worker_view(&self, id: WorkerId, worker: &Worker, now: Timestamp) -> WorkerView {
        let hello = &worker.hello;
        let last_seen = if self.wait_queue.contains(id) {
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
        let Some(worker) = self.workers.get(id) else {
            return Vec::new();
        };
        let mut warnings = Vec::new();
        if let Some(reason) = &worker.draining {
            warnings.push(format!("drained: {reason}"));
        } else if let Some(jobs) = self.held_back(&worker.identity, now) {
            warnings.push(format!(
                "held back: different jobs failed on it in a row, and {jobs} of them are to be tried elsewhere first"
            ));
        }
        let namesakes = self
            .workers
            .named(&worker.hello.name)
            .filter(|(other, worker)| *other != id && self.is_connected(*other, worker, now));
        let namesakes = namesakes.count();
        if namesakes > 0 {
            warnings.push(format!(
                "{} workers have its name: failures on it are told as `{}`, and `drain` sends all of them away; give each a name of its own (--name)",
                namesakes + 1,
                cut(&worker.identity, SHOWN_NAME)
            ));
        }
        let mut revisions: BTreeMap<u32, Names<'_>> = BTreeMap::new();
        let mut copies: BTreeMap<&str, (Digest, Names<'_>)> = BTreeMap::new();
        for sweep in self.jobs.sweeps() {
            let revision = sweep.submission.trainer_revision;
            if revision != worker.hello.trainer_revision && sweep.counts.of(JobStatus::Pending) > 0
            {
                revisions.entry(revision).or_default().add(&sweep.name);
            }
            for (source, digest) in self.jobs.grid(sweep.grid).table.sources() {
                if let DatasetSource::Named(name) = source
                    && worker
                        .hello
                        .datasets
                        .get(name)
                        .is_some_and(|copy| copy != digest)
                {
                    let told = copies.entry(name).or_insert((*digest, Names::default()));
                    told.1.add(&sweep.name);
                }
            }
        }
        for (revision, sweeps) in revisions {
            warnings.push(format!(
                "its trainer revision {} is not that of {sweeps} ({revision}): it gets none of their jobs",
                worker.hello.trainer_revision
            ));
        }
        for (name, (digest, sweeps)) in copies {
            warnings.push(format!(
                "its copy of the data set `{}` is another than that of {sweeps} ({} instead of {}): it gets none of their jobs",
                cut(name, SHOWN_NAME),
                worker.hello.datasets[name].short(),
                digest.short()
            ));
        }
        let more = warnings.len().saturating_sub(WORKER_WARNINGS);
        if more > 0 {
            warnings.truncate(WORKER_WARNINGS - 1);
            warnings.push(format!("and {} warnings more", more + 1));
        }
        warnings
    }

    /// Everything about a job but its record.
    pub fn job_view(&self, id: JobId) -> Result<JobView, Refusal> {
        let index = self.jobs.find(&id).ok_or(Refusal::UnknownJob(id))?;
        let job = self.jobs.job(index);
        let home = &self.jobs.grid(job.home.grid).table;
        Ok(JobView {
            job_id: id,
            job: home.job(job.home.cell as usize)?,
            dataset: self.jobs.dataset_of(index),
            status: job.status(),
            attempts: job.attempts.count().into(),
            more_cells: (job.cells.len() as u64).saturating_sub(JOB_CELLS as u64),
            cells: job
                .cells
                .iter()
                .take(JOB_CELLS)
                .map(|cell| {
                    let sweep = self.jobs.site(cell).sweep;
                    (sweep.name.to_string(), u64::from(cell.cell))
                })
                .collect(),
            lease: self.lease_of(index).map(|lease| LeaseView {
                attempt: lease.attempt,
                worker: lease.worker,
                worker_name: self.workers.name_of(lease.worker).to_owned(),
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
        let Some(prefix) = prefix
            .chars()
            .map(|digit| digit.to_digit(16).map(|digit| digit as u8))
            .collect::<Option<Vec<u8>>>()
        else {
            return Vec::new();
        };
        // By digits, not by text: there may be a million jobs.
        let nibble = |id: &JobId, at: usize| {
            let byte = id.0.get(at / 2).copied();
            byte.map(|byte| if at & 1 == 0 { byte >> 4 } else { byte & 15 })
        };
        let begins = |id: &JobId| {
            let mut digits = prefix.iter().enumerate();
            digits.all(|(at, digit)| nibble(id, at) == Some(*digit))
        };
        self.jobs.ids_that(begins, most)
    }

    /// Whether an audit is not over.
    #[cfg(test)]
    pub(crate) fn has_audits(&self) -> bool {
        self.audits.iter().next().is_some()
    }

    /// Whether anybody waits for work.
    #[cfg(test)]
    pub(crate) fn has_waiting(&self) -> bool {
        !self.wait_queue.is_empty()
    }

    /// The named data sets that workers announced.
    pub fn datasets(&self) -> Vec<DatasetKnown> {
        let mut known: BTreeMap<&str, BTreeMap<Digest, Vec<String>>> = BTreeMap::new();
        for (_, worker) in self.workers.iter() {
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
