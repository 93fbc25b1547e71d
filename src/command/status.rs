//! `status`, `workers`, `explain`: questions to a running coordinator.

use std::collections::{BTreeMap, BTreeSet};

use proto::nouns::{AttemptFailure, Counts, Row, SweepInfo, SweepSummary, WorkerState, WorkerView};
use sweeps::JobStatus;

use crate::arguments::{Endpoint, Format, Job, Status};
use crate::client::Client;
use crate::clock;
use crate::command::source::{Results, Source};
use crate::error::CommandError;
use crate::labels;
use crate::output;

/// All sweeps, or the jobs of one.
pub fn status(arguments: &Status, format: Format) -> Result<(), CommandError> {
    super::runtime()?.block_on(async {
        let source = Source::of_endpoint(&arguments.endpoint)?;
        match &arguments.sweep {
            None => sweeps_table(&source.sweeps().await?, format),
            Some(sweep) => {
                let info = source.sweep_info(sweep).await?;
                match format {
                    Format::Json => one_sweep_json(&source, &info).await,
                    Format::Text => one_sweep(&source, &info).await,
                }
            }
        }
    })
}

fn sweeps_table(sweeps: &[SweepSummary], format: Format) -> Result<(), CommandError> {
    if format == Format::Json {
        let sweeps: Vec<_> = sweeps.iter().map(summary_json).collect();
        return output::json(&sweeps);
    }
    if sweeps.is_empty() {
        output::say("no sweeps yet: `gcl-sweep submit FILE` brings one");
        return Ok(());
    }
    let mut header = vec!["sweep", "cells"];
    header.extend(JobStatus::ALL.iter().map(|status| status.name()));
    header.push("state");
    let mut table = output::table(&header);
    // Statuses that no job has.
    let unused = JobStatus::ALL.iter().filter(|status| {
        let mut counts = sweeps.iter().map(|sweep| sweep.counts.of(**status));
        counts.all(|count| count == 0)
    });
    table.spare(&unused.map(|status| status.name()).collect::<Vec<_>>());
    for sweep in sweeps {
        let mut row = vec![sweep.name.clone(), sweep.cells.to_string()];
        row.extend(
            JobStatus::ALL
                .iter()
                .map(|status| sweep.counts.of(*status).to_string()),
        );
        row.push(sweep_state(sweep).to_owned());
        table.add_row(row);
    }
    output::print(&table.to_string())
}

pub fn sweep_state(sweep: &SweepSummary) -> &'static str {
    if sweep.cancelled {
        "cancelled"
    } else if sweep.counts.is_settled() {
        "settled"
    } else if sweep.paused {
        "paused"
    } else {
        "active"
    }
}

fn counts(counts: Counts) -> BTreeMap<&'static str, u64> {
    JobStatus::ALL
        .iter()
        .map(|status| (status.name(), counts.of(*status)))
        .collect()
}

fn summary_json(sweep: &SweepSummary) -> serde_json::Value {
    serde_json::json!({
        "name": sweep.name, "description": sweep.description, "priority": sweep.priority, "state": sweep_state(sweep),
        "submitted_at_ms": sweep.submitted_at.0, "cells": sweep.cells, "counts": counts(sweep.counts),
    })
}

/// Rows of a table that somebody reads.
const MOST_ROWS: usize = 1000;

/// Rows come one by one: a million of them are never held.
async fn one_sweep_json(source: &Source, info: &SweepInfo) -> Result<(), CommandError> {
    let mut json = summary_json(&info.summary);
    json["datasets"] = serde_json::json!(info.datasets);
    json["discrepancies"] = info.discrepancies.into();
    let audit = info.audit;
    json["audit"] = serde_json::json!({
        "waiting": audit.waiting, "equal": audit.equal, "within": audit.within, "different": audit.different,
        "failed": audit.failed, "tolerance": audit.tolerance,
    });
    if let Some(claims) = &info.claims {
        json["claims"] = super::claims::as_json(claims);
    }
    let mut jobs = output::JsonList::begin(&json, "jobs")?;
    let mut printed = Ok(());
    source
        .each_row(&info.summary.name, &[], |row| {
            if printed.is_ok() {
                printed = jobs.item(&row_json(info, &row));
            }
        })
        .await?;
    printed?;
    jobs.end()
}

