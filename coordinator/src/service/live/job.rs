//! Everything about one job, for whoever opened its cell.

use proto::nouns::{AttemptFailure, JobView, LogLine, Refusal};
use serde::Serialize;
use sweeps::{EpochPoint, JobId, Warning};

use crate::engine::handle::{EngineHandle, Told};

/// Lines of the log that are shown, the last.
const LINES: usize = 200;

/// Everything about one job.
#[derive(Serialize)]
pub(super) struct JobShown {
    job: String,
    /// What it computes, by parameter.
    parameters: Vec<(String, String)>,
    dataset: String,
    status: sweeps::JobStatus,
    attempts: u64,
    paused: bool,
    /// The cells that have it: sweep and position.
    cells: Vec<(String, u64)>,
    lease: Option<LeaseShown>,
    failures: Vec<AttemptFailure>,
    /// Why it is where it is, the most decisive first.
    reasons: Vec<String>,
    log: Vec<LogLine>,
    curve: Vec<EpochPoint>,
    record: Option<RecordShown>,
}

#[derive(Serialize)]
struct LeaseShown {
    worker: String,
    since: u64,
    expires: u64,
}

#[derive(Serialize)]
struct RecordShown {
    worker: String,
    device: String,
    seconds: f64,
    resumed: u32,
    auc_d: Option<f64>,
    auc_g: Option<f64>,
    warnings: Vec<Warning>,
}

/// The job whose id begins with these digits.
pub(super) async fn find(engine: &EngineHandle, prefix: &str) -> Result<JobId, Refusal> {
    if prefix.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Refusal::Invalid(
            "the id of a job is of hexadecimal digits".into(),
        ));
    }
    let found = engine.find_jobs(prefix.to_lowercase(), 2).await?;
    match found[..] {
        [job] => Ok(job),
        [] => Err(Refusal::Invalid("there is no such job".into())),
        _ => Err(Refusal::Invalid(
            "several jobs begin with these digits: give more of them".into(),
        )),
    }
}

/// Everything about a job.
pub(super) async fn shown(engine: &EngineHandle, prefix: &str) -> Result<JobShown, Refusal> {
    let id = find(engine, prefix).await?;
    let explanation = engine.explain(id).await?;
    let mut log = engine.logs(id, None).await.unwrap_or_default();
    log.drain(..log.len().saturating_sub(LINES));
    let told = engine.told(vec![id]).await.unwrap_or_default().pop();
    let (curve, record) = match told {
        Some((_, Told::Record(record))) => {
            let metrics = &record.outcome.metrics;
            let shown = RecordShown {
                worker: record.provenance.worker.clone(),
                device: record.provenance.device.name.clone(),
                seconds: record.provenance.duration_s,
                resumed: record.provenance.resumed,
                auc_d: metrics.d.and_then(|score| score.auc),
                auc_g: metrics.g.and_then(|score| score.auc),
                warnings: record.outcome.warnings.clone(),
            };
            (record.outcome.curve.clone(), Some(shown))
        }
        Some((_, Told::Epochs(points))) => (points, None),
        None => (Vec::new(), None),
    };
    let JobView {
        job,
        status,
        attempts,
        cells,
        lease,
        failures,
        paused,
        ..
    } = explanation.view;
    let parameters = job.parameters.iter();
    Ok(JobShown {
        job: id.to_string(),
        parameters: parameters
            .map(|(name, value)| (name.to_owned(), value.to_string()))
            .collect(),
        dataset: job.dataset.to_string(),
        status,
        attempts,
        paused,
        cells,
        lease: lease.map(|lease| LeaseShown {
            worker: lease.worker_name,
            since: lease.since.0,
            expires: lease.expires.0,
        }),
        failures,
        reasons: explanation.reasons,
        log,
        curve,
        record,
    })
}
