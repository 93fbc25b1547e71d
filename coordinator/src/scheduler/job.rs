//! Jobs, the grids that mean them, the sweeps that want them, and the one function that changes a job's state.

use std::collections::BTreeSet;
use std::sync::Arc;

use sweeps::{AttemptNumber, Digest, FailureClass, JobId, JobStatus};

use super::Scheduler;
use crate::model::cells::CellTable;
use crate::model::submission::Submission;
use proto::nouns::{AttemptFailure, Counts, LeaseKey, Timestamp, WorkerId};

/// A job's position in the scheduler's list. Jobs are never taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct JobIndex(pub(super) u32);

/// A cell of a grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) grid: u32,
    pub(super) cell: u32,
}

/// A training run. At 100,000 of them each field counts: what few jobs have is boxed.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) id: JobId,
    /// The cell that brought it: there its spec is found, also when the sweep has dropped the cell.
    pub(super) home: Place,
    /// The cells of current grids that mean it: nearly always one.
    pub(super) places: Places,
    /// Attempts handed out so far: the number of the last one.
    pub(super) attempts: AttemptNumber,
    pub(super) state: State,
    pub(super) history: Option<Box<History>>,
    /// A person put it on hold.
    pub(super) paused: bool,
}

/// A job is in one state, which holds what is true in it.
#[derive(Debug, Clone)]
pub(super) enum State {
    Queued,
    Leased(Lease),
    Done(Box<Done>),
    Failed,
    Quarantined,
    Cancelled,
}

#[derive(Debug, Clone)]
pub(super) struct Lease {
    pub(super) attempt: AttemptNumber,
    pub(super) worker: WorkerId,
    pub(super) since: Timestamp,
    pub(super) expires: Timestamp,
}

/// What a second record is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Done {
    pub(super) attempt: AttemptNumber,
    /// Attempts that it took: those of audits come later and are not counted.
    pub(super) attempts: AttemptNumber,
    pub(super) outcome: Digest,
    pub(super) device_kind: Arc<str>,
    pub(super) trainer_revision: u32,
    pub(super) worker: Arc<str>,
    /// Attempts whose records were compared, and whether they differed.
    pub(super) compared: Vec<(AttemptNumber, proto::nouns::Receipt)>,
    /// The final AUCs, with which results of other kinds of devices are compared.
    pub(super) scores: [Option<f64>; 2],
    /// How its last audit ended.
    pub(super) audit: Option<proto::nouns::AuditVerdict>,
    /// Epochs of its curve.
    pub(super) epochs: u32,
    /// Codes of its warnings, each once.
    pub(super) warnings: Box<[Arc<str>]>,
}

/// What went wrong so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct History {
    /// The last failures, oldest first.
    pub(super) failures: Vec<AttemptFailure>,
    /// Failures by class since the last `retry`.
    pub(super) counts: [u32; FailureClass::ALL.len()],
    /// Names of workers on which it failed by its own or their fault since the last `retry`.
    pub(super) blamed: BTreeSet<String>,
    /// Milliseconds of attempts that ended without a result, from lease to end.
    pub(super) lost_ms: u64,
}

impl History {
    /// Failures that are remembered per job; enough to see a pattern.
    pub(super) const FAILURES: usize = 16;
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Places {
    first: Option<Place>,
    more: Vec<Place>,
}

impl Places {
    pub(super) fn iter(&self) -> impl Iterator<Item = Place> + '_ {
        self.first.iter().chain(&self.more).copied()
    }
    pub(super) fn add(&mut self, place: Place) {
        if self.first.is_none() {
            self.first = Some(place);
        } else {
            self.more.push(place);
        }
    }
    /// Whether the grid is the only one that means it.
    pub(super) fn are_of(&self, grid: u32) -> bool {
        self.first.is_some_and(|place| place.grid == grid)
            && self.more.iter().all(|place| place.grid == grid)
    }
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }
    pub(super) fn remove_grid(&mut self, grid: u32) {
        let kept: Vec<Place> = self.iter().filter(|place| place.grid != grid).collect();
        *self = Self::default();
        for place in kept {
            self.add(place);
        }
    }
    /// The grids among them, each once.
    pub(super) fn grids(&self) -> impl Iterator<Item = u32> + '_ {
        let repeated = |position: usize, grid: u32| {
            self.iter()
                .take(position)
                .any(|earlier| earlier.grid == grid)
        };
        self.iter()
            .enumerate()
            .filter(move |(position, place)| !repeated(*position, place.grid))
            .map(|(_, place)| place.grid)
    }
}

/// One submitted version of a sweep.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    pub(super) sweep: u32,
    pub(super) table: Arc<CellTable>,
    pub(super) trainer_revision: u32,
    /// The jobs of its cells.
    pub(super) jobs: Vec<JobIndex>,
}

