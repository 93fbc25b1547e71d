//! Where a sweep stands, by variant: counted along as changes are heard, and how long it will take. No clock of its own.

mod group;
mod pace;
mod times;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proto::nouns::Row;
use sweeps::{JobId, JobStatus};

use crate::labels;
pub use group::{Group, Mean};
use pace::Pace;
pub use times::Times;

/// The jobs of a sweep and the groups of cells that they belong to.
#[derive(Debug, Default)]
pub struct Standing {
    groups: Vec<Group>,
    jobs: BTreeMap<JobId, Job>,
    /// The groups of further cells that mean the same job.
    also: BTreeMap<JobId, Vec<u32>>,
    settled: usize,
    running: BTreeSet<JobId>,
}

/// Small: there may be a million.
#[derive(Debug, Clone, Copy)]
struct Job {
    group: u32,
    seed: u64,
    status: JobStatus,
    /// Epochs that were heard of.
    epochs: u32,
    auc: Option<f32>,
    /// Since when it has been followed, in seconds, and how far it was then.
    seen: Option<(f32, f32)>,
}

impl Standing {
    /// Of these rows, at that time since some beginning.
    pub fn of_rows(columns: &[String], rows: &[Row], now: Duration) -> Self {
        let mut standing = Self::default();
        let mut last: Option<(*const proto::nouns::RowGroup, u32)> = None;
        let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
        for row in rows {
            let address = std::sync::Arc::as_ptr(&row.group);
            let group = match last {
                Some((known, number)) if known == address => number,
                _ => {
                    let label = labels::label_of_group(columns, &row.group);
                    *numbers.entry(label.clone()).or_insert_with(|| {
                        standing.groups.push(Group::new(label, &row.group));
                        standing.groups.len() as u32 - 1
                    })
                }
            };
            last = Some((address, group));
            standing.add(group, row, now);
        }
        standing
    }

    fn add(&mut self, group: u32, row: &Row, now: Duration) {
        self.groups[group as usize].add(row.seed, row.job_id, row.status);
        if let Some(job) = self.jobs.get(&row.job_id).copied() {
            self.also.entry(row.job_id).or_default().push(group);
            self.groups[group as usize].left += 1.0 - f64::from(self.share(&job));
            return;
        }
        let mut job = Job {
            group,
            seed: row.seed,
            status: row.status,
            epochs: row.epochs,
            auc: row.auc.map(|auc| auc as f32),
            seen: None,
        };
        let share = self.share(&job);
        self.groups[group as usize].left += 1.0 - f64::from(share);
        if job.status == JobStatus::Running {
            self.running.insert(row.job_id);
            job.seen = Some((now.as_secs_f32(), share));
        }
        self.settled += usize::from(job.status.is_settled());
        self.jobs.insert(row.job_id, job);
    }

    /// A job stands there since `now`. Answers where it stood before, where the sweep has it.
    pub fn set(&mut self, id: JobId, status: JobStatus, now: Duration) -> Option<JobStatus> {
        let old = *self.jobs.get(&id)?;
        let before = old.status;
        if let (JobStatus::Done, Some((since, at))) = (status, old.seen) {
            let took = now.as_secs_f32() - since;
            self.groups[old.group as usize].pace.hear(took, 1.0 - at);
        }
        let seen = match status {
            // A lease that goes on, or an attempt that goes on from a checkpoint.
            JobStatus::Running => old.seen.or(Some((now.as_secs_f32(), self.share(&old)))),
            _ => None,
        };
        let begins_anew = !matches!(status, JobStatus::Running | JobStatus::Done);
        let epochs = if begins_anew { 0 } else { old.epochs };
        self.settled -= usize::from(before.is_settled());
        self.settled += usize::from(status.is_settled());
        if status == JobStatus::Running {
            self.running.insert(id);
        } else {
            self.running.remove(&id);
        }
        for group in self.groups_of(&id, &old) {
            self.groups[group as usize].change(before, status);
        }
        self.put(
            id,
            Job {
                status,
                epochs,
                seen,
                ..old
            },
        );
        Some(before)
    }

