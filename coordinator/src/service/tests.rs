//! The services over a real socket: what is refused, how much is taken, and that no bytes end them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::client::{Bearer, CallError, Client, Keys};
use proto::{Reason, wire};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tonic::{Code, Status};

mod fuzz;
mod lasting;
mod limits;
mod live;

use super::*;
use crate::{Config, Engine, EngineHandle, Metrics, SystemClock, sweep_language};
use proto::nouns::Submit;

struct Served {
    address: SocketAddr,
    engine: Engine,
    health: Health,
    metrics: Metrics,
    folder: tempfile::TempDir,
    stop: CancellationToken,
}

impl Served {
    async fn with(access: Access, limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (stop, metrics) = (CancellationToken::new(), Metrics::new());
        let mut config = Config::new(folder.path());
        config.metrics = metrics.clone();
        let engine = Engine::start(
            config,
            Arc::new(SystemClock::start()),
            sweep_language(),
            stop.clone(),
        )
        .await
        .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let health = Health::new(
            engine.handle(),
            folder.path(),
            &limits,
            metrics.clone(),
            "test",
        );
        let options = Options {
            version: "test".into(),
            access,
            limits,
            metrics: metrics.clone(),
            health: Some(health.clone()),
            tls: None,
        };
        tokio::spawn(serve(listener, engine.handle(), options, stop.clone()));
        Self {
            address,
            engine,
            health,
            metrics,
            folder,
            stop,
        }
    }

    fn engine(&self) -> EngineHandle {
        self.engine.handle()
    }

    fn channel(&self) -> Channel {
        ::client::dial(&format!("http://{}", self.address), &Keys::default()).unwrap()
    }

    fn client(&self, token: Option<&str>) -> Client {
        Client::new(self.channel(), Bearer::new(token).unwrap())
    }

