//! Scenarios: each reads as what the people and workers did, and what they were told.

use std::collections::BTreeMap;

use sweeps::{AttemptNumber, Failure, FailureClass, JobId, JobStatus};

use super::fixture::{self, grid_on, hello, submission};
use super::{Answer, Effect, Entry, Event, Policy, Reply, Request, Scheduler, Submission, Ticket};
use crate::message::{
    Assignment, Fail, Finish, Goodbye, Hello, LeaseAnswer, LeaseKey, LeaseRequest, Next, Order,
    Progress, Receipt, Refusal, Release, Report, Steer, SteerAction, StopReason, Submitted, Target,
    Timestamp, WorkerId, WorkerState,
};

/// A scheduler in virtual time, which checks itself after every step and replays what it persists.
pub(super) struct World {
    pub(super) scheduler: Scheduler,
    pub(super) now: Timestamp,
    tickets: u64,
    pub(super) entries: Vec<Entry>,
    replies: BTreeMap<Ticket, Reply>,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            scheduler: Scheduler::new(Policy::default()),
            now: Timestamp(1_000_000),
            tickets: 0,
            entries: Vec::new(),
            replies: BTreeMap::new(),
        }
    }

    pub(super) fn step(&mut self, event: Event) {
        for effect in self.scheduler.step(self.now, event) {
            match effect {
                Effect::Persist(entry) => self.entries.push(entry),
                Effect::Reply(ticket, reply) => {
                    assert!(
                        self.replies.insert(ticket, reply).is_none(),
                        "answered twice"
                    );
                }
                _ => {}
            }
        }
        self.scheduler.check().unwrap();
    }

    pub(super) fn send(&mut self, request: Request) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.step(Event::Request(ticket, request));
        ticket
    }

    pub(super) fn ask(&mut self, request: Request) -> Reply {
        let ticket = self.send(request);
        self.replies.remove(&ticket).expect("an answer at once")
    }

    pub(super) fn submit(&mut self, submission: Submission) -> Submitted {
        match self.ask(Request::Submit(Box::new(submission))) {
            Ok(Answer::Submitted(told)) => told,
            other => panic!("{other:?}"),
        }
    }

    /// A sweep of that many jobs on the data set `tracks`.
    fn sweep(&mut self, name: &str, jobs: u64) {
        self.submit(submission(name, fixture::grid(jobs, 1)));
    }

    fn hello(&mut self, hello: Hello) -> WorkerId {
        match self.ask(Request::Hello(Box::new(hello))) {
            Ok(Answer::Welcome(welcome)) => welcome.worker,
            other => panic!("{other:?}"),
        }
    }

    fn worker(&mut self, name: &str) -> WorkerId {
        self.hello(hello(name, 1, 4))
    }

    fn lease(&mut self, worker: WorkerId, slots: u32, held: &[&Assignment]) -> LeaseAnswer {
        let request = LeaseRequest {
            worker,
            slots,
            held: held.iter().map(|held| key(held)).collect(),
            warm: Vec::new(),
            wait_ms: 0,
        };
        lease_answer(self.ask(Request::Lease(request)))
    }

    fn one(&mut self, worker: WorkerId) -> Assignment {
        self.lease(worker, 1, &self.held(worker).iter().collect::<Vec<_>>())
            .assignments
            .pop()
            .expect("a job")
    }

    fn held(&self, worker: WorkerId) -> Vec<Assignment> {
        self.scheduler.workers[&worker]
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

    fn finish(&mut self, worker: WorkerId, job: &Assignment) -> Result<Receipt, Refusal> {
        let record = fixture::record(job.job_id, job.attempt, &format!("w{worker}"));
        self.deliver(worker, record)
    }

    fn deliver(&mut self, worker: WorkerId, record: sweeps::RunRecord) -> Result<Receipt, Refusal> {
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

    fn fail(&mut self, worker: WorkerId, job: &Assignment, class: FailureClass) -> Reply {
        self.ask(Request::Fail(Fail {
            worker,
            job: job.job_id,
            attempt: job.attempt,
            failure: Failure::new(class, format!("{class} on {worker}")),
            next: None,
        }))
    }

    fn report(&mut self, worker: WorkerId, job: &Assignment) -> Order {
        let progress = Progress {
            job: job.job_id,
            attempt: job.attempt,
            points: Vec::new(),
            log: Vec::new(),
        };
        let report = Report {
            worker,
            progress: vec![progress],
        };
        match self.ask(Request::Report(report)) {
            Ok(Answer::Report(answer)) => answer.orders[0],
            other => panic!("{other:?}"),
        }
    }

    fn steer(&mut self, target: Target, action: SteerAction) -> u64 {
        match self.ask(Request::Steer(Steer { target, action })) {
            Ok(Answer::Changed(changed)) => changed,
            other => panic!("{other:?}"),
        }
    }

    /// Time passes, and the engine wakes the scheduler.
    pub(super) fn pass(&mut self, milliseconds: u64) {
        let until = self.now.plus(milliseconds);
        while let Some(at) = self.scheduler.wake_at.filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.step(Event::Tick);
        }
        self.now = until;
    }

    /// The coordinator is killed and started again.
    pub(super) fn restart(&mut self) {
        let mut again = Scheduler::new(self.scheduler.policy.clone());
        for entry in &self.entries {
            let text = serde_json::to_string(entry).unwrap();
            again.replay(&serde_json::from_str(&text).unwrap());
        }
        assert_eq!(again.fingerprint(), self.scheduler.fingerprint());
        self.scheduler = again;
        self.step(Event::Recovered);
    }

    fn status(&self, job: JobId) -> JobStatus {
        self.scheduler.job_view(job).unwrap().status
    }

    fn count(&self, sweep: &str, status: JobStatus) -> u64 {
        let info = self.scheduler.sweep_info(sweep).unwrap();
        info.summary.counts.of(status)
    }
}

