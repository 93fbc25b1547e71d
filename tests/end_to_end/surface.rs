//! What people and programs see of a running coordinator.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::world::{World, eventually};

/// The body and the status line of a page.
fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_sweep_is_told_as_it_is_to_people_and_programs() {
    let world = World::new();
    let sweep = world.tiny_sweep(1, 2);
    let text = std::fs::read_to_string(&sweep).unwrap()
        + "[[variant]]\nname = \"far\"\njob = { learning_rate = 10.0 }\n";
    world.write("tiny.toml", &text);
    let process = world.start(&[
        "coordinator",
        "--state",
        "state",
        "--listen",
        "127.0.0.1:0",
        "--address-file",
        "address",
        "--http",
        "127.0.0.1:0",
        "--http-address-file",
        "http",
        "--log-json",
    ]);
    let line = |name: &str| {
        eventually(name, || {
            std::fs::read_to_string(world.path(name))
                .ok()
                .filter(|text| text.ends_with('\n'))
        })
        .trim()
        .to_owned()
    };
    let (address, http) = (line("address"), line("http"));
    let ask = |arguments: &[&str]| world.run(&[arguments, &["--coordinator", &address]].concat());
    let json = |arguments: &[&str]| -> serde_json::Value {
        let ended = ask(&[arguments, &["--format", "json"]].concat());
        assert_eq!(ended.code, Some(0), "{arguments:?} {}", ended.stderr);
        serde_json::from_str(&ended.stdout).unwrap()
    };
    assert!(get(&http, "/healthz").contains("200 OK"));
    assert!(get(&http, "/readyz").contains("200 OK"));

    assert_eq!(ask(&["submit", "tiny.toml"]).code, Some(0));
    let jobs = json(&["status", "tiny"]);
    let job = |status: &serde_json::Value, variant: &str| {
        let jobs = status["jobs"].as_array().unwrap();
        let job = jobs.iter().find(|job| job["variant"] == variant).unwrap();
        job["job_id"].as_str().unwrap().to_owned()
    };
    let far = job(&jobs, "far");
    let why = json(&["explain", &far]);
    assert_eq!(why["status"], "pending");
    assert!(!why["reasons"].as_array().unwrap().is_empty(), "{why}");
    let waiting = ask(&["logs", &far]);
    assert_eq!(waiting.stdout, "");
    assert!(
        waiting.stderr.contains("did not start yet"),
        "{}",
        waiting.stderr
    );
    assert_eq!(json(&["pause", "tiny"])["changed"], 3);
    assert_eq!(json(&["resume", "tiny"])["changed"], 3);

    let worker = world.worker("one", &address);
    let watched = ask(&["watch", "tiny", "--format", "json"]);
    assert_eq!(watched.code, Some(0), "{}", watched.stderr);
    let events: Vec<serde_json::Value> = watched
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events[0]["event"], "jobs");
    assert!(
        events
            .iter()
            .any(|event| event["event"] == "job" && event["status"] == "done"),
        "{}",
        watched.stdout
    );

    let explained = ask(&["explain", &far]);
    assert!(
        explained.stdout.contains("done by attempt 1 on `one`"),
        "{}",
        explained.stdout
    );
    // A settled job's log ends by itself.
    assert_eq!(ask(&["logs", "-f", &far]).code, Some(0));
    assert_eq!(ask(&["logs", "-f", &far, "--attempt", "1"]).code, Some(0));
    assert!(
        ask(&["logs", &far, "--attempt", "99"])
            .stderr
            .contains("had no attempt 99"),
    );
    assert_eq!(json(&["workers"])[0]["name"], "one");

    let page = eventually("the counts of the last second", || {
        Some(get(&http, "/metrics")).filter(|page| page.contains("gcl_jobs{status=\"done\"} 3"))
    });
    for line in [
        "gcl_attempts_total{outcome=\"started\"} 3",
        "gcl_attempts_total{outcome=\"done\"} 3",
        "gcl_workers{state=\"active\"} 1",
        "gcl_rpc_total{call=\"Finish\",code=\"0\"} 3",
        "gcl_journal_commit_seconds_count",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
    worker.terminate();
    drop(worker);
    process.terminate();
    assert_eq!(process.wait(), Some(0));
    let log = std::fs::read_to_string(world.path("coordinator.log")).unwrap();
    assert!(
        log.lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .any(|line| line["fields"]["worker"] == "one"),
        "{log}"
    );
}

