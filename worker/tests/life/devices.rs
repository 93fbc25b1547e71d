//! Devices that fail, and devices that say how they are.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use proto::telemetry::Telemetry;
use sweeps::{DeviceInfo, Digest, FailureClass};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use worker::fake::{Fake, Step};
use worker::{Config, Ended, Event, Task, Trainer, WorkerError};

use crate::world::{World, id};

const EPOCH: Duration = Duration::from_secs(10);

#[tokio::test(start_paused = true)]
async fn a_device_that_fails_in_a_job_ends_the_worker_and_costs_no_other_job() {
    let (world, spool) = (World::with_jobs(4), tempfile::tempdir().unwrap());
    let config = Config {
        slots: 2,
        ..world.config(spool.path())
    };
    let trainer = Fake::new(|task| {
        let work = Step::Work {
            time: EPOCH,
            batch: EPOCH,
        };
        if task.job.seed == 1 {
            vec![work, Step::Break]
        } else {
            vec![work, Step::Epoch]
        }
    });
    let ended = world.worker_with(config, trainer).exit().await;
    assert!(
        matches!(&ended, Err(WorkerError::Device(message)) if message.contains("broke")),
        "{ended:?}"
    );
    let state = world.state();
    assert_eq!(state.records.len(), 1);
    let failed: Vec<_> = state.failures.iter().map(|failure| failure.class).collect();
    assert_eq!(failed, [FailureClass::Trainer], "said once, of its job");
    let back: Vec<_> = state.releases.iter().map(|(key, _)| key.0).collect();
    assert_eq!(
        back,
        [id(2)],
        "the one that waited goes back, nothing was asked for after the failure"
    );
    assert!(state.held.is_empty());
    assert_eq!(state.goodbyes, ["failed"]);
}

/// Trains as the script says, on a device that can say how it is.
struct Measured(Fake);

const READING: Telemetry = Telemetry {
    busy_percent: Some(90),
    memory_used_bytes: Some(7),
    batches_per_second: Some(2.5),
    data_wait_percent: Some(1),
};

#[async_trait]
impl Trainer for Measured {
    fn device(&self) -> DeviceInfo {
        self.0.device()
    }

    fn memory_bytes(&self) -> Option<u64> {
        Some(99)
    }

    fn driver(&self) -> Option<String> {
        Some("580.1".to_owned())
    }

    fn telemetry(&self) -> Option<Telemetry> {
        Some(READING)
    }

    fn datasets(&self) -> BTreeMap<String, Digest> {
        self.0.datasets()
    }

    async fn train(
        &self,
        task: Task,
        events: mpsc::Sender<Event>,
        stop: CancellationToken,
    ) -> Ended {
        self.0.train(task, events, stop).await
    }
}

#[tokio::test(start_paused = true)]
async fn measurements_go_out_now_and_then_with_a_job_and_without_one() {
    let (world, spool) = (World::with_jobs(1), tempfile::tempdir().unwrap());
    // Ten epochs in each second, for twenty seconds; then nothing to do.
    let trainer = Measured(Fake::epochs(200, Duration::from_millis(100)));
    let worker = world.worker(spool.path(), trainer);
    world
        .until("the job is done", |state| !state.records.is_empty())
        .await;
    let measured = |world: &World| {
        let state = world.state();
        let with = state.reports.iter().filter(|(_, report)| {
            let found = report.telemetry.map(|found| found.try_into().unwrap());
            assert!(found.is_none() || found == Some(READING));
            found.is_some()
        });
        with.map(|(at, _)| *at).collect::<Vec<_>>()
    };
    let busy = measured(&world).len();
    assert!((3..=6).contains(&busy), "{busy} in 20 seconds");
    // Twice a second at most, whatever the epochs: they did not wait for measurements.
    let told = world.state().reports.len();
    assert!((35..=45).contains(&told), "{told} reports in 20 seconds");
    tokio::time::sleep(Duration::from_mins(1)).await;
    let all = measured(&world);
    assert!(
        (5..=13).contains(&(all.len() - busy)),
        "{} in an idle minute",
        all.len() - busy
    );
    assert!(
        all.windows(2)
            .all(|two| two[1] - two[0] >= Duration::from_secs(5))
    );
    let hello = world.state().hellos[0].clone();
    assert_eq!(
        (hello.memory_bytes, hello.driver.as_deref()),
        (Some(99), Some("580.1"))
    );

    // A coordinator that is away is not knocked at for their sake, and after a goodbye nothing is said.
    world.state().away = true;
    tokio::time::sleep(Duration::from_secs(20)).await;
    world.state().away = false;
    worker.shutdown.cancel();
    worker.exit().await.unwrap();
    let said = world.state().reports.len();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(world.state().reports.len(), said);
    assert_eq!(world.state().hellos.len(), 1);
}
