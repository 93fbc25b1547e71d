//! State folders and audits, as an admin meets them.

use crate::world::{World, csv, eventually};

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

fn with<'a>(address: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &["--coordinator", address]].concat()
}

fn status(world: &World, address: &str) -> serde_json::Value {
    let ended = world.run_ok(&[
        "status",
        "tiny",
        "--coordinator",
        address,
        "--format",
        "json",
    ]);
    json(&ended.stdout)
}

#[test]
fn a_state_is_audited_backed_up_while_it_runs_and_restored() {
    let world = World::new();
    world.tiny_sweep(2, 3);
    let (coordinator, address) = world.coordinator("127.0.0.1:0");
    world.run_ok(&with(&address, &["submit", "tiny.toml"]));
    let first = world.worker("first", &address);
    eventually("four finished jobs", || {
        (status(&world, &address)["counts"]["done"] == 4).then_some(())
    });
    world.run_ok(&with(&address, &["report", "tiny", "--out", "before"]));
    let before = csv(&world.path("before/results.csv"));

    // Half of them again, on another worker.
    let second = world.worker("second", &address);
    eventually("two workers", || {
        let workers = world.run_ok(&with(&address, &["workers", "--format", "json"]));
        (json(&workers.stdout).as_array().unwrap().len() == 2).then_some(())
    });
    let told = world.run_ok(&with(
        &address,
        &["audit", "tiny", "--fraction", "0.5", "--format", "json"],
    ));
    assert_eq!(json(&told.stdout)["queued"], 2);
    let audited = eventually("two audits", || {
        let audit = status(&world, &address)["audit"].clone();
        (audit["waiting"] == 0).then_some(audit)
    });
    assert_eq!(
        (&audited["equal"], &audited["different"]),
        (&2.into(), &0.into())
    );
    let again = world.run_ok(&with(&address, &["audit", "tiny", "--fraction", "0.5"]));
    assert!(again.stdout.contains("0 queued"), "{}", again.stdout);
    let workers = json(
        &world
            .run_ok(&with(&address, &["workers", "--format", "json"]))
            .stdout,
    );
    let of_second = workers
        .as_array()
        .unwrap()
        .iter()
        .find(|worker| worker["name"] == "second");
    assert_eq!(
        of_second.unwrap()["finished"],
        2,
        "others than the recorded worker"
    );
    let explained: Vec<String> = status(&world, &address)["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| {
            let id = job["job_id"].as_str().unwrap();
            world.run_ok(&with(&address, &["explain", id])).stdout
        })
        .filter(|text| text.contains("equal to the bit"))
        .collect();
    assert_eq!(explained.len(), 2);
    world.run_ok(&with(&address, &["report", "tiny", "--out", "after"]));
    assert_eq!(csv(&world.path("after/results.csv")), before);
    let page = std::fs::read_to_string(world.path("after/report/index.html")).unwrap();
    assert!(page.contains("2 equal to the bit"));

    // While it runs: garbage, a backup over the network, an export.
    world.run_ok(&with(&address, &["gc"]));
    world.run_ok(&with(&address, &["backup", "--out", "copy"]));
    let full = world.run(&with(&address, &["backup", "--out", "copy"]));
    assert_ne!(full.code, Some(0), "a backup does not overwrite another");
    let exported = world.run_ok(&["journal", "export", "--state", "state"]);
    let finished = exported
        .stdout
        .lines()
        .filter(|line| json(line)["entry"] == "finished");
    assert_eq!(finished.count(), 4);
    // Its folder is read beside it, and says the same.
    world.run_ok(&["report", "tiny", "--state", "state", "--out", "beside"]);
    assert_eq!(csv(&world.path("beside/results.csv")), before);
    world.run_ok(&["plan", "tiny.toml", "--state", "state"]);
    world.run_ok(&["export", "tiny", "--state", "state"]);
    // Not while it runs: what needs the folder for itself.
    for arguments in [
        &["coordinator", "repair", "--state", "state"][..],
        &["gc", "--state", "state"],
    ] {
        let refused = world.run(arguments);
        assert_eq!(refused.code, Some(13), "{}", refused.stderr);
        assert!(refused.stderr.contains("in use"), "{}", refused.stderr);
    }
    for process in [first, second, coordinator] {
        process.terminate();
        process.wait();
    }

    let restored = world.run_ok(&["restore", "--from", "copy", "--state", "restored"]);
    assert!(restored.stdout.contains("4 records"), "{}", restored.stdout);
    let refused = world.run(&["restore", "--from", "copy", "--state", "restored"]);
    assert_eq!(refused.code, Some(13), "{}", refused.stderr);
    world.run_ok(&["report", "tiny", "--state", "restored", "--out", "again"]);
    assert_eq!(csv(&world.path("again/results.csv")), before);
    world.run_ok(&["gc", "--state", "restored"]);
    let repaired = world.run_ok(&["coordinator", "repair", "--state", "restored"]);
    assert!(
        repaired.stdout.contains("tiny: 4 jobs, 4 done"),
        "{}",
        repaired.stdout
    );
    // A job that runs for the first time in a later life of the state is at its first attempt.
    world.tiny_sweep(3, 3);
    let grown = world.run_ok(&["run", "tiny.toml", "--state", "restored", "--out", "grown"]);
    assert!(!grown.stderr.contains("attempt"), "{}", grown.stderr);
    for line in csv(&world.path("grown/results.csv")) {
        assert_eq!(line["attempts"], "1");
    }
}

