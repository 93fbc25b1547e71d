//! Workers and the user: what they ask, and what they make of the answers.

use super::*;

impl World {
    pub(super) fn act(&mut self, index: usize) {
        let now = self.now;
        let caller = &mut self.callers[index];
        if !caller.alive {
            return;
        }
        if now < caller.frozen_until {
            let delay = caller.frozen_until - now;
            let call = caller.call.as_ref().map_or(0, |(call, _)| *call);
            self.at(delay, Happening::Act(index, call));
            return;
        }
        if index == 0 {
            if let Some(submission) = caller.submissions.front().cloned() {
                self.send(0, Request::Submit(Box::new(submission)));
            } else if caller.audits > 0 {
                let sweep = self
                    .acknowledged_sweeps
                    .first()
                    .cloned()
                    .unwrap_or_default();
                let fraction = 0.5;
                self.send(0, Request::Audit(Audit { sweep, fraction }));
            }
            return;
        }
        // Jobs that have come to their end.
        let ended: Vec<LeaseKey> = caller
            .running
            .iter()
            .filter(|(_, end)| **end <= now)
            .map(|(key, _)| *key)
            .collect();
        for key in ended {
            caller.running.remove(&key);
            if diverges(key.job) {
                let failure = Failure::new(FailureClass::Diverged, "it diverged");
                caller.failures.push_back((key, failure));
            } else {
                let mut record = fixture::record(key.job, key.attempt, &caller.name);
                record.provenance.dataset_digest = self.datasets[&key.job];
                caller.spool.push_back(record);
            }
        }
        let Some(id) = caller.id else {
            let mut hello: Hello = fixture::hello(&caller.name, caller.session, 2);
            hello
                .datasets
                .insert("video".into(), fixture::digest("video"));
            self.send(index, Request::Hello(Box::new(hello)));
            return;
        };
        let held = held(caller);
        let warm = caller.warm.clone();
        let request = if let Some(key) = caller.held_before.first().copied() {
            Request::Release(Release {
                worker: id,
                job: key.job,
                attempt: key.attempt,
                reason: "a new process".into(),
            })
        } else if now >= caller.last_report + self.scale.ttl / 3 && !held.is_empty() {
            caller.last_report = now;
            let progress = held
                .iter()
                .map(|key| Progress {
                    job: key.job,
                    attempt: key.attempt,
                    points: Vec::new(),
                    log: Vec::new(),
                })
                .collect();
            Request::Report(Report {
                worker: id,
                progress,
                telemetry: None,
            })
        } else if let Some((key, failure)) = caller.failures.front().cloned() {
            Request::Fail(Fail {
                worker: id,
                job: key.job,
                attempt: key.attempt,
                failure,
                next: None,
            })
        } else if let Some(record) = caller.spool.front().cloned() {
            let key = key_of(&record);
            let next = self.chance(50).then(|| Next {
                slots: 1,
                held: held.iter().copied().filter(|held| *held != key).collect(),
                warm,
            });
            Request::Finish(Finish {
                worker: id,
                record: Box::new(record),
                next,
            })
        } else if held.len() < 2 {
            Request::Lease(LeaseRequest {
                worker: id,
                slots: 1 + u32::from(held.is_empty() && now.is_multiple_of(3)),
                held,
                warm,
                wait_ms: self.scale.patience / 2,
            })
        } else {
            // A call that was not answered in time is over, also where it is not made again.
            caller.call = None;
            let end = caller.running.values().copied().min().unwrap_or(now);
            let due = end.min(caller.last_report + self.scale.ttl / 3);
            let delay = self.scale.rest.unwrap_or(due.saturating_sub(now).max(1));
            self.at(delay, Happening::Act(index, 0));
            return;
        };
        self.send(index, request);
    }

