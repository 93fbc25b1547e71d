//! Data sets at the door.

use crate::world::World;

/// A data set made by `data synth`, and a sweep that names it.
fn world_with_data() -> World {
    let world = World::new();
    world.run_ok(&[
        "data",
        "synth",
        "data",
        "--videos",
        "9",
        "--mean-length",
        "6",
        "--dimension",
        "8",
        "--seed",
        "3",
    ]);
    world.write(
        "named.toml",
        "name = \"named\"\n[dataset]\nname = \"mine\"\n[job]\nepochs = 1\nbatch_size = 8\n",
    );
    world
}

fn some_features(world: &World) -> std::path::PathBuf {
    let list = std::fs::read_to_string(world.path("data/train.csv")).unwrap();
    let features = list
        .lines()
        .nth(1)
        .unwrap()
        .split(',')
        .nth(1)
        .unwrap()
        .to_owned();
    world.path("data").join(features)
}

#[test]
fn synthetic_data_is_a_data_set_like_any_other_and_says_what_it_is() {
    let world = world_with_data();
    let shown = world.run_ok(&["data", "inspect", "data"]).stdout;
    assert!(shown.contains("synthetic"), "{shown}");
    world.run_ok(&["run", "named.toml", "--data", "mine=data", "--out", "out"]);
    let page = std::fs::read_to_string(world.path("out/report/index.html")).unwrap();
    assert!(page.contains("synthetic"));
}

#[test]
fn a_nan_a_short_file_and_a_wrong_dimension_are_refused_by_name() {
    let break_with = |damage: &dyn Fn(&mut Vec<u8>)| {
        let world = world_with_data();
        let path = some_features(&world);
        let mut bytes = std::fs::read(&path).unwrap();
        damage(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        for arguments in [
            ["run", "named.toml", "--data", "mine=data"],
            ["plan", "named.toml", "--data", "mine=data"],
        ] {
            let ended = world.run(&arguments);
            assert_eq!(ended.code, Some(10), "{}", ended.stderr);
            assert!(ended.stderr.contains(&name), "{name}: {}", ended.stderr);
        }
        assert_eq!(world.run(&["data", "inspect", "data"]).code, Some(10));
    };
    break_with(&|bytes| {
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    break_with(&|bytes| bytes.truncate(bytes.len() - 4));
    let world = world_with_data();
    let text = std::fs::read_to_string(world.path("data/dataset.toml")).unwrap();
    world.write(
        "data/dataset.toml",
        &text.replace("feature_dim = 8", "feature_dim = 9"),
    );
    let ended = world.run(&["run", "named.toml", "--data", "mine=data"]);
    assert_eq!(ended.code, Some(10), "{}", ended.stderr);
    assert!(ended.stderr.contains(".npy"), "{}", ended.stderr);
}

#[test]
fn another_data_set_than_the_one_demanded_is_refused() {
    let world = world_with_data();
    world.write(
        "named.toml",
        &format!(
            "name = \"n\"\n[dataset]\nname = \"mine\"\ndigest = \"{}\"\n",
            "0".repeat(64)
        ),
    );
    let ended = world.run(&["run", "named.toml", "--data", "mine=data"]);
    assert_eq!(ended.code, Some(10), "{}", ended.stderr);
    assert!(ended.stderr.contains("demand"), "{}", ended.stderr);
}

#[test]
fn jobs_that_fail_are_said_and_tried_again_when_asked() {
    let world = world_with_data();
    let list = std::fs::read_to_string(world.path("data/train.csv")).unwrap();
    let unlabelled = list.lines().map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        if fields[0] == "video" {
            line.to_owned()
        } else {
            format!("{},{},{},,", fields[0], fields[1], fields[2])
        }
    });
    let unlabelled: Vec<String> = unlabelled.collect();
    world.write("data/train.csv", &(unlabelled.join("\n") + "\n"));
    world.write(
        "named.toml",
        "name = \"named\"\n[dataset]\nname = \"mine\"\n[job]\nepochs = 1\nbatch_size = 8\n\
         [[variant]]\nname = \"OCC\"\njob = { pretraining = \"normal-only\" }\n[[variant]]\nname = \"B\"\n",
    );
    let arguments = [
        "run",
        "named.toml",
        "--data",
        "mine=data",
        "--out",
        "out",
        "--workers",
        "1",
    ];
    let first = world.run(&arguments);
    assert_eq!(first.code, Some(11), "{}", first.stderr);
    assert!(
        first.stderr.contains("train.csv has none"),
        "{}",
        first.stderr
    );
    let lines = crate::world::csv(&world.path("out/results.csv"));
    let status = |variant: &str| {
        lines
            .iter()
            .find(|line| line["variant"] == variant)
            .unwrap()["status"]
            .clone()
    };
    assert_eq!(
        (status("B").as_str(), status("OCC").as_str()),
        ("done", "failed")
    );
    let page = std::fs::read_to_string(world.path("out/report/index.html")).unwrap();
    assert!(page.contains("train.csv has none"), "the report says why");
    let second = world.run(&arguments);
    assert_eq!(second.code, Some(11), "{}", second.stderr);
    assert!(
        second
            .stderr
            .contains("1 failed before and are tried again"),
        "{}",
        second.stderr
    );
}
