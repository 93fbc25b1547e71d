//! `kill -9` at bad moments: no acknowledged result is lost, and the numbers are those of an undisturbed run.

use crate::world::{World, csv, eventually, what_was_found};

/// How many lines of the sweep's results are done, asked through the coordinator.
fn status(world: &World, coordinator: &str) -> Option<serde_json::Value> {
    let ended = world.run(&[
        "status",
        "tiny",
        "--coordinator",
        coordinator,
        "--format",
        "json",
    ]);
    (ended.code == Some(0)).then(|| serde_json::from_str(&ended.stdout).unwrap())
}

fn count(status: &serde_json::Value, name: &str) -> u64 {
    status["counts"][name].as_u64().unwrap_or(0)
}

#[test]
fn killed_workers_and_a_killed_coordinator_lose_nothing() {
    let world = World::new();
    world.slow_sweep(3);
    world.run_ok(&[
        "run",
        "tiny.toml",
        "--out",
        "undisturbed",
        "--workers",
        "1",
        "--threads",
        "1",
    ]);

    let (coordinator, address) = world.coordinator("127.0.0.1:0");
    world.run_ok(&["submit", "tiny.toml", "--coordinator", &address]);
    let first = world.worker("first", &address);
    let second = world.worker("second", &address);
    // In the middle of a job: at least one is done, and others run.
    eventually("a job in the middle of its epochs", || {
        status(&world, &address).filter(|status| count(status, "running") > 0)
    });
    first.kill();
    eventually("a finished job", || {
        status(&world, &address).filter(|status| count(status, "done") > 0)
    });
    coordinator.kill();
    let (coordinator, again) = world.coordinator(address.trim_start_matches("http://"));
    assert_eq!(
        again, address,
        "it comes back where its workers look for it"
    );
    let third = world.worker("third", &address);
    eventually("the end of all jobs", || {
        status(&world, &address).filter(|status| count(status, "done") == 6)
    });
    world.run_ok(&[
        "report",
        "tiny",
        "--out",
        "disturbed",
        "--coordinator",
        &address,
    ]);
    drop((second, third));

    let lines = csv(&world.path("disturbed/results.csv"));
    assert_eq!(lines.len(), 6);
    assert!(lines.iter().all(|line| line["status"] == "done"));
    assert_eq!(
        what_was_found(&world.path("disturbed/results.csv")),
        what_was_found(&world.path("undisturbed/results.csv"))
    );

    // What is on disk is all there without the processes as well.
    coordinator.kill();
    world.run_ok(&["report", "tiny", "--out", "offline", "--state", "state"]);
    assert_eq!(csv(&world.path("offline/results.csv")), lines);
}

#[test]
fn a_terminated_worker_hands_its_job_back_and_leaves_cleanly() {
    let world = World::new();
    world.slow_sweep(1);
    let (_coordinator, address) = world.coordinator("127.0.0.1:0");
    world.run_ok(&["submit", "tiny.toml", "--coordinator", &address]);
    let worker = world.worker("leaving", &address);
    eventually("a running job", || {
        status(&world, &address).filter(|status| count(status, "running") > 0)
    });
    worker.terminate();
    assert_eq!(worker.wait(), Some(0));
    let after = eventually("an answer", || status(&world, &address));
    assert_eq!(
        (count(&after, "running"), count(&after, "failed")),
        (0, 0),
        "{after}"
    );
    assert_eq!(
        count(&after, "pending") + count(&after, "done"),
        2,
        "{after}"
    );
}

#[test]
fn an_interrupted_run_goes_on_where_it_was() {
    let world = World::new();
    world.slow_sweep(2);
    world.run_ok(&["run", "tiny.toml", "--out", "undisturbed", "--workers", "1"]);
    let run = world.start(&["run", "tiny.toml", "--out", "out", "--workers", "1"]);
    eventually("the first finished job", || {
        let log = std::fs::read_to_string(world.path("run.log")).unwrap();
        log.contains("done ").then_some(())
    });
    run.terminate();
    assert_eq!(run.wait(), Some(130));
    let before = std::fs::read_to_string(world.path("run.log")).unwrap();
    assert!(before.contains("the same command goes on"), "{before}");
    let ended = world.run_ok(&["run", "tiny.toml", "--out", "out", "--workers", "1"]);
    assert!(!ended.stderr.contains("4 to run"), "{}", ended.stderr);
    assert_eq!(
        what_was_found(&world.path("out/results.csv")),
        what_was_found(&world.path("undisturbed/results.csv"))
    );
}
