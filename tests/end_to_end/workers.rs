//! Workers as good citizens of a cluster: groups, signals, drains, a coordinator that is away, many jobs in one process.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::world::{Process, World, csv, eventually, what_was_found};

/// How often or how much, by an environment variable where somebody wants more than a test's time allows.
fn amount(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is a number"))
    })
}

fn count(world: &World, address: &str, name: &str) -> Option<u64> {
    let ended = world.run(&[
        "status",
        "tiny",
        "--coordinator",
        address,
        "--format",
        "json",
    ]);
    let status: serde_json::Value = (ended.code == Some(0))
        .then(|| serde_json::from_str(&ended.stdout))?
        .unwrap();
    Some(status["counts"][name].as_u64().unwrap_or(0))
}

fn until(world: &World, address: &str, name: &str, at_least: u64) {
    eventually(&format!("{at_least} jobs {name}"), || {
        count(world, address, name).filter(|count| *count >= at_least)
    });
}

/// The names and states of workers.
fn workers(world: &World, address: &str) -> Vec<(String, String)> {
    let ended = world.run_ok(&["workers", "--coordinator", address, "--format", "json"]);
    let workers: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    workers
        .as_array()
        .unwrap()
        .iter()
        .map(|worker| {
            let text = |key: &str| worker[key].as_str().unwrap().to_owned();
            (text("name"), text("state"))
        })
        .collect()
}

/// A worker with options of its own and a log of its own.
fn worker(world: &World, address: &str, name: &str, options: &[&str]) -> Process {
    let log = std::fs::File::create(world.path(&format!("{name}.log"))).unwrap();
    let scratch = format!("scratch-{name}");
    let mut arguments = vec![
        "worker",
        "--coordinator",
        address,
        "--name",
        name,
        "--scratch",
        &scratch,
        "--threads",
        "1",
    ];
    arguments.extend(options);
    let child = world
        .command(&arguments)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    Process(child)
}

fn pid(process: &Process) -> Pid {
    Pid::from_raw(process.0.id().try_into().unwrap())
}

/// The processes that it started and that live.
fn children(process: &Process) -> Vec<i32> {
    let id = process.0.id();
    let text = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    text.split_whitespace()
        .map(|child| child.parse().unwrap())
        .collect()
}

fn lives(process: i32) -> bool {
    // A zombie is dead, whoever has not collected it yet.
    std::fs::read_to_string(format!("/proc/{process}/stat"))
        .is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn a_group_survives_the_death_of_one_and_stops_as_one() {
    let world = World::new();
    world.slow_sweep(4);
    let (_coordinator, address) = world.coordinator("127.0.0.1:0");
    world.run_ok(&["submit", "tiny.toml", "--coordinator", &address]);
    let group = worker(
        &world,
        &address,
        "host",
        &["--device", "all", "--pretend-devices", "2"],
    );
    eventually("both workers", || {
        let mut names: Vec<String> = workers(&world, &address)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        names.sort();
        (names == ["host-gpu0", "host-gpu1"]).then_some(())
    });
    // The supervisor's main thread need not be the one that starts processes.
    let running = || {
        std::fs::read_dir(format!("/proc/{}/task", group.0.id()))
            .unwrap()
            .filter_map(|thread| {
                let text = std::fs::read_to_string(thread.ok()?.path().join("children")).ok()?;
                Some(
                    text.split_whitespace()
                        .map(|child| child.parse().unwrap())
                        .collect::<Vec<i32>>(),
                )
            })
            .flatten()
            .collect::<Vec<i32>>()
    };
    let before = running();
    assert_eq!(before.len(), 2, "{:?} {:?}", before, children(&group));
    kill(Pid::from_raw(before[0]), Signal::SIGKILL).unwrap();
    let after = eventually("another process in its place", || {
        let now = running();
        (now.len() == 2 && !now.contains(&before[0])).then_some(now)
    });
    assert!(after.contains(&before[1]), "the other went on");

    group.terminate();
    assert_eq!(group.wait(), Some(0));
    for process in after {
        assert!(!lives(process), "{process} was left behind");
    }
    // The lease of the one that was killed runs out, unless its successor came as far as to hand it back.
    eventually("no job running", || {
        count(&world, &address, "running").filter(|running| *running == 0)
    });
    assert_eq!(count(&world, &address, "failed"), Some(0));
}

#[test]
fn a_device_that_is_not_there_is_said_in_one_line() {
    let world = World::new();
    for device in ["cuda:99", "all"] {
        let mut command = world.command(&["worker", "--device", device]);
        // Where there are GPUs, none of them is ours.
        let output = command.env("CUDA_VISIBLE_DEVICES", "").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(15), "{said}");
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
        assert!(said.contains(device), "{said}");
    }
}

