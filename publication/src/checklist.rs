//! `CHECKLIST.md`: those answers to a reproducibility checklist that can be computed. What only authors can answer is left to them,
//! and said.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use sweeps::JobStatus;

use crate::appendix::{ENERGY, devices, trained};
use crate::content::{Content, Counts, DataContent, SweepContent, duration};
use crate::ledger::AttemptEnd;

/// The text of the file.
pub fn checklist(content: &Content<'_>) -> String {
    let mut text = format!(
        "# Reproducibility checklist: {}\n\nComputed from the records and the journal in this box. Questions of assumptions, limits, consent and impact are for the authors.\n\n",
        content.manifest.title
    );
    error_bars(&mut text, content);
    compute(&mut text, content);
    splits(&mut text, content);
    text += "## Are the settings and how they were chosen stated?\n\n\
             Yes. The sweep files in `sweeps/` are the settings, and a job's identity is the hash of all of them: none can differ unseen. The page of the report lists what each row \
             sets and what is at its default. The number of a run is that of its **last** epoch. The best epoch over the test split stands in `results.csv` under a name of its own and \
             is never the result. This program prunes no run by its test AUC. What the authors tried before these sweeps is not in this journal.\n\n";
    order(&mut text, content);
    text += "## Energy\n\n";
    text += ENERGY;
    text
}

fn error_bars(text: &mut String, content: &Content<'_>) {
    let what_differs = if content.sweeps.iter().any(has_data_of_its_own_for_seeds) {
        "initial weights and the order of batches differ, and where a sweep says `seed = \"job\"` the generated data too"
    } else {
        "initial weights and the order of batches differ, data and split do not"
    };
    let _ = write!(
        text,
        "## Are error bars reported, and what are they?\n\nYes. ± is the sample standard deviation (n − 1) over seeds: {what_differs}. Intervals of a mean are Student's, 95%. \
         Differences are of the same seed on both sides; the end of the page says how a verdict is decided, and over how many comparisons it is corrected.\n\n"
    );
    *text += "| Sweep | Row | Runs with a result | Asked for | Failed | Without a result otherwise |\n|---|---|---:|---:|---:|---:|\n";
    for sweep in content.sweeps {
        for row in reports::summary(sweep.results) {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} |",
                sweep.named.name,
                row.label(&sweep.results.columns).replace('|', "\\|"),
                row.n,
                row.expected,
                row.failed,
                row.missing
            );
        }
    }
    *text += "\n";
}

/// Whether a row of the sweep has other data for each seed.
fn has_data_of_its_own_for_seeds(sweep: &SweepContent<'_>) -> bool {
    let cells = &sweep.results.cells;
    reports::summary(sweep.results).iter().any(|row| {
        let data: BTreeSet<_> = row
            .cells
            .iter()
            .filter_map(|cell| Some(&cells.get(*cell)?.cell.job.dataset))
            .collect();
        data.len() > 1
    })
}

