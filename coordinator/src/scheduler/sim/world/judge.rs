//! What a world must keep to.

use super::*;
use crate::scheduler::fairness::Fairness;

impl World {
    pub(super) fn is_finished(&self) -> bool {
        self.callers.iter().all(|caller| {
            caller.spool.is_empty() && caller.submissions.is_empty() && caller.audits == 0
        }) && self.scheduler.as_ref().is_some_and(|scheduler| {
            scheduler
                .sweeps()
                .iter()
                .all(|sweep| sweep.counts.is_settled())
                && !scheduler.has_audits()
        })
    }

    pub(super) fn judge(&self) -> Result<(), String> {
        let Some(scheduler) = &self.scheduler else {
            return Err("the coordinator is not up at the end".into());
        };
        for sweep in scheduler.sweeps() {
            for row in scheduler
                .cell_rows(&sweep.name)
                .map_err(|no| no.to_string())?
                .1
            {
                let expected = if diverges(row.job_id) {
                    JobStatus::Failed
                } else {
                    JobStatus::Done
                };
                if row.status != expected {
                    return Err(format!(
                        "job {} ended {}, not {expected}",
                        row.job_id.short(),
                        row.status
                    ));
                }
            }
        }
        if scheduler.has_audits() {
            return Err("an audit has no end".into());
        }
        judge_claims(scheduler)?;
        self.judge_journal()
    }

    pub(super) fn judge_journal(&self) -> Result<(), String> {
        let mut attempts: BTreeMap<JobId, u64> = BTreeMap::new();
        let mut finished = BTreeSet::new();
        for entry in &self.journal {
            match entry {
                Entry::Leased { leases, .. } => {
                    for lease in leases {
                        let last = attempts.entry(lease.job).or_default();
                        if lease.attempt.0 <= *last {
                            return Err(format!("attempt {} was given twice", lease.attempt));
                        }
                        *last = lease.attempt.0;
                    }
                }
                Entry::Finished { record, .. } if !finished.insert(record.job_id) => {
                    return Err(format!("job {} has two records", record.job_id.short()));
                }
                Entry::Compared {
                    receipt: Receipt::Differs,
                    ..
                } => return Err("honest records differ".into()),
                _ => {}
            }
        }
        if let Some(job) = self.acknowledged_records.difference(&finished).next() {
            return Err(format!(
                "the acknowledged record of {} is lost",
                job.short()
            ));
        }
        Ok(())
    }

    /// A lease that expires was listened to for all of its time to live.
    pub(super) fn judge_loss(&self, entry: &Entry) -> Result<(), String> {
        let Entry::Failed {
            job,
            attempt,
            failure,
            ..
        } = entry
        else {
            return Ok(());
        };
        if failure.class != FailureClass::WorkerLost {
            return Ok(());
        }
        if let Some(at) = self.went_on
            && self.now < at + self.scale.ttl
        {
            return Err(format!(
                "attempt {attempt} was lost {} ms after the coordinator had stood still",
                self.now - at
            ));
        }
        let is_renewed = self.at_the_door().any(|request| match request {
            Request::Report(report) => report
                .progress
                .iter()
                .any(|progress| progress.job == *job && progress.attempt == *attempt),
            _ => false,
        });
        if is_renewed {
            return Err(format!(
                "attempt {attempt} was lost while its report waited"
            ));
        }
        Ok(())
    }

    /// No sweep is passed over too often.
    pub(super) fn judge_turns(&mut self, entry: &Entry) -> Result<(), String> {
        let (Entry::Leased { leases, .. }, Some(scheduler)) = (entry, &self.scheduler) else {
            return Ok(());
        };
        let sweeps = scheduler.sweeps();
        let most = u64::from(Fairness::bound(sweeps.len()));
        let served: BTreeSet<String> = leases
            .iter()
            .filter_map(|lease| scheduler.jobs.find(&lease.job))
            .flat_map(|index| scheduler.jobs.sweeps_of(index).to_vec())
            .map(|sweep| sweep.to_string())
            .collect();
        for sweep in sweeps {
            let waits = sweep.counts.of(JobStatus::Pending) > 0;
            if !waits || served.contains(&sweep.name) {
                self.passed_over.remove(&sweep.name);
                continue;
            }
            let times = self.passed_over.entry(sweep.name.clone()).or_default();
            *times += 1;
            self.tally.passed_over += 1;
            if *times > most {
                return Err(format!(
                    "sweep {} was passed over {times} times",
                    sweep.name
                ));
            }
        }
        Ok(())
    }

    /// What happened, in one line.
    pub(in crate::scheduler::sim) fn summary(&self) -> String {
        let finished = self.acknowledged_records.len();
        format!(
            "{} days, {} workers, {finished} records, {} entries, {} calls; {:?}",
            self.now / 86_400_000,
            self.callers.len() - 1,
            self.journal.len(),
            self.trace.len(),
            self.tally
        )
    }

