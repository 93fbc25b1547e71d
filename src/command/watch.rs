//! `gcl-sweep watch`: a sweep's progress until all its jobs are settled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coordinator::StateKind;
use proto::nouns::Change;
use proto::nouns::WatchEvent;
use sweeps::{CellResult, EpochPoint, JobId, JobStatus};

use crate::arguments::{Format, SweepOf};
use crate::client::Client;
use crate::error::CommandError;
use crate::interrupt;
use crate::labels::Labels;
use crate::output::{self, say};
use crate::progress::{News, Progress};

/// Follows the sweep.
pub fn watch(arguments: &SweepOf, format: Format) -> Result<(), CommandError> {
    super::runtime()?.block_on(async {
        let client = Client::open(&arguments.endpoint)?;
        follow(&client, &arguments.sweep, format).await
    })
}

/// Shows the progress of a sweep until all its jobs are settled, or Ctrl-C. As JSON: one line on stdout for each change,
/// after a first one with the state of every job.
///
/// # Errors
/// Jobs that failed, an unreachable coordinator, an interruption.
pub async fn follow(client: &Client, sweep: &str, format: Format) -> Result<(), CommandError> {
    let stop = interrupt::token()
        .map_err(|error| CommandError::Other(format!("cannot listen for signals: {error}")))?;
    let cells = tokio::select! {
        cells = until_settled(client, sweep, format) => cells?,
        () = stop.cancelled() => return Err(CommandError::Interrupted("stopped watching; the sweep goes on".into())),
    };
    let end = end(sweep, &cells);
    if end.is_err() {
        say(&format!(
            "`gcl-sweep explain JOB` says why a job has no result, `gcl-sweep retry {sweep}` queues the failed ones again"
        ));
    }
    end
}

/// Shows the progress and gives the cells as they are at the end.
pub async fn until_settled(
    client: &Client,
    sweep: &str,
    format: Format,
) -> Result<Vec<CellResult>, CommandError> {
    loop {
        // Subscribe before looking: what changes in between is heard.
        let mut changes = client
            .watch(Some(sweep))
            .await
            .map_err(|error| client.failed(error))?;
        let info = client.sweep_info(sweep).await?;
        let cells = client.cells(sweep).await?;
        let mut statuses: BTreeMap<JobId, JobStatus> = cells
            .iter()
            .map(|cell| (cell.job_id, cell.status))
            .collect();
        if format == Format::Json {
            print_line(&serde_json::json!({ "event": "jobs", "sweep": sweep, "jobs": statuses }))?;
        }
        if settled(&statuses) {
            return Ok(cells);
        }
        let rehearsal = StateKind::of(info.trainer_revision) == StateKind::Rehearsal;
        let mut progress = Progress::new(Labels::of_cells(&info.columns, &cells), statuses.clone());
        while !settled(&statuses) {
            // The end of the stream is the end of the coordinator: asking again says so, or finds it back.
            let Some(heard) = changes.next().await.map_err(|error| client.failed(error))? else {
                break;
            };
            if format == Format::Json
                && let Some(line) = change_json(&heard)
            {
                print_line(&line)?;
            }
            let news = match heard {
                WatchEvent::Change(Change::Job {
                    job,
                    status,
                    attempt,
                    worker,
                    error,
                    ..
                }) => {
                    statuses.insert(job, status);
                    let shown = status == JobStatus::Done && progress.shows_results() && !rehearsal;
                    let auc = if shown {
                        reported_auc(client, sweep, job).await
                    } else {
                        None
                    };
                    News::Job {
                        job,
                        status,
                        attempt: attempt.0,
                        worker,
                        error,
                        auc,
                    }
                }
                WatchEvent::Change(Change::Epochs { job, points, .. }) => News::Epochs {
                    job,
                    points: if rehearsal {
                        without_aucs(&points)
                    } else {
                        points
                    },
                },
                WatchEvent::Missed(_) => break,
                WatchEvent::Change(_) => continue,
            };
            progress.hear(&news);
        }
        progress.close();
    }
}

/// An AUC of a rehearsal is no result, and is not shown.
fn without_aucs(points: &[EpochPoint]) -> Arc<[EpochPoint]> {
    points
        .iter()
        .map(|point| EpochPoint {
            auc_d: None,
            auc_g: None,
            ..point.clone()
        })
        .collect()
}

/// What the first cell of a finished job reports, as the report will: of the record, smoothed where the sweep asks for it.
/// A line without a number is better than a watch that ends.
async fn reported_auc(client: &Client, sweep: &str, job: JobId) -> Option<f64> {
    let mut cell = client.cell_of(sweep, job).await.ok()??;
    super::scores::smooth(client, std::slice::from_mut(&mut cell))
        .await
        .ok()?;
    cell.auc()
}

fn print_line(value: &serde_json::Value) -> Result<(), CommandError> {
    output::json_line(value)
}

