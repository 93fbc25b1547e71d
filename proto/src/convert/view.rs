//! What people and reports are shown.

use crate::limits::{
    COLUMNS, COPIES, COPY_WORKERS, DATASETS, JOB_CELLS, LEASES, LISTED, NAME_BYTES,
    SWEEP_FILE_BYTES, TEXT_BYTES, WORKER_WARNINGS,
};
use crate::number::named_digests_within;
use crate::{
    WireError, attempt, cut, digest, job_id, named_digests, required, text, texts, wire, word,
};
use sweeps::AttemptNumber;

use super::{all, at_most, name, named};
use crate::nouns::{
    AttemptFailure, Counts, DatasetKnown, Explanation, JobView, LeaseView, LogLine, Measured,
    SweepInfo, SweepSummary, Timestamp, WorkerId, WorkerState, WorkerView,
};

impl From<&SweepSummary> for wire::SweepSummary {
    fn from(summary: &SweepSummary) -> Self {
        Self {
            name: summary.name.clone(),
            description: summary.description.clone(),
            priority: summary.priority,
            paused: summary.paused,
            cancelled: summary.cancelled,
            submitted_at_ms: summary.submitted_at.0,
            cells: summary.cells,
            counts: Some((&summary.counts).into()),
        }
    }
}

impl TryFrom<wire::SweepSummary> for SweepSummary {
    type Error = WireError;
    fn try_from(summary: wire::SweepSummary) -> Result<Self, WireError> {
        Ok(Self {
            name: name("sweep.name", summary.name)?,
            description: text("sweep.description", summary.description, SWEEP_FILE_BYTES)?,
            priority: summary.priority,
            paused: summary.paused,
            cancelled: summary.cancelled,
            submitted_at: Timestamp(summary.submitted_at_ms),
            cells: summary.cells,
            counts: required("sweep.counts", summary.counts)?.into(),
        })
    }
}

/// Bytes of a sweep's data sets in its status: an extraction has one for each video.
const STATUS_DATASETS: usize = 4 << 20;

impl From<&SweepInfo> for wire::StatusResponse {
    fn from(info: &SweepInfo) -> Self {
        let mut left = STATUS_DATASETS;
        let mut datasets = named(&info.datasets);
        let fitting = datasets.iter().position(|dataset| {
            let size = dataset.name.len() + dataset.digest.len() + 16;
            let fits = size <= left;
            left = left.saturating_sub(size);
            !fits
        });
        let fitting = fitting.unwrap_or(datasets.len());
        let more = (datasets.len() - fitting) as u64;
        datasets.truncate(fitting);
        Self {
            summary: Some((&info.summary).into()),
            file: info.file.clone(),
            text: info.text.clone(),
            columns: info.columns.clone(),
            datasets,
            trainer_revision: info.trainer_revision,
            discrepancies: info.discrepancies,
            lost_ms: info.lost_ms,
            audit: Some(info.audit.into()),
            more_datasets: info.more_datasets.saturating_add(more),
            claims: info.claims.as_deref().map(Into::into),
        }
    }
}

impl TryFrom<wire::StatusResponse> for SweepInfo {
    type Error = WireError;
    fn try_from(info: wire::StatusResponse) -> Result<Self, WireError> {
        Ok(Self {
            summary: required("summary", info.summary)?.try_into()?,
            file: name("file", info.file)?,
            text: text("text", info.text, SWEEP_FILE_BYTES)?,
            columns: texts("columns", info.columns, COLUMNS, NAME_BYTES)?,
            datasets: named_digests_within("datasets", info.datasets, LISTED)?,
            more_datasets: info.more_datasets,
            trainer_revision: info.trainer_revision,
            discrepancies: info.discrepancies,
            lost_ms: info.lost_ms,
            audit: info.audit.unwrap_or_default().into(),
            claims: info
                .claims
                .map(|claims| claims.try_into().map(Box::new))
                .transpose()?,
        })
    }
}

crate::same_words!(
    "worker.state",
    WorkerState,
    wire::WorkerState,
    [Active, Draining, Silent, Gone]
);

