//! The services over a real socket: what is refused, how much is taken, and that no bytes end them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config as RunnerConfig, RngSeed, TestRunner};
use prost::Message;
use prost::bytes::{Buf, BufMut};
use proto::version::Versions;
use proto::{Bearer, Keys, Reason, wire};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use super::*;
use crate::message::Submit;
use crate::{Config, Engine, EngineHandle, Metrics, SystemClock, sweep_language};

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
        proto::dial(&format!("http://{}", self.address), &Keys::default()).unwrap()
    }

    fn caller(&self, token: Option<&str>) -> Caller {
        Caller::new(self.channel(), Bearer::new(token).unwrap())
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
    let reads = served.caller(Some("reads"));
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
        reason(served.caller(Some("works")).sweeps().await),
        Some(Reason::PermissionDenied)
    );
    for token in [None, Some("read"), Some("")] {
        assert_eq!(
            reason(served.caller(token).sweeps().await),
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
    let caller = served.caller(None);

    // Jobs per sweep, whatever the submitter asks for.
    let many = Submit {
        max_jobs: Some(1_000),
        ..sweep(4)
    };
    match caller.submit(&many).await.unwrap_err() {
        CallError::InvalidSweep(text) => {
            assert!(text.contains("at most 3 jobs in a sweep"), "{text}");
        }
        other => panic!("{other}"),
    }
    assert_eq!(caller.submit(&sweep(3)).await.unwrap().jobs, 3);

    // Streams.
    let (one, two) = (
        caller.watch(None).await.unwrap(),
        caller.watch(Some("s")).await.unwrap(),
    );
    assert_eq!(
        reason(caller.watch(None).await.map(drop)),
        Some(Reason::Busy)
    );
    assert_eq!(reason(caller.cells("s").await), Some(Reason::Busy));
    assert!(served.page().await.contains("gcl_streams 2"));
    drop((one, two));
    // The place is free as soon as the coordinator sees that the reader has gone.
    let freed = tokio::time::timeout(Duration::from_secs(30), async {
        while caller.cells("s").await.is_err() {
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
    assert!(caller.submit(&huge).await.is_err());
    assert!(caller.about("test").await.is_ok(), "and it still answers");
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

/// Bytes as they are, as a message of any call.
#[derive(Debug, Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;
    fn encoder(&mut self) -> Self {
        Self
    }
    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;
    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;
    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut bytes = vec![0; buffer.remaining()];
        buffer.copy_to_slice(&mut bytes);
        Ok(Some(bytes))
    }
}

/// A valid message for every call, to be damaged.
fn valid(call: &str) -> Vec<u8> {
    let lease = wire::LeaseKey {
        job_id: vec![1; 32],
        attempt: 1,
    };
    let next = wire::Next {
        slots: 1,
        held: vec![lease.clone()],
        warm: vec![vec![2; 32]],
    };
    let sweep_name = || "s".to_owned();
    match call.rsplit('/').next().unwrap() {
        "Hello" => wire::HelloRequest {
            versions: Some((&Versions::ours("test")).into()),
            name: "w".into(),
            session: 1,
            device: Some(wire::DeviceInfo {
                kind: "cpu".into(),
                name: "cpu".into(),
                ..wire::DeviceInfo::default()
            }),
            slots: 2,
            datasets: vec![wire::NamedDigest {
                name: "d".into(),
                digest: vec![3; 32],
            }],
            labels: vec!["l".into()],
            memory_bytes: Some(1),
            ..wire::HelloRequest::default()
        }
        .encode_to_vec(),
        "Lease" => wire::LeaseRequest {
            worker: 1,
            slots: 1,
            held: vec![lease],
            warm: vec![vec![2; 32]],
            wait_ms: 1,
            ..wire::LeaseRequest::default()
        }
        .encode_to_vec(),
        "Report" => wire::ReportRequest {
            worker: 1,
            progress: vec![wire::Progress {
                job_id: vec![1; 32],
                attempt: 1,
                points: vec![wire::EpochPoint {
                    epoch: 1,
                    ..wire::EpochPoint::default()
                }],
                log: vec!["line".into()],
                ..wire::Progress::default()
            }],
            ..wire::ReportRequest::default()
        }
        .encode_to_vec(),
        "Finish" => wire::FinishRequest {
            worker: 1,
            record: Some(wire::RunRecord {
                job_id: vec![1; 32],
                ..wire::RunRecord::default()
            }),
            next: Some(next),
            ..wire::FinishRequest::default()
        }
        .encode_to_vec(),
        "Fail" => wire::FailRequest {
            worker: 1,
            job_id: vec![1; 32],
            attempt: 1,
            failure: Some(wire::Failure::default()),
            next: Some(next),
            ..wire::FailRequest::default()
        }
        .encode_to_vec(),
        "Release" => wire::ReleaseRequest {
            worker: 1,
            job_id: vec![1; 32],
            attempt: 1,
            reason: "why".into(),
            ..wire::ReleaseRequest::default()
        }
        .encode_to_vec(),
        "Goodbye" => wire::GoodbyeRequest {
            worker: 1,
            reason: "why".into(),
            ..wire::GoodbyeRequest::default()
        }
        .encode_to_vec(),
        "PutArtifact" => wire::PutArtifactRequest {
            part: Some(wire::put_artifact_request::Part::Header(
                wire::ArtifactHeader {
                    worker: 1,
                    digest: vec![1; 32],
                    bytes: 3,
                },
            )),
        }
        .encode_to_vec(),
        "Submit" => wire::SubmitRequest::from(&sweep(2)).encode_to_vec(),
        "Status" | "Cells" => wire::StatusRequest {
            sweep: sweep_name(),
        }
        .encode_to_vec(),
        "Watch" => wire::WatchRequest {
            sweep: Some(sweep_name()),
            job_id: Some(vec![1; 32]),
        }
        .encode_to_vec(),
        "Steer" => wire::SteerRequest {
            target: Some(wire::Target {
                target: Some(wire::target::Target::Sweep(sweep_name())),
            }),
            action: 1,
            ..wire::SteerRequest::default()
        }
        .encode_to_vec(),
        "Audit" => wire::AuditRequest {
            sweep: sweep_name(),
            fraction: 0.5,
        }
        .encode_to_vec(),
        "CollectGarbage" => wire::CollectGarbageRequest { dry_run: true }.encode_to_vec(),
        "Drain" => wire::DrainRequest {
            worker: "w".into(),
            reason: "why".into(),
        }
        .encode_to_vec(),
        "FindJobs" => wire::FindJobsRequest {
            prefix: "0".into(),
            most: 3,
        }
        .encode_to_vec(),
        "Explain" => wire::ExplainRequest {
            job_id: vec![1; 32],
        }
        .encode_to_vec(),
        "GetArtifact" => wire::GetArtifactRequest {
            digest: vec![1; 32],
        }
        .encode_to_vec(),
        "Logs" => wire::LogsRequest {
            job_id: vec![1; 32],
            attempt: Some(1),
        }
        .encode_to_vec(),
        // Those that ask for nothing in particular.
        _ => vec![0x0a, 0x01, b'x'],
    }
}

/// How a valid message is damaged.
fn damage() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..5_u8), 0..8)
}

