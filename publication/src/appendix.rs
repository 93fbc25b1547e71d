//! `ARTIFACT-APPENDIX.md`: what an artifact evaluation asks for, in the order of ACM's template. Every number in it is computed from
//! records and the journal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use reports::Estimate;
use sweeps::{DatasetSource, JobId, RunRecord};

use crate::content::{Content, SweepContent, duration, size};
use crate::layout;

/// The text of the file. `bytes` is the length of the box's files before it.
pub fn appendix(content: &Content<'_>, bytes: u64) -> String {
    let manifest = content.manifest;
    let mut text = format!("# Artifact appendix: {}\n\n", manifest.title);
    let jobs: BTreeSet<JobId> = records(content).keys().copied().collect();
    let _ = write!(
        text,
        "## Abstract\n\nThis box carries the results of {} with everything that they were computed from, but large data sets. `gcl-sweep verify .` checks \
         every hash, the chain of the journal, draws every figure again from its CSV, computes every number of the report again from the records, and trains a random \
         sample of the {} jobs again to compare them bit by bit.\n\n",
        sweeps_in_words(content),
        jobs.len()
    );
    text += "## Meta-information\n\n";
    let _ = writeln!(
        text,
        "- Program: gcl-sweep {}; exact versions of all libraries in `{}` (BLAKE3 {})",
        manifest.program.version,
        layout::LOCK_FILE,
        manifest.program.lock.short()
    );
    let _ = writeln!(
        text,
        "- Method: Generative Cooperative Learning (CVPR 2022) and its baselines; trainer revision {}",
        revisions(content)
    );
    let _ = writeln!(text, "- Data sets: {}", datasets(content));
    let _ = writeln!(
        text,
        "- Metrics: frame-level AUC over the pooled frames of all test videos, and those of `tables/*/results.csv`"
    );
    let _ = writeln!(
        text,
        "- Output: `{}`, `{}/`, `tables/`",
        layout::PAGE,
        layout::FIGURES
    );
    let _ = writeln!(
        text,
        "- Disk: about {} for this box; nothing beside data sets and a scratch folder to run it again",
        size(bytes)
    );
    let _ = writeln!(
        text,
        "- Time to check a twentieth: about {} on hardware like that below; all of it: {}",
        duration(trained(content) / 20.0),
        duration(trained(content))
    );
    let _ = writeln!(
        text,
        "- Licence of the results: {}",
        manifest.licence.as_deref().unwrap_or("none was chosen")
    );
    let _ = writeln!(text, "- Licence of the program: MIT or Apache-2.0");
    text += "\n## Hardware\n\n| Device | Hardware | Jobs | Device time | Mean per job | Longest job |\n|---|---|---:|---:|---:|---:|\n";
    for ((kind, name), device) in devices(content) {
        let _ = writeln!(
            text,
            "| {kind} | {name} | {} | {} | {} | {} |",
            device.jobs,
            duration(device.seconds),
            duration(device.mean_seconds()),
            duration(device.longest)
        );
    }
    text += "\nResults are equal to the bit on devices of one kind (first column). On another kind final AUCs are near: `verify` says how near.\n\n";
    text += "## Installation\n\n    cargo build --release          # in the source of gcl-sweep; needs Rust alone\n\n";
    text += "## One command a table\n\n";
    for sweep in content.sweeps {
        one_table(&mut text, sweep);
    }
    text += "## Checking this box\n\n";
    let data = data_flags(named_datasets(content));
    let _ = write!(
        text,
        "    gcl-sweep verify .{data}                  # a random twentieth of the jobs\n    gcl-sweep verify .{data} --fraction 1     # all of them\n    sha256sum -c {}                        # the hashes alone, without gcl-sweep\n\n",
        layout::SUMS
    );
    text += "## Energy\n\n";
    text += ENERGY;
    text
}

/// What is known of energy.
pub(crate) const ENERGY: &str = "Not known: records keep no energy, neither of a GPU by NVML nor of a processor. Device time and hardware above are what an estimate can be made of.\n";

