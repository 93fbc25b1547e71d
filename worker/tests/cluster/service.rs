//! What the services refuse, and how they say so.

use std::time::Duration;

use client::{Bearer, CallError, Client};
use coordinator::service::{Access, Options};
use proto::nouns::{Control, ControlAction, Submit, Target};
use proto::wire::worker_service_client::WorkerServiceClient;
use proto::{Reason, wire};
use sweeps::JobId;
use tonic::Code;
use worker::WorkerError;
use worker::fake::Fake;

use crate::network::{Cluster, start, sweep};

fn reason(error: CallError) -> Option<Reason> {
    match error {
        CallError::Refused { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_say_why_to_programs_and_to_people() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    assert_eq!(client.about("test").await.unwrap().program, "test");
    assert_eq!(
        reason(client.cells("none").await.unwrap_err()),
        Some(Reason::UnknownSweep)
    );
    assert_eq!(
        reason(client.sweep_info("none").await.unwrap_err()),
        Some(Reason::UnknownSweep)
    );
    assert_eq!(
        reason(client.explain(JobId([1; 32])).await.unwrap_err()),
        Some(Reason::UnknownJob)
    );
    assert_eq!(
        reason(client.drain("nobody", "").await.unwrap_err()),
        Some(Reason::NoSuchWorker)
    );
    let control = Control {
        target: Target::Sweep("none".into()),
        action: ControlAction::Pause,
    };
    assert_eq!(
        reason(client.control(&control).await.unwrap_err()),
        Some(Reason::UnknownSweep)
    );

    // Faults may be longer than any header.
    let mut bad = sweep("s", 1);
    bad.text = "no number".to_owned();
    bad.file = "x".repeat(1000);
    match client.submit(&bad).await.unwrap_err() {
        CallError::InvalidSweep(rendered) => assert!(rendered.len() > 1000),
        other => panic!("{other}"),
    }
    let large = Submit {
        text: " ".repeat(3 << 20),
        ..sweep("s", 1)
    };
    assert_eq!(
        reason(client.submit(&large).await.unwrap_err()),
        Some(Reason::TooLarge)
    );
    let huge = Submit {
        text: " ".repeat(9 << 20),
        ..sweep("s", 1)
    };
    assert!(client.submit(&huge).await.is_err());
    assert!(
        client.sweeps().await.unwrap().is_empty(),
        "and it still answers"
    );
}

#[tokio::test(start_paused = true)]
async fn without_the_token_nothing_is_answered() {
    let cluster = Cluster::with(Options {
        version: "test".into(),
        access: Access::one("open sesame"),
        ..Options::default()
    })
    .await;
    let with = |token| Client::new(cluster.host().channel(), Bearer::new(token).unwrap());
    for token in [None, Some(""), Some("open sesam"), Some("open sesame ")] {
        let error = with(token).submit(&sweep("s", 1)).await.unwrap_err();
        assert_eq!(reason(error), Some(Reason::Unauthenticated), "{token:?}");
    }
    assert!(
        with(Some("open sesame"))
            .submit(&sweep("s", 1))
            .await
            .is_ok()
    );

    let error = cluster
        .worker("one", Fake::epochs(1, Duration::ZERO))
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
    let mut config = cluster.config(&cluster.host(), "two");
    config.bearer = Bearer::new(Some("open sesame")).unwrap();
    let worker = start(config, Fake::epochs(1, Duration::ZERO));
    let deadline = tokio::time::timeout(Duration::from_mins(1), async {
        while !with(Some("open sesame"))
            .sweep_info("s")
            .await
            .unwrap()
            .summary
            .counts
            .is_settled()
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    deadline.await.unwrap();
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nonsense_from_a_worker_is_refused_and_harms_nobody() {
    let cluster = Cluster::start().await;
    let mut client = WorkerServiceClient::new(cluster.host().channel());
    let status = client
        .hello(wire::HelloRequest::default())
        .await
        .unwrap_err();
    assert_eq!(Reason::of(&status), Some(Reason::Invalid));
    let mut versions = wire::Versions::from(&proto::version::Versions::ours("9.9"));
    versions.protocol_revision = 77;
    let hello = wire::HelloRequest {
        versions: Some(versions),
        ..wire::HelloRequest::default()
    };
    let status = client.hello(hello).await.unwrap_err();
    assert_eq!(Reason::of(&status), Some(Reason::Incompatible));
    assert!(
        status.message().contains("9.9") && status.message().contains("test"),
        "{}",
        status.message()
    );

    let status = client
        .lease(wire::LeaseRequest {
            worker: 5,
            slots: u32::MAX,
            ..Default::default()
        })
        .await
        .unwrap_err();
    assert_eq!(Reason::of(&status), Some(Reason::UnknownWorker));
    let status = client
        .finish(wire::FinishRequest::default())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let too_many = vec![
        wire::LeaseKey {
            job_id: vec![1; 32],
            attempt: 1
        };
        5000
    ];
    let status = client
        .lease(wire::LeaseRequest {
            held: too_many,
            ..Default::default()
        })
        .await
        .unwrap_err();
    assert_eq!(Reason::of(&status), Some(Reason::TooLarge));
}

#[tokio::test(start_paused = true)]
async fn an_artifact_that_is_not_what_it_says_is_not_stored() {
    use wire::put_artifact_request::Part;
    let cluster = Cluster::start().await;
    let mut client = WorkerServiceClient::new(cluster.host().channel());
    let digest = sweeps::Digest::of(b"scores");
    let header = |bytes| {
        Part::Header(wire::ArtifactHeader {
            worker: 1,
            digest: digest.0.to_vec(),
            bytes,
        })
    };
    let chunk = |bytes: &[u8]| Part::Chunk(bytes.to_vec());
    for parts in [
        vec![],
        vec![chunk(b"scores")],
        vec![header(6), chunk(b"scorex")],
        vec![header(6), chunk(b"score")],
        vec![header(6), chunk(b"scores"), chunk(b"!")],
        vec![header(6), header(6), chunk(b"scores")],
        vec![header(u64::MAX), chunk(b"scores")],
    ] {
        let messages: Vec<_> = parts
            .into_iter()
            .map(|part| wire::PutArtifactRequest { part: Some(part) })
            .collect();
        assert!(
            client
                .put_artifact(tokio_stream::iter(messages))
                .await
                .is_err()
        );
        assert!(cluster.client().artifact(digest, 100).await.is_err());
    }
    // Twice is harmless.
    for _ in 0..2 {
        let messages = [header(6), chunk(b"sco"), chunk(b"res")]
            .map(|part| wire::PutArtifactRequest { part: Some(part) });
        client
            .put_artifact(tokio_stream::iter(messages))
            .await
            .unwrap();
    }
    assert_eq!(
        cluster.client().artifact(digest, 100).await.unwrap(),
        b"scores"
    );
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_hangs_up_while_it_waits_loses_nobody_a_job() {
    let cluster = Cluster::start().await;
    let mut client = WorkerServiceClient::new(cluster.host().channel());
    let hello = wire::HelloRequest {
        versions: Some((&proto::version::Versions::ours("test")).into()),
        name: "impatient".into(),
        session: 1,
        device: Some(wire::DeviceInfo::default()),
        slots: 1,
        ..Default::default()
    };
    let welcome = client.hello(hello).await.unwrap().into_inner();
    let lease = wire::LeaseRequest {
        worker: welcome.worker,
        slots: 1,
        wait_ms: 60_000,
        ..Default::default()
    };
    let gave_up = tokio::time::timeout(Duration::from_secs(2), client.lease(lease)).await;
    assert!(gave_up.is_err());
    tokio::time::sleep(Duration::from_secs(1)).await;
    cluster.client().submit(&sweep("s", 1)).await.unwrap();
    let worker = cluster.worker("one", Fake::epochs(1, Duration::from_secs(1)));
    let cells = cluster.settled("s").await;
    assert_eq!(cells[0].attempts, 1, "it was not handed to nobody");
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stopping_coordinator_ends_watches_and_polls() {
    let mut cluster = Cluster::start().await;
    let mut watcher = cluster.client().watch(None).await.unwrap();
    let worker = cluster.worker("one", Fake::epochs(1, Duration::ZERO));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begin = tokio::time::Instant::now();
    cluster.down().await;
    assert!(
        begin.elapsed() < Duration::from_secs(4),
        "{:?}",
        begin.elapsed()
    );
    loop {
        match watcher.next().await {
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => {
                let is_away =
                    matches!(error, CallError::Unreachable(_) | CallError::Unavailable(_));
                assert!(is_away, "{error}");
                break;
            }
        }
    }
    cluster.up().await;
    worker.stop().await;
}
