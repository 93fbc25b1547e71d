//! `kill -9` of coordinator and workers at random moments under load, also while the coordinator opens its state: no
//! acknowledged submission or result is lost, no job is recorded twice, and every open succeeds.
//!
//! `GCL_CHAOS_ROUNDS=200 cargo test --test end_to_end chaos -- --nocapture` is the long form; `GCL_CHAOS_SEED` repeats the
//! choices of a run (not its timing, which is the machine's).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client::{Bearer, Client, Keys};
use coordinator::state::{self, Entry};
use proto::nouns::{Control, ControlAction, Receipt, Submit, Target};
use sweeps::{Digest, JobId, JobStatus};
use tokio::time::sleep;

use crate::world::{Process, World, eventually};

const WORKERS: usize = 3;
/// Jobs of a submission.
const JOBS: u64 = 30;
/// Jobs that may wait before the submitter takes a break: load, not a flood.
const WAITING: u64 = 300;

/// SplitMix64: choices that a seed repeats.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % most
    }
}

/// What was acknowledged to somebody.
#[derive(Default)]
struct Told {
    /// Submissions, by name: how many jobs.
    sweeps: BTreeMap<String, u64>,
    /// Records that a reader was shown.
    records: BTreeMap<JobId, Digest>,
}

/// A coordinator and workers that are killed and started again.
struct House<'a> {
    world: &'a World,
    listen: String,
    coordinator: Option<Process>,
    workers: Vec<Option<Process>>,
    starts: u64,
}

impl House<'_> {
    fn start(&mut self, log: &str, arguments: &[&str]) -> Process {
        self.starts += 1;
        let log = File::create(self.world.path(&format!("{log}-{}.log", self.starts))).unwrap();
        let child = self
            .world
            .command(arguments)
            .env("RUST_LOG", "warn,worker=info")
            .stdout(std::process::Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Process(child)
    }

    fn start_coordinator(&mut self) {
        let listen = self.listen.clone();
        let process = self.start(
            "coordinator",
            &[
                "coordinator",
                "--noop",
                "--state",
                "state",
                "--listen",
                &listen,
                "--address-file",
                "address",
                "--lease-seconds",
                "2",
            ],
        );
        self.coordinator = Some(process);
    }

    /// Waits until it listens.
    fn opened(&mut self) -> String {
        let file = self.world.path("address");
        let address = eventually("the coordinator's address", || {
            if let Some(Process(child)) = &mut self.coordinator
                && let Some(status) = child.try_wait().unwrap()
            {
                let log = self.world.path(&format!("coordinator-{}.log", self.starts));
                panic!(
                    "open failed: {status}\n{}",
                    std::fs::read_to_string(log).unwrap()
                );
            }
            std::fs::read_to_string(&file)
                .ok()
                .filter(|text| text.ends_with('\n'))
        });
        address.trim().to_owned()
    }

    fn kill_coordinator(&mut self) {
        if let Some(process) = self.coordinator.take() {
            process.kill();
        }
        let _ = std::fs::remove_file(self.world.path("address"));
    }

    fn start_worker(&mut self, number: usize, address: &str) {
        let name = format!("worker-{number}");
        let process = self.start(
            &name,
            &[
                "worker",
                "--noop",
                "--noop-lanes",
                "8",
                "--noop-milliseconds",
                "3",
                "--coordinator",
                address,
                "--name",
                &name,
                "--scratch",
                &name,
            ],
        );
        self.workers[number] = Some(process);
    }
}

fn sweep(number: u64) -> Submit {
    // Every fourth brings half of its jobs from the one before it: shared jobs are run once.
    let first = number * JOBS - if number % 4 == 3 { JOBS / 2 } else { 0 };
    Submit {
        file: "chaos.toml".into(),
        text: format!(
            "name = \"chaos-{number}\"\n[dataset.synthetic]\nvideos = 12\n[axes]\nseed = {{ from = {first}, count = {JOBS} }}\n"
        ),
        ..Submit::default()
    }
}

