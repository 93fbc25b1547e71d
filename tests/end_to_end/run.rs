//! `run`: the main job.

use crate::world::{World, csv, eventually, what_was_found};

const RESULTS_HEAD: &str = "sweep,variant,seed,job_id,status,auc,auc_d,auc_g,best_epoch_auc_d,best_epoch_auc_g,\
    ap_d,ap_g,ano_auc_d,ano_auc_g,macro_auc_d,macro_auc_g,far_d,far_g,recall_at_fpr10_d,recall_at_fpr10_g,\
    epochs,duration_s,device,worker,attempts,error";

#[test]
fn a_sweep_runs_is_not_run_twice_and_grows() {
    let world = World::new();
    world.tiny_sweep(2, 3);
    let first = world.run_ok(&["run", "tiny.toml", "--out", "out", "--workers", "2"]);
    assert!(first.stderr.contains("4 jobs"), "{}", first.stderr);
    let lines = csv(&world.path("out/results.csv"));
    assert_eq!(lines.len(), 4);
    for line in &lines {
        assert_eq!(line["status"], "done");
        let auc: f64 = line["auc"].parse().unwrap();
        assert!((0.0..=1.0).contains(&auc));
        assert_eq!(line["auc_d"].is_empty(), line["variant"] == "AE");
        assert_eq!(line["epochs"], "3");
    }
    let text = std::fs::read_to_string(world.path("out/results.csv")).unwrap();
    assert_eq!(text.lines().next(), Some(RESULTS_HEAD));
    assert_eq!(csv(&world.path("out/epochs.csv")).len(), 4 * 3);
    assert_eq!(csv(&world.path("out/summary.csv")).len(), 2);
    let page = std::fs::read_to_string(world.path("out/report/index.html")).unwrap();
    assert!(
        page.contains("synthetic") && page.contains("GCL"),
        "the page says what it is about"
    );

    let second = world.run_ok(&["run", "tiny.toml", "--out", "out", "--workers", "2"]);
    assert!(
        second.stderr.contains("nothing to run"),
        "{}",
        second.stderr
    );
    assert_eq!(
        std::fs::read_to_string(world.path("out/results.csv")).unwrap(),
        text
    );

    world.tiny_sweep(3, 3);
    let third = world.run_ok(&["run", "tiny.toml", "--out", "out"]);
    assert!(third.stderr.contains("2 to run"), "{}", third.stderr);
    let grown = csv(&world.path("out/results.csv"));
    assert_eq!(grown.len(), 6);
    for line in &lines {
        assert!(
            grown.contains(line),
            "a finished job's line stays as it was: {line:?}"
        );
    }
}

/// What a changed file hides is kept as it was, and stands beside the new results in one report, told apart.
#[test]
fn the_version_before_is_kept_and_compared() {
    let world = World::new();
    let run = || world.run_ok(&["run", "tiny.toml", "--out", "out"]);
    world.tiny_sweep(2, 2);
    run();
    let old = std::fs::read(world.path("out/results.csv")).unwrap();
    // More seeds hide nothing.
    world.tiny_sweep(3, 2);
    assert!(!run().stderr.contains("were here before"));
    assert!(!world.path("out/versions").exists());
    let before = std::fs::read(world.path("out/results.csv")).unwrap();
    assert_ne!(old, before);
    world.tiny_sweep(3, 3);
    let told = run().stderr;
    assert!(told.contains("--from out/versions/1 --from out"), "{told}");
    let kept = std::fs::read(world.path("out/versions/1/results.csv")).unwrap();
    assert_eq!(kept, before);
    world.run_ok(&[
        "report",
        "--from",
        "out/versions/1",
        "--from",
        "out",
        "--out",
        "both",
    ]);
    let page = std::fs::read_to_string(world.path("both/report/index.html")).unwrap();
    for words in [
        "tiny, version 1",
        "GCL (version 1)",
        "GCL (version 2)",
        "epochs 2 → 3",
    ] {
        assert!(page.contains(words), "{words}");
    }
    // There and back: each version once.
    world.tiny_sweep(3, 2);
    run();
    world.tiny_sweep(3, 3);
    run();
    let versions = std::fs::read_dir(world.path("out/versions"))
        .unwrap()
        .count();
    assert_eq!(versions, 2);
    // Another sweep into the same folder hides them as well.
    let file = world.tiny_sweep(2, 2);
    let text = std::fs::read_to_string(&file).unwrap();
    world.write("other.toml", &text.replace("\"tiny\"", "\"other\""));
    let shown = std::fs::read(world.path("out/results.csv")).unwrap();
    world.run_ok(&["run", "other.toml", "--out", "out"]);
    let kept = std::fs::read_dir(world.path("out/versions")).unwrap();
    let mut kept = kept.map(|entry| std::fs::read(entry.unwrap().path().join("results.csv")));
    assert!(kept.any(|table| table.unwrap() == shown));
}

