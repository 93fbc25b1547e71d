//! What travels over the stream of a page: server-sent events with JSON.

use hyper::body::Bytes;
use live::{Delta, Snapshot};
use looks::ClaimsView;
use proto::nouns::{AuditStamp, WorkerState, WorkerView};
use serde::Serialize;
use sweeps::JobStatus;

use crate::engine::Standing;

/// What is told to everybody.
pub(super) struct Event {
    /// The number of the last change that it shows.
    pub(super) id: u64,
    /// As it travels.
    pub(super) bytes: Bytes,
}

/// What is told around the board; `None`: nothing new.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub(super) struct News {
    /// The sweep as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sweep: Option<SweepShown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) workers: Option<Vec<WorkerShown>>,
    /// Of how many jobs curves were read, of how many they are to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) read: Option<(u64, u64)>,
    /// Where the claims of a sweep with `[adaptive]` stand; without the looks that led there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) claims: Option<ClaimsView>,
    /// The coordinator's time, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) now: Option<u64>,
}

impl News {
    pub(super) fn is_empty(&self) -> bool {
        self.sweep.is_none()
            && self.workers.is_none()
            && self.read.is_none()
            && self.claims.is_none()
    }

    /// Takes over what is new, and leaves nothing else of the news.
    pub(super) fn update(&mut self, news: &mut Self) {
        fn take<T: Clone + PartialEq>(own: &mut Option<T>, news: &mut Option<T>) {
            if news == own {
                *news = None;
            } else if news.is_some() {
                own.clone_from(news);
            }
        }
        take(&mut self.sweep, &mut news.sweep);
        take(&mut self.workers, &mut news.workers);
        take(&mut self.read, &mut news.read);
        take(&mut self.claims, &mut news.claims);
        take(&mut self.now, &mut news.now);
    }
}

/// The sweep as a whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct SweepShown {
    name: String,
    description: String,
    paused: bool,
    cancelled: bool,
    cells: u64,
    /// Its different jobs by status, in the order of [`JobStatus::ALL`].
    counts: [u64; JobStatus::ALL.len()],
    submitted_at: u64,
    discrepancies: u64,
    lost_seconds: f64,
    audit: AuditShown,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct AuditShown {
    waiting: u64,
    equal: u64,
    within: u64,
    different: u64,
    failed: u64,
    sentence: Option<String>,
}

/// A worker.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct WorkerShown {
    name: String,
    state: WorkerState,
    device: String,
    slots: u32,
    /// The jobs that it has: short id, since when.
    jobs: Vec<(String, u64)>,
    finished: u64,
    failed: u64,
    joined_at: u64,
    last_seen: u64,
    memory_bytes: Option<u64>,
    memory_used_bytes: Option<u64>,
    busy_percent: Option<u32>,
    data_wait_percent: Option<u32>,
    batches_per_second: Option<f64>,
    warnings: Vec<String>,
}

/// The sweep and the workers as they are told.
pub(super) fn of_standing(standing: &Standing) -> (SweepShown, Vec<WorkerShown>) {
    let summary = &standing.summary;
    let AuditStamp {
        waiting,
        equal,
        within,
        different,
        failed,
        ..
    } = standing.audit;
    let sweep = SweepShown {
        name: summary.name.clone(),
        description: summary.description.clone(),
        paused: summary.paused,
        cancelled: summary.cancelled,
        cells: summary.cells,
        counts: summary.counts.0,
        submitted_at: summary.submitted_at.0,
        discrepancies: standing.discrepancies,
        lost_seconds: standing.lost_ms as f64 / 1000.0,
        audit: AuditShown {
            waiting,
            equal,
            within,
            different,
            failed,
            sentence: standing.audit.sentence(),
        },
    };
    let workers = standing.workers.iter().map(|(worker, leases)| {
        let jobs = leases.iter().map(|(job, since)| (job.short(), since.0));
        worker_shown(worker, jobs.collect())
    });
    (sweep, workers.collect())
}

fn worker_shown(worker: &WorkerView, jobs: Vec<(String, u64)>) -> WorkerShown {
    let telemetry = worker.measured.map(|measured| measured.telemetry);
    WorkerShown {
        name: worker.name.clone(),
        state: worker.state,
        device: worker.device.kind.clone(),
        slots: worker.slots,
        jobs,
        finished: worker.finished,
        failed: worker.failed,
        joined_at: worker.joined_at.0,
        last_seen: worker.last_seen.0,
        memory_bytes: worker.memory_bytes,
        memory_used_bytes: telemetry.and_then(|told| told.memory_used_bytes),
        busy_percent: telemetry.and_then(|told| told.busy_percent),
        data_wait_percent: telemetry.and_then(|told| told.data_wait_percent),
        batches_per_second: telemetry.and_then(|told| told.batches_per_second),
        warnings: worker.warnings.clone(),
    }
}

#[derive(Serialize)]
struct NewsShown {
    #[serde(skip_serializing_if = "Option::is_none")]
    board: Option<Delta>,
    #[serde(flatten)]
    around: News,
}

#[derive(Serialize)]
struct SnapshotShown<'a> {
    board: &'a Snapshot,
    #[serde(flatten)]
    around: &'a News,
}

impl Event {
    pub(super) fn new(id: u64, board: Option<Delta>, around: News) -> Self {
        Self {
            id,
            bytes: event("news", id, &NewsShown { board, around }),
        }
    }
}

/// Everything, for who begins.
pub(super) fn snapshot(id: u64, board: &Snapshot, around: &News) -> Bytes {
    event("snapshot", id, &SnapshotShown { board, around })
}

/// Nothing was missed that does not follow.
pub(super) fn resumed() -> Bytes {
    // Without an id: that of the last event that arrived stays the place to come back to.
    Bytes::from_static(b"event: resumed\ndata: {}\n\n")
}

/// The stream ends, and why.
pub(super) fn end(why: &str) -> Bytes {
    let text = serde_json::json!({ "why": why });
    format!("event: end\ndata: {text}\n\n").into()
}

/// Somebody is here still.
pub(super) fn alive() -> Bytes {
    Bytes::from_static(b": \n\n")
}

fn event(name: &str, id: u64, value: &impl Serialize) -> Bytes {
    // JSON of ours has no line breaks, and cannot fail: its keys are texts.
    let text = serde_json::to_string(value).unwrap_or_default();
    format!("event: {name}\nid: {id}\ndata: {text}\n\n").into()
}