    pub(super) fn hear(&mut self, index: usize, call: u64, reply: &Reply) -> Result<(), String> {
        // An answer to a call that is over (asked again, or of a process that died) is not heard.
        let waited = self.callers[index].call.clone();
        let Some((_, request)) =
            waited.filter(|(expected, _)| *expected == call && self.callers[index].alive)
        else {
            return Ok(());
        };
        self.callers[index].call = None;
        let soon = 1 + self.below(30);
        self.at(soon, Happening::Act(index, 0));
        match (&request, reply) {
            (_, Err(Refusal::UnknownWorker(_))) => self.callers[index].id = None,
            (Request::Submit(submission), Ok(_)) => {
                self.acknowledged_sweeps.insert(submission.name.clone());
                self.callers[0].submissions.pop_front();
            }
            (Request::Audit(_), Ok(Answer::Audited(_))) => {
                self.callers[0].audits -= 1;
                // Later there is more to audit.
                self.callers[0].frozen_until = self.now + self.below(8 * self.scale.ttl);
            }
            (Request::Hello(_), Ok(Answer::Welcome(welcome))) => {
                self.callers[index].id = Some(welcome.worker);
            }
            (Request::Release(release), _) => {
                let key = LeaseKey {
                    job: release.job,
                    attempt: release.attempt,
                };
                self.callers[index].held_before.remove(&key);
            }
            (Request::Fail(_), _) => {
                self.tally.stale += u64::from(reply.is_err());
                self.callers[index].failures.pop_front();
            }
            (Request::Report(report), Ok(Answer::Report(answer))) => {
                for (progress, order) in report.progress.iter().zip(&answer.orders) {
                    if let Order::Stop(_) = order {
                        self.tally.stale += 1;
                        let key = LeaseKey {
                            job: progress.job,
                            attempt: progress.attempt,
                        };
                        self.callers[index].running.remove(&key);
                    }
                }
            }
            (Request::Finish(finish), Ok(Answer::Finish(answer))) => {
                let record = &finish.record;
                self.acknowledged_records.insert(record.job_id);
                let last = self.scheduler.as_ref().map_or(0, |scheduler| {
                    scheduler
                        .job_view(record.job_id)
                        .map_or(0, |view| view.attempts)
                });
                self.tally.late_results += u64::from(record.provenance.attempt.0 < last);
                let key = key_of(record);
                self.callers[index].spool.retain(|kept| key_of(kept) != key);
                self.take(index, &answer.assignments)?;
            }
            (Request::Lease(_), Ok(Answer::Lease(answer))) => {
                self.take(index, &answer.assignments)?;
            }
            (_, Err(refusal)) => return Err(format!("{request:?} was refused: {refusal}")),
            _ => return Err(format!("{request:?} was answered by {reply:?}")),
        }
        Ok(())
    }

    pub(super) fn take(&mut self, index: usize, assignments: &[Assignment]) -> Result<(), String> {
        for assignment in assignments {
            let key = LeaseKey {
                job: assignment.job_id,
                attempt: assignment.attempt,
            };
            let on_disk = self.leased.contains(&key);
            if !on_disk {
                return Err(format!(
                    "attempt {} was told before it was written",
                    key.attempt
                ));
            }
            if held(&self.callers[index]).contains(&key) {
                return Err(format!("attempt {} was told to its holder", key.attempt));
            }
            let duration = 1 + self.below(self.scale.longest_job);
            self.callers[index].running.insert(key, self.now + duration);
            self.callers[index].warm = vec![assignment.dataset];
            self.datasets.insert(key.job, assignment.dataset);
        }
        if held(&self.callers[index]).len() > 2 + self.stale_of(index) {
            return Err("a worker has more leases than slots".into());
        }
        Ok(())
    }

    pub(super) fn stale_of(&self, index: usize) -> usize {
        let live = |key: &LeaseKey| {
            self.scheduler
                .as_ref()
                .is_some_and(|scheduler| scheduler.live_lease(*key).is_some())
        };
        held(&self.callers[index])
            .iter()
            .filter(|key| !live(key))
            .count()
    }
}

fn held(caller: &Caller) -> Vec<LeaseKey> {
    caller
        .running
        .keys()
        .copied()
        .chain(caller.failures.iter().map(|(key, _)| *key))
        .chain(caller.spool.iter().map(key_of))
        .collect()
}

fn key_of(record: &RunRecord) -> LeaseKey {
    LeaseKey {
        job: record.job_id,
        attempt: AttemptNumber(record.provenance.attempt.0),
    }
}
