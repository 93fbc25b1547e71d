//! The calls of workers, from nouns to nouns, signed with the number that the coordinator gave.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use proto::limits::{ANSWER_BYTES, CHUNK_BYTES, LEASES, MESSAGE_BYTES, TEXT_BYTES};
use proto::nouns::{Hello, LeaseKey, Next, Order, Progress, Receipt};
use proto::telemetry::Telemetry;
use proto::version::Versions;
use proto::wire::worker_service_client::WorkerServiceClient;
use proto::{Reason, WireError, attempt, digest, job_id, required, texts, wire, word};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use sweeps::{Digest, Failure, JobSpec, RunRecord};
use tokio::time::{Instant, timeout};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use crate::decision::CallDecision;
use crate::dial::Bearer;
use crate::incurable::{incurable, root_cause};

/// How long a call may take that waits for nothing but the coordinator's disk.
const CALL: Duration = Duration::from_secs(10);
/// An artifact may travel as slowly as this.
const SLOWEST_BYTES_PER_SECOND: u64 = 256 << 10;

type Client = WorkerServiceClient<InterceptedService<Channel, Bearer>>;

/// The way to the coordinator, signed with the number it gave us.
pub struct Link {
    client: Client,
    hello: wire::HelloRequest,
    version: String,
    state: Mutex<LinkState>,
    backoff: (Duration, Duration),
}

struct LinkState {
    worker: u64,
    time_to_live: Duration,
    contact: Instant,
    last: String,
    jitter: ChaCha8Rng,
}

/// A job for us. A job of another version, with a parameter that this one does not know, is an error in `job`.
pub struct Assignment {
    /// The job's id and the attempt.
    pub key: LeaseKey,
    /// The job.
    pub job: Result<JobSpec, WireError>,
    /// The digest that its data set must have.
    pub dataset: Digest,
}

/// Jobs, where there are any, and whether to go.
#[derive(Default)]
pub struct LeaseResponse {
    /// The jobs.
    pub assignments: Vec<Assignment>,
    /// Finish what runs, say goodbye and exit.
    pub drain: bool,
}

/// A call that failed.
#[derive(Debug, Clone)]
pub struct Trouble {
    /// What to do about it.
    pub decision: CallDecision,
    /// Why, for programs, where the coordinator said so.
    pub reason: Option<Reason>,
    /// Why, for people.
    pub message: String,
    /// What is wrong with the connection for good, where no later try can cure it.
    pub incurable: Option<String>,
}

impl From<Status> for Trouble {
    fn from(status: Status) -> Self {
        Self {
            decision: CallDecision::after(&status),
            reason: Reason::of(&status),
            message: with_cause(&status),
            incurable: incurable(&status),
        }
    }
}

/// An invalid answer is not worth another try.
impl From<WireError> for Trouble {
    fn from(error: WireError) -> Self {
        Self {
            decision: CallDecision::GiveUp,
            reason: None,
            message: format!("the coordinator's answer is invalid: {error}"),
            incurable: None,
        }
    }
}

impl Link {
    /// By that connection (see [`crate::dial`]), with that token. `backoff`: the first wait after a failed call, and the longest;
    /// `seed`: of the jitter in those waits.
    pub fn new(
        channel: Channel,
        bearer: Bearer,
        hello: &Hello,
        backoff: (Duration, Duration),
        seed: u64,
    ) -> Self {
        Self {
            client: WorkerServiceClient::with_interceptor(channel, bearer)
                .max_decoding_message_size(ANSWER_BYTES)
                .max_encoding_message_size(MESSAGE_BYTES),
            hello: hello.into(),
            version: hello.version.clone(),
            state: Mutex::new(LinkState {
                worker: 0,
                time_to_live: Duration::from_secs(30),
                contact: Instant::now(),
                last: "it was never reached".to_owned(),
                jitter: ChaCha8Rng::seed_from_u64(seed),
            }),
            backoff,
        }
    }

