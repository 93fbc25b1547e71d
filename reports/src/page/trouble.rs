//! What went wrong: jobs without a result, jobs that needed more than one attempt, seeds that nobody asked for, and the
//! warnings that jobs recorded.

use std::collections::{BTreeMap, BTreeSet};

use sweeps::{CellResult, JobId, JobStatus};

use super::html::{Cell, Table, count, escape};
use super::{Section, alone, data};
use crate::doubts::doubts;
use crate::order::compare_cells;

/// Jobs that are listed one by one at most.
const MOST: usize = 200;
/// Doubts that are listed at most.
const MOST_DOUBTS: usize = 20;

pub(super) fn trouble(section: &Section<'_>) -> String {
    let mut html = unfinished(section);
    let doubts = doubtful_rows(section).concat();
    if !doubts.is_empty() {
        html.push_str(&format!("<h3>Doubtful rows</h3>\n<ul>{doubts}</ul>\n"));
    }
    html.push_str(&retries(section));
    html.push_str(&absent_seeds(section));
    html.push_str(&warnings(section));
    if html.is_empty() && !section.results.warnings_lost {
        html.push_str("<p>Every job finished at its first attempt, every variant has every seed, and no job recorded a warning.</p>\n");
    } else if section.results.warnings_lost {
        html.push_str("<p class=\"note\">These results do not say whether jobs recorded warnings: <code>sweep.json</code>, which lists them, was not beside <code>results.csv</code>.</p>\n");
    }
    html
}

/// What makes rows doubtful, as items of a list; empty where nothing does.
pub(super) fn doubtful(section: &Section<'_>) -> String {
    let mut items = doubtful_rows(section);
    items.extend(data::warnings(section));
    items.extend(warned(section));
    items.concat()
}

fn doubtful_rows(section: &Section<'_>) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    for row in &section.rows {
        for doubt in doubts(section.results, row) {
            let words = doubt.words(&row.label(&section.results.columns));
            items.push(format!("<li>{}</li>", escape(&words)));
        }
    }
    let more = items.len().saturating_sub(MOST_DOUBTS);
    items.truncate(MOST_DOUBTS);
    if more > 0 {
        items.push(format!("<li>and {more} more</li>"));
    }
    items
}

/// How many finished jobs recorded warnings, and of which kinds.
fn warned(section: &Section<'_>) -> Option<String> {
    let mut kinds: BTreeMap<&str, BTreeSet<JobId>> = BTreeMap::new();
    let (mut finished, mut any) = (BTreeSet::new(), BTreeSet::new());
    for result in &section.whole.cells {
        let Some(record) = &result.record else {
            continue;
        };
        finished.insert(result.job_id);
        for warning in &record.outcome.warnings {
            any.insert(result.job_id);
            kinds
                .entry(&warning.code)
                .or_default()
                .insert(result.job_id);
        }
    }
    if any.is_empty() {
        return None;
    }
    let kinds: Vec<String> = kinds
        .iter()
        .map(|(code, jobs)| format!("{code} in {}", jobs.len()))
        .collect();
    Some(format!(
        "<li>{} of {} recorded warnings: {}. What each means stands with an example under failures, retries and warnings.</li>",
        any.len(),
        count(finished.len(), "finished job", "finished jobs"),
        escape(&kinds.join(", "))
    ))
}

fn unfinished(section: &Section<'_>) -> String {
    let mut cells: Vec<&CellResult> = section
        .whole
        .cells
        .iter()
        .filter(|result| result.status != JobStatus::Done)
        .collect();
    if cells.is_empty() {
        return String::new();
    }
    // Failures first: they are news, what waits is not.
    let rank = |status: JobStatus| match status {
        JobStatus::Failed => 0,
        JobStatus::Quarantined => 1,
        JobStatus::Cancelled => 2,
        JobStatus::Running => 3,
        JobStatus::Pending | JobStatus::Done => 4,
    };
    cells.sort_by(|left, right| {
        rank(left.status)
            .cmp(&rank(right.status))
            .then_with(|| compare_cells(left, right))
    });
    let mut columns = [
        "Variant",
        "#Seed",
        "Status",
        "#Attempts",
        "Last message",
        "Job",
    ]
    .map(String::from)
    .to_vec();
    columns.splice(1..1, section.whole.columns.iter().cloned());
    let commands = cells
        .first()
        .is_some_and(|cell| alone::command(section.whole, cell).is_some());
    if commands {
        columns.push("Alone".into());
    }
    let mut table = Table::new("Jobs without a result, failures first", None, &columns);
    for result in cells.iter().take(MOST) {
        let mut line = vec![Cell::Head(result.cell.variant.clone())];
        line.extend(super::raw::point_cells(section, result));
        line.extend([
            Cell::Number(result.cell.job.seed.to_string(), None),
            Cell::Text(result.status.name().to_owned()),
            Cell::Number(result.attempts.to_string(), None),
            Cell::Error(result.error.clone().unwrap_or_default()),
            Cell::Html(format!("<code>{}</code>", result.job_id.short())),
        ]);
        line.extend(alone::command(section.whole, result).map(Cell::Command));
        table.row("", line);
    }
    if cells.len() > MOST {
        table.note(&format!("{} more are in results.csv.", cells.len() - MOST));
    }
    table.finish()
}

