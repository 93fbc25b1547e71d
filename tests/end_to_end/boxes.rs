//! `publish` and `verify`: results in the hands of somebody who was not there.

use std::path::{Path, PathBuf};

use sweeps::Digest;

use crate::world::World;

/// A world with a sweep that has run.
fn has_run() -> World {
    let world = World::new();
    world.tiny_sweep(2, 2);
    world.run_ok(&["run", "tiny.toml", "--out", "out", "--workers", "2"]);
    world
}

/// Every file below a folder, by its path there.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn first_with(folder: &Path, ending: &str) -> PathBuf {
    let all = files(folder);
    let (name, _) = all.iter().find(|(name, _)| name.ends_with(ending)).unwrap();
    folder.join(name)
}

#[test]
fn a_box_that_was_moved_is_what_it_says_and_one_changed_byte_is_named() {
    let world = has_run();
    for name in ["box", "again"] {
        world.run_ok(&["publish", "tiny", "--run", "out", "--out", name]);
    }
    assert!(
        files(&world.path("box")) == files(&world.path("again")),
        "the same inputs give the same bytes"
    );
    std::fs::create_dir(world.path("elsewhere")).unwrap();
    let moved = world.path("elsewhere/theirs");
    std::fs::rename(world.path("box"), &moved).unwrap();
    let folder = moved.display().to_string();
    let whole = world.run_ok(&["verify", &folder, "--fraction", "1", "--html", "found.html"]);
    assert!(
        whole.stdout.contains("4 of 4 finished jobs")
            && whole.stdout.contains("4 equal to the bit"),
        "{}",
        whole.stdout
    );
    let page = std::fs::read_to_string(world.path("found.html")).unwrap();
    assert!(page.contains("All that was checked is as the box says."));
    // A seed means the same jobs.
    let drawn = || {
        let found = world.run_ok(&[
            "verify",
            &folder,
            "--fraction",
            "0.2",
            "--seed",
            "7",
            "--format",
            "json",
        ]);
        let found: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
        found["jobs"][0]["job"].clone()
    };
    assert_eq!(drawn(), drawn());

    let record = first_with(&moved.join("evidence/records"), ".json");
    let figure = first_with(&moved.join("report/figures"), ".svg");
    let data = first_with(&moved.join("report/figures"), ".csv");
    let table = moved.join("tables/tiny/results.csv");
    let journal = moved.join("evidence/journal.jsonl");
    for path in [record, figure, data, table, journal] {
        let whole = std::fs::read(&path).unwrap();
        let mut changed = whole.clone();
        // A digit near the middle becomes another one.
        let middle = whole.len() / 2;
        let at = middle + whole[middle..].iter().position(u8::is_ascii_digit).unwrap();
        changed[at] = b'0' + (changed[at] - b'0' + 1) % 10;
        std::fs::write(&path, changed).unwrap();
        let found = world.run(&["verify", &folder, "--fraction", "0"]);
        let name = path.strip_prefix(&moved).unwrap().display().to_string();
        assert_eq!(found.code, Some(17), "{name}: {}", found.stderr);
        assert!(
            found
                .stdout
                .contains(&format!("{name}: its bytes are not those")),
            "{name}: {}",
            found.stdout
        );
        std::fs::write(&path, whole).unwrap();
    }
    // What is new is no part of it, and what is missing is missed.
    std::fs::write(moved.join("extra.txt"), "x").unwrap();
    std::fs::remove_file(moved.join("CITATION.cff")).unwrap();
    let found = world.run(&["verify", &folder, "--fraction", "0"]);
    assert!(found.stdout.contains("extra.txt: it is no part of the box"));
    assert!(found.stdout.contains("CITATION.cff: it is missing"));
}