/// Submits for as long as it lives; what is acknowledged is written down after the answer came.
async fn submit(client: Client, told: Arc<Mutex<Told>>) {
    let mut number = 0;
    loop {
        let waiting = client.sweeps().await.map(|sweeps| {
            sweeps
                .iter()
                .map(|sweep| sweep.counts.of(JobStatus::Pending))
                .sum::<u64>()
        });
        match waiting {
            Ok(waiting) if waiting < WAITING => {}
            _ => {
                sleep(Duration::from_millis(10)).await;
                continue;
            }
        }
        // A submission whose answer got lost is made again: nobody knows whether it was taken.
        if let Ok(submitted) = client.submit(&sweep(number)).await {
            assert_eq!(submitted.jobs, JOBS);
            let mut told = told.lock().unwrap();
            told.sweeps.insert(submitted.sweep, submitted.jobs);
            number += 1;
        }
    }
}

/// Reads records for as long as it lives.
async fn read(client: Client, told: Arc<Mutex<Told>>) {
    let mut turn = 0;
    loop {
        sleep(Duration::from_millis(20)).await;
        let name = {
            let told = told.lock().unwrap();
            let count = told.sweeps.len().max(1);
            told.sweeps.keys().nth(turn % count).cloned()
        };
        turn += 7;
        let Some(name) = name else { continue };
        let Ok(cells) = client.cells(&name).await else {
            continue;
        };
        let mut told = told.lock().unwrap();
        for cell in cells {
            if let Some(record) = cell.record {
                let digest = record.outcome.digest();
                let known = told.records.insert(cell.job_id, digest);
                assert!(
                    known.is_none_or(|known| known == digest),
                    "a record changed"
                );
            }
        }
    }
}

/// Every `recorded` that a worker heard, from the logs: the job's short id and the attempt.
fn heard_by_workers(world: &World) -> BTreeSet<(String, u64)> {
    let mut heard = BTreeSet::new();
    for entry in std::fs::read_dir(world.path(".")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_log = path.extension().is_some_and(|extension| extension == "log");
        if !(name.starts_with("worker-") && is_log) {
            continue;
        }
        // A killed process may have left half a line.
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        for line in text
            .lines()
            .filter(|line| line.ends_with("receipt=\"recorded\""))
        {
            let field = |name: &str| -> Option<String> {
                let rest = line.split_once(&format!("{name}="))?.1;
                Some(rest.split([' ', '}']).next()?.to_owned())
            };
            if let (Some(job), Some(attempt)) = (field("job"), field("attempt")) {
                heard.insert((job, attempt.parse().unwrap()));
            }
        }
    }
    heard
}

