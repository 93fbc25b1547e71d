//! Where the numbers come from: the work that was done, and how to do it again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use sweeps::{JobId, RunRecord};

use super::html::{Cell, Table, count, duration, escape};
use super::{Section, alone};
use crate::generated::families;
use crate::results::{DatasetInfo, SplitCounts};

/// A sweep file longer than this is cut in the page.
const MOST_SOURCE: usize = 100_000;
/// Data sets that are described.
const MOST_DATASETS: usize = 24;

/// The records, each job once however many cells share it.
fn records<'a>(section: &'a Section<'_>) -> BTreeMap<JobId, &'a RunRecord> {
    section
        .whole
        .cells
        .iter()
        .filter_map(|result| Some((result.job_id, result.record.as_deref()?)))
        .collect()
}

/// Whether no attempt of this sweep made it.
fn is_taken_over(record: &RunRecord) -> bool {
    record.provenance.cached_since_ms.is_some()
}

pub(super) fn compute(section: &Section<'_>) -> String {
    #[derive(Default)]
    struct Device<'a> {
        jobs: usize,
        seconds: f64,
        longest: f64,
        workers: BTreeSet<&'a str>,
    }
    let records = records(section);
    let mut devices: BTreeMap<(&str, &str), Device<'_>> = BTreeMap::new();
    for record in records.values() {
        let provenance = &record.provenance;
        let key = (
            provenance.device.kind.as_str(),
            provenance.device.name.as_str(),
        );
        let device = devices.entry(key).or_default();
        device.jobs += 1;
        device.seconds += provenance.duration_s;
        device.longest = device.longest.max(provenance.duration_s);
        device.workers.insert(&provenance.worker);
    }
    let columns = [
        "Device",
        "Hardware",
        "#Workers",
        "#Jobs",
        "#Device time",
        "#Mean per job",
        "#Longest job",
    ];
    let mut table = Table::new(
        "Device time of attempts with a result",
        None,
        &columns.map(String::from),
    );
    let mut total = 0.0;
    for ((kind, name), device) in &devices {
        total += device.seconds;
        table.row(
            "",
            [
                Cell::Head((*kind).to_owned()),
                Cell::Text((*name).to_owned()),
                Cell::Number(device.workers.len().to_string(), None),
                Cell::Number(device.jobs.to_string(), None),
                Cell::Number(duration(device.seconds), None),
                Cell::Number(duration(device.seconds / device.jobs as f64), None),
                Cell::Number(duration(device.longest), None),
            ],
        );
    }
    let shared = section
        .whole
        .cells
        .iter()
        .filter(|result| result.record.is_some())
        .count()
        - records.len();
    let mut html = String::new();
    let jobs = count(records.len(), "finished job", "finished jobs");
    match (section.whole.lost_s, devices.is_empty()) {
        (Some(lost), _) if lost > 0.0 => {
            let _ = write!(
                html,
                "<p><strong>{} of device time</strong>: {} in {jobs}, and {} in attempts that ended without a result, each counted from its lease until it \
                 failed, was stopped or was given up as lost; what a checkpoint carried over is counted once.",
                duration(total + lost),
                duration(total),
                duration(lost)
            );
        }
        (_, true) => html.push_str("<p>No job has finished yet."),
        (Some(_), false) => {
            let _ = write!(
                html,
                "<p>{} of device time in {jobs}; no attempt ended without a result.",
                duration(total)
            );
        }
        (None, false) => {
            let _ = write!(html, "<p>{} of device time in {jobs}.", duration(total));
        }
    }
    if !devices.is_empty() && shared > 0 {
        let _ = write!(
            html,
            " {} of the table share a job with another: the same training under two names ran once.",
            count(shared, "cell", "cells")
        );
    }
    let taken = records
        .values()
        .filter(|record| is_taken_over(record))
        .count();
    if taken > 0 {
        let _ = write!(
            html,
            " {} of these jobs {} not trained for this sweep: the user's cache of finished results had the same job, of the same kind of device, from \
             another folder. Worker, version and device time are those of its training there.",
            taken,
            if taken == 1 { "was" } else { "were" }
        );
    }
    html.push_str("</p>\n");
    if !devices.is_empty() {
        html.push_str(&table.finish());
    }
    let mut lost = BTreeMap::new();
    for result in &section.whole.cells {
        let made_here = |record: &Arc<RunRecord>| !is_taken_over(record);
        let with_result = result.record.as_ref().is_some_and(made_here);
        let without = result.attempts.saturating_sub(u32::from(with_result));
        lost.insert(result.job_id, u64::from(without));
    }
    let lost: u64 = lost.values().sum();
    let attempts = if lost == 1 {
        "1 attempt ended or is under way".to_owned()
    } else {
        format!("{lost} attempts ended or are under way")
    };
    match section.whole.lost_s {
        _ if lost == 0 => {}
        Some(_) => {
            let _ = writeln!(
                html,
                "<p>{attempts} without a result; what is under way is in no sum.</p>"
            );
        }
        None => {
            let _ = writeln!(
                html,
                "<p>Besides, {attempts} without a result. These results do not say how long they took, so they are in no sum.</p>"
            );
        }
    }
    html
}

