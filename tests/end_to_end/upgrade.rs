//! State folders as earlier releases wrote them (`tests/upgrade/record`) are read by this program, and go on.

use std::path::{Path, PathBuf};

use crate::world::{World, csv, eventually, repository};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The recorded folders, one for each release.
fn releases() -> Vec<PathBuf> {
    let recorded = std::fs::read_dir(repository().join("tests/upgrade")).unwrap();
    let folders = recorded.flatten().map(|entry| entry.path());
    let releases: Vec<_> = folders.filter(|path| path.is_dir()).collect();
    assert!(!releases.is_empty());
    releases
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn status(world: &World, sweep: &str, address: &str) -> serde_json::Value {
    let asked = [
        "status",
        sweep,
        "--format",
        "json",
        "--coordinator",
        address,
    ];
    serde_json::from_str(&world.run_ok(&asked).stdout).unwrap()
}

/// Every recorded value, though a later release may have more columns.
fn assert_the_same_cells(found: &Path, recorded: &Path) {
    let (found, recorded) = (csv(found), csv(recorded));
    assert_eq!(found.len(), recorded.len());
    for (found, recorded) in found.iter().zip(&recorded) {
        for (column, value) in recorded {
            assert_eq!(found.get(column), Some(value), "{column} of {recorded:?}");
        }
    }
}

#[test]
fn a_state_of_an_earlier_release_is_read_and_goes_on() {
    for release in releases() {
        let world = World::new();
        copy(&release.join("state"), &world.path("state"));
        let unchanged = |sweep: &str, address: &str| {
            let now = status(&world, sweep, address);
            let then = json(&release.join(sweep).with_extension("json"));
            for key in ["counts", "state", "audit", "cells", "datasets", "claims"] {
                assert_eq!(now[key], then[key], "{key} of {sweep}");
            }
            let out = world.path(&format!("report-{sweep}"));
            let folder = out.to_str().unwrap();
            world.run_ok(&["report", sweep, "--coordinator", address, "--out", folder]);
            let recorded = release.join(sweep).with_extension("csv");
            assert_the_same_cells(&out.join("results.csv"), &recorded);
        };
        let (coordinator, address) = world.coordinator("127.0.0.1:0");
        for sweep in ["finished", "decided", "waiting"] {
            unchanged(sweep, &address);
        }
        // The job that waits is run by a worker of today.
        let _worker = world.worker("today", &address);
        world.run_ok(&["resume", "waiting", "--coordinator", &address]);
        eventually("the job that waited", || {
            (status(&world, "waiting", &address)["state"] == "settled").then_some(())
        });
        let counts = status(&world, "waiting", &address)["counts"].clone();
        assert_eq!(
            (&counts["done"], &counts["cancelled"]),
            (&7.into(), &1.into())
        );
        // And what was written then and now is read together.
        coordinator.kill();
        let (_again, address) = world.coordinator("127.0.0.1:0");
        unchanged("finished", &address);
        assert_eq!(status(&world, "waiting", &address)["counts"], counts);
    }
}