/// 20 moments: `GCL_TERM_MOMENTS=20 cargo test --test end_to_end sigterm_at`.
#[test]
fn sigterm_at_any_moment_costs_no_result() {
    let world = World::new();
    world.slow_sweep(2);
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
    let (_coordinator, address) = world.coordinator("127.0.0.1:0");
    world.run_ok(&["submit", "tiny.toml", "--coordinator", &address]);
    let mut milliseconds = 7;
    for _ in 0..amount("GCL_TERM_MOMENTS", 3) {
        let leaving = worker(&world, &address, "leaving", &["--device", "cpu"]);
        // Scattered over the start, the data, the epochs and the deliveries of several jobs.
        milliseconds = (milliseconds * 457 + 91) % 1500;
        std::thread::sleep(Duration::from_millis(150 + milliseconds));
        leaving.terminate();
        assert_eq!(leaving.wait(), Some(0), "{milliseconds}");
        assert_eq!(count(&world, &address, "running"), Some(0));
    }
    let last = worker(&world, &address, "leaving", &["--device", "cpu"]);
    until(&world, &address, "done", 4);
    drop(last);
    world.run_ok(&[
        "report",
        "tiny",
        "--out",
        "disturbed",
        "--coordinator",
        &address,
    ]);
    assert_eq!(
        what_was_found(&world.path("disturbed/results.csv")),
        what_was_found(&world.path("undisturbed/results.csv"))
    );
}

#[test]
fn two_signals_at_once_are_one_wish_and_the_job_goes_back() {
    let world = World::new();
    world.slow_sweep(1);
    let (_coordinator, address) = world.coordinator("127.0.0.1:0");
    world.run_ok(&["submit", "tiny.toml", "--coordinator", &address]);
    let signalled = worker(&world, &address, "signalled", &["--device", "cpu"]);
    until(&world, &address, "running", 1);
    // All wait for it when it wakes up: there is no time between them.
    for signal in [
        Signal::SIGSTOP,
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
        Signal::SIGCONT,
    ] {
        kill(pid(&signalled), signal).unwrap();
    }
    assert_eq!(signalled.wait(), Some(0));
    assert_eq!(count(&world, &address, "running"), Some(0));
    assert_eq!(count(&world, &address, "failed"), Some(0));
}

#[test]
fn a_second_signal_ends_a_worker_at_once() {
    let world = World::new();
    world.slow_sweep(1);
    let (coordinator, address) = world.coordinator("127.0.0.1:0");
    world.run_ok(&["submit", "tiny.toml", "--coordinator", &address]);
    let mut hurried = worker(&world, &address, "hurried", &["--device", "cpu"]);
    until(&world, &address, "running", 1);
    // Nobody takes its job back: a gentle end lasts for the whole grace period.
    kill(pid(&coordinator), Signal::SIGSTOP).unwrap();
    kill(pid(&hurried), Signal::SIGTERM).unwrap();
    // Signals that come too soon after the first are the first again.
    let code = eventually("the end of the worker", || {
        let ended = hurried.0.try_wait().unwrap();
        if ended.is_none() {
            kill(pid(&hurried), Signal::SIGINT).unwrap();
        }
        ended
    });
    kill(pid(&coordinator), Signal::SIGCONT).unwrap();
    assert_eq!(code.code(), Some(130));
}

#[test]
fn a_drained_worker_hands_its_job_back_and_exits() {
    let world = World::new();
    world.slow_sweep(1);
    let (_coordinator, address) = world.coordinator("127.0.0.1:0");
    world.run_ok(&["submit", "tiny.toml", "--coordinator", &address]);
    let drained = worker(&world, &address, "drained", &["--device", "cpu"]);
    until(&world, &address, "running", 1);
    let wrong = world.run(&["drain", "draind", "--coordinator", &address]);
    assert_eq!(wrong.code, Some(2));
    assert!(
        wrong.stderr.contains("did you mean `drained`"),
        "{}",
        wrong.stderr
    );
    let said = world.run_ok(&["drain", "drained", "--coordinator", &address]);
    assert!(said.stdout.starts_with("1 worker told"), "{}", said.stdout);
    assert_eq!(drained.wait(), Some(0));
    assert_eq!(count(&world, &address, "running"), Some(0));
    assert_eq!(count(&world, &address, "failed"), Some(0));
}

