//! The other end of the client service: what the command line calls a coordinator by, from nouns to nouns.

use std::time::Duration;

use crate::call_error::CallError;
use crate::dial::Bearer;
use proto::limits::{ANSWER_BYTES, LISTED, MESSAGE_BYTES, RENDERED_BYTES};
use proto::version::Versions;
use proto::wire::client_service_client::ClientServiceClient;
use proto::{Reason, RowReader, WireError, job_id, required, text, wire};
use sweeps::{AttemptNumber, CellResult, Digest, JobId, JobStatus};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Streaming};

use proto::nouns::{
    Audit, Audited, Collected, Control, DatasetKnown, Explanation, LogLine, Piece, Row, Submit,
    Submitted, SweepInfo, SweepSummary, WatchEvent, WorkerView,
};

/// How long a call may take that waits for nothing but the coordinator's disk.
const CALL: Duration = Duration::from_mins(1);

/// The same for a submission: a file of a million jobs is expanded, named and written before it is acknowledged.
const SUBMIT: Duration = Duration::from_mins(15);

/// A coordinator, to be asked. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    client: ClientServiceClient<InterceptedService<Channel, Bearer>>,
}

impl Client {
    /// By that connection (see [`crate::dial`](fn@crate::dial)), with that token.
    pub fn new(channel: Channel, bearer: Bearer) -> Self {
        Self {
            client: ClientServiceClient::with_interceptor(channel, bearer)
                .max_decoding_message_size(ANSWER_BYTES)
                .max_encoding_message_size(MESSAGE_BYTES),
        }
    }

    /// Who answers there; an error where the program of version `ours` does not understand it.
    pub async fn about(&self, ours: &str) -> Result<Versions, CallError> {
        let answer = self.client().about(bounded(wire::AboutRequest {})).await?;
        let versions = Versions::try_from(required("versions", answer.into_inner().versions)?)?;
        versions.check(ours)?;
        Ok(versions)
    }

    /// Submits a sweep file, or says what that would do.
    pub async fn submit(&self, submit: &Submit) -> Result<Submitted, CallError> {
        use wire::submit_response::Answer;
        let mut request = bounded(submit.into());
        request.set_timeout(SUBMIT);
        let answer = self.client().submit(request).await?;
        match required("answer", answer.into_inner().answer)? {
            Answer::Submitted(submitted) => Ok(submitted.try_into()?),
            Answer::InvalidSweep(rendered) => Err(CallError::InvalidSweep(text(
                "rendered",
                rendered,
                RENDERED_BYTES + 64,
            )?)),
        }
    }

    /// All sweeps.
    pub async fn sweeps(&self) -> Result<Vec<SweepSummary>, CallError> {
        let mut sweeps = Vec::new();
        let mut skip = Some(0);
        while let Some(first) = skip {
            let request = bounded(wire::SweepsRequest { skip: first });
            let answer = self.client().sweeps(request).await?.into_inner();
            take_page("sweeps", &mut sweeps, answer.sweeps)?;
            skip = answer.next.filter(|next| *next > first);
        }
        Ok(sweeps)
    }

    /// Everything about a sweep but its cells.
    pub async fn sweep_info(&self, sweep: &str) -> Result<SweepInfo, CallError> {
        let request = wire::StatusRequest {
            sweep: sweep.to_owned(),
        };
        Ok(self
            .client()
            .status(bounded(request))
            .await?
            .into_inner()
            .try_into()?)
    }

    /// The cells of a sweep, in the order of its expansion.
    pub async fn cells(&self, sweep: &str) -> Result<Vec<CellResult>, CallError> {
        let mut cells = Vec::new();
        self.each_cell(sweep, |cell| cells.push(cell)).await?;
        Ok(cells)
    }

    /// The first cell of a sweep that has this job, where one has it.
    pub async fn cell_of(&self, sweep: &str, job: JobId) -> Result<Option<CellResult>, CallError> {
        let request = wire::CellsRequest {
            sweep: sweep.to_owned(),
            job_id: Some(job.0.to_vec()),
        };
        let mut stream = match self.client().cells(request).await.map_err(CallError::from) {
            Ok(answer) => answer.into_inner(),
            Err(CallError::Refused {
                reason: Some(Reason::UnknownJob),
                ..
            }) => return Ok(None),
            Err(error) => return Err(error),
        };
        while let Some(cell) = stream.message().await? {
            let cell = CellResult::try_from(cell)?;
            // A coordinator of an earlier version sends them all.
            if cell.job_id == job {
                return Ok(Some(cell));
            }
        }
        Ok(None)
    }

    /// The same one by one, for sweeps too large to hold.
    pub async fn each_cell(
        &self,
        sweep: &str,
        mut take: impl FnMut(CellResult),
    ) -> Result<(), CallError> {
        let request = wire::CellsRequest {
            sweep: sweep.to_owned(),
            job_id: None,
        };
        // No deadline: a large sweep takes its time, and a dead connection is noticed by its life signs.
        let mut stream = self.client().cells(request).await?.into_inner();
        while let Some(cell) = stream.message().await? {
            take(cell.try_into()?);
        }
        Ok(())
    }

