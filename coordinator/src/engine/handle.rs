//! The engine as everybody else sees it: one async function per request, cheap to clone.
//!
//! An answer means that what it says is on disk. Dropping a future takes nothing back: the request may still happen, and
//! every request may be repeated.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sweeps::{AttemptNumber, CellResult, Digest, EpochPoint, JobId, JobStatus, RunRecord};
use tokio::sync::{mpsc, oneshot};

use super::call::{Call, Query};
use super::clock;
use super::feed::{Feed, Subscription};
use super::history::{self, History};
use super::rows::{self, RowSource, SLICE};
use crate::engine::cell_pages::{CellPages, CellRows};
use crate::engine::expand::{Expand, Resolved, resolve_alone, takes_much};
use crate::scheduler::{Answer, Reply, Request, Reuse, Scheduler, Standing, Ticket, Totals};
use crate::store::artifacts::{ArtifactStore, Upload};
use crate::store::backup::{self, Piece};
use crate::store::blocking::{blocking, ended, in_place};
use crate::store::gc;
use crate::store::index::Reader;
use proto::error_chain;
use proto::nouns::{
    Audit, Audited, Collected, Control, DatasetKnown, Explanation, Fail, Finish, FinishAnswer,
    Goodbye, Hello, JobView, LeaseAnswer, LeaseRequest, LogLine, Refusal, Release, Report,
    ReportAnswer, Row, RowGroup, Submit, Submitted, SweepInfo, SweepSummary, Timestamp, Welcome,
    WorkerId, WorkerView,
};

/// The engine as everybody else sees it.
#[derive(Clone)]
pub struct EngineHandle {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) calls: mpsc::Sender<Call>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) tickets: AtomicU64,
    pub(crate) reader: Reader,
    pub(crate) artifacts: ArtifactStore,
    /// The state folder.
    pub(crate) state: PathBuf,
    pub(crate) expand: Expand,
    pub(crate) trainer_revision: u32,
}

/// What is told of a job beyond its row.
pub(crate) enum Told {
    /// Its record.
    Record(Arc<RunRecord>),
    /// The epochs of its last attempt.
    Epochs(Vec<EpochPoint>),
}

/// The group of the last row and its cell.
pub type LastGroup = Option<(usize, Arc<RowGroup>)>;