#[test]
fn the_number_of_workers_changes_nothing_but_who_and_when() {
    let world = World::new();
    world.tiny_sweep(2, 2);
    world.run_ok(&[
        "run",
        "tiny.toml",
        "--out",
        "one",
        "--workers",
        "1",
        "--threads",
        "2",
    ]);
    world.run_ok(&[
        "run",
        "tiny.toml",
        "--out",
        "two",
        "--workers",
        "2",
        "--threads",
        "1",
    ]);
    assert_eq!(
        what_was_found(&world.path("one/results.csv")),
        what_was_found(&world.path("two/results.csv"))
    );
    let epochs = |out: &str| std::fs::read_to_string(world.path(out).join("epochs.csv")).unwrap();
    assert_eq!(epochs("one"), epochs("two"));
}

#[test]
fn the_same_work_under_another_name_is_not_done_again() {
    let world = World::new();
    let sweep = world.tiny_sweep(2, 2);
    world.run_ok(&["run", "tiny.toml", "--out", "out"]);
    let text = std::fs::read_to_string(&sweep)
        .unwrap()
        .replace("name = \"tiny\"", "name = \"other\"")
        .replace("\"GCL\"", "\"renamed\"");
    world.write("other.toml", &text);
    let ended = world.run_ok(&[
        "run",
        "other.toml",
        "--out",
        "other",
        "--state",
        "out/state",
    ]);
    assert!(ended.stderr.contains("nothing to run"), "{}", ended.stderr);
    let lines = csv(&world.path("other/results.csv"));
    assert_eq!(
        lines
            .iter()
            .filter(|line| line["variant"] == "renamed" && line["sweep"] == "other")
            .count(),
        2
    );
}

#[test]
fn a_plan_starts_nothing_and_knows_what_is_done() {
    let world = World::new();
    world.tiny_sweep(1, 2);
    world.run_ok(&["run", "tiny.toml", "--out", "out"]);
    world.tiny_sweep(2, 2);
    let plan = world.run_ok(&["plan", "tiny.toml", "--state", "out/state"]);
    assert!(
        plan.stderr.contains("4 jobs, 2 new, 2 done, 2 to run"),
        "{}",
        plan.stderr
    );
    let plan = world.run_ok(&["plan", "tiny.toml", "--format", "json"]);
    let plan: serde_json::Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(plan["cells"].as_array().unwrap().len(), 4);
    assert!(!world.path("state").exists());

    // `run` without --out writes into out/NAME: there `plan` looks, and knows how long such jobs take.
    world.run_ok(&["run", "tiny.toml"]);
    world.tiny_sweep(3, 2);
    let plan = world.run_ok(&["plan", "tiny.toml"]);
    assert!(
        plan.stderr.contains("6 jobs, 2 new, 4 done, 2 to run"),
        "{}",
        plan.stderr
    );
    assert!(
        plan.stderr.contains("of training for 2 jobs"),
        "{}",
        plan.stderr
    );
    let says = [
        "against the version that ran: 4 cells kept, 2 new, 0 hidden\n  new: AE seed 2; GCL seed 2\n",
        "memory: about ",
    ];
    assert!(
        says.iter().all(|says| plan.stderr.contains(says)),
        "{}",
        plan.stderr
    );
    world.tiny_sweep(1, 2);
    let plan = world.run_ok(&["plan", "tiny.toml", "--jobs"]);
    assert!(
        plan.stderr
            .contains("  hidden: AE seed 1; GCL seed 1\n  2 of the hidden have a result"),
        "{}",
        plan.stderr
    );
    assert_eq!(plan.stdout.matches("  hidden  ").count(), 2);
    world.tiny_sweep(3, 2);
    let elsewhere = world.run_ok(&["plan", "tiny.toml", "--out", "nowhere"]);
    assert!(
        elsewhere
            .stderr
            .contains("6 cells, 6 jobs, 0 done, 6 to run")
            && elsewhere.stderr.contains("time: not known"),
        "{}",
        elsewhere.stderr
    );
}

