//! Requests, answered: what may be forgotten at a restart is noted, what is decided is enacted, and the answer is made.

use std::cmp::Reverse;

use sweeps::{Digest, EpochPoint};

use super::decide::SweepTurn;
use super::job::JobIndex;
use super::wait_queue::WaitingRequest;
use super::{Answer, Effect, Reply, Request, Scheduler, Submission, Ticket};
use proto::nouns::{
    Assignment, Change, Fail, Finish, FinishAnswer, Goodbye, Hello, LeaseAnswer, LeaseKey,
    LeaseRequest, Measured, Next, Order, Progress, Receipt, Refusal, Release, Report, ReportAnswer,
    StopReason, Timestamp, Welcome, WorkerId,
};

impl Scheduler {
    pub(super) fn on_request(&mut self, now: Timestamp, ticket: Ticket, request: Request) {
        let reply = match request {
            // One of many jobs is answered when its last part is taken.
            Request::Submit(submission) => match self.on_submit(now, ticket, *submission) {
                Some(reply) => reply,
                None => return,
            },
            Request::Hello(hello) => self.on_hello(now, *hello),
            // The answer may have to wait.
            Request::Lease(request) => match self.on_lease(now, ticket, request) {
                Some(reply) => reply,
                None => return,
            },
            Request::Report(report) => self.on_report(now, report),
            Request::Finish(finish) => self.on_finish(now, finish),
            Request::Fail(fail) => self.on_fail(now, fail),
            Request::Release(release) => self.on_release(now, release),
            Request::Goodbye(goodbye) => {
                self.on_goodbye(now, &goodbye);
                Ok(Answer::Done)
            }
            Request::Control(control) => self
                .decide_control(now, control)
                .map(|entry| Answer::Changed(self.commit([entry]))),
            Request::Drain { worker, reason } => self
                .decide_drain(now, &worker, &reason)
                .map(|decided| Answer::Changed(self.enact(decided))),
            Request::Audit(audit) => self
                .decide_audit(now, &audit)
                .map(|decided| Answer::Audited(self.enact(decided))),
            Request::TakeOver(records) => self
                .decide_taken_over(now, records)
                .map(|decided| Answer::Changed(self.enact(decided))),
        };
        self.effects.push(Effect::Reply(ticket, reply));
    }

    fn on_submit(
        &mut self,
        now: Timestamp,
        ticket: Ticket,
        submission: Submission,
    ) -> Option<Reply> {
        if submission.ids.len() != submission.table.len() || submission.ids.is_empty() {
            return Some(Err(Refusal::Invalid("the sweep has no jobs".into())));
        }
        if submission.ids.len() > self.policy.submission_part && !submission.dry_run {
            self.submissions.add(ticket, submission);
            return None;
        }
        let decided = self.decide_submission(now, submission);
        Some(Ok(Answer::Submitted(self.enact(decided))))
    }

    fn on_hello(&mut self, now: Timestamp, hello: Hello) -> Reply {
        let decided = self.decide_hello(now, hello)?;
        let worker = self.enact(decided);
        self.workers.touch(worker, now);
        Ok(Answer::Welcome(Welcome {
            worker,
            time_to_live_ms: self.policy.time_to_live_ms,
            warnings: self.warnings_of(worker, now),
        }))
    }