impl From<&WorkerView> for wire::WorkerView {
    fn from(view: &WorkerView) -> Self {
        Self {
            worker: view.worker.0,
            name: view.name.clone(),
            device: Some((&view.device).into()),
            version: view.version.clone(),
            trainer_revision: view.trainer_revision,
            slots: view.slots,
            datasets: named(&view.datasets),
            state: wire::WorkerState::from(view.state).into(),
            leases: view
                .leases
                .iter()
                .take(LEASES)
                .map(|&key| key.into())
                .collect(),
            joined_at_ms: view.joined_at.0,
            last_seen_ms: view.last_seen.0,
            finished: view.finished,
            failed: view.failed,
            warnings: shown(&view.warnings, WORKER_WARNINGS),
            memory_bytes: view.memory_bytes,
            driver: view.driver.clone(),
            telemetry: view.measured.map(|measured| (&measured.telemetry).into()),
            measured_at_ms: view.measured.map_or(0, |measured| measured.at.0),
        }
    }
}

impl TryFrom<wire::WorkerView> for WorkerView {
    type Error = WireError;
    fn try_from(view: wire::WorkerView) -> Result<Self, WireError> {
        at_most("worker.datasets", view.datasets.len(), DATASETS)?;
        Ok(Self {
            worker: WorkerId(view.worker),
            name: name("worker.name", view.name)?,
            device: required("worker.device", view.device)?.try_into()?,
            version: name("worker.version", view.version)?,
            trainer_revision: view.trainer_revision,
            slots: view.slots,
            datasets: named_digests("worker.datasets", view.datasets)?,
            state: word::<wire::WorkerState, _>("worker.state", view.state)?,
            leases: all("worker.leases", view.leases, LEASES)?,
            joined_at: Timestamp(view.joined_at_ms),
            last_seen: Timestamp(view.last_seen_ms),
            finished: view.finished,
            failed: view.failed,
            warnings: texts("worker.warnings", view.warnings, LEASES, TEXT_BYTES)?,
            memory_bytes: view.memory_bytes,
            driver: view
                .driver
                .map(|driver| name("worker.driver", driver))
                .transpose()?,
            measured: view
                .telemetry
                .map(|telemetry| {
                    Ok::<_, WireError>(Measured {
                        telemetry: telemetry.try_into()?,
                        at: Timestamp(view.measured_at_ms),
                    })
                })
                .transpose()?,
        })
    }
}

impl From<&AttemptFailure> for wire::AttemptFailure {
    fn from(failure: &AttemptFailure) -> Self {
        Self {
            attempt: failure.attempt.0,
            worker: failure.worker.clone(),
            failure: Some((&failure.failure).into()),
            at_ms: failure.at.0,
        }
    }
}

impl TryFrom<wire::AttemptFailure> for AttemptFailure {
    type Error = WireError;
    fn try_from(failure: wire::AttemptFailure) -> Result<Self, WireError> {
        Ok(Self {
            attempt: attempt(failure.attempt)?,
            worker: name("failure.worker", failure.worker)?,
            failure: required("failure", failure.failure)?.try_into()?,
            at: Timestamp(failure.at_ms),
        })
    }
}

impl From<&JobView> for wire::JobView {
    fn from(view: &JobView) -> Self {
        Self {
            job_id: view.job_id.0.to_vec(),
            job: Some((&view.job).into()),
            dataset: view.dataset.0.to_vec(),
            status: wire::JobStatus::from(view.status).into(),
            attempts: view.attempts,
            cells: view
                .cells
                .iter()
                .take(JOB_CELLS)
                .map(|(sweep, index)| wire::CellKey {
                    sweep: sweep.clone(),
                    index: *index,
                })
                .collect(),
            lease: view.lease.as_ref().map(|lease| wire::LeaseView {
                attempt: lease.attempt.0,
                worker: lease.worker.0,
                worker_name: lease.worker_name.clone(),
                since_ms: lease.since.0,
                expires_ms: lease.expires.0,
            }),
            failures: view.failures.iter().map(Into::into).collect(),
            paused: view.paused,
            more_cells: view
                .more_cells
                .saturating_add(view.cells.len().saturating_sub(JOB_CELLS) as u64),
        }
    }
}

