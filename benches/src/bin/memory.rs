//! What a coordinator costs: memory when it idles, memory per waiting job, how long others wait while many jobs are
//! submitted, and a sweep of many jobs submitted, listed and finished by simulated workers. `memory [--jobs N] [--workers N] [--lanes N]` prints one line of JSON; without workers
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
        .client
        .each_cell(name, |cell| {
            cells += 1;
            records += u64::from(cell.record.is_some());
        })
        .await
        .expect("a list");
    (cells, records, begin.elapsed().as_secs_f64())
}

/// Rows of the sweep as a client is told them.
async fn list_rows(house: &House, name: &str) -> (u64, f64) {
    let begin = Instant::now();
    let mut rows = 0;
    let listed = house.client.each_row(name, &[], |_| rows += 1).await;
    listed.expect("a list");
    (rows, begin.elapsed().as_secs_f64())
}

/// What `work` gives, and the longest time that somebody else waits for an answer of the engine meanwhile.
async fn longest_wait<T>(house: &House, work: impl Future<Output = T>) -> (T, f64) {
    let mut longest = 0.0_f64;
    let mut work = std::pin::pin!(work);
    loop {
        let begin = Instant::now();
        let asking = async {
            house.client.workers().await.expect("an answer");
        };
        let mut asking = std::pin::pin!(asking);
        tokio::select! {
            done = &mut work => return (done, longest.max(begin.elapsed().as_secs_f64())),
            () = &mut asking => {}
        }
        longest = longest.max(begin.elapsed().as_secs_f64());
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let jobs = argument("--jobs", 100_000);
    let workers = argument("--workers", 0_u32);
    let lanes = argument("--lanes", 32);
    let mut house = House::start().await;
    // An answered question: connections and the runtime's threads are there.
    house.client.sweeps().await.expect("an answer");
    let idle = house.resident();
    let begin = Instant::now();
    let many = sweep("many", 0, jobs);
    let (submitted, longest) = longest_wait(&house, house.client.submit(&many)).await;
    let submitted = submitted.expect("taken");
    let submit_seconds = begin.elapsed().as_secs_f64();
    assert_eq!(submitted.jobs, jobs);
    let waiting = house.resident();
    let journal_waiting = house.journal_bytes();
    eprintln!(
        "submitted {jobs} jobs in {submit_seconds:.1} s, {} MB resident",
        waiting >> 20
    );
    let (rows, rows_seconds) = list_rows(&house, "many").await;
    assert_eq!(rows, jobs);
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
        "longest_wait_of_others_seconds": longest,
        "rows_seconds": rows_seconds,
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
            let sweeps = house.client.sweeps().await.expect("an answer");
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
