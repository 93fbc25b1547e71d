//! Budgets by class, blame, quarantine.

use super::*;

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