    /// All workers.
    pub async fn workers(&self) -> Result<Vec<WorkerView>, CallError> {
        let mut workers = Vec::new();
        let mut after = Some(0);
        while let Some(first) = after {
            let request = bounded(wire::WorkersRequest { after: first });
            let answer = self.client().workers(request).await?.into_inner();
            take_page("workers", &mut workers, answer.workers)?;
            after = answer.next.filter(|next| *next > first);
        }
        Ok(workers)
    }

    /// Hands the rows of a sweep's cells to `take`, in the order of its expansion: those whose jobs have one of these statuses
    /// (none: all). Answers the number of the last change that they all show: a watcher needs those after it.
    pub async fn each_row(
        &self,
        sweep: &str,
        statuses: &[JobStatus],
        mut take: impl FnMut(Row),
    ) -> Result<u64, CallError> {
        let statuses = statuses.iter().map(|status| wire::JobStatus::from(*status));
        let request = wire::RowsRequest {
            sweep: sweep.to_owned(),
            statuses: statuses.map(Into::into).collect(),
        };
        let mut stream = self.client().rows(request).await?.into_inner();
        let mut reader = RowReader::default();
        let mut sequence = None;
        while let Some(page) = stream.message().await? {
            sequence.get_or_insert(page.sequence);
            reader.read(page)?.into_iter().for_each(&mut take);
        }
        Ok(required("sequence", sequence)?)
    }

    /// The same, all together.
    pub async fn rows(
        &self,
        sweep: &str,
        statuses: &[JobStatus],
    ) -> Result<(Vec<Row>, u64), CallError> {
        let mut rows = Vec::new();
        let sequence = self.each_row(sweep, statuses, |row| rows.push(row)).await?;
        Ok((rows, sequence))
    }

    /// Changes from now on, of one sweep or of all. A picture asked for after this returned misses nothing.
    pub async fn watch(&self, sweep: Option<&str>) -> Result<Watcher, CallError> {
        self.watching(wire::WatchRequest {
            sweep: sweep.map(str::to_owned),
            ..wire::WatchRequest::default()
        })
        .await
    }

    /// Changes of a sweep after the one of that number. [`WatchEvent::Missed`] comes first where they are not kept any more.
    /// A brief watcher hears no log lines, and of a job's epochs only how many ended, once a second.
    pub async fn watch_after(
        &self,
        sweep: &str,
        after: Option<u64>,
        brief: bool,
    ) -> Result<Watcher, CallError> {
        self.watching(wire::WatchRequest {
            sweep: Some(sweep.to_owned()),
            after,
            brief,
            ..wire::WatchRequest::default()
        })
        .await
    }

    /// The same as [`Self::watch`] of one job.
    pub async fn watch_job(&self, job: JobId) -> Result<Watcher, CallError> {
        self.watching(wire::WatchRequest {
            job_id: Some(job.0.to_vec()),
            ..wire::WatchRequest::default()
        })
        .await
    }

    async fn watching(&self, request: wire::WatchRequest) -> Result<Watcher, CallError> {
        Ok(Watcher {
            last: request.after,
            stream: self.client().watch(request).await?.into_inner(),
        })
    }

    /// Cancels, pauses, resumes or retries; answers how many jobs changed.
    pub async fn control(&self, control: &Control) -> Result<u64, CallError> {
        let answer = self.client().control(bounded(control.into())).await?;
        Ok(answer.into_inner().changed)
    }

    /// Lets the workers of that name go; answers how many there are.
    pub async fn drain(&self, worker: &str, reason: &str) -> Result<u64, CallError> {
        let request = wire::DrainRequest {
            worker: worker.to_owned(),
            reason: reason.to_owned(),
        };
        let answer = self.client().drain(bounded(request)).await?;
        Ok(answer.into_inner().workers)
    }

    /// The jobs whose ids begin as people type them, at most `most`.
    pub async fn find_jobs(&self, prefix: &str, most: u32) -> Result<Vec<JobId>, CallError> {
        let request = wire::FindJobsRequest {
            prefix: prefix.to_owned(),
            most,
        };
        let answer = self.client().find_jobs(bounded(request)).await?;
        Ok(answer
            .into_inner()
            .job_ids
            .iter()
            .map(|bytes| job_id("job_id", bytes))
            .collect::<Result<_, _>>()?)
    }

    /// Why a job is where it is.
    pub async fn explain(&self, job: JobId) -> Result<Explanation, CallError> {
        let request = wire::ExplainRequest {
            job_id: job.0.to_vec(),
        };
        Ok(self
            .client()
            .explain(bounded(request))
            .await?
            .into_inner()
            .try_into()?)
    }