/// A minute: `GCL_AWAY_SECONDS=60 cargo test --test end_to_end nothing_is_trained_twice`.
#[test]
fn nothing_is_trained_twice_when_the_coordinator_is_away() {
    let world = World::new();
    world.slow_sweep(2);
    let (coordinator, address) = world.coordinator("127.0.0.1:0");
    world.run_ok(&["submit", "tiny.toml", "--coordinator", &address]);
    let _workers = ["one", "two"].map(|name| worker(&world, &address, name, &["--device", "cpu"]));
    until(&world, &address, "running", 2);
    coordinator.kill();
    // Longer than a lease of these tests lives.
    std::thread::sleep(Duration::from_secs(amount("GCL_AWAY_SECONDS", 3)));
    let (_coordinator, again) = world.coordinator(address.trim_start_matches("http://"));
    assert_eq!(again, address);
    until(&world, &address, "done", 4);
    world.run_ok(&["report", "tiny", "--out", "out", "--coordinator", &address]);
    for line in csv(&world.path("out/results.csv")) {
        assert_eq!(
            (&*line["status"], &*line["attempts"]),
            ("done", "1"),
            "{line:?}"
        );
    }
}

#[test]
fn elastic_workers_go_by_themselves() {
    let world = World::new();
    world.tiny_sweep(2, 2);
    let (coordinator, address) = world.coordinator("127.0.0.1:0");
    world.run_ok(&["submit", "tiny.toml", "--coordinator", &address]);
    let few = worker(
        &world,
        &address,
        "few",
        &["--device", "cpu", "--exit-after-jobs", "1"],
    );
    assert_eq!(few.wait(), Some(0));
    assert_eq!(count(&world, &address, "done"), Some(1));
    let rest = worker(
        &world,
        &address,
        "rest",
        &["--device", "cpu", "--idle-timeout", "0.5"],
    );
    assert_eq!(rest.wait(), Some(0));
    assert_eq!(count(&world, &address, "done"), Some(4));
    coordinator.kill();
    let orphan = worker(
        &world,
        &address,
        "orphan",
        &["--device", "cpu", "--orphan-timeout", "1"],
    );
    assert_eq!(orphan.wait(), Some(12));
}

/// What a process holds: resident bytes and open files.
fn held(process: &Process) -> (u64, usize) {
    let id = process.0.id();
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok())
        .unwrap();
    let files = std::fs::read_dir(format!("/proc/{id}/fd")).unwrap().count();
    (resident << 10, files)
}

/// 500 jobs: `GCL_MANY_JOBS=500 cargo test --test end_to_end many_jobs -- --nocapture`.
#[test]
fn many_jobs_in_one_process_leave_nothing_behind() {
    let jobs = amount("GCL_MANY_JOBS", 40);
    let world = World::new();
    world.tiny_sweep(u32::try_from(jobs / 2).unwrap(), 2);
    let (_coordinator, address) = world.coordinator("127.0.0.1:0");
    world.run_ok(&["submit", "tiny.toml", "--coordinator", &address]);
    let busy = worker(&world, &address, "busy", &["--device", "cpu"]);
    until(&world, &address, "done", jobs / 4);
    let (memory_early, files_early) = held(&busy);
    until(&world, &address, "done", jobs / 2 * 2);
    let (memory, files) = held(&busy);
    eprintln!(
        "{jobs} jobs: {memory_early} bytes and {files_early} files early, {memory} bytes and {files} files at the end"
    );
    // A file of a checkpoint or of the spool may be open at either moment.
    assert!(
        files <= files_early + 4,
        "{files_early} files, then {files}"
    );
    assert!(
        memory <= memory_early + (16 << 20),
        "{memory_early} bytes, then {memory}"
    );
    let scratch = world.path("scratch-busy").join("checkpoints");
    let kept = std::fs::read_dir(scratch).map_or(0, Iterator::count);
    assert_eq!(kept, 0, "checkpoints of finished jobs are removed");
}
