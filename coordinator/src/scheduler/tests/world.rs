//! A scheduler in virtual time, with the people and workers around it.

use std::collections::BTreeMap;

use sweeps::{EpochPoint, Failure, FailureClass, JobId, JobStatus};

use crate::scheduler::fixture::{self, hello, submission};
use crate::scheduler::{
    Answer, Effect, Entry, Event, Policy, Reply, Request, Scheduler, Submission, Ticket,
};
use proto::nouns::{
    Assignment, Change, Control, ControlAction, Fail, Finish, Hello, LeaseAnswer, LeaseKey,
    LeaseRequest, Order, Progress, Receipt, Refusal, Report, Submitted, Target, Timestamp,
    WorkerId,
};

/// A scheduler in virtual time, which checks itself after every step and replays what it persists.
pub(crate) struct World {
    pub(crate) scheduler: Scheduler,
    pub(crate) now: Timestamp,
    tickets: u64,
    pub(crate) entries: Vec<Entry>,
    pub(crate) replies: BTreeMap<Ticket, Reply>,
    /// What watchers were told.
    pub(crate) told: Vec<Change>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            scheduler: Scheduler::new(Policy::default()),
            now: Timestamp(1_000_000),
            tickets: 0,
            entries: Vec::new(),
            replies: BTreeMap::new(),
            told: Vec::new(),
        }
    }

    pub(crate) fn step(&mut self, event: Event) {
        for effect in self.scheduler.step(self.now, event) {
            match effect {
                Effect::Persist(entry) => self.entries.push(entry),
                Effect::Reply(ticket, reply) => {
                    assert!(
                        self.replies.insert(ticket, reply).is_none(),
                        "answered twice"
                    );
                }
                Effect::Publish(change) => self.told.push(change),
                _ => {}
            }
        }
        self.scheduler.check().unwrap();
    }

    pub(crate) fn send(&mut self, request: Request) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.step(Event::Request(ticket, request));
        ticket
    }

    pub(crate) fn ask(&mut self, request: Request) -> Reply {
        let ticket = self.send(request);
        self.go_on();
        self.replies.remove(&ticket).expect("an answer at once")
    }

    pub(crate) fn submit(&mut self, submission: Submission) -> Submitted {
        match self.ask(Request::Submit(Box::new(submission))) {
            Ok(Answer::Submitted(told)) => told,
            other => panic!("{other:?}"),
        }
    }

    /// The engine lets submissions go on until they are taken.
    pub(crate) fn go_on(&mut self) {
        while self.scheduler.is_busy() {
            self.step(Event::Continue);
        }
    }

    /// A sweep of that many jobs on the data set `tracks`.
    pub(crate) fn sweep(&mut self, name: &str, jobs: u64) {
        self.submit(submission(name, fixture::grid(jobs, 1)));
    }

    pub(crate) fn hello(&mut self, hello: Hello) -> WorkerId {
        match self.ask(Request::Hello(Box::new(hello))) {
            Ok(Answer::Welcome(welcome)) => welcome.worker,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn worker(&mut self, name: &str) -> WorkerId {
        self.hello(hello(name, 1, 4))
    }

    pub(crate) fn lease(
        &mut self,
        worker: WorkerId,
        slots: u32,
        held: &[&Assignment],
    ) -> LeaseAnswer {
        let request = LeaseRequest {
            worker,
            slots,
            held: held.iter().map(|held| key(held)).collect(),
            warm: Vec::new(),
            wait_ms: 0,
        };
        lease_answer(self.ask(Request::Lease(request)))
    }

    pub(crate) fn one(&mut self, worker: WorkerId) -> Assignment {
        self.lease(worker, 1, &self.held(worker).iter().collect::<Vec<_>>())
            .assignments
            .pop()
            .expect("a job")
    }

    pub(crate) fn held(&self, worker: WorkerId) -> Vec<Assignment> {
        let known = self.scheduler.workers.get(worker).unwrap();
        known
            .leases
            .iter()
            .map(|key| Assignment {
                job_id: key.job,
                attempt: key.attempt,
                job: self.scheduler.job_view(key.job).unwrap().job,
                dataset: fixture::digest("tracks"),
                time_to_live_ms: 0,
            })
            .collect()
    }

    pub(crate) fn finish(
        &mut self,
        worker: WorkerId,
        job: &Assignment,
    ) -> Result<Receipt, Refusal> {
        let record = fixture::record(job.job_id, job.attempt, &format!("w{worker}"));
        self.deliver(worker, record)
    }

    pub(crate) fn deliver(
        &mut self,
        worker: WorkerId,
        record: sweeps::RunRecord,
    ) -> Result<Receipt, Refusal> {
        let finish = Finish {
            worker,
            record: Box::new(record),
            next: None,
        };
        match self.ask(Request::Finish(finish))? {
            Answer::Finish(answer) => Ok(answer.receipt),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn fail(
        &mut self,
        worker: WorkerId,
        job: &Assignment,
        class: FailureClass,
    ) -> Reply {
        self.ask(Request::Fail(Fail {
            worker,
            job: job.job_id,
            attempt: job.attempt,
            failure: Failure::new(class, format!("{class} on {worker}")),
            next: None,
        }))
    }

    pub(crate) fn report(&mut self, worker: WorkerId, job: &Assignment) -> Order {
        self.report_epochs(worker, job, Vec::new())
    }

    pub(crate) fn report_epochs(
        &mut self,
        worker: WorkerId,
        job: &Assignment,
        points: Vec<EpochPoint>,
    ) -> Order {
        let progress = Progress {
            job: job.job_id,
            attempt: job.attempt,
            points,
            log: Vec::new(),
        };
        let report = Report {
            worker,
            progress: vec![progress],
            telemetry: None,
        };
        match self.ask(Request::Report(report)) {
            Ok(Answer::Report(answer)) => answer.orders[0],
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn control(&mut self, target: Target, action: ControlAction) -> u64 {
        match self.ask(Request::Control(Control { target, action })) {
            Ok(Answer::Changed(changed)) => changed,
            other => panic!("{other:?}"),
        }
    }

    /// Time passes, and the engine wakes the scheduler.
    pub(crate) fn pass(&mut self, milliseconds: u64) {
        let until = self.now.plus(milliseconds);
        while let Some(at) = self
            .scheduler
            .lease_clock
            .wake_at()
            .filter(|at| *at <= until)
        {
            self.now = self.now.max(at);
            self.step(Event::Tick);
        }
        self.now = until;
    }

    /// The coordinator is killed and started again.
    pub(crate) fn restart(&mut self) {
        let mut again = Scheduler::new(self.scheduler.policy.clone());
        for entry in &self.entries {
            let text = serde_json::to_string(entry).unwrap();
            again.replay(&serde_json::from_str(&text).unwrap()).unwrap();
        }
        assert_eq!(again.fingerprint(), self.scheduler.fingerprint());
        // A snapshot gives the same back, also where it comes after something else.
        let mut restored = again.clone();
        for entry in self.scheduler.image() {
            let text = serde_json::to_string(&entry).unwrap();
            restored
                .replay(&serde_json::from_str(&text).unwrap())
                .unwrap();
        }
        restored.replayed().unwrap();
        restored.check().unwrap();
        assert_eq!(restored.fingerprint(), again.fingerprint());
        self.scheduler = restored;
        self.step(Event::Recovered);
    }

    pub(crate) fn status(&self, job: JobId) -> JobStatus {
        self.scheduler.job_view(job).unwrap().status
    }

    pub(crate) fn count(&self, sweep: &str, status: JobStatus) -> u64 {
        let info = self.scheduler.sweep_info(sweep).unwrap();
        info.summary.counts.of(status)
    }
}

pub(crate) fn key(assignment: &Assignment) -> LeaseKey {
    LeaseKey {
        job: assignment.job_id,
        attempt: assignment.attempt,
    }
}

pub(crate) fn lease_answer(reply: Reply) -> LeaseAnswer {
    match reply {
        Ok(Answer::Lease(answer)) => answer,
        other => panic!("{other:?}"),
    }
}