fn retries(section: &Section<'_>) -> String {
    let retried: Vec<&CellResult> = section
        .whole
        .cells
        .iter()
        .filter(|result| result.status == JobStatus::Done && result.attempts > 1)
        .collect();
    if retried.is_empty() {
        return String::new();
    }
    let attempts: u64 = retried
        .iter()
        .map(|result| u64::from(result.attempts))
        .sum();
    let mut names: Vec<String> = retried
        .iter()
        .take(20)
        .map(|result| {
            format!(
                "{} seed {} ({})",
                result.cell.variant, result.cell.job.seed, result.attempts
            )
        })
        .collect();
    if retried.len() > names.len() {
        names.push(format!("and {} more", retried.len() - names.len()));
    }
    format!(
        "<h3>Retries</h3>\n<p>{} finished after more than one attempt ({attempts} attempts together). A job's result does not depend on how often it \
         was tried: {}.</p>\n",
        count(retried.len(), "job", "jobs"),
        escape(&names.join(", "))
    )
}

/// Seeds that other lines of the sweep have and a line does not.
fn absent_seeds(section: &Section<'_>) -> String {
    let seeds_of = |cells: &[usize]| -> BTreeSet<u64> {
        cells
            .iter()
            .map(|index| section.results.cells[*index].cell.job.seed)
            .collect()
    };
    let all: BTreeSet<u64> = section
        .rows
        .iter()
        .flat_map(|row| seeds_of(&row.cells))
        .collect();
    let mut lines = Vec::new();
    for row in &section.rows {
        let absent: Vec<String> = all
            .difference(&seeds_of(&row.cells))
            .map(ToString::to_string)
            .collect();
        if !absent.is_empty() && absent.len() <= all.len() / 2 {
            lines.push(format!(
                "<li>{}: no cell for seed {}</li>",
                escape(&row.label(&section.results.columns)),
                absent.join(", ")
            ));
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    let more = lines.len().saturating_sub(MOST);
    lines.truncate(MOST);
    if more > 0 {
        lines.push(format!("<li>and {more} more</li>"));
    }
    format!(
        "<h3>Seeds that are not in the grid</h3>\n<p>Other lines of this sweep have these seeds. Paired comparisons use the seeds that both sides have.</p>\n<ul>{}</ul>\n",
        lines.join("")
    )
}

fn warnings(section: &Section<'_>) -> String {
    let mut by_code: BTreeMap<&str, (usize, BTreeMap<&str, usize>, &str)> = BTreeMap::new();
    let mut retrained = 0;
    for result in &section.whole.cells {
        let Some(record) = &result.record else {
            continue;
        };
        retrained += usize::from(record.provenance.resumed > 0);
        let mut seen = BTreeSet::new();
        for warning in &record.outcome.warnings {
            let entry =
                by_code
                    .entry(&warning.code)
                    .or_insert((0, BTreeMap::new(), &warning.message));
            if seen.insert(&warning.code) {
                entry.0 += 1;
                *entry.1.entry(result.cell.variant.as_str()).or_default() += 1;
            }
        }
    }
    let mut html = String::new();
    if retrained > 0 {
        html.push_str(&format!(
            "<p>{} taken up again from a checkpoint after an interruption.</p>\n",
            count(retrained, "job was", "jobs were")
        ));
    }
    if by_code.is_empty() {
        return html;
    }
    let columns = ["Warning", "#Jobs", "Variants", "For example"].map(String::from);
    let mut table = Table::new("By kind, with the number of jobs", None, &columns);
    for (code, (jobs, variants, message)) in by_code {
        let variants: Vec<String> = variants
            .iter()
            .map(|(variant, number)| format!("{variant} ({number})"))
            .collect();
        table.row(
            "",
            [
                Cell::Head(code.to_owned()),
                Cell::Number(jobs.to_string(), None),
                Cell::Text(variants.join(", ")),
                Cell::Error(message.to_owned()),
            ],
        );
    }
    format!("{html}<h3>Warnings</h3>\n{}", table.finish())
}
