//! Who gets a job, and for how long.

use super::*;

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
        world.ask(Request::Control(Control {
            target: Target::Sweep("b".into()),
            action: ControlAction::Cancel
        })),
        Err(Refusal::UnknownSweep(_))
    ));
    assert_eq!(world.finish(worker, &job), Ok(Receipt::Recorded));
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

/// A worker reports three times in a time to live. However long the coordinator then stands still, its lease goes on.
#[test]
fn no_pause_of_the_coordinators_own_costs_a_lease() {
    for pause in (0..=2 * TTL).step_by(usize::try_from(TTL / 24).unwrap()) {
        let mut world = World::new();
        world.sweep("a", 1);
        let worker = world.worker("w");
        let job = world.one(worker);
        for _ in 0..2 {
            world.pass(TTL / 3);
            world.report(worker, &job);
        }
        world.pass(TTL / 3 - 1);
        // Its next report is on the way, and the timer goes off before it is heard.
        world.now = world.now.plus(pause);
        world.step(Event::Tick);
        let running = JobStatus::Running;
        assert_eq!(world.status(job.job_id), running, "a pause of {pause} ms");
        let patience = if pause > TTL / 4 { TTL } else { TTL / 4 };
        world.pass(patience - 1);
        assert_eq!(world.status(job.job_id), running, "a pause of {pause} ms");
        world.pass(TTL);
        assert_eq!(world.status(job.job_id), JobStatus::Pending);
    }
}

/// Who was silent before the coordinator stood still is silent after it.
#[test]
fn a_pause_of_the_coordinators_own_makes_nobody_alive_again() {
    let mut world = World::new();
    world.sweep("a", 2);
    let (gone, here) = (world.worker("gone"), world.worker("here"));
    world.pass(10 * TTL);
    world.one(here);
    let states = |world: &World| -> Vec<WorkerState> {
        let workers = world.scheduler.workers(world.now);
        workers.iter().map(|worker| worker.state).collect()
    };
    assert_eq!(gone, WorkerId(1));
    assert_eq!(states(&world), [WorkerState::Silent, WorkerState::Active]);
    world.now = world.now.plus(10 * TTL);
    world.step(Event::Tick);
    assert_eq!(states(&world), [WorkerState::Silent, WorkerState::Active]);
}

#[test]
fn a_clock_that_was_ahead_leaves_no_worker_that_never_falls_silent() {
    let mut world = World::new();
    let today = world.now;
    world.now = today.plus(10 * 365 * 24 * 3_600_000);
    world.sweep("a", 1);
    let worker = world.worker("w");
    let job = world.one(worker);
    // Somebody sets the clock right, and the coordinator is started again.
    world.now = today;
    world.restart();
    world.pass(TTL);
    assert_eq!(world.status(job.job_id), JobStatus::Pending);
    world.pass(2 * TTL);
    let workers = world.scheduler.workers(world.now);
    assert_eq!(workers[0].state, WorkerState::Silent);
    let other = world.worker("other");
    assert_eq!(world.one(other).job_id, job.job_id);
}