    /// The disk takes entries.
    pub(super) fn write(&mut self, entries: impl IntoIterator<Item = Entry>) {
        for entry in entries {
            match &entry {
                Entry::Leased { leases, .. } => {
                    self.leased.extend(leases);
                    self.live
                        .extend(leases.iter().map(|lease| (lease.job, lease.attempt)));
                }
                Entry::Released { leases, .. } => {
                    for lease in leases {
                        self.live.remove(&lease.job);
                    }
                }
                Entry::Finished { record, .. } => {
                    self.live.remove(&record.job_id);
                    self.recorded.insert(record.job_id);
                }
                Entry::Submitted { submission, .. } => {
                    let ids = submission.ids.iter().copied().collect();
                    self.want(submission.name.clone(), ids);
                }
                Entry::Looked { sweep, ids, .. } => {
                    self.tally.seeds_added += ids.len() as u64;
                    self.wanted.entry(sweep.clone()).or_default().extend(ids);
                }
                Entry::SubmissionBegun { submission, .. } => {
                    self.begun = (submission.name.clone(), BTreeSet::new());
                }
                Entry::SubmissionPart { ids, .. } => self.begun.1.extend(ids),
                Entry::SubmissionEnded { .. } => {
                    let (name, ids) = std::mem::take(&mut self.begun);
                    self.want(name, ids);
                }
                // The second result of a job that is audited ends its audit, whichever attempt brings it.
                Entry::Failed { job, .. } | Entry::Compared { job, .. } => {
                    self.live.remove(job);
                }
                _ => {}
            }
            self.journal.push(entry);
        }
    }

    /// A sweep has these jobs now. Audits of jobs that no sweep has any more are over.
    fn want(&mut self, sweep: String, jobs: BTreeSet<JobId>) {
        self.wanted.insert(sweep, jobs);
        let (wanted, recorded) = (&self.wanted, &self.recorded);
        let is_wanted = |job: &JobId| wanted.values().any(|jobs| jobs.contains(job));
        self.live
            .retain(|job, _| !recorded.contains(job) || is_wanted(job));
    }

    pub(super) fn fenced(&self, request: &Request) -> Vec<bool> {
        let live = &self.live;
        let is_live = |job: &JobId, attempt| live.get(job) == Some(&attempt);
        match request {
            Request::Fail(fail) => vec![is_live(&fail.job, fail.attempt)],
            Request::Release(release) => vec![is_live(&release.job, release.attempt)],
            Request::Report(report) => report
                .progress
                .iter()
                .map(|progress| is_live(&progress.job, progress.attempt))
                .collect(),
            _ => Vec::new(),
        }
    }

    pub(super) fn unfence(&self, mut request: Request) -> Request {
        let live = &self.live;
        let newest = |job: &JobId, attempt: &mut AttemptNumber| {
            *attempt = live.get(job).copied().unwrap_or(*attempt);
        };
        match &mut request {
            Request::Fail(fail) => newest(&fail.job, &mut fail.attempt),
            Request::Release(release) => newest(&release.job, &mut release.attempt),
            Request::Report(report) => {
                for progress in &mut report.progress {
                    newest(&progress.job, &mut progress.attempt);
                }
            }
            _ => {}
        }
        request
    }
}

/// Seeds and verdicts are what the numbers of all seeds say, whoever ran them when, and through however many crashes.
fn judge_claims(scheduler: &Scheduler) -> Result<(), String> {
    for sweep in scheduler.jobs.sweeps() {
        let Some(claims) = &sweep.submission.claims else {
            continue;
        };
        let table = &scheduler.jobs.grid(sweep.grid).table;
        let mut truth = Vec::new();
        for cells in &claims.arms {
            let cell = cells[0] as usize;
            let job = table.job(cell).map_err(|error| error.to_string())?;
            let seeds = job.seed..job.seed + u64::from(claims.family.settings.max);
            let seeds = seeds.map(|seed| {
                let job = sweeps::JobSpec {
                    seed,
                    ..job.clone()
                };
                let id = job.id(table.sources()[table.source_of(cell)].1);
                if diverges(id) {
                    Seed::Lost
                } else {
                    Seed::Value(fixture::auc(id))
                }
            });
            truth.push(Arm {
                seeds: seeds.collect(),
                work: 1,
            });
        }
        let expected = claims.family.replay(&truth);
        let seeds: Vec<usize> = claims.arms.iter().map(Vec::len).collect();
        if (&expected.looks, &expected.seeds) != (&claims.looks, &seeds) {
            return Err(format!(
                "sweep {} has the seeds {seeds:?} and the looks {:?}, not {expected:?}",
                sweep.name, claims.looks
            ));
        }
    }
    Ok(())
}