async fn one_sweep(source: &Source, info: &SweepInfo) -> Result<(), CommandError> {
    // Of a long list people look for what runs and what went wrong.
    let whole = info.summary.cells <= MOST_ROWS as u64;
    let statuses: &[JobStatus] = if whole {
        &[]
    } else {
        &[
            JobStatus::Running,
            JobStatus::Failed,
            JobStatus::Quarantined,
        ]
    };
    let mut table = output::table(&[
        "job", "what", "status", "attempts", "epochs", "AUC", "error",
    ]);
    table.spare(&["attempts", "epochs"]);
    let mut shown = 0;
    source
        .each_row(&info.summary.name, statuses, |row| {
            if shown < MOST_ROWS {
                shown += 1;
                add_row(&mut table, info, &row);
            }
        })
        .await?;
    output::print(&table.to_string())?;
    let left_out = info.summary.cells.saturating_sub(shown as u64);
    if left_out > 0 {
        output::say(&format!(
            "{left_out} of {} left out: those that run or failed are shown; --format json lists all",
            output::counted(info.summary.cells, "cell")
        ));
    }
    if let Some(claims) = &info.claims {
        output::print(&super::claims::table(claims))?;
        output::say(&reports::claims::settings(claims));
    }
    let counts: Vec<String> = counts(info.summary.counts)
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    output::say(&format!(
        "{}: {} ({})",
        info.summary.name,
        counts.join(", "),
        sweep_state(&info.summary)
    ));
    let failed = |status| info.summary.counts.of(status);
    if failed(JobStatus::Failed) + failed(JobStatus::Quarantined) > 0 {
        let whom = if source.coordinator().is_some() {
            ""
        } else {
            // Who reads a folder has nobody to ask.
            "while `run` or `gcl-sweep coordinator --state DIR` has this state, "
        };
        output::say(&format!(
            "{whom}`gcl-sweep explain JOB` says why a job failed, `gcl-sweep retry {}` queues the failed ones again",
            info.summary.name
        ));
    }
    if info.discrepancies > 0 {
        output::say(&format!(
            "warning: {} ran twice with different results; the report names them",
            output::counted(info.discrepancies, "job")
        ));
    }
    if let Some(sentence) = info.audit.sentence() {
        output::say(&sentence);
    }
    Ok(())
}

fn add_row(table: &mut output::Table, info: &SweepInfo, row: &Row) {
    table.add_row([
        row.job_id.short(),
        labels::label_of_row(&info.columns, row),
        row.status.to_string(),
        row.attempts.to_string(),
        row.epochs.to_string(),
        row.auc
            .map(|auc| format!("{:.2}%", auc * 100.0))
            .unwrap_or_default(),
        row.error.clone().unwrap_or_default(),
    ]);
}

fn row_json(info: &SweepInfo, row: &Row) -> serde_json::Value {
    serde_json::json!({
        "job_id": row.job_id, "variant": row.group.variant, "seed": row.seed,
        "label": labels::label_of_row(&info.columns, row), "status": row.status, "attempts": row.attempts,
        "epochs": row.epochs, "auc": row.auc, "error": row.error,
    })
}

/// All workers.
pub fn workers(endpoint: &Endpoint, format: Format) -> Result<(), CommandError> {
    super::runtime()?.block_on(async {
        let client = Client::open(endpoint)?;
        let workers = client
            .workers()
            .await
            .map_err(|error| client.failed(error))?;
        let now = clock::unix_milliseconds();
        if format == Format::Json {
            let workers: Vec<_> = workers.iter().map(worker_json).collect();
            return output::json(&workers);
        }
        if workers.is_empty() {
            output::say("no workers yet: `gcl-sweep worker --coordinator URL` brings one");
            return Ok(());
        }
        let mut table = output::table(&[
            "worker",
            "state",
            "device",
            "version",
            "running",
            "finished",
            "failed",
            "last heard",
            "busy",
            "memory",
            "batches/s",
            "data wait",
            "warnings",
        ]);
        table.spare(&[
            "data wait",
            "batches/s",
            "memory",
            "busy",
            "version",
            "failed",
        ]);
        for worker in &workers {
            let [busy, memory, rate, wait] = measured_texts(worker);
            table.add_row([
                worker.name.clone(),
                worker_state(worker.state).to_owned(),
                device_text(worker),
                worker.version.clone(),
                worker.leases.len().to_string(),
                worker.finished.to_string(),
                worker.failed.to_string(),
                format!("{} ago", super::age(now.saturating_sub(worker.last_seen.0))),
                busy,
                memory,
                rate,
                wait,
                worker.warnings.join("; "),
            ]);
        }
        output::print(&table.to_string())
    })
}

