//! Calls that last: those whose token goes, those that nobody reads, and those that send nothing. Time is virtual where
//! a limit is reached by waiting; the wire is in memory there.

use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_stream::wrappers::{ReceiverStream, UnboundedReceiverStream};
use tonic::transport::Endpoint;
use wire::client_service_client::ClientServiceClient;
use wire::put_artifact_request::Part;
use wire::worker_service_client::WorkerServiceClient;

use super::*;

/// Connections of a coordinator without a socket.
type Dialled = mpsc::UnboundedSender<std::io::Result<DuplexStream>>;

struct Virtual {
    engine: Engine,
    dialled: Dialled,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Virtual {
    async fn with(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stop = CancellationToken::new();
        let engine = Engine::start(
            Config::new(folder.path()),
            Arc::new(SystemClock::start()),
            sweep_language(),
            stop.clone(),
        )
        .await
        .unwrap();
        let (dialled, incoming) = mpsc::unbounded_channel();
        let options = Options {
            version: "test".into(),
            limits,
            ..Options::default()
        };
        tokio::spawn(serve_incoming(
            UnboundedReceiverStream::new(incoming),
            engine.handle(),
            options,
            stop.clone(),
        ));
        Self {
            engine,
            dialled,
            stop,
            _folder: folder,
        }
    }

    fn channel(&self) -> Channel {
        let dialled = self.dialled.clone();
        client::live(Endpoint::from_static("http://coordinator.test")).connect_with_connector_lazy(
            tower::service_fn(move |_| {
                let (near, far) = tokio::io::duplex(64 << 10);
                let sent = dialled.send(Ok(far));
                async move {
                    sent.map_err(|_| std::io::Error::from(std::io::ErrorKind::ConnectionRefused))?;
                    std::io::Result::Ok(TokioIo::new(near))
                }
            }),
        )
    }

    fn worker(&self) -> WorkerServiceClient<Channel> {
        WorkerServiceClient::new(self.channel())
    }
}

impl Drop for Virtual {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn header(bytes: u64) -> wire::PutArtifactRequest {
    wire::PutArtifactRequest {
        part: Some(Part::Header(wire::ArtifactHeader {
            worker: 1,
            digest: vec![7; 32],
            bytes,
        })),
    }
}

fn chunk() -> wire::PutArtifactRequest {
    wire::PutArtifactRequest {
        part: Some(Part::Chunk(vec![0; 10])),
    }
}

/// An upload that has begun: what sends its parts, and how it ends.
fn upload(
    virtually: &Virtual,
    bytes: u64,
) -> (
    mpsc::Sender<wire::PutArtifactRequest>,
    tokio::task::JoinHandle<Status>,
) {
    let (sender, receiver) = mpsc::channel(64);
    sender.try_send(header(bytes)).unwrap();
    let mut worker = virtually.worker();
    let ends = tokio::spawn(async move {
        let answer = worker.put_artifact(ReceiverStream::new(receiver)).await;
        answer.unwrap_err()
    });
    (sender, ends)
}

#[tokio::test]
async fn what_a_token_opened_is_closed_when_it_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let file = TokenFile::new(folder.path().join("tokens.json"));
    let token = |name, role, byte| {
        let (_, token) = file
            .create(name, role, [byte; 32], proto::nouns::Timestamp(1))
            .unwrap();
        token
    };
    let (leaves, stays) = (
        token("leaves", Role::Submit, 1),
        token("stays", Role::Read, 2),
    );
    let worker_token = token("worker", Role::Worker, 3);
    let access = Access::from_file(file.clone(), None).unwrap();
    let served = Served::with(access, Limits::default()).await;
    let mut closed = served.client(Some(&leaves)).watch(None).await.unwrap();
    let mut open = served.client(Some(&stays)).watch(None).await.unwrap();
    let bearer = Bearer::new(Some(&worker_token)).unwrap();
    let mut worker = WorkerServiceClient::with_interceptor(served.channel(), bearer);
    let hello = wire::HelloRequest {
        versions: Some((&proto::version::Versions::ours("test")).into()),
        name: "w".into(),
        session: 1,
        device: Some((&sweeps::DeviceInfo::default()).into()),
        slots: 1,
        ..wire::HelloRequest::default()
    };
    let known = worker.hello(hello).await.unwrap().into_inner();
    let polls = tokio::spawn(async move {
        let lease = wire::LeaseRequest {
            worker: known.worker,
            slots: 1,
            wait_ms: 40_000,
            ..wire::LeaseRequest::default()
        };
        worker.lease(lease).await
    });

