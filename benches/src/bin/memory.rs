//! What a coordinator costs: memory when it idles, memory per waiting job, and a sweep of many jobs submitted, listed and
//! finished by simulated workers. `memory [--jobs N] [--workers N] [--lanes N]` prints one line of JSON; without workers
//! it stops after the listing.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measurement that cannot be made says why and ends; its numbers go to stdout"
)]

use std::time::Duration;

use benches::house::House;
use benches::{argument, sweep};
use sweeps::JobStatus;
use tokio::time::{Instant, sleep};

/// Cells of the sweep as a client is told them, and how many of them have a record.
async fn list(house: &House, name: &str) -> (u64, u64, f64) {
    let begin = Instant::now();
    let (mut cells, mut records) = (0, 0);
    house
        .caller
        .each_cell(name, |cell| {
            cells += 1;
            records += u64::from(cell.record.is_some());
        })
        .await
        .expect("a list");
    (cells, records, begin.elapsed().as_secs_f64())
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let jobs = argument("--jobs", 100_000);
    let workers = argument("--workers", 0_u32);
    let lanes = argument("--lanes", 32);
    let mut house = House::start().await;
    // An answered question: connections and the runtime's threads are there.
    house.caller.sweeps().await.expect("an answer");
    let idle = house.resident();
    let begin = Instant::now();
    let submitted = house
        .caller
        .submit(&sweep("many", 0, jobs))
        .await
        .expect("taken");
    let submit_seconds = begin.elapsed().as_secs_f64();
    assert_eq!(submitted.jobs, jobs);
    let waiting = house.resident();
    let journal_waiting = house.journal_bytes();
    eprintln!(
        "submitted {jobs} jobs in {submit_seconds:.1} s, {} MB resident",
        waiting >> 20
    );
    let (cells, _, list_seconds) = list(&house, "many").await;
    assert_eq!(cells, jobs);
    eprintln!(
        "listed in {list_seconds:.1} s, {} MB resident",
        house.resident() >> 20
    );
    let mut answer = serde_json::json!({
        "jobs": jobs,
        "idle_resident_bytes": idle,
        "submit_seconds": submit_seconds,
        "waiting_resident_bytes": waiting,
        "bytes_per_waiting_job": waiting.saturating_sub(idle) as f64 / jobs as f64,
        "journal_bytes_waiting": journal_waiting,
        "list_seconds": list_seconds,
        "listed_resident_bytes": house.resident(),
    });
    if workers > 0 {
        let begin = Instant::now();
        for _ in 0..workers {
            house.worker(lanes).await;
        }
        loop {
            let sweeps = house.caller.sweeps().await.expect("an answer");
            let done = sweeps[0].counts.of(JobStatus::Done);
            if done == jobs {
                break;
            }
            assert!(sweeps[0].counts.of(JobStatus::Failed) == 0, "a job failed");
            sleep(Duration::from_millis(100)).await;
        }
        let seconds = begin.elapsed().as_secs_f64();
        eprintln!(
            "finished in {seconds:.1} s, {} MB resident",
            house.resident() >> 20
        );
        let (cells, records, listed) = list(&house, "many").await;
        assert_eq!((cells, records), (jobs, jobs), "a record is missing");
        answer["finish_seconds"] = seconds.into();
        answer["finished_resident_bytes"] = house.resident().into();
        answer["list_records_seconds"] = listed.into();
        answer["journal_bytes"] = house.journal_bytes().into();
        let begin = Instant::now();
        house.restart().await;
        answer["restart_seconds"] = begin.elapsed().as_secs_f64().into();
        answer["restarted_resident_bytes"] = house.resident().into();
    }
    println!("{answer}");
}
