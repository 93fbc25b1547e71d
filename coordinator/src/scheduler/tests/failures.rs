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
            world.control(Target::Sweep("a".into()), ControlAction::Retry),
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
    let mut failed = Vec::new();
    for _ in 0..3 {
        let job = world.one(bad);
        world.fail(bad, &job, FailureClass::Trainer).unwrap();
        failed.push(job.job_id);
    }
    // It may be the jobs: nothing new for it, until somebody else has tried them.
    assert!(world.lease(bad, 1, &[]).assignments.is_empty());
    let view = &world.scheduler.workers(world.now)[0];
    assert_eq!(view.state, WorkerState::Active);
    assert!(
        view.warnings[0].contains("held back"),
        "{:?}",
        view.warnings
    );
    for _ in 0..3 {
        let job = world.one(good);
        assert!(failed.contains(&job.job_id), "those first");
        world.finish(good, &job).unwrap();
    }
    let view = &world.scheduler.workers(world.now)[0];
    assert_eq!(view.state, WorkerState::Draining);
    assert!(
        view.warnings[0].contains("different jobs failed"),
        "{:?}",
        view.warnings
    );
    assert!(world.lease(bad, 1, &[]).drain);
    for _ in 0..7 {
        let job = world.one(good);
        world.finish(good, &job).unwrap();
    }
    assert_eq!(world.count("a", JobStatus::Done), 10);
    // A new process of that name gets another chance.
    let again = world.hello(hello("bad", 2, 1));
    world.sweep("b", 13);
    let job = world.one(again);
    world.fail(again, &job, FailureClass::Trainer).unwrap();
    world.one(again);
    world.restart();
}

#[test]
fn a_success_between_failures_clears_a_worker() {
    let mut world = World::new();
    world.sweep("a", 10);
    let (flaky, _) = (world.worker("flaky"), world.worker("good"));
    for _ in 0..2 {
        let job = world.one(flaky);
        world.fail(flaky, &job, FailureClass::Trainer).unwrap();
    }
    let job = world.one(flaky);
    let record = fixture::record(job.job_id, job.attempt, "flaky");
    world.deliver(flaky, record).unwrap();
    // Three failed, but not in a row.
    let job = world.one(flaky);
    world.fail(flaky, &job, FailureClass::Trainer).unwrap();
    let job = world.one(flaky);
    world.restart();
    world.fail(flaky, &job, FailureClass::Trainer).unwrap();
    let job = world.one(flaky);
    world.fail(flaky, &job, FailureClass::Trainer).unwrap();
    assert!(world.lease(flaky, 1, &[]).assignments.is_empty());
}

#[test]
fn jobs_that_fail_everywhere_take_no_worker_with_them() {
    let mut world = World::new();
    world.sweep("a", 12);
    let workers = [world.worker("one"), world.worker("two")];
    // Both take jobs as fast as they fail; every second job is one that nobody can run.
    let mut idle = 0;
    while idle < 2 {
        idle = 0;
        for worker in workers {
            let Some(job) = world.lease(worker, 1, &[]).assignments.pop() else {
                idle += 1;
                continue;
            };
            let name = job.job.seed;
            if name.is_multiple_of(2) {
                world.fail(worker, &job, FailureClass::BadData).unwrap();
            } else {
                world.finish(worker, &job).unwrap();
            }
        }
    }
    assert_eq!(world.count("a", JobStatus::Quarantined), 6);
    assert_eq!(world.count("a", JobStatus::Done), 6);
    for view in world.scheduler.workers(world.now) {
        assert_eq!(view.state, WorkerState::Active, "{:?}", view.warnings);
    }
    world.restart();
}

