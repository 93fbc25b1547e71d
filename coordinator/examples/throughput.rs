//! How many no-op jobs a second the engine takes, without the network: `cargo run --release -p coordinator --example
//! throughput -- [jobs] [workers]`. Every lease and every record is on disk before it is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use coordinator::{Clock, Config, Engine, EngineHandle, SystemClock, sweep_language};
use proto::nouns::{Change, Finish, Hello, LeaseRequest, Next, Submit, WatchEvent};
use sweeps::{
    AttemptNumber, DeviceInfo, Digest, EpochPoint, JobId, Outcome, Phase, Provenance, RunRecord,
    TRAINER_REVISION,
};
use tokio_util::sync::CancellationToken;

fn record(job: JobId, attempt: AttemptNumber, dataset: Digest) -> RunRecord {
    let curve = (1..=15)
        .map(|epoch| EpochPoint {
            auc_d: Some(0.5 + f64::from(epoch) / 70.0),
            auc_g: Some(0.5 + f64::from(epoch) / 71.0),
            loss_d: Some(1.0 / f64::from(epoch)),
            ..EpochPoint::new(Phase::Train, epoch)
        })
        .collect();
    RunRecord {
        job_id: job,
        outcome: Outcome {
            curve,
            ..Outcome::default()
        },
        provenance: Provenance {
            attempt,
            worker: "w".into(),
            device: DeviceInfo::default(),
            version: "0.1.0".into(),
            trainer_revision: TRAINER_REVISION,
            dataset_digest: dataset,
            duration_s: 0.0,
            resumed: 0,
            cached_since_ms: None,
            dataset: None,
        },
    }
}

async fn work(engine: EngineHandle, name: String, wait_ms: u64) -> u64 {
    let hello = Hello {
        name,
        session: 1,
        device: DeviceInfo::default(),
        version: "0.1.0".into(),
        trainer_revision: TRAINER_REVISION,
        slots: 1,
        datasets: BTreeMap::new(),
        labels: Vec::new(),
        memory_bytes: None,
        driver: None,
    };
    let worker = engine.hello(hello).await.expect("welcome").worker;
    let mut done = 0;
    loop {
        let request = LeaseRequest {
            worker,
            slots: 1,
            held: Vec::new(),
            warm: Vec::new(),
            wait_ms,
        };
        let mut jobs = engine.lease(request).await.map(|answer| answer.assignments);
        while let Ok(Some(job)) = jobs.as_mut().map(Vec::pop) {
            let finish = Finish {
                worker,
                record: Box::new(record(job.job_id, job.attempt, job.dataset)),
                next: Some(Next {
                    slots: 1,
                    ..Next::default()
                }),
            };
            jobs = engine.finish(finish).await.map(|answer| answer.assignments);
            done += 1;
        }
        if wait_ms == 0 || jobs.is_err() {
            return done;
        }
    }
}

fn sweep(name: &str, first: u64, count: u64) -> Submit {
    Submit {
        file: format!("{name}.toml"),
        text: format!(
            "name = \"{name}\"\n[dataset.synthetic]\nvideos = 12\n[axes]\nseed = {{ from = {first}, count = {count} }}\n"
        ),
        max_jobs: Some(1_000_000),
        ..Submit::default()
    }
}

/// Resident memory of this process in bytes, where the system tells.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes << 10)
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let jobs = arguments.next().and_then(Result::ok).unwrap_or(10_000);
    let workers = arguments.next().and_then(Result::ok).unwrap_or(64);
    let state = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(SystemClock::start());
    let shutdown = CancellationToken::new();
    let engine = Engine::start(
        Config::new(state.path()),
        clock.clone(),
        sweep_language(),
        shutdown.clone(),
    )
    .await
    .expect("an engine");
    let handle = engine.handle();

    let idle = resident();
    let before = clock.now();
    handle.submit(sweep("many", 0, jobs)).await.expect("taken");
    eprintln!("submitted {jobs} jobs in {} ms", clock.now().since(before));
    if let (Some(idle), Some(full)) = (idle, resident()) {
        eprintln!(
            "memory: {} MB idle, {} bytes per waiting job",
            idle >> 20,
            full.saturating_sub(idle) / jobs
        );
    }
    let before = clock.now();
    let mut tasks = Vec::new();
    for number in 0..workers {
        tasks.push(tokio::spawn(work(handle.clone(), format!("w{number}"), 0)));
    }
    let mut done = 0;
    for task in tasks {
        done += task.await.expect("a worker");
    }
    let took = clock.now().since(before).max(1);
    eprintln!(
        "{done} jobs by {workers} workers in {took} ms: {} jobs/s",
        done * 1000 / took
    );

    // One job at a time: from submission to the change that says it is done.
    let waiting = tokio::spawn(work(handle.clone(), "single".into(), 60_000));
    let mut times = Vec::new();
    for number in 0..200 {
        let mut changes = handle.subscribe(None);
        let before = tokio::time::Instant::now();
        handle
            .submit(sweep(&format!("one{number}"), 1_000_000 + number, 1))
            .await
            .expect("taken");
        while let Some(heard) = changes.next().await {
            if let (_, WatchEvent::Change(Change::Job { status, .. })) = heard
                && status == sweeps::JobStatus::Done
            {
                break;
            }
        }
        times.push(before.elapsed());
    }
    times.sort_unstable();
    eprintln!(
        "one job, submit to done: p50 {:?}, p99 {:?}",
        times[100], times[198]
    );
    waiting.abort();
    shutdown.cancel();
    engine.stopped().await.expect("a clean stop");
}
