//! No bytes end a handler: random ones, and damaged messages of every call.

use proptest::prelude::*;
use proptest::test_runner::{Config as RunnerConfig, RngSeed, TestRunner};
use prost::Message;
use prost::bytes::{Buf, BufMut};
use proto::version::Versions;
use tonic::Request;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;

use super::*;

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
            driver: Some("580.1".into()),
            versions: Some((&Versions::ours("test")).into()),
            name: "w".into(),
            session: 1,
            device: Some(wire::DeviceInfo {
                kind: "cpu".into(),
                name: "cpu".into(),
            }),
            slots: 2,
            datasets: vec![wire::NamedDigest {
                name: "d".into(),
                digest: vec![3; 32],
            }],
            labels: vec!["l".into()],
            memory_bytes: Some(1),
        }
        .encode_to_vec(),
        "Lease" => wire::LeaseRequest {
            worker: 1,
            slots: 1,
            held: vec![lease],
            warm: vec![vec![2; 32]],
            wait_ms: 1,
        }
        .encode_to_vec(),
        "Report" => wire::ReportRequest {
            telemetry: Some(wire::Telemetry::default()),
            worker: 1,
            progress: vec![wire::Progress {
                job_id: vec![1; 32],
                attempt: 1,
                points: vec![wire::EpochPoint {
                    epoch: 1,
                    ..wire::EpochPoint::default()
                }],
                log: vec!["line".into()],
            }],
        }
        .encode_to_vec(),
        "Finish" => wire::FinishRequest {
            worker: 1,
            record: Some(wire::RunRecord {
                job_id: vec![1; 32],
                ..wire::RunRecord::default()
            }),
            next: Some(next),
        }
        .encode_to_vec(),
        "Fail" => wire::FailRequest {
            worker: 1,
            job_id: vec![1; 32],
            attempt: 1,
            failure: Some(wire::Failure::default()),
            next: Some(next),
        }
        .encode_to_vec(),
        "Release" => wire::ReleaseRequest {
            worker: 1,
            job_id: vec![1; 32],
            attempt: 1,
            reason: "why".into(),
        }
        .encode_to_vec(),
        "Goodbye" => wire::GoodbyeRequest {
            worker: 1,
            reason: "why".into(),
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
            after: Some(3),
            brief: true,
        }
        .encode_to_vec(),
        "Rows" => wire::RowsRequest {
            sweep: sweep_name(),
            statuses: vec![1, 3],
        }
        .encode_to_vec(),
        "Control" => wire::ControlRequest {
            target: Some(wire::Target {
                target: Some(wire::target::Target::Sweep(sweep_name())),
            }),
            action: 1,
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
        assert!(served.client(None).about("test").await.is_ok());
        assert!(served.engine().sweeps().await.is_ok(), "the engine lives");
        let page = served
            .metrics
            .render(&crate::engine::metrics::MetricsSnapshot::default());
        assert!(
            page.contains("gcl_refusals_total{reason=\"invalid\"}"),
            "{page}"
        );
    });
}