fn key(assignment: &Assignment) -> LeaseKey {
    LeaseKey {
        job: assignment.job_id,
        attempt: assignment.attempt,
    }
}

fn lease_answer(reply: Reply) -> LeaseAnswer {
    match reply {
        Ok(Answer::Lease(answer)) => answer,
        other => panic!("{other:?}"),
    }
}

const TTL: u64 = 60_000;

#[test]
fn a_sweep_runs_in_the_order_of_its_cells() {
    let mut world = World::new();
    world.sweep("a", 3);
    let worker = world.worker("w");
    for seed in 0..3 {
        let job = world.one(worker);
        assert_eq!((job.job.seed, job.attempt.0), (seed, 1));
        assert_eq!(world.finish(worker, &job), Ok(Receipt::Recorded));
    }
    assert!(world.lease(worker, 1, &[]).assignments.is_empty());
    assert_eq!(world.count("a", JobStatus::Done), 3);
    world.restart();
    assert_eq!(world.count("a", JobStatus::Done), 3);
}

#[test]
fn a_worker_that_waits_gets_work_when_it_comes_and_an_empty_answer_when_it_does_not() {
    let mut world = World::new();
    let worker = world.worker("w");
    let wait = |worker| {
        Request::Lease(LeaseRequest {
            worker,
            slots: 2,
            held: Vec::new(),
            warm: Vec::new(),
            wait_ms: 10_000,
        })
    };
    let first = world.send(wait(worker));
    assert!(world.replies.is_empty());
    world.pass(9_999);
    assert!(world.replies.is_empty());
    world.pass(1);
    assert!(
        lease_answer(world.replies.remove(&first).unwrap())
            .assignments
            .is_empty()
    );

    let second = world.send(wait(worker));
    let third = world.send(wait(worker));
    assert!(world.replies.contains_key(&second), "one waits per worker");
    world.sweep("a", 3);
    assert_eq!(
        lease_answer(world.replies.remove(&third).unwrap())
            .assignments
            .len(),
        2
    );

    world
        .ask(Request::Goodbye(Goodbye {
            worker,
            reason: String::new(),
        }))
        .unwrap();
    let other = world.worker("v");
    world.lease(other, 4, &[]);
    let gone = world.send(Request::Lease(LeaseRequest {
        worker: other,
        slots: 1,
        held: world.held(other).iter().map(key).collect(),
        warm: Vec::new(),
        wait_ms: 10_000,
    }));
    world.step(Event::Abandon(gone));
    world.sweep("b", 1);
    assert!(
        !world.replies.contains_key(&gone),
        "nobody is there to take the job"
    );
}