/// Improves the AUC of one record in a journal, and hashes everything behind it anew.
fn forge(segment: &Path) {
    const HEADER: usize = 60;
    const FRAME: usize = 72;
    let mut bytes = std::fs::read(segment).unwrap();
    let (mut at, mut chain, mut forged) = (HEADER, [0_u8; 32], false);
    while at < bytes.len() {
        let length = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap());
        let sequence: [u8; 8] = bytes[at + 8..at + 16].try_into().unwrap();
        let end = at + FRAME + length as usize;
        let payload = &mut bytes[at + FRAME..end];
        let text = String::from_utf8(payload.to_vec()).unwrap();
        if !forged && text.contains("\"entry\":\"finished\"") {
            let metrics = text.find("\"metrics\":").unwrap();
            let auc = metrics + text[metrics..].find("\"auc\":0.").unwrap() + 9;
            payload[auc] = b'0' + (payload[auc] - b'0' + 1) % 10;
            forged = true;
        }
        let mut linked = chain.to_vec();
        linked.extend(length.to_le_bytes());
        linked.extend(sequence);
        linked.extend(&bytes[at + FRAME..end]);
        chain = Digest::of(&linked).0;
        bytes[at + 40..at + 72].copy_from_slice(&chain);
        at = end;
    }
    assert!(forged);
    std::fs::write(segment, bytes).unwrap();
}

#[test]
fn a_better_record_with_all_hashes_made_anew_is_caught_by_running_its_job_again() {
    let world = has_run();
    forge(&first_with(&world.path("out/state/journal"), ".journal"));
    world.run_ok(&["publish", "--state", "out/state", "--out", "box"]);
    // Everything agrees with everything: no hash can tell.
    world.run_ok(&["verify", "box", "--fraction", "0"]);
    let found = world.run(&["verify", "box", "--fraction", "1"]);
    assert_eq!(found.code, Some(17), "{}{}", found.stdout, found.stderr);
    assert!(found.stdout.contains("1 DIFFERENT"), "{}", found.stdout);
    assert!(
        found.stdout.contains(".auc: the record says"),
        "{}",
        found.stdout
    );
}

#[test]
fn an_anonymous_box_has_no_path_of_this_machine_and_verifies() {
    let world = has_run();
    let file = world.path("tiny.toml").display().to_string();
    world.run_ok(&["run", &file, "--out", "out"]);
    world.run_ok(&["publish", "--run", "out", "--out", "box", "--anonymous"]);
    let place = world.path("").display().to_string();
    for (name, bytes) in files(&world.path("box")) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains(place.trim_end_matches('/')), "{name}");
        assert!(!text.contains("local-1"), "{name}");
    }
    let found = world.run_ok(&["verify", "box", "--fraction", "0.25"]);
    assert!(
        found.stdout.contains("names were taken out"),
        "{}",
        found.stdout
    );
    let named = world.run(&["publish", "--run", "out", "--out", "box"]);
    assert_eq!(named.code, Some(2), "a box goes into an empty folder");
    let no_box = world.run(&["verify", "out"]);
    assert_eq!(no_box.code, Some(10));
}

#[test]
fn other_sweeps_of_the_same_state_stay_private() {
    let world = World::new();
    let text = std::fs::read_to_string(world.tiny_sweep(1, 1)).unwrap();
    let secret = text.replace("\"tiny\"", "\"unpublished\"");
    world.write(
        "secret.toml",
        &secret.replace("batch_size = 16", "batch_size = 32"),
    );
    for file in ["tiny.toml", "secret.toml"] {
        world.run_ok(&[
            "run",
            file,
            "--out",
            file.trim_end_matches(".toml"),
            "--state",
            "state",
        ]);
    }
    world.run_ok(&["publish", "tiny", "--state", "state", "--out", "box"]);
    for (name, bytes) in files(&world.path("box")) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains("unpublished"), "{name}");
    }
    let found = world.run_ok(&["verify", "box", "--fraction", "1"]);
    assert!(
        found.stdout.contains("only their hashes are here"),
        "{}",
        found.stdout
    );
}
