//! What people and reports ask.

use std::io::SeekFrom;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use proto::limits::{CHUNK_BYTES, LEASES, NAME_BYTES, RENDERED_BYTES, TEXT_BYTES};
use proto::version::Versions;
use proto::wire::client_service_server::ClientService;
use proto::{Page, Reason, RowWriter, attempt, digest, job_id, refuse, text, wire};
use sweeps::JobStatus;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::brief::Brief;
use super::limits::{Permit, Permits};
use super::worker::stopping;
use crate::engine::handle::EngineHandle;
use proto::nouns::{Control, Refusal, Submit, WatchEvent};
use proto::status;

/// Cells on their way to a slow reader: records of some kilobytes each, of some megabytes at worst.
const CELLS_AHEAD: usize = 8;
/// Pages of rows on their way to a slow reader.
const PAGES_AHEAD: usize = 2;
/// Pieces of an artifact on their way: with [`CHUNK_BYTES`], 1 MiB a reader.
const CHUNKS_AHEAD: usize = 4;
/// Changes on their way to a watcher. Behind that the engine's own buffer fills, and then the watcher is told that it
/// missed some.
const CHANGES_AHEAD: usize = 64;
/// A reader that takes nothing for that long is let go.
const SLOWEST_READER: Duration = Duration::from_mins(2);
/// The most job ids that a search answers.
const MOST_FOUND: usize = 1000;

pub(super) struct Clients {
    pub(super) engine: EngineHandle,
    pub(super) version: String,
    pub(super) shutdown: CancellationToken,
    pub(super) permits: Permits,
}

pub(super) type Stream<T> = ReceiverStream<Result<T, Status>>;

#[tonic::async_trait]
impl ClientService for Clients {
    async fn about(
        &self,
        _: Request<wire::AboutRequest>,
    ) -> Result<Response<wire::AboutResponse>, Status> {
        Ok(Response::new(wire::AboutResponse {
            versions: Some((&Versions::ours(&self.version)).into()),
        }))
    }

    async fn submit(
        &self,
        request: Request<wire::SubmitRequest>,
    ) -> Result<Response<wire::SubmitResponse>, Status> {
        use wire::submit_response::Answer;
        let mut submit: Submit = request.into_inner().try_into()?;
        // What a submitter asks for ends where the coordinator's own limit is.
        let asked = submit
            .max_jobs
            .unwrap_or_else(|| sweeps::Limits::default().max_jobs);
        let most = self.permits.jobs_per_sweep();
        submit.max_jobs = Some(asked.min(most));
        let _permit = self.permits.expansion(submit.text.len()).await?;
        let answer = match self.engine.submit(submit).await {
            Ok(submitted) => Answer::Submitted(submitted.into()),
            Err(Refusal::InvalidSweep { mut rendered }) => {
                if rendered.len() > RENDERED_BYTES {
                    let cut = (0..=RENDERED_BYTES)
                        .rev()
                        .find(|&at| rendered.is_char_boundary(at));
                    rendered.truncate(cut.unwrap_or(0));
                    rendered.push_str("\n… and more");
                }
                if asked > most {
                    rendered.push_str(&format!(
                        "\nnote: this coordinator takes at most {most} jobs in a sweep (coordinator --max-jobs)"
                    ));
                }
                Answer::InvalidSweep(rendered)
            }
            Err(refusal) => return Err(status(&refusal)),
        };
        Ok(Response::new(wire::SubmitResponse {
            answer: Some(answer),
        }))
    }

    async fn sweeps(
        &self,
        request: Request<wire::SweepsRequest>,
    ) -> Result<Response<wire::SweepsResponse>, Status> {
        let skip = request.into_inner().skip;
        let sweeps = self.engine.sweeps().await.map_err(|no| status(&no))?;
        let rest = sweeps
            .iter()
            .skip(usize::try_from(skip).unwrap_or(usize::MAX));
        let page = Page::<wire::SweepSummary>::of(rest.map(Into::into));
        Ok(Response::new(wire::SweepsResponse {
            next: page.more.then(|| skip + page.items.len() as u64),
            sweeps: page.items,
        }))
    }

