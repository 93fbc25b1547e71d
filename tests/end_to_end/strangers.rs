//! Workers that cannot be let in, and workers whose device cannot be used: they say so and go.

use crate::world::{Ended, Process, World};

/// A coordinator with those arguments besides, and its address.
fn coordinator(world: &World, more: &[&str]) -> (Process, String) {
    world.coordinator_with(&[&["--listen", "127.0.0.1:0"], more].concat())
}

/// Keys of a host with that name, in a folder of that name.
fn keys(world: &World, folder: &str, host: &str) {
    world.run_ok(&["tls", "init", "--out", folder, "--host", host]);
}

fn worker(world: &World, arguments: &[&str]) -> Ended {
    let usual = ["worker", "--device", "cpu", "--threads", "1"];
    world.run(&[&usual, arguments].concat())
}

#[test]
fn what_no_retry_cures_ends_a_worker_with_12() {
    let world = World::new();
    keys(&world, "keys", "127.0.0.1");
    keys(&world, "others", "127.0.0.1");
    let tls = [
        "--tls-certificate",
        "keys/server.pem",
        "--tls-key",
        "keys/server-key.pem",
        "--tls-client-ca",
        "keys/ca.pem",
    ];
    let (_coordinator, address) = coordinator(&world, &tls);
    let plain = address.replace("https://", "http://");
    let secure = plain.replace("http://", "https://");
    for (what, arguments, says) in [
        ("no authority", vec!["--coordinator", &secure], "--ca FILE"),
        (
            "another authority",
            vec!["--coordinator", &secure, "--ca", "others/ca.pem"],
            "--ca FILE",
        ),
        (
            "no certificate of its own",
            vec!["--coordinator", &secure, "--ca", "keys/ca.pem"],
            "--certificate FILE",
        ),
        ("plain HTTP", vec!["--coordinator", &plain], "https://"),
    ] {
        let ended = worker(&world, &arguments);
        assert_eq!(ended.code, Some(12), "{what}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{what}: {}", ended.stderr);
    }
}

#[test]
fn tls_where_there_is_none_and_a_token_that_is_refused_end_a_worker_with_12() {
    let world = World::new();
    keys(&world, "keys", "127.0.0.1");
    world.run_ok(&[
        "token", "create", "--state", "state", "--role", "worker", "--out", "right",
    ]);
    world.write("wrong", "gcl_nobody");
    let (_coordinator, address) = coordinator(&world, &[]);
    let secure = address.replace("http://", "https://");
    for (arguments, says) in [
        (
            vec!["--coordinator", &secure, "--ca", "keys/ca.pem"],
            "http://",
        ),
        (vec!["--coordinator", &address], "token"),
        (
            vec!["--coordinator", &address, "--token-file", "wrong"],
            "token",
        ),
    ] {
        let ended = worker(&world, &arguments);
        assert_eq!(ended.code, Some(12), "{}", ended.stderr);
        assert!(ended.stderr.contains(says), "{}", ended.stderr);
    }
}

#[test]
fn before_its_first_hello_the_idle_timeout_counts() {
    let world = World::new();
    // A port at which nobody listens, and a name that nobody knows.
    for address in ["http://127.0.0.1:9", "http://nobody.invalid:7070"] {
        let ended = worker(&world, &["--coordinator", address, "--idle-timeout", "1"]);
        assert_eq!(ended.code, Some(12), "{}", ended.stderr);
        assert!(ended.stderr.contains("idle timeout"), "{}", ended.stderr);
    }
}

#[test]
fn a_gpu_that_is_assigned_and_cannot_be_used_is_no_reason_to_take_the_cpu() {
    let world = World::new();
    let run = |device: &str, environment: &[(&str, &str)]| {
        let mut command = world.command(&[
            "worker",
            "--device",
            device,
            "--threads",
            "1",
            "--coordinator",
            "http://127.0.0.1:9",
            "--idle-timeout",
            "0.2",
        ]);
        let command = command.envs(environment.iter().copied());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    };
    // Where there is a GPU, this number is none.
    for environment in [
        &[("CUDA_VISIBLE_DEVICES", "77")][..],
        &[
            ("CUDA_VISIBLE_DEVICES", "77"),
            ("SLURM_JOB_GPUS", "0"),
            ("SLURM_JOB_ID", "5"),
        ],
    ] {
        let (code, said) = run("auto", environment);
        assert_eq!(code, Some(15), "{said}");
        assert!(said.contains("CUDA_VISIBLE_DEVICES=77"), "{said}");
        assert_eq!(run("cpu", environment).0, Some(12), "a named CPU is one");
    }
    for none in ["", "-1"] {
        let (code, said) = run("auto", &[("CUDA_VISIBLE_DEVICES", none)]);
        assert_eq!(code, Some(12), "{said}");
    }
}

#[test]
fn a_run_on_a_gpu_that_cannot_be_used_says_so_at_once() {
    let world = World::new();
    world.tiny_sweep(1, 1);
    let mut command = world.command(&["run", "tiny.toml", "--out", "out"]);
    let output = command.env("CUDA_VISIBLE_DEVICES", "77").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(15), "{said}");
    assert!(said.contains("CUDA_VISIBLE_DEVICES=77"), "{said}");
}

#[test]
fn a_training_job_has_a_log() {
    let world = World::new();
    world.tiny_sweep(1, 5);
    let (_coordinator, address) = world.coordinator("127.0.0.1:0");
    world.run_ok(&["submit", "tiny.toml", "--coordinator", &address]);
    let ended = worker(
        &world,
        &["--coordinator", &address, "--exit-after-jobs", "2"],
    );
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let status = world.run_ok(&[
        "status",
        "tiny",
        "--coordinator",
        &address,
        "--format",
        "json",
    ]);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    let job = status["jobs"][0]["job_id"].as_str().unwrap();
    let log = world
        .run_ok(&["logs", job, "--coordinator", &address])
        .stdout;
    for part in [
        "training begins: data set",
        "parameters: ",
        "data are ready",
        "epoch 1 of ",
        "training ended",
    ] {
        assert!(log.contains(part), "{part}:\n{log}");
    }
    assert!(log.lines().count() <= 20, "{log}");
}