#[test]
fn a_lost_answer_is_told_again_and_nothing_else() {
    let mut world = World::new();
    world.sweep("a", 4);
    let worker = world.worker("w");
    let first = world.lease(worker, 1, &[]).assignments;
    let again = world.lease(worker, 1, &[]).assignments;
    assert_eq!(first, again, "the answer got lost: same job, same attempt");
    let second = world.lease(worker, 2, &[&first[0]]).assignments;
    assert_eq!(second.len(), 2);
    assert!(!second.iter().any(|job| job.job_id == first[0].job_id));

    // The same with the next job in a finish.
    let record = fixture::record(first[0].job_id, first[0].attempt, "w");
    let held = second.iter().map(key).collect::<Vec<_>>();
    let finish = Request::Finish(Finish {
        worker,
        record: Box::new(record),
        next: Some(Next {
            slots: 1,
            held,
            warm: Vec::new(),
        }),
    });
    let answers: Vec<_> = (0..2).map(|_| world.ask(finish.clone()).unwrap()).collect();
    let [Answer::Finish(one), Answer::Finish(two)] = &answers[..] else {
        panic!("{answers:?}")
    };
    assert_eq!(
        (one.receipt, two.receipt),
        (Receipt::Recorded, Receipt::Equal)
    );
    assert_eq!(one.assignments, two.assignments);
    assert_eq!(one.assignments.len(), 1);
    assert_eq!(
        world
            .entries
            .iter()
            .filter(|entry| entry.finished().is_some())
            .count(),
        1
    );
    assert!(
        !world
            .entries
            .iter()
            .any(|entry| matches!(entry, Entry::Compared { .. })),
        "a record that was sent twice is not a second one"
    );
}

#[test]
fn a_silent_lease_expires_and_its_late_result_is_still_taken() {
    let mut world = World::new();
    world.sweep("a", 1);
    let (slow, fast) = (world.worker("slow"), world.worker("fast"));
    let old = world.one(slow);
    world.pass(TTL - 1);
    assert_eq!(
        world.report(slow, &old),
        Order::Continue {
            time_to_live_ms: TTL
        }
    );
    world.pass(TTL - 1);
    assert_eq!(world.status(old.job_id), JobStatus::Running);
    world.pass(1);
    assert_eq!(world.status(old.job_id), JobStatus::Pending);

    let new = world.one(fast);
    assert_eq!((new.job_id, new.attempt), (old.job_id, AttemptNumber(2)));
    // The old attempt is fenced.
    let stale = Refusal::StaleLease {
        job: old.job_id,
        attempt: old.attempt,
    };
    assert_eq!(
        world.report(slow, &old),
        Order::Stop(StopReason::StaleLease)
    );
    assert_eq!(
        world.fail(slow, &old, FailureClass::Trainer),
        Err(stale.clone())
    );
    let release = Release {
        worker: slow,
        job: old.job_id,
        attempt: old.attempt,
        reason: String::new(),
    };
    assert_eq!(world.ask(Request::Release(release)), Err(stale));
    assert_eq!(world.status(old.job_id), JobStatus::Running);
    // But its result counts, and the newer attempt is told to stop; what that one delivers is compared.
    assert_eq!(world.finish(slow, &old), Ok(Receipt::Recorded));
    assert_eq!(world.report(fast, &new), Order::Stop(StopReason::Finished));
    assert_eq!(world.finish(fast, &new), Ok(Receipt::Equal));
    assert_eq!(world.scheduler.job_view(old.job_id).unwrap().attempts, 2);
    world.restart();
}

