//! The state to an image and back. A scheduler that is restored from its image and one that replayed every entry are the
//! same; the tests compare them after each restart.
//!
//! An image that contradicts itself (a file that was edited by hand, hashes and all) is refused, not trusted.

use std::collections::BTreeSet;
use std::sync::Arc;

use sweeps::FailureClass;

use super::audits::Auditing;
use super::done::Done;
use super::job::{CellRef, History, JobIndex, JobState, Lease, Sweep};
use super::job_table::STAGED;
use super::life::Life;
use super::staged::Staged;
use super::worker_table::Worker;
use super::{Entry, Scheduler};
use crate::model::image::{
    AuditImage, DoneImage, HistoryImage, ImageError, ImagePart, JOBS_PER_PART, JobImage,
    LeaseImage, StateImage, SweepImage,
};

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
        let sweeps = self.jobs.sweeps();
        let mut needed: BTreeSet<u32> = sweeps.iter().map(|sweep| sweep.grid).collect();
        let known = self.jobs.known();
        needed.extend(known.map(|index| self.jobs.job(index).home.grid));
        needed.extend(self.staged.as_ref().map(|staged| staged.grid));
        part(ImagePart::Begin {
            next_worker: self.workers.next(),
            life: self.life.number(),
        })?;
        for (grid, number) in self.jobs.grids().iter().zip(0..) {
            part(ImagePart::Grid {
                sweep: grid.sweep,
                trainer_revision: grid.trainer_revision,
                table: needed.contains(&number).then(|| grid.table.clone()),
                jobs: grid.jobs.iter().map(|job| job.0).collect(),
            })?;
        }
        for sweep in sweeps {
            part(sweep_image(sweep))?;
        }
        if let Some(staged) = &self.staged {
            part(ImagePart::Staged {
                grid: staged.grid,
                cells: staged.cells,
                submission: Box::new(staged.submission.clone()),
            })?;
        }
        for (id, worker) in self.workers.iter() {
            part(ImagePart::Worker {
                worker: id,
                hello: Box::new(worker.hello.clone()),
                identity: (worker.identity != worker.hello.name).then(|| worker.identity.clone()),
                joined_at: worker.joined_at,
                draining: worker.draining.clone(),
                finished: worker.finished,
                failed: worker.failed,
            })?;
        }
        let mut indices = self.jobs.indices().peekable();
        while indices.peek().is_some() {
            let jobs = indices.by_ref().take(JOBS_PER_PART);
            part(ImagePart::Jobs {
                jobs: jobs.map(|index| self.job_image(index)).collect(),
            })?;
        }
        part(ImagePart::End {
            jobs: self.jobs.len() as u64,
            blame: self
                .blame
                .iter()
                .map(|(name, jobs)| (name.to_owned(), jobs.iter().map(|job| job.0).collect()))
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
            self.workers.skip_to(*next_worker);
            self.life = Life::new(*life);
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
                let table = table.clone().unwrap_or_default();
                self.jobs
                    .restore_grid(*sweep, *trainer_revision, table, jobs)?;
            }
            ImagePart::Sweep(image) => self.jobs.restore_sweep(image)?,
            ImagePart::Staged {
                grid,
                cells,
                submission,
            } => {
                let named = self.jobs.grids().get(*grid as usize);
                if named.is_none_or(|grid| grid.sweep != STAGED) {
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
                identity,
                joined_at,
                draining,
                finished,
                failed,
            } => {
                let restored = Worker {
                    identity: identity.as_ref().unwrap_or(&hello.name).clone(),
                    draining: draining.clone(),
                    finished: *finished,
                    failed: *failed,
                    ..Worker::new((**hello).clone(), *joined_at)
                };
                self.workers.add(*worker, restored);
            }
            ImagePart::Jobs { jobs } => {
                for job in jobs {
                    self.restore_job(job)?;
                }
            }
            ImagePart::End { jobs, blame } => {
                if !self.jobs.is_whole(*jobs) {
                    return Err(ImageError("jobs are missing"));
                }
                for (name, jobs) in blame {
                    let jobs: BTreeSet<JobIndex> = jobs.iter().copied().map(JobIndex).collect();
                    if !jobs.iter().all(|job| self.jobs.exists(*job)) {
                        return Err(ImageError("a job that is blamed is missing"));
                    }
                    self.blame.restore(name.clone(), jobs);
                }
                self.is_restoring = false;
            }
        }
        Ok(())
    }

    fn restore_job(&mut self, image: &JobImage) -> Result<(), ImageError> {
        let state = self.restored_state(&image.state)?;
        let history = image.history.as_ref().map(restored_history).transpose()?;
        let index = self.jobs.restore_job(image, state, history)?;
        if let Some(lease) = self.jobs.job(index).lease().cloned() {
            self.begin_lease(index, &lease);
        }
        if let Some(audit) = &image.audit {
            if self.jobs.job(index).done().is_none() {
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

    fn restored_state(&self, image: &StateImage) -> Result<JobState, ImageError> {
        Ok(match image {
            StateImage::Queued => JobState::Queued,
            StateImage::Failed => JobState::Failed,
            StateImage::Quarantined => JobState::Quarantined,
            StateImage::Cancelled => JobState::Cancelled,
            StateImage::Leased(lease) => JobState::Leased(Box::new(self.restored_lease(lease)?)),
            StateImage::Done(done) => JobState::Done(Box::new(Done {
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
                work: done.work,
                warnings: done
                    .warnings
                    .iter()
                    .map(|code| Arc::from(code.as_str()))
                    .collect(),
                cached_since_ms: done.cached_since_ms,
            })),
        })
    }

    fn restored_lease(&self, lease: &LeaseImage) -> Result<Lease, ImageError> {
        if !self.workers.contains(lease.worker) {
            return Err(ImageError("a lease has no worker"));
        }
        Ok(Lease {
            attempt: lease.attempt,
            worker: lease.worker,
            since: lease.since,
            expires: lease.since.plus(self.policy.time_to_live_ms),
        })
    }

    fn job_image(&self, index: JobIndex) -> JobImage {
        let job = self.jobs.job(index);
        let pair = |cell: CellRef| (cell.grid, cell.cell);
        JobImage {
            id: self.jobs.id(index),
            home: pair(job.home),
            cells: job.cells.iter().map(pair).collect(),
            attempts: job.attempts,
            state: state_image(&job.state),
            history: job.history.as_deref().map(|history| HistoryImage {
                failures: history.failures.clone(),
                counts: history.counts.to_vec(),
                blamed: history.blamed.clone(),
                lost_ms: history.lost_ms,
            }),
            paused: job.paused,
            audit: self.audits.get(index).map(|audit| AuditImage {
                failures: audit.failures,
                lease: audit.lease.as_ref().map(lease_image),
            }),
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
        claims: submission.claims.clone(),
    }))
}

fn state_image(state: &JobState) -> StateImage {
    match state {
        JobState::Queued => StateImage::Queued,
        JobState::Failed => StateImage::Failed,
        JobState::Quarantined => StateImage::Quarantined,
        JobState::Cancelled => StateImage::Cancelled,
        JobState::Leased(lease) => StateImage::Leased(lease_image(lease)),
        JobState::Done(done) => StateImage::Done(Box::new(DoneImage {
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
            work: done.work,
            warnings: done.warnings.iter().map(ToString::to_string).collect(),
            cached_since_ms: done.cached_since_ms,
        })),
    }
}
