//! The calls to the coordinator, from nouns to nouns. Generated types are named in this file alone.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use client::Bearer;
use proto::limits::{CHUNK_BYTES, LEASES, MESSAGE_BYTES, TEXT_BYTES};
use proto::telemetry::Telemetry;
use proto::version::Versions;
use proto::wire::worker_service_client::WorkerServiceClient;
use proto::{Reason, WireError, attempt, digest, job_id, required, texts, wire};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sweeps::{AttemptNumber, Digest, EpochPoint, Failure, JobId, JobSpec, RunRecord};
use tokio::time::{Instant, timeout};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use crate::config::Config;
use crate::trainer::Trainer;
use crate::verdict::{Verdict, verdict};

/// How long a call may take that waits for nothing but the coordinator's disk.
const CALL: Duration = Duration::from_secs(10);
/// An artifact may travel as slowly as this.
const SLOWEST_BYTES_PER_SECOND: u64 = 256 << 10;

/// A job and the attempt that fences it.
pub(crate) type Key = (JobId, AttemptNumber);

type Client = WorkerServiceClient<InterceptedService<Channel, Bearer>>;

/// The way to the coordinator, signed with the number it gave us.
pub(crate) struct Link {
    client: Client,
    hello: wire::HelloRequest,
    version: String,
    state: Mutex<State>,
    backoff: (Duration, Duration),
}

struct State {
    worker: u64,
    time_to_live: Duration,
    contact: Instant,
    last: String,
    jitter: ChaCha8Rng,
}

/// A job for us. A job of another version, with a parameter that this one does not know, is an error in `job`.
pub(crate) struct Assignment {
    pub(crate) key: Key,
    pub(crate) job: Result<JobSpec, WireError>,
    pub(crate) dataset: Digest,
}

/// Jobs, where there are any, and whether to go.
#[derive(Default)]
pub(crate) struct Work {
    pub(crate) assignments: Vec<Assignment>,
    pub(crate) drain: bool,
}

/// What we say to ask for the next job together with the end of the last.
#[derive(Clone)]
pub(crate) struct Next {
    pub(crate) slots: u32,
    pub(crate) held: Vec<Key>,
    pub(crate) warm: Vec<Digest>,
}

/// What happened in one attempt since the last report.
#[derive(Clone)]
pub(crate) struct Progress {
    pub(crate) key: Key,
    pub(crate) points: Vec<EpochPoint>,
    pub(crate) log: Vec<String>,
}

/// What to do with an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Continue,
    Stop(StopReason),
}

/// Why an attempt is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopReason {
    StaleLease,
    Finished,
    Cancelled,
    Timeout,
    Unknown,
}

/// A call that failed.
#[derive(Debug, Clone)]
pub(crate) struct Trouble {
    pub(crate) verdict: Verdict,
    pub(crate) reason: Option<Reason>,
    pub(crate) message: String,
}

impl From<Status> for Trouble {
    fn from(status: Status) -> Self {
        Self {
            verdict: verdict(&status),
            reason: Reason::of(&status),
            message: status.message().to_owned(),
        }
    }
}

/// An answer that makes no sense is not worth another try.
impl From<WireError> for Trouble {
    fn from(error: WireError) -> Self {
        Self {
            verdict: Verdict::GiveUp,
            reason: None,
            message: format!("the coordinator's answer makes no sense: {error}"),
        }
    }
}