#[test]
fn a_plan_counts_jobs_whose_data_are_not_known() {
    let world = World::new();
    world.write(
        "two.toml",
        "name = \"two\"\n[axes]\nseed = { from = 0, count = 20 }\ndataset = [\"here\", \"away\"]\n\
         [[variant]]\nname = \"B\"\n[[variant]]\nname = \"PT\"\njob.pretraining = \"temporal-difference\"\n",
    );
    for (data, name) in [("data", "here"), ("other", "away")] {
        let arguments = ["data", "synth", data, "--videos", "9", "--mean-length", "6"];
        world.run_ok(
            &[
                &arguments[..],
                &[
                    "--dimension",
                    "8",
                    "--seed",
                    name.len().to_string().as_str(),
                ],
            ]
            .concat(),
        );
    }
    for known in [&[][..], &["--data", "here=data"]] {
        let plan = world.run_ok(&[&["plan", "two.toml"], known].concat());
        assert!(
            plan.stderr.contains("80 cells, 80 jobs, 0 done, 80 to run"),
            "{known:?}: {}",
            plan.stderr
        );
    }
}

#[test]
fn the_number_on_screen_is_the_records_and_warnings_are_counted() {
    let world = World::new();
    let text = std::fs::read_to_string(world.tiny_sweep(2, 6)).unwrap();
    let smooth = "[[variant]]\nname = \"smooth\"\njob = { score_smoothing = 2.0, update_order = \"simultaneous\" }\n";
    let by_g = "[[variant]]\nname = \"G\"\njob = { score_by = \"generator\", negative_learning.target = \"none\" }\n";
    let pca = "[[variant]]\nname = \"PCA\"\njob = { method = \"pca\" }\n";
    world.write("tiny.toml", &format!("{text}{smooth}{by_g}{pca}"));
    let ended = world.run_ok(&["run", "tiny.toml", "--out", "out", "--workers", "1"]);
    let said = &ended.stderr;
    // Five variants of two seeds; the two of PCA are one job.
    assert!(said.contains("10 cells, 9 jobs"), "{said}");
    assert!(said.contains("1 cell with the job of another"), "{said}");
    let lines = csv(&world.path("out/results.csv"));
    let mut jobs = std::collections::BTreeSet::new();
    for line in lines.iter().filter(|line| jobs.insert(&line["job_id"])) {
        let auc: f64 = line["auc"].parse().unwrap();
        let expected = format!(
            "done    {} seed {}, AUC {:.2}%",
            line["variant"],
            line["seed"],
            auc * 100.0
        );
        assert!(said.contains(&expected), "{expected}\n{said}");
    }
    assert_eq!(jobs.len(), 9);
    // Eight jobs make too few steps an epoch: `plan` and `run` say it before, the end counts it.
    let before = "`GCL` makes ";
    assert!(said.contains(before), "{said}");
    assert!(
        world.run_ok(&["plan", "tiny.toml"]).stderr.contains(before),
        "{said}"
    );
    assert!(!said.contains("`PCA` makes"), "it has no steps: {said}");
    assert!(said.contains("of 9 jobs have warnings: "), "{said}");
    assert!(said.contains("few-steps (8)"), "{said}");
}

#[test]
fn smoothing_is_decided_when_reporting() {
    let world = World::new();
    let sweep = world.tiny_sweep(1, 2);
    let text = std::fs::read_to_string(&sweep).unwrap();
    let plain = "[[variant]]\nname = \"GCL\"\n";
    let smooth = "[[variant]]\nname = \"smoothed\"\njob = { score_smoothing = 2.0 }\n";
    world.write(
        "tiny.toml",
        &text.replace(plain, &format!("{plain}{smooth}")),
    );
    let ended = world.run_ok(&["run", "tiny.toml", "--out", "out"]);
    assert!(ended.stderr.contains("3 cells, 2 jobs"), "{}", ended.stderr);
    let lines = csv(&world.path("out/results.csv"));
    let line = |variant: &str| {
        lines
            .iter()
            .find(|line| line["variant"] == variant)
            .unwrap()
    };
    assert_eq!(line("GCL")["job_id"], line("smoothed")["job_id"]);
    assert_ne!(line("GCL")["auc"], line("smoothed")["auc"]);
    assert_eq!(
        line("GCL")["best_epoch_auc_d"],
        line("smoothed")["best_epoch_auc_d"]
    );
}

