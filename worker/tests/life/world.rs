//! A coordinator that does as its script says, and remembers what it heard.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use proto::version::Versions;
use proto::wire::put_artifact_request::Part;
use proto::wire::worker_service_server::{WorkerService, WorkerServiceServer};
use proto::{Reason, refuse, wire};
use sweeps::{
    AttemptNumber, DatasetSource, Digest, EpochPoint, Failure, JobId, JobSpec, Parameters, Regime,
    RunRecord, Synthetic,
};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};
use worker::{Config, Exit, Trainer, WorkerError};

pub(crate) const TIME_TO_LIVE: Duration = Duration::from_secs(6);

/// The world of a test: its script, and what was heard.
#[derive(Clone)]
pub(crate) struct World {
    state: Arc<Mutex<State>>,
    connections: mpsc::UnboundedSender<std::io::Result<DuplexStream>>,
}

#[derive(Default)]
pub(crate) struct State {
    // The script.
    pub(crate) queue: VecDeque<JobSpec>,
    /// Calls of that name are done, but their answers get lost, so often.
    pub(crate) lose_answer: BTreeMap<&'static str, u32>,
    /// Calls of that name are refused, once for each.
    pub(crate) refuse: Vec<(&'static str, Reason)>,
    /// Nobody is there.
    pub(crate) away: bool,
    pub(crate) stop: BTreeMap<JobId, wire::StopReason>,
    pub(crate) drain: bool,
    pub(crate) protocol_revision: Option<u32>,

    // What was heard.
    pub(crate) hellos: Vec<wire::HelloRequest>,
    pub(crate) held: BTreeSet<(JobId, AttemptNumber)>,
    attempts: BTreeMap<JobId, u64>,
    pub(crate) reports: Vec<(Instant, wire::ReportRequest)>,
    pub(crate) records: Vec<RunRecord>,
    pub(crate) failures: Vec<Failure>,
    pub(crate) releases: Vec<((JobId, AttemptNumber), String)>,
    pub(crate) goodbyes: Vec<String>,
    pub(crate) artifacts: BTreeMap<Digest, usize>,
    specs: BTreeMap<JobId, JobSpec>,
}

impl World {
    /// With so many jobs in the queue.
    pub(crate) fn with_jobs(count: u64) -> Self {
        let (connections, incoming) = mpsc::unbounded_channel();
        let state = State {
            queue: (0..count).map(job).collect(),
            ..State::default()
        };
        let world = Self {
            state: Arc::new(Mutex::new(state)),
            connections,
        };
        tokio::spawn(
            Server::builder()
                .add_service(WorkerServiceServer::new(world.clone()))
                .serve_with_incoming(UnboundedReceiverStream::new(incoming)),
        );
        world
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn channel(&self) -> Channel {
        let connections = self.connections.clone();
        Endpoint::from_static("http://world.test").connect_with_connector_lazy(tower::service_fn(
            move |_| {
                let (near, far) = tokio::io::duplex(64 << 10);
                let _ = connections.send(Ok(far));
                async move { Ok::<_, std::io::Error>(TokioIo::new(near)) }
            },
        ))
    }

    pub(crate) fn config(&self, spool: &Path) -> Config {
        Config {
            grace: Duration::from_secs(10),
            poll: Duration::from_secs(5),
            ..Config::new(self.channel(), "tester", spool.to_owned(), 7)
        }
    }

    /// A worker that runs until it ends.
    pub(crate) fn worker(&self, spool: &Path, trainer: impl Trainer) -> Running {
        self.worker_with(self.config(spool), trainer)
    }

    #[expect(
        clippy::unused_self,
        reason = "reads as a sentence: world.worker_with(config, trainer)"
    )]
    pub(crate) fn worker_with(&self, config: Config, trainer: impl Trainer) -> Running {
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(worker::run(config, Arc::new(trainer), shutdown.clone()));
        Running { shutdown, task }
    }

