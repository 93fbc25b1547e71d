//! `gcl-sweep watch`: a sweep's progress until all its jobs are settled.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use client::CallError;
use proto::nouns::{Change, Row, StateKind, SweepInfo, WatchEvent};
use sweeps::{JobId, JobStatus};

use crate::arguments::{Format, Watch};
use crate::client::Client;
use crate::clock::Stopwatch;
use crate::command::claims::{self, Told};
use crate::command::notify::Notify;
use crate::contact::Contact;
use crate::error::CommandError;
use crate::interrupt;
use crate::output::counted;
use crate::output::{self, say};
use crate::progress::{News, Progress};

/// How often a display shows the time that went by.
const TICK: Duration = Duration::from_millis(500);

/// Follows the sweep.
pub fn watch(arguments: &Watch, format: Format) -> Result<(), CommandError> {
    super::runtime()?.block_on(async {
        let client = Client::open(&arguments.of.endpoint)?;
        let notify = Notify::new(&arguments.notify);
        follow(&client, &arguments.of.sweep, format, notify).await
    })
}

/// Shows the progress of a sweep until all its jobs are settled, or Ctrl-C. As JSON: one line on stdout for each change,
/// after a first one with the state of every job.
///
/// # Errors
/// Jobs that failed, an unreachable coordinator, an interruption.
pub async fn follow(
    client: &Client,
    sweep: &str,
    format: Format,
    notify: Notify,
) -> Result<(), CommandError> {
    let stop = interrupt::token()
        .map_err(|error| CommandError::Other(format!("cannot listen for signals: {error}")))?;
    let contact = Contact::waiting(client);
    let rows = tokio::select! {
        rows = until_settled(client, sweep, format, contact, notify) => rows?,
        () = stop.cancelled() => return Err(CommandError::Interrupted("stopped watching; the sweep goes on".into())),
    };
    let end = end(sweep, &rows);
    if end.is_err() {
        say(&format!(
            "`gcl-sweep explain JOB` says why a job has no result, `gcl-sweep retry {sweep}` queues the failed ones again"
        ));
    }
    end
}

