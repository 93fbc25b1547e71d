//! What workers ask.

use std::cmp::Reverse;

use sweeps::{EpochPoint, Failure, FailureClass};

use super::finish::is_finite;
use super::job::{JobIndex, State};
use super::wait_queue::WaitingRequest;
use super::{Answer, Effect, Reply, Scheduler, Ticket};
use crate::model::entry::Entry;
use proto::nouns::{
    Assignment, Change, Fail, Goodbye, Hello, LeaseAnswer, LeaseKey, LeaseRequest, Measured, Next,
    Order, Progress, Refusal, Release, Report, ReportAnswer, StopReason, Timestamp, Welcome,
    WorkerId,
};

impl Scheduler {
    pub(super) fn on_hello(&mut self, now: Timestamp, hello: Hello) -> Reply {
        if hello.name.is_empty() || hello.slots == 0 {
            return Err(Refusal::Invalid(
                "a worker needs a name and at least one slot".into(),
            ));
        }
        let session = (hello.name.clone(), hello.session);
        let worker = if let Some(id) = self.sessions.get(&session).copied() {
            let known = &self.workers[&id];
            if (known.leases.len() as u32) > hello.slots {
                return Err(Refusal::Invalid(
                    "a worker cannot have fewer slots than leases".into(),
                ));
            }
            if known.hello != hello {
                self.persist(Entry::WorkerJoined {
                    at: now,
                    worker: id,
                    hello: Box::new(hello),
                });
            }
            id
        } else {
            self.forget_silent_workers(&hello.name, now);
            let id = WorkerId(self.next_worker);
            self.persist(Entry::WorkerJoined {
                at: now,
                worker: id,
                hello: Box::new(hello),
            });
            id
        };
        self.see(worker, now);
        Ok(Answer::Welcome(Welcome {
            worker,
            time_to_live_ms: self.policy.time_to_live_ms,
            warnings: self.warnings_of(worker, now),
        }))
    }

    /// Takes workers off the list that have not been heard for long, or whose name another process has now.
    fn forget_silent_workers(&mut self, name: &str, now: Timestamp) {
        let gone: Vec<(WorkerId, &str)> = self
            .workers
            .iter()
            .filter(|(id, worker)| {
                worker.leases.is_empty() && !self.is_connected(**id, worker, now)
            })
            .filter_map(|(id, worker)| {
                if worker.hello.name == name {
                    Some((*id, "another process has its name"))
                } else if now.since(worker.last_seen) > self.policy.forget_worker_ms {
                    Some((*id, "not heard for long"))
                } else {
                    None
                }
            })
            .collect();
        for (worker, reason) in gone {
            self.persist(Entry::WorkerLeft {
                at: now,
                worker,
                reason: reason.into(),
            });
        }
    }

    pub(super) fn on_lease(
        &mut self,
        now: Timestamp,
        ticket: Ticket,
        request: LeaseRequest,
    ) -> Option<Reply> {
        let id = request.worker;
        if !self.see(id, now) {
            return Some(Err(Refusal::UnknownWorker(id)));
        }
        self.answer_waiting(id);
        let next = Next {
            slots: request.slots,
            held: request.held,
            warm: request.warm,
        };
        let assignments = self.hand_out(id, &next, now);
        let drain = self.workers[&id].draining.is_some();
        if assignments.is_empty() && request.wait_ms > 0 && next.slots > 0 && !drain {
            let wait = request.wait_ms.min(self.policy.longest_wait_ms);
            let request = WaitingRequest {
                ticket,
                slots: next.slots,
                warm: next.warm,
                deadline: now.plus(wait),
            };
            self.wait_queue.add(id, request);
            return None;
        }
        Some(Ok(Answer::Lease(LeaseAnswer { assignments, drain })))
    }

    /// Leases that the worker does not know of, then new ones.
    fn hand_out(&mut self, id: WorkerId, next: &Next, now: Timestamp) -> Vec<Assignment> {
        let Some(worker) = self.workers.get(&id) else {
            return Vec::new();
        };
        let lost: Vec<LeaseKey> = worker
            .leases
            .iter()
            .filter(|key| !next.held.contains(key))
            .take(next.slots as usize)
            .copied()
            .collect();
        let mut assignments: Vec<Assignment> = lost
            .into_iter()
            .filter_map(|key| self.assign_again(key, now))
            .collect();
        let more = next.slots.saturating_sub(assignments.len() as u32);
        assignments.extend(self.assign(id, more, &next.warm, now));
        assignments
    }