    async fn page(&self) -> String {
        self.health.page().await
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn sweep(seeds: u32) -> Submit {
    Submit {
        file: "s.toml".into(),
        text: format!(
            "name = \"s\"\n[dataset.synthetic]\nvideos = 18\nmean_length = 12\ndimension = 16\nseed = 1\n\
             [axes]\nseed = {{ from = 0, count = {seeds} }}\n[[variant]]\nname = \"GCL\"\n"
        ),
        ..Submit::default()
    }
}

fn reason<T: std::fmt::Debug>(result: Result<T, CallError>) -> Option<Reason> {
    match result.unwrap_err() {
        CallError::Refused { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn roles_hold_on_the_wire_and_refusals_are_counted() {
    let access = Access::from_tokens([("r", Role::Read, "reads"), ("w", Role::Worker, "works")]);
    let served = Served::with(access, Limits::default()).await;
    let reads = served.client(Some("reads"));
    assert!(reads.sweeps().await.unwrap().is_empty());
    assert_eq!(
        reason(reads.submit(&sweep(1)).await),
        Some(Reason::PermissionDenied)
    );
    assert_eq!(
        reason(reads.drain("w", "").await),
        Some(Reason::PermissionDenied)
    );
    assert_eq!(
        reason(served.client(Some("works")).sweeps().await),
        Some(Reason::PermissionDenied)
    );
    for token in [None, Some("read"), Some("")] {
        assert_eq!(
            reason(served.client(token).sweeps().await),
            Some(Reason::Unauthenticated)
        );
    }
    let page = served.page().await;
    for line in [
        "gcl_refusals_total{reason=\"permission-denied\"} 3",
        "gcl_refusals_total{reason=\"unauthenticated\"} 3",
        "gcl_rpc_total{call=\"Sweeps\",code=\"0\"} 1",
        "gcl_rpc_total{call=\"Sweeps\",code=\"7\"} 1",
        "gcl_rpc_total{call=\"Sweeps\",code=\"16\"} 3",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
}

#[tokio::test]
async fn the_health_service_answers_strangers_and_nothing_else_does() {
    let served = Served::with(Access::one("t"), Limits::default()).await;
    let mut health = tonic_health::pb::health_client::HealthClient::new(served.channel());
    let asked = health
        .check(tonic_health::pb::HealthCheckRequest::default())
        .await
        .unwrap();
    assert_eq!(asked.into_inner().status, 1, "SERVING");
    let watched = health
        .watch(tonic_health::pb::HealthCheckRequest::default())
        .await;
    assert_eq!(watched.unwrap_err().code(), Code::Unauthenticated);
    let big = tonic_health::pb::HealthCheckRequest {
        service: "x".repeat(1 << 20),
    };
    assert_eq!(
        health.check(big).await.unwrap_err().code(),
        Code::OutOfRange
    );
}

#[tokio::test]
async fn each_limit_is_held_and_says_so() {
    let limits = Limits {
        uploads: 1,
        streams: 2,
        jobs_per_sweep: 3,
        ..Limits::default()
    };
    let served = Served::with(Access::open(), limits).await;
    let client = served.client(None);

    // Jobs per sweep, whatever the submitter asks for.
    let many = Submit {
        max_jobs: Some(1_000),
        ..sweep(4)
    };
    match client.submit(&many).await.unwrap_err() {
        CallError::InvalidSweep(text) => {
            assert!(text.contains("at most 3 jobs in a sweep"), "{text}");
        }
        other => panic!("{other}"),
    }
    assert_eq!(client.submit(&sweep(3)).await.unwrap().jobs, 3);

    // Streams.
    let (one, two) = (
        client.watch(None).await.unwrap(),
        client.watch(Some("s")).await.unwrap(),
    );
    assert_eq!(
        reason(client.watch(None).await.map(drop)),
        Some(Reason::Busy)
    );
    assert_eq!(reason(client.cells("s").await), Some(Reason::Busy));
    assert!(served.page().await.contains("gcl_streams 2"));
    drop((one, two));
    // The place is free as soon as the coordinator sees that the reader has gone.
    let freed = tokio::time::timeout(Duration::from_secs(30), async {
        while client.cells("s").await.is_err() {
            tokio::task::yield_now().await;
        }
    });
    freed.await.unwrap();

    // Uploads: the one that stalls has the place, and the next is told so in time.
    let mut worker = wire::worker_service_client::WorkerServiceClient::new(served.channel());
    let header = |bytes| wire::PutArtifactRequest {
        part: Some(wire::put_artifact_request::Part::Header(
            wire::ArtifactHeader {
                worker: 1,
                digest: vec![7; 32],
                bytes,
            },
        )),
    };
    let too_large = worker
        .put_artifact(tokio_stream::iter([header(
            proto::limits::ARTIFACT_BYTES + 1,
        )]))
        .await
        .unwrap_err();
    assert_eq!(Reason::of(&too_large), Some(Reason::TooLarge));

    // Messages.
    let huge = Submit {
        text: "x".repeat(proto::limits::MESSAGE_BYTES + 1),
        ..sweep(1)
    };
    assert!(client.submit(&huge).await.is_err());
    assert!(client.about("test").await.is_ok(), "and it still answers");
}

#[tokio::test]
async fn an_upload_that_is_not_finished_leaves_nothing_and_frees_its_place() {
    let limits = Limits {
        uploads: 1,
        ..Limits::default()
    };
    let served = Served::with(Access::open(), limits).await;
    let part = |part| wire::PutArtifactRequest { part: Some(part) };
    let header = part(wire::put_artifact_request::Part::Header(
        wire::ArtifactHeader {
            worker: 1,
            digest: vec![7; 32],
            bytes: 100,
        },
    ));
    let chunk = part(wire::put_artifact_request::Part::Chunk(vec![0; 10]));
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    sender.send(header.clone()).await.unwrap();
    sender.send(chunk.clone()).await.unwrap();
    let mut client = wire::worker_service_client::WorkerServiceClient::new(served.channel());
    let stalled = tokio::spawn(async move {
        client
            .put_artifact(tokio_stream::wrappers::ReceiverStream::new(receiver))
            .await
    });
    let incoming = served.folder.path().join("artifacts/incoming");
    let count = || std::fs::read_dir(&incoming).unwrap().count();
    let wait = async |wanted: usize| {
        let found = tokio::time::timeout(Duration::from_secs(30), async {
            while count() != wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        found.await.unwrap();
    };
    wait(1).await;
    stalled.abort();
    drop(sender);
    wait(0).await;
    // The place is free: a torn one is looked at, and refused for what it is.
    let mut client = wire::worker_service_client::WorkerServiceClient::new(served.channel());
    let torn = client
        .put_artifact(tokio_stream::iter([header, chunk]))
        .await
        .unwrap_err();
    assert_eq!(Reason::of(&torn), Some(Reason::Invalid));
    wait(0).await;
}

#[tokio::test]
async fn the_side_port_says_how_it_is() {
    let served = Served::with(Access::one("t"), Limits::default()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let options = HttpOptions {
        health: served.health.clone(),
        access: Access::one("t"),
        tls: None,
        names: Vec::new(),
        secret: [7; 32],
        printed: None,
    };
    tokio::spawn(serve_http(listener, options, served.stop.clone()));
    let ask = async |request: &str| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        // A refusal may close before all was sent.
        let _ = stream.read_to_string(&mut text).await;
        text
    };
    let get = |path: &str, more: &str| {
        format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{more}\r\n")
    };
    assert!(ask(&get("/healthz", "")).await.starts_with("HTTP/1.1 200"));
    assert!(ask(&get("/readyz", "")).await.ends_with("ready\n"));
    assert!(ask(&get("/", "")).await.starts_with("HTTP/1.1 404"));
    assert!(ask(&get("/metrics", "")).await.starts_with("HTTP/1.1 401"));
    let page = ask(&get("/metrics", "authorization: Bearer t\r\n")).await;
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    for line in [
        "gcl_ready 1",
        "gcl_jobs{status=\"pending\"} 0",
        "gcl_refusals_total{reason=\"unauthenticated\"} 1",
        "gcl_disk_free_bytes ",
        "# EOF",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
    assert!(
        ask("POST /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 405")
    );
    let long = format!("x: {}\r\n", "y".repeat(64 << 10));
    assert!(!ask(&get("/healthz", &long)).await.contains("200 OK"));
    assert!(!ask("\u{0}\u{1}nonsense\r\n\r\n").await.contains("200 OK"));
    served.stop.cancel();
}

#[tokio::test]
async fn a_full_disk_is_not_ready() {
    let limits = Limits {
        least_free_bytes: u64::MAX,
        ..Limits::default()
    };
    let served = Served::with(Access::open(), limits).await;
    let why = served.health.ready().await.unwrap_err();
    assert!(why.contains("nearly full"), "{why}");
    assert!(served.page().await.contains("gcl_ready 0"));
    assert!(served.health.alive().await);
}