/// Shows the progress and gives the rows as they are at the end.
pub async fn until_settled(
    client: &Client,
    sweep: &str,
    format: Format,
    mut contact: Contact<'_>,
    mut notify: Notify,
) -> Result<Vec<Row>, CommandError> {
    // Programs are told everything.
    let brief = format == Format::Text;
    let watch = Stopwatch::start();
    let mut told = Told::default();
    loop {
        // Subscribe before looking: what changes in between is heard.
        let mut changes = contact
            .ask(async || client.watch_after(sweep, None, brief).await)
            .await?;
        let info = contact
            .ask(async || client::Client::sweep_info(client, sweep).await)
            .await?;
        notify.hear(&info).await;
        let (rows, mut seen) = contact.ask(async || client.rows(sweep, &[]).await).await?;
        tell_claims(&mut told, &info, format)?;
        if format == Format::Json {
            let jobs: BTreeMap<JobId, JobStatus> =
                rows.iter().map(|row| (row.job_id, row.status)).collect();
            print_line(&serde_json::json!({ "event": "jobs", "sweep": sweep, "jobs": jobs }))?;
        }
        if rows.iter().all(|row| row.status.is_settled()) {
            if !notify.is_silent() {
                let info = contact
                    .ask(async || client::Client::sweep_info(client, sweep).await)
                    .await?;
                notify.hear(&info).await;
            }
            return Ok(rows);
        }
        let rehearsal = StateKind::of(info.trainer_revision) == StateKind::Rehearsal;
        let mut progress = Progress::new(&info.columns, &rows, watch);
        drop(rows);
        let mut pause = Pause::default();
        pause.hear(sweep, info.summary.paused, format);
        let mut clock = tokio::time::interval(TICK);
        while !progress.standing().is_settled() {
            let heard = tokio::select! {
                heard = changes.next() => heard,
                _ = clock.tick() => {
                    progress.tick();
                    continue;
                }
            };
            let heard = match heard {
                Ok(Some(heard)) => heard,
                lost => {
                    let error = lost.err().unwrap_or_else(ended);
                    contact.lost(error)?;
                    changes = contact
                        .ask(async || client.watch_after(sweep, Some(seen), brief).await)
                        .await?;
                    continue;
                }
            };
            if let WatchEvent::Missed(_) = heard {
                // The whole picture again.
                break;
            }
            // The rows show what happened before they were read.
            match changes.last() {
                Some(number) if number <= seen => continue,
                Some(number) => seen = number,
                None => {}
            }
            if format == Format::Json
                && let Some(line) = change_json(&heard)
            {
                print_line(&line)?;
            }
            if let WatchEvent::Change(Change::Job { job, status, .. }) = &heard {
                if !progress.knows(job) {
                    // Seeds were added for claims: the whole picture again.
                    break;
                }
                if status.is_failure()
                    && !notify.is_silent()
                    && let Ok(info) = client::Client::sweep_info(client, sweep).await
                {
                    notify.hear(&info).await;
                }
            }
            let news = match heard {
                WatchEvent::Change(Change::Job {
                    job,
                    status,
                    attempt,
                    worker,
                    error,
                    scores,
                    ..
                }) => {
                    let shown = status == JobStatus::Done && !rehearsal;
                    let group = progress.standing().group_of(&job);
                    let auc = match group.map(|group| group.reporting) {
                        Some(reporting) if shown && reporting.is_of_record() => {
                            reporting.score_by.of(scores[0], scores[1])
                        }
                        Some(_) if shown && progress.shows_each_auc() => {
                            reported_auc(client, sweep, job).await
                        }
                        _ => None,
                    };
                    News::Job {
                        job,
                        status,
                        attempt: attempt.count().into(),
                        worker,
                        error,
                        auc,
                    }
                }
                WatchEvent::Change(Change::Epochs { job, ended, .. }) => {
                    News::Epochs { job, ended }
                }
                WatchEvent::Change(Change::Sweep { counts, .. })
                    if counts.of(JobStatus::Running) == 0 && counts.of(JobStatus::Pending) > 0 =>
                {
                    // Nothing runs: somebody may have paused it, or lets it go on.
                    if let Ok(info) = client::Client::sweep_info(client, sweep).await {
                        pause.hear(sweep, info.summary.paused, format);
                    }
                    continue;
                }
                WatchEvent::Change(_) | WatchEvent::Missed(_) => continue,
            };
            progress.hear(&news);
        }
        progress.close();
    }
}

/// Says what is new of the claims of a sweep.
fn tell_claims(told: &mut Told, info: &SweepInfo, format: Format) -> Result<(), CommandError> {
    let Some(view) = info.claims.as_deref().filter(|view| told.has_news(view)) else {
        return Ok(());
    };
    let lines = told.news(view);
    match format {
        Format::Json => print_line(&serde_json::json!({
            "event": "claims", "sweep": info.summary.name, "claims": claims::as_json(view),
        })),
        Format::Text => {
            for line in &lines {
                say(&output::line(line));
            }
            Ok(())
        }
    }
}

/// Whether the sweep is paused: said once, since nothing happens then.
#[derive(Default)]
struct Pause(bool);

impl Pause {
    fn hear(&mut self, sweep: &str, paused: bool, format: Format) {
        if let Some(line) = self.line(sweep, paused)
            && format == Format::Text
        {
            say(&line);
        }
    }

    /// What is new.
    fn line(&mut self, sweep: &str, paused: bool) -> Option<String> {
        let before = std::mem::replace(&mut self.0, paused);
        match (before, paused) {
            (false, true) => Some(format!(
                "{sweep} is paused: no job is started until `gcl-sweep resume {sweep}`, with the --out or --coordinator that leads here"
            )),
            (true, false) => Some(format!("{sweep} goes on")),
            _ => None,
        }
    }
}