fn compute(text: &mut String, content: &Content<'_>) {
    *text += "## What did it take to compute?\n\n";
    let with_result = trained(content);
    let lost: f64 = content.sweeps.iter().map(SweepContent::lost_seconds).sum();
    let mut jobs = 0;
    for ((kind, name), device) in devices(content) {
        jobs += device.jobs;
        let _ = writeln!(
            text,
            "- {kind}, {name}: {} jobs, {} of device time, {} per job on average, {} the longest",
            device.jobs,
            duration(device.seconds),
            duration(device.mean_seconds()),
            duration(device.longest)
        );
    }
    let _ = writeln!(
        text,
        "- In all {} for {jobs} jobs with a result, and {} of attempts that failed, were handed back, cancelled or lost",
        duration(with_result),
        duration(lost)
    );
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    let mut taken = 0;
    for attempt in content.ledger.attempts.values() {
        let end = match &attempt.end {
            AttemptEnd::Finished => "with a result".to_owned(),
            AttemptEnd::TakenOver => {
                taken += 1;
                continue;
            }
            AttemptEnd::Open => "not ended when the journal was copied".to_owned(),
            AttemptEnd::Released(_) => "handed back".to_owned(),
            AttemptEnd::Failed(failure) => format!("failed ({})", failure.class),
        };
        *ends.entry(end).or_default() += 1;
    }
    let ends: Vec<String> = ends
        .iter()
        .map(|(end, count)| format!("{count} {end}"))
        .collect();
    if !ends.is_empty() {
        let _ = writeln!(text, "- Attempts in the journal: {}", ends.join(", "));
    }
    if taken > 0 {
        let _ = writeln!(
            text,
            "- Results that were not trained for these sweeps, but taken over from the authors' cache of finished results: {taken}. They are in the sum above, with \
             the devices and times of their training"
        );
    }
    let failed: usize = content
        .sweeps
        .iter()
        .flat_map(|sweep| &sweep.results.cells)
        .filter(|cell| cell.status.is_failure())
        .count();
    let open: usize = content
        .sweeps
        .iter()
        .flat_map(|sweep| &sweep.results.cells)
        .filter(|cell| !matches!(cell.status, JobStatus::Done) && !cell.status.is_failure())
        .count();
    let _ = writeln!(
        text,
        "- Cells that failed for good: {failed}; without a result for another reason: {open}\n"
    );
}

fn splits(text: &mut String, content: &Content<'_>) {
    *text += "## Which data, and which splits?\n\n| Data set | Digest (BLAKE3) | Training videos / segments | Test videos / segments | Anomalous test frames |\n|---|---|---:|---:|---:|\n";
    for data in content.datasets {
        let _ = writeln!(text, "{}", split_line(data));
    }
    *text += "\nThe split is the data set's own and the same in every run on it. Training labels are read by the supervised methods and by diagnostics alone; there is no validation split, and nothing is chosen by one.\n\n";
}

fn split_line(data: &DataContent) -> String {
    let facts = &data.facts;
    let counts = |counts: Option<Counts>| {
        counts.map_or_else(
            || "not known".to_owned(),
            |counts| format!("{} / {}", counts.videos, counts.segments),
        )
    };
    let anomalous = facts
        .test
        .and_then(|test| Some(format!("{} of {}", test.anomalous_frames?, test.frames)))
        .unwrap_or_else(|| "not known".to_owned());
    format!(
        "| {}{} | {} | {} | {} | {anomalous} |",
        facts.name,
        if facts.synthetic { " (synthetic)" } else { "" },
        facts
            .digest
            .map_or_else(|| "not known".to_owned(), |digest| digest.to_string()),
        counts(facts.train),
        counts(facts.test)
    )
}

/// That what was to be compared was fixed before anything had come out.
fn order(text: &mut String, content: &Content<'_>) {
    *text += "## Was it decided before the results what would be compared?\n\n";
    for sweep in content.sweeps {
        let jobs: BTreeSet<_> = sweep.evidence.job_ids().collect();
        let first = content
            .ledger
            .records
            .iter()
            .filter(|(job, _)| jobs.contains(job))
            .map(|(_, (line, _))| *line)
            .min();
        let submissions = content.ledger.submissions.get(&sweep.named.name);
        let last = submissions
            .and_then(|all| all.last())
            .map(|(line, ..)| *line);
        let versions = submissions.map_or(0, Vec::len);
        let sentence = match (last, first) {
            (Some(submitted), Some(result)) if submitted < result => format!(
                "the sweep file as it is here is line {submitted} of the journal, the first result of its jobs line {result}: the rows to compare were written down before anything had come out"
            ),
            (Some(submitted), Some(result)) => format!(
                "the sweep file as it is here is line {submitted} of the journal, after the first result of its jobs (line {result}); {versions} versions of it were submitted, all in the journal"
            ),
            _ => "the journal does not say: it was compacted, and the order of its entries is not kept".to_owned(),
        };
        let _ = writeln!(text, "- {}: {sentence}.", sweep.named.name);
    }
    *text += "\n";
}
