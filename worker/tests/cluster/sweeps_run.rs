//! Sweeps that run as they should.

use std::time::Duration;

use proto::nouns::{Control, ControlAction, Target, WatchEvent, WorkerState};
use sweeps::{Digest, FailureClass, JobId, JobStatus};
use worker::fake::{Fake, Step, point};
use worker::{Config, Exit};

use crate::network::{Cluster, start, sweep};

const EPOCH: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn two_workers_do_every_job_once() {
    let cluster = Cluster::start().await;
    let submitted = cluster.client().submit(&sweep("s", 7)).await.unwrap();
    assert_eq!((submitted.jobs, submitted.new), (7, 7));
    let workers = ["one", "three"].map(|name| cluster.worker(name, Fake::epochs(3, EPOCH)));
    let cells = cluster.settled("s").await;
    for cell in &cells {
        assert_eq!(cell.status, JobStatus::Done);
        assert_eq!(cell.attempts, 1);
        let record = cell.record.as_ref().unwrap();
        let curve: Vec<_> = (1..=3).map(|epoch| point(cell.job_id, epoch)).collect();
        assert_eq!(record.outcome.curve, curve);
    }
    let seeds: Vec<u64> = cells.iter().map(|cell| cell.cell.job.seed).collect();
    assert_eq!(seeds, [0, 1, 2, 3, 4, 5, 6]);
    let mut names: Vec<_> = cells
        .iter()
        .map(|cell| cell.record.as_ref().unwrap().provenance.worker.clone())
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names, ["one", "three"], "both have worked");

    // Growing runs only what is new; the same again runs nothing.
    let grown = cluster.client().submit(&sweep("s", 9)).await.unwrap();
    assert_eq!((grown.jobs, grown.new, grown.done), (9, 2, 7));
    assert_eq!(cluster.settled("s").await.len(), 9);
    let again = cluster.client().submit(&sweep("s", 9)).await.unwrap();
    assert_eq!((again.new, again.done), (0, 9));

    let views = cluster.client().workers().await.unwrap();
    assert_eq!(views.len(), 2);
    assert!(
        views
            .iter()
            .all(|view| view.state == WorkerState::Active && view.leases.is_empty())
    );
    assert_eq!(views.iter().map(|view| view.finished).sum::<u64>(), 9);
    for worker in workers {
        worker.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_watcher_hears_epochs_and_the_end() {
    let cluster = Cluster::start().await;
    let mut watcher = cluster.client().watch(Some("s")).await.unwrap();
    cluster.client().submit(&sweep("s", 2)).await.unwrap();
    let worker = cluster.worker("one", Fake::epochs(3, EPOCH));
    let (mut epochs, mut done) = (Vec::new(), 0);
    while done < 2 {
        match watcher.next().await.unwrap().unwrap() {
            WatchEvent::Change(proto::nouns::Change::Epochs { job, points, .. }) => {
                epochs.extend(points.iter().map(|point| (job, point.clone())));
            }
            WatchEvent::Change(proto::nouns::Change::Job { status, .. }) => {
                done += usize::from(status == JobStatus::Done);
            }
            WatchEvent::Change(_) => {}
            WatchEvent::Missed(missed) => panic!("missed {missed}"),
        }
    }
    // The last epoch of a job may come with its record alone.
    assert!(epochs.len() >= 4, "{}", epochs.len());
    assert!(
        epochs
            .iter()
            .all(|(job, heard)| *heard == point(*job, heard.epoch))
    );
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn artifacts_come_back_as_they_were_put() {
    let cluster = Cluster::start().await;
    cluster.client().submit(&sweep("s", 1)).await.unwrap();
    let worker = cluster.worker(
        "one",
        Fake::new(|_| vec![Step::Epoch, Step::Artifact(1_000_000), Step::Artifact(0)]),
    );
    let cells = cluster.settled("s").await;
    let artifacts = &cells[0].record.as_ref().unwrap().outcome.artifacts;
    let bytes: Vec<u8> = cells[0]
        .job_id
        .0
        .iter()
        .copied()
        .cycle()
        .take(1_000_000)
        .collect();
    let client = cluster.client();
    assert_eq!(
        client.artifact(artifacts[0].digest, 1 << 30).await.unwrap(),
        bytes
    );
    assert!(
        client
            .artifact(artifacts[1].digest, 1 << 30)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(client.artifact(artifacts[0].digest, 999_999).await.is_err());
    assert!(client.artifact(Digest([9; 32]), 1 << 30).await.is_err());
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn failures_are_retried_and_then_shown() {
    let cluster = Cluster::start().await;
    cluster.client().submit(&sweep("s", 2)).await.unwrap();
    let worker = cluster.worker(
        "one",
        Fake::new(|task| {
            if task.job.seed == 0 {
                vec![Step::Epoch, Step::Fail(FailureClass::Diverged)]
            } else if task.attempt.0 == 1 {
                vec![Step::Epoch, Step::Fail(FailureClass::OutOfMemory)]
            } else {
                vec![Step::Epoch]
            }
        }),
    );
    let cells = cluster.settled("s").await;
    assert_eq!((cells[0].status, cells[0].attempts), (JobStatus::Failed, 1));
    assert!(cells[0].error.as_ref().unwrap().contains("diverged"));
    assert_eq!((cells[1].status, cells[1].attempts), (JobStatus::Done, 2));
    let explanation = cluster.client().explain(cells[0].job_id).await.unwrap();
    assert_eq!(explanation.view.failures.len(), 1);
    assert!(!explanation.reasons.is_empty());
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_sweep_stops_its_worker() {
    let cluster = Cluster::start().await;
    cluster.client().submit(&sweep("s", 2)).await.unwrap();
    let worker = cluster.worker("one", Fake::epochs(1_000_000, EPOCH));
    cluster
        .until("s", "a live epoch", |cells| {
            cells.iter().any(|cell| !cell.live.is_empty())
        })
        .await;
    let control = Control {
        target: Target::Sweep("s".into()),
        action: ControlAction::Cancel,
    };
    assert_eq!(cluster.client().control(&control).await.unwrap(), 2);
    let cells = cluster.settled("s").await;
    assert!(cells.iter().all(|cell| cell.status == JobStatus::Cancelled));
    // The worker is free for another sweep.
    cluster.client().submit(&sweep("other", 3)).await.unwrap();
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_drained_worker_goes_and_its_job_is_done_elsewhere() {
    let cluster = Cluster::start().await;
    cluster.client().submit(&sweep("s", 1)).await.unwrap();
    let first = cluster.worker("one", Fake::epochs(1_000_000, EPOCH));
    cluster
        .until("s", "a live epoch", |cells| !cells[0].live.is_empty())
        .await;
    assert_eq!(
        cluster.client().drain("one", "an upgrade").await.unwrap(),
        1
    );
    assert_eq!(first.exit().await.unwrap(), Exit::Drained);
    let second = cluster.worker("two", Fake::epochs(2, EPOCH));
    let cells = cluster.settled("s").await;
    assert_eq!((cells[0].status, cells[0].attempts), (JobStatus::Done, 2));
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn log_lines_are_kept() {
    let cluster = Cluster::start().await;
    cluster.client().submit(&sweep("s", 1)).await.unwrap();
    let work = Step::Work {
        time: EPOCH,
        batch: EPOCH,
    };
    let worker = cluster.worker(
        "one",
        Fake::new(move |_| vec![Step::Log("hello".into()), work.clone(), Step::Epoch]),
    );
    let cells = cluster.settled("s").await;
    let lines = cluster.client().logs(cells[0].job_id, None).await.unwrap();
    assert_eq!(
        lines
            .iter()
            .map(|line| line.text.as_str())
            .collect::<Vec<_>>(),
        ["hello"]
    );
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_elastic_worker_goes_after_its_jobs() {
    let cluster = Cluster::start().await;
    cluster.client().submit(&sweep("s", 5)).await.unwrap();
    let config = Config {
        exit_after_jobs: Some(3),
        ..cluster.config(&cluster.host(), "one")
    };
    let exit = start(config, Fake::epochs(1, EPOCH)).exit().await;
    assert_eq!(exit.unwrap(), Exit::JobsDone);
    let cells = cluster.client().cells("s").await.unwrap();
    let done = cells
        .iter()
        .filter(|cell| cell.status == JobStatus::Done)
        .count();
    assert_eq!(done, 3);
    // One of them can be asked for alone.
    for cell in &cells {
        let alone = cluster.client().cell_of("s", cell.job_id).await.unwrap();
        assert_eq!(alone.as_ref(), Some(cell));
    }
    let nobody = cluster.client().cell_of("s", JobId([0; 32])).await;
    assert_eq!(nobody.unwrap(), None);
    assert!(
        cells.iter().all(|cell| cell.status != JobStatus::Running),
        "none is left leased"
    );
}
