//! Why a job is where it is, in sentences for people.

use super::Scheduler;
use super::ineligibility::Ineligibility;
use super::job::{JobIndex, JobState};
use proto::nouns::{
    AttemptFailure, AuditVerdict, Explanation, Receipt, Refusal, TOLERANCE, Timestamp, WorkerState,
};
use sweeps::{FailureClass, JobId};

impl Scheduler {
    /// Why a job is where it is.
    pub fn explain(&self, id: JobId, now: Timestamp) -> Result<Explanation, Refusal> {
        let view = self.job_view(id)?;
        let index = self.jobs.find(&id).ok_or(Refusal::UnknownJob(id))?;
        let mut reasons = match &self.jobs.job(index).state {
            JobState::Queued => self.why_waiting(index, now),
            JobState::Leased(lease) => {
                let seconds = lease.expires.since(now) / 1000;
                vec![format!(
                    "runs as attempt {} on `{}` for {} s; the lease lives another {seconds} s",
                    lease.attempt,
                    view.lease
                        .as_ref()
                        .map_or("", |lease| lease.worker_name.as_str()),
                    now.since(lease.since) / 1000,
                )]
            }
            JobState::Done(done) => {
                let mut reasons = vec![match done.cached_since_ms {
                    None => format!("done by attempt {} on `{}`", done.attempt, done.worker),
                    Some(since) => format!(
                        "not trained here: its result was taken over from the cache of finished results, which got it {}; `{}` trained it for \
                         another folder",
                        ago(now.since(Timestamp(since))),
                        done.worker
                    ),
                }];
                for (attempt, receipt) in &done.compared {
                    reasons.push(match receipt {
                        Receipt::Differs => format!(
                            "attempt {attempt} delivered another result on the same kind of device: look into it"
                        ),
                        Receipt::NotComparable => format!(
                            "attempt {attempt} delivered a result on another kind of device"
                        ),
                        _ => format!("attempt {attempt} delivered the same result"),
                    });
                }
                reasons.extend(self.audit_sentence(index, done.audit));
                reasons
            }
            JobState::Failed => vec![self.why_failed(&view.failures)],
            JobState::Quarantined => vec![
                "quarantined: it failed on two different workers, so it is to blame and not they; `retry` queues it again".into(),
            ],
            JobState::Cancelled => vec!["cancelled; `retry` queues it again".into()],
        };
        // The failures themselves are in the view.
        if let (JobState::Queued, Some(last)) = (&self.jobs.job(index).state, view.failures.last())
        {
            let number = view.failures.len();
            let tries = if number == 1 { "one try" } else { "tries" };
            reasons.push(format!(
                "{tries} failed before, the last on `{}`: it is tried again",
                last.worker
            ));
        }
        Ok(Explanation { view, reasons })
    }

    fn why_failed(&self, failures: &[AttemptFailure]) -> String {
        let again = "`retry` queues it again";
        let Some(last) = failures.last() else {
            return format!("failed; {again}");
        };
        let class = last.failure.class;
        let retries = self.policy.retries[class as usize];
        let tried = failures.iter().filter(|one| one.failure.class == class);
        let why = if retries == 0 {
            "is not tried again: it would end the same way".to_owned()
        } else if class == FailureClass::BadData && tried.count() <= retries as usize {
            "is tried again on another worker only, and no other could take it".to_owned()
        } else {
            let times = if retries == 1 { "once" } else { "times" };
            let number = if retries == 1 {
                String::new()
            } else {
                format!("{retries} ")
            };
            format!("is tried again {number}{times}, which is used up")
        };
        format!("failed: `{}` {why}; {again}", class.name())
    }

    fn audit_sentence(&self, index: JobIndex, verdict: Option<AuditVerdict>) -> Option<String> {
        if let Some(audit) = self.audits.get(index) {
            return Some(match &audit.lease {
                Some(lease) => {
                    let name = self.workers.name_of(lease.worker);
                    format!(
                        "audited now: attempt {} runs it again on `{name}`",
                        lease.attempt
                    )
                }
                None if audit.failures > 0 => format!(
                    "to be audited: waits for a worker that has nothing else to do; {} tries failed",
                    audit.failures
                ),
                None => "to be audited: waits for a worker that has nothing else to do".into(),
            });
        }
        Some(match verdict? {
            AuditVerdict::Equal => "audited: run again, equal to the bit".into(),
            AuditVerdict::Within => format!(
                "audited: run again on another kind of device, AUCs within {} points",
                TOLERANCE * 100.0
            ),
            AuditVerdict::Different => {
                "audited: run again, and DIFFERENT; the recorded result stays, the other is kept in the journal".into()
            }
            AuditVerdict::Failed => "audited: could not be run again, each try failed".into(),
        })
    }

    fn why_waiting(&self, index: JobIndex, now: Timestamp) -> Vec<String> {
        let job = self.jobs.job(index);
        if job.paused {
            return vec!["the job is on hold; `resume` lets it go".into()];
        }
        if job.cells.is_empty() {
            return vec![
                "no sweep wants it any more: the new version of its sweep left it out".into(),
            ];
        }
        if self.workers.is_empty() {
            return vec!["there are no workers".into()];
        }
        let mut reasons = Vec::new();
        let mut could = 0;
        for cell in job.cells.iter() {
            let site = self.jobs.site(cell);
            let sweep = site.sweep;
            if sweep.paused || sweep.cancelled {
                let word = if sweep.paused { "paused" } else { "cancelled" };
                reasons.push(format!("the sweep `{}` is {word}", sweep.name));
                continue;
            }
            for (id, worker) in self.workers.iter() {
                let name = &worker.identity;
                if let Some(reason) = Ineligibility::of(worker, site) {
                    reasons.push(format!("worker `{name}` {reason}"));
                } else if self.state_of(id, worker, now) == WorkerState::Silent {
                    reasons.push(format!("worker `{name}` is silent"));
                } else if job.failed_on(name) && self.another_could_run(index, name, now) {
                    reasons.push(format!("worker `{name}` failed it: another one shall try"));
                } else if let Some(jobs) = self.held_back(name, now)
                    && !job.has_failed()
                {
                    reasons.push(format!(
                        "worker `{name}` is held back: jobs failed on it in a row, and {jobs} of them are to be tried elsewhere first"
                    ));
                } else {
                    could += 1;
                }
            }
            if could > 0 {
                let ahead: usize = sweep
                    .queue
                    .iter()
                    .map(|cells| cells.range(..cell.cell).count())
                    .sum();
                reasons.insert(
                    0,
                    format!(
                        "waits for a free slot: {} could run it, {} of `{}` before it",
                        number(could, "worker"),
                        number(ahead, "job"),
                        sweep.name
                    ),
                );
            }
        }
        if could == 0 {
            reasons.insert(0, "no worker can run it now".into());
        }
        reasons.truncate(50);
        reasons
    }
}

/// `1 job`, `2 jobs`.
fn number(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// `5 minutes ago`, `3 days ago`.
fn ago(milliseconds: u64) -> String {
    let minutes = milliseconds / 60_000;
    let (count, noun) = match minutes {
        0..120 => (minutes, "minute"),
        120..2880 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    format!("{} ago", number(count as usize, noun))
}