#[test]
fn a_second_result_that_differs_is_kept_and_counted_once() {
    let mut world = World::new();
    world.sweep("a", 1);
    let worker = world.worker("w");
    let old = world.one(worker);
    world.pass(TTL);
    let new = world.one(worker);
    world.finish(worker, &new).unwrap();
    let mut other = fixture::record(old.job_id, old.attempt, "w");
    other.outcome.curve[0].auc_d = Some(0.123);
    assert_eq!(world.deliver(worker, other.clone()), Ok(Receipt::Differs));
    assert_eq!(world.deliver(worker, other.clone()), Ok(Receipt::Differs));
    assert_eq!(world.scheduler.sweep_info("a").unwrap().discrepancies, 1);
    assert!(
        matches!(world.entries.last(), Some(Entry::Compared { record: Some(kept), .. }) if **kept == other)
    );
    other.provenance.device.kind = "cuda-sm90".into();
    assert_eq!(world.deliver(worker, other), Ok(Receipt::NotComparable));
    assert_eq!(world.scheduler.sweep_info("a").unwrap().discrepancies, 1);
    let reasons = world
        .scheduler
        .explain(old.job_id, world.now)
        .unwrap()
        .reasons;
    assert!(
        reasons
            .iter()
            .any(|reason| reason.contains("another result")),
        "{reasons:?}"
    );
    world.restart();
}

#[test]
fn impossible_messages_are_refused() {
    let mut world = World::new();
    world.sweep("a", 1);
    let worker = world.worker("w");
    let job = world.one(worker);
    let honest = fixture::record(job.job_id, job.attempt, "w");
    let with = |change: &dyn Fn(&mut sweeps::RunRecord)| {
        let mut record = honest.clone();
        change(&mut record);
        record
    };
    let attempts = [0, 2, u64::MAX];
    for attempt in attempts {
        let record = with(&|record| record.provenance.attempt = AttemptNumber(attempt));
        assert!(matches!(
            world.deliver(worker, record),
            Err(Refusal::UnknownAttempt { .. })
        ));
    }
    let record = with(&|record| record.job_id = JobId([9; 32]));
    assert_eq!(
        world.deliver(worker, record),
        Err(Refusal::UnknownJob(JobId([9; 32])))
    );
    for record in [
        with(&|record| record.provenance.dataset_digest = fixture::digest("other")),
        with(&|record| record.provenance.trainer_revision += 1),
        with(&|record| record.provenance.duration_s = f64::NAN),
        with(&|record| record.outcome.curve[0].loss_g = Some(f64::INFINITY)),
    ] {
        assert!(matches!(
            world.deliver(worker, record),
            Err(Refusal::Invalid(_))
        ));
    }
    let nobody = WorkerId(77);
    let request = LeaseRequest {
        worker: nobody,
        slots: 1,
        held: Vec::new(),
        warm: Vec::new(),
        wait_ms: 5,
    };
    assert_eq!(
        world.ask(Request::Lease(request)),
        Err(Refusal::UnknownWorker(nobody))
    );
    assert!(matches!(
        world.ask(Request::Steer(Steer {
            target: Target::Sweep("b".into()),
            action: SteerAction::Cancel
        })),
        Err(Refusal::UnknownSweep(_))
    ));
    assert_eq!(world.finish(worker, &job), Ok(Receipt::Recorded));
}

#[test]
fn each_class_of_failure_has_its_own_budget() {
    for (class, expected) in [
        (FailureClass::Diverged, 1),
        (FailureClass::BadData, 1),
        (FailureClass::Trainer, 2),
        (FailureClass::Timeout, 2),
        (FailureClass::OutOfMemory, 3),
        (FailureClass::WorkerLost, 11),
    ] {
        let mut world = World::new();
        world.sweep("a", 1);
        let worker = world.worker("w");
        let mut attempts = 0;
        while let Some(job) = world.lease(worker, 1, &[]).assignments.pop() {
            attempts += 1;
            world.fail(worker, &job, class).unwrap();
        }
        assert_eq!(attempts, expected, "{class}");
        assert_eq!(world.count("a", JobStatus::Failed), 1, "{class}");
        assert_eq!(
            world.steer(Target::Sweep("a".into()), SteerAction::Retry),
            1
        );
        let job = world.one(worker);
        assert_eq!(job.attempt.0, expected + 1);
        world.restart();
    }
    let mut world = World::new();
    world.sweep("a", 1);
    let worker = world.worker("w");
    for _ in 0..50 {
        let job = world.one(worker);
        world.fail(worker, &job, FailureClass::Preempted).unwrap();
    }
    assert_eq!(
        world.count("a", JobStatus::Pending),
        1,
        "going away is free"
    );
}