impl EngineHandle {
    pub(super) fn new(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The revision of the trainer that sweeps are submitted for.
    pub fn trainer_revision(&self) -> u32 {
        self.shared.trainer_revision
    }

    /// A worker introduces itself.
    pub async fn hello(&self, hello: Hello) -> Result<Welcome, Refusal> {
        match self.ask(Request::Hello(Box::new(hello))).await? {
            Answer::Welcome(welcome) => Ok(welcome),
            other => Err(unexpected(&other)),
        }
    }

    /// Asks for jobs, waiting up to `wait_ms`. Drop the future when the caller has gone.
    pub async fn lease(&self, request: LeaseRequest) -> Result<LeaseAnswer, Refusal> {
        match self.ask(Request::Lease(request)).await? {
            Answer::Lease(answer) => Ok(answer),
            other => Err(unexpected(&other)),
        }
    }

    /// Renews leases and hands in epochs and log lines.
    pub async fn report(&self, report: Report) -> Result<ReportAnswer, Refusal> {
        match self.ask(Request::Report(report)).await? {
            Answer::Report(answer) => Ok(answer),
            other => Err(unexpected(&other)),
        }
    }

    /// Delivers a record. Its artifacts must be stored before.
    pub async fn finish(&self, finish: Finish) -> Result<FinishAnswer, Refusal> {
        self.demand_artifacts(&finish.record).await?;
        match self.ask(Request::Finish(finish)).await? {
            Answer::Finish(answer) => Ok(answer),
            other => Err(unexpected(&other)),
        }
    }

    /// Ends jobs with results from elsewhere, which say so. Their artifacts must be stored before. Answers how many were taken.
    pub async fn take_over(&self, records: Vec<RunRecord>) -> Result<u64, Refusal> {
        for record in &records {
            self.demand_artifacts(record).await?;
        }
        self.ask(Request::TakeOver(records))
            .await
            .map(|answer| changed(&answer))
    }

    /// Which jobs of a sweep want a result from elsewhere, and which results may be used elsewhere.
    pub async fn reuse(&self, sweep: String) -> Result<Vec<(JobId, Reuse)>, Refusal> {
        self.query(move |scheduler, _| scheduler.reuse(&sweep))
            .await?
    }

    async fn demand_artifacts(&self, record: &RunRecord) -> Result<(), Refusal> {
        for artifact in &record.outcome.artifacts {
            let (digest, bytes) = (artifact.digest, artifact.bytes);
            if !self.shared.artifacts.holds(digest, bytes).await? {
                return Err(Refusal::MissingArtifact(artifact.digest));
            }
        }
        Ok(())
    }

    /// Ends an attempt without a result. The answer holds the next jobs where they were asked for.
    pub async fn fail(&self, fail: Fail) -> Result<LeaseAnswer, Refusal> {
        match self.ask(Request::Fail(fail)).await? {
            Answer::Lease(answer) => Ok(answer),
            other => Err(unexpected(&other)),
        }
    }

    /// Gives a job back.
    pub async fn release(&self, release: Release) -> Result<(), Refusal> {
        self.ask(Request::Release(release)).await.map(drop)
    }

    /// A worker exits.
    pub async fn goodbye(&self, goodbye: Goodbye) -> Result<(), Refusal> {
        self.ask(Request::Goodbye(goodbye)).await.map(drop)
    }

    /// Submits a sweep file, or with `dry_run` only says what would happen.
    pub async fn submit(&self, submit: Submit) -> Result<Submitted, Refusal> {
        let expand = self.shared.expand.clone();
        let revision = self.shared.trainer_revision;
        let bytes = submit.text.len();
        let alone = in_place(move || resolve_alone(submit, &expand, revision))
            .await
            .map_err(|error| ended(&error))?;
        let resolved = match alone {
            Ok(Resolved::AsksForCopies(read)) => {
                let announced = self
                    .query(|scheduler, _| scheduler.dataset_copies())
                    .await?;
                in_place(move || read.identify(&announced, revision).map(Box::new))
                    .await
                    .map_err(|error| ended(&error))?
            }
            Ok(Resolved::Whole(submission)) => Ok(submission),
            Err(refusal) => Err(refusal),
        };
        let cells = resolved
            .as_ref()
            .ok()
            .map(|submission| submission.ids.len());
        let answer = match resolved {
            Ok(submission) => self.ask(Request::Submit(submission)).await,
            Err(refusal) => Err(refusal),
        };
        if takes_much(bytes, cells) {
            // Memory that stays is no reason to answer anything else.
            let _ = blocking(super::memory::give_back).await;
        }
        match answer? {
            Answer::Submitted(submitted) => Ok(submitted),
            other => Err(unexpected(&other)),
        }
    }

    /// Cancels, pauses, resumes or retries a sweep or a job. Answers how many jobs changed.
    pub async fn control(&self, control: Control) -> Result<u64, Refusal> {
        self.ask(Request::Control(control))
            .await
            .map(|answer| changed(&answer))
    }

    /// Tells the workers of that name to finish what they have and to go. Answers how many there are.
    pub async fn drain(&self, worker: String, reason: String) -> Result<u64, Refusal> {
        let request = Request::Drain { worker, reason };
        self.ask(request).await.map(|answer| changed(&answer))
    }

    /// Queues a share of a sweep's finished jobs to be run again and compared.
    pub async fn audit(&self, audit: Audit) -> Result<Audited, Refusal> {
        match self.ask(Request::Audit(audit)).await? {
            Answer::Audited(audited) => Ok(audited),
            other => Err(unexpected(&other)),
        }
    }

    /// Every sweep, in the order of submission.
    pub async fn sweeps(&self) -> Result<Vec<SweepSummary>, Refusal> {
        self.query(|scheduler, _| scheduler.sweeps()).await
    }

    /// Everything about a sweep but its cells.
    pub async fn sweep_info(&self, sweep: String) -> Result<SweepInfo, Refusal> {
        self.query(move |scheduler, _| scheduler.sweep_info(&sweep))
            .await?
    }

    /// Every cell of a sweep in the grid's order, with records and live epochs.
    pub async fn cells(&self, sweep: String) -> Result<Vec<CellResult>, Refusal> {
        let mut pages = self.cell_pages(sweep).await?;
        let mut cells = Vec::with_capacity(pages.len());
        while let Some(page) = pages.next().await? {
            cells.extend(page);
        }
        Ok(cells)
    }

    /// The same a bounded page at a time: a sweep of 100,000 records does not fit into memory at once. Status is that of
    /// the moment of this call.
    pub async fn cell_pages(&self, sweep: String) -> Result<CellPages, Refusal> {
        let (table, rows) = self
            .query(move |scheduler, _| scheduler.cell_rows(&sweep))
            .await??;
        Ok(CellPages {
            reader: self.shared.reader.clone(),
            table,
            rows: CellRows::All(rows.into()),
            chosen: None,
            next: 0,
        })
    }

    /// The same of the cells of one job.
    pub async fn cells_of(&self, sweep: String, job: JobId) -> Result<CellPages, Refusal> {
        let (table, cells, row) = self
            .query(move |scheduler, _| scheduler.cell_rows_of(&sweep, job))
            .await??;
        let pages = CellPages {
            reader: self.shared.reader.clone(),
            table,
            rows: CellRows::One(Arc::new(row)),
            chosen: None,
            next: 0,
        };
        Ok(pages.only(cells))
    }

    /// The sweep whose rows [`Self::rows`] gives.
    pub async fn row_source(&self, sweep: String) -> Result<RowSource, Refusal> {
        let feed = self.shared.feed.clone();
        self.query(move |scheduler, _| {
            let (grid, table) = scheduler.grid_of(&sweep)?;
            Ok(RowSource {
                grid,
                table,
                sequence: feed.last(),
            })
        })
        .await?
    }

    /// The rows of the cells from `first` on that have one of `statuses` (none: all), and the next cell to ask for. Rows
    /// of different calls are of different moments: none shows less than the changes up to the source's sequence.
    /// `group` is that of the row before, if any.
    pub async fn rows(
        &self,
        source: &RowSource,
        first: usize,
        statuses: Arc<[JobStatus]>,
        mut group: LastGroup,
    ) -> Result<(Vec<Row>, usize, LastGroup), Refusal> {
        let grid = source.grid;
        let end = first.saturating_add(SLICE).min(source.len());
        let jobs = self
            .query(move |scheduler, _| scheduler.job_rows(grid, first..end, &statuses))
            .await?
            .ok_or_else(|| {
                Refusal::Unavailable("the sweep was submitted again meanwhile: ask again".into())
            })?;
        let (reader, table) = (self.shared.reader.clone(), source.table.clone());
        let (rows, group) = blocking(move || {
            let rows = rows::rows(&table, &reader, jobs, &mut group);
            rows.map(|rows| (rows, group))
        })
        .await??;
        Ok((rows, end, group))
    }

    /// Where a sweep stands as a whole, and who works.
    pub(crate) async fn standing(&self, sweep: String) -> Result<Standing, Refusal> {
        self.query(move |scheduler, now| scheduler.standing(&sweep, now))
            .await?
    }

    /// What can be told of jobs beyond their rows: the record of those that have one, of others the epochs that their
    /// last attempt reported.
    pub(crate) async fn told(&self, jobs: Vec<JobId>) -> Result<Vec<(JobId, Told)>, Refusal> {
        let jobs = self
            .query(move |scheduler, _| scheduler.last_attempts(&jobs))
            .await?;
        let reader = self.shared.reader.clone();
        blocking(move || {
            let mut told = Vec::with_capacity(jobs.len());
            for (job, attempt, has_record) in jobs {
                if !has_record {
                    told.push((job, Told::Epochs(reader.live(job, attempt)?)));
                } else if let Some(record) = reader.record(job)? {
                    told.push((job, Told::Record(record)));
                }
            }
            Ok(told)
        })
        .await?
    }

    /// What happened to these jobs of a sweep and when, as far back as the journal tells it. `names` are those of workers that it may
    /// have forgotten.
    pub(crate) async fn history(
        &self,
        sweep: String,
        jobs: BTreeSet<JobId>,
        names: BTreeMap<WorkerId, Arc<str>>,
    ) -> Result<History, Refusal> {
        let state = self.shared.state.clone();
        blocking(move || history::history(&state, &sweep, &jobs, names)).await
    }

    /// Every worker that is known.
    pub async fn workers(&self) -> Result<Vec<WorkerView>, Refusal> {
        self.query(Scheduler::workers).await
    }

    /// Everything about a job but its record.
    pub async fn job(&self, job: JobId) -> Result<JobView, Refusal> {
        self.query(move |scheduler, _| scheduler.job_view(job))
            .await?
    }

    /// The jobs whose ids begin with these hexadecimal digits, as people type them; at most `most`.
    pub async fn find_jobs(&self, prefix: String, most: usize) -> Result<Vec<JobId>, Refusal> {
        self.query(move |scheduler, _| scheduler.find_jobs(&prefix, most))
            .await
    }

    /// Why a job is where it is.
    pub async fn explain(&self, job: JobId) -> Result<Explanation, Refusal> {
        self.query(move |scheduler, now| scheduler.explain(job, now))
            .await?
    }

    /// The named data sets that workers announced.
    pub async fn datasets(&self) -> Result<Vec<DatasetKnown>, Refusal> {
        self.query(|scheduler, _| scheduler.datasets()).await
    }

    /// Why results cannot be read now; `None`: they can.
    pub fn reading_trouble(&self) -> Option<String> {
        self.shared.reader.trouble()
    }

    /// What is known of damage to the journal.
    pub fn damage(&self) -> Option<String> {
        self.shared.reader.damage().known()
    }

    /// The record of a finished job.
    pub async fn record(&self, job: JobId) -> Result<Option<Arc<RunRecord>>, Refusal> {
        let reader = self.shared.reader.clone();
        blocking(move || reader.record(job)).await?
    }

    /// The epochs that a job's attempt has reported.
    pub async fn live(
        &self,
        job: JobId,
        attempt: AttemptNumber,
    ) -> Result<Vec<EpochPoint>, Refusal> {
        let reader = self.shared.reader.clone();
        blocking(move || reader.live(job, attempt)).await?
    }

    /// The kept tail of what a job's attempts logged, oldest first; `None`: of all attempts.
    pub async fn logs(
        &self,
        job: JobId,
        attempt: Option<AttemptNumber>,
    ) -> Result<Vec<LogLine>, Refusal> {
        let reader = self.shared.reader.clone();
        blocking(move || reader.logs(job, attempt)).await?
    }

    /// Changes from now on, or those after the one of that number. A subscriber that lags is told how many it missed; it
    /// then asks for the whole picture.
    pub fn subscribe(&self, after: Option<u64>) -> Subscription {
        self.shared.feed.subscribe(after)
    }

    /// Begins to store an artifact of that digest and length. `None`: it is stored already.
    pub async fn put_artifact(
        &self,
        digest: Digest,
        bytes: u64,
    ) -> Result<Option<Upload>, Refusal> {
        self.shared.artifacts.begin(digest, bytes).await
    }

    /// Why no upload is taken, where none is.
    pub fn upload_trouble(&self) -> Option<String> {
        let refusal = self.shared.artifacts.has_room().err()?;
        Some(refusal.to_string())
    }

    /// How many damaged artifacts were found since the start.
    pub fn damaged_artifacts(&self) -> u64 {
        self.shared.artifacts.damaged()
    }

    /// Opens a stored artifact: its file, read-only, and its length.
    pub async fn get_artifact(
        &self,
        digest: Digest,
    ) -> Result<Option<(tokio::fs::File, u64)>, Refusal> {
        self.shared.artifacts.open_file(digest).await
    }

    /// Reads the state folder and hands out its pieces, in a thread of its own, until `take` says that nobody wants them.
    pub async fn backup(
        &self,
        mut take: impl FnMut(Piece) -> bool + Send + 'static,
    ) -> Result<(), Refusal> {
        let state = self.shared.state.clone();
        blocking(move || backup::send(&state, &mut take))
            .await?
            .map_err(|error| Refusal::Storage(error_chain(&error)))
    }

    /// Removes artifacts that no record names, or only says what would be removed.
    pub async fn collect_garbage(&self, dry_run: bool) -> Result<Collected, Refusal> {
        let Some(claims) = self.shared.artifacts.claims() else {
            return Err(Refusal::Unavailable(
                "garbage is being collected already".into(),
            ));
        };
        let state = self.shared.state.clone();
        blocking(move || gc::collect_running(&state, &claims, dry_run, &clock::seconds_since))
            .await?
            .map_err(|error| Refusal::Storage(error_chain(&error)))
    }

    async fn ask(&self, request: Request) -> Reply {
        let ticket = Ticket(self.shared.tickets.fetch_add(1, Ordering::Relaxed));
        let (sender, receiver) = oneshot::channel();
        self.send(Call::Request(ticket, request, sender)).await?;
        // A caller that goes away while it waits takes its place in the queue for work with it.
        let mut guard = AbandonOnDrop {
            calls: &self.shared.calls,
            ticket: Some(ticket),
        };
        let reply = receiver.await;
        guard.ticket = None;
        reply.unwrap_or_else(|_| Err(stopped()))
    }

    /// Counts of everything, for metrics.
    pub(crate) async fn totals(&self) -> Result<Totals, Refusal> {
        self.query(Scheduler::totals).await
    }

    pub(crate) async fn query<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Scheduler, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let (sender, receiver) = oneshot::channel();
        self.send(Call::Query(Box::new(move |state| {
            let answer = match state {
                Ok((scheduler, now)) => Ok(read(scheduler, now)),
                Err(refusal) => Err(refusal.clone()),
            };
            // The caller may have gone; then nobody is to be told.
            let _ = sender.send(answer);
        })))
        .await?;
        receiver.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Waits until the engine's loop turns, whatever it then says of the state. `false`: the loop is gone, and no waiting
    /// will help.
    pub async fn turns(&self) -> bool {
        let (sender, receiver) = oneshot::channel();
        let query: Query = Box::new(move |_| {
            // Whoever asked may have gone.
            let _ = sender.send(());
        });
        self.send(Call::Query(query)).await.is_ok() && receiver.await.is_ok()
    }

    async fn send(&self, call: Call) -> Result<(), Refusal> {
        self.shared.calls.send(call).await.map_err(|_| stopped())
    }
}

struct AbandonOnDrop<'a> {
    calls: &'a mpsc::Sender<Call>,
    ticket: Option<Ticket>,
}

impl Drop for AbandonOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            // Where the channel is full the job is assigned to nobody's answer, and handed out again at the worker's next
            // lease call.
            let _ = self.calls.try_send(Call::Abandon(ticket));
        }
    }
}

fn changed(answer: &Answer) -> u64 {
    if let Answer::Changed(number) = answer {
        *number
    } else {
        0
    }
}

fn unexpected(answer: &Answer) -> Refusal {
    Refusal::Unavailable(format!("an answer of another kind came back: {answer:?}"))
}

fn stopped() -> Refusal {
    Refusal::Unavailable("it is stopping".into())
}
