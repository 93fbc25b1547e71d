//! The cache of finished results: what one folder's run has trained, another's does not train again.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::world::{Ended, World, csv, what_was_found};

/// Runs the program with a cache of this world's own.
fn with_cache(world: &World, arguments: &[&str]) -> Ended {
    let output = world
        .command(arguments)
        .env("GCL_CACHE", world.path("known"))
        .output()
        .unwrap();
    let ended = Ended::of(&output);
    assert_eq!(ended.code, Some(0), "{arguments:?}\n{}", ended.stderr);
    ended
}

fn run(world: &World, out: &str, more: &[&str]) -> Ended {
    let usual = ["run", "tiny.toml", "--out", out, "--device", "cpu"];
    with_cache(world, &[&usual[..], more].concat())
}

/// The files of the results.
fn kept(world: &World) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(world.path("known/results")).unwrap();
    let mut files: Vec<PathBuf> = folders
        .flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    files
}

#[test]
fn what_another_folder_has_trained_is_taken_over_and_said_to_be() {
    let world = World::new();
    let text = std::fs::read_to_string(world.tiny_sweep(2, 2)).unwrap();
    let first = run(&world, "one", &[]);
    assert!(!first.stderr.contains("already known"), "{}", first.stderr);
    assert_eq!(kept(&world).len(), 4);
    let mode = |path: PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(world.path("known/results")), 0o700);

    // Another sweep, another folder: three of its six jobs are the same, under whatever names.
    let other = text
        .replace("name = \"tiny\"", "name = \"other\"")
        .replace("\"GCL\"", "\"renamed\"")
        .replace("from = 0, count = 2", "from = 1, count = 3");
    world.write("tiny.toml", &other);
    let plan = with_cache(&world, &["plan", "tiny.toml", "--out", "two"]);
    assert!(
        plan.stderr
            .contains("2 of the 6 jobs to run are known from other folders"),
        "{}",
        plan.stderr
    );
    let second = run(&world, "two", &[]);
    let says = format!(
        "2 of 6 jobs were already known (cache {})",
        world.path("known").display()
    );
    assert!(second.stderr.contains(&says), "{}", second.stderr);
    let lines = csv(&world.path("two/results.csv"));
    let (taken, trained): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line["seed"] == "1");
    assert!(
        taken
            .iter()
            .all(|line| line["attempts"] == "0" && line["status"] == "done")
    );
    assert!(trained.iter().all(|line| line["attempts"] == "1"));
    let known = csv(&world.path("one/results.csv"));
    for line in taken {
        // Who made it and how long it took is as it was.
        let first = known
            .iter()
            .find(|known| known["job_id"] == line["job_id"])
            .unwrap();
        for column in ["auc", "duration_s", "device", "worker"] {
            assert_eq!(first[column], line[column], "{column}");
        }
    }
    let page = std::fs::read_to_string(world.path("two/report/index.html")).unwrap();
    assert!(
        page.contains("2 of these jobs were not trained for this sweep"),
        "the page says so"
    );
    let entries = world
        .run_ok(&["journal", "export", "--state", "two/state"])
        .stdout;
    let marked = entries
        .lines()
        .filter(|line| line.contains("\"cached_since_ms\":"));
    assert_eq!(marked.count(), 2);

    // The whole of it elsewhere, without a worker: equal to the bit, artifacts included.
    let third = run(&world, "three", &[]);
    assert!(
        third.stderr.contains("6 of 6 jobs were already known"),
        "{}",
        third.stderr
    );
    assert!(third.stderr.contains("nothing to run"), "{}", third.stderr);
    assert!(!world.path("three/state/scratch").exists());
    assert_eq!(
        what_was_found(&world.path("two/results.csv")),
        what_was_found(&world.path("three/results.csv"))
    );
    world.run_ok(&["publish", "other", "--run", "three", "--out", "box"]);
    let verified = world.run_ok(&["verify", "box", "--fraction", "0.2", "--device", "cpu"]);
    assert!(
        verified.stdout.contains("equal to the bit"),
        "{}",
        verified.stdout
    );
    let crate_file = std::fs::read_to_string(world.path("box/ro-crate-metadata.json")).unwrap();
    assert!(crate_file.contains("taken over from a cache of finished results"));

    let told = with_cache(&world, &["cache", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(told["results"], 8);
}

#[test]
fn what_cannot_be_relied_on_is_trained_and_the_flag_turns_it_off() {
    let world = World::new();
    world.tiny_sweep(2, 2);
    run(&world, "one", &[]);
    // Torn, changed, and somebody else's file.
    let files = kept(&world);
    let whole = std::fs::read(&files[0]).unwrap();
    std::fs::write(&files[0], &whole[..whole.len() - 1]).unwrap();
    let mut changed = std::fs::read(&files[1]).unwrap();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(&files[1], changed).unwrap();
    std::fs::copy(&files[3], &files[2]).unwrap();
    let again = run(&world, "two", &[]);
    assert!(
        again.stderr.contains("1 of 4 jobs were already known"),
        "{}",
        again.stderr
    );
    assert_eq!(
        again.stderr.matches(" is not used: ").count(),
        3,
        "{}",
        again.stderr
    );
    assert_eq!(
        what_was_found(&world.path("one/results.csv")),
        what_was_found(&world.path("two/results.csv"))
    );
    // What was trained anew is whole again.
    let whole = run(&world, "again", &[]);
    assert!(
        whole.stderr.contains("4 of 4 jobs were already known"),
        "{}",
        whole.stderr
    );

    let off = run(&world, "three", &["--no-cache"]);
    assert!(!off.stderr.contains("already known"), "{}", off.stderr);
    let before = kept(&world);
    world.tiny_sweep(3, 2);
    run(&world, "three", &["--no-cache"]);
    assert_eq!(kept(&world), before, "it keeps none either");
    // Nor does a rehearsal.
    with_cache(
        &world,
        &["rehearse", "tiny.toml", "--device", "cpu", "--workers", "1"],
    );
    assert_eq!(kept(&world), before);

    // What the rehearsal measured is what a plan says of the rest.
    let plan = with_cache(&world, &["plan", "tiny.toml", "--out", "nowhere"]);
    let says = "of training for 2 jobs, one after the other, as its rehearsal measured on cpu";
    assert!(plan.stderr.contains(says), "{}", plan.stderr);

    let cleared = with_cache(&world, &["cache", "clear"]);
    assert!(
        cleared.stdout.contains("4 results removed"),
        "{}",
        cleared.stdout
    );
    assert!(kept(&world).is_empty());
    let refused = world.run(&["cache"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
}