#[derive(Debug, Clone)]
pub(super) struct Sweep {
    pub(super) name: Arc<str>,
    /// What was submitted last, without ids and table: those are in the grid.
    pub(super) submission: Submission,
    pub(super) submitted_at: Timestamp,
    /// The current grid.
    pub(super) grid: u32,
    pub(super) paused: bool,
    pub(super) cancelled: bool,
    /// Its different jobs by status.
    pub(super) counts: Counts,
    /// Cells whose jobs wait, by the position of their data set in the grid's list.
    pub(super) queue: Vec<BTreeSet<u32>>,
    pub(super) discrepancies: u64,
}

impl Job {
    pub(super) fn status(&self) -> JobStatus {
        match self.state {
            State::Queued => JobStatus::Pending,
            State::Leased(_) => JobStatus::Running,
            State::Done(_) => JobStatus::Done,
            State::Failed => JobStatus::Failed,
            State::Quarantined => JobStatus::Quarantined,
            State::Cancelled => JobStatus::Cancelled,
        }
    }

    pub(super) fn lease(&self) -> Option<&Lease> {
        if let State::Leased(lease) = &self.state {
            Some(lease)
        } else {
            None
        }
    }

    /// Whether an attempt failed in a way that may be the job's fault or the worker's.
    pub(super) fn has_failed(&self) -> bool {
        self.history
            .as_ref()
            .is_some_and(|history| !history.blamed.is_empty())
    }

    pub(super) fn failed_on(&self, worker: &str) -> bool {
        self.history
            .as_ref()
            .is_some_and(|history| history.blamed.contains(worker))
    }
}

impl Scheduler {
    /// The job of that id, as far as anybody may know of it.
    pub(super) fn find(&self, id: &JobId) -> Option<JobIndex> {
        let index = self.by_id.get(id).copied()?;
        (!self.is_staged(self.job(index))).then_some(index)
    }

    pub(super) fn job(&self, index: JobIndex) -> &Job {
        &self.jobs[index.0 as usize]
    }

    pub(super) fn job_mut(&mut self, index: JobIndex) -> &mut Job {
        &mut self.jobs[index.0 as usize]
    }

    pub(super) fn grid(&self, grid: u32) -> &Grid {
        &self.grids[grid as usize]
    }

    /// The digest that a job's data set must have.
    pub(super) fn dataset_of(&self, index: JobIndex) -> Digest {
        let home = self.job(index).home;
        let table = &self.grid(home.grid).table;
        table.sources()[table.source_of(home.cell as usize)].1
    }

    /// The names of the sweeps that want a job.
    pub(super) fn sweeps_of(&self, index: JobIndex) -> Arc<[Arc<str>]> {
        self.job(index)
            .places
            .grids()
            .map(|grid| self.sweeps[self.grid(grid).sweep as usize].name.clone())
            .collect()
    }

    /// Brings a job into another state. Counts, queues, leases and expiries follow.
    pub(super) fn set_state(&mut self, index: JobIndex, state: State) {
        self.withdraw(index);
        self.job_mut(index).state = state;
        self.enter(index);
    }

    /// Takes a job out of everything that follows from its state and places.
    pub(super) fn withdraw(&mut self, index: JobIndex) {
        let job = &self.jobs[index.0 as usize];
        for grid in job.places.grids() {
            let sweep = self.grids[grid as usize].sweep;
            self.sweeps[sweep as usize].counts.0[job.status() as usize] -= 1;
            self.touched.insert(sweep);
        }
        match &job.state {
            State::Queued => {
                for place in job.places.iter() {
                    let grid = &self.grids[place.grid as usize];
                    let sweep = &mut self.sweeps[grid.sweep as usize];
                    sweep.queue[grid.table.source_of(place.cell as usize)].remove(&place.cell);
                    if sweep.queue.iter().all(BTreeSet::is_empty) {
                        self.ready.remove(&grid.sweep);
                    }
                }
            }
            State::Leased(lease) => {
                self.lease_clock.remove(lease.expires, index);
                if let Some(worker) = self.workers.get_mut(&lease.worker) {
                    worker.leases.remove(&LeaseKey {
                        job: job.id,
                        attempt: lease.attempt,
                    });
                }
            }
            _ => {}
        }
    }

    /// The inverse of [`Self::withdraw`].
    pub(super) fn enter(&mut self, index: JobIndex) {
        let job = &self.jobs[index.0 as usize];
        for grid in job.places.grids() {
            let sweep = self.grids[grid as usize].sweep;
            self.sweeps[sweep as usize].counts.0[job.status() as usize] += 1;
            self.touched.insert(sweep);
        }
        match &job.state {
            State::Queued if !job.paused => {
                for place in job.places.iter() {
                    let grid = &self.grids[place.grid as usize];
                    let sweep = &mut self.sweeps[grid.sweep as usize];
                    sweep.queue[grid.table.source_of(place.cell as usize)].insert(place.cell);
                    self.ready.insert(grid.sweep);
                    self.dispatch_needed = true;
                }
            }
            State::Leased(lease) => {
                self.lease_clock.add(lease.expires, index);
                if let Some(worker) = self.workers.get_mut(&lease.worker) {
                    worker.leases.insert(LeaseKey {
                        job: job.id,
                        attempt: lease.attempt,
                    });
                }
            }
            _ => {}
        }
    }

