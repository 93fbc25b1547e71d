//! The real trainer: interrupted or not, with warm data or cold, it ends with the same bits.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, outside test functions"
)]

use std::collections::BTreeMap;
use std::path::Path;

use gcl::{Prepared, Request, StopFlag, open_device};
use sweeps::{
    AttemptNumber, DatasetSource, Digest, EpochPoint, FailureClass, JobSpec, Outcome, Parameters,
    Regime, Synthetic, Training, Value,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use worker::candle::{Candle, Settings};
use worker::gpu::Assigned;
use worker::telemetry::Meter;
use worker::{Ended, Event, Task, Trainer};

fn synthetic() -> Synthetic {
    Synthetic {
        videos: 12,
        mean_length: 12,
        dimension: 16,
        seed: 3,
        regime: Regime::OwnCameras,
    }
}

fn job(seed: u64) -> JobSpec {
    let mut given = Parameters::default();
    for (name, value) in [
        ("batch_size", Value::Integer(32)),
        ("epochs", Value::Integer(6)),
        ("feature_scaling", Value::from("standard")),
        ("learning_rate", Value::Float(2e-4)),
        ("pretraining", Value::from("temporal-difference")),
        ("difference_quantile", Value::Float(0.8)),
        ("pretrain_epochs", Value::Integer(3)),
        ("pretrain_discriminator_epochs", Value::Integer(2)),
    ] {
        given.set(name, &value).unwrap();
    }
    JobSpec::resolve(DatasetSource::Synthetic(synthetic()), seed, &given)
}

fn task(job: JobSpec, dataset: Digest) -> Task {
    Task {
        job_id: job.id(dataset),
        attempt: AttemptNumber(1),
        job,
        dataset,
    }
}

fn settings(scratch: &Path) -> Settings {
    Settings {
        device: open_device("cpu", Some(1)).unwrap(),
        folders: BTreeMap::new(),
        scratch: scratch.to_owned(),
        scratch_bytes: 1 << 30,
        cache_bytes: 1 << 30,
        mapped_bytes: 1 << 30,
        meter: Meter::start(&sweeps::DeviceInfo::default(), 0, 1, &Assigned::default()),
    }
}

/// Runs; asks it to stop after that many epochs of this run were heard. The channel holds one more epoch and the trainer waits
/// with the next, so it hears of that before the third begins.
async fn run(trainer: &Candle, task: &Task, stop_after: Option<usize>) -> (Ended, Vec<EpochPoint>) {
    let (events, mut arriving) = mpsc::channel(1);
    let stop = CancellationToken::new();
    let training = trainer.train(task.clone(), events, stop.clone());
    tokio::pin!(training);
    let mut points = Vec::new();
    let ended = loop {
        tokio::select! {
            biased;
            // First, so that the trainer is told before the channel has room again.
            ended = &mut training => break ended,
            Some(event) = arriving.recv() => if let Event::Epoch(point) = event {
                points.push(point);
                if stop_after == Some(points.len()) {
                    stop.cancel();
                }
            },
        }
    };
    while let Ok(event) = arriving.try_recv() {
        if let Event::Epoch(point) = event {
            points.push(point);
        }
    }
    (ended, points)
}

fn finished(ended: Ended) -> (Outcome, u32, Vec<Vec<u8>>) {
    match ended {
        Ended::Finished(finished) => (
            finished.outcome,
            finished.resumed,
            finished
                .artifacts
                .into_iter()
                .map(|artifact| artifact.bytes)
                .collect(),
        ),
        other => panic!("{other:?}"),
    }
}

/// What `gcl` gives by itself.
fn alone(job: &JobSpec) -> Outcome {
    let dataset = datasets::synthesize(&synthetic()).unwrap();
    let prepared = Prepared::new(&dataset, Training::of(job).feature_scaling).unwrap();
    let request = Request {
        job,
        dataset: &prepared,
        device: &open_device("cpu", Some(1)).unwrap(),
        stop: &StopFlag::new(),
        checkpoint: None,
    };
    gcl::train(&request, &mut ()).unwrap().outcome
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[tokio::test]
async fn a_job_ends_as_the_maths_alone_would_have_it() {
    let scratch = tempfile::tempdir().unwrap();
    let trainer = Candle::open(settings(scratch.path())).unwrap();
    let task = task(job(1), synthetic().digest());
    assert!(trainer.warm().is_empty());
    let (ended, points) = run(&trainer, &task, None).await;
    let (outcome, resumed, artifacts) = finished(ended);
    assert_eq!(outcome.digest(), alone(&task.job).digest());
    assert_eq!(points, outcome.curve);
    assert_eq!(points.len(), 11, "three phases");
    assert_eq!((resumed, artifacts.len()), (0, 1));
    assert_eq!(trainer.warm(), [synthetic().digest()]);
}

#[tokio::test]
async fn products_in_tf32_are_another_job_on_another_kind_of_device() {
    let scratch = tempfile::tempdir().unwrap();
    let trainer = Candle::open(settings(scratch.path())).unwrap();
    let plain = job(1);
    let rounded = {
        let mut given = plain.parameters.clone();
        given.set("matmul_precision", &Value::from("tf32")).unwrap();
        JobSpec::resolve(plain.dataset.clone(), plain.seed, &given)
    };
    let digest = synthetic().digest();
    assert_ne!(rounded.id(digest), plain.id(digest));
    assert_eq!(trainer.device_for(&plain), trainer.device());
    assert_eq!(
        trainer.device_for(&rounded).kind,
        format!("{}-tf32", trainer.device().kind)
    );
    let (outcome, _, _) = finished(run(&trainer, &task(rounded, digest), None).await.0);
    assert_ne!(outcome.digest(), alone(&plain).digest());
}

#[tokio::test]
async fn a_job_that_was_stopped_at_any_epoch_ends_with_the_same_bits() {
    let job = job(2);
    let expected = alone(&job).digest();
    let task = task(job, synthetic().digest());
    // Of eleven: the last two may be over before the trainer hears of it.
    for epochs in 1..=8 {
        let scratch = tempfile::tempdir().unwrap();
        let (ended, _) = run(
            &Candle::open(settings(scratch.path())).unwrap(),
            &task,
            Some(epochs),
        )
        .await;
        assert_eq!(ended, Ended::Stopped);
        assert_eq!(files(scratch.path()), 1);
        // Another process, which shares nothing but the folder.
        let trainer = Candle::open(settings(scratch.path())).unwrap();
        let (ended, points) = run(&trainer, &task, None).await;
        let (outcome, resumed, _) = finished(ended);
        assert_eq!(outcome.digest(), expected, "stopped after {epochs} epochs");
        assert_eq!(resumed, 1);
        assert_eq!(points, outcome.curve, "the first part is told again");
        trainer.forget(task.job_id);
        assert_eq!(files(scratch.path()), 0);
    }
}

#[tokio::test]
async fn a_job_that_is_stopped_again_and_again_gets_there() {
    let task = task(job(3), synthetic().digest());
    let scratch = tempfile::tempdir().unwrap();
    let trainer = Candle::open(settings(scratch.path())).unwrap();
    let mut stops = 0;
    let outcome = loop {
        // The points of the parts before are heard first; one new epoch each time.
        match run(&trainer, &task, Some(stops + 1)).await.0 {
            Ended::Stopped => stops += 1,
            other => break finished(other).0,
        }
        assert!(stops < 50);
    };
    assert!(stops >= 3);
    assert_eq!(outcome.digest(), alone(&task.job).digest());
}

#[tokio::test]
async fn a_damaged_checkpoint_costs_time_and_nothing_else() {
    let task = task(job(4), synthetic().digest());
    let scratch = tempfile::tempdir().unwrap();
    let trainer = Candle::open(settings(scratch.path())).unwrap();
    run(&trainer, &task, Some(5)).await;
    let path = std::fs::read_dir(scratch.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(&path, bytes).unwrap();
    let (outcome, resumed, _) = finished(run(&trainer, &task, None).await.0);
    assert_eq!((outcome.digest(), resumed), (alone(&task.job).digest(), 0));
}

#[tokio::test]
async fn a_cache_without_room_changes_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let trainer = Candle::open(Settings {
        cache_bytes: 100,
        ..settings(scratch.path())
    })
    .unwrap();
    let task = task(job(1), synthetic().digest());
    let (outcome, ..) = finished(run(&trainer, &task, None).await.0);
    assert_eq!(outcome.digest(), alone(&task.job).digest());
    assert!(trainer.warm().is_empty());
}

#[tokio::test]
async fn named_data_are_found_announced_and_checked() {
    let (scratch, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = folder.path().join("set");
    datasets::write(&datasets::synthesize(&synthetic()).unwrap(), &folder).unwrap();
    let digest = datasets::open(&folder).unwrap().digest;
    let trainer = Candle::open(Settings {
        folders: [("set".to_owned(), folder)].into(),
        ..settings(scratch.path())
    })
    .unwrap();
    assert_eq!(trainer.datasets(), [("set".to_owned(), digest)].into());

    let named = |name: &str| JobSpec {
        dataset: DatasetSource::Named(name.to_owned()),
        ..job(1)
    };
    let (outcome, ..) = finished(run(&trainer, &task(named("set"), digest), None).await.0);
    assert_eq!(
        outcome.curve,
        alone(&job(1)).curve,
        "the same data by another way"
    );

    let other = Digest([9; 32]);
    for (task, words) in [
        (
            task(named("set"), other),
            [digest.to_string(), other.to_string()],
        ),
        (
            task(named("nowhere"), other),
            ["`nowhere`".into(), "--data nowhere=DIR".into()],
        ),
    ] {
        let Ended::Failed(failure) = run(&trainer, &task, None).await.0 else {
            panic!("a failure is expected");
        };
        assert_eq!(failure.class, FailureClass::BadData);
        for word in words {
            assert!(failure.message.contains(&word), "{}", failure.message);
        }
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_said_at_the_start() {
    let scratch = tempfile::tempdir().unwrap();
    let error = Candle::open(Settings {
        folders: [("set".to_owned(), scratch.path().join("nothing"))].into(),
        ..settings(scratch.path())
    })
    .err()
    .unwrap();
    assert!(error.to_string().contains("set"), "{error}");
}
