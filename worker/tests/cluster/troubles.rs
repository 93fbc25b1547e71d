//! Coordinators that restart, workers that die, wires that break.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sweeps::JobStatus;
use worker::WorkerError;
use worker::fake::{Fake, Step};

use crate::network::{Cluster, TIME_TO_LIVE, start, sweep};

const EPOCH: Duration = Duration::from_secs(1);

/// A trainer, and how often it was begun.
fn counted(epochs: usize) -> (Fake, Arc<AtomicU32>) {
    let begun = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&begun);
    let trainer = Fake::new(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        let work = Step::Work {
            time: EPOCH,
            batch: EPOCH / 10,
        };
        [work, Step::Epoch]
            .into_iter()
            .cycle()
            .take(2 * epochs)
            .collect()
    });
    (trainer, begun)
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_restarts_in_mid_job_has_nothing_trained_twice() {
    let mut cluster = Cluster::start().await;
    cluster.client().submit(&sweep("s", 4)).await.unwrap();
    let (first, first_begun) = counted(10);
    let (second, second_begun) = counted(10);
    let workers = [
        cluster.worker("one", first),
        cluster.worker("three", second),
    ];
    cluster
        .until("s", "two running jobs", |cells| {
            cells.iter().filter(|cell| !cell.live.is_empty()).count() == 2
        })
        .await;
    cluster.down().await;
    // Longer than a lease lives, and than a job trains.
    tokio::time::sleep(5 * TIME_TO_LIVE).await;
    cluster.up().await;
    let cells = cluster.settled("s").await;
    assert!(
        cells
            .iter()
            .all(|cell| cell.status == JobStatus::Done && cell.attempts == 1)
    );
    assert_eq!(
        first_begun.load(Ordering::Relaxed) + second_begun.load(Ordering::Relaxed),
        4
    );
    for worker in workers {
        worker.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_killed_workers_job_is_done_by_another_once_its_lease_ran_out() {
    let cluster = Cluster::start().await;
    cluster.client().submit(&sweep("s", 1)).await.unwrap();
    let first = cluster.worker("one", Fake::epochs(1000, EPOCH));
    cluster
        .until("s", "a live epoch", |cells| !cells[0].live.is_empty())
        .await;
    first.kill().await;
    let second = cluster.worker("two", Fake::epochs(2, EPOCH));
    let cells = cluster.settled("s").await;
    assert_eq!((cells[0].status, cells[0].attempts), (JobStatus::Done, 2));
    assert_eq!(cells[0].record.as_ref().unwrap().provenance.worker, "two");
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_killed_workers_successor_does_not_wait_for_the_lease() {
    let cluster = Cluster::start().await;
    cluster.client().submit(&sweep("s", 1)).await.unwrap();
    let first = cluster.worker("one", Fake::epochs(1000, EPOCH));
    cluster
        .until("s", "a live epoch", |cells| !cells[0].live.is_empty())
        .await;
    first.kill().await;
    let begin = tokio::time::Instant::now();
    let second = cluster.worker("one", Fake::epochs(1, EPOCH));
    let cells = cluster.settled("s").await;
    assert_eq!(cells[0].status, JobStatus::Done);
    assert!(begin.elapsed() < TIME_TO_LIVE, "{:?}", begin.elapsed());
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_preempted_workers_job_is_free_at_once() {
    let cluster = Cluster::start().await;
    cluster.client().submit(&sweep("s", 1)).await.unwrap();
    let first = cluster.worker("one", Fake::epochs(1000, EPOCH));
    cluster
        .until("s", "a live epoch", |cells| !cells[0].live.is_empty())
        .await;
    first.stop().await;
    let cells = cluster.client().cells("s").await.unwrap();
    assert_eq!(cells[0].status, JobStatus::Pending);
    let second = cluster.worker("two", Fake::epochs(2, EPOCH));
    let cells = cluster.settled("s").await;
    assert_eq!(cells[0].status, JobStatus::Done);
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_behind_a_broken_wire_is_told_that_its_lease_is_stale() {
    let cluster = Cluster::start().await;
    cluster.client().submit(&sweep("s", 2)).await.unwrap();
    let host = cluster.host();
    let slow = Fake::new(|task| {
        let epochs = if task.attempt.0 == 1 { 1_000_000 } else { 1 };
        let work = Step::Work {
            time: EPOCH,
            batch: EPOCH,
        };
        [work, Step::Epoch]
            .into_iter()
            .cycle()
            .take(2 * epochs)
            .collect()
    });
    let first = start(cluster.config(&host, "one"), slow);
    cluster
        .until("s", "a live epoch", |cells| !cells[0].live.is_empty())
        .await;
    host.cut();
    let second = cluster.worker("two", Fake::epochs(2, EPOCH));
    let cells = cluster.settled("s").await;
    assert!(cells.iter().all(|cell| cell.status == JobStatus::Done));
    host.mend();
    // Back again, it abandons its attempt and takes new work; its job takes for ever, so it must have.
    second.stop().await;
    cluster.client().submit(&sweep("more", 4)).await.unwrap();
    cluster
        .until("more", "new work", |cells| {
            cells[2..]
                .iter()
                .any(|cell| cell.status == JobStatus::Running)
        })
        .await;
    first.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_late_result_of_an_old_attempt_is_taken_and_the_newer_attempt_stops() {
    let cluster = Cluster::start().await;
    cluster.client().submit(&sweep("s", 1)).await.unwrap();
    let host = cluster.host();
    let first = start(cluster.config(&host, "one"), Fake::epochs(10, EPOCH));
    cluster
        .until("s", "a live epoch", |cells| !cells[0].live.is_empty())
        .await;
    host.cut();
    // The job is leased again, to one that would need very long.
    let second = cluster.worker("two", Fake::epochs(1_000_000, EPOCH));
    cluster
        .until("s", "a second attempt", |cells| cells[0].attempts == 2)
        .await;
    tokio::time::sleep(20 * EPOCH).await;
    host.mend();
    let cells = cluster.settled("s").await;
    assert_eq!(cells[0].status, JobStatus::Done);
    assert_eq!(cells[0].record.as_ref().unwrap().provenance.worker, "one");
    first.stop().await;
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_short_break_of_the_wire_costs_nothing() {
    let cluster = Cluster::start().await;
    cluster.client().submit(&sweep("s", 3)).await.unwrap();
    let host = cluster.host();
    let (trainer, begun) = counted(5);
    let worker = start(cluster.config(&host, "one"), trainer);
    for _ in 0..12 {
        tokio::time::sleep(Duration::from_millis(1300)).await;
        host.cut();
        tokio::time::sleep(Duration::from_millis(400)).await;
        host.mend();
    }
    let cells = cluster.settled("s").await;
    assert!(
        cells
            .iter()
            .all(|cell| cell.status == JobStatus::Done && cell.attempts == 1)
    );
    assert_eq!(begun.load(Ordering::Relaxed), 3);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_device_that_fails_leaves_its_jobs_to_the_others() {
    let cluster = Cluster::start().await;
    cluster.client().submit(&sweep("s", 4)).await.unwrap();
    let work = Step::Work {
        time: EPOCH,
        batch: EPOCH,
    };
    let breaks = Fake::new(move |_| vec![work.clone(), Step::Break]);
    let ended = cluster.worker("broken", breaks).exit().await;
    assert!(matches!(ended, Err(WorkerError::Device(_))), "{ended:?}");
    let (whole, begun) = counted(3);
    let worker = cluster.worker("whole", whole);
    let cells = cluster.settled("s").await;
    assert!(cells.iter().all(|cell| cell.status == JobStatus::Done));
    let mut attempts: Vec<u32> = cells.iter().map(|cell| cell.attempts).collect();
    attempts.sort_unstable();
    assert_eq!(attempts, [1, 1, 1, 2], "one job was touched by the failure");
    assert_eq!(begun.load(Ordering::Relaxed), 4);
    worker.stop().await;
}
