//! The real wire (tonic, HTTP/2, the coordinator's services, the worker's loop) between hosts of a simulated network in
//! simulated time: links that break, hold what they carry and let it go late, a coordinator and workers that are killed
//! at any moment and come back. A seed says what happens; a run that breaks a rule says its seed.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, outside test functions"
)]

#[path = "../cluster/network.rs"]
#[expect(
    dead_code,
    reason = "the sweeps of these tests, from beside other helpers"
)]
mod network;
mod world;

use std::collections::BTreeMap;

use sweeps::JobStatus;

use world::{JOBS, Story, run};

/// What the journal of a state folder says: how often each job was finished.
fn finished(state: &std::path::Path) -> BTreeMap<String, u32> {
    let mut lines = Vec::new();
    coordinator::state::export(&state.join("journal"), &mut lines).unwrap();
    let mut finished = BTreeMap::new();
    for line in String::from_utf8(lines).unwrap().lines() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        if entry["entry"] == "finished" {
            let job = entry["record"]["job_id"].as_str().unwrap();
            *finished.entry(job.to_owned()).or_default() += 1;
        }
    }
    finished
}

fn keeps_every_promise(seed: u64, story: Story) -> world::Tally {
    let folder = tempfile::tempdir().unwrap();
    let (cells, tally) = run(seed, story, folder.path());
    assert_eq!(cells.len() as u64, JOBS, "seed {seed}");
    for cell in &cells {
        assert_eq!(cell.status, JobStatus::Done, "seed {seed}");
        assert!(cell.record.is_some(), "seed {seed}");
    }
    let finished = finished(&folder.path().join("state"));
    assert_eq!(finished.len() as u64, JOBS, "seed {seed}");
    assert!(
        finished.values().all(|times| *times == 1),
        "seed {seed}: {finished:?}"
    );
    tally
}

#[test]
fn all_jobs_finish_once_on_a_quiet_network() {
    keeps_every_promise(1, Story::Quiet);
}

#[test]
fn all_jobs_finish_once_whatever_the_network_does_and_whoever_is_killed() {
    let mut total = world::Tally::default();
    for seed in 0..6 {
        total += keeps_every_promise(seed, Story::Wild);
    }
    assert!(
        total.partitions > 5 && total.held > 5 && total.coordinators > 2 && total.workers > 2,
        "{total:?}"
    );
}
