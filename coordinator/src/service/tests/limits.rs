//! What one client may store, every other can read: each list, page and answer at its limits, over the wire.

use std::collections::BTreeMap;

use prost::Message as _;
use proto::limits::{ANSWER_BYTES, DATASETS, NAME_BYTES, PAGE_BYTES, TEXT_BYTES, WORKER_WARNINGS};
use proto::nouns::{Change, Fail, Finish, Hello, LeaseRequest, WatchEvent, WorkerId};
use sweeps::{DeviceInfo, Digest, EpochPoint, Failure, FailureClass, JobStatus, Phase};

use super::*;
use crate::scheduler::fixture;

fn hello(name: String, datasets: BTreeMap<String, Digest>) -> Hello {
    Hello {
        name,
        session: 7,
        device: DeviceInfo {
            kind: "cpu".into(),
            name: "d".repeat(NAME_BYTES),
        },
        version: "v".repeat(NAME_BYTES),
        trainer_revision: sweeps::TRAINER_REVISION,
        slots: 4096,
        datasets,
        labels: Vec::new(),
        memory_bytes: None,
        driver: None,
    }
}

fn extraction(name: &str, description: &str, videos: usize) -> Submit {
    let mut text = format!(
        "name = \"{name}\"\ndescription = \"{description}\"\n[extract]\nvideos = \"v\"\nbackbone = \"c3d\"\nweights = \"random:1\"\nrevision = 1\n"
    );
    for video in 0..videos {
        text += &format!("[[video]]\nname = \"video-{video}\"\ndigest = \"{video:064x}\"\n");
    }
    Submit {
        file: "e.toml".into(),
        text,
        ..Submit::default()
    }
}

#[tokio::test]
async fn long_descriptions_and_many_sweeps_are_listed_for_all() {
    let served = Served::with(Access::open(), Limits::default()).await;
    let client = served.client(None);
    let long = "d".repeat(1_900_000);
    for number in 0..5 {
        let submit = extraction(&format!("e{number}"), &long, 1);
        client.submit(&submit).await.unwrap();
    }
    let sweeps = client.sweeps().await.unwrap();
    assert_eq!(sweeps.len(), 5);
    assert!(sweeps[0].description.ends_with('…'));
    let info = client.sweep_info("e4").await.unwrap();
    assert!(info.summary.description.len() <= TEXT_BYTES);
    assert!(info.text.contains(&long), "the file is whole");
}

#[tokio::test]
async fn an_extraction_of_thousands_of_videos_has_a_status() {
    let served = Served::with(Access::open(), Limits::default()).await;
    let client = served.client(None);
    client.submit(&extraction("e", "", 4754)).await.unwrap();
    let info = client.sweep_info("e").await.unwrap();
    assert_eq!((info.datasets.len(), info.more_datasets), (4754, 0));
    let (rows, _) = client.rows("e", &[]).await.unwrap();
    assert_eq!(rows.len(), 4754);
    assert_eq!(rows[4753].group.variant, "video-4753");
    assert!(rows.iter().all(|row| row.status == JobStatus::Pending));
}

#[tokio::test]
async fn many_sweeps_of_another_digest_send_no_worker_away() {
    let served = Served::with(Access::open(), Limits::default()).await;
    let (client, engine) = (served.client(None), served.engine());
    for number in 0..150 {
        let name = format!("{}-{number}", "x".repeat(120));
        let text = format!(
            "name = \"{name}\"\n[dataset]\nname = \"tracks\"\ndigest = \"{}\"\n[axes]\nseed = 1\n",
            "0".repeat(64)
        );
        let submit = Submit {
            file: "a.toml".into(),
            text,
            ..Submit::default()
        };
        client.submit(&submit).await.unwrap();
    }
    // As many data sets as a hello takes, with names as long as it takes.
    let mut datasets: BTreeMap<String, Digest> = (0..DATASETS - 1)
        .map(|number| (format!("{number:0NAME_BYTES$}"), Digest([1; 32])))
        .collect();
    datasets.insert("tracks".into(), Digest([1; 32]));
    let welcome = engine.hello(hello("w".repeat(NAME_BYTES), datasets)).await;
    let warnings = welcome.unwrap().warnings;
    assert!(warnings.len() <= WORKER_WARNINGS);
    assert!(warnings.iter().all(|text| text.len() < TEXT_BYTES / 4));
    assert!(warnings[0].contains("and 142 more"), "{}", warnings[0]);
    for number in 0..3 {
        let datasets = (0..DATASETS)
            .map(|number| (format!("{number:0NAME_BYTES$}"), Digest([1; 32])))
            .collect();
        let name = format!("{number:0NAME_BYTES$}");
        engine.hello(hello(name, datasets)).await.unwrap();
    }
    // Each fills a page by itself.
    let workers = client.workers().await.unwrap();
    assert_eq!(workers.len(), 4);
    assert_eq!(workers[3].datasets.len(), DATASETS);
    let datasets = client.datasets().await.unwrap();
    assert_eq!(datasets.len(), DATASETS + 1);
}

