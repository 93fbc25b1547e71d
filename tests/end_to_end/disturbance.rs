//! A disk that is full, and a worker that stands still for longer than its lease: real processes, no-op jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};

use coordinator::state::{self, Entry};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use proto::nouns::Receipt;
use sweeps::{AttemptNumber, JobId};

use crate::world::{Process, World, eventually};

/// A coordinator of no-op jobs on a free port, or on the one it had before.
fn start(world: &World, state: &str, listen: &str) -> (Process, String) {
    let file = world.path("address");
    let _ = std::fs::remove_file(&file);
    let arguments = [
        "coordinator",
        "--noop",
        "--state",
        state,
        "--listen",
        listen,
        "--address-file",
        "address",
        "--lease-seconds",
        "1",
    ];
    let process = world.start(&arguments);
    let address = eventually("the coordinator's address", || {
        std::fs::read_to_string(&file)
            .ok()
            .filter(|text| text.ends_with('\n'))
    });
    (process, address.trim().to_owned())
}

fn noop_worker(world: &World, name: &str, address: &str, more: &[&str]) -> Process {
    let mut arguments = vec!["worker", "--noop", "--coordinator", address];
    arguments.extend(["--name", name, "--scratch", name]);
    arguments.extend(more);
    world.start(&arguments)
}

/// Submits a sweep of that many jobs; whether it was acknowledged, and what was said.
fn submit(world: &World, name: &str, first: u64, jobs: u64, address: &str) -> (bool, String) {
    let file = format!("{name}.toml");
    let text = format!(
        "name = \"{name}\"\n[dataset.synthetic]\nvideos = 12\n[axes]\nseed = {{ from = {first}, count = {jobs} }}\n"
    );
    world.write(&file, &text);
    let ended = world.run(&["submit", &file, "--coordinator", address]);
    (ended.code == Some(0), ended.stderr)
}

/// Jobs by status of a sweep, where there is an answer.
fn count(world: &World, sweep: &str, status: &str, address: &str) -> Option<u64> {
    let ended = world.run(&[
        "status",
        sweep,
        "--coordinator",
        address,
        "--format",
        "json",
    ]);
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).ok()?;
    json["counts"][status].as_u64()
}

/// How often each job is recorded, and what was compared.
fn recorded(state: &Path) -> (BTreeMap<JobId, u32>, Vec<(AttemptNumber, Receipt)>) {
    let mut lines = Vec::new();
    state::export(&state.join("journal"), &mut lines).unwrap();
    let (mut finished, mut compared) = (BTreeMap::new(), Vec::new());
    for line in lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        match serde_json::from_slice(line).unwrap() {
            Entry::Finished { record, .. } => *finished.entry(record.job_id).or_default() += 1,
            Entry::Compared {
                attempt, receipt, ..
            } => compared.push((attempt, receipt)),
            _ => {}
        }
    }
    (finished, compared)
}

#[test]
fn a_worker_that_stood_still_past_its_lease_is_compared_and_counted_once() {
    let world = World::new();
    let (coordinator, address) = start(&world, "state", "127.0.0.1:0");
    let long = ["--noop-lanes", "1", "--noop-milliseconds", "700"];
    let stopped = noop_worker(&world, "stopped", &address, &long);
    let pid = Pid::from_raw(stopped.0.id().try_into().unwrap());
    assert!(submit(&world, "one", 0, 1, &address).0);
    eventually("a running job", || {
        count(&world, "one", "running", &address).filter(|running| *running == 1)
    });
    kill(pid, Signal::SIGSTOP).unwrap();
    // Its lease of a second runs out, and another worker does the job.
    let quick = ["--noop-lanes", "1", "--noop-milliseconds", "1"];
    let _second = noop_worker(&world, "second", &address, &quick);
    eventually("the job done by another", || {
        count(&world, "one", "done", &address).filter(|done| *done == 1)
    });
    kill(pid, Signal::SIGCONT).unwrap();
    let state = world.path("state");
    let compared = eventually("the late result", || {
        let (_, compared) = recorded(&state);
        (!compared.is_empty()).then_some(compared)
    });
    assert_eq!(compared, [(AttemptNumber(1), Receipt::Equal)]);
    assert_eq!(count(&world, "one", "done", &address), Some(1));
    coordinator.terminate();
    assert_eq!(coordinator.wait(), Some(0));
    let (finished, _) = recorded(&state);
    assert_eq!(finished.values().collect::<Vec<_>>(), [&1]);
}

