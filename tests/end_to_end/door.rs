//! A run belongs to whoever started it, and that user's other commands reach it.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use client::{Bearer, CallError, Client, Keys};
use nix::sys::signal::Signal;
use proto::Reason;

use crate::world::{Process, World, csv, eventually};

/// A run that is in the middle of its jobs, and where it listens.
fn run(world: &World) -> (Process, String) {
    let run = world.start(&[
        "run",
        "tiny.toml",
        "--out",
        "out",
        "--workers",
        "1",
        "--threads",
        "1",
    ]);
    let door = world.path("out/state/door/run.json");
    let address = eventually("the door of the run", || {
        let door: serde_json::Value = serde_json::from_slice(&std::fs::read(&door).ok()?).ok()?;
        Some(door["address"].as_str()?.to_owned())
    });
    eventually("a job that runs", || {
        let status = world.run(&["status", "--out", "out", "--format", "json"]);
        let sweeps: serde_json::Value = serde_json::from_str(&status.stdout).ok()?;
        (sweeps[0]["counts"]["running"] == 1).then_some(())
    });
    (run, address)
}

#[test]
fn a_run_lets_in_its_owner_alone() {
    let world = World::new();
    world.slow_sweep(2);
    let (_run, address) = run(&world);
    let mode = |name: &str| {
        let found = std::fs::metadata(world.path("out/state").join(name)).unwrap();
        found.permissions().mode() & 0o777
    };
    assert_eq!(mode("door"), 0o700);
    assert_eq!((mode("door/run.json"), mode("door/token")), (0o600, 0o600));
    let token = std::fs::read_to_string(world.path("out/state/door/token")).unwrap();
    for process in std::fs::read_dir("/proc").unwrap() {
        let told = std::fs::read(process.unwrap().path().join("cmdline")).unwrap_or_default();
        let told = String::from_utf8_lossy(&told);
        assert!(
            !told.contains(token.trim()),
            "everybody reads arguments: {told}"
        );
    }

    // Whoever knows the address alone is told nothing, by no call.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        for wrong in [None, Some("x"), Some("0".repeat(64).as_str())] {
            let channel = client::dial(&address, &Keys::default()).unwrap();
            let client = Client::new(channel.clone(), Bearer::new(wrong).unwrap());
            let stranger = |error: CallError| {
                let CallError::Refused { reason, .. } = error else {
                    panic!("{error}");
                };
                assert_eq!(reason, Some(Reason::Unauthenticated));
            };
            stranger(client.sweeps().await.err().unwrap());
            stranger(client.watch(Some("tiny")).await.err().unwrap());
            let mut grpc = tonic::client::Grpc::new(channel);
            for call in proto::CALLS {
                grpc.ready().await.unwrap();
                let path = tonic::codegen::http::uri::PathAndQuery::from_static(call);
                let answer = grpc
                    .server_streaming(tonic::Request::new(()), path, empty::Codec)
                    .await;
                let refused = answer.err().map(|status| status.code());
                assert_eq!(refused, Some(tonic::Code::Unauthenticated), "{call}");
            }
        }
    });
    let stranger = world.run(&["cancel", "tiny", "--coordinator", &address]);
    assert_eq!(stranger.code, Some(12), "{}", stranger.stderr);
    assert!(
        stranger.stderr.contains("a token is needed"),
        "{}",
        stranger.stderr
    );
}

/// Messages without a byte.
mod empty {
    use tonic::Status;
    use tonic::codec::{DecodeBuf, Decoder, EncodeBuf, Encoder};

    #[derive(Default)]
    pub(super) struct Codec;

    impl tonic::codec::Codec for Codec {
        type Encode = ();
        type Decode = ();
        type Encoder = Self;
        type Decoder = Self;
        fn encoder(&mut self) -> Self {
            Self
        }
        fn decoder(&mut self) -> Self {
            Self
        }
    }

    impl Encoder for Codec {
        type Item = ();
        type Error = Status;
        fn encode(&mut self, (): (), _: &mut EncodeBuf<'_>) -> Result<(), Status> {
            Ok(())
        }
    }

    impl Decoder for Codec {
        type Item = ();
        type Error = Status;
        fn decode(&mut self, _: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
            Ok(Some(()))
        }
    }
}

