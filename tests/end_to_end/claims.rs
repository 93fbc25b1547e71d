//! Adaptive sweeps: seeds are added until claims are decided, and neither workers nor `kill -9` change seeds or verdicts.
//!
//! `GCL_CLAIMS_KILLS=50 cargo test --test end_to_end claims -- --nocapture` kills for longer.

use crate::world::{World, csv, eventually, what_was_found};

/// Two claims over three methods, of which one draws no random number.
fn adaptive_sweep(world: &World, max: u32, epochs: u32) {
    world.write(
        "adaptive.toml",
        &format!(
            "name = \"adaptive\"\n[dataset.synthetic]\nvideos = 18\nmean_length = 12\ndimension = 16\nseed = 1\n\
             [job]\nbatch_size = 16\nlearning_rate = 1e-3\nfeature_scaling = \"standard\"\n\
             [[variant]]\nname = \"AE\"\njob = {{ method = \"autoencoder\", epochs = {epochs} }}\n\
             [[variant]]\nname = \"GCL\"\njob = {{ epochs = {epochs} }}\n\
             [[variant]]\nname = \"PCA\"\njob = {{ method = \"pca\" }}\n\
             [adaptive]\nclaims = [\"GCL > AE\", \"AE > PCA\"]\nmin = 3\nmax = {max}\nalpha = 0.2\nat_once = 2\n"
        ),
    );
}

fn text(world: &World, name: &str) -> String {
    std::fs::read_to_string(world.path(name)).unwrap()
}

#[test]
fn killed_and_run_again_it_ends_with_the_same_seeds_and_verdicts() {
    let world = World::new();
    let kills: usize = std::env::var("GCL_CLAIMS_KILLS")
        .ok()
        .and_then(|kills| kills.parse().ok())
        .unwrap_or(2);
    let (max, epochs) = if kills > 2 { (20, 200) } else { (7, 20) };
    adaptive_sweep(&world, max, epochs);
    let run = ["run", "adaptive.toml", "--until-decided", "--workers"];
    let undisturbed = world.run_ok(&[&run[..], &["1", "--out", "undisturbed"]].concat());
    assert!(
        undisturbed.stdout.contains("claims are decided"),
        "{}",
        undisturbed.stdout
    );
    let looks = text(&world, "undisturbed/looks.csv");
    assert!(looks.lines().count() > 3, "{looks}");

    for kill in 1..=kills {
        let process = world.start(&[&run[..], &["2", "--out", "killed"]].concat());
        let ended = eventually("the next finished job", || {
            let log = text(&world, "run.log");
            let over = log.contains("report: ") || log.contains("nothing to run");
            let done = log.matches("] done ").count() > kill % 3;
            (over || done).then_some(over)
        });
        process.kill();
        if ended {
            break;
        }
    }
    world.run_ok(&[&run[..], &["2", "--out", "killed"]].concat());
    assert_eq!(text(&world, "killed/looks.csv"), looks);
    assert_eq!(
        what_was_found(&world.path("killed/results.csv")),
        what_was_found(&world.path("undisturbed/results.csv"))
    );

    // The files are enough to take every look again.
    world.run_ok(&["report", "--from", "killed", "--out", "again"]);
    assert_eq!(text(&world, "again/looks.csv"), looks);
    let page = text(&world, "again/report/index.html");
    assert!(page.contains("Claims that were looked at while seeds arrived"));
    assert!(!page.contains("was taken of other results"));
    world.run_ok(&[
        "report",
        "adaptive",
        "--state",
        "killed/state",
        "--out",
        "offline",
    ]);
    assert_eq!(text(&world, "offline/looks.csv"), looks);
}

#[test]
fn the_first_seeds_alone_are_run_unless_more_are_asked_for() {
    let world = World::new();
    adaptive_sweep(&world, 4, 2);
    let plan = world.run_ok(&["plan", "adaptive.toml"]);
    assert!(
        plan.stderr.contains("begins with 7 jobs") && plan.stderr.contains("makes it 10 at most"),
        "{}",
        plan.stderr
    );
    let run = ["run", "adaptive.toml", "--out", "out", "--workers", "1"];
    let told = "--notify";
    let first = world.run_ok(&[&run[..], &[told, "cat >> told.jsonl"]].concat());
    assert!(first.stderr.contains("--until-decided"), "{}", first.stderr);
    assert_eq!(csv(&world.path("out/results.csv")).len(), 9);
    let said = text(&world, "told.jsonl");
    let last: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["event"], &last["jobs"]),
        (&"settled".into(), &7.into())
    );
    // A command that fails ends no run.
    let more = world.run_ok(&[&run[..], &["--until-decided", told, "exit 7"]].concat());
    assert!(more.stderr.contains("exit status: 7"), "{}", more.stderr);
    let seeds = csv(&world.path("out/results.csv")).len();
    assert!(seeds > 9, "{seeds}");
    let status = world.run_ok(&["status", "adaptive", "--out", "out"]);
    assert!(status.stdout.contains("GCL > AE"), "{}", status.stdout);

    world.tiny_sweep(1, 1);
    let refused = world.run(&["run", "tiny.toml", "--until-decided"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("has no claims"),
        "{}",
        refused.stderr
    );
}