    fn on_lease(&mut self, now: Timestamp, ticket: Ticket, request: LeaseRequest) -> Option<Reply> {
        let id = request.worker;
        if !self.workers.touch(id, now) {
            return Some(Err(Refusal::UnknownWorker(id)));
        }
        self.answer_waiting(id);
        let next = Next {
            slots: request.slots,
            held: request.held,
            warm: request.warm,
        };
        let assignments = self.hand_out(id, &next, now);
        let drain = self.workers.is_draining(id);
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
        let Some(worker) = self.workers.get(id) else {
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
            .filter_map(|key| {
                let index = self.live_lease(key)?;
                self.renew(index, now);
                self.assignment_again(index, key)
            })
            .collect();
        let more = next.slots.saturating_sub(assignments.len() as u32);
        assignments.extend(self.assign(id, more, &next.warm, now));
        assignments
    }

    /// Leases up to `slots` jobs to a worker, one after the other: which is next depends on those before.
    fn assign(
        &mut self,
        id: WorkerId,
        slots: u32,
        warm: &[Digest],
        now: Timestamp,
    ) -> Vec<Assignment> {
        let worker = self.workers.get(id);
        let free = worker.map_or(0, |worker| worker.free_slots().min(slots as usize));
        let mut assignments = Vec::new();
        while assignments.len() < free {
            let Some(next) = self.decide_lease(id, warm, now) else {
                break;
            };
            self.commit(next.entries);
            self.note_served(next.turn);
            assignments.extend(next.assignment);
        }
        assignments
    }

    /// Notes whose turn it was.
    fn note_served(&mut self, turn: Option<SweepTurn>) {
        if let Some(SweepTurn { sweep, rivals }) = turn
            && rivals.len() > 1
        {
            self.fairness.served(sweep, &rivals);
            let ready = self.jobs.ready();
            self.fairness.keep(|sweep| ready.contains(&sweep));
        }
    }

    /// Ends a waiting lease request of a worker with an empty answer.
    fn answer_waiting(&mut self, id: WorkerId) {
        if let Some(waiting) = self.wait_queue.take(id) {
            let answer = LeaseAnswer {
                assignments: Vec::new(),
                drain: self.workers.is_draining(id),
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
            self.workers.touch(id, now);
            self.answer_waiting(id);
        }
    }

    /// Gives work that came up to those who wait, longest first; where workers are packed, the busiest first.
    pub(super) fn serve_waiting(&mut self, now: Timestamp) {
        let mut waiting: Vec<WorkerId> = self.wait_queue.workers().collect();
        if self.policy.pack_workers {
            // Whoever has been idle longest stays so, until its idle timeout.
            waiting.sort_by_key(|id| Reverse(self.workers.get(*id).map(|worker| worker.busy(now))));
        }
        for id in waiting {
            if self.workers.is_draining(id) {
                self.answer_waiting(id);
                continue;
            }
            if self.jobs.ready().is_empty() && self.audits.waiting().next().is_none() {
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
                self.workers.touch(id, now);
                let answer = LeaseAnswer {
                    assignments,
                    drain: false,
                };
                self.effects
                    .push(Effect::Reply(ticket, Ok(Answer::Lease(answer))));
            }
        }
    }

    fn on_report(&mut self, now: Timestamp, report: Report) -> Reply {
        // A lease is renewed whoever reports it: the attempt is the fence. A worker that is not known is told so only
        // when it says nothing about leases, since its work goes on.
        let known = self.workers.touch(report.worker, now);
        let is_forgotten = || {
            let mut progress = report.progress.iter();
            progress.any(|progress| self.is_forgotten(progress.job, progress.attempt))
        };
        if !known && (report.progress.is_empty() || is_forgotten()) {
            return Err(Refusal::UnknownWorker(report.worker));
        }
        if let Some(telemetry) = report.telemetry {
            let measured = Measured { telemetry, at: now };
            self.workers.set_measured(report.worker, measured);
        }
        let orders = report
            .progress
            .into_iter()
            .map(|progress| self.on_progress(now, report.worker, progress))
            .collect();
        let drain = self.workers.is_draining(report.worker);
        Ok(Answer::Report(ReportAnswer { orders, drain }))
    }

    fn on_progress(&mut self, now: Timestamp, worker: WorkerId, progress: Progress) -> Order {
        let key = LeaseKey {
            job: progress.job,
            attempt: progress.attempt,
        };
        let Some(index) = self.jobs.find(&key.job) else {
            return Order::Stop(StopReason::Unknown);
        };
        self.commit(self.decide_take_up(now, worker, key));
        let decided = self.decide_progress(now, index, key);
        if let Some(reason) = self.enact(decided) {
            return Order::Stop(reason);
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
        let sweeps = self.jobs.sweeps_of(index);
        let points: std::sync::Arc<[EpochPoint]> = progress
            .points
            .into_iter()
            .filter(EpochPoint::is_finite)
            .collect();
        let lines: std::sync::Arc<[String]> = progress.log.into();
        self.effects.push(Effect::Keep {
            job,
            attempt,
            points: points.clone(),
            lines: lines.clone(),
        });
        // An audit runs a finished job again: its epochs are no news of the result, which stands.
        let is_audit = self.jobs.job(index).status() == sweeps::JobStatus::Done;
        if !points.is_empty() && !is_audit {
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

    fn on_finish(&mut self, now: Timestamp, finish: Finish) -> Reply {
        let Finish {
            worker,
            record,
            next,
        } = finish;
        self.workers.touch_busy(worker, now);
        let job = record.job_id;
        let decided = self.decide_record(now, record)?;
        let receipt = self.enact(decided);
        if receipt == Receipt::Recorded {
            self.judge_workers(job, now);
        }
        // Before the next job is handed out: a seed that is added may be it.
        self.look(now);
        let (assignments, drain) = self.answer_next(worker, next, now);
        Ok(Answer::Finish(FinishAnswer {
            receipt,
            assignments,
            drain,
        }))
    }

    /// A job finished: the workers on which it had failed may be sent away for it.
    fn judge_workers(&mut self, job: sweeps::JobId, now: Timestamp) {
        let Some(index) = self.jobs.find(&job) else {
            return;
        };
        let blamed: Vec<String> = self.blame.workers_of(index).map(str::to_owned).collect();
        for name in blamed {
            self.dispatch_needed = true;
            // Whether somebody else is left to work depends on who was sent away before.
            self.commit(self.decide_dismissal(&name, now));
        }
    }

    fn on_fail(&mut self, now: Timestamp, fail: Fail) -> Reply {
        let Fail {
            worker,
            job,
            attempt,
            failure,
            next,
        } = fail;
        self.workers.touch_busy(worker, now);
        let decided = self.decide_fail(now, LeaseKey { job, attempt }, failure)?;
        self.commit(decided);
        self.look(now);
        let (assignments, drain) = self.answer_next(worker, next, now);
        Ok(Answer::Lease(LeaseAnswer { assignments, drain }))
    }

    fn on_release(&mut self, now: Timestamp, release: Release) -> Reply {
        self.workers.touch(release.worker, now);
        let released = self.decide_release(now, release)?;
        self.commit([released]);
        Ok(Answer::Done)
    }

    fn on_goodbye(&mut self, now: Timestamp, goodbye: &Goodbye) {
        self.answer_waiting(goodbye.worker);
        self.commit(self.decide_goodbye(now, goodbye));
    }

    /// Ends leases that were not renewed.
    pub(super) fn expire_leases(&mut self, now: Timestamp) {
        while let Some(index) = self.lease_clock.over(now) {
            let Some(failed) = self.decide_expiry(index, now) else {
                break;
            };
            self.commit([failed]);
        }
    }

    fn answer_next(
        &mut self,
        worker: WorkerId,
        next: Option<Next>,
        now: Timestamp,
    ) -> (Vec<Assignment>, bool) {
        if !self.workers.contains(worker) {
            return (Vec::new(), false);
        }
        let draining = self.workers.is_draining(worker);
        let assignments = next.map_or_else(Vec::new, |next| {
            self.answer_waiting(worker);
            self.hand_out(worker, &next, now)
        });
        (assignments, draining)
    }
}