    /// Waits, in virtual time, until the state is so.
    pub(crate) async fn until(&self, what: &str, is: impl Fn(&State) -> bool) {
        for _ in 0..100_000 {
            if is(&self.state()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it never came to this: {what}");
    }

    fn hand_out(&self, held: &[wire::LeaseKey], slots: u32) -> Vec<wire::Assignment> {
        let mut state = self.state();
        let known: BTreeSet<(JobId, AttemptNumber)> = held
            .iter()
            .map(|key| key.clone().try_into().unwrap())
            .collect();
        // What was handed out in an answer that got lost is handed out again.
        let mut keys: Vec<_> = state.held.difference(&known).copied().collect();
        while keys.len() < slots as usize
            && let Some(job) = state.queue.pop_front()
        {
            let id = job.id(dataset());
            let attempt = state.attempts.entry(id).or_default();
            *attempt += 1;
            let key = (id, AttemptNumber(*attempt));
            state.specs.insert(id, job);
            state.held.insert(key);
            keys.push(key);
        }
        keys.into_iter()
            .map(|(id, attempt)| wire::Assignment {
                job_id: id.0.to_vec(),
                attempt: attempt.0,
                job: Some((&state.specs[&id]).into()),
                dataset: dataset().0.to_vec(),
                time_to_live_ms: TIME_TO_LIVE.as_millis() as u64,
            })
            .collect()
    }

    /// Does the call unless the script says otherwise, and loses its answer where the script says so.
    fn answer<A>(
        &self,
        call: &'static str,
        act: impl FnOnce(&Self) -> A,
    ) -> Result<Response<A>, Status> {
        {
            let mut state = self.state();
            if state.away {
                return Err(Status::unavailable("nobody is there"));
            }
            if let Some(at) = state.refuse.iter().position(|(name, _)| *name == call) {
                let (_, reason) = state.refuse.remove(at);
                return Err(refuse(reason, "the script says so"));
            }
        }
        let answer = act(self);
        if let Some(times) = self.state().lose_answer.get_mut(call)
            && *times > 0
        {
            *times -= 1;
            return Err(Status::unavailable("the answer got lost"));
        }
        Ok(Response::new(answer))
    }
}

/// A worker that runs.
pub(crate) struct Running {
    pub(crate) shutdown: CancellationToken,
    task: tokio::task::JoinHandle<Result<Exit, WorkerError>>,
}

impl Running {
    pub(crate) async fn exit(self) -> Result<Exit, WorkerError> {
        self.task.await.unwrap()
    }

    /// As `kill -9` does it.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

pub(crate) fn dataset() -> Digest {
    Digest([5; 32])
}

pub(crate) fn job(seed: u64) -> JobSpec {
    let synthetic = Synthetic {
        videos: 6,
        mean_length: 4,
        dimension: 8,
        seed: 0,
        regime: Regime::OwnCameras,
    };
    JobSpec::resolve(
        DatasetSource::Synthetic(synthetic),
        seed,
        &Parameters::default(),
    )
}

pub(crate) fn id(seed: u64) -> JobId {
    job(seed).id(dataset())
}

/// Every epoch that was reported of that job, in the order of arrival.
pub(crate) fn reported(state: &State, job: JobId) -> Vec<EpochPoint> {
    state
        .reports
        .iter()
        .flat_map(|(_, report)| &report.progress)
        .filter(|progress| progress.job_id == job.0)
        .flat_map(|progress| progress.points.clone())
        .map(|point| point.try_into().unwrap())
        .collect()
}

#[tonic::async_trait]
impl WorkerService for World {
    async fn hello(
        &self,
        request: Request<wire::HelloRequest>,
    ) -> Result<Response<wire::HelloResponse>, Status> {
        self.answer("hello", |world| {
            let mut state = world.state();
            state.hellos.push(request.into_inner());
            let mut versions = Versions::ours("test");
            if let Some(revision) = state.protocol_revision {
                versions.protocol_revision = revision;
            }
            wire::HelloResponse {
                versions: Some((&versions).into()),
                worker: state.hellos.len() as u64,
                time_to_live_ms: TIME_TO_LIVE.as_millis() as u64,
                warnings: vec![],
            }
        })
    }

    async fn lease(
        &self,
        request: Request<wire::LeaseRequest>,
    ) -> Result<Response<wire::LeaseResponse>, Status> {
        let request = request.into_inner();
        let mut assignments = Vec::new();
        if !self.state().away {
            let until = Instant::now() + Duration::from_millis(request.wait_ms);
            loop {
                assignments = self.hand_out(&request.held, request.slots);
                if !assignments.is_empty() || self.state().drain || Instant::now() >= until {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        self.answer("lease", |world| wire::LeaseResponse {
            assignments,
            drain: world.state().drain,
        })
    }

    async fn report(
        &self,
        request: Request<wire::ReportRequest>,
    ) -> Result<Response<wire::ReportResponse>, Status> {
        self.answer("report", |world| {
            let report = request.into_inner();
            let mut state = world.state();
            let orders = report
                .progress
                .iter()
                .map(|progress| {
                    let (job, attempt) = (
                        JobId(progress.job_id.clone().try_into().unwrap()),
                        AttemptNumber(progress.attempt),
                    );
                    let order = match state.stop.get(&job) {
                        Some(reason) => wire::order::Order::Stop((*reason).into()),
                        None if state.held.contains(&(job, attempt)) => {
                            wire::order::Order::ContinueMs(TIME_TO_LIVE.as_millis() as u64)
                        }
                        None => wire::order::Order::Stop(wire::StopReason::StaleLease.into()),
                    };
                    if matches!(order, wire::order::Order::Stop(_)) {
                        state.held.remove(&(job, attempt));
                    }
                    wire::Order { order: Some(order) }
                })
                .collect();
            state.reports.push((Instant::now(), report));
            wire::ReportResponse {
                orders,
                drain: state.drain,
            }
        })
    }

    async fn finish(
        &self,
        request: Request<wire::FinishRequest>,
    ) -> Result<Response<wire::FinishResponse>, Status> {
        let request = request.into_inner();
        let record = RunRecord::try_from(request.record.unwrap())?;
        for artifact in &record.outcome.artifacts {
            if !self.state().artifacts.contains_key(&artifact.digest) {
                return Err(refuse(Reason::MissingArtifact, "put it first"));
            }
        }
        self.answer("finish", |world| {
            let mut state = world.state();
            state
                .held
                .remove(&(record.job_id, record.provenance.attempt));
            let receipt = match state
                .records
                .iter()
                .find(|other| other.job_id == record.job_id)
            {
                None => wire::Receipt::Recorded,
                Some(other) if other.outcome.digest() == record.outcome.digest() => {
                    wire::Receipt::Equal
                }
                Some(_) => wire::Receipt::Differs,
            };
            state.records.push(record);
            let drain = state.drain;
            drop(state);
            wire::FinishResponse {
                receipt: receipt.into(),
                assignments: request
                    .next
                    .map(|next| world.hand_out(&next.held, next.slots))
                    .unwrap_or_default(),
                drain,
            }
        })
    }

    async fn fail(
        &self,
        request: Request<wire::FailRequest>,
    ) -> Result<Response<wire::FailResponse>, Status> {
        self.answer("fail", |world| {
            let request = request.into_inner();
            let mut state = world.state();
            let job = JobId(request.job_id.try_into().unwrap());
            state.held.remove(&(job, AttemptNumber(request.attempt)));
            state
                .failures
                .push(request.failure.unwrap().try_into().unwrap());
            drop(state);
            wire::FailResponse {
                assignments: request
                    .next
                    .map(|next| world.hand_out(&next.held, next.slots))
                    .unwrap_or_default(),
                drain: false,
            }
        })
    }

    async fn release(
        &self,
        request: Request<wire::ReleaseRequest>,
    ) -> Result<Response<wire::ReleaseResponse>, Status> {
        self.answer("release", |world| {
            let request = request.into_inner();
            let mut state = world.state();
            let key = (
                JobId(request.job_id.try_into().unwrap()),
                AttemptNumber(request.attempt),
            );
            if state.held.remove(&key) {
                let spec = state.specs[&key.0].clone();
                state.queue.push_back(spec);
            }
            state.releases.push((key, request.reason));
            wire::ReleaseResponse {}
        })
    }

    async fn goodbye(
        &self,
        request: Request<wire::GoodbyeRequest>,
    ) -> Result<Response<wire::GoodbyeResponse>, Status> {
        self.answer("goodbye", |world| {
            world.state().goodbyes.push(request.into_inner().reason);
            wire::GoodbyeResponse {}
        })
    }

    async fn put_artifact(
        &self,
        request: Request<Streaming<wire::PutArtifactRequest>>,
    ) -> Result<Response<wire::PutArtifactResponse>, Status> {
        let mut parts = request.into_inner();
        let mut bytes = Vec::new();
        let mut header = None;
        while let Some(part) = parts.next().await {
            match part?.part.unwrap() {
                Part::Header(first) => header = Some(first),
                Part::Chunk(chunk) => bytes.extend(chunk),
            }
        }
        let header = header.unwrap();
        assert_eq!(header.bytes, bytes.len() as u64);
        assert_eq!(header.digest, Digest::of(&bytes).0);
        self.answer("put_artifact", |world| {
            world
                .state()
                .artifacts
                .insert(Digest::of(&bytes), bytes.len());
            wire::PutArtifactResponse {}
        })
    }
}