fn damaged(mut bytes: Vec<u8>, damage: &[(prop::sample::Index, u8, u8)]) -> Vec<u8> {
    for (at, byte, how) in damage {
        if bytes.is_empty() {
            break;
        }
        let at = at.index(bytes.len());
        match how {
            0 => bytes[at] = *byte,
            1 => bytes[at] ^= 1 << (byte % 8),
            2 => bytes.insert(at, *byte),
            3 => bytes.truncate(at),
            // A part of it again: fields twice, lengths that do not fit.
            _ => bytes.extend_from_within(at..),
        }
    }
    bytes
}

/// A handler that panics takes its connection with it: the call ends with a code that nothing else gives here.
async fn survive(channel: &Channel, call: &'static str, bytes: Vec<u8>) {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.unwrap();
    let mut request = Request::new(tokio_stream::once(bytes));
    request.set_timeout(Duration::from_secs(20));
    let answer = client
        .streaming(request, PathAndQuery::from_static(call), Raw)
        .await;
    let status = match answer {
        Err(status) => status,
        Ok(answer) => {
            let mut stream = answer.into_inner();
            // One message is enough: some streams never end.
            match tokio::time::timeout(Duration::from_millis(1), stream.message()).await {
                Ok(Err(status)) => status,
                _ => return,
            }
        }
    };
    let odd = matches!(
        status.code(),
        Code::Unknown | Code::Cancelled | Code::Aborted
    );
    assert!(!odd, "{call}: {status:?}");
}

/// Every call takes any bytes. `PROPTEST_CASES` says how many rounds; a failure prints its seed.
#[test]
fn no_bytes_end_a_handler() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let served = runtime.block_on(Served::with(Access::open(), Limits::default()));
    let channel = {
        let _inside = runtime.enter();
        served.channel()
    };
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(24);
    let mut runner = TestRunner::new(RunnerConfig {
        cases,
        rng_seed: RngSeed::Random,
        failure_persistence: None,
        ..RunnerConfig::default()
    });
    let random = prop::collection::vec(any::<u8>(), 0..200);
    runner
        .run(&(random, damage()), |(random, damage)| {
            runtime.block_on(async {
                for call in proto::CALLS {
                    survive(&channel, call, random.clone()).await;
                    survive(&channel, call, damaged(valid(call), &damage)).await;
                }
            });
            Ok(())
        })
        .unwrap();
    runtime.block_on(async {
        assert!(served.caller(None).about("test").await.is_ok());
        assert!(served.engine().sweeps().await.is_ok(), "the engine lives");
        let page = served.metrics.render(&crate::metrics::Snapshot::default());
        assert!(
            page.contains("gcl_refusals_total{reason=\"invalid\"}"),
            "{page}"
        );
    });
}