    /// The bytes of an artifact, checked against its digest. At most `most` of them.
    pub async fn artifact(&self, digest: Digest, most: u64) -> Result<Vec<u8>, CallError> {
        let request = wire::GetArtifactRequest {
            digest: digest.0.to_vec(),
        };
        let mut stream = self.client().get_artifact(request).await?.into_inner();
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.message().await? {
            if bytes.len() as u64 + chunk.data.len() as u64 > most {
                return Err(CallError::Refused {
                    reason: Some(Reason::TooLarge),
                    message: format!("artifact {digest} has more than {most} bytes"),
                });
            }
            bytes.extend(chunk.data);
        }
        if Digest::of(&bytes) != digest {
            return Err(CallError::Refused {
                reason: Some(Reason::Invalid),
                message: format!("the bytes of artifact {digest} are not what their digest says"),
            });
        }
        Ok(bytes)
    }

    /// The data sets that workers announced.
    pub async fn datasets(&self) -> Result<Vec<DatasetKnown>, CallError> {
        let mut datasets = Vec::new();
        let mut skip = Some(0);
        while let Some(first) = skip {
            let request = bounded(wire::DatasetDigestsRequest { skip: first });
            let answer = self.client().dataset_digests(request).await?.into_inner();
            take_page("datasets", &mut datasets, answer.datasets)?;
            skip = answer.next.filter(|next| *next > first);
        }
        Ok(datasets)
    }

    /// The log lines of a job that are kept, of one attempt or of all.
    pub async fn logs(
        &self,
        job: JobId,
        attempt: Option<AttemptNumber>,
    ) -> Result<Vec<LogLine>, CallError> {
        let request = wire::LogsRequest {
            job_id: job.0.to_vec(),
            attempt: attempt.map(|attempt| attempt.0),
        };
        let answer = self.client().logs(bounded(request)).await?;
        convert("lines", answer.into_inner().lines)
    }

    /// Queues a share of a sweep's finished jobs to be run again and compared.
    pub async fn audit(&self, audit: &Audit) -> Result<Audited, CallError> {
        let request = wire::AuditRequest {
            sweep: audit.sweep.clone(),
            fraction: audit.fraction,
        };
        let answer = self.client().audit(bounded(request)).await?.into_inner();
        Ok(Audited {
            finished: answer.finished,
            chosen: answer.chosen,
            queued: answer.queued,
        })
    }

    /// Hands the pieces of a backup to `take`, whose error ends it.
    pub async fn backup<E: From<CallError>>(
        &self,
        mut take: impl FnMut(Piece) -> Result<(), E>,
    ) -> Result<(), E> {
        // No deadline: a large folder takes its time, and a dead connection is noticed by its life signs.
        let answer = self.client().backup(wire::BackupRequest {}).await;
        let mut stream = answer.map_err(CallError::from)?.into_inner();
        while let Some(piece) = stream.message().await.map_err(CallError::from)? {
            take(Piece::try_from(piece).map_err(CallError::from)?)?;
        }
        Ok(())
    }

    /// Removes artifacts that no record names, or only says what would be removed.
    pub async fn collect_garbage(&self, dry_run: bool) -> Result<Collected, CallError> {
        // It reads the whole journal: no deadline either.
        let request = wire::CollectGarbageRequest { dry_run };
        let answer = self.client().collect_garbage(request).await?;
        Ok(answer.into_inner().into())
    }

    fn client(&self) -> ClientServiceClient<InterceptedService<Channel, Bearer>> {
        self.client.clone()
    }
}

/// Changes as they come.
#[derive(Debug)]
pub struct Watcher {
    /// The number of the last change that was heard.
    last: Option<u64>,
    stream: Streaming<wire::WatchEvent>,
}

impl Watcher {
    /// The next one; `None` when the coordinator ends the stream.
    pub async fn next(&mut self) -> Result<Option<WatchEvent>, CallError> {
        match self.stream.message().await? {
            None => Ok(None),
            Some(event) => {
                if event.sequence > 0 {
                    self.last = Some(event.sequence);
                }
                Ok(Some(event.try_into()?))
            }
        }
    }

    /// The number of the last change that was heard: who lost the connection goes on after it.
    pub fn last(&self) -> Option<u64> {
        self.last
    }
}

/// Adds a page to a list.
fn take_page<W, N: TryFrom<W, Error = WireError>>(
    what: &'static str,
    list: &mut Vec<N>,
    page: Vec<W>,
) -> Result<(), CallError> {
    list.extend(convert::<W, N>(what, page)?);
    let entries = list.len();
    if entries > LISTED {
        return Err(WireError::TooMany {
            what,
            entries,
            limit: LISTED,
        }
        .into());
    }
    Ok(())
}

fn bounded<M>(message: M) -> Request<M> {
    let mut request = Request::new(message);
    request.set_timeout(CALL);
    request
}

fn convert<W, N: TryFrom<W, Error = WireError>>(
    what: &'static str,
    list: Vec<W>,
) -> Result<Vec<N>, CallError> {
    if list.len() > LISTED {
        return Err(WireError::TooMany {
            what,
            entries: list.len(),
            limit: LISTED,
        }
        .into());
    }
    Ok(list
        .into_iter()
        .map(TryInto::try_into)
        .collect::<Result<_, _>>()?)
}