#[tokio::test]
async fn a_job_that_many_sweeps_share_is_explained_and_heard_of() {
    let served = Served::with(Access::open(), Limits::default()).await;
    let (client, engine) = (served.client(None), served.engine());
    for number in 0..1200 {
        let submit = sweep(1);
        let text = submit.text.replace("\"s\"", &format!("\"s{number}\""));
        engine.submit(Submit { text, ..submit }).await.unwrap();
    }
    let (rows, _) = client.rows("s7", &[]).await.unwrap();
    let explained = client.explain(rows[0].job_id).await.unwrap();
    assert_eq!(explained.view.cells.len(), 1024);
    assert_eq!(explained.view.more_cells, 1200 - 1024);
    let mut watcher = client.watch_job(rows[0].job_id).await.unwrap();
    let worker = engine.hello(hello("w".into(), BTreeMap::new())).await;
    let worker = worker.unwrap().worker;
    lease(&engine, worker, 1).await;
    match watcher.next().await.unwrap() {
        Some(WatchEvent::Change(Change::Job { sweeps, status, .. })) => {
            assert_eq!((sweeps.len(), status), (64, JobStatus::Running));
        }
        other => panic!("{other:?}"),
    }
}

async fn lease(
    engine: &EngineHandle,
    worker: WorkerId,
    slots: u32,
) -> Vec<proto::nouns::Assignment> {
    let request = LeaseRequest {
        worker,
        slots,
        held: Vec::new(),
        warm: Vec::new(),
        wait_ms: 0,
    };
    engine.lease(request).await.unwrap().assignments
}

#[tokio::test]
async fn rows_say_what_records_say_and_records_as_long_as_taken_are_sent() {
    let served = Served::with(Access::open(), Limits::default()).await;
    let (client, engine) = (served.client(None), served.engine());
    client.submit(&sweep(40)).await.unwrap();
    let worker = engine.hello(hello("w".into(), BTreeMap::new())).await;
    let worker = worker.unwrap().worker;
    let jobs = lease(&engine, worker, 20).await;
    for (number, job) in jobs.iter().enumerate() {
        if number == 3 {
            // As long as a failure may be.
            let failure = Failure::new(FailureClass::Trainer, "x".repeat(4096));
            let fail = Fail {
                worker,
                job: job.job_id,
                attempt: job.attempt,
                failure,
                next: None,
            };
            engine.fail(fail).await.unwrap();
            continue;
        }
        let mut record = fixture::record(job.job_id, job.attempt, "w");
        record.provenance.dataset_digest = job.dataset;
        if number < 3 {
            // Megabytes each: more than one page, and more than is kept on its way.
            let point = |epoch| EpochPoint {
                auc_d: Some(0.5),
                auc_g: Some(0.5),
                loss_d: Some(0.1),
                loss_g: Some(0.1),
                positive_share_g: Some(0.1),
                positive_share_d: Some(0.1),
                agreement_gd: Some(0.1),
                agreement_truth: Some(0.1),
                ..EpochPoint::new(Phase::Train, epoch)
            };
            record.outcome.curve = (1..=60_000).map(point).collect();
            let size = wire::RunRecord::from(&record).encoded_len();
            assert!((4 << 20..8 << 20).contains(&size), "{size}");
        }
        let finish = Finish {
            worker,
            record: Box::new(record),
            next: None,
        };
        engine.finish(finish).await.unwrap();
    }
    let cells = client.cells("s").await.unwrap();
    let (rows, _) = client.rows("s", &[]).await.unwrap();
    assert_eq!((cells.len(), rows.len()), (40, 40));
    for (cell, row) in cells.iter().zip(&rows) {
        assert_eq!(cell.job_id, row.job_id);
        assert_eq!(cell.status, row.status);
        assert_eq!(cell.attempts, row.attempts);
        assert_eq!(cell.auc(), row.auc);
        assert_eq!(cell.error, row.error);
        assert_eq!(cell.cell.variant, row.group.variant);
        assert_eq!(cell.cell.point, row.group.point);
        assert_eq!(cell.cell.job.seed, row.seed);
        let curve = cell.record.as_ref().map_or(0, |r| r.outcome.curve.len());
        assert_eq!(row.epochs as usize, curve);
        let answer = wire::CellResult::from(cell);
        assert!(answer.encoded_len() <= ANSWER_BYTES);
        if cell.status == JobStatus::Done {
            let one = client.cell_of("s", cell.job_id).await.unwrap();
            assert_eq!(one.as_ref(), Some(cell));
        }
    }
    let (failed, _) = client.rows("s", &[JobStatus::Pending]).await.unwrap();
    assert_eq!(failed.len(), 21);
}