#[test]
fn a_job_that_fails_on_two_workers_is_quarantined_with_both_messages() {
    let mut world = World::new();
    world.sweep("a", 1);
    let (one, two) = (world.worker("one"), world.worker("two"));
    let job = world.one(one);
    world.fail(one, &job, FailureClass::Trainer).unwrap();
    assert!(
        world.lease(one, 1, &[]).assignments.is_empty(),
        "another one shall try"
    );
    let again = world.one(two);
    world.fail(two, &again, FailureClass::OutOfMemory).unwrap();
    assert_eq!(world.status(job.job_id), JobStatus::Quarantined);
    let view = world.scheduler.job_view(job.job_id).unwrap();
    let told: Vec<_> = view
        .failures
        .iter()
        .map(|failure| failure.worker.as_str())
        .collect();
    assert_eq!(told, ["one", "two"]);
    world.restart();
}

#[test]
fn a_job_that_failed_waits_for_another_worker_only_as_long_as_there_is_one() {
    let mut world = World::new();
    world.sweep("a", 1);
    let (one, two) = (world.worker("one"), world.worker("two"));
    let job = world.one(one);
    world.fail(one, &job, FailureClass::Trainer).unwrap();
    assert!(world.lease(one, 1, &[]).assignments.is_empty());
    world
        .ask(Request::Goodbye(Goodbye {
            worker: two,
            reason: "bye".into(),
        }))
        .unwrap();
    assert_eq!(world.one(one).job_id, job.job_id);
}

#[test]
fn a_worker_on_which_different_jobs_fail_is_sent_away() {
    let mut world = World::new();
    world.sweep("a", 10);
    let (bad, good) = (world.worker("bad"), world.worker("good"));
    for failed in 0..3 {
        assert_eq!(
            world.scheduler.workers(world.now)[0].state,
            WorkerState::Active,
            "{failed}"
        );
        let job = world.one(bad);
        world.fail(bad, &job, FailureClass::Trainer).unwrap();
    }
    let view = &world.scheduler.workers(world.now)[0];
    assert_eq!(view.state, WorkerState::Draining);
    assert!(
        view.warnings[0].contains("different jobs failed"),
        "{:?}",
        view.warnings
    );
    assert!(world.lease(bad, 1, &[]).drain);
    for _ in 0..10 {
        let job = world.one(good);
        world.finish(good, &job).unwrap();
    }
    assert_eq!(world.count("a", JobStatus::Done), 10);
    // A new process of that name gets another chance.
    let again = world.hello(hello("bad", 2, 1));
    world.sweep("b", 11);
    world.one(again);
    world.restart();
}

#[test]
fn the_only_worker_is_not_sent_away() {
    let mut world = World::new();
    world.sweep("a", 10);
    let worker = world.worker("w");
    let mut attempts = 0;
    while let Some(job) = world.lease(worker, 1, &[]).assignments.pop() {
        attempts += 1;
        world.fail(worker, &job, FailureClass::Trainer).unwrap();
    }
    assert_eq!(attempts, 20);
    assert_eq!(world.count("a", JobStatus::Failed), 10);
}

#[test]
fn data_and_revisions_decide_who_gets_a_job() {
    let mut world = World::new();
    world.sweep("a", 5);
    let mut other_copy = hello("copy", 1, 1);
    other_copy
        .datasets
        .insert("tracks".into(), fixture::digest("changed"));
    let mut no_copy = hello("none", 1, 1);
    no_copy.datasets.clear();
    let mut old = hello("old", 1, 1);
    old.trainer_revision += 1;
    for hello in [other_copy, no_copy, old] {
        let worker = world.hello(hello.clone());
        assert!(
            world.lease(worker, 1, &[]).assignments.is_empty(),
            "{}",
            hello.name
        );
    }
    let job = world.scheduler.cell_rows("a").unwrap().1[0].job_id;
    let reasons = world.scheduler.explain(job, world.now).unwrap().reasons;
    assert_eq!(reasons[0], "no worker can run it now");
    for part in [
        "another copy",
        "does not have the data set",
        "trainer revision",
    ] {
        assert!(
            reasons.iter().any(|reason| reason.contains(part)),
            "{part}: {reasons:?}"
        );
    }
    let warned = world.scheduler.workers(world.now);
    assert!(warned[0].warnings[0].contains("its copy of the data set `tracks` is another"));
    assert!(warned[2].warnings[0].contains("trainer revision"));
}