    /// Ends a waiting lease request of a worker with an empty answer.
    fn answer_waiting(&mut self, id: WorkerId) {
        if let Some(waiting) = self.wait_queue.take(id) {
            let drain = self
                .workers
                .get(&id)
                .is_some_and(|worker| worker.draining.is_some());
            let answer = LeaseAnswer {
                assignments: Vec::new(),
                drain,
            };
            self.effects
                .push(Effect::Reply(waiting.ticket, Ok(Answer::Lease(answer))));
        }
    }

    pub(super) fn on_abandon(&mut self, ticket: Ticket) {
        self.wait_queue.abandon(ticket);
        self.submissions.abandon(ticket);
    }

    pub(super) fn expire_waiting(&mut self, now: Timestamp) {
        for id in self.wait_queue.over(now) {
            self.see(id, now);
            self.answer_waiting(id);
        }
    }

    /// Gives work that came up to those who wait, longest first; where workers are packed, the busiest first.
    pub(super) fn serve_waiting(&mut self, now: Timestamp) {
        let mut waiting: Vec<WorkerId> = self.wait_queue.workers().collect();
        if self.policy.pack_workers {
            // Whoever has been idle longest stays so, until its idle timeout.
            waiting.sort_by_key(|id| Reverse(self.workers[id].busy(now)));
        }
        for id in waiting {
            let draining = self.workers[&id].draining.is_some();
            if draining {
                self.answer_waiting(id);
                continue;
            }
            if self.ready.is_empty() && !self.has_waiting_audit() {
                // A draining worker further back is told at its deadline.
                continue;
            }
            let Some(WaitingRequest { slots, warm, .. }) = self.wait_queue.get(id).cloned() else {
                continue;
            };
            let assignments = self.assign(id, slots, &warm, now);
            if !assignments.is_empty()
                && let Some(WaitingRequest { ticket, .. }) = self.wait_queue.take(id)
            {
                self.see(id, now);
                let answer = LeaseAnswer {
                    assignments,
                    drain: false,
                };
                self.effects
                    .push(Effect::Reply(ticket, Ok(Answer::Lease(answer))));
            }
        }
    }

    pub(super) fn on_report(&mut self, now: Timestamp, report: Report) -> Reply {
        // A lease is renewed whoever reports it: the attempt is the fence. A worker that is not known is told so only
        // when it says nothing about leases, since its work goes on.
        let known = self.see(report.worker, now);
        let is_forgotten = || {
            let mut progress = report.progress.iter();
            progress.any(|progress| self.is_forgotten(progress.job, progress.attempt))
        };
        if !known && (report.progress.is_empty() || is_forgotten()) {
            return Err(Refusal::UnknownWorker(report.worker));
        }
        if let Some(telemetry) = report.telemetry
            && let Some(worker) = self.workers.get_mut(&report.worker)
        {
            worker.measured = Some(Measured { telemetry, at: now });
        }
        let orders = report
            .progress
            .into_iter()
            .map(|progress| self.on_progress(now, report.worker, progress))
            .collect();
        let drain = self
            .workers
            .get(&report.worker)
            .is_some_and(|worker| worker.draining.is_some());
        Ok(Answer::Report(ReportAnswer { orders, drain }))
    }

    fn on_progress(&mut self, now: Timestamp, worker: WorkerId, progress: Progress) -> Order {
        let key = LeaseKey {
            job: progress.job,
            attempt: progress.attempt,
        };
        let Some(index) = self.find(&key.job) else {
            return Order::Stop(StopReason::Unknown);
        };
        self.take_up(now, worker, key);
        if self.live_lease(key).is_none() {
            return Order::Stop(match self.job(index).state {
                State::Done(_) => StopReason::Finished,
                State::Cancelled => StopReason::Cancelled,
                _ => StopReason::StaleLease,
            });
        }
        let since = self.lease_of(index).map_or(now, |lease| lease.since);
        if let Some(longest) = self.policy.longest_attempt_ms
            && now.since(since) > longest
        {
            let message = format!("ran longer than {} s", longest / 1000);
            self.fail_lease(index, Failure::new(FailureClass::Timeout, message), now);
            return Order::Stop(StopReason::Timeout);
        }
        self.renew(index, now);
        if !progress.points.is_empty() || !progress.log.is_empty() {
            self.keep(index, progress);
        }
        Order::Continue {
            time_to_live_ms: self.policy.time_to_live_ms,
        }
    }

