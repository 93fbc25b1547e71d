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

/// The card is the same at home and from a worker: what `data inspect --regime` prints stands in the report of a sweep with controls.
#[test]
fn what_kind_of_data_it_is_stands_in_every_report_with_controls() {
    let world = world_with_data();
    let shown = world
        .run_ok(&["data", "inspect", "data", "--regime"])
        .stdout;
    assert!(
        shown.contains("lies between videos") && shown.contains("expected"),
        "{shown}"
    );
    let text = std::fs::read_to_string(world.path("named.toml")).unwrap();
    world.write(
        "controlled.toml",
        &format!("{text}[report]\ncontrols = true\n"),
    );
    world.run_ok(&[
        "run",
        "controlled.toml",
        "--data",
        "mine=data",
        "--out",
        "out",
    ]);
    let json = world
        .run_ok(&["data", "inspect", "data", "--regime", "--format", "json"])
        .stdout;
    let told: serde_json::Value = serde_json::from_str(&json).unwrap();
    let about = std::fs::read_to_string(world.path("out/sweep.json")).unwrap();
    let about: serde_json::Value = serde_json::from_str(&about).unwrap();
    let (card, regime) = (&about["cards"]["mine"], &told["regime"]);
    for (key, number) in card.as_object().unwrap() {
        assert_eq!(*number, regime[key], "{key}");
    }
    let page = std::fs::read_to_string(world.path("out/report/index.html")).unwrap();
    assert!(page.contains("lies between videos"));
    // A sweep file that makes its data is inspected as a folder is; one that names them is told to name the folder.
    world.write("made.toml", "name = \"made\"\n[dataset.synthetic]\nvideos = 12\nmean_length = 5\ndimension = 8\nseed = 1\n");
    let shown = world
        .run_ok(&["data", "inspect", "made.toml", "--regime"])
        .stdout;
    assert!(
        shown.contains("synthetic") && shown.contains("expected"),
        "{shown}"
    );
    let ended = world.run(&["data", "inspect", "controlled.toml"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("name the folder"), "{}", ended.stderr);
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
    // Only a worker that has read the features knows that the filter keeps none of them.
    world.write(
        "named.toml",
        "name = \"named\"\n[dataset]\nname = \"mine\"\n[job]\n[[variant]]\nname = \"PCA\"\n\
         job = { method = \"pca\", pretraining = \"temporal-difference\", difference_threshold = 0.0 }\n\
         [[variant]]\nname = \"B\"\njob = { epochs = 1, batch_size = 8 }\n",
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
        first.stderr.contains("no segment is left to fit"),
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
        (status("B").as_str(), status("PCA").as_str()),
        ("done", "failed")
    );
    let page = std::fs::read_to_string(world.path("out/report/index.html")).unwrap();
    assert!(
        page.contains("no segment is left to fit"),
        "the report says why"
    );
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

/// `data/LIST` with each line's label and anomalous frames replaced.
fn relabel(world: &World, list: &str, line: impl Fn(usize, &[&str]) -> String) {
    let path = format!("data/{list}");
    let text = std::fs::read_to_string(world.path(&path)).unwrap();
    let mut lines = text.lines();
    let head = lines.next().unwrap().to_owned();
    let lines = lines.enumerate().map(|(index, text)| {
        let fields: Vec<&str> = text.split(',').collect();
        let [video, features, frames] = fields[..3] else {
            panic!("{text}");
        };
        format!("{video},{features},{frames},{}", line(index, &fields))
    });
    let lines: Vec<String> = std::iter::once(head).chain(lines).collect();
    world.write(&path, &(lines.join("\n") + "\n"));
}

/// Label and anomalous frames of the line of that number with these fields.
type Relabel = fn(usize, &[&str]) -> String;

/// A coordinator that nobody asks anything: what is refused is refused before.
const NOWHERE: [&str; 2] = ["--coordinator", "http://127.0.0.1:9"];

#[test]
fn a_test_split_without_truth_is_refused_before_anything_trains() {
    let labels: [(&str, Relabel, &str); 3] = [
        (
            "no truth",
            |_, _| ",".to_owned(),
            "3 of 3 test videos have neither a label",
        ),
        ("all normal", |_, _| "0,".to_owned(), "no anomalous frames"),
        (
            "all anomalous",
            |_, fields| format!("1,0-{}", fields[2]),
            "only anomalous frames",
        ),
    ];
    for (what, line, said) in labels {
        let world = world_with_data();
        relabel(&world, "test.csv", line);
        for command in ["plan", "run", "submit"] {
            let mut arguments = vec![command, "named.toml", "--data", "mine=data"];
            if command == "submit" {
                arguments.extend(NOWHERE);
            }
            let ended = world.run(&arguments);
            assert_eq!(ended.code, Some(10), "{what}, {command}: {}", ended.stderr);
            assert!(
                ended.stderr.contains(said) && ended.stderr.contains("test.csv names"),
                "{what}, {command}: {}",
                ended.stderr
            );
        }
        assert!(!world.path("out/named").exists());
    }
    // Some of it missing is said.
    let world = world_with_data();
    let whole = std::fs::read_to_string(world.path("data/test.csv")).unwrap();
    let normal = whole.lines().skip(1).position(|line| line.ends_with(",0,"));
    let normal = normal.expect("a normal test video");
    relabel(&world, "test.csv", |index, fields| {
        if index == normal {
            ",".to_owned()
        } else {
            fields[3..].join(",")
        }
    });
    let plan = world.run_ok(&["plan", "named.toml", "--data", "mine=data"]);
    assert!(
        plan.stderr
            .contains("1 of 3 test videos have neither a label"),
        "{}",
        plan.stderr
    );
}

#[test]
fn labels_that_jobs_need_and_the_data_lack_are_refused_before_anything_trains() {
    let variants = "[[variant]]\nname = \"B\"\n\
        [[variant]]\nname = \"OCC\"\njob.pretraining = \"normal-only\"\n\
        [[variant]]\nname = \"weak\"\njob.supervision_percent = 33\n\
        [[variant]]\nname = \"MIL\"\njob.method = \"mil-ranking\"\n";
    let text = "name = \"named\"\n[dataset]\nname = \"mine\"\n[job]\nepochs = 1\n";
    let plan = |world: &World, variants: &str| {
        world.write("named.toml", &format!("{text}{variants}"));
        world.run(&["plan", "named.toml", "--data", "mine=data"])
    };
    let world = world_with_data();
    assert_eq!(plan(&world, variants).code, Some(0));
    relabel(&world, "train.csv", |_, _| ",".to_owned());
    let none = plan(&world, variants);
    assert_eq!(none.code, Some(10), "{}", none.stderr);
    for name in ["OCC", "weak", "MIL"] {
        assert!(
            none.stderr
                .contains(&format!("`{name}` needs training videos")),
            "{name}: {}",
            none.stderr
        );
    }
    let unsupervised = plan(&world, "[[variant]]\nname = \"B\"\n");
    assert_eq!(unsupervised.code, Some(0), "{}", unsupervised.stderr);
    // Normal videos alone are enough for two of them.
    relabel(&world, "train.csv", |_, _| "0,".to_owned());
    let normal = plan(&world, variants);
    assert_eq!(normal.code, Some(10));
    let said = &normal.stderr;
    assert!(
        said.contains("`MIL` needs") && !said.contains("`OCC`") && !said.contains("`weak`"),
        "{said}"
    );
}

#[test]
fn a_folder_that_calls_itself_something_else_is_warned_of_and_recorded() {
    let world = world_with_data();
    let own = |text: &str| {
        let text = text.lines().map(|line| {
            if line.starts_with("name = ") {
                "name = \"ucsd-ped2\"".to_owned()
            } else {
                line.to_owned()
            }
        });
        text.collect::<Vec<_>>().join("\n") + "\n"
    };
    let toml = std::fs::read_to_string(world.path("data/dataset.toml")).unwrap();
    world.write("data/dataset.toml", &own(&toml));
    let warning = "calls itself `ucsd-ped2`, and the sweep takes it for `mine`";
    let plan = world.run_ok(&["plan", "named.toml", "--data", "mine=data"]);
    assert!(plan.stderr.contains(warning), "{}", plan.stderr);
    let run = world.run_ok(&["run", "named.toml", "--data", "mine=data", "--out", "out"]);
    assert!(run.stderr.contains(warning), "{}", run.stderr);
    // Made from the state folder alone, the report knows the same: the workers said it.
    world.run_ok(&["report", "named", "--state", "out/state", "--out", "again"]);
    for out in ["out", "again"] {
        let about = std::fs::read_to_string(world.path(out).join("sweep.json")).unwrap();
        let about: serde_json::Value = serde_json::from_str(&about).unwrap();
        let data = &about["datasets"][0];
        assert_eq!(data["own_name"], "ucsd-ped2", "{out}");
        assert_eq!(data["feature_dim"], 8, "{out}");
        assert_eq!(data["synthetic"], true, "{out}");
        assert_eq!(data["train"]["videos"], 6, "{out}");
        assert_eq!(data["test"]["videos"], 3, "{out}");
    }
    let matching = toml.lines().map(|line| {
        if line.starts_with("name = ") {
            "name = \"mine\""
        } else {
            line
        }
    });
    world.write(
        "data/dataset.toml",
        &(matching.collect::<Vec<_>>().join("\n") + "\n"),
    );
    let plan = world.run_ok(&["plan", "named.toml", "--data", "mine=data", "--out", "out"]);
    assert!(!plan.stderr.contains("calls itself"), "{}", plan.stderr);
    assert!(
        plan.stderr.contains("1 done, 0 to run"),
        "a name is no part of the digest: {}",
        plan.stderr
    );
}
