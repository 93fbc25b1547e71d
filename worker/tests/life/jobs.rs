//! Jobs that go well, and jobs that fail.

use std::time::Duration;

use sweeps::{Digest, FailureClass};
use worker::fake::{Fake, Step, point};
use worker::{Config, Exit};

use crate::world::{TIME_TO_LIVE, World, id, reported};

const EPOCH: Duration = Duration::from_secs(1);

fn jobs(config: Config, count: u64) -> Config {
    Config {
        exit_after_jobs: Some(count),
        ..config
    }
}

#[tokio::test(start_paused = true)]
async fn every_job_is_trained_once_and_its_record_delivered() {
    let (world, spool) = (World::with_jobs(3), tempfile::tempdir().unwrap());
    let config = jobs(world.config(spool.path()), 3);
    let exit = world
        .worker_with(config, Fake::epochs(4, EPOCH))
        .exit()
        .await;
    assert_eq!(exit.unwrap(), Exit::JobsDone);

    let state = world.state();
    let delivered: Vec<_> = state.records.iter().map(|record| record.job_id).collect();
    assert_eq!(delivered, [id(0), id(1), id(2)]);
    for record in &state.records {
        let curve: Vec<_> = (1..=4).map(|epoch| point(record.job_id, epoch)).collect();
        assert_eq!(record.outcome.curve, curve);
        assert_eq!(record.provenance.worker, "tester");
        assert!(
            (record.provenance.duration_s - 4.0).abs() < 0.1,
            "virtual seconds"
        );
    }
    assert_eq!(state.goodbyes, ["did its jobs"]);
    assert!(state.held.is_empty());
    assert_eq!(state.hellos.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn epochs_stream_in_while_a_job_trains() {
    let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
    let worker = world.worker(spool.path(), Fake::epochs(5, EPOCH));
    world
        .until("three epochs of a running job", |state| {
            state.records.is_empty() && reported(state, id(0)).len() == 3
        })
        .await;
    world
        .until("a record", |state| !state.records.is_empty())
        .await;
    let points: Vec<_> = (1..=4).map(|epoch| point(id(0), epoch)).collect();
    assert_eq!(
        reported(&world.state(), id(0))[..4],
        points,
        "in order, none twice"
    );
    worker.shutdown.cancel();
    assert_eq!(worker.exit().await.unwrap(), Exit::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_silent_trainers_lease_is_renewed_in_time() {
    let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
    let config = jobs(world.config(spool.path()), 1);
    let exit = world
        .worker_with(config, Fake::epochs(1, 20 * TIME_TO_LIVE))
        .exit()
        .await;
    assert_eq!(exit.unwrap(), Exit::JobsDone);
    let times: Vec<_> = world
        .state()
        .reports
        .iter()
        .map(|(time, _)| *time)
        .collect();
    assert!(times.len() >= 40);
    for pair in times.windows(2) {
        assert!(
            pair[1] - pair[0] <= TIME_TO_LIVE / 2,
            "{:?}",
            pair[1] - pair[0]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn leases_that_wait_their_turn_are_renewed_too() {
    let (world, spool) = (World::with_jobs(2), tempfile::tempdir().unwrap());
    let config = Config {
        slots: 2,
        ..jobs(world.config(spool.path()), 2)
    };
    let exit = world
        .worker_with(config, Fake::epochs(1, 10 * TIME_TO_LIVE))
        .exit()
        .await;
    assert_eq!(exit.unwrap(), Exit::JobsDone);
    let state = world.state();
    assert_eq!(state.records.len(), 2);
    let both = state
        .reports
        .iter()
        .filter(|(_, report)| report.progress.len() == 2);
    assert!(both.count() >= 20);
}

#[tokio::test(start_paused = true)]
async fn artifacts_are_stored_before_the_record_that_names_them() {
    let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
    let config = jobs(world.config(spool.path()), 1);
    // Longer than one piece; the scripted coordinator refuses a record whose artifacts are missing.
    let script = || vec![Step::Epoch, Step::Artifact(700_000), Step::Artifact(0)];
    let exit = world
        .worker_with(config, Fake::new(move |_| script()))
        .exit()
        .await;
    assert_eq!(exit.unwrap(), Exit::JobsDone);
    let state = world.state();
    let record = &state.records[0];
    let bytes: Vec<u8> = id(0).0.iter().copied().cycle().take(700_000).collect();
    assert_eq!(record.outcome.artifacts[0].digest, Digest::of(&bytes));
    assert_eq!(record.outcome.artifacts[1].bytes, 0);
    assert_eq!(state.artifacts.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_with_its_class_and_the_next_job_runs() {
    for (step, class) in [
        (
            Step::Fail(FailureClass::OutOfMemory),
            FailureClass::OutOfMemory,
        ),
        (Step::Fail(FailureClass::BadData), FailureClass::BadData),
        (Step::Panic, FailureClass::Trainer),
        (Step::NanEpoch, FailureClass::Diverged),
    ] {
        let (world, spool) = (World::with_jobs(2), tempfile::tempdir().unwrap());
        let config = jobs(world.config(spool.path()), 2);
        let first = step.clone();
        let trainer = Fake::new(move |task| {
            if task.job_id == id(0) {
                vec![Step::Epoch, first.clone()]
            } else {
                vec![Step::Epoch]
            }
        });
        let exit = world.worker_with(config, trainer).exit().await;
        assert_eq!(exit.unwrap(), Exit::JobsDone);
        let state = world.state();
        assert_eq!(state.failures.len(), 1, "{step:?}");
        assert_eq!(state.failures[0].class, class, "{step:?}");
        assert_eq!(state.records.len(), 1);
        assert_eq!(state.records[0].job_id, id(1));
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_over_is_abandoned_and_the_next_job_runs() {
    for reason in [
        proto::wire::StopReason::StaleLease,
        proto::wire::StopReason::Finished,
        proto::wire::StopReason::Cancelled,
    ] {
        let (world, spool) = (World::with_jobs(2), tempfile::tempdir().unwrap());
        let trainer = Fake::new(|task| {
            let epochs = if task.job_id == id(0) { 1_000_000 } else { 1 };
            let work = Step::Work {
                time: EPOCH,
                batch: EPOCH / 10,
            };
            vec![work, Step::Epoch]
                .into_iter()
                .cycle()
                .take(2 * epochs)
                .collect()
        });
        let worker = world.worker(spool.path(), trainer);
        world
            .until("an epoch", |state| !reported(state, id(0)).is_empty())
            .await;
        world.state().stop.insert(id(0), reason);
        world
            .until("the other job's record", |state| !state.records.is_empty())
            .await;
        worker.shutdown.cancel();
        assert_eq!(worker.exit().await.unwrap(), Exit::Stopped);
        let state = world.state();
        assert_eq!(state.records[0].job_id, id(1), "{reason:?}");
        assert!(
            state.failures.is_empty() && state.releases.is_empty(),
            "nothing more to say of it"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_without_work_goes_when_told_so() {
    let (world, spool) = (World::with_jobs(0), tempfile::tempdir().unwrap());
    let config = Config {
        idle_timeout: Some(Duration::from_secs(30)),
        ..world.config(spool.path())
    };
    let begin = tokio::time::Instant::now();
    let exit = world
        .worker_with(config, Fake::epochs(1, EPOCH))
        .exit()
        .await;
    assert_eq!(exit.unwrap(), Exit::Idle);
    assert!(
        begin.elapsed() >= Duration::from_secs(30) && begin.elapsed() < Duration::from_secs(40)
    );
}
