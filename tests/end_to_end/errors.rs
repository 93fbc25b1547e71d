//! What a person reads when something is wrong, and the exit code that a script sees.

use crate::world::World;

#[test]
fn five_faults_are_five_messages_with_carets() {
    let world = World::new();
    world.write(
        "faulty.toml",
        "name = \"faulty\"\n[dataset]\nname = \"d\"\n[job]\nepohcs = 15\nbatch_size = -1\nlearning_rate = \"fast\"\n\
         [axes]\nseed = []\n\"negative_learning.target\" = [\"zeros\"]\n",
    );
    for command in ["plan", "run"] {
        let ended = world.run(&[command, "faulty.toml"]);
        assert_eq!(ended.code, Some(10));
        assert_eq!(
            ended.stderr.matches("error: ").count(),
            5,
            "{}",
            ended.stderr
        );
        assert_eq!(
            ended
                .stderr
                .lines()
                .filter(|line| line.contains('^'))
                .count(),
            5,
            "{}",
            ended.stderr
        );
        assert!(
            ended.stderr.contains("did you mean `epochs`"),
            "{}",
            ended.stderr
        );
        assert!(ended.stderr.contains("faulty.toml:5"), "{}", ended.stderr);
        assert!(ended.stdout.is_empty());
    }
}

#[test]
fn a_missing_file_and_an_unknown_data_set_are_invalid_input() {
    let world = World::new();
    let ended = world.run(&["run", "nowhere.toml"]);
    assert_eq!(ended.code, Some(10));
    assert!(ended.stderr.contains("nowhere.toml"));
    world.write("named.toml", "name = \"n\"\n[dataset]\nname = \"mine\"\n");
    let ended = world.run(&["run", "named.toml", "--out", "out"]);
    assert_eq!(ended.code, Some(10));
    assert!(ended.stderr.contains("--data mine=DIR"), "{}", ended.stderr);
}

#[test]
fn a_wrong_command_line_is_usage() {
    let world = World::new();
    assert_eq!(world.run(&["rnu"]).code, Some(2));
    assert_eq!(
        world
            .run(&["run", "x.toml", "--data", "no-equals-sign"])
            .code,
        Some(2)
    );
}

#[test]
fn no_coordinator_is_unreachable() {
    let world = World::new();
    let ended = world.run(&["status", "--coordinator", "http://127.0.0.1:9"]);
    assert_eq!(ended.code, Some(12));
    assert!(ended.stderr.contains("127.0.0.1:9"), "{}", ended.stderr);
}

#[test]
fn a_port_beyond_loopback_needs_a_key() {
    let world = World::new();
    let ended = world.run(&["coordinator", "--state", "state", "--listen", "0.0.0.0:0"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("--insecure"), "{}", ended.stderr);
}

#[test]
fn a_state_folder_that_cannot_be_used_says_so() {
    let world = World::new();
    world.write("state", "a file, no folder");
    world.tiny_sweep(1, 1);
    let ended = world.run(&["run", "tiny.toml", "--out", "out", "--state", "state"]);
    assert_eq!(ended.code, Some(13), "{}", ended.stderr);
}

#[test]
fn every_parameter_is_listed() {
    let world = World::new();
    let listed = world.run_ok(&["params", "--format", "json"]).stdout;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    for name in [
        "epochs",
        "negative_learning.sigma",
        "threshold.discriminator",
        "score_smoothing",
    ] {
        assert!(
            listed
                .as_array()
                .unwrap()
                .iter()
                .any(|entry| entry["name"] == name),
            "{name}"
        );
    }
    assert!(
        world
            .run_ok(&["params", "sigma"])
            .stdout
            .contains("negative_learning.sigma")
    );
}

#[test]
fn help_completions_and_manual_are_there() {
    let world = World::new();
    assert!(
        world
            .run_ok(&["run", "--help"])
            .stdout
            .contains("--workers")
    );
    assert!(
        world
            .run_ok(&["completions", "bash"])
            .stdout
            .contains("gcl-sweep")
    );
    assert!(world.run_ok(&["man"]).stdout.contains("gcl-sweep"));
}

#[test]
fn a_gpu_that_is_not_there_is_not_a_misspelt_one() {
    let world = World::new();
    for (device, code) in [("cuda:99", 15), ("cuda99", 2)] {
        let ended = world.run(&["selftest", "--device", device]);
        assert_eq!(ended.code, Some(code), "{device}: {}", ended.stderr);
        assert!(ended.stderr.contains(device), "{}", ended.stderr);
        assert!(!ended.stderr.contains("<unknown>"), "{}", ended.stderr);
    }
}
