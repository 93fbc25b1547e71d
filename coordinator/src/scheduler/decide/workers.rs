//! What a worker's hello, failures and goodbye lead to.

use sweeps::{Failure, FailureClass};

use crate::model::entry::Entry;
use crate::scheduler::Scheduler;
use crate::scheduler::decision::Decision;
use crate::scheduler::job::{JobIndex, JobState};
use proto::nouns::{Goodbye, Hello, LeaseKey, Refusal, Release, StopReason, Timestamp, WorkerId};

impl Scheduler {
    /// A worker introduces itself: its number.
    pub(in crate::scheduler) fn decide_hello(
        &self,
        now: Timestamp,
        hello: Hello,
    ) -> Result<Decision<WorkerId>, Refusal> {
        if hello.name.is_empty() || hello.slots == 0 {
            return Err(Refusal::Invalid(
                "a worker needs a name and at least one slot".into(),
            ));
        }
        let known = self.workers.of_session(&hello);
        let known = known.and_then(|id| Some((id, self.workers.get(id)?)));
        let Some((id, worker)) = known else {
            let mut entries = self.forget_silent_workers(&hello.name, now);
            let id = WorkerId(self.workers.next());
            entries.push(Entry::WorkerJoined {
                at: now,
                worker: id,
                hello: Box::new(hello),
            });
            return Ok(Decision {
                entries,
                answer: id,
            });
        };
        if (worker.leases.len() as u32) > hello.slots {
            return Err(Refusal::Invalid(
                "a worker cannot have fewer slots than leases".into(),
            ));
        }
        if worker.hello == hello {
            return Ok(Decision::nothing(id));
        }
        let joined = Entry::WorkerJoined {
            at: now,
            worker: id,
            hello: Box::new(hello),
        };
        Ok(Decision::one(joined, id))
    }

    /// Takes workers off the list that have not been heard for long, or whose name another process has now.
    fn forget_silent_workers(&self, name: &str, now: Timestamp) -> Vec<Entry> {
        let silent = self.workers.iter().filter(|(id, worker)| {
            worker.leases.is_empty() && !self.is_connected(*id, worker, now)
        });
        silent
            .filter_map(|(worker, silent)| {
                let reason = if silent.hello.name == name {
                    "another process has its name"
                } else if now.since(silent.last_seen) > self.policy.forget_worker_ms {
                    "not heard for long"
                } else {
                    return None;
                };
                Some(Entry::WorkerLeft {
                    at: now,
                    worker,
                    reason: reason.into(),
                })
            })
            .collect()
    }

    /// An attempt is reported: why it must stop, if it must.
    pub(in crate::scheduler) fn decide_progress(
        &self,
        now: Timestamp,
        index: JobIndex,
        key: LeaseKey,
    ) -> Decision<Option<StopReason>> {
        if self.live_lease(key).is_none() {
            let reason = match self.jobs.job(index).state {
                JobState::Done(_) => StopReason::Finished,
                JobState::Cancelled => StopReason::Cancelled,
                _ => StopReason::StaleLease,
            };
            return Decision::nothing(Some(reason));
        }
        let since = self.lease_of(index).map_or(now, |lease| lease.since);
        match self.policy.longest_attempt_ms {
            Some(longest) if now.since(since) > longest => {
                let message = format!("ran longer than {} s", longest / 1000);
                let failure = Failure::new(FailureClass::Timeout, message);
                let failed = self.decide_failure(index, failure, now);
                Decision {
                    entries: failed.into_iter().collect(),
                    answer: Some(StopReason::Timeout),
                }
            }
            _ => Decision::nothing(None),
        }
    }

    /// An attempt failed.
    pub(in crate::scheduler) fn decide_fail(
        &self,
        now: Timestamp,
        key: LeaseKey,
        failure: Failure,
    ) -> Result<Option<Entry>, Refusal> {
        let index = self.demand_lease(key)?;
        let Failure { class, message } = failure;
        if class == FailureClass::Preempted {
            return Ok(Some(Entry::Released {
                at: now,
                leases: vec![key],
                reason: message,
            }));
        }
        Ok(self.decide_failure(index, Failure::new(class, message), now))
    }

    /// A lease was not renewed in time.
    pub(in crate::scheduler) fn decide_expiry(
        &self,
        index: JobIndex,
        now: Timestamp,
    ) -> Option<Entry> {
        let seconds = self.policy.time_to_live_ms / 1000;
        let message = format!("nothing was heard of the attempt for {seconds} s");
        self.decide_failure(index, Failure::new(FailureClass::WorkerLost, message), now)
    }

    /// A worker gives a job back.
    pub(in crate::scheduler) fn decide_release(
        &self,
        now: Timestamp,
        release: Release,
    ) -> Result<Entry, Refusal> {
        let key = LeaseKey {
            job: release.job,
            attempt: release.attempt,
        };
        self.demand_lease(key)?;
        Ok(Entry::Released {
            at: now,
            leases: vec![key],
            reason: release.reason,
        })
    }

    /// A worker goes. Where it is not known, it said so before and the answer got lost.
    pub(in crate::scheduler) fn decide_goodbye(
        &self,
        now: Timestamp,
        goodbye: &Goodbye,
    ) -> Vec<Entry> {
        let Some(worker) = self.workers.get(goodbye.worker) else {
            return Vec::new();
        };
        let leases: Vec<LeaseKey> = worker.leases.iter().copied().collect();
        let released = (!leases.is_empty()).then(|| Entry::Released {
            at: now,
            leases,
            reason: goodbye.reason.clone(),
        });
        let left = Entry::WorkerLeft {
            at: now,
            worker: goodbye.worker,
            reason: goodbye.reason.clone(),
        };
        released.into_iter().chain([left]).collect()
    }

    fn demand_lease(&self, key: LeaseKey) -> Result<JobIndex, Refusal> {
        let LeaseKey { job, attempt } = key;
        let index = self.jobs.find(&job).ok_or(Refusal::UnknownJob(job))?;
        if !self.may_exist(index, attempt) {
            return Err(Refusal::UnknownAttempt { job, attempt });
        }
        self.live_lease(key)
            .ok_or(Refusal::StaleLease { job, attempt })
    }
}
