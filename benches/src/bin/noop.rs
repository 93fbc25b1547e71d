//! No-op jobs a second, and how long a single one takes from its submission to the news that it is done; all of it over
//! gRPC between processes, every lease and every record on disk before it is told. `noop [--jobs N] [--workers N]
//! [--lanes N] [--singles N]` prints one line of JSON.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement that cannot be made says why and ends; its numbers go to stdout"
)]

use std::time::Duration;

use benches::house::House;
use benches::{argument, quantile, sweep};
use proto::nouns::{Change, WatchEvent};
use sweeps::JobStatus;
use tokio::time::{Instant, sleep};

async fn run_all(house: &House, name: &str, first: u64, jobs: u64) -> f64 {
    let begin = Instant::now();
    house
        .client
        .submit(&sweep(name, first, jobs))
        .await
        .expect("taken");
    loop {
        let sweeps = house.client.sweeps().await.expect("an answer");
        let found = sweeps.iter().find(|sweep| sweep.name == name);
        if found.is_some_and(|sweep| sweep.counts.of(JobStatus::Done) == jobs) {
            return begin.elapsed().as_secs_f64();
        }
        sleep(Duration::from_millis(5)).await;
    }
}

async fn run_singles(house: &House, first: u64, count: u64) -> Vec<f64> {
    let mut watcher = house.client.watch(None).await.expect("a stream");
    let mut times = Vec::new();
    for number in 0..count {
        let name = format!("single-{number}");
        let begin = Instant::now();
        house
            .client
            .submit(&sweep(&name, first + number, 1))
            .await
            .expect("taken");
        loop {
            match watcher
                .next()
                .await
                .expect("news")
                .expect("a stream that goes on")
            {
                WatchEvent::Change(Change::Job { sweeps, status, .. })
                    if status == JobStatus::Done && sweeps.iter().any(|sweep| **sweep == *name) =>
                {
                    break;
                }
                _ => {}
            }
        }
        times.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    times
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let jobs = argument("--jobs", 20_000);
    let workers = argument("--workers", 2_u32);
    let lanes = argument("--lanes", 32);
    let singles = argument("--singles", 300);
    let mut house = House::start().await;
    for _ in 0..workers {
        house.worker(lanes).await;
    }
    // Connections and caches as warm as they are in a coordinator that has run for a minute.
    run_all(&house, "warm-up", 0, 500).await;
    let seconds = run_all(&house, "many", 1_000_000, jobs).await;
    let mut times = run_singles(&house, 10_000_000, singles).await;
    println!(
        "{}",
        serde_json::json!({
            "system": "gcl-sweep",
            "jobs": jobs,
            "workers": workers,
            "lanes": lanes,
            "seconds": seconds,
            "jobs_per_second": jobs as f64 / seconds,
            "single_p50_ms": quantile(&mut times, 0.5),
            "single_p99_ms": quantile(&mut times, 0.99),
            "journal_bytes": house.journal_bytes(),
            "coordinator_resident_bytes": house.resident(),
        })
    );
}
