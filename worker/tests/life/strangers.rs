//! Before the first hello: a worker that is not let in holds a device for nothing.

use std::time::Duration;

use proto::Reason;
use tokio::time::Instant;
use worker::fake::Fake;
use worker::{Config, Exit, WorkerError};

use crate::world::World;

const EPOCH: Duration = Duration::from_secs(10);

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_never_answers_is_waited_for_no_longer_than_the_idle_timeout() {
    let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
    world.state().away = true;
    let config = Config {
        idle_timeout: Some(Duration::from_mins(5)),
        orphan_timeout: Duration::from_hours(24),
        ..world.config(spool.path())
    };
    let begin = Instant::now();
    let ended = world
        .worker_with(config, Fake::epochs(1, EPOCH))
        .exit()
        .await;
    assert!(
        matches!(&ended, Err(WorkerError::NeverReached { .. })),
        "{ended:?}"
    );
    assert_eq!(begin.elapsed().as_secs(), 300);
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_comes_in_time_gets_its_work_done() {
    let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
    world.state().away = true;
    let config = Config {
        idle_timeout: Some(Duration::from_mins(5)),
        ..world.config(spool.path())
    };
    let worker = world.worker_with(config, Fake::epochs(1, EPOCH));
    tokio::time::sleep(Duration::from_mins(4)).await;
    world.state().away = false;
    assert_eq!(worker.exit().await.unwrap(), Exit::Idle);
    assert_eq!(world.state().records.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_no_retry_cures_is_an_end() {
    for reason in [
        Reason::Unauthenticated,
        Reason::PermissionDenied,
        Reason::Incompatible,
    ] {
        let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
        world.state().refuse = vec![("hello", reason)];
        let begin = Instant::now();
        let ended = world
            .worker(spool.path(), Fake::epochs(1, EPOCH))
            .exit()
            .await;
        assert!(
            matches!(&ended, Err(WorkerError::Refused { reason: Some(found), .. }) if *found == reason),
            "{ended:?}"
        );
        assert!(begin.elapsed() < Duration::from_secs(1));
    }
    // One that heals is none.
    let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
    world.state().refuse = vec![("hello", Reason::Unavailable); 3];
    let worker = world.worker(spool.path(), Fake::epochs(1, EPOCH));
    world
        .until("the job is done", |state| !state.records.is_empty())
        .await;
    worker.shutdown.cancel();
    worker.exit().await.unwrap();
}