pub fn worker_state(state: WorkerState) -> &'static str {
    match state {
        WorkerState::Active => "active",
        WorkerState::Draining => "draining",
        WorkerState::Silent => "silent",
        WorkerState::Gone => "gone",
    }
}

fn device_text(worker: &WorkerView) -> String {
    let driver = worker
        .driver
        .as_ref()
        .map_or_else(String::new, |driver| format!(", driver {driver}"));
    format!("{} ({}{driver})", worker.device.kind, worker.device.name)
}

/// What the worker said last of how its device is doing; what is not known is empty.
pub fn measured_texts(worker: &WorkerView) -> [String; 4] {
    let telemetry = worker
        .measured
        .map(|measured| measured.telemetry)
        .unwrap_or_default();
    let percent =
        |share: Option<u32>| share.map_or_else(String::new, |percent| format!("{percent} %"));
    let memory = match (telemetry.memory_used_bytes, worker.memory_bytes) {
        (Some(used), Some(all)) => format!("{} of {}", size(used), size(all)),
        (Some(used), None) => size(used),
        (None, Some(all)) => format!("of {}", size(all)),
        (None, None) => String::new(),
    };
    let rate = telemetry
        .batches_per_second
        .map_or_else(String::new, |rate| format!("{rate:.1}"));
    [
        percent(telemetry.busy_percent),
        memory,
        rate,
        percent(telemetry.data_wait_percent),
    ]
}

fn size(bytes: u64) -> String {
    if bytes < 1 << 30 {
        format!("{} MiB", bytes >> 20)
    } else {
        format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
    }
}

fn worker_json(worker: &WorkerView) -> serde_json::Value {
    serde_json::json!({
        "name": worker.name, "state": worker_state(worker.state), "device": worker.device, "version": worker.version,
        "trainer_revision": worker.trainer_revision, "slots": worker.slots, "datasets": worker.datasets,
        "running": worker.leases.len(), "finished": worker.finished, "failed": worker.failed,
        "joined_at_ms": worker.joined_at.0, "last_seen_ms": worker.last_seen.0, "warnings": worker.warnings,
        "memory_bytes": worker.memory_bytes, "driver": worker.driver, "telemetry": worker.measured.map(|measured| serde_json::json!({
            "measured_at_ms": measured.at.0,
            "busy_percent": measured.telemetry.busy_percent,
            "memory_used_bytes": measured.telemetry.memory_used_bytes,
            "batches_per_second": measured.telemetry.batches_per_second,
            "data_wait_percent": measured.telemetry.data_wait_percent,
        })),
    })
}

/// Why a job is where it is.
pub fn explain(arguments: &Job, format: Format) -> Result<(), CommandError> {
    super::runtime()?.block_on(async {
        let client = Client::open(&arguments.endpoint)?;
        let job = client.find_job(&arguments.job).await?;
        let explanation = client.explain(job).await.map_err(|error| client.failed(error))?;
        let view = &explanation.view;
        if format == Format::Json {
            let failures: Vec<_> = view.failures.iter().map(failure_json).collect();
            return output::json(&serde_json::json!({
                "job_id": job, "status": view.status, "attempts": view.attempts, "reasons": explanation.reasons, "failures": failures,
                "sweeps": view.cells.iter().map(|(sweep, _)| sweep).collect::<BTreeSet<_>>(), "parameters": view.job.parameters,
            }));
        }
        let attempts = output::counted(view.attempts, "attempt");
        let mut text = format!("job {job}\nstatus {}, {attempts}", view.status);
        for reason in &explanation.reasons {
            text += &format!("\n- {}", output::line(reason));
        }
        if view.more_cells > 0 {
            text += &format!("\n- {} more cells of sweeps mean it", view.more_cells);
        }
        for failure in &view.failures {
            text += &format!(
                "\n  attempt {} on `{}`, {} ago: {}",
                failure.attempt,
                output::line(&failure.worker),
                super::age(clock::unix_milliseconds().saturating_sub(failure.at.0)),
                output::line(&failure.failure.to_string())
            );
        }
        output::prose(&text)
    })
}

fn failure_json(failure: &AttemptFailure) -> serde_json::Value {
    serde_json::json!({
        "attempt": failure.attempt.0, "worker": failure.worker, "at_ms": failure.at.0,
        "class": failure.failure.class.name(), "message": failure.failure.message,
    })
}