    file.revoke("leaves").unwrap();
    file.revoke("worker").unwrap();
    // Nothing is sent to the watcher meanwhile: it is closed by the revocation, not by the next change.
    let end = timeout(Duration::from_secs(20), async {
        loop {
            match closed.next().await {
                // The worker's hello.
                Ok(Some(_)) => {}
                end => return end,
            }
        }
    });
    let end = end.await.expect("the stream is closed");
    assert_eq!(reason(end), Some(Reason::Unauthenticated));
    let polled = timeout(Duration::from_secs(20), polls)
        .await
        .expect("the call for work ends")
        .unwrap();
    assert_eq!(
        Reason::of(&polled.unwrap_err()),
        Some(Reason::Unauthenticated)
    );

    // Who kept the token reads on.
    served.engine().submit(sweep(1)).await.unwrap();
    let heard = timeout(Duration::from_secs(20), open.next()).await.unwrap();
    assert!(matches!(heard, Ok(Some(_))), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_says_nothing_is_ended() {
    let virtually = Virtual::with(Limits::default()).await;
    let (parts, ends) = upload(&virtually, 100);
    parts.send(chunk()).await.unwrap();
    let status = timeout(Duration::from_mins(2), ends)
        .await
        .expect("it ends")
        .unwrap();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.message().contains("stalled"), "{status}");
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_trickles_is_ended_and_makes_room_for_another() {
    let virtually = Virtual::with(Limits {
        uploads: 1,
        ..Limits::default()
    })
    .await;
    let (parts, ends) = upload(&virtually, 100_000);
    tokio::spawn(async move {
        // Never silent for long, and never done.
        while parts.send(chunk()).await.is_ok() {
            sleep(Duration::from_secs(20)).await;
        }
    });
    // It has the place: the next upload waits, and is told that there is none.
    sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    let (_parts, waits) = upload(&virtually, 100);
    let status = waits.await.unwrap();
    assert_eq!(Reason::of(&status), Some(Reason::Busy), "{status}");
    assert!(begun.elapsed() >= Duration::from_secs(20));

    let status = timeout(Duration::from_mins(5), ends)
        .await
        .expect("it ends")
        .unwrap();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.message().contains("too slow"), "{status}");

    let (parts, ends) = upload(&virtually, 100);
    drop(parts);
    let status = ends.await.unwrap();
    assert_eq!(
        Reason::of(&status),
        Some(Reason::Invalid),
        "looked at: {status}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_nothing_is_let_go() {
    let virtually = Virtual::with(Limits {
        streams: 1,
        ..Limits::default()
    })
    .await;
    // More than the wire and its buffers hold.
    virtually
        .engine
        .handle()
        .submit(sweep(5_000))
        .await
        .unwrap();
    let request = || wire::CellsRequest {
        sweep: "s".into(),
        job_id: None,
    };
    let mut asleep = ClientServiceClient::new(virtually.channel());
    let mut unread = asleep.cells(request()).await.unwrap().into_inner();
    let mut client = ClientServiceClient::new(virtually.channel());
    sleep(Duration::from_mins(1)).await;
    let busy = client.cells(request()).await.unwrap_err();
    assert_eq!(Reason::of(&busy), Some(Reason::Busy), "{busy}");

    sleep(Duration::from_secs(90)).await;
    let mut read = client.cells(request()).await.unwrap().into_inner();
    let mut cells = 0;
    while read.message().await.unwrap().is_some() {
        cells += 1;
    }
    assert_eq!(cells, 5_000, "who reads gets all");
    let mut late = 0;
    while let Ok(Some(_)) = unread.message().await {
        late += 1;
    }
    assert!(late < 5_000, "who did not read gets what was on its way");
}