pub(super) fn reproduce(section: &Section<'_>) -> String {
    let results = section.results;
    let records = records(section);
    let mut facts: Vec<(&str, String)> = Vec::new();
    if !results.command.is_empty() {
        facts.push((
            "Command",
            format!("<code>{}</code>", escape(&results.command)),
        ));
    }
    if !results.source_path.is_empty() {
        if let Some(command) = results
            .cells
            .first()
            .and_then(|cell| alone::command(results, cell))
        {
            facts.push((
                "One cell alone",
                format!(
                    "<code>{}</code>, for example; a list below, not printed, has the command of each cell. It is the job that it is in the whole sweep, of the \
                     same id, in a folder of its own",
                    escape(&command)
                ),
            ));
        }
        facts.push((
            "Audit",
            format!(
                "<code>gcl-sweep audit {} --fraction 1</code> runs finished jobs of a coordinator again and compares the results; what it found stands \
                 below the verdict, and where nothing stands nothing was audited",
                escape(&results.name)
            ),
        ));
        facts.push((
            "Sweep file",
            format!(
                "<code>{}</code>, below in full",
                escape(&results.source_path)
            ),
        ));
    }
    if !results.version.is_empty() {
        facts.push(("Report made by", escape(&results.version)));
    }
    let distinct = |value: &dyn Fn(&RunRecord) -> String| -> String {
        let values: BTreeSet<String> = records
            .values()
            .map(|record| value(record))
            .filter(|text| !text.is_empty())
            .collect();
        values.into_iter().collect::<Vec<_>>().join("; ")
    };
    let from_csv = |record: &RunRecord| record.provenance.version.is_empty();
    for (label, text) in [
        (
            "Trained by",
            distinct(&|record| record.provenance.version.clone()),
        ),
        (
            "Trainer revision",
            distinct(&|record| {
                if from_csv(record) {
                    String::new()
                } else {
                    record.provenance.trainer_revision.to_string()
                }
            }),
        ),
        (
            "Devices",
            distinct(&|record| {
                let device = &record.provenance.device;
                if device.name.is_empty() {
                    device.kind.clone()
                } else {
                    format!("{} ({})", device.kind, device.name)
                }
            }),
        ),
        ("Seeds", seeds(section)),
        (
            "Job ids",
            format!(
                "{} in the table of all jobs below: the same settings, data and trainer give the same id everywhere",
                count(results.cells.len(), "id", "ids")
            ),
        ),
    ] {
        if !text.is_empty() {
            facts.push((label, escape(&text)));
        }
    }
    for (label, value) in &results.facts {
        facts.push((label, escape(value)));
    }
    let mut html = String::from("<dl>\n");
    for (label, value) in facts {
        let _ = writeln!(html, "<dt>{}</dt><dd>{value}</dd>", escape(label));
    }
    html.push_str("</dl>\n");
    html.push_str(&alone::listing(section));
    let families = families(section.datasets.iter().map(|info| info.name.as_str()));
    let mut shown = 0;
    for info in &section.datasets {
        if shown < MOST_DATASETS && families.iter().any(|family| family.first == info.name) {
            html.push_str(&dataset(section, info));
            shown += 1;
        }
    }
    if shown < section.datasets.len() {
        let _ = writeln!(
            html,
            "<p class=\"note\">{} more data sets are listed in <code>sweep.json</code>; of those that differ in their seed alone, one is shown here.</p>",
            section.datasets.len() - shown
        );
    }
    if !results.source_text.is_empty() {
        let shown: String = results.source_text.chars().take(MOST_SOURCE).collect();
        let cut = if shown.len() < results.source_text.len() {
            "\n# … cut here"
        } else {
            ""
        };
        let _ = writeln!(
            html,
            "<h3>The sweep file</h3>\n<pre tabindex=\"0\"><code>{}{cut}</code></pre>",
            escape(shown.trim_end())
        );
    }
    html
}