    async fn status(
        &self,
        request: Request<wire::StatusRequest>,
    ) -> Result<Response<wire::StatusResponse>, Status> {
        let sweep = text("sweep", request.into_inner().sweep, NAME_BYTES)?;
        let info = self
            .engine
            .sweep_info(sweep)
            .await
            .map_err(|no| status(&no))?;
        Ok(Response::new((&info).into()))
    }

    type CellsStream = Stream<wire::CellResult>;

    async fn cells(
        &self,
        request: Request<wire::CellsRequest>,
    ) -> Result<Response<Self::CellsStream>, Status> {
        let request = request.into_inner();
        let sweep = text("sweep", request.sweep, NAME_BYTES)?;
        let job = request
            .job_id
            .map(|job| job_id("job_id", &job))
            .transpose()?;
        let permit = self.permits.stream()?;
        let pages = match job {
            None => self.engine.cell_pages(sweep).await,
            Some(job) => self.engine.cells_of(sweep, job).await,
        };
        let mut pages = pages.map_err(|no| status(&no))?;
        let (sender, receiver) = mpsc::channel(CELLS_AHEAD);
        self.spawn(permit, async move {
            loop {
                match pages.next().await {
                    Ok(None) => return,
                    Ok(Some(page)) => {
                        // A page is let go cell by cell: a slow reader holds one, not all.
                        for cell in page {
                            if !hand_over(&sender, Ok((&cell).into())).await {
                                return;
                            }
                        }
                    }
                    Err(refusal) => {
                        let _ = sender.send(Err(status(&refusal))).await;
                        return;
                    }
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    type RowsStream = Stream<wire::RowsPage>;

    async fn rows(
        &self,
        request: Request<wire::RowsRequest>,
    ) -> Result<Response<Self::RowsStream>, Status> {
        let request = request.into_inner();
        let sweep = text("sweep", request.sweep, NAME_BYTES)?;
        let statuses = request.statuses.into_iter().take(JobStatus::ALL.len());
        let statuses: Arc<[JobStatus]> = statuses
            .map(|status| proto::word::<wire::JobStatus, _>("statuses", status))
            .collect::<Result<_, _>>()?;
        let permit = self.permits.stream()?;
        let source = self.engine.row_source(sweep).await;
        let source = source.map_err(|no| status(&no))?;
        let engine = self.engine.clone();
        let (sender, receiver) = mpsc::channel(PAGES_AHEAD);
        self.spawn(permit, async move {
            let mut writer = RowWriter::new(source.sequence);
            let (mut first, mut group) = (0, None);
            while first < source.len() {
                match engine.rows(&source, first, statuses.clone(), group).await {
                    Ok((rows, next, last)) => {
                        (first, group) = (next, last);
                        for row in &rows {
                            if let Some(page) = writer.push(row)
                                && !hand_over(&sender, Ok(page)).await
                            {
                                return;
                            }
                        }
                    }
                    Err(refusal) => {
                        let _ = sender.send(Err(status(&refusal))).await;
                        return;
                    }
                }
            }
            hand_over(&sender, Ok(writer.finish())).await;
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn workers(
        &self,
        request: Request<wire::WorkersRequest>,
    ) -> Result<Response<wire::WorkersResponse>, Status> {
        let after = request.into_inner().after;
        let workers = self.engine.workers().await.map_err(|no| status(&no))?;
        let rest = workers.iter().filter(|view| view.worker.0 > after);
        let page = Page::<wire::WorkerView>::of(rest.map(Into::into));
        let last = page.items.last().map_or(after, |view| view.worker);
        Ok(Response::new(wire::WorkersResponse {
            next: page.more.then_some(last),
            workers: page.items,
        }))
    }

    type WatchStream = Stream<wire::WatchEvent>;

    async fn watch(
        &self,
        request: Request<wire::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let request = request.into_inner();
        let sweep = request
            .sweep
            .map(|sweep| text("sweep", sweep, NAME_BYTES))
            .transpose()?;
        let job = request
            .job_id
            .map(|job| job_id("job_id", &job))
            .transpose()?;
        let permit = self.permits.stream()?;
        // From here on nothing is missed: whoever asks for the whole picture after the headers arrived has it all.
        let mut changes = self.engine.subscribe(request.after);
        let mut brief = request.brief.then(Brief::default);
        let (sender, receiver) = mpsc::channel(CHANGES_AHEAD);
        let shutdown = self.shutdown.clone();
        self.spawn(permit, async move {
            loop {
                let change = tokio::select! {
                    change = changes.next() => change,
                    () = sender.closed() => return,
                    () = shutdown.cancelled() => {
                        let _ = sender.try_send(Err(stopping()));
                        return;
                    }
                };
                let event = match &change {
                    Some((number, WatchEvent::Change(change))) => {
                        if sweep
                            .as_deref()
                            .is_some_and(|sweep| !change.concerns(sweep))
                            || job.is_some_and(|job| change.job() != Some(job))
                        {
                            continue;
                        }
                        let event = match &mut brief {
                            None => Some(change.into()),
                            Some(brief) => brief.event(change, Instant::now()),
                        };
                        let Some(event) = event else { continue };
                        wire::WatchEvent {
                            sequence: *number,
                            ..event
                        }
                    }
                    Some((_, WatchEvent::Missed(missed))) => wire::WatchEvent {
                        event: Some(wire::watch_event::Event::Missed(*missed)),
                        sequence: 0,
                    },
                    None => {
                        let _ = sender.try_send(Err(stopping()));
                        return;
                    }
                };
                if !hand_over(&sender, Ok(event)).await {
                    return;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn control(
        &self,
        request: Request<wire::ControlRequest>,
    ) -> Result<Response<wire::ControlResponse>, Status> {
        let control: Control = request.into_inner().try_into()?;
        let changed = self.engine.control(control).await;
        let changed = changed.map_err(|no| status(&no))?;
        Ok(Response::new(wire::ControlResponse { changed }))
    }

    async fn drain(
        &self,
        request: Request<wire::DrainRequest>,
    ) -> Result<Response<wire::DrainResponse>, Status> {
        let request = request.into_inner();
        let worker = text("worker", request.worker, NAME_BYTES)?;
        let reason = text("reason", request.reason, TEXT_BYTES)?;
        let workers = self
            .engine
            .drain(worker, reason)
            .await
            .map_err(|no| status(&no))?;
        Ok(Response::new(wire::DrainResponse { workers }))
    }

    async fn find_jobs(
        &self,
        request: Request<wire::FindJobsRequest>,
    ) -> Result<Response<wire::FindJobsResponse>, Status> {
        let request = request.into_inner();
        let prefix = text("prefix", request.prefix, 64)?;
        let most = (request.most as usize).min(MOST_FOUND);
        let jobs = self
            .engine
            .find_jobs(prefix, most)
            .await
            .map_err(|no| status(&no))?;
        Ok(Response::new(wire::FindJobsResponse {
            job_ids: jobs.iter().map(|job| job.0.to_vec()).collect(),
        }))
    }

    async fn explain(
        &self,
        request: Request<wire::ExplainRequest>,
    ) -> Result<Response<wire::ExplainResponse>, Status> {
        let job = job_id("job_id", &request.into_inner().job_id)?;
        let mut explanation = self.engine.explain(job).await.map_err(|no| status(&no))?;
        explanation.reasons.truncate(LEASES);
        Ok(Response::new((&explanation).into()))
    }

    type GetArtifactStream = Stream<wire::ArtifactChunk>;

    async fn get_artifact(
        &self,
        request: Request<wire::GetArtifactRequest>,
    ) -> Result<Response<Self::GetArtifactStream>, Status> {
        let digest = digest("digest", &request.into_inner().digest)?;
        let permit = self.permits.stream()?;
        let (mut file, bytes) = self
            .engine
            .get_artifact(digest)
            .await
            .map_err(|no| status(&no))?
            .ok_or_else(|| {
                refuse(
                    Reason::UnknownArtifact,
                    format!(
                        "there is no artifact {digest} (one that was damaged on the coordinator's disk is set aside, and its log says so)"
                    ),
                )
            })?;
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        self.spawn(permit, async move {
            if let Err(error) = file.seek(SeekFrom::Start(0)).await {
                let _ = sender.send(Err(unreadable(&error))).await;
                return;
            }
            let mut left = bytes;
            while left > 0 {
                let mut data = vec![0; left.min(CHUNK_BYTES as u64) as usize];
                let chunk = match file.read_exact(&mut data).await {
                    Ok(_) => Ok(wire::ArtifactChunk { data }),
                    Err(error) => Err(unreadable(&error)),
                };
                let ends = chunk.is_err();
                if !hand_over(&sender, chunk).await || ends {
                    return;
                }
                left = left.saturating_sub(CHUNK_BYTES as u64);
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn dataset_digests(
        &self,
        request: Request<wire::DatasetDigestsRequest>,
    ) -> Result<Response<wire::DatasetDigestsResponse>, Status> {
        let skip = request.into_inner().skip;
        let datasets = self.engine.datasets().await.map_err(|no| status(&no))?;
        let rest = datasets
            .iter()
            .skip(usize::try_from(skip).unwrap_or(usize::MAX));
        let page = Page::<wire::DatasetKnown>::of(rest.map(Into::into));
        Ok(Response::new(wire::DatasetDigestsResponse {
            next: page.more.then(|| skip + page.items.len() as u64),
            datasets: page.items,
        }))
    }

    async fn logs(
        &self,
        request: Request<wire::LogsRequest>,
    ) -> Result<Response<wire::LogsResponse>, Status> {
        let request = request.into_inner();
        let job = job_id("job_id", &request.job_id)?;
        let number = request.attempt.map(attempt).transpose()?;
        let lines = self
            .engine
            .logs(job, number)
            .await
            .map_err(|no| status(&no))?;
        Ok(Response::new(wire::LogsResponse {
            lines: lines.iter().map(Into::into).collect(),
        }))
    }

    async fn audit(
        &self,
        request: Request<wire::AuditRequest>,
    ) -> Result<Response<wire::AuditResponse>, Status> {
        self.audit_sweep(request.into_inner())
            .await
            .map(Response::new)
    }

    type BackupStream = Stream<wire::BackupResponse>;

    async fn backup(
        &self,
        _: Request<wire::BackupRequest>,
    ) -> Result<Response<Self::BackupStream>, Status> {
        Ok(Response::new(self.send_backup()?))
    }

    async fn collect_garbage(
        &self,
        request: Request<wire::CollectGarbageRequest>,
    ) -> Result<Response<wire::CollectGarbageResponse>, Status> {
        self.collect(request.into_inner()).await.map(Response::new)
    }
}

impl Clients {
    /// Feeds a stream. It ends with its reader, or when the server stops.
    pub(super) fn spawn(&self, permit: Permit, feed: impl Future<Output = ()> + Send + 'static) {
        let shutdown = self.shutdown.clone();
        // Of one type: the task is compiled once.
        let feed: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(feed);
        tokio::spawn(async move {
            let _permit = permit;
            tokio::select! {
                // The feed first: a watcher is told why its stream ends.
                biased;
                () = feed => {}
                () = shutdown.cancelled() => {}
            }
        });
    }
}

/// Hands something to a reader; says whether there still is one. A reader that takes nothing for long is none.
async fn hand_over<T>(sender: &mpsc::Sender<Result<T, Status>>, item: Result<T, Status>) -> bool {
    sender.send_timeout(item, SLOWEST_READER).await.is_ok()
}

fn unreadable(error: &std::io::Error) -> Status {
    refuse(
        Reason::Storage,
        format!("the artifact cannot be read: {error}"),
    )
}