/// A small file system in memory; `None` where this process may not mount one. Unmounted when dropped.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(at: &'a Path) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
            .arg(at)
            .stderr(Stdio::null())
            .status();
        status
            .is_ok_and(|status| status.success())
            .then_some(Self(at))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_stops_acknowledgements_and_loses_nothing() {
    let world = World::new();
    let folder = world.path("disk");
    let Some(_disk) = SmallDisk::mount(&folder) else {
        println!("skipped: only root may mount a small file system");
        return;
    };
    let (coordinator, address) = start(&world, "disk/state", "127.0.0.1:0");
    let worker = noop_worker(&world, "w", &address, &["--noop-lanes", "4"]);
    let mut acknowledged = BTreeSet::new();
    let mut offer = |number: u64| {
        let name = format!("s{number}");
        let (taken, said) = submit(&world, &name, number * 20, 20, &address);
        if taken {
            acknowledged.insert(name);
        }
        (taken, said)
    };
    assert!(offer(0).0);
    // Somebody else fills the disk.
    let filler = folder.join("filler");
    let full = {
        use std::io::Write;
        let mut file = std::fs::File::create(&filler).unwrap();
        let block = [1; 4096];
        (0..8 << 10).any(|_| file.write_all(&block).is_err())
    };
    assert!(full, "the disk is not full");
    let refused = (1..200)
        .map(&mut offer)
        .find(|(taken, _)| !taken)
        .expect("a full disk acknowledges nothing");
    assert!(refused.1.contains("No space left"), "{}", refused.1);
    // Still so, and still alive.
    assert!(!offer(300).0);
    std::fs::remove_file(&filler).unwrap();
    eventually("room again", || offer(301).0.then_some(()));
    drop(coordinator);
    let (coordinator, again) = start(&world, "disk/state", address.trim_start_matches("http://"));
    assert_eq!(again, address);
    for name in &acknowledged {
        eventually("every job of what was acknowledged", || {
            count(&world, name, "done", &address).filter(|done| *done == 20)
        });
    }
    drop(worker);
    coordinator.terminate();
    assert_eq!(coordinator.wait(), Some(0));
    let (finished, _) = recorded(&folder.join("state"));
    assert!(finished.len() >= acknowledged.len() * 20);
    assert!(finished.values().all(|times| *times == 1), "recorded twice");
}

#[test]
fn no_op_jobs_and_real_ones_do_not_mix() {
    let world = World::new();
    let (real, address) = world.coordinator("127.0.0.1:0");
    let refused = world.run(&[
        "worker",
        "--noop",
        "--coordinator",
        &address,
        "--scratch",
        "w",
    ]);
    assert_eq!(refused.code, Some(12), "{}", refused.stderr);
    assert!(refused.stderr.contains("do not mix"), "{}", refused.stderr);
    assert!(submit(&world, "real", 0, 1, &address).0);
    drop(real);
    let arguments = ["coordinator", "--state", "state", "--listen", "127.0.0.1:0"];
    let ended = world.run(&[&arguments[..], &["--noop"]].concat());
    assert_eq!(ended.code, Some(13), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("holds jobs of real training"),
        "{}",
        ended.stderr
    );

    let (noop, address) = start(&world, "pretended", "127.0.0.1:0");
    assert!(submit(&world, "real", 0, 1, &address).0);
    drop(noop);
    let ended = world.run(&["report", "real", "--state", "pretended", "--out", "out"]);
    assert_eq!(ended.code, Some(13), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("holds no-op jobs"),
        "{}",
        ended.stderr
    );
}