#[test]
fn priority_then_warmth_then_fairness() {
    let mut world = World::new();
    let mut both = hello("w", 1, 100);
    both.datasets
        .insert("video".into(), fixture::digest("video"));
    let worker = world.hello(both);
    world.submit(submission("a", grid_on("tracks", 0, 6, 1)));
    world.submit(submission("b", grid_on("video", 0, 6, 1)));
    let mut urgent = submission("c", grid_on("tracks", 100, 1, 1));
    urgent.priority = 5;
    world.submit(urgent);
    let order: Vec<(u64, String)> = (0..5)
        .map(|_| {
            let job = world.one(worker);
            (job.job.seed, job.job.dataset.to_string())
        })
        .collect();
    let names: Vec<_> = order.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(order[0].0, 100, "the urgent one first");
    assert_eq!(names[1..], ["tracks", "video", "tracks", "video"]);
    let warm = Request::Lease(LeaseRequest {
        worker,
        slots: 3,
        held: world.held(worker).iter().map(key).collect(),
        warm: vec![fixture::digest("video")],
        wait_ms: 0,
    });
    let answer = lease_answer(world.ask(warm));
    assert!(
        answer
            .assignments
            .iter()
            .all(|job| job.job.dataset.to_string() == "video")
    );
}

#[test]
fn growing_a_sweep_runs_only_what_is_new() {
    let mut world = World::new();
    world.sweep("a", 3);
    let worker = world.worker("w");
    for _ in 0..3 {
        let job = world.one(worker);
        world.finish(worker, &job).unwrap();
    }
    let again = world.submit(submission("a", fixture::grid(3, 1)));
    assert_eq!((again.new, again.done, again.hidden), (0, 3, 0));
    assert_eq!(
        world
            .entries
            .iter()
            .filter(|entry| matches!(entry, Entry::Submitted { .. }))
            .count(),
        1
    );

    let mut asked = submission("a", grid_on("tracks", 2, 4, 1));
    asked.dry_run = true;
    let plan = world.submit(asked.clone());
    assert_eq!(
        (plan.new, plan.done, plan.hidden, plan.shared),
        (3, 1, 2, 0)
    );
    assert_eq!(
        world.count("a", JobStatus::Done),
        3,
        "a question changes nothing"
    );
    asked.dry_run = false;
    assert_eq!(world.submit(asked), plan);
    assert_eq!(
        (
            world.count("a", JobStatus::Done),
            world.count("a", JobStatus::Pending)
        ),
        (1, 3)
    );
    assert_eq!(world.one(worker).job.seed, 3);

    // The hidden ones are done still, and another sweep shares them.
    let shared = world.submit(submission("b", fixture::grid(4, 1)));
    assert_eq!((shared.new, shared.done, shared.shared), (0, 3, 2));
    world.restart();
}

#[test]
fn a_job_of_two_sweeps_runs_once_and_lives_as_long_as_one_wants_it() {
    let mut world = World::new();
    world.sweep("a", 2);
    world.sweep("b", 3);
    let worker = world.worker("w");
    assert_eq!(
        world.steer(Target::Sweep("a".into()), SteerAction::Cancel),
        0
    );
    assert_eq!(
        world.steer(Target::Sweep("b".into()), SteerAction::Pause),
        3
    );
    assert!(world.lease(worker, 1, &[]).assignments.is_empty());
    world.steer(Target::Sweep("b".into()), SteerAction::Resume);
    let running = world.one(worker);
    assert_eq!(
        world.steer(Target::Sweep("b".into()), SteerAction::Cancel),
        3
    );
    assert_eq!(
        world.report(worker, &running),
        Order::Stop(StopReason::Cancelled)
    );
    world.restart();
    // What it delivers nevertheless is not thrown away.
    assert_eq!(world.finish(worker, &running), Ok(Receipt::Recorded));
    assert_eq!(
        (
            world.count("a", JobStatus::Done),
            world.count("b", JobStatus::Cancelled)
        ),
        (1, 2)
    );
    assert_eq!(
        world.steer(Target::Sweep("a".into()), SteerAction::Retry),
        1
    );
    assert_eq!(world.one(worker).job.seed, 1);
    world.restart();
}