#[test]
fn ten_jobs_in_a_row_that_fail_everywhere_are_all_found_out() {
    let mut world = World::new();
    world.sweep("a", 10);
    let workers = [world.worker("one"), world.worker("two")];
    // The second is busy with something long while the first meets the failing ones.
    let long = world.one(workers[1]);
    let mut failed = 0;
    while let Some(job) = world.lease(workers[0], 1, &[]).assignments.pop() {
        world.fail(workers[0], &job, FailureClass::Trainer).unwrap();
        failed += 1;
    }
    assert_eq!(failed, 3, "then it waits for the other one's word");
    world.finish(workers[1], &long).unwrap();
    let mut idle = 0;
    while idle < 2 {
        idle = 0;
        for worker in [workers[1], workers[0]] {
            match world.lease(worker, 1, &[]).assignments.pop() {
                Some(job) => world
                    .fail(worker, &job, FailureClass::Trainer)
                    .map(drop)
                    .unwrap(),
                None => idle += 1,
            }
        }
    }
    assert_eq!(world.count("a", JobStatus::Quarantined), 9);
    for view in world.scheduler.workers(world.now) {
        assert_eq!(view.state, WorkerState::Active, "{:?}", view.warnings);
    }
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
fn time_that_came_to_nothing_is_counted_and_survives_a_restart() {
    let lost = |world: &World| world.scheduler.sweep_info("a").unwrap().lost_ms;
    let mut world = World::new();
    world.sweep("a", 1);
    let worker = world.worker("w");
    let job = world.one(worker);
    world.pass(5_000);
    assert_eq!(lost(&world), 0, "what is under way is not lost");
    world.fail(worker, &job, FailureClass::Preempted).unwrap();
    assert_eq!(lost(&world), 5_000);
    // Nobody renews the next one: it is lost with its whole time to live.
    world.one(worker);
    world.pass(TTL + 1_000);
    let after_loss = lost(&world);
    assert!(after_loss >= 5_000 + TTL, "{after_loss}");
    world.restart();
    assert_eq!(lost(&world), after_loss);
    // Somebody cancels while it runs.
    let worker = world.worker("v");
    world.one(worker);
    world.pass(3_000);
    world.control(Target::Sweep("a".into()), ControlAction::Cancel);
    assert_eq!(lost(&world), after_loss + 3_000);
    world.control(Target::Sweep("a".into()), ControlAction::Retry);
    let job = world.one(worker);
    world.pass(2_000);
    world.finish(worker, &job).unwrap();
    assert_eq!(
        lost(&world),
        after_loss + 3_000,
        "the attempt that succeeds loses nothing"
    );
    world.restart();
    assert_eq!(lost(&world), after_loss + 3_000);
}

#[test]
fn a_run_that_goes_on_from_a_checkpoint_has_not_lost_what_it_kept() {
    let lost = |world: &World| world.scheduler.sweep_info("a").unwrap().lost_ms;
    let mut world = World::new();
    world.sweep("a", 1);
    let worker = world.worker("w");
    let job = world.one(worker);
    world.pass(10_000);
    world.fail(worker, &job, FailureClass::Preempted).unwrap();
    let job = world.one(worker);
    world.pass(4_000);
    let mut record = fixture::record(job.job_id, job.attempt, "w");
    // Nine of the ten seconds were in the checkpoint.
    (record.provenance.duration_s, record.provenance.resumed) = (13.0, 1);
    world.deliver(worker, record).unwrap();
    assert_eq!(lost(&world), 1_000);
    world.restart();
}

/// Two processes of one name are two workers: what fails on one is tried on the other, one of them is sent away, and both are warned of.
#[test]
fn workers_of_one_name_are_blamed_one_by_one() {
    let mut world = World::new();
    world.sweep("a", 10);
    let (good, bad) = (world.worker("w"), world.hello(hello("w", 2, 4)));
    assert_ne!(good, bad);
    let mut failed = Vec::new();
    for _ in 0..3 {
        let job = world.one(bad);
        world.fail(bad, &job, FailureClass::Trainer).unwrap();
        failed.push(job.job_id);
    }
    let view = world.scheduler.job_view(failed[0]).unwrap();
    assert_eq!(view.failures[0].worker, format!("w#{}", bad.0));
    assert!(world.lease(bad, 1, &[]).assignments.is_empty(), "held back");
    let views = world.scheduler.workers(world.now);
    assert!(
        views.iter().all(|view| view
            .warnings
            .iter()
            .any(|told| told.contains("2 workers have its name"))),
        "{views:?}"
    );
    world.restart();
    for _ in 0..3 {
        let job = world.one(good);
        assert!(failed.contains(&job.job_id), "those first");
        world.finish(good, &job).unwrap();
    }
    let states: Vec<_> = world
        .scheduler
        .workers(world.now)
        .iter()
        .map(|view| (view.worker, view.state))
        .collect();
    assert_eq!(
        states,
        [(good, WorkerState::Active), (bad, WorkerState::Draining)]
    );
    world.restart();
}