#[test]
fn reading_makes_no_state_folder() {
    let world = World::new();
    world.tiny_sweep(1, 1);
    std::fs::create_dir_all(world.path("out/state/journal")).unwrap();
    for (folder, told) in [
        ("nowhere", "there is no state folder"),
        ("out", "out/state meant?"),
    ] {
        for arguments in [
            &["report", "tiny", "--out", "r", "--state", folder][..],
            &["export", "tiny", "--state", folder],
        ] {
            let refused = world.run(arguments);
            assert_eq!(refused.code, Some(13), "{}", refused.stderr);
            assert!(refused.stderr.contains(told), "{}", refused.stderr);
        }
        let planned = world.run_ok(&["plan", "tiny.toml", "--state", folder]);
        assert!(planned.stderr.contains(told), "{}", planned.stderr);
    }
    assert!(!world.path("nowhere").exists());
    assert_eq!(std::fs::read_dir(world.path("out")).unwrap().count(), 1);
    assert_eq!(
        std::fs::read_dir(world.path("out/state/journal"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn damage_is_said_and_cut_only_when_asked_for() {
    let world = World::new();
    world.tiny_sweep(1, 1);
    world.run_ok(&["run", "tiny.toml", "--out", "out", "--state", "state"]);
    let segment = world.path("state/journal/00000000000000000001.journal");
    let mut bytes = std::fs::read(&segment).unwrap();
    let at = bytes.len() - 20;
    bytes[at] ^= 1;
    std::fs::write(&segment, &bytes).unwrap();
    let repair = ["coordinator", "repair", "--state", "state"];
    let refused = world.run(&repair);
    assert_eq!(refused.code, Some(13));
    assert!(refused.stderr.contains("--cut"), "{}", refused.stderr);
    assert_eq!(
        std::fs::read(&segment).unwrap(),
        bytes,
        "nothing was changed"
    );
    let exported = world.run(&["journal", "export", "--state", "state"]);
    assert_eq!(exported.code, Some(13));
    assert!(
        exported.stdout.lines().count() > 3,
        "what is before the damage is good"
    );

    let cut = world.run_ok(&[&repair[..], &["--cut"]].concat());
    assert!(
        cut.stdout.contains("cut off") && cut.stdout.contains("whole"),
        "{}",
        cut.stdout
    );
    assert!(segment.with_extension("journal.damaged").exists());
    // What was cut off runs again.
    world.run_ok(&["run", "tiny.toml", "--out", "out", "--state", "state"]);
    let lines = csv(&world.path("out/results.csv"));
    assert!(lines.len() == 2 && lines.iter().all(|line| line["status"] == "done"));
}

#[test]
fn a_plan_says_what_is_new_done_shared_and_hidden() {
    let world = World::new();
    world.tiny_sweep(2, 1);
    world.run_ok(&["run", "tiny.toml", "--out", "out", "--state", "state"]);
    let text = std::fs::read_to_string(world.path("tiny.toml")).unwrap();
    let meaning = |file: &str| {
        let ended = world.run_ok(&["plan", file, "--state", "state", "--format", "json"]);
        json(&ended.stdout)["meaning"].clone()
    };
    // One seed falls out, two come in, for two variants.
    world.write(
        "grown.toml",
        &text.replace("from = 0, count = 2", "from = 1, count = 3"),
    );
    let grown = meaning("grown.toml");
    for (what, number) in [
        ("cells", 6),
        ("new", 4),
        ("done", 2),
        ("shared", 0),
        ("hidden", 2),
    ] {
        assert_eq!(grown[what], number, "{what}: {grown}");
    }
    // The same jobs under another name.
    world.write(
        "other.toml",
        &text.replace("name = \"tiny\"", "name = \"other\""),
    );
    let other = meaning("other.toml");
    for (what, number) in [("new", 0), ("done", 4), ("shared", 4), ("hidden", 0)] {
        assert_eq!(other[what], number, "{what}: {other}");
    }
    let told = world.run_ok(&["plan", "grown.toml", "--state", "state"]);
    let line = "6 cells, 6 jobs, 4 new, 2 done, 4 to run, 2 cells of the earlier version hidden";
    assert!(told.stderr.contains(line), "{}", told.stderr);
    // A coordinator is asked the same, and nothing is changed by asking.
    let (_coordinator, address) = world.coordinator("127.0.0.1:0");
    let asked = ["submit", "grown.toml", "--dry-run"];
    let said = world.run_ok(&with(&address, &asked)).stdout;
    for named in [
        line,
        "against the version that ran: 2 cells kept, 4 new, 2 hidden",
        "  new: AE seeds 2–3; GCL seeds 2–3",
        "  hidden: AE seed 0; GCL seed 0",
        "2 of the hidden have a result",
    ] {
        assert!(said.contains(named), "{named}: {said}");
    }
    let asked = with(&address, &[&asked[..], &["--format", "json"]].concat());
    let told = json(&world.run_ok(&asked).stdout);
    assert_eq!(told["difference"]["hidden"][1]["label"], "GCL", "{told}");
    assert_eq!(
        told["difference"]["hidden_jobs"].as_array().map(Vec::len),
        Some(2)
    );
    // The first submission of a name changes nothing that ran.
    let first = world.run_ok(&with(&address, &["submit", "other.toml", "--dry-run"]));
    assert!(!first.stdout.contains("against"), "{}", first.stdout);
}

#[test]
fn a_copy_that_is_not_whole_or_lost_its_tokens_does_not_start() {
    let world = World::new();
    world.tiny_sweep(1, 1);
    let create = ["token", "create", "--state", "state", "--role", "admin"];
    world.run_ok(&[&create[..], &["--out", "token"]].concat());
    let (coordinator, address) = world.coordinator("127.0.0.1:0");
    for arguments in [&["submit", "tiny.toml"][..], &["backup", "--out", "copy"]] {
        let signed = [arguments, &["--token-file", "token"]].concat();
        world.run_ok(&with(&address, &signed));
    }
    coordinator.terminate();
    coordinator.wait();
    let start = |state: &str| {
        let listen = ["coordinator", "--listen", "127.0.0.1:0", "--state", state];
        world.run(&listen)
    };
    let restore = ["restore", "--from", "copy", "--state", "restored"];
    let restored = world.run_ok(&restore);
    assert!(
        restored.stderr.contains("token create"),
        "{}",
        restored.stderr
    );
    let refused = start("restored");
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("needed tokens"),
        "{}",
        refused.stderr
    );
    // Where somebody removes the tokens, too.
    std::fs::remove_file(world.path("state/tokens.json")).unwrap();
    assert_eq!(start("state").code, Some(2));

    // What an interrupted restore leaves: the same command begins anew.
    world.write("restored/unfinished", "");
    std::fs::remove_file(world.path("restored/guarded")).unwrap();
    let torn = start("restored");
    assert_eq!(torn.code, Some(13), "{}", torn.stderr);
    assert!(torn.stderr.contains("is not whole"), "{}", torn.stderr);
    let copied = world.run(&["restore", "--from", "restored", "--state", "other"]);
    assert_eq!(copied.code, Some(13), "{}", copied.stderr);
    world.run_ok(&restore);
    assert_eq!(start("restored").code, Some(2));
}
