//! What workers say.

use std::time::Duration;

use proto::limits::ARTIFACT_BYTES;
use proto::version::Versions;
use proto::wire::put_artifact_request::Part;
use proto::wire::worker_service_server::WorkerService;
use proto::{Reason, WireError, digest, refuse, required, wire};
use sweeps::{AttemptNumber, Digest, JobId};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};
use tracing::{Instrument, Span};

use super::deadline::poll_deadline;
use super::limits::Permits;
use crate::engine::StateKind;
use crate::engine::handle::EngineHandle;
use proto::nouns::{Fail, Finish, LeaseRequest, Release, WorkerId};
use proto::status;

/// The longest that a call for work waits: proxies cut calls that are silent for longer.
const LONGEST_POLL: Duration = Duration::from_secs(50);
/// The longest silence within an upload.
const STALLED: Duration = Duration::from_secs(30);
/// An upload may take this long, and as long again as its bytes take at [`SLOWEST`].
const UPLOAD: Duration = Duration::from_mins(1);
/// Bytes a second below which an upload is not worth its place.
const SLOWEST: u64 = 64 << 10;

pub(super) struct Workers {
    pub(super) engine: EngineHandle,
    pub(super) version: String,
    pub(super) shutdown: CancellationToken,
    pub(super) permits: Permits,
}

#[tonic::async_trait]
impl WorkerService for Workers {
    async fn hello(
        &self,
        request: Request<wire::HelloRequest>,
    ) -> Result<Response<wire::HelloResponse>, Status> {
        // The versions first: a message of another protocol may mean nothing here.
        let request = request.into_inner();
        let theirs = Versions::try_from(required("versions", request.versions.clone())?)?;
        theirs
            .check(&self.version)
            .map_err(|error| refuse(Reason::Incompatible, error.to_string()))?;
        let ours = self.engine.trainer_revision();
        let kinds = (StateKind::of(theirs.trainer_revision), StateKind::of(ours));
        if kinds.0 != kinds.1 {
            return Err(refuse(Reason::Incompatible, do_not_mix(kinds)));
        }
        let (versions, hello) = proto::hello(request)?;
        let (name, device) = (hello.name.clone(), hello.device.kind.clone());
        let mut welcome = self.engine.hello(hello).await.map_err(|no| status(&no))?;
        tracing::info!(worker = name, device, version = versions.program, id = %welcome.worker, "a worker says hello");
        for warning in &welcome.warnings {
            tracing::warn!(worker = name, id = %welcome.worker, "{warning}");
        }
        if versions.trainer_revision != ours {
            welcome.warnings.push(format!(
                "this worker ({}) trains by revision {}, the coordinator ({}) submits for revision {ours}: it gets no job submitted from now on",
                versions.program, versions.trainer_revision, self.version
            ));
        }
        Ok(Response::new(wire::HelloResponse {
            versions: Some((&Versions::ours(&self.version)).into()),
            worker: welcome.worker.0,
            time_to_live_ms: welcome.time_to_live_ms,
            warnings: welcome.warnings,
        }))
    }

    async fn lease(
        &self,
        request: Request<wire::LeaseRequest>,
    ) -> Result<Response<wire::LeaseResponse>, Status> {
        let wait = poll_deadline(request.get_ref().wait_ms, LONGEST_POLL, request.metadata());
        let lease = LeaseRequest {
            wait_ms: wait.as_millis() as u64,
            ..request.into_inner().try_into()?
        };
        // A caller that hangs up drops this future, and with it its place in the queue.
        let answer = tokio::select! {
            answer = self.engine.lease(lease) => answer.map_err(|no| status(&no))?,
            () = self.shutdown.cancelled() => return Err(stopping()),
        };
        Ok(Response::new(answer.into()))
    }

    async fn report(
        &self,
        request: Request<wire::ReportRequest>,
    ) -> Result<Response<wire::ReportResponse>, Status> {
        let report = request.into_inner().try_into()?;
        let answer = self.engine.report(report).await.map_err(|no| status(&no))?;
        Ok(Response::new(answer.into()))
    }

    async fn finish(
        &self,
        request: Request<wire::FinishRequest>,
    ) -> Result<Response<wire::FinishResponse>, Status> {
        let finish: Finish = request.into_inner().try_into()?;
        // The hot path: a span that is off costs nothing.
        let span = tracing::debug_span!(
            "attempt",
            job = %finish.record.job_id.short(),
            attempt = %finish.record.provenance.attempt,
            worker = %finish.worker,
        );
        let delivered = self.engine.finish(finish).instrument(span.clone()).await;
        let answer = span
            .in_scope(|| {
                match &delivered {
                    Ok(answer) => tracing::debug!(receipt = ?answer.receipt, "a result"),
                    Err(refusal) => tracing::warn!(%refusal, "a result is refused"),
                }
                delivered
            })
            .map_err(|no| status(&no))?;
        Ok(Response::new(answer.into()))
    }

