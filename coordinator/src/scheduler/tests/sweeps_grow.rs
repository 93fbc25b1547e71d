//! Sweeps that grow, share jobs, and are paused, cancelled and retried.

use super::*;

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
        world.control(Target::Sweep("a".into()), ControlAction::Cancel),
        0
    );
    assert_eq!(
        world.control(Target::Sweep("b".into()), ControlAction::Pause),
        3
    );
    assert!(world.lease(worker, 1, &[]).assignments.is_empty());
    world.control(Target::Sweep("b".into()), ControlAction::Resume);
    let running = world.one(worker);
    assert_eq!(
        world.control(Target::Sweep("b".into()), ControlAction::Cancel),
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
        world.control(Target::Sweep("a".into()), ControlAction::Retry),
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
    assert_eq!(world.control(Target::Job(first), ControlAction::Pause), 1);
    assert_eq!(world.one(worker).job_id, second);
    assert!(
        world
            .lease(worker, 1, &[&world.held(worker)[0]])
            .assignments
            .is_empty()
    );
    assert_eq!(world.control(Target::Job(first), ControlAction::Resume), 1);
    assert_eq!(world.control(Target::Job(first), ControlAction::Cancel), 1);
    assert_eq!(world.status(first), JobStatus::Cancelled);
    world.restart();
}

#[test]
fn a_waiting_job_costs_a_hundred_bytes_and_its_cell() {
    let mut world = World::new();
    let base = size_of::<job::Job>() + size_of::<JobId>();
    assert!(base <= 96, "{base} bytes");
    world.submit(submission("big", fixture::grid(100, 20)));
    let grid = world.scheduler.jobs.grid(0);
    let json = serde_json::to_string(&*grid.table).unwrap().len();
    assert!(json / 2000 < 60, "{json} bytes for 2000 cells");
}