/// A change for programs.
fn change_json(heard: &WatchEvent) -> Option<serde_json::Value> {
    use serde_json::json;
    let WatchEvent::Change(change) = heard else {
        // The whole picture follows.
        return None;
    };
    Some(match change {
        Change::Job {
            job,
            status,
            attempt,
            worker,
            error,
            ..
        } => json!({
            "event": "job", "job_id": job, "status": status, "attempt": attempt.0,
            "worker": worker.as_deref(), "error": error.as_deref(),
        }),
        Change::Epochs {
            job,
            attempt,
            points,
            ..
        } => json!({
            "event": "epochs", "job_id": job, "attempt": attempt.0, "points": points.as_ref(),
        }),
        Change::Log {
            job,
            attempt,
            lines,
            ..
        } => json!({
            "event": "log", "job_id": job, "attempt": attempt.0, "lines": lines.as_ref(),
        }),
        Change::Sweep { name, counts } => {
            let counts: BTreeMap<&str, u64> = JobStatus::ALL
                .iter()
                .map(|status| (status.name(), counts.of(*status)))
                .collect();
            json!({ "event": "sweep", "sweep": name.as_ref(), "counts": counts })
        }
        Change::Worker { .. } => return None,
    })
}

fn settled(statuses: &BTreeMap<JobId, JobStatus>) -> bool {
    statuses.values().all(|status| status.is_settled())
}

/// Says how a settled sweep ended; jobs without a result are an error.
pub fn end(sweep: &str, cells: &[CellResult]) -> Result<(), CommandError> {
    if let Some(text) = warnings(cells) {
        say(&format!("{sweep}: {text}"));
    }
    // In the sweep's order, each job once.
    let mut jobs = BTreeSet::new();
    let without: Vec<_> = cells
        .iter()
        .filter(|cell| jobs.insert(cell.job_id) && cell.status != JobStatus::Done)
        .collect();
    if without.is_empty() {
        say(&format!("{sweep}: all {} jobs done", jobs.len()));
        return Ok(());
    }
    let mut text = format!(
        "{sweep}: {} of {} jobs have no result",
        without.len(),
        jobs.len()
    );
    for cell in without.iter().take(10) {
        let label = format!("{} seed {}", cell.cell.variant, cell.cell.job.seed);
        let why = cell.error.as_deref().unwrap_or(cell.status.name());
        text += &format!(
            "\n  {} {}",
            cell.job_id.short(),
            output::line(&format!("{label}: {why}"))
        );
    }
    if without.len() > 10 {
        text += &format!("\n  and {} more", without.len() - 10);
    }
    Err(CommandError::JobsFailed(text))
}

/// How many jobs have warnings in their records, and of which kinds; nothing where none has.
fn warnings(cells: &[CellResult]) -> Option<String> {
    let mut jobs = BTreeSet::new();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let mut warned = 0;
    for cell in cells.iter().filter(|cell| jobs.insert(cell.job_id)) {
        let warnings = cell
            .record
            .iter()
            .flat_map(|record| &record.outcome.warnings);
        let codes: BTreeSet<&str> = warnings.map(|warning| warning.code.as_str()).collect();
        warned += usize::from(!codes.is_empty());
        for code in codes {
            *kinds.entry(code).or_default() += 1;
        }
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
    let kinds: Vec<String> = kinds
        .into_iter()
        .map(|(code, count)| format!("{code} ({count})"))
        .collect();
    let have = if warned == 1 { "has" } else { "have" };
    (warned > 0).then(|| {
        format!(
            "{warned} of {} jobs {have} warnings: {}; the report tells them",
            jobs.len(),
            kinds.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sweeps::{Limits, Outcome, RunRecord, Warning, expand_text};

    use super::*;

    #[test]
    fn warnings_are_counted_by_job_and_kind() {
        let text =
            "name = \"s\"\n[dataset.synthetic]\nvideos = 8\nmean_length = 9\ndimension = 8\n";
        let (_, expansion) = expand_text("s.toml", text, Limits::default()).unwrap();
        let cell = |job: u8, codes: &[&str]| {
            let warnings = codes.iter().map(|code| Warning {
                code: (*code).to_owned(),
                message: String::new(),
            });
            let outcome = Outcome {
                warnings: warnings.collect(),
                ..Outcome::default()
            };
            let record = serde_json::json!({
                "job_id": JobId([job; 32]),
                "outcome": outcome,
                "provenance": {
                    "attempt": 1, "worker": "w", "device": { "kind": "cpu", "name": "" }, "version": "",
                    "trainer_revision": 2, "dataset_digest": "1".repeat(64), "duration_s": 1.0, "resumed": 0,
                },
            });
            let record: RunRecord = serde_json::from_value(record).unwrap();
            CellResult {
                cell: expansion.cells[0].clone(),
                job_id: JobId([job; 32]),
                status: JobStatus::Done,
                record: Some(Arc::new(record)),
                live: Vec::new(),
                attempts: 1,
                error: None,
            }
        };
        let quiet = [cell(1, &[]), cell(2, &[])];
        assert_eq!(warnings(&quiet), None);
        // Two cells of one job are one job.
        let cells = [
            cell(1, &["few-steps"]),
            cell(1, &["few-steps"]),
            cell(2, &["labels-locked", "few-steps"]),
            cell(3, &[]),
        ];
        let text = warnings(&cells).unwrap();
        assert!(
            text.starts_with("2 of 3 jobs have warnings: few-steps (2), labels-locked (1)"),
            "{text}"
        );
    }
}