#[test]
fn one_job_can_be_held_and_cancelled() {
    let mut world = World::new();
    world.sweep("a", 2);
    let worker = world.worker("w");
    let rows = world.scheduler.cell_rows("a").unwrap().1;
    let (first, second) = (rows[0].job_id, rows[1].job_id);
    assert_eq!(world.steer(Target::Job(first), SteerAction::Pause), 1);
    assert_eq!(world.one(worker).job_id, second);
    assert!(
        world
            .lease(worker, 1, &[&world.held(worker)[0]])
            .assignments
            .is_empty()
    );
    assert_eq!(world.steer(Target::Job(first), SteerAction::Resume), 1);
    assert_eq!(world.steer(Target::Job(first), SteerAction::Cancel), 1);
    assert_eq!(world.status(first), JobStatus::Cancelled);
    world.restart();
}

#[test]
fn a_worker_that_goes_gives_everything_back_at_once() {
    let mut world = World::new();
    world.sweep("a", 2);
    let (one, two) = (world.worker("one"), world.worker("two"));
    let jobs = world.lease(one, 2, &[]).assignments;
    let goodbye = Goodbye {
        worker: one,
        reason: "SIGTERM".into(),
    };
    world.ask(Request::Goodbye(goodbye.clone())).unwrap();
    world.ask(Request::Goodbye(goodbye)).unwrap();
    let again = world.lease(two, 2, &[]).assignments;
    assert_eq!(
        again
            .iter()
            .map(|job| (job.job_id, job.attempt.0))
            .collect::<Vec<_>>(),
        jobs.iter().map(|job| (job.job_id, 2)).collect::<Vec<_>>()
    );
    // A process that takes over the spool of the first delivers what it had finished.
    assert_eq!(world.finish(two, &jobs[0]), Ok(Receipt::Recorded));
    world.restart();
}

#[test]
fn after_a_restart_every_lease_gets_a_full_time_to_live() {
    let mut world = World::new();
    world.sweep("a", 1);
    let worker = world.worker("w");
    let job = world.one(worker);
    world.now = world.now.plus(10 * TTL);
    world.restart();
    world.pass(TTL - 1);
    assert_eq!(
        world.report(worker, &job),
        Order::Continue {
            time_to_live_ms: TTL
        }
    );
    world.pass(TTL);
    assert_eq!(world.status(job.job_id), JobStatus::Pending);

    // Also when the restart was short.
    let job = world.one(worker);
    world.pass(TTL - 1);
    world.restart();
    world.pass(TTL - 1);
    assert_eq!(world.status(job.job_id), JobStatus::Running);
    world.pass(1);
    assert_eq!(world.status(job.job_id), JobStatus::Pending);
}

#[test]
fn a_coordinator_that_stood_still_blames_nobody() {
    let mut world = World::new();
    world.sweep("a", 1);
    let worker = world.worker("w");
    let job = world.one(worker);
    world.now = world.now.plus(10 * TTL);
    world.step(Event::Tick);
    assert_eq!(world.status(job.job_id), JobStatus::Running);
    world.pass(TTL);
    assert_eq!(world.status(job.job_id), JobStatus::Pending);
}

#[test]
fn a_waiting_job_costs_less_than_a_kilobyte() {
    let mut world = World::new();
    let base = std::mem::size_of::<super::job::Job>();
    assert!(base <= 160, "{base} bytes");
    world.submit(submission("big", fixture::grid(100, 20)));
    let grid = world.scheduler.grid(0);
    let json = serde_json::to_string(&*grid.table).unwrap().len();
    assert!(json / 2000 < 60, "{json} bytes for 2000 cells");
}