    /// So many more epochs of a job ended.
    pub fn advance(&mut self, id: JobId, ended: u32) {
        if let Some(job) = self.jobs.get(&id).copied() {
            let epochs = job.epochs.saturating_add(ended);
            self.put(id, Job { epochs, ..job });
        }
    }

    /// The job is like that now: the work that is left follows.
    fn put(&mut self, id: JobId, job: Job) {
        let Some(old) = self.jobs.insert(id, job) else {
            return;
        };
        let done = f64::from(self.share(&job)) - f64::from(self.share(&old));
        for group in self.groups_of(&id, &job) {
            self.groups[group as usize].left -= done;
        }
    }

    /// What the cell of a finished job reports, or a running one's last epoch.
    pub fn score(&mut self, id: JobId, auc: f64) {
        if let Some(job) = self.jobs.get_mut(&id) {
            job.auc = Some(auc as f32);
        }
    }

    fn groups_of(&self, id: &JobId, job: &Job) -> Vec<u32> {
        let mut groups = vec![job.group];
        groups.extend(self.also.get(id).into_iter().flatten());
        groups
    }

    /// The share of its work that a job has done, 0 to 1.
    fn share(&self, job: &Job) -> f32 {
        if job.status.is_settled() {
            return 1.0;
        }
        let epochs = self.groups[job.group as usize].epochs.max(1);
        (job.epochs as f32 / epochs as f32).min(1.0)
    }

    /// Cells that differ in their seed alone, in the sweep's order.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Where a job stands, where the sweep has it.
    pub fn status(&self, id: &JobId) -> Option<JobStatus> {
        self.jobs.get(id).map(|job| job.status)
    }

    /// The share of a job that is done, 0 to 1.
    pub fn share_of(&self, id: &JobId) -> f64 {
        self.jobs
            .get(id)
            .map_or(0.0, |job| f64::from(self.share(job)))
    }

    /// The AUC that was heard of a job.
    pub fn auc(&self, id: &JobId) -> Option<f64> {
        self.jobs.get(id)?.auc.map(f64::from)
    }

    /// The group of a job, the first in the sweep's order, where the sweep has the job.
    pub fn group_of(&self, id: &JobId) -> Option<&Group> {
        Some(&self.groups[self.jobs.get(id)?.group as usize])
    }

    /// `GCL_B learning_rate=1e-4 seed 3`, as the first of its cells is called; the job's id where the sweep has no such job.
    pub fn label(&self, id: &JobId) -> String {
        match self.jobs.get(id) {
            Some(job) => labels::with_seed(&self.groups[job.group as usize].label, job.seed),
            None => id.short(),
        }
    }

    /// The number of different jobs.
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Jobs to which nothing will happen by itself any more.
    pub fn settled(&self) -> usize {
        self.settled
    }

    /// Whether all are.
    pub fn is_settled(&self) -> bool {
        self.settled == self.jobs.len()
    }

    /// Jobs that somebody trains now.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// Mean ± std of what the finished jobs of a group report, of scores as they are.
    pub fn mean(&self, group: &Group) -> Option<Mean> {
        if !group.reporting.is_of_record() {
            return None;
        }
        Mean::of(group.seeds.iter().filter_map(|(_, id)| {
            let job = self.jobs.get(id)?;
            (job.status == JobStatus::Done)
                .then_some(job.auc)
                .flatten()
                .map(f64::from)
        }))
    }

    /// How long everything takes, by what was seen until now.
    pub fn times(&self, now: Duration) -> Times {
        let mut of_groups: Vec<Pace> = self.groups.iter().map(|group| group.pace).collect();
        let jobs = self.running.iter().filter_map(|id| self.jobs.get(id));
        for job in jobs {
            if let Some((since, at)) = job.seen {
                let pace = &mut of_groups[job.group as usize];
                pace.hear(now.as_secs_f32() - since, self.share(job) - at);
            }
        }
        Times::new(of_groups, &self.groups, self.running.len())
    }
}

#[cfg(test)]
mod tests;
