//! Workers that share a host, a folder and a command line, and workers whose starter dies.

use std::process::Stdio;

use crate::world::{Process, World, eventually};

/// The numbers of the processes whose command line has all of these words.
fn processes(words: &[&str]) -> Vec<u32> {
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| {
            let id: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let line = std::fs::read(format!("/proc/{id}/cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).into_owned();
            words.iter().all(|word| line.contains(word)).then_some(id)
        })
        .collect()
}

#[test]
fn a_run_that_was_killed_goes_on_when_its_command_is_typed_again_at_once() {
    let world = World::new();
    world.slow_sweep(2);
    let folder = world.path("");
    let folder = folder.to_str().unwrap();
    let command = [
        "run",
        "tiny.toml",
        "--out",
        "out",
        "--workers",
        "2",
        "--threads",
        "1",
        // An absolute path names this test's processes among all.
        "--state",
    ];
    let state = world.path("state");
    let mut command: Vec<&str> = command.to_vec();
    command.push(state.to_str().unwrap());
    let of_worker = |name: &str| world.path(&format!("state/scratch/{name}/spool/leases.json"));
    for _ in 0..2 {
        let run = world.start(&command);
        eventually("workers with jobs", || {
            ["local-1", "local-2"]
                .iter()
                .all(|name| std::fs::read(of_worker(name)).is_ok_and(|text| text.len() > 2))
                .then_some(())
        });
        run.kill();
    }
    let ended = world.run(&command);
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    assert!(processes(&["--exit-with-stdin", folder]).is_empty());
}

#[test]
fn workers_of_a_killed_group_do_not_outlive_it() {
    let world = World::new();
    let (_coordinator, address) = world.coordinator("127.0.0.1:0");
    let group = world.start(&[
        "worker",
        "--coordinator",
        &address,
        "--device",
        "all",
        "--pretend-devices",
        "2",
    ]);
    let words = ["--part-of-group", &*address];
    eventually("both workers", || {
        (processes(&words).len() == 2).then_some(())
    });
    group.kill();
    eventually("their end", || processes(&words).is_empty().then_some(()));
}

#[test]
fn the_same_command_typed_twice_is_two_workers() {
    let world = World::new();
    let (_coordinator, address) = world.coordinator("127.0.0.1:0");
    let line = [
        "worker",
        "--coordinator",
        &address,
        "--device",
        "cpu",
        "--threads",
        "1",
    ];
    let typed = || {
        let child = world
            .command(&line)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Process(child.unwrap())
    };
    let workers = [typed(), typed()];
    let names = eventually("two workers", || {
        let ended = world.run_ok(&["workers", "--coordinator", &address, "--format", "json"]);
        let list: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        let mut names: Vec<String> = list
            .as_array()
            .unwrap()
            .iter()
            .map(|worker| worker["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        (names.len() == 2).then_some(names)
    });
    assert_eq!(names[1], format!("{}-2", names[0]));
    for worker in workers {
        worker.terminate();
        assert_eq!(worker.wait(), Some(0));
    }
}

#[test]
fn what_a_worker_beside_another_left_is_delivered_by_who_comes_next() {
    let world = World::new();
    world.tiny_sweep(1, 2);
    let (_coordinator, address) = world.coordinator("127.0.0.1:0");
    world.run_ok(&["submit", "tiny.toml", "--coordinator", &address]);
    // Another worker's folder with a lease that it never handed back.
    let left = world.path("gcl-worker/spool-7");
    std::fs::create_dir_all(&left).unwrap();
    let lease = format!("[[\"{}\",1]]", "00".repeat(32));
    std::fs::write(left.join("leases.json"), lease).unwrap();
    let worker = world.start(&[
        "worker",
        "--coordinator",
        &address,
        "--device",
        "cpu",
        "--threads",
        "1",
        "--exit-after-jobs",
        "2",
    ]);
    assert_eq!(worker.wait(), Some(0));
    assert_eq!(
        std::fs::read_to_string(left.join("leases.json")).unwrap(),
        "[]"
    );
}