/// Seeds as ranges: `0–9, 12`.
fn seeds(section: &Section<'_>) -> String {
    let seeds: BTreeSet<u64> = section
        .results
        .cells
        .iter()
        .map(|result| result.cell.job.seed)
        .collect();
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for seed in seeds {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(seed) => *last = seed,
            _ => ranges.push((seed, seed)),
        }
    }
    let total = ranges.len();
    let mut texts: Vec<String> = ranges
        .into_iter()
        .take(50)
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}–{last}")
            }
        })
        .collect();
    if total > texts.len() {
        texts.push("…".into());
    }
    texts.join(", ")
}

fn dataset(section: &Section<'_>, info: &DatasetInfo) -> String {
    let mut facts: Vec<(&str, String)> = Vec::new();
    if info.synthetic {
        facts.push((
            "Kind",
            "<strong>synthetic</strong>: made by a generator, not recorded".into(),
        ));
    }
    // What workers trained on is the truth; what the submitter knew is a claim.
    let seen: BTreeSet<String> = section
        .results
        .cells
        .iter()
        .filter(|result| result.cell.job.dataset.to_string() == info.name)
        .filter_map(|result| Some(result.record.as_ref()?.provenance.dataset_digest))
        .filter(|digest| digest.0 != [0; 32])
        .map(|digest| digest.to_string())
        .collect();
    let digests = if seen.is_empty() {
        info.digest
            .map(|digest| digest.to_string())
            .into_iter()
            .collect()
    } else {
        seen
    };
    if !digests.is_empty() {
        let list: Vec<String> = digests
            .iter()
            .map(|digest| format!("<code>{digest}</code>"))
            .collect();
        let label = if info.synthetic {
            "Digest of its settings (BLAKE3)"
        } else {
            "Digest (BLAKE3)"
        };
        facts.push((label, list.join(", ")));
    }
    if let Some(dimension) = info.feature_dim {
        facts.push(("Feature dimension", dimension.to_string()));
    }
    for (label, text) in [
        ("Features by", &info.extractor),
        ("Source", &info.source),
        ("Licence", &info.licence),
    ] {
        if let Some(text) = text {
            facts.push((label, escape(text)));
        }
    }
    for (label, split) in [("Training split", info.train), ("Test split", info.test)] {
        if let Some(split) = split {
            facts.push((label, split_words(split)));
        }
    }
    let mut html = format!("<h3>Data set {}</h3>\n<dl>\n", escape(&info.name));
    for (label, value) in facts {
        let _ = writeln!(html, "<dt>{label}</dt><dd>{value}</dd>");
    }
    html.push_str("</dl>\n");
    html
}

fn split_words(split: SplitCounts) -> String {
    let mut words = format!(
        "{} videos, {} segments, {} frames",
        split.videos, split.segments, split.frames
    );
    if let Some(anomalous) = split.anomalous_frames
        && split.frames > 0
    {
        let _ = write!(
            words,
            ", {:.1}% of the frames anomalous",
            100.0 * anomalous as f64 / split.frames as f64
        );
    }
    words
}