    /// Introduces this process; answers what the coordinator warns of.
    pub async fn hello(&self) -> Result<Vec<String>, Trouble> {
        let answer = self
            .timed(CALL, |mut client| {
                let request = bounded(self.hello.clone(), CALL);
                async move { client.hello(request).await }
            })
            .await?;
        let theirs = Versions::try_from(required("versions", answer.versions)?)?;
        if let Err(error) = theirs.check(&self.version) {
            return Err(Trouble {
                decision: CallDecision::GiveUp,
                reason: Some(Reason::Incompatible),
                message: error.to_string(),
                incurable: None,
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
    pub async fn lease(&self, next: Next, wait: Duration) -> Result<LeaseResponse, Trouble> {
        let answer = self
            .signed(
                wait + CALL,
                |worker| wire::LeaseRequest {
                    worker,
                    slots: next.slots,
                    held: next.held.iter().copied().map(Into::into).collect(),
                    warm: next.warm.iter().map(|digest| digest.0.to_vec()).collect(),
                    wait_ms: wait.as_millis() as u64,
                },
                |mut client, request| async move { client.lease(request).await },
            )
            .await?;
        Ok(LeaseResponse {
            assignments: assignments(answer.assignments)?,
            drain: answer.drain,
        })
    }

    /// Reports; answers one order per entry, and whether to go.
    pub async fn report(
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
                    progress: progress.iter().map(Into::into).collect(),
                    telemetry: telemetry.map(Into::into),
                },
                |mut client, request| async move { client.report(request).await },
            )
            .await?;
        let orders = answer
            .orders
            .into_iter()
            .map(TryInto::try_into)
            .collect::<Result<Vec<Order>, WireError>>()?;
        if orders.len() != progress.len() {
            return Err(WireError::Missing("orders").into());
        }
        Ok((orders, answer.drain))
    }

    /// Delivers a record; answers what became of it, and the next work.
    pub async fn finish(
        &self,
        record: &RunRecord,
        next: Option<&Next>,
    ) -> Result<(Receipt, LeaseResponse), Trouble> {
        let answer = self
            .signed(
                CALL,
                |worker| wire::FinishRequest {
                    worker,
                    record: Some(record.into()),
                    next: next.map(Into::into),
                },
                |mut client, request| async move { client.finish(request).await },
            )
            .await?;
        let receipt =
            word::<wire::Receipt, _>("receipt", answer.receipt).unwrap_or(Receipt::NotComparable);
        Ok((
            receipt,
            LeaseResponse {
                assignments: assignments(answer.assignments)?,
                drain: answer.drain,
            },
        ))
    }

    /// An attempt ended without a result; answers the next work.
    pub async fn fail(
        &self,
        key: LeaseKey,
        failure: &Failure,
        next: Option<&Next>,
    ) -> Result<LeaseResponse, Trouble> {
        let answer = self
            .signed(
                CALL,
                |worker| wire::FailRequest {
                    worker,
                    job_id: key.job.0.to_vec(),
                    attempt: key.attempt.0,
                    failure: Some(failure.into()),
                    next: next.map(Into::into),
                },
                |mut client, request| async move { client.fail(request).await },
            )
            .await?;
        Ok(LeaseResponse {
            assignments: assignments(answer.assignments)?,
            drain: answer.drain,
        })
    }

    /// Gives a job back.
    pub async fn release(&self, key: LeaseKey, reason: &str) -> Result<(), Trouble> {
        self.signed(
            CALL,
            |worker| wire::ReleaseRequest {
                worker,
                job_id: key.job.0.to_vec(),
                attempt: key.attempt.0,
                reason: reason.to_owned(),
            },
            |mut client, request| async move { client.release(request).await },
        )
        .await
        .map(|_| ())
    }

    /// Exits.
    pub async fn goodbye(&self, reason: &str) -> Result<(), Trouble> {
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
    pub async fn put_artifact(&self, digest: Digest, bytes: &[u8]) -> Result<(), Trouble> {
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
    pub fn time_to_live(&self) -> Duration {
        self.with(|state| state.time_to_live)
    }

    /// How long the coordinator has said nothing, and what the last call that failed said.
    pub fn silence(&self) -> (Duration, String) {
        self.with(|state| (state.contact.elapsed(), state.last.clone()))
    }

    /// Returns once the coordinator has said nothing for that long.
    pub async fn silent_for(&self, limit: Duration) {
        loop {
            let until = self.with(|state| state.contact) + limit;
            if Instant::now() >= until {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }

    /// How long to wait after the `failures`th failed try in a row: doubling, between half and all of it.
    pub fn backoff(&self, failures: u32) -> Duration {
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
            Err(trouble) if trouble.decision == CallDecision::HelloAgain => {
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
                state.last = format!("{:?}: {}", status.code(), with_cause(status));
            }
        });
        Ok(answer?.into_inner())
    }

    fn with<R>(&self, read: impl FnOnce(&mut LinkState) -> R) -> R {
        read(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a call that failed says, with what the system says of it: `transport error` alone helps nobody.
fn with_cause(status: &Status) -> String {
    match root_cause(status) {
        Some(cause) if !status.message().contains(&cause) => {
            format!("{}: {cause}", status.message())
        }
        _ => status.message().to_owned(),
    }
}

fn bounded<M>(message: M, deadline: Duration) -> Request<M> {
    let mut request = Request::new(message);
    request.set_timeout(deadline);
    request
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
                key: LeaseKey {
                    job: job_id("assignment.job_id", &assignment.job_id)?,
                    attempt: attempt(assignment.attempt)?,
                },
                job: required("assignment.job", assignment.job).and_then(TryInto::try_into),
                dataset: digest("assignment.dataset", &assignment.dataset)?,
            })
        })
        .collect()
}