    fn keep(&mut self, index: JobIndex, progress: Progress) {
        let (job, attempt) = (progress.job, progress.attempt);
        let sweeps = self.sweeps_of(index);
        let points: std::sync::Arc<[EpochPoint]> =
            progress.points.into_iter().filter(is_finite).collect();
        let lines: std::sync::Arc<[String]> = progress.log.into();
        self.effects.push(Effect::Keep {
            job,
            attempt,
            points: points.clone(),
            lines: lines.clone(),
        });
        if !points.is_empty() {
            self.publish(Change::Epochs {
                job,
                sweeps: sweeps.clone(),
                attempt,
                ended: points.len() as u32,
                points,
            });
        }
        if !lines.is_empty() {
            self.publish(Change::Log {
                job,
                sweeps,
                attempt,
                lines,
            });
        }
    }

    pub(super) fn on_fail(&mut self, now: Timestamp, fail: Fail) -> Reply {
        self.see_busy(fail.worker, now);
        let key = LeaseKey {
            job: fail.job,
            attempt: fail.attempt,
        };
        let index = self.demand_lease(key)?;
        if fail.failure.class == FailureClass::Preempted {
            self.persist(Entry::Released {
                at: now,
                leases: vec![key],
                reason: fail.failure.message,
            });
        } else {
            let failure = Failure::new(fail.failure.class, fail.failure.message);
            self.fail_lease(index, failure, now);
        }
        let (assignments, drain) = self.answer_next(fail.worker, fail.next, now);
        Ok(Answer::Lease(LeaseAnswer { assignments, drain }))
    }

    pub(super) fn on_release(&mut self, now: Timestamp, release: Release) -> Reply {
        self.see(release.worker, now);
        let key = LeaseKey {
            job: release.job,
            attempt: release.attempt,
        };
        self.demand_lease(key)?;
        self.persist(Entry::Released {
            at: now,
            leases: vec![key],
            reason: release.reason,
        });
        Ok(Answer::Done)
    }

    pub(super) fn on_goodbye(&mut self, now: Timestamp, goodbye: &Goodbye) {
        let id = goodbye.worker;
        let Some(worker) = self.workers.get(&id) else {
            // It said so before and the answer got lost.
            return;
        };
        let leases: Vec<LeaseKey> = worker.leases.iter().copied().collect();
        self.answer_waiting(id);
        if !leases.is_empty() {
            self.persist(Entry::Released {
                at: now,
                leases,
                reason: goodbye.reason.clone(),
            });
        }
        self.persist(Entry::WorkerLeft {
            at: now,
            worker: id,
            reason: goodbye.reason.clone(),
        });
    }

    /// Ends leases that were not renewed.
    pub(super) fn expire_leases(&mut self, now: Timestamp) {
        while let Some(index) = self.lease_clock.over(now) {
            let seconds = self.policy.time_to_live_ms / 1000;
            let message = format!("nothing was heard of the attempt for {seconds} s");
            self.fail_lease(index, Failure::new(FailureClass::WorkerLost, message), now);
        }
    }

    pub(super) fn answer_next(
        &mut self,
        worker: WorkerId,
        next: Option<Next>,
        now: Timestamp,
    ) -> (Vec<Assignment>, bool) {
        let Some(draining) = self
            .workers
            .get(&worker)
            .map(|worker| worker.draining.is_some())
        else {
            return (Vec::new(), false);
        };
        let assignments = next.map_or_else(Vec::new, |next| {
            self.answer_waiting(worker);
            self.hand_out(worker, &next, now)
        });
        (assignments, draining)
    }

    fn demand_lease(&self, key: LeaseKey) -> Result<JobIndex, Refusal> {
        let LeaseKey { job, attempt } = key;
        let index = self.find(&job).ok_or(Refusal::UnknownJob(job))?;
        if !self.may_exist(index, attempt) {
            return Err(Refusal::UnknownAttempt { job, attempt });
        }
        self.live_lease(key)
            .ok_or(Refusal::StaleLease { job, attempt })
    }

    /// Notes that a worker was heard of a job that it had.
    pub(super) fn see_busy(&mut self, id: WorkerId, now: Timestamp) {
        self.see(id, now);
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.last_busy = now;
        }
    }

    /// Notes that a worker was heard; whether it is known.
    pub(super) fn see(&mut self, id: WorkerId, now: Timestamp) -> bool {
        self.workers
            .get_mut(&id)
            .map(|worker| worker.last_seen = now)
            .is_some()
    }
}