fn one_table(text: &mut String, sweep: &SweepContent<'_>) {
    let results = sweep.results;
    let file = layout::sweep_file(&sweep.named.files);
    let data: BTreeSet<&str> = results
        .cells
        .iter()
        .filter_map(|cell| match &cell.cell.job.dataset {
            DatasetSource::Named(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let data = data_flags(data.into_iter().map(str::to_owned));
    let total = sweep.trained_seconds();
    let lost = sweep.lost_seconds();
    let artifacts: u64 = sweep
        .records()
        .values()
        .flat_map(|record| &record.outcome.artifacts)
        .map(|artifact| artifact.bytes)
        .sum();
    let _ = write!(
        text,
        "### {}\n\n    gcl-sweep run {file}{data} --out OUT\n\n{} of device time for {} jobs with a result{}; {} of scores on disk. Expected, as mean ± standard deviation over seeds:\n\n",
        sweep.named.name,
        duration(total),
        sweep.records().len(),
        if lost > 0.0 {
            format!(", and {} of attempts without one", duration(lost))
        } else {
            String::new()
        },
        size(artifacts)
    );
    *text += "| Row | AUC (%) | Within videos (%) | Runs | Mean time per run |\n|---|---:|---:|---:|---:|\n";
    for row in reports::summary(results) {
        let seconds: Vec<f64> = row
            .cells
            .iter()
            .filter_map(|cell| {
                Some(
                    results
                        .cells
                        .get(*cell)?
                        .record
                        .as_ref()?
                        .provenance
                        .duration_s,
                )
            })
            .collect();
        let mean = if seconds.is_empty() {
            "–".to_owned()
        } else {
            duration(seconds.iter().sum::<f64>() / seconds.len() as f64)
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} of {} | {mean} |",
            row.label(&results.columns).replace('|', "\\|"),
            percent(&row.auc),
            percent(&row.within),
            row.n,
            row.expected
        );
    }
    *text += "\n";
}

pub(crate) fn percent(estimate: &Estimate) -> String {
    match (estimate.mean, estimate.std) {
        (Some(mean), Some(std)) => format!("{:.2} ± {:.2}", mean * 100.0, std * 100.0),
        (Some(mean), None) => format!("{:.2}", mean * 100.0),
        (None, _) => "–".to_owned(),
    }
}

pub(crate) fn records<'a>(content: &Content<'a>) -> BTreeMap<JobId, &'a RunRecord> {
    content
        .sweeps
        .iter()
        .flat_map(SweepContent::records)
        .collect()
}

/// Seconds in the trainer of all jobs with a result, each once.
pub(crate) fn trained(content: &Content<'_>) -> f64 {
    records(content)
        .values()
        .map(|record| record.provenance.duration_s)
        .sum()
}

fn sweeps_in_words(content: &Content<'_>) -> String {
    let names: Vec<String> = content
        .sweeps
        .iter()
        .map(|sweep| format!("`{}`", sweep.named.name))
        .collect();
    names.join(", ")
}

fn revisions(content: &Content<'_>) -> String {
    let all: BTreeSet<u32> = content
        .sweeps
        .iter()
        .map(|sweep| sweep.evidence.trainer_revision)
        .collect();
    let all: Vec<String> = all.iter().map(u32::to_string).collect();
    all.join(", ")
}

/// What says where data sets are.
pub(crate) fn data_flags(names: impl IntoIterator<Item = String>) -> String {
    let mut flags = String::new();
    for name in names {
        let _ = write!(flags, " --data {}=DIR", reports::shell_word(&name));
    }
    flags
}

pub(crate) fn named_datasets(content: &Content<'_>) -> Vec<String> {
    content
        .datasets
        .iter()
        .filter(|data| !data.facts.synthetic && data.files.is_empty())
        .map(|data| data.facts.name.clone())
        .collect()
}

fn datasets(content: &Content<'_>) -> String {
    let all: Vec<String> = content
        .datasets
        .iter()
        .map(|data| {
            let facts = &data.facts;
            let digest = facts
                .digest
                .map_or_else(String::new, |digest| format!(", digest {}", digest.short()));
            let place = if facts.synthetic {
                "generated, not recorded"
            } else if data.files.is_empty() {
                "not in the box"
            } else {
                "in the box"
            };
            format!("{} ({place}{digest})", facts.name)
        })
        .collect();
    all.join("; ")
}

/// What ran on a device.
#[derive(Default)]
pub(crate) struct Device {
    pub(crate) jobs: usize,
    pub(crate) seconds: f64,
    pub(crate) longest: f64,
}

impl Device {
    pub(crate) fn mean_seconds(&self) -> f64 {
        self.seconds / self.jobs.max(1) as f64
    }
}

pub(crate) fn devices(content: &Content<'_>) -> BTreeMap<(String, String), Device> {
    let mut devices: BTreeMap<(String, String), Device> = BTreeMap::new();
    for record in records(content).values() {
        let provenance = &record.provenance;
        let info = &provenance.device;
        let device = devices
            .entry((info.kind.clone(), info.name.clone()))
            .or_default();
        device.jobs += 1;
        device.seconds += provenance.duration_s;
        device.longest = device.longest.max(provenance.duration_s);
    }
    devices
}