/// A stream that ended without a reason.
fn ended() -> CallError {
    CallError::Unreachable("it ended the connection".into())
}

/// What the first cell of a finished job reports, as the report will, where the sweep asks for smoothed scores or for clips. A
/// line without a number is better than a watch that ends.
async fn reported_auc(client: &Client, sweep: &str, job: JobId) -> Option<f64> {
    let mut cell = client.cell_of(sweep, job).await.ok()??;
    super::scores::evaluate_again(client, std::slice::from_mut(&mut cell))
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
            "event": "job", "job_id": job, "status": status, "attempt": attempt.count(),
            "worker": worker.as_deref(), "error": error.as_deref(),
        }),
        Change::Epochs {
            job,
            attempt,
            points,
            ..
        } => json!({
            "event": "epochs", "job_id": job, "attempt": attempt.count(), "points": points.as_ref(),
        }),
        Change::Log {
            job,
            attempt,
            lines,
            ..
        } => json!({
            "event": "log", "job_id": job, "attempt": attempt.count(), "lines": lines.as_ref(),
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

/// Says how a settled sweep ended; jobs without a result are an error.
pub fn end(sweep: &str, rows: &[Row]) -> Result<(), CommandError> {
    if let Some(text) = warnings(rows) {
        say(&format!("{sweep}: {text}"));
    }
    // In the sweep's order, each job once.
    let mut jobs = BTreeSet::new();
    let without: Vec<_> = rows
        .iter()
        .filter(|row| jobs.insert(row.job_id) && row.status != JobStatus::Done)
        .collect();
    if without.is_empty() {
        let text = match jobs.len() {
            1 => "its job is done".to_owned(),
            jobs => format!("all {jobs} jobs done"),
        };
        say(&format!("{sweep}: {text}"));
        return Ok(());
    }
    let mut text = format!(
        "{sweep}: {} of {} without a result",
        without.len(),
        counted(jobs.len(), "job")
    );
    for row in without.iter().take(10) {
        let label = format!("{} seed {}", row.group.variant, row.seed);
        let why = row.error.as_deref().unwrap_or(row.status.name());
        text += &format!(
            "\n  {} {}",
            row.job_id.short(),
            output::line(&format!("{label}: {why}"))
        );
    }
    if without.len() > 10 {
        text += &format!("\n  and {} more", without.len() - 10);
    }
    Err(CommandError::JobsFailed(text))
}

/// How many jobs have warnings in their records, and of which kinds; nothing where none has.
fn warnings(rows: &[Row]) -> Option<String> {
    let mut jobs = BTreeSet::new();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let mut warned = 0;
    for row in rows.iter().filter(|row| jobs.insert(row.job_id)) {
        warned += usize::from(!row.warnings.is_empty());
        for code in &row.warnings {
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

    use proto::nouns::RowGroup;
    use sweeps::Reporting;

    use super::*;

    #[test]
    fn a_pause_is_said_once_and_so_is_its_end() {
        let mut pause = Pause::default();
        assert_eq!(pause.line("s", false), None);
        let said = pause.line("s", true).unwrap();
        assert!(said.contains("paused") && said.contains("gcl-sweep resume s"));
        assert_eq!(pause.line("s", true), None);
        assert_eq!(pause.line("s", false).as_deref(), Some("s goes on"));
    }

    #[test]
    fn warnings_are_counted_by_job_and_kind() {
        let group = Arc::new(RowGroup {
            variant: "v".into(),
            point: Vec::new(),
            reporting: Reporting::default(),
            epochs: 1,
        });
        let cell = |job: u8, codes: &[&str]| Row {
            group: group.clone(),
            seed: 0,
            job_id: JobId([job; 32]),
            status: JobStatus::Done,
            attempts: 1,
            epochs: 1,
            auc: None,
            error: None,
            warnings: codes.iter().map(|code| (*code).to_owned()).collect(),
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
