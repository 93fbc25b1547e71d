//! Does the paper hold? A page over the sweeps of a study, written from their CSV files alone.
//!
//! Reading order: `claim` (what the paper says), `evidence` (what runs show), `judgement`, `reason`, `page`. The sweep
//! files are read for their settings and to check that the CSV files are theirs: a job's id is made of its settings and the
//! digest of its data.

pub mod claim;
mod evidence;
mod judgement;
pub mod orderings;
mod page;
mod reason;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sweeps::{DatasetSource, Digest, Limits, expand_text};

pub use page::study_page;

use crate::error::ReportError;
use crate::files::read_csv;
use crate::results::SweepResults;

/// Most jobs of one sweep of a study.
const LIMITS: Limits = Limits { max_jobs: 100_000 };

/// One sweep of a study, with its results where it was run.
#[derive(Debug, Clone)]
pub struct StudySweep {
    /// The file's name without its folder and ending.
    pub name: String,
    /// Its description.
    pub description: String,
    /// The data set's name.
    pub dataset: String,
    /// Whether it is made by a generator.
    pub synthetic: bool,
    /// Its digest, where it is known.
    pub digest: Option<Digest>,
    /// What all jobs share and the file sets, as the file says it.
    pub settings: String,
    /// Names of its variants, in the file's order.
    pub variants: Vec<String>,
    /// Its seeds.
    pub seeds: usize,
    /// What came of it; `None` where it was not run.
    pub results: Option<SweepResults>,
}

/// Reads every sweep file of `folder` (by name) and, from `out/NAME/`, its `results.csv` and `epochs.csv`. For a data set
/// that is no synthetic one, `out/NAME/dataset.json` (what `data inspect --format json` prints) says its digest.
pub fn read_study(folder: &Path, out: &Path) -> Result<Vec<StudySweep>, ReportError> {
    let entries = fs::read_dir(folder).map_err(ReportError::read(folder))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    files.sort();
    files.iter().map(|file| read_sweep(file, out)).collect()
}

fn read_sweep(file: &Path, out: &Path) -> Result<StudySweep, ReportError> {
    let text = fs::read_to_string(file).map_err(ReportError::read(file))?;
    let name = file.file_stem().unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    let (spec, expansion) =
        expand_text(&file.to_string_lossy(), &text, LIMITS).map_err(|faults| {
            ReportError::Study {
                path: file.to_owned(),
                message: faults.to_string(),
            }
        })?;
    let [source] = spec.datasets.as_slice() else {
        return Err(ReportError::Study {
            path: file.to_owned(),
            message: "a sweep of a study has one data set: write a file for each".to_owned(),
        });
    };
    let found = out.join(&name);
    let digest = match source {
        DatasetSource::Synthetic(synthetic) => Some(synthetic.digest()),
        DatasetSource::Video(extraction) => Some(extraction.digest),
        DatasetSource::Named(_) => read_digest(&found.join("dataset.json"))?,
    };
    let mut results = None;
    if found.join("results.csv").exists() {
        let mut sweeps = read_csv(&found)?;
        let read = sweeps.remove(0);
        let table = found.join("results.csv");
        if !sweeps.is_empty() || read.name != spec.name {
            return Err(ReportError::Study {
                path: table,
                message: format!("it is not the sweep `{}` alone: run it again", spec.name),
            });
        }
        if let Some(digest) = digest {
            let cells = expansion.cells.iter();
            let ids: BTreeSet<_> = cells.map(|cell| cell.job.id(digest)).collect();
            if let Some(cell) = read.cells.iter().find(|cell| !ids.contains(&cell.job_id)) {
                return Err(ReportError::Study {
                    path: table,
                    message: format!(
                        "job {} ({} seed {}) was made by other settings, other data or another trainer than `{}`: run it again",
                        cell.job_id.short(),
                        cell.cell.variant,
                        cell.cell.job.seed,
                        file.display()
                    ),
                });
            }
        }
        results = Some(read);
    }
    let seeds: BTreeSet<u64> = expansion.cells.iter().map(|cell| cell.job.seed).collect();
    Ok(StudySweep {
        name,
        description: spec.description.clone(),
        dataset: source.to_string(),
        synthetic: matches!(source, DatasetSource::Synthetic(_)),
        digest,
        settings: shared_settings(&text),
        variants: spec.variant_names().map(str::to_owned).collect(),
        seeds: seeds.len(),
        results,
    })
}

/// The digest in what `data inspect` printed; `None` where the file is not there.
fn read_digest(path: &Path) -> Result<Option<Digest>, ReportError> {
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(path).map_err(ReportError::read(path))?;
    let value: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| ReportError::Study {
            path: path.to_owned(),
            message: error.to_string(),
        })?;
    let digest = value.get("digest").and_then(serde_json::Value::as_str);
    digest
        .and_then(|digest| digest.parse().ok())
        .map(Some)
        .ok_or_else(|| ReportError::Study {
            path: path.to_owned(),
            message:
                "there is no digest in it: write it with `gcl-sweep data inspect DIR --format json`"
                    .to_owned(),
        })
}

/// The lines of `[job]`, joined.
fn shared_settings(text: &str) -> String {
    let lines = text.lines().map(str::trim);
    let job = lines
        .skip_while(|line| *line != "[job]")
        .skip(1)
        .take_while(|line| !line.starts_with('['));
    let settings: Vec<&str> = job
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .collect();
    settings.join(", ")
}
