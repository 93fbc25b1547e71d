//! Signals and drains.

use std::time::Duration;

use tokio::time::Instant;
use worker::config::OnDrain;
use worker::fake::{Fake, Step};
use worker::{Config, Exit};

use crate::world::{World, id, reported};

const EPOCH: Duration = Duration::from_secs(10);

#[tokio::test(start_paused = true)]
async fn a_signal_stops_at_the_batch_boundary_and_gives_the_job_back() {
    let (world, spool) = (World::with_jobs(2), tempfile::tempdir().unwrap());
    let worker = world.worker(spool.path(), Fake::epochs(100, EPOCH));
    world
        .until("an epoch", |state| !reported(state, id(0)).is_empty())
        .await;
    let begin = Instant::now();
    worker.shutdown.cancel();
    assert_eq!(worker.exit().await.unwrap(), Exit::Stopped);
    // A batch of this script takes a second.
    assert!(
        begin.elapsed() <= Duration::from_millis(1100),
        "{:?}",
        begin.elapsed()
    );
    let state = world.state();
    assert_eq!(state.releases.len(), 1);
    assert_eq!(state.releases[0].0.0, id(0));
    assert!(state.held.is_empty());
    assert_eq!(state.goodbyes, ["stopped"]);
    assert!(state.failures.is_empty() && state.records.is_empty());
}

#[tokio::test(start_paused = true)]
async fn jobs_that_wait_their_turn_go_back_too() {
    let (world, spool) = (World::with_jobs(3), tempfile::tempdir().unwrap());
    let config = Config {
        slots: 3,
        ..world.config(spool.path())
    };
    let worker = world.worker_with(config, Fake::epochs(100, EPOCH));
    world
        .until("an epoch", |state| !reported(state, id(0)).is_empty())
        .await;
    worker.shutdown.cancel();
    worker.exit().await.unwrap();
    assert_eq!(world.state().releases.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_trainer_that_hangs_does_not_keep_the_worker_from_leaving() {
    let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
    let worker = world.worker(spool.path(), Fake::new(|_| vec![Step::Epoch, Step::Hang]));
    world
        .until("an epoch", |state| !reported(state, id(0)).is_empty())
        .await;
    let begin = Instant::now();
    worker.shutdown.cancel();
    assert_eq!(worker.exit().await.unwrap(), Exit::Stopped);
    assert!(
        begin.elapsed() <= Duration::from_secs(10),
        "the grace period of these tests"
    );
    assert_eq!(world.state().releases.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_signal_is_obeyed_when_nobody_answers() {
    let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
    let worker = world.worker(spool.path(), Fake::epochs(100, EPOCH));
    world
        .until("an epoch", |state| !reported(state, id(0)).is_empty())
        .await;
    world.state().away = true;
    let begin = Instant::now();
    worker.shutdown.cancel();
    assert_eq!(worker.exit().await.unwrap(), Exit::Stopped);
    assert!(
        begin.elapsed() <= Duration::from_secs(10),
        "{:?}",
        begin.elapsed()
    );

    // Before the first hello, too.
    let other = tempfile::tempdir().unwrap();
    let worker = world.worker(other.path(), Fake::epochs(1, EPOCH));
    tokio::time::sleep(EPOCH).await;
    worker.shutdown.cancel();
    assert_eq!(worker.exit().await.unwrap(), Exit::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_drained_worker_hands_its_job_back_or_finishes_it() {
    for (on_drain, records, releases) in [(OnDrain::HandBack, 0, 1), (OnDrain::Finish, 1, 0)] {
        let (world, spool) = (World::with_jobs(2), tempfile::tempdir().unwrap());
        let config = Config {
            on_drain,
            ..world.config(spool.path())
        };
        let worker = world.worker_with(config, Fake::epochs(10, EPOCH));
        world
            .until("an epoch", |state| !reported(state, id(0)).is_empty())
            .await;
        world.state().drain = true;
        assert_eq!(worker.exit().await.unwrap(), Exit::Drained);
        let state = world.state();
        assert_eq!(
            (state.records.len(), state.releases.len()),
            (records, releases),
            "{on_drain:?}"
        );
        assert_eq!(state.goodbyes, ["drained"]);
        assert!(state.held.is_empty());
    }
}