#[test]
fn other_test_videos_are_drawn_from_the_kept_scores() {
    let world = World::new();
    let sweep = world.tiny_sweep(2, 2);
    let text = std::fs::read_to_string(&sweep).unwrap();
    // A third of the videos tests, half of those are anomalous: ten of each kind.
    world.write("tiny.toml", &text.replace("videos = 18", "videos = 60"));
    world.run_ok(&["run", "tiny.toml", "--out", "out"]);
    let lines = csv(&world.path("out/results.csv"));
    let mean = |variant: &str| {
        let own = lines.iter().filter(|line| line["variant"] == variant);
        let aucs: Vec<f64> = own.map(|line| line["auc"].parse().unwrap()).collect();
        aucs.iter().sum::<f64>() / aucs.len() as f64
    };
    let about = |folder: &str| -> serde_json::Value {
        let text = std::fs::read_to_string(world.path(folder).join("sweep.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let found = about("out")["video_intervals"].clone();
    let [only] = &found.as_array().unwrap()[..] else {
        panic!("one pair of variants: {found}");
    };
    assert_eq!(
        (&only["left"]["variant"], &only["right"]["variant"]),
        (&"GCL".into(), &"AE".into())
    );
    assert_eq!(
        (&only["seeds"], &only["videos"], &only["anomalous_videos"]),
        (&2.into(), &20.into(), &10.into())
    );
    let number = |name: &str| only[name].as_f64().unwrap();
    let difference = mean("GCL") - mean("AE");
    assert!((number("difference") - difference).abs() < 1e-12);
    assert!(number("low") < difference && difference < number("high"));
    // The same from the state folder, and from the files, which have no scores.
    for (arguments, folder) in [
        (&["report", "tiny", "--state", "out/state"][..], "state"),
        (&["report", "--from", "out"], "files"),
    ] {
        world.run_ok(&[arguments, &["--out", folder]].concat());
        assert_eq!(about(folder)["video_intervals"], found, "{folder}");
    }
}

/// A run that was given a state folder elsewhere is found by its own folder from then on.
#[test]
fn a_folder_leads_to_the_state_that_its_run_was_given() {
    let world = World::new();
    world.tiny_sweep(2, 3);
    // The usual place by its name is no link to itself.
    world.run_ok(&["run", "tiny.toml", "--out", "own", "--state", "own/state"]);
    world.run_ok(&["run", "tiny.toml", "--out", "out", "--state", "kept"]);
    for folder in ["own", "out"] {
        let plan = world.run_ok(&["plan", "tiny.toml", "--out", folder]);
        assert!(plan.stderr.contains("0 to run"), "{}", plan.stderr);
    }
    let other = world.run_ok(&["run", "tiny.toml", "--out", "own", "--state", "kept"]);
    assert!(
        other.stderr.contains("own/state is there itself and stays"),
        "{}",
        other.stderr
    );
    // Where the link leads nothing is made anew: a disk may not be mounted.
    std::fs::rename(world.path("kept"), world.path("moved")).unwrap();
    let lost = world.run(&["run", "tiny.toml", "--out", "out"]);
    assert_eq!(lost.code, Some(13), "{}", lost.stderr);
    assert!(
        lost.stderr.contains("kept, to which out/state leads"),
        "{}",
        lost.stderr
    );
    let plan = world.run_ok(&["plan", "tiny.toml", "--out", "out"]);
    assert!(
        plan.stderr.contains("which is not there"),
        "{}",
        plan.stderr
    );
    let moved = world.run_ok(&["run", "tiny.toml", "--out", "out", "--state", "moved"]);
    assert!(moved.stderr.contains("0 to run"), "{}", moved.stderr);
    assert!(
        moved
            .stderr
            .contains("out/state leads to moved from now on"),
        "{}",
        moved.stderr
    );
}

#[test]
fn one_cell_alone_is_the_job_of_the_whole_sweep() {
    let world = World::new();
    world.tiny_sweep(2, 3);
    world.run_ok(&["run", "tiny.toml", "--out", "out"]);
    let whole = what_was_found(&world.path("out/results.csv"));
    // The page prints the command of each cell; this is one of them, word by word.
    let page = std::fs::read_to_string(world.path("out/report/index.html")).unwrap();
    assert!(
        page.contains("gcl-sweep run tiny.toml --only variant=GCL,seed=1  # "),
        "the page has the command of the cell"
    );
    let selection = ["--only", "variant=GCL,seed=1"];
    let plan = world.run_ok(&[&["plan", "tiny.toml", "--jobs"], &selection[..]].concat());
    assert_eq!(plan.stdout.lines().count(), 1, "{}", plan.stdout);
    world.run_ok(&[&["run", "tiny.toml"], &selection[..]].concat());
    let alone = what_was_found(&world.path("out/tiny-only-variant-GCL-seed-1/results.csv"));
    assert_eq!(alone.len(), 1);
    assert!(
        whole.contains(&alone[0]),
        "the same id and the same numbers: {alone:?}"
    );
    let page =
        std::fs::read_to_string(world.path("out/tiny-only-variant-GCL-seed-1/report/index.html"));
    assert!(
        page.unwrap()
            .contains("gcl-sweep run tiny.toml --only variant=GCL,seed=1 --out")
    );

    // In the folder of the whole sweep it would hide the others.
    let refused = world.run(&[&["run", "tiny.toml", "--out", "out"], &selection[..]].concat());
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("3 more jobs"), "{}", refused.stderr);
    assert_eq!(what_was_found(&world.path("out/results.csv")).len(), 4);
    let planned = world.run_ok(&[&["plan", "tiny.toml", "--out", "out"], &selection[..]].concat());
    assert!(
        planned.stderr.contains("`run` refuses this: "),
        "{}",
        planned.stderr
    );
    // What is refused touches no folder, and no link in it.
    let elsewhere = ["run", "tiny.toml", "--out", "part", "--state", "out/state"];
    let refused = world.run(&[&elsewhere[..], &selection[..]].concat());
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    for name in ["part/results.csv", "part/report", "part/state"] {
        assert!(
            std::fs::symlink_metadata(world.path(name)).is_err(),
            "{name}"
        );
    }
    let unknown = world.run(&["run", "tiny.toml", "--only", "variant=GLC"]);
    assert_eq!(unknown.code, Some(2));
    assert!(
        unknown.stderr.contains("values of `variant`: AE, GCL"),
        "{}",
        unknown.stderr
    );
}

/// Scores make figures; the results are in the journal. Losing the one does not take the other along.
#[test]
fn a_damaged_score_file_costs_a_figure_and_no_result() {
    let world = World::new();
    let sweep = world.tiny_sweep(2, 2);
    let text = std::fs::read_to_string(&sweep).unwrap() + "[report]\nfigures = [\"fig4\"]\n";
    world.write("tiny.toml", &text);
    world.run_ok(&["run", "tiny.toml", "--out", "out"]);
    let before = csv(&world.path("out/results.csv"));
    let mut damaged = 0;
    let mut folders = vec![world.path("out/state/artifacts")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.metadata().unwrap().len() > 0 {
                std::fs::write(&path, "not these bytes").unwrap();
                damaged += 1;
            }
        }
    }
    assert!(damaged >= 4, "{damaged}");
    let again = world.run_ok(&["run", "tiny.toml", "--out", "out"]);
    assert!(again.stderr.contains("gcl-sweep audit"), "{}", again.stderr);
    assert_eq!(csv(&world.path("out/results.csv")), before);
    assert!(world.path("out/report/index.html").is_file());
}

/// Nothing happens while a sweep is paused, so that is said; and a new `run` of it says so too.
#[test]
fn a_paused_sweep_says_so_when_it_is_run_again() {
    let world = World::new();
    world.slow_sweep(2);
    let first = world.start(&["run", "tiny.toml", "--out", "out", "--workers", "1"]);
    eventually("a run that takes commands", || {
        let paused = world.run(&["pause", "tiny", "--out", "out"]);
        (paused.code == Some(0)).then_some(())
    });
    first.terminate();
    first.wait();
    let mut command = world.command(&["run", "tiny.toml", "--out", "out"]);
    let mut again = command
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(again.stderr.take().unwrap()));
    let said = lines
        .map_while(Result::ok)
        .find(|line| line.contains("paused"));
    assert!(said.is_some_and(|line| line.contains("gcl-sweep resume tiny")));
    again.kill().unwrap();
    again.wait().unwrap();
}
