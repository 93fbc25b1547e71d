//! Answers that get lost, and a coordinator that is away.

use std::time::Duration;

use proto::Reason;
use worker::fake::{Fake, Step};
use worker::{Config, Exit, WorkerError};

use crate::world::{World, id, reported};

const EPOCH: Duration = Duration::from_secs(1);

fn files(folder: &std::path::Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[tokio::test(start_paused = true)]
async fn lost_answers_repeat_calls_and_change_nothing() {
    for call in [
        "hello",
        "lease",
        "report",
        "finish",
        "put_artifact",
        "goodbye",
    ] {
        let (world, spool) = (World::with_jobs(2), tempfile::tempdir().unwrap());
        world.state().lose_answer.insert(call, 2);
        let config = Config {
            exit_after_jobs: Some(2),
            ..world.config(spool.path())
        };
        let trainer = Fake::new(|_| {
            let work = Step::Work {
                time: EPOCH,
                batch: EPOCH,
            };
            vec![work, Step::Epoch, Step::Artifact(10)]
        });
        let exit = world.worker_with(config, trainer).exit().await;
        assert_eq!(exit.unwrap(), Exit::JobsDone, "{call}");
        let state = world.state();
        let mut jobs: Vec<_> = state.records.iter().map(|record| record.job_id).collect();
        if call == "finish" {
            assert_eq!(jobs.len(), 4, "two deliveries more");
        }
        jobs.dedup();
        assert_eq!(jobs, [id(0), id(1)], "{call}");
        let first = state.records[0].outcome.digest();
        assert!(
            state
                .records
                .iter()
                .filter(|record| record.job_id == id(0))
                .all(|record| record.outcome.digest() == first)
        );
        assert!(state.held.is_empty(), "{call}");
        assert!(state.failures.is_empty(), "{call}");
        assert_eq!(files(&spool.path().join("records")), 0, "{call}");
        assert_eq!(files(&spool.path().join("artifacts")), 0, "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_coordinator_is_survived_and_nothing_is_trained_twice() {
    let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
    let worker = world.worker(spool.path(), Fake::epochs(10, EPOCH));
    world
        .until("two epochs", |state| reported(state, id(0)).len() == 2)
        .await;
    world.state().away = true;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(
        files(&spool.path().join("records")),
        1,
        "trained to its end, and kept"
    );
    world.state().away = false;
    world
        .until("the record", |state| !state.records.is_empty())
        .await;
    worker.shutdown.cancel();
    assert_eq!(worker.exit().await.unwrap(), Exit::Stopped);
    let state = world.state();
    assert_eq!(state.records.len(), 1);
    assert_eq!(state.records[0].outcome.curve.len(), 10);
    assert_eq!(files(&spool.path().join("records")), 0);
}

#[tokio::test(start_paused = true)]
async fn epochs_of_a_time_without_coordinator_arrive_later() {
    let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
    let worker = world.worker(spool.path(), Fake::epochs(100, EPOCH));
    world
        .until("two epochs", |state| reported(state, id(0)).len() == 2)
        .await;
    world.state().away = true;
    tokio::time::sleep(Duration::from_secs(20)).await;
    world.state().away = false;
    world
        .until("more epochs", |state| reported(state, id(0)).len() >= 30)
        .await;
    let epochs: Vec<u32> = reported(&world.state(), id(0))
        .iter()
        .map(|point| point.epoch)
        .collect();
    let expected: Vec<u32> = (1..=epochs.len() as u32).collect();
    assert_eq!(epochs, expected);
    worker.shutdown.cancel();
    worker.exit().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_record_is_delivered_by_a_later_process() {
    let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
    let worker = world.worker(
        spool.path(),
        Fake::new(|_| {
            vec![
                Step::Work {
                    time: 10 * EPOCH,
                    batch: EPOCH,
                },
                Step::Epoch,
                Step::Artifact(99),
            ]
        }),
    );
    world.until("a lease", |state| !state.held.is_empty()).await;
    world.state().away = true;
    tokio::time::sleep(Duration::from_secs(30)).await;
    worker.kill().await;
    world.state().away = false;
    assert_eq!(files(&spool.path().join("records")), 1);

    let config = Config {
        idle_timeout: Some(EPOCH),
        ..world.config(spool.path())
    };
    let exit = world
        .worker_with(config, Fake::new(|_| vec![Step::Panic]))
        .exit()
        .await;
    assert_eq!(exit.unwrap(), Exit::Idle);
    let state = world.state();
    assert_eq!(state.records.len(), 1);
    assert_eq!(state.records[0].job_id, id(0));
    assert!(state.releases.is_empty(), "the job is done, not given back");
    assert_eq!(files(&spool.path().join("artifacts")), 0);
}

#[tokio::test(start_paused = true)]
async fn a_killed_workers_job_is_given_back_by_its_successor() {
    let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
    let worker = world.worker(spool.path(), Fake::epochs(100, EPOCH));
    world
        .until("an epoch", |state| !reported(state, id(0)).is_empty())
        .await;
    worker.kill().await;
    let config = Config {
        exit_after_jobs: Some(1),
        ..world.config(spool.path())
    };
    let exit = world
        .worker_with(config, Fake::epochs(3, EPOCH))
        .exit()
        .await;
    assert_eq!(exit.unwrap(), Exit::JobsDone);
    let state = world.state();
    assert_eq!(state.releases.len(), 1);
    assert_eq!(state.records.len(), 1);
    assert_eq!(state.records[0].provenance.attempt.0, 2);
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_forgot_the_worker_hears_hello_again() {
    for call in ["lease", "report", "finish"] {
        let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
        world.state().refuse.push((call, Reason::UnknownWorker));
        let config = Config {
            exit_after_jobs: Some(1),
            ..world.config(spool.path())
        };
        let exit = world
            .worker_with(config, Fake::epochs(3, EPOCH))
            .exit()
            .await;
        assert_eq!(exit.unwrap(), Exit::JobsDone, "{call}");
        let state = world.state();
        assert_eq!(state.hellos.len(), 2, "{call}");
        assert_eq!(state.hellos[0], state.hellos[1], "the same session");
        assert_eq!(state.records.len(), 1, "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_at_the_coordinator_is_waited_for() {
    let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
    world
        .state()
        .refuse
        .extend([("finish", Reason::Storage); 5]);
    let config = Config {
        exit_after_jobs: Some(1),
        ..world.config(spool.path())
    };
    world
        .worker_with(config, Fake::epochs(1, EPOCH))
        .exit()
        .await
        .unwrap();
    assert_eq!(world.state().records.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_nobody_takes_is_set_aside_and_work_goes_on() {
    let (world, spool) = (World::with_jobs(2), tempfile::tempdir().unwrap());
    world
        .state()
        .refuse
        .push(("finish", Reason::UnknownAttempt));
    let worker = world.worker(spool.path(), Fake::epochs(1, EPOCH));
    world
        .until("the other record", |state| !state.records.is_empty())
        .await;
    worker.shutdown.cancel();
    worker.exit().await.unwrap();
    assert_eq!(world.state().records[0].job_id, id(1));
    let failure = &world.state().failures[0];
    assert_eq!(
        failure.class,
        sweeps::FailureClass::Trainer,
        "said, so that it does not come back for ever"
    );
    assert_eq!(files(&spool.path().join("refused")), 1);
    assert_eq!(files(&spool.path().join("records")), 0);
}

#[tokio::test(start_paused = true)]
async fn an_orphan_gives_up_in_time_and_keeps_its_result() {
    let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
    let config = Config {
        orphan_timeout: Duration::from_secs(100),
        ..world.config(spool.path())
    };
    let worker = world.worker_with(config, Fake::epochs(20, EPOCH));
    world
        .until("an epoch", |state| !reported(state, id(0)).is_empty())
        .await;
    world.state().away = true;
    let begin = tokio::time::Instant::now();
    let error = worker.exit().await.unwrap_err();
    assert!(matches!(error, WorkerError::Orphaned { .. }), "{error}");
    assert!(
        begin.elapsed() < Duration::from_mins(2),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(files(&spool.path().join("records")), 1);
}

#[tokio::test(start_paused = true)]
async fn an_orphan_in_mid_job_stops_training() {
    let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
    let config = Config {
        orphan_timeout: Duration::from_secs(100),
        ..world.config(spool.path())
    };
    let worker = world.worker_with(config, Fake::epochs(1_000_000, EPOCH));
    world
        .until("an epoch", |state| !reported(state, id(0)).is_empty())
        .await;
    world.state().away = true;
    let begin = tokio::time::Instant::now();
    assert!(matches!(
        worker.exit().await,
        Err(WorkerError::Orphaned { .. })
    ));
    assert!(
        begin.elapsed() < Duration::from_mins(2),
        "{:?}",
        begin.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_of_another_protocol_is_left_at_once() {
    let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
    world.state().protocol_revision = Some(99);
    let error = world
        .worker(spool.path(), Fake::epochs(1, EPOCH))
        .exit()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("99"), "{error}");
    assert_eq!(world.state().hellos.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_key_ends_the_worker_at_once() {
    let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
    world
        .state()
        .refuse
        .push(("hello", Reason::Unauthenticated));
    let error = world
        .worker(spool.path(), Fake::epochs(1, EPOCH))
        .exit()
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        WorkerError::Refused {
            reason: Some(Reason::Unauthenticated),
            ..
        }
    ));
}