    /// Gives a live lease a full time to live from `now`.
    pub(super) fn renew(&mut self, index: JobIndex, now: Timestamp) {
        let expires = now.plus(self.policy.time_to_live_ms);
        let lease = if let State::Leased(lease) = &mut self.jobs[index.0 as usize].state {
            Some(lease)
        } else {
            self.audits
                .get_mut(&index)
                .and_then(|audit| audit.lease.as_mut())
        };
        if let Some(lease) = lease {
            self.lease_clock.remove(lease.expires, index);
            lease.expires = expires;
            self.lease_clock.add(expires, index);
        }
    }

    #[cfg(test)]
    /// Looks for contradictions in the state. For tests, and cheap enough to be run on demand.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        let mut counts = vec![Counts::default(); self.sweeps.len()];
        let mut queues: Vec<Vec<BTreeSet<u32>>> = self
            .sweeps
            .iter()
            .map(|sweep| vec![BTreeSet::new(); sweep.queue.len()])
            .collect();
        let mut leases: std::collections::BTreeMap<WorkerId, BTreeSet<LeaseKey>> =
            std::collections::BTreeMap::new();
        let mut expiries = BTreeSet::new();
        for (position, job) in self.jobs.iter().enumerate() {
            let index = JobIndex(position as u32);
            if self.by_id.get(&job.id) != Some(&index) {
                return Err(format!("job {} is not found by its id", job.id.short()));
            }
            if self.is_staged(job)
                && (job.places.iter().next().is_some()
                    || job.attempts.0 > 0
                    || !matches!(job.state, State::Queued))
            {
                return Err(format!("job {} began too early", job.id.short()));
            }
            for grid in job.places.grids() {
                let sweep = self.grid(grid).sweep as usize;
                if self.sweeps[sweep].grid != grid {
                    return Err(format!("job {} is in an old grid", job.id.short()));
                }
                counts[sweep].0[job.status() as usize] += 1;
            }
            match &job.state {
                State::Queued if !job.paused => {
                    for place in job.places.iter() {
                        let grid = self.grid(place.grid);
                        queues[grid.sweep as usize][grid.table.source_of(place.cell as usize)]
                            .insert(place.cell);
                    }
                }
                State::Leased(lease) => {
                    if lease.attempt != job.attempts {
                        return Err(format!(
                            "job {} is leased by an old attempt",
                            job.id.short()
                        ));
                    }
                    expiries.insert((lease.expires, index));
                    leases.entry(lease.worker).or_default().insert(LeaseKey {
                        job: job.id,
                        attempt: lease.attempt,
                    });
                }
                State::Done(done) if done.attempt > job.attempts => {
                    return Err(format!(
                        "job {} is done by an attempt to come",
                        job.id.short()
                    ));
                }
                _ => {}
            }
        }
        for (index, audit) in &self.audits {
            let job = self.job(*index);
            if !matches!(&job.state, State::Done(done) if done.audit.is_none()) {
                return Err(format!("job {} is audited but not done", job.id.short()));
            }
            if let Some(lease) = &audit.lease {
                if lease.attempt != job.attempts {
                    return Err(format!(
                        "job {} is audited by an old attempt",
                        job.id.short()
                    ));
                }
                expiries.insert((lease.expires, *index));
                leases.entry(lease.worker).or_default().insert(LeaseKey {
                    job: job.id,
                    attempt: lease.attempt,
                });
            }
        }
        for (sweep, (counts, queue)) in self.sweeps.iter().zip(counts.iter().zip(&queues)) {
            if sweep.counts != *counts {
                return Err(format!("the counts of sweep {} are wrong", sweep.name));
            }
            if sweep.queue != *queue {
                return Err(format!("the queue of sweep {} is wrong", sweep.name));
            }
        }
        let ready: BTreeSet<u32> = (0..self.sweeps.len() as u32)
            .filter(|sweep| queues[*sweep as usize].iter().any(|set| !set.is_empty()))
            .collect();
        if ready != self.ready {
            return Err("the list of sweeps with waiting jobs is wrong".into());
        }
        if expiries != *self.lease_clock.expiries() {
            return Err("the list of expiries is wrong".into());
        }
        for (id, worker) in &self.workers {
            if worker.leases != leases.remove(id).unwrap_or_default() {
                return Err(format!("the leases of worker {id} are wrong"));
            }
            if worker.leases.len() > worker.hello.slots as usize {
                return Err(format!("worker {id} has more leases than slots"));
            }
        }
        if let Some(worker) = leases.keys().next() {
            return Err(format!("a worker {worker} that is not known has a lease"));
        }
        if self
            .wait_queue
            .workers()
            .any(|worker| !self.workers.contains_key(&worker))
        {
            return Err("a worker that is not known waits".into());
        }
        Ok(())
    }
}