impl TryFrom<wire::JobView> for JobView {
    type Error = WireError;
    fn try_from(view: wire::JobView) -> Result<Self, WireError> {
        at_most("cells", view.cells.len(), LISTED)?;
        Ok(Self {
            job_id: job_id("job_id", &view.job_id)?,
            job: required("job", view.job)?.try_into()?,
            dataset: digest("dataset", &view.dataset)?,
            status: word::<wire::JobStatus, _>("status", view.status)?,
            attempts: view.attempts,
            cells: view
                .cells
                .into_iter()
                .map(|cell| Ok((name("cell.sweep", cell.sweep)?, cell.index)))
                .collect::<Result<_, WireError>>()?,
            lease: view
                .lease
                .map(|lease| {
                    Ok::<_, WireError>(LeaseView {
                        attempt: attempt(lease.attempt)?,
                        worker: WorkerId(lease.worker),
                        worker_name: name("lease.worker_name", lease.worker_name)?,
                        since: Timestamp(lease.since_ms),
                        expires: Timestamp(lease.expires_ms),
                    })
                })
                .transpose()?,
            failures: all("failures", view.failures, LISTED)?,
            paused: view.paused,
            more_cells: view.more_cells,
        })
    }
}

impl From<&Explanation> for wire::ExplainResponse {
    fn from(explanation: &Explanation) -> Self {
        Self {
            view: Some((&explanation.view).into()),
            reasons: shown(&explanation.reasons, LEASES),
        }
    }
}

impl TryFrom<wire::ExplainResponse> for Explanation {
    type Error = WireError;
    fn try_from(explanation: wire::ExplainResponse) -> Result<Self, WireError> {
        Ok(Self {
            view: required("view", explanation.view)?.try_into()?,
            reasons: texts("reasons", explanation.reasons, LEASES, TEXT_BYTES)?,
        })
    }
}

impl From<&DatasetKnown> for wire::DatasetKnown {
    fn from(known: &DatasetKnown) -> Self {
        Self {
            name: known.name.clone(),
            copies: known
                .copies
                .iter()
                .take(COPIES)
                .map(|(digest, workers)| wire::DatasetCopy {
                    digest: digest.0.to_vec(),
                    workers: workers.iter().take(COPY_WORKERS).cloned().collect(),
                    more_workers: workers.len().saturating_sub(COPY_WORKERS) as u64,
                })
                .collect(),
        }
    }
}

impl TryFrom<wire::DatasetKnown> for DatasetKnown {
    type Error = WireError;
    fn try_from(known: wire::DatasetKnown) -> Result<Self, WireError> {
        at_most("dataset.copies", known.copies.len(), LISTED)?;
        Ok(Self {
            name: name("dataset.name", known.name)?,
            copies: known
                .copies
                .into_iter()
                .map(|copy| {
                    Ok((
                        digest("dataset.digest", &copy.digest)?,
                        texts("dataset.workers", copy.workers, LISTED, NAME_BYTES)?,
                    ))
                })
                .collect::<Result<_, WireError>>()?,
        })
    }
}

impl From<&LogLine> for wire::LogLine {
    fn from(line: &LogLine) -> Self {
        Self {
            attempt: line.attempt.0,
            at_ms: line.at.0,
            text: cut(&line.text, TEXT_BYTES),
        }
    }
}

impl TryFrom<wire::LogLine> for LogLine {
    type Error = WireError;
    fn try_from(line: wire::LogLine) -> Result<Self, WireError> {
        Ok(Self {
            attempt: AttemptNumber(line.attempt),
            at: Timestamp(line.at_ms),
            text: text("log", line.text, TEXT_BYTES)?,
        })
    }
}

/// Texts for people as they are shown: none too long for its reader, and not too many.
fn shown(texts: &[String], most: usize) -> Vec<String> {
    let texts = texts.iter().take(most);
    texts.map(|text| cut(text, TEXT_BYTES)).collect()
}

/// Keeps `Counts` and the wire in step: a new status must be added to both.
const _: () = assert!(size_of::<Counts>() == 6 * size_of::<u64>());