#[test]
fn a_workers_name_is_no_command_of_a_terminal() {
    let world = World::new();
    let sweep = world.tiny_sweep(1, 1);
    let text = std::fs::read_to_string(&sweep).unwrap();
    world.write("tiny.toml", &text.replace("\"tiny\"", "\"ti\u{202e}ny\""));
    let (process, address) = world.coordinator_with(&["--noop", "--listen", "127.0.0.1:0"]);
    let address = address.as_str();
    let evil = "w\n2026 ERROR lost\u{1b}]0;owned\u{7}\u{1b}[31mred\u{9b}2J\u{202e}";
    let worker = world.start(&[
        "worker",
        "--noop",
        "--noop-lanes",
        "1",
        "--noop-milliseconds",
        "600000",
        "--coordinator",
        address,
        "--scratch",
        "scratch",
        "--name",
        evil,
    ]);
    let ask = |arguments: &[&str]| {
        let ended = world.run(&[arguments, &["--coordinator", address]].concat());
        format!("{}{}", ended.stdout, ended.stderr)
    };
    let submitted = ask(&["submit", "tiny.toml"]);
    let json = eventually("the worker", || {
        let json: serde_json::Value =
            serde_json::from_str(&ask(&["workers", "--format", "json"])).ok()?;
        (json[0]["running"] == 1).then_some(json)
    });
    let name = json[0]["name"].as_str().unwrap();
    assert!(
        name.contains("lost") && !name.contains(char::is_control),
        "the worker says its name without commands: {name:?}"
    );
    let sweeps = ask(&["status"]);
    let status: serde_json::Value =
        serde_json::from_str(&ask(&["status", "ti\u{202e}ny", "--format", "json"])).unwrap();
    let jobs = status["jobs"].as_array().unwrap();
    let explained: Vec<String> = jobs
        .iter()
        .map(|job| ask(&["explain", job["job_id"].as_str().unwrap()]))
        .collect();
    let said = [
        submitted,
        sweeps,
        explained.concat(),
        ask(&["workers"]),
        ask(&["workers", "--format", "json"]),
        ask(&["status", "ti\u{202e}ny"]),
        ask(&["drain", evil]),
        ask(&["cancel", "nobody"]),
    ];
    drop(worker);
    process.terminate();
    assert_eq!(process.wait(), Some(0));
    let log = std::fs::read_to_string(world.path("coordinator.log")).unwrap();
    assert!(log.contains("\\u{1b}[31mred"), "the log names it: {log}");
    for text in said.iter().chain([&log]) {
        let obeyed = |letter: char| letter.is_control() && letter != '\n' || letter == '\u{202e}';
        assert!(!text.contains(obeyed), "{text:?}");
        let forged = text.lines().any(|line| line.starts_with("2026 ERROR"));
        assert!(!forged, "a name makes no line: {text}");
    }
}

#[test]
fn the_program_alone_says_what_can_be_typed_next() {
    let world = World::new();
    let greeting = world.run(&[]);
    assert_eq!(greeting.code, Some(0), "{}", greeting.stderr);
    let commands: Vec<Vec<&str>> = greeting
        .stdout
        .lines()
        .filter(|line| line.starts_with("    "))
        .map(|line| line.split_whitespace().skip(1).collect())
        .collect();
    assert!(commands.len() > 5, "{}", greeting.stdout);
    for command in commands {
        // What a run does is tested elsewhere: here that there is something to run.
        let words: Vec<&str> = match command.as_slice() {
            ["run", file, ..] => vec!["plan", file],
            ["new"] => vec!["new", "--help"],
            words => words.to_vec(),
        };
        let ended = world.run(&words);
        assert_eq!(ended.code, Some(0), "{words:?}: {}", ended.stderr);
    }
}
