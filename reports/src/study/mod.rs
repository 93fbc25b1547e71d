//! Does the paper hold? A page over the sweeps of a study, written from their CSV files alone.
//!
//! Reading order: `claim` (what the paper says), `evidence` (what runs show), `judgement`, `reason`, `curve` (differences against a setting of generated data), `beside` (controls, students, what kind of data), `page`. The sweep
//! files are read for their settings and to check that the CSV files are theirs: a job's id is made of its settings and the
//! digest of its data.

mod beside;
pub mod claim;
mod curve;
mod evidence;
mod judgement;
pub mod orderings;
mod page;
mod reason;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sweeps::{Cell, DatasetSource, Digest, Limits, expand_text};

pub use page::study_page;

use crate::error::ReportError;
use crate::files::read_csv;
use crate::generated::{families, is_data};
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
    /// Its digest, where there is one and it is known.
    pub digest: Option<Digest>,
    /// What it moves, where it is a curve; the others are asked for the paper's claims.
    pub swept: Option<Swept>,
    /// What all jobs share and the file sets, as the file says it.
    pub settings: String,
    /// Names of its variants, in the file's order.
    pub variants: Vec<String>,
    /// Its seeds.
    pub seeds: usize,
    /// What came of it; `None` where it was not run.
    pub results: Option<SweepResults>,
    /// The same jobs reported over equal clips, where `out/NAME-clips/` has them.
    pub clips: Option<SweepResults>,
}

/// A setting of generated data against which differences are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swept {
    /// Its column.
    pub column: String,
    /// The variant that the others are compared with.
    pub reference: String,
}

/// The data sets in words: one name, or how many there are.
fn dataset_words(sources: &[DatasetSource], swept: Option<&Swept>) -> String {
    if swept.is_some() {
        return format!("{} generated sets", sources.len());
    }
    let names: Vec<String> = sources.iter().map(ToString::to_string).collect();
    let families = families(names.iter().map(String::as_str));
    let shown: Vec<String> = families.iter().map(ToString::to_string).collect();
    shown.join(", ")
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
    let fault = |message: &str| ReportError::Study {
        path: file.to_owned(),
        message: message.to_owned(),
    };
    let swept = match expansion.columns.as_slice() {
        [] => None,
        [column] if is_data(column) && column != "dataset" => Some(Swept {
            column: column.clone(),
            reference: spec.report.reference.clone().ok_or_else(|| {
                fault("a curve is of differences from a variant: name it as `reference` under [report]")
            })?,
        }),
        _ => {
            return Err(fault(
                "a sweep of a study has one data set, or moves one setting of generated data: write a file for each",
            ));
        }
    };
    let found = out.join(&name);
    let synthetic = spec
        .datasets
        .iter()
        .all(|source| matches!(source, DatasetSource::Synthetic(_)));
    let digest = match spec.datasets.as_slice() {
        [DatasetSource::Synthetic(synthetic)] => Some(synthetic.digest()),
        [DatasetSource::Video(extraction)] => Some(extraction.digest),
        [DatasetSource::Named(_)] => read_digest(&found.join("dataset.json"))?,
        _ if synthetic => None,
        _ => {
            return Err(fault(
                "a sweep of a study has one data set: write a file for each",
            ));
        }
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
        let digest_of = |cell: &Cell| match &cell.job.dataset {
            DatasetSource::Synthetic(synthetic) => Some(synthetic.digest()),
            DatasetSource::Named(_) | DatasetSource::Video(_) => digest,
        };
        let cells = expansion.cells.iter();
        let ids: Option<BTreeSet<_>> = cells
            .map(|cell| Some(cell.job.id(digest_of(cell)?)))
            .collect();
        if let Some(ids) = ids
            && let Some(cell) = read.cells.iter().find(|cell| !ids.contains(&cell.job_id))
        {
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
        results = Some(read);
    }
    let seeds: BTreeSet<u64> = expansion.cells.iter().map(|cell| cell.job.seed).collect();
    let clips = read_clips(&out.join(format!("{name}-clips")))?;
    Ok(StudySweep {
        name,
        description: spec.description.clone(),
        dataset: dataset_words(&spec.datasets, swept.as_ref()),
        synthetic,
        digest,
        swept,
        settings: shared_settings(&text),
        variants: spec.variant_names().map(str::to_owned).collect(),
        seeds: seeds.len(),
        clips,
        results,
    })
}

/// The sweep of a folder, where there is one.
fn read_clips(folder: &Path) -> Result<Option<SweepResults>, ReportError> {
    if !folder.join("results.csv").exists() {
        return Ok(None);
    }
    Ok(read_csv(folder)?.into_iter().next())
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
