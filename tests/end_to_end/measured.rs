//! What workers measure, and the time between two jobs.

use std::process::Stdio;

use crate::world::{Process, World, eventually};

fn worker(world: &World, address: &str) -> Process {
    let log = std::fs::File::create(world.path("measured.log")).unwrap();
    let child = world
        .command(&[
            "worker",
            "--coordinator",
            address,
            "--name",
            "measured",
            "--scratch",
            "scratch",
            "--threads",
            "1",
            "--device",
            "cpu",
        ])
        .env("RUST_LOG", "worker=debug")
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    Process(child)
}

#[test]
fn workers_shows_how_devices_are_doing() {
    let world = World::new();
    world.slow_sweep(8);
    let (_coordinator, address) = world.coordinator("127.0.0.1:0");
    world.run_ok(&["submit", "tiny.toml", "--coordinator", &address]);
    let _worker = worker(&world, &address);
    let seen = eventually("a measurement of a busy worker", || {
        let ended = world.run_ok(&["workers", "--coordinator", &address, "--format", "json"]);
        let workers: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        let seen = workers[0].clone();
        (seen["telemetry"]["batches_per_second"].as_f64()? > 0.0).then_some(seen)
    });
    let number = |value: &serde_json::Value| value.as_u64().unwrap_or_else(|| panic!("{seen}"));
    let telemetry = &seen["telemetry"];
    assert!(
        (1..=100).contains(&number(&telemetry["busy_percent"])),
        "{seen}"
    );
    assert!(number(&telemetry["data_wait_percent"]) <= 100);
    assert!(number(&telemetry["memory_used_bytes"]) > 1 << 20);
    assert!(number(&telemetry["measured_at_ms"]) > 1 << 40);
    assert!(number(&seen["memory_bytes"]) > number(&telemetry["memory_used_bytes"]));
    assert!(seen["driver"].is_null(), "a processor has none: {seen}");
    let text = world.run_ok(&["workers", "--coordinator", &address]).stdout;
    for word in ["busy", "memory", "batches/s", "data wait", " MiB of ", " %"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

/// Seconds of the day in a line of the log.
fn moment(line: &str) -> f64 {
    let time = line.split(['T', 'Z']).nth(1).unwrap();
    time.split(':')
        .fold(0.0, |sum, part| sum * 60.0 + part.parse::<f64>().unwrap())
}

/// `GCL_GAP_JOBS=200 cargo test --test end_to_end the_gap -- --nocapture`. A time is printed, not demanded: what else the
/// machine does is not ours.
#[test]
fn the_gap_between_two_jobs_on_the_same_data_is_printed() {
    let jobs: u32 = std::env::var("GCL_GAP_JOBS").map_or(20, |text| text.parse().unwrap());
    let world = World::new();
    world.tiny_sweep(jobs.div_ceil(2), 4);
    let (_coordinator, address) = world.coordinator("127.0.0.1:0");
    world.run_ok(&["submit", "tiny.toml", "--coordinator", &address]);
    let worker = worker(&world, &address);
    let read = || std::fs::read_to_string(world.path("measured.log")).unwrap();
    let total = jobs.div_ceil(2) as usize * 2;
    eventually("every job", || {
        (read().matches("training ended").count() >= total).then_some(())
    });
    worker.terminate();
    assert_eq!(worker.wait(), Some(0));
    let log = read();
    let mut gaps = Vec::new();
    let mut ended = None;
    for line in log.lines() {
        if line.contains("training ended") {
            ended = Some(moment(line));
        } else if line.contains("the first batch is learned")
            && let Some(ended) = ended.take()
        {
            // Over midnight.
            gaps.push((moment(line) - ended).rem_euclid(86_400.0) * 1000.0);
        }
    }
    assert_eq!(gaps.len(), total - 1, "{log}");
    gaps.sort_by(f64::total_cmp);
    eprintln!(
        "{total} jobs: from a result to the end of the next job's first batch {:.1} ms (median), {:.1} ms (90 %), {:.1} ms (longest)",
        gaps[gaps.len() / 2],
        gaps[gaps.len() * 9 / 10],
        gaps[gaps.len() - 1]
    );
}