impl Link {
    pub(crate) fn new(config: &Config, trainer: &dyn Trainer) -> Self {
        Self {
            client: WorkerServiceClient::with_interceptor(
                config.channel.clone(),
                config.bearer.clone(),
            )
            .max_decoding_message_size(MESSAGE_BYTES)
            .max_encoding_message_size(MESSAGE_BYTES),
            hello: wire::HelloRequest {
                versions: Some(
                    (&Versions {
                        trainer_revision: trainer.revision(),
                        ..Versions::ours(&config.version)
                    })
                        .into(),
                ),
                name: config.name.clone(),
                session: config.session,
                device: Some((&trainer.device()).into()),
                slots: config.slots,
                datasets: trainer
                    .datasets()
                    .into_iter()
                    .map(|(name, digest)| wire::NamedDigest {
                        name,
                        digest: digest.0.to_vec(),
                    })
                    .collect(),
                labels: config.labels.clone(),
                memory_bytes: trainer.memory_bytes(),
                driver: trainer.driver(),
            },
            version: config.version.clone(),
            state: Mutex::new(State {
                worker: 0,
                time_to_live: Duration::from_secs(30),
                contact: Instant::now(),
                last: "it was never reached".to_owned(),
                jitter: ChaCha8Rng::seed_from_u64(config.seed),
            }),
            backoff: (config.backoff_first, config.backoff_most),
        }
    }

    /// Introduces this process; answers what the coordinator warns of.
    pub(crate) async fn hello(&self) -> Result<Vec<String>, Trouble> {
        let answer = self
            .timed(CALL, |mut client| {
                let request = bounded(self.hello.clone(), CALL);
                async move { client.hello(request).await }
            })
            .await?;
        let theirs = Versions::try_from(required("versions", answer.versions)?)?;
        if let Err(error) = theirs.check(&self.version) {
            return Err(Trouble {
                verdict: Verdict::GiveUp,
                reason: Some(Reason::Incompatible),
                message: error.to_string(),
            });
        }
        // A time to live of nothing would make heartbeats a busy loop.
        let time_to_live = Duration::from_millis(answer.time_to_live_ms.max(30));
        self.with(|state| {
            state.worker = answer.worker;
            state.time_to_live = time_to_live;
        });
        Ok(texts("warnings", answer.warnings, LEASES, TEXT_BYTES)?)
    }

    /// Asks for work and waits for it at most `wait`.
    pub(crate) async fn lease(&self, next: Next, wait: Duration) -> Result<Work, Trouble> {
        let answer = self
            .signed(
                wait + CALL,
                |worker| wire::LeaseRequest {
                    worker,
                    slots: next.slots,
                    held: keys(&next.held),
                    warm: digests(&next.warm),
                    wait_ms: wait.as_millis() as u64,
                },
                |mut client, request| async move { client.lease(request).await },
            )
            .await?;
        Ok(Work {
            assignments: assignments(answer.assignments)?,
            drain: answer.drain,
        })
    }

    /// Reports; answers one order per entry, and whether to go.
    pub(crate) async fn report(
        &self,
        progress: &[Progress],
        telemetry: Option<&Telemetry>,
    ) -> Result<(Vec<Order>, bool), Trouble> {
        // An answer that takes longer than the next heartbeat is due is not worth waiting for.
        let deadline = CALL.min(self.time_to_live());
        let answer = self
            .signed(
                deadline,
                |worker| wire::ReportRequest {
                    worker,
                    progress: progress
                        .iter()
                        .map(|entry| wire::Progress {
                            job_id: entry.key.0.0.to_vec(),
                            attempt: entry.key.1.0,
                            points: entry.points.iter().map(Into::into).collect(),
                            log: entry.log.clone(),
                        })
                        .collect(),
                    telemetry: telemetry.map(Into::into),
                },
                |mut client, request| async move { client.report(request).await },
            )
            .await?;
        let orders = answer
            .orders
            .into_iter()
            .map(|order| {
                use wire::order::Order as Wire;
                Ok(match required("order", order.order)? {
                    Wire::ContinueMs(_) => Order::Continue,
                    // A reason that this version does not know is a reason all the same.
                    Wire::Stop(reason) => Order::Stop(match wire::StopReason::try_from(reason) {
                        Ok(wire::StopReason::StaleLease) => StopReason::StaleLease,
                        Ok(wire::StopReason::Finished) => StopReason::Finished,
                        Ok(wire::StopReason::Cancelled) => StopReason::Cancelled,
                        Ok(wire::StopReason::Timeout) => StopReason::Timeout,
                        Ok(wire::StopReason::Unknown | wire::StopReason::Unspecified) | Err(_) => {
                            StopReason::Unknown
                        }
                    }),
                })
            })
            .collect::<Result<Vec<_>, WireError>>()?;
        if orders.len() != progress.len() {
            return Err(WireError::Missing("orders").into());
        }
        Ok((orders, answer.drain))
    }