    async fn fail(
        &self,
        request: Request<wire::FailRequest>,
    ) -> Result<Response<wire::FailResponse>, Status> {
        let fail: Fail = request.into_inner().try_into()?;
        let span = attempt_span(fail.job, fail.attempt, fail.worker);
        span.in_scope(|| {
            tracing::warn!(class = fail.failure.class.name(), message = ?fail.failure.message, "the attempt failed");
        });
        let answer = self
            .engine
            .fail(fail)
            .instrument(span)
            .await
            .map_err(|no| status(&no))?;
        Ok(Response::new(answer.into()))
    }

    async fn release(
        &self,
        request: Request<wire::ReleaseRequest>,
    ) -> Result<Response<wire::ReleaseResponse>, Status> {
        let release: Release = request.into_inner().try_into()?;
        let span = attempt_span(release.job, release.attempt, release.worker);
        span.in_scope(|| tracing::info!(reason = ?release.reason, "the attempt is handed back"));
        self.engine
            .release(release)
            .instrument(span)
            .await
            .map_err(|no| status(&no))?;
        Ok(Response::new(wire::ReleaseResponse {}))
    }

    async fn goodbye(
        &self,
        request: Request<wire::GoodbyeRequest>,
    ) -> Result<Response<wire::GoodbyeResponse>, Status> {
        let goodbye = request.into_inner().try_into()?;
        self.engine
            .goodbye(goodbye)
            .await
            .map_err(|no| status(&no))?;
        Ok(Response::new(wire::GoodbyeResponse {}))
    }

    async fn put_artifact(
        &self,
        request: Request<Streaming<wire::PutArtifactRequest>>,
    ) -> Result<Response<wire::PutArtifactResponse>, Status> {
        let mut parts = request.into_inner();
        let Some(Part::Header(header)) = next(&mut parts).await? else {
            return Err(WireError::Missing("header").into());
        };
        let digest = digest("header.digest", &header.digest)?;
        if header.bytes > ARTIFACT_BYTES {
            return Err(refuse(
                Reason::TooLarge,
                format!(
                    "an artifact of {} bytes: at most {ARTIFACT_BYTES} are taken",
                    header.bytes
                ),
            ));
        }
        let _permit = self.permits.upload().await?;
        let deadline = UPLOAD + Duration::from_secs(header.bytes / SLOWEST);
        timeout(deadline, self.take(digest, header.bytes, &mut parts))
            .await
            .map_err(|_| Status::deadline_exceeded("the upload is too slow"))??;
        Ok(Response::new(wire::PutArtifactResponse {}))
    }
}

impl Workers {
    /// Stores the bytes of an artifact.
    async fn take(
        &self,
        digest: Digest,
        bytes: u64,
        parts: &mut Streaming<wire::PutArtifactRequest>,
    ) -> Result<(), Status> {
        let mut upload = self
            .engine
            .put_artifact(digest, bytes)
            .await
            .map_err(|no| status(&no))?;
        let mut left = bytes;
        while let Some(part) = next(parts).await? {
            let Part::Chunk(chunk) = part else {
                return Err(refuse(Reason::Invalid, "a second header"));
            };
            left = left.checked_sub(chunk.len() as u64).ok_or_else(|| {
                refuse(
                    Reason::Invalid,
                    "the artifact is longer than its header says",
                )
            })?;
            self.permits.metrics().uploaded(chunk.len() as u64);
            // What is stored already is read to its end all the same: not every client takes an early answer well.
            if let Some(upload) = &mut upload {
                upload.write(&chunk).await.map_err(|no| status(&no))?;
            }
        }
        if left > 0 {
            return Err(refuse(
                Reason::Invalid,
                "the artifact is shorter than its header says",
            ));
        }
        if let Some(upload) = upload {
            upload.finish().await.map_err(|no| status(&no))?;
        }
        Ok(())
    }
}

/// Why a worker of the first kind gets no work from a coordinator of the second.
fn do_not_mix((worker, coordinator): (StateKind, StateKind)) -> String {
    if worker == StateKind::Rehearsal || coordinator == StateKind::Rehearsal {
        return format!(
            "a worker for {} and a coordinator for {} do not mix: `gcl-sweep rehearse` starts both of its own",
            worker.jobs(),
            coordinator.jobs()
        );
    }
    "no-op workers and real ones do not mix: start worker and coordinator both with --noop, or both without".to_owned()
}

/// Under which everything about an attempt is logged.
fn attempt_span(job: JobId, attempt: AttemptNumber, worker: WorkerId) -> Span {
    tracing::info_span!("attempt", job = %job.short(), %attempt, %worker)
}

async fn next(parts: &mut Streaming<wire::PutArtifactRequest>) -> Result<Option<Part>, Status> {
    let message = timeout(STALLED, parts.message())
        .await
        .map_err(|_| Status::deadline_exceeded("the upload stalled"))??;
    match message {
        None => Ok(None),
        Some(message) => Ok(Some(required("part", message.part)?)),
    }
}

pub(super) fn stopping() -> Status {
    refuse(Reason::Unavailable, "the coordinator is stopping")
}
