//! `rehearse`: the whole road of a sweep on stand-ins, and nothing of it that could be taken for a result.

use crate::world::{World, csv, repository};

/// Two methods on a data set that is not here, with what workers would have to have.
fn sweep(world: &World, more: &str) {
    world.write(
        "sweep.toml",
        &format!(
            "name = \"campus\"\n[dataset]\nname = \"shanghaitech-resnext\"\ndigest = \"{digest}\"\n\
             [requirements]\ndevice = \"cuda\"\nlabels = [\"big\"]\nmemory_bytes = 80000000000\n\
             [job]\nepochs = 40\nbatch_size = 512\n[axes]\nseed = [3, 4]\n\
             [[variant]]\nname = \"AE\"\njob = {{ method = \"autoencoder\" }}\n\
             [[variant]]\nname = \"PT\"\njob = {{ pretraining = \"temporal-difference\", difference_threshold = 1e-9 }}\n\
             [report]\n{more}\n",
            digest = "ab".repeat(32)
        ),
    );
}

#[test]
fn a_sweep_is_rehearsed_without_its_data_and_says_what_it_will_need() {
    let world = World::new();
    sweep(
        &world,
        "figures = [\"fig5\", \"fig8\", \"roc\"]\ntables = [\"paired\"]",
    );
    let ended = world.run_ok(&["rehearse", "sweep.toml", "--device", "cpu"]);
    for said in [
        "4 cells, 4 jobs, 4 done",
        "What the real run will need",
        "--data shanghaitech-resnext=DIR",
        "device time",
    ] {
        assert!(ended.stdout.contains(said), "{said}:\n{}", ended.stdout);
    }
    assert!(
        ended.stderr.contains("238/199 videos, 10972/8980 rows"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("AUC"), "{}", ended.stderr);

    let out = world.path("out/rehearsal/campus");
    let lines = csv(&out.join("results.csv"));
    assert_eq!(lines.len(), 4);
    for line in &lines {
        assert_eq!(line["status"], "done");
        assert_eq!(line["sweep"], "campus (rehearsal)");
        assert_eq!(line["epochs"], "2");
    }
    for line in csv(&out.join("summary.csv")) {
        assert!(line["variant"].ends_with("(rehearsal)"), "{line:?}");
    }
    let page = std::fs::read_to_string(out.join("report/index.html")).unwrap();
    for said in ["This is a rehearsal", "gcl-sweep rehearse sweep.toml"] {
        assert!(page.contains(said), "{said}");
    }

    // Again, from the beginning.
    let again = world.run_ok(&["rehearse", "sweep.toml", "--format", "json"]);
    assert!(again.stderr.contains("4 to run"), "{}", again.stderr);
    let json: serde_json::Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(json["rehearsal"], true);
    assert_eq!((&json["jobs"], &json["done"]), (&4.into(), &4.into()));
    assert!(json["needs"]["device_s"].as_f64().unwrap() > 0.0);
    assert_eq!(json["needs"]["missing"][0], "shanghaitech-resnext");
}

#[test]
fn tables_of_a_rehearsal_say_so_wherever_they_go() {
    let world = World::new();
    world.tiny_sweep(2, 3);
    world.run_ok(&["rehearse", "tiny.toml", "--out", "out"]);
    for (from, out) in [("out", "all"), ("alone", "tables")] {
        if from == "alone" {
            std::fs::create_dir(world.path(from)).unwrap();
            let file = "results.csv";
            std::fs::copy(world.path("out").join(file), world.path(from).join(file)).unwrap();
        }
        let ended = world.run_ok(&["report", "--from", from, "--out", out]);
        assert!(
            ended.stdout.contains("rehearsal on stand-ins"),
            "{}",
            ended.stdout
        );
        let about = std::fs::read_to_string(world.path(out).join("sweep.json")).unwrap();
        let about: serde_json::Value = serde_json::from_str(&about).unwrap();
        assert_eq!(
            (&about["sweep"], &about["rehearsal"]),
            (&"tiny".into(), &true.into())
        );
        let lines = csv(&world.path(out).join("results.csv"));
        assert!(
            lines.iter().all(|line| line["sweep"] == "tiny (rehearsal)"),
            "{lines:?}"
        );
    }
    // Its state folder is read as what it is.
    let arguments = ["report", "tiny", "--state", "out/state", "--out", "state"];
    world.run_ok(&arguments);
    let about = std::fs::read_to_string(world.path("state/sweep.json")).unwrap();
    assert!(about.contains("\"rehearsal\": true"), "{about}");
    let arguments = ["export", "tiny", "--state", "out/state", "--format", "json"];
    let cells: serde_json::Value = serde_json::from_str(&world.run_ok(&arguments).stdout).unwrap();
    assert_eq!(cells[0]["rehearsal"], true);
}

#[test]
fn a_file_that_asks_for_what_its_sweep_cannot_have_is_wrong() {
    let world = World::new();
    sweep(
        &world,
        "figures = [\"convergence\", \"fig6\", \"fig7\", \"fig9\"]",
    );
    let ended = world.run(&["rehearse", "sweep.toml", "--out", "out"]);
    assert_eq!(ended.code, Some(10), "{}", ended.stderr);
    for said in ["fig6: it needs", "fig7: it needs", "fig9: it needs"] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    assert!(!ended.stderr.contains("convergence:"), "{}", ended.stderr);
    assert!(
        ended.stdout.contains("not drawn: fig6, fig7, fig9"),
        "{}",
        ended.stdout
    );
}

#[test]
fn rehearsals_and_real_runs_do_not_mix() {
    let world = World::new();
    world.tiny_sweep(1, 1);
    world.run_ok(&["rehearse", "tiny.toml", "--out", "rehearsed"]);
    let ended = world.run(&["run", "tiny.toml", "--out", "rehearsed"]);
    assert_eq!(ended.code, Some(13), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("holds jobs of a rehearsal"),
        "{}",
        ended.stderr
    );
    let ended = world.run(&["plan", "tiny.toml", "--state", "rehearsed/state"]);
    assert_eq!(ended.code, Some(13), "{}", ended.stderr);

    world.run_ok(&["run", "tiny.toml", "--out", "real"]);
    let results = std::fs::read(world.path("real/results.csv")).unwrap();
    let ended = world.run(&["rehearse", "tiny.toml", "--out", "real"]);
    assert_eq!(ended.code, Some(13), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("holds results of a real run"),
        "{}",
        ended.stderr
    );
    std::fs::remove_file(world.path("real/results.csv")).unwrap();
    let ended = world.run(&["rehearse", "tiny.toml", "--out", "real"]);
    assert_eq!(ended.code, Some(13), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("holds jobs of real training"),
        "{}",
        ended.stderr
    );
    let again = world.run_ok(&["run", "tiny.toml", "--out", "real"]);
    assert!(again.stderr.contains("nothing to run"), "{}", again.stderr);
    assert_eq!(
        std::fs::read(world.path("real/results.csv")).unwrap(),
        results
    );

    let (_coordinator, address) = world.coordinator("127.0.0.1:0");
    let refused = world.run(&[
        "worker",
        "--rehearsal",
        "--coordinator",
        &address,
        "--scratch",
        "w",
    ]);
    assert_eq!(refused.code, Some(12), "{}", refused.stderr);
    assert!(refused.stderr.contains("do not mix"), "{}", refused.stderr);
}

#[test]
fn a_folder_that_is_here_gives_its_shape() {
    let world = World::new();
    world.run_ok(&[
        "data",
        "synth",
        "folder",
        "--videos",
        "12",
        "--mean-length",
        "30",
        "--dimension",
        "24",
    ]);
    world.write(
        "sweep.toml",
        "name = \"own\"\n[dataset]\nname = \"our-street\"\n[job]\nepochs = 1\nbatch_size = 32\n",
    );
    let ended = world.run_ok(&[
        "rehearse",
        "sweep.toml",
        "--out",
        "out",
        "--data",
        "our-street=folder",
    ]);
    for said in ["shape of its folder (8/4 videos", "24 dimensions"] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    assert!(
        ended.stdout.contains("missing  nothing"),
        "{}",
        ended.stdout
    );
    let ended = world.run_ok(&["rehearse", "sweep.toml", "--out", "unknown"]);
    assert!(
        ended.stderr.contains("nothing is known of it")
            && ended
                .stdout
                .contains("the width of `our-street` is assumed"),
        "{}\n{}",
        ended.stdout,
        ended.stderr
    );
}

/// Every method has something to learn on a stand-in, supervision and selections of every kind too; and so have the seven controls, which
/// learn nothing.
#[test]
fn every_method_of_table_1_trains() {
    let world = World::new();
    let file = repository().join("sweeps/small/table1.toml");
    let file = file.to_str().unwrap();
    let ended = world.run_ok(&["rehearse", file, "--out", "out", "--only", "seed=0"]);
    assert!(
        ended.stdout.contains("17 cells, 17 jobs, 17 done"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("not estimated"), "{}", ended.stdout);
    // One seed makes no pairs, but that is not the file's fault.
    assert!(
        ended
            .stderr
            .contains("these cells alone do not make paired"),
        "{}",
        ended.stderr
    );
}