    /// Delivers a record; answers what became of it, in words, and the next work.
    pub(crate) async fn finish(
        &self,
        record: &RunRecord,
        next: Option<&Next>,
    ) -> Result<(&'static str, Work), Trouble> {
        let answer = self
            .signed(
                CALL,
                |worker| wire::FinishRequest {
                    worker,
                    record: Some(record.into()),
                    next: next.map(to_wire),
                },
                |mut client, request| async move { client.finish(request).await },
            )
            .await?;
        let receipt = match wire::Receipt::try_from(answer.receipt) {
            Ok(wire::Receipt::Recorded) => "recorded",
            Ok(wire::Receipt::Equal) => "equal to the one recorded before",
            Ok(wire::Receipt::Differs) => "DIFFERENT from the one recorded before",
            _ => "not comparable with the one recorded before",
        };
        Ok((
            receipt,
            Work {
                assignments: assignments(answer.assignments)?,
                drain: answer.drain,
            },
        ))
    }

    /// An attempt ended without a result; answers the next work.
    pub(crate) async fn fail(
        &self,
        key: Key,
        failure: &Failure,
        next: Option<&Next>,
    ) -> Result<Work, Trouble> {
        let answer = self
            .signed(
                CALL,
                |worker| wire::FailRequest {
                    worker,
                    job_id: key.0.0.to_vec(),
                    attempt: key.1.0,
                    failure: Some(failure.into()),
                    next: next.map(to_wire),
                },
                |mut client, request| async move { client.fail(request).await },
            )
            .await?;
        Ok(Work {
            assignments: assignments(answer.assignments)?,
            drain: answer.drain,
        })
    }

    /// Gives a job back.
    pub(crate) async fn release(&self, key: Key, reason: &str) -> Result<(), Trouble> {
        self.signed(
            CALL,
            |worker| wire::ReleaseRequest {
                worker,
                job_id: key.0.0.to_vec(),
                attempt: key.1.0,
                reason: reason.to_owned(),
            },
            |mut client, request| async move { client.release(request).await },
        )
        .await
        .map(|_| ())
    }

    /// Exits.
    pub(crate) async fn goodbye(&self, reason: &str) -> Result<(), Trouble> {
        self.signed(
            CALL,
            |worker| wire::GoodbyeRequest {
                worker,
                reason: reason.to_owned(),
            },
            |mut client, request| async move { client.goodbye(request).await },
        )
        .await
        .map(|_| ())
    }

    /// Stores an artifact.
    pub(crate) async fn put_artifact(&self, digest: Digest, bytes: &[u8]) -> Result<(), Trouble> {
        use wire::put_artifact_request::Part;
        let deadline = CALL + Duration::from_secs(bytes.len() as u64 / SLOWEST_BYTES_PER_SECOND);
        self.signed_stream(deadline, |worker| {
            let header = Part::Header(wire::ArtifactHeader {
                worker,
                digest: digest.0.to_vec(),
                bytes: bytes.len() as u64,
            });
            std::iter::once(header)
                .chain(
                    bytes
                        .chunks(CHUNK_BYTES)
                        .map(|chunk| Part::Chunk(chunk.to_vec())),
                )
                .map(|part| wire::PutArtifactRequest { part: Some(part) })
                .collect()
        })
        .await
    }

    /// How long a lease lives without a report.
    pub(crate) fn time_to_live(&self) -> Duration {
        self.with(|state| state.time_to_live)
    }

    /// How long the coordinator has said nothing, and what the last call that failed said.
    pub(crate) fn silence(&self) -> (Duration, String) {
        self.with(|state| (state.contact.elapsed(), state.last.clone()))
    }