/// What the journal says, and that it says nothing twice.
fn check_journal(world: &World, told: &Told) -> usize {
    let mut submitted: BTreeMap<String, u64> = BTreeMap::new();
    let mut finished: BTreeMap<JobId, (u64, Digest)> = BTreeMap::new();
    let mut lines = Vec::new();
    state::export(&world.path("state/journal"), &mut lines).unwrap();
    for line in lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        match serde_json::from_slice(line).unwrap() {
            Entry::Submitted { submission, .. } => {
                submitted.insert(submission.name.clone(), submission.ids.len() as u64);
            }
            Entry::Finished { record, .. } => {
                let told = (record.provenance.attempt.0, record.outcome.digest());
                let before = finished.insert(record.job_id, told);
                assert_eq!(before, None, "job {} is recorded twice", record.job_id);
            }
            Entry::Compared { receipt, job, .. } => {
                assert_ne!(receipt, Receipt::Differs, "two runs of {job} differ");
            }
            _ => {}
        }
    }
    for (name, jobs) in &told.sweeps {
        assert_eq!(submitted.get(name), Some(jobs), "submission {name} is lost");
    }
    for (job, digest) in &told.records {
        let kept = finished.get(job).map(|(_, digest)| digest);
        assert_eq!(kept, Some(digest), "the record of {job} is lost");
    }
    let recorded: BTreeSet<(String, u64)> = finished
        .iter()
        .map(|(job, (attempt, _))| (job.short(), *attempt))
        .collect();
    let heard = heard_by_workers(world);
    let lost: Vec<_> = heard.difference(&recorded).collect();
    assert!(
        lost.is_empty(),
        "workers were told of records that are not there: {lost:?}"
    );
    assert!(!heard.is_empty(), "no worker's log says what was recorded");
    finished.len()
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn chaos_loses_nothing_that_was_acknowledged() {
    let rounds = number("GCL_CHAOS_ROUNDS", 10);
    let seed = number("GCL_CHAOS_SEED", 1);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let world = World::new();
    let mut dice = Dice(seed);
    let mut house = House {
        world: &world,
        listen: "127.0.0.1:0".into(),
        coordinator: None,
        workers: (0..WORKERS).map(|_| None).collect(),
        starts: 0,
    };
    house.start_coordinator();
    let address = house.opened();
    // It comes back where its workers look for it.
    house.listen = address.trim_start_matches("http://").to_owned();
    for worker in 0..WORKERS {
        house.start_worker(worker, &address);
    }
    let told = Arc::new(Mutex::new(Told::default()));
    let channel = runtime.block_on(async { client::dial(&address, &Keys::default()).unwrap() });
    let client = Client::new(channel, Bearer::default());
    let submitter = runtime.spawn(submit(client.clone(), told.clone()));
    let reader = runtime.spawn(read(client.clone(), told.clone()));

    let (mut kills, mut kills_in_open) = (0, 0);
    for _ in 0..rounds {
        std::thread::sleep(Duration::from_millis(dice.below(300)));
        let victim = dice.below(10);
        if victim < 6 {
            house.kill_coordinator();
            kills += 1;
            for _ in 0..dice.below(3) {
                house.start_coordinator();
                std::thread::sleep(Duration::from_millis(dice.below(60)));
                house.kill_coordinator();
                kills_in_open += 1;
            }
        }
        if victim >= 5 {
            let worker = dice.below(WORKERS as u64) as usize;
            if let Some(process) = house.workers[worker].take() {
                process.kill();
                kills += 1;
            }
            house.start_worker(worker, &address);
        }
        if house.coordinator.is_none() {
            house.start_coordinator();
            assert_eq!(house.opened(), address);
        }
    }
    submitter.abort();
    reader.abort();
    for task in [submitter, reader] {
        let ended = runtime.block_on(task);
        assert!(
            ended.unwrap_err().is_cancelled(),
            "a task of the test panicked"
        );
    }

    let settled = eventually("the end of all jobs", || {
        let sweeps = runtime.block_on(client.sweeps()).ok()?;
        for sweep in &sweeps {
            // A job whose workers were killed ten times has failed by policy: a person would try it again.
            if sweep.counts.of(JobStatus::Failed) > 0 {
                let again = Control {
                    target: Target::Sweep(sweep.name.clone()),
                    action: ControlAction::Retry,
                };
                let _ = runtime.block_on(client.control(&again));
            }
        }
        let done = |sweep: &proto::nouns::SweepSummary| sweep.counts.of(JobStatus::Done) == JOBS;
        sweeps.iter().all(done).then_some(sweeps)
    });
    let told = told.lock().unwrap();
    for name in told.sweeps.keys() {
        let found = settled.iter().any(|sweep| sweep.name == *name);
        assert!(found, "submission {name} is lost");
    }
    let coordinator = house.coordinator.take().unwrap();
    coordinator.terminate();
    assert_eq!(coordinator.wait(), Some(0), "a clean end");
    let jobs = check_journal(&world, &told);
    // What the index says of the same folder after all of it.
    let _ = std::fs::remove_file(world.path("address"));
    house.start_coordinator();
    house.opened();
    let again = runtime.block_on(client.sweeps()).unwrap();
    assert_eq!(again.len(), settled.len());
    let mut shown = BTreeMap::new();
    for sweep in &again {
        for cell in runtime.block_on(client.cells(&sweep.name)).unwrap() {
            shown.insert(cell.job_id, cell.record.is_some());
        }
    }
    assert_eq!(shown.len(), jobs);
    assert!(shown.values().all(|shown| *shown), "a record is not shown");
    println!(
        "{rounds} rounds, {kills} kills and {kills_in_open} more during open; {} submissions and {jobs} jobs, {} records read meanwhile: nothing lost, nothing twice",
        told.sweeps.len(),
        told.records.len()
    );
}