#[tokio::test]
async fn who_lost_the_connection_goes_on_after_what_it_heard() {
    let served = Served::with(Access::open(), Limits::default()).await;
    let (client, engine) = (served.client(None), served.engine());
    client.submit(&sweep(30)).await.unwrap();
    let (_, sequence) = client.rows("s", &[]).await.unwrap();
    let worker = engine.hello(hello("w".into(), BTreeMap::new())).await;
    let worker = worker.unwrap().worker;
    let jobs = lease(&engine, worker, 10).await;
    let mut heard = Vec::new();
    let mut last = Some(sequence);
    // A connection for each change.
    while heard.len() < jobs.len() {
        let mut watcher = client.watch_after("s", last, true).await.unwrap();
        match watcher.next().await.unwrap() {
            Some(WatchEvent::Change(Change::Job { job, .. })) => heard.push(job),
            Some(WatchEvent::Change(_)) => {}
            other => panic!("{other:?}"),
        }
        assert!(watcher.last() > last);
        last = watcher.last();
    }
    let leased: Vec<_> = jobs.iter().map(|job| job.job_id).collect();
    assert_eq!(heard, leased);
    // A number of another life: the whole picture is asked for again.
    for number in [1, u64::MAX] {
        let mut watcher = client.watch_after("s", Some(number), true).await.unwrap();
        let first = watcher.next().await.unwrap();
        assert!(matches!(first, Some(WatchEvent::Missed(_))), "{first:?}");
    }
}

#[tokio::test]
async fn a_page_by_hand_says_where_the_next_begins() {
    let served = Served::with(Access::open(), Limits::default()).await;
    let (client, engine) = (served.client(None), served.engine());
    // 80 bytes of name and 500 of description each.
    for number in 0..4000 {
        let name = format!("{number:0110}");
        let submit = extraction(&name, &"d".repeat(600), 1);
        let text = submit
            .text
            .replace(&"0".repeat(64), &format!("{number:064x}"));
        engine.submit(Submit { text, ..submit }).await.unwrap();
    }
    let mut wire_client = wire::client_service_client::ClientServiceClient::new(served.channel());
    let first = wire_client
        .sweeps(wire::SweepsRequest::default())
        .await
        .unwrap();
    let first = first.into_inner();
    assert!(first.encoded_len() <= PAGE_BYTES + 100);
    assert_eq!(first.next, Some(first.sweeps.len() as u64));
    let names: Vec<_> = client.sweeps().await.unwrap();
    assert_eq!(names.len(), 4000);
    assert!(names.is_sorted_by(|a, b| a.name < b.name), "each once");
}