    /// Returns once the coordinator has said nothing for that long.
    pub(crate) async fn silent_for(&self, limit: Duration) {
        loop {
            let until = self.with(|state| state.contact) + limit;
            if Instant::now() >= until {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }

    /// How long to wait after the `failures`th failed try in a row: doubling, between half and all of it.
    pub(crate) fn backoff(&self, failures: u32) -> Duration {
        let (first, most) = self.backoff;
        let whole = first
            .saturating_mul(1 << failures.clamp(1, 20).saturating_sub(1))
            .min(most);
        let share = self.with(|state| state.jitter.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        whole.mul_f64(0.5 + 0.5 * share)
    }

    /// Calls with our number; where the coordinator does not know it (any more), says hello and calls once more.
    async fn signed<M, A, F, Fut>(
        &self,
        deadline: Duration,
        message: impl Fn(u64) -> M,
        call: F,
    ) -> Result<A, Trouble>
    where
        F: Fn(Client, Request<M>) -> Fut,
        Fut: Future<Output = Result<Response<A>, Status>>,
    {
        let once = || {
            let request = bounded(message(self.with(|state| state.worker)), deadline);
            self.timed(deadline, |client| call(client, request))
        };
        match once().await {
            Err(trouble) if trouble.verdict == Verdict::HelloAgain => {
                tracing::info!("the coordinator does not know this worker any more: hello again");
                self.hello().await?;
                once().await
            }
            other => other,
        }
    }

    async fn signed_stream(
        &self,
        deadline: Duration,
        parts: impl Fn(u64) -> Vec<wire::PutArtifactRequest>,
    ) -> Result<(), Trouble> {
        self.signed(
            deadline,
            parts,
            |mut client, request: Request<Vec<_>>| async move {
                client.put_artifact(request.map(tokio_stream::iter)).await
            },
        )
        .await
        .map(|_| ())
    }

    /// Calls, at most that long, and notes whether the coordinator was heard.
    async fn timed<A, Fut>(
        &self,
        deadline: Duration,
        call: impl FnOnce(Client) -> Fut,
    ) -> Result<A, Trouble>
    where
        Fut: Future<Output = Result<Response<A>, Status>>,
    {
        // The deadline in the request's header is the server's to keep; a server that hangs keeps none.
        let answer = timeout(deadline + Duration::from_secs(1), call(self.client.clone()))
            .await
            .unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer in time")));
        self.with(|state| match &answer {
            Ok(_) => state.contact = Instant::now(),
            Err(status) => {
                if Reason::of(status).is_some() {
                    state.contact = Instant::now();
                }
                state.last = format!("{:?}: {}", status.code(), status.message());
            }
        });
        Ok(answer?.into_inner())
    }

    fn with<R>(&self, read: impl FnOnce(&mut State) -> R) -> R {
        read(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn bounded<M>(message: M, deadline: Duration) -> Request<M> {
    let mut request = Request::new(message);
    request.set_timeout(deadline);
    request
}

fn keys(held: &[Key]) -> Vec<wire::LeaseKey> {
    held.iter().map(Into::into).collect()
}

fn digests(list: &[Digest]) -> Vec<Vec<u8>> {
    list.iter().map(|digest| digest.0.to_vec()).collect()
}

fn to_wire(next: &Next) -> wire::Next {
    wire::Next {
        slots: next.slots,
        held: keys(&next.held),
        warm: digests(&next.warm),
    }
}

fn assignments(list: Vec<wire::Assignment>) -> Result<Vec<Assignment>, WireError> {
    if list.len() > LEASES {
        return Err(WireError::TooMany {
            what: "assignments",
            entries: list.len(),
            limit: LEASES,
        });
    }
    list.into_iter()
        .map(|assignment| {
            Ok(Assignment {
                key: (
                    job_id("assignment.job_id", &assignment.job_id)?,
                    attempt(assignment.attempt)?,
                ),
                job: required("assignment.job", assignment.job).and_then(TryInto::try_into),
                dataset: digest("assignment.dataset", &assignment.dataset)?,
            })
        })
        .collect()
}
