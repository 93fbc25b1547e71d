//! The state to an image and back. A scheduler that is restored from its image and one that replayed every entry are the
//! same; the tests compare them after each restart.
//!
//! An image that contradicts itself (a file that was edited by hand, hashes and all) is refused, not trusted.

use std::collections::BTreeSet;
use std::sync::Arc;

use sweeps::FailureClass;

use super::audit::Auditing;
use super::job::{Done, Grid, History, Job, JobIndex, Lease, Place, Places, State, Sweep};
use super::staged::{STAGED, Staged};
use super::worker::Worker;
use super::{Entry, Scheduler, Submission};
use crate::model::cells::CellTable;
use crate::model::image::{
    AuditImage, DoneImage, HistoryImage, ImagePart, JOBS_PER_PART, JobImage, LeaseImage,
    StateImage, SweepImage,
};
use proto::nouns::Counts;

/// An image that cannot be the state of any scheduler.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the snapshot contradicts itself: {0}")]
pub struct ImageError(pub(super) &'static str);

impl Scheduler {
    /// Hands out the state as entries that, replayed, give it back: all that replaying the whole journal would give.
    ///
    /// # Errors
    /// What `each` answered.
    pub fn each_part<E>(&self, each: &mut dyn FnMut(&Entry) -> Result<(), E>) -> Result<(), E> {
        let mut part = |part: ImagePart| {
            each(&Entry::Image {
                part: Box::new(part),
            })
        };
        // Old versions of sweeps are kept as long as a job needs them to say what it is.
        let mut needed: BTreeSet<u32> = self.sweeps.iter().map(|sweep| sweep.grid).collect();
        let known = self.jobs.iter().filter(|job| !self.is_staged(job));
        needed.extend(known.map(|job| job.home.grid));
        needed.extend(self.staged.as_ref().map(|staged| staged.grid));
        part(ImagePart::Begin {
            next_worker: self.next_worker,
            life: self.life,
        })?;
        for (grid, number) in self.grids.iter().zip(0..) {
            part(ImagePart::Grid {
                sweep: grid.sweep,
                trainer_revision: grid.trainer_revision,
                table: needed.contains(&number).then(|| grid.table.clone()),
                jobs: grid.jobs.iter().map(|job| job.0).collect(),
            })?;
        }
        for sweep in &self.sweeps {
            part(sweep_image(sweep))?;
        }
        if let Some(staged) = &self.staged {
            part(ImagePart::Staged {
                grid: staged.grid,
                cells: staged.cells,
                submission: Box::new(staged.submission.clone()),
            })?;
        }
        for (id, worker) in &self.workers {
            part(ImagePart::Worker {
                worker: *id,
                hello: Box::new(worker.hello.clone()),
                joined_at: worker.joined_at,
                draining: worker.draining.clone(),
                finished: worker.finished,
                failed: worker.failed,
            })?;
        }
        for jobs in self.jobs.chunks(JOBS_PER_PART) {
            part(ImagePart::Jobs {
                jobs: jobs.iter().map(|job| self.job_image(job)).collect(),
            })?;
        }
        part(ImagePart::End {
            jobs: self.jobs.len() as u64,
            blame: self
                .blame
                .iter()
                .map(|(name, jobs)| (name.clone(), jobs.iter().map(|job| job.0).collect()))
                .collect(),
        })
    }

    /// The same as a list.
    #[cfg(test)]
    pub(crate) fn image(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut push = |entry: &Entry| {
            entries.push(entry.clone());
            Ok::<(), std::convert::Infallible>(())
        };
        let Ok(()) = self.each_part(&mut push);
        entries
    }

    pub(super) fn restore(&mut self, part: &ImagePart) -> Result<(), ImageError> {
        if let ImagePart::Begin { next_worker, life } = part {
            *self = Self::new(self.policy.clone());
            self.next_worker = *next_worker;
            self.life = *life;
            self.is_restoring = true;
            return Ok(());
        }
        if !self.is_restoring {
            return Err(ImageError("a part has no beginning"));
        }
        match part {
            ImagePart::Begin { .. } => {}
            ImagePart::Grid {
                sweep,
                trainer_revision,
                table,
                jobs,
            } => {
                let table = table.clone().unwrap_or_else(empty_table);
                if !jobs.is_empty() && jobs.len() != table.len() {
                    return Err(ImageError("a sweep has not as many jobs as cells"));
                }
                self.grids.push(Grid {
                    sweep: *sweep,
                    table,
                    trainer_revision: *trainer_revision,
                    jobs: jobs.iter().copied().map(JobIndex).collect(),
                });
            }
            ImagePart::Sweep(image) => self.restore_sweep(image)?,
            ImagePart::Staged {
                grid,
                cells,
                submission,
            } => {
                let is_staged = |grid: &Grid| grid.sweep == STAGED;
                if !self.grids.get(*grid as usize).is_some_and(is_staged) {
                    return Err(ImageError("a submission has no grid"));
                }
                self.staged = Some(Staged {
                    submission: (**submission).clone(),
                    grid: *grid,
                    cells: *cells,
                });
            }
            ImagePart::Worker {
                worker,
                hello,
                joined_at,
                draining,
                finished,
                failed,
            } => {
                let session = (hello.name.clone(), hello.session);
                self.sessions.insert(session, *worker);
                let restored = Worker {
                    hello: (**hello).clone(),
                    joined_at: *joined_at,
                    last_seen: *joined_at,
                    draining: draining.clone(),
                    leases: BTreeSet::new(),
                    finished: *finished,
                    failed: *failed,
                    measured: None,
                    last_busy: proto::nouns::Timestamp::default(),
                };
                self.workers.insert(*worker, restored);
            }
            ImagePart::Jobs { jobs } => {
                for job in jobs {
                    self.restore_job(job)?;
                }
            }
            ImagePart::End { jobs, blame } => {
                let known = |job: &JobIndex| (job.0 as usize) < self.jobs.len();
                let of_grids = self.grids.iter().flat_map(|grid| &grid.jobs).all(known);
                if *jobs != self.jobs.len() as u64 || !of_grids {
                    return Err(ImageError("jobs are missing"));
                }
                for (name, jobs) in blame {
                    let jobs: BTreeSet<JobIndex> = jobs.iter().copied().map(JobIndex).collect();
                    if !jobs.iter().all(known) {
                        return Err(ImageError("a job that is blamed is missing"));
                    }
                    self.blame.insert(name.clone(), jobs);
                }
                self.is_restoring = false;
            }
        }
        Ok(())
    }

    fn restore_sweep(&mut self, image: &SweepImage) -> Result<(), ImageError> {
        let index = self.sweeps.len() as u32;
        let Some(grid) = self.grids.get(image.grid as usize) else {
            return Err(ImageError("a sweep has no grid"));
        };
        if grid.sweep != index {
            return Err(ImageError("a grid belongs to another sweep"));
        }
        let name: Arc<str> = image.name.as_str().into();
        self.sweep_names.insert(name.clone(), index);
        self.sweeps.push(Sweep {
            name,
            submission: Submission {
                name: image.name.clone(),
                description: image.description.clone(),
                file: image.file.clone(),
                text: image.text.clone(),
                priority: image.priority,
                requirements: image.requirements.clone(),
                dry_run: false,
                trainer_revision: image.trainer_revision,
                table: grid.table.clone(),
                ids: Vec::new(),
            },
            submitted_at: image.submitted_at,
            grid: image.grid,
            paused: image.paused,
            cancelled: image.cancelled,
            counts: Counts::default(),
            queue: vec![BTreeSet::new(); grid.table.sources().len()],
            discrepancies: image.discrepancies,
        });
        Ok(())
    }

    fn restore_job(&mut self, image: &JobImage) -> Result<(), ImageError> {
        let index = JobIndex(self.jobs.len() as u32);
        let place = |(grid, cell): (u32, u32)| Place { grid, cell };
        let exists = |place: &Place| {
            self.grids.get(place.grid as usize).is_some_and(|grid| {
                (grid.sweep as usize) < self.sweeps.len()
                    && (place.cell as usize) < grid.table.len()
            })
        };
        let home = place(image.home);
        let mut places = Places::default();
        for place in image.places.iter().copied().map(place) {
            let grid = self.grids.get(place.grid as usize);
            let means_it = grid
                .and_then(|grid| grid.jobs.get(place.cell as usize))
                .is_some_and(|job| *job == index);
            if !exists(&place) || !means_it {
                return Err(ImageError("a job's cell is missing"));
            }
            places.add(place);
        }
        let is_staged = self.grids.get(home.grid as usize);
        let is_staged = is_staged.is_some_and(|grid| grid.sweep == STAGED);
        if !exists(&home) && !is_staged {
            return Err(ImageError("a job's cell is missing"));
        }
        if self.by_id.insert(image.id, index).is_some() {
            return Err(ImageError("a job is there twice"));
        }
        let state = self.restored_state(&image.state)?;
        let history = image.history.as_ref().map(restored_history).transpose()?;
        self.jobs.push(Job {
            id: image.id,
            home,
            places,
            attempts: image.attempts,
            state,
            history,
            paused: image.paused,
        });
        self.enter(index);
        if let Some(audit) = &image.audit {
            if !matches!(self.job(index).state, State::Done(_)) {
                return Err(ImageError("a job is audited that is not done"));
            }
            let lease = audit.lease.as_ref().map(|lease| self.restored_lease(lease));
            let audit = Auditing {
                failures: audit.failures,
                lease: lease.transpose()?,
            };
            self.set_audit(index, Some(audit));
        }
        Ok(())
    }

    fn restored_state(&self, image: &StateImage) -> Result<State, ImageError> {
        Ok(match image {
            StateImage::Queued => State::Queued,
            StateImage::Failed => State::Failed,
            StateImage::Quarantined => State::Quarantined,
            StateImage::Cancelled => State::Cancelled,
            StateImage::Leased(lease) => State::Leased(self.restored_lease(lease)?),
            StateImage::Done(done) => State::Done(Box::new(Done {
                attempt: done.attempt,
                attempts: done.attempts,
                outcome: done.outcome,
                device_kind: done.device_kind.as_str().into(),
                trainer_revision: done.trainer_revision,
                worker: done.worker.as_str().into(),
                compared: done.compared.clone(),
                scores: done.scores,
                audit: done.audit,
                epochs: done.epochs,
                warnings: done
                    .warnings
                    .iter()
                    .map(|code| Arc::from(code.as_str()))
                    .collect(),
            })),
        })
    }

    fn restored_lease(&self, lease: &LeaseImage) -> Result<Lease, ImageError> {
        if !self.workers.contains_key(&lease.worker) {
            return Err(ImageError("a lease has no worker"));
        }
        Ok(Lease {
            attempt: lease.attempt,
            worker: lease.worker,
            since: lease.since,
            expires: lease.since.plus(self.policy.time_to_live_ms),
        })
    }

    fn job_image(&self, job: &Job) -> JobImage {
        let index = self.by_id.get(&job.id);
        let audit = index.and_then(|index| self.audits.get(index));
        JobImage {
            audit: audit.map(|audit| AuditImage {
                failures: audit.failures,
                lease: audit.lease.as_ref().map(lease_image),
            }),
            ..job_image(job)
        }
    }
}

fn lease_image(lease: &Lease) -> LeaseImage {
    LeaseImage {
        attempt: lease.attempt,
        worker: lease.worker,
        since: lease.since,
    }
}

fn restored_history(image: &HistoryImage) -> Result<Box<History>, ImageError> {
    // A later version may know more classes than the one that wrote it.
    let mut counts = [0; FailureClass::ALL.len()];
    if image.counts.len() > counts.len() {
        return Err(ImageError("a failure is of an unknown class"));
    }
    counts[..image.counts.len()].copy_from_slice(&image.counts);
    Ok(Box::new(History {
        failures: image.failures.clone(),
        counts,
        blamed: image.blamed.clone(),
        lost_ms: image.lost_ms,
    }))
}

fn sweep_image(sweep: &Sweep) -> ImagePart {
    let submission = &sweep.submission;
    ImagePart::Sweep(Box::new(SweepImage {
        name: submission.name.clone(),
        description: submission.description.clone(),
        file: submission.file.clone(),
        text: submission.text.clone(),
        priority: submission.priority,
        requirements: submission.requirements.clone(),
        trainer_revision: submission.trainer_revision,
        submitted_at: sweep.submitted_at,
        grid: sweep.grid,
        paused: sweep.paused,
        cancelled: sweep.cancelled,
        discrepancies: sweep.discrepancies,
    }))
}

fn job_image(job: &Job) -> JobImage {
    let pair = |place: Place| (place.grid, place.cell);
    JobImage {
        id: job.id,
        home: pair(job.home),
        places: job.places.iter().map(pair).collect(),
        attempts: job.attempts,
        state: match &job.state {
            State::Queued => StateImage::Queued,
            State::Failed => StateImage::Failed,
            State::Quarantined => StateImage::Quarantined,
            State::Cancelled => StateImage::Cancelled,
            State::Leased(lease) => StateImage::Leased(lease_image(lease)),
            State::Done(done) => StateImage::Done(Box::new(DoneImage {
                attempt: done.attempt,
                attempts: done.attempts,
                outcome: done.outcome,
                device_kind: done.device_kind.to_string(),
                trainer_revision: done.trainer_revision,
                worker: done.worker.to_string(),
                compared: done.compared.clone(),
                scores: done.scores,
                audit: done.audit,
                epochs: done.epochs,
                warnings: done.warnings.iter().map(ToString::to_string).collect(),
            })),
        },
        history: job.history.as_deref().map(|history| HistoryImage {
            failures: history.failures.clone(),
            counts: history.counts.to_vec(),
            blamed: history.blamed.clone(),
            lost_ms: history.lost_ms,
        }),
        paused: job.paused,
        audit: None,
    }
}

fn empty_table() -> Arc<CellTable> {
    Arc::default()
}