#[test]
fn an_open_run_prints_the_address_of_its_page_which_lets_in_its_owner_alone() {
    use std::io::{Read, Write};
    let world = World::new();
    world.slow_sweep(1);
    let arguments = [
        "run",
        "tiny.toml",
        "--out",
        "out",
        "--workers",
        "1",
        "--threads",
        "1",
        "--open",
    ];
    let _run = world.start(&arguments);
    let line = eventually("the address of the page", || {
        let log = std::fs::read_to_string(world.path("run.log")).ok()?;
        let line = log
            .lines()
            .find(|line| line.contains("/live?sweep=tiny#token="))?;
        Some(line.to_owned())
    });
    let address = line.split("http://").nth(1).unwrap();
    let (page, token) = address.split_once("#token=").unwrap();
    let (host, path) = page.split_at(page.find('/').unwrap());
    let own = std::fs::read_to_string(world.path("out/state/door/token")).unwrap();
    assert_eq!(token, own.trim());
    let get = |path: &str, more: &str| {
        let mut stream = std::net::TcpStream::connect(host).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{more}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    assert!(get(path, "").starts_with("HTTP/1.1 401"));
    let bearer = format!("authorization: Bearer {token}\r\n");
    assert!(get(path, &bearer).starts_with("HTTP/1.1 200"));
    eventually("the sweep on the page", || {
        get("/live/sweeps", &bearer)
            .contains("\"name\":\"tiny\"")
            .then_some(())
    });
    assert!(!get("/live/sweeps", "").contains("tiny"));
}

#[test]
fn every_command_of_its_user_finds_the_run() {
    let world = World::new();
    world.slow_sweep(2);
    let (process, address) = run(&world);
    // What the environment says of a coordinator is of another one.
    let ask = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        command.args(["--out", "out"]);
        command.env("GCL_COORDINATOR", "http://127.0.0.1:1");
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{arguments:?} {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let status: serde_json::Value =
        serde_json::from_str(&ask(&["status", "tiny", "--format", "json"])).unwrap();
    let job = status["jobs"][3]["job_id"].as_str().unwrap();
    assert_eq!(ask(&["pause", "tiny"]).trim(), "3 jobs paused");
    assert!(ask(&["explain", job]).contains("paused"));
    assert_eq!(ask(&["resume", "tiny"]).trim(), "3 jobs resumed");
    assert!(ask(&["workers"]).contains("local-1"));
    ask(&["logs", job]);
    assert_eq!(ask(&["cancel", job]).trim(), "1 job cancelled");
    assert_eq!(ask(&["retry", job]).trim(), "1 job queued again");
    assert!(ask(&["audit", "tiny"]).contains("finished jobs chosen"));
    assert!(ask(&["drain", "local-1"]).contains("1 worker told to go"));

    // Without a coordinator named, the folder of the run is what is meant.
    let export = world.run_ok(&["export", "tiny", "--out", "out"]);
    assert_eq!(export.stdout.lines().count(), 1 + 4, "{}", export.stdout);
    world.run_ok(&["report", "tiny", "--out", "out"]);
    assert_eq!(csv(&world.path("out/results.csv")).len(), 4);

    let both = world.run(&["status", "--out", "out", "--coordinator", &address]);
    assert_eq!(both.code, Some(2), "{}", both.stderr);

    let second = world.run(&["run", "tiny.toml", "--out", "out"]);
    assert_eq!(second.code, Some(13), "{}", second.stderr);
    assert!(
        second
            .stderr
            .contains("`gcl-sweep status --out out/state` asks it"),
        "{}",
        second.stderr
    );
    let above = world.run(&["status", "--out", "."]);
    assert_eq!(above.code, Some(12), "{}", above.stderr);
    assert!(
        above.stderr.contains("one is under way in ./out"),
        "{}",
        above.stderr
    );

    let watch = world.command(&["watch", "tiny", "--out", "out"]);
    let watch = { watch }.stderr(Stdio::piped()).spawn().unwrap();

    // A terminal that is closed is a gentle end, and the door is gone with the run.
    process.signal(Signal::SIGHUP);
    assert_eq!(process.wait(), Some(130));
    let log = std::fs::read_to_string(world.path("run.log")).unwrap();
    assert!(log.contains("the same command goes on from there"), "{log}");
    assert!(!world.path("out/state/door").exists());
    // Whoever watches it is told, and waits for nobody.
    let watched = watch.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&watched.stderr).into_owned();
    assert_eq!(watched.status.code(), Some(12), "{told}");
    let ended = world.run(&["pause", "tiny", "--out", "out"]);
    assert_eq!(ended.code, Some(12), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("no run is under way in out"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_killed_run_is_known_and_goes_on_at_once() {
    let world = World::new();
    world.slow_sweep(2);
    let (process, _) = run(&world);
    let pid = process.0.id();
    process.kill();
    assert!(
        world.path("out/state/door/run.json").exists(),
        "nobody closed the door"
    );
    let killed = world.run(&["cancel", "tiny", "--out", "out"]);
    assert_eq!(killed.code, Some(12), "{}", killed.stderr);
    let expected = format!("no run is under way in out; the last one (process {pid}) was killed");
    assert!(killed.stderr.contains(&expected), "{}", killed.stderr);

    // What it left can be looked at, and nothing is changed by that.
    let looked = world.run_ok(&["status", "tiny", "--out", "out", "--format", "json"]);
    let said = "no run is under way in out, the last one was killed: reading its state folder";
    assert!(looked.stderr.contains(said), "{}", looked.stderr);
    let status: serde_json::Value = serde_json::from_str(&looked.stdout).unwrap();
    assert_eq!(status["jobs"].as_array().unwrap().len(), 4, "{status}");

    let again = world.run_ok(&["run", "tiny.toml", "--out", "out", "--workers", "1"]);
    assert!(again.stderr.contains("all 4 jobs done"), "{}", again.stderr);
    assert!(!again.stderr.contains("spool"), "{}", again.stderr);
    let ended = world.run_ok(&["status", "tiny", "--out", "out"]);
    assert!(
        ended.stderr.contains("4 done (settled)"),
        "{}",
        ended.stderr
    );
}

#[test]
fn two_signals_at_once_are_one_wish() {
    let world = World::new();
    world.slow_sweep(2);
    let (process, _) = run(&world);
    // As `timeout` sends them: to the process, and to its group.
    process.signal(Signal::SIGTERM);
    process.signal(Signal::SIGTERM);
    process.signal(Signal::SIGINT);
    assert_eq!(process.wait(), Some(130));
    let log = std::fs::read_to_string(world.path("run.log")).unwrap();
    assert!(!log.contains("leaving at once"), "{log}");
    assert!(log.contains("the same command goes on from there"), "{log}");
}

#[test]
fn a_reader_who_left_ends_a_watch_quietly() {
    let world = World::new();
    world.slow_sweep(2);
    let (_run, _) = run(&world);
    let mut watch = world
        .command(&["watch", "tiny", "--out", "out", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // As `| head -0` does.
    drop(watch.stdout.take());
    let ended = watch.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}

#[test]
fn a_run_that_is_interrupted_and_typed_again_at_once_goes_on() {
    for signal in [Signal::SIGHUP, Signal::SIGTERM, Signal::SIGINT] {
        let world = World::new();
        world.slow_sweep(2);
        let (first, _) = run(&world);
        first.signal(signal);
        // The first still hands its job back and writes its report.
        let second = world.start(&[
            "run",
            "tiny.toml",
            "--out",
            "out",
            "--workers",
            "1",
            "--threads",
            "1",
        ]);
        let door = world.path("out/state/door/run.json");
        eventually("the door of the second run", || {
            let door: serde_json::Value =
                serde_json::from_slice(&std::fs::read(&door).ok()?).ok()?;
            (door["pid"] == second.0.id()).then_some(())
        });
    }
}

/// Batch systems announce the end of an allocation by these; by themselves they would kill.
#[test]
fn an_announced_end_is_a_gentle_one() {
    for signal in [Signal::SIGUSR1, Signal::SIGUSR2] {
        let world = World::new();
        world.slow_sweep(2);
        let (first, _) = run(&world);
        first.signal(signal);
        assert_eq!(first.wait(), Some(130), "{signal}");
    }
}
