//! The evidence of a box, read and checked as far as reading needs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proto::nouns::{AuditStamp, Counts, SweepInfo, SweepSummary, Timestamp};
use publication::content::DataFacts;
use publication::verification::Fault;
use publication::{
    ChainFault, DataContent, FORMAT, Ledger, Line, Manifest, SweepEvidence, chain, layout,
};
use serde::de::DeserializeOwned;
use sweeps::{Cell, CellResult, Digest, JobId, JobStatus, RunRecord, SweepSpec};

use crate::command::source::Results;
use crate::error::CommandError;

/// No file of a box is larger: what claims to be is refused before it is read.
const LARGEST: u64 = 4 << 30;

/// What is said of a file that is not there.
pub const MISSING: &str = "it is missing";

/// A box whose evidence was read.
pub struct OpenBox {
    /// Where it is.
    pub folder: PathBuf,
    /// What it is.
    pub manifest: Manifest,
    /// The journal, as far as it can be read.
    pub lines: Vec<Line>,
    /// Why it cannot be read further.
    pub unreadable: Option<ChainFault>,
    /// Its sweeps.
    pub sweeps: Vec<OpenSweep>,
    /// Its data sets.
    pub datasets: Vec<DataContent>,
    /// What the journal says of its jobs.
    pub ledger: Ledger,
}

/// A sweep of it.
pub struct OpenSweep {
    /// Its name.
    pub named: publication::manifest::Named,
    /// Where its jobs stand.
    pub evidence: SweepEvidence,
    /// Its file.
    pub spec: SweepSpec,
    /// The swept columns.
    pub columns: Vec<String>,
    /// Its cells.
    pub cells: Vec<Cell>,
}

impl OpenBox {
    /// Reads the evidence.
    ///
    /// # Errors
    /// The first file that is not there, or does not say what it must.
    pub fn open(folder: &Path) -> Result<Self, Fault> {
        let manifest: Manifest = read_json(folder, layout::MANIFEST)?;
        if manifest.format != FORMAT {
            return Err(Fault::new(
                layout::MANIFEST,
                "",
                format!(
                    "it is a box of format {}, this program reads format {FORMAT}",
                    manifest.format
                ),
            ));
        }
        for named in manifest.sweeps.iter().chain(&manifest.datasets) {
            if layout::plain(&named.files) != named.files {
                let what = format!("`{}` cannot be the name of a file", named.files);
                return Err(Fault::new(layout::MANIFEST, "", what));
            }
        }
        let (lines, unreadable) = chain::read(&read_text(folder, layout::JOURNAL)?);
        let mut sweeps = Vec::new();
        for named in &manifest.sweeps {
            let path = layout::sweep_evidence(&named.files);
            let evidence: SweepEvidence = read_json(folder, &path)?;
            if evidence.name != named.name {
                let what = format!("it is of `{}`, not of `{}`", evidence.name, named.name);
                return Err(Fault::new(path, "", what));
            }
            let file = layout::sweep_file(&named.files);
            let text = read_text(folder, &file)?;
            let (spec, expansion) = evidence
                .cells(&text)
                .map_err(|misfit| Fault::new(file, "", misfit.to_string()))?;
            sweeps.push(OpenSweep {
                named: named.clone(),
                evidence,
                spec,
                columns: expansion.columns,
                cells: expansion.cells,
            });
        }
        let mut datasets = Vec::new();
        for named in &manifest.datasets {
            let facts: DataFacts = read_json(folder, &layout::dataset_facts(&named.files))?;
            let below = layout::dataset_folder(&named.files);
            datasets.push(DataContent {
                named: named.clone(),
                facts,
                files: walk(folder, &below)
                    .map_err(|error| Fault::new(&below, "", error.to_string()))?,
            });
        }
        let jobs: BTreeSet<JobId> = sweeps
            .iter()
            .flat_map(|sweep| sweep.evidence.job_ids())
            .collect();
        let ledger = Ledger::of(&lines, &jobs).map_err(|fault| {
            Fault::new(layout::JOURNAL, format!("line {}", fault.line), fault.what)
        })?;
        Ok(Self {
            folder: folder.to_owned(),
            manifest,
            lines,
            unreadable,
            sweeps,
            datasets,
            ledger,
        })
    }

    /// The jobs that have a result, each with its first sweep and the position of its first cell there.
    pub fn finished(&self) -> BTreeMap<JobId, (&OpenSweep, usize)> {
        let mut finished = BTreeMap::new();
        for sweep in &self.sweeps {
            for (position, job) in sweep.evidence.jobs.iter().enumerate() {
                if job.status == JobStatus::Done {
                    finished.entry(job.job).or_insert((sweep, position));
                }
            }
        }
        finished
    }

    /// The record of a job.
    ///
    /// # Errors
    /// It is not there, or not that job's.
    pub fn record(&self, job: JobId) -> Result<RunRecord, Fault> {
        let path = layout::record(job);
        let record: RunRecord = read_json(&self.folder, &path)?;
        if record.job_id == job {
            Ok(record)
        } else {
            let what = format!("it is the record of job {}", record.job_id.short());
            Err(Fault::new(path, "", what))
        }
    }

    fn sweep(&self, name: &str) -> Result<&OpenSweep, CommandError> {
        self.sweeps
            .iter()
            .find(|sweep| sweep.named.name == name)
            .ok_or_else(|| CommandError::Usage(format!("the box has no sweep `{name}`")))
    }
}

impl Results for OpenBox {
    async fn sweep_info(&self, sweep: &str) -> Result<SweepInfo, CommandError> {
        let sweep = self.sweep(sweep)?;
        let evidence = &sweep.evidence;
        let audit = &evidence.audit;
        let mut counts = Counts::default();
        for status in evidence
            .jobs
            .iter()
            .map(|job| (job.job, job.status))
            .collect::<BTreeMap<_, _>>()
            .into_values()
        {
            counts.0[status as usize] += 1;
        }
        Ok(SweepInfo {
            summary: SweepSummary {
                name: evidence.name.clone(),
                description: sweep.spec.description.clone(),
                priority: 0,
                paused: false,
                cancelled: false,
                submitted_at: Timestamp(evidence.submitted_ms),
                cells: evidence.jobs.len() as u64,
                counts,
            },
            file: evidence.file.clone(),
            text: sweep.spec.text.clone(),
            columns: sweep.columns.clone(),
            datasets: evidence.datasets.clone(),
            more_datasets: 0,
            trainer_revision: evidence.trainer_revision,
            discrepancies: evidence.discrepancies,
            lost_ms: evidence.lost_ms,
            claims: evidence.claims.clone().map(Box::new),
            audit: AuditStamp {
                waiting: audit.waiting,
                equal: audit.equal,
                within: audit.within,
                different: audit.different,
                failed: audit.failed,
                tolerance: audit.tolerance,
            },
        })
    }

    async fn cells(&self, sweep: &str) -> Result<Vec<CellResult>, CommandError> {
        let sweep = self.sweep(sweep)?;
        let mut known: BTreeMap<JobId, Arc<RunRecord>> = BTreeMap::new();
        let mut cells = Vec::with_capacity(sweep.cells.len());
        for (cell, job) in sweep.cells.iter().zip(&sweep.evidence.jobs) {
            let mut record = None;
            if job.status == JobStatus::Done {
                let read = match known.get(&job.job) {
                    Some(read) => Arc::clone(read),
                    None => Arc::new(self.record(job.job).map_err(|fault| as_error(&fault))?),
                };
                known.insert(job.job, Arc::clone(&read));
                record = Some(read);
            }
            cells.push(CellResult {
                cell: cell.clone(),
                job_id: job.job,
                status: job.status,
                record,
                live: Vec::new(),
                attempts: job.attempts,
                error: job.error.clone(),
            });
        }
        Ok(cells)
    }

    async fn artifact(&self, digest: Digest, most: u64) -> Result<Vec<u8>, CommandError> {
        let path = layout::artifact(digest);
        let bytes = read_bytes(&self.folder, &path).map_err(|fault| as_error(&fault))?;
        if bytes.len() as u64 > most {
            return Err(CommandError::Input(format!(
                "{path} has more than {most} bytes"
            )));
        }
        if Digest::of(&bytes) != digest {
            return Err(CommandError::Input(format!(
                "{path} has other bytes than its name says"
            )));
        }
        Ok(bytes)
    }
}

/// A fault at the command line.
pub fn as_error(fault: &Fault) -> CommandError {
    CommandError::Input(fault.to_string())
}

/// A file of a box.
pub fn read_bytes(folder: &Path, path: &str) -> Result<Vec<u8>, Fault> {
    let fault = |error: std::io::Error| {
        let what = if error.kind() == std::io::ErrorKind::NotFound {
            MISSING.to_owned()
        } else {
            format!("it cannot be read: {error}")
        };
        Fault::new(path, "", what)
    };
    let at = folder.join(path);
    // A link would lead out of the box.
    let metadata = std::fs::symlink_metadata(&at).map_err(fault)?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(Fault::new(path, "", "it is no file of a box"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(&at)
        .and_then(|file| file.take(LARGEST).read_to_end(&mut bytes))
        .map_err(fault)?;
    Ok(bytes)
}

fn read_text(folder: &Path, path: &str) -> Result<String, Fault> {
    String::from_utf8(read_bytes(folder, path)?).map_err(|error| {
        Fault::new(
            path,
            format!("byte {}", error.utf8_error().valid_up_to()),
            "it is no text",
        )
    })
}

fn read_json<T: DeserializeOwned>(folder: &Path, path: &str) -> Result<T, Fault> {
    serde_json::from_slice(&read_bytes(folder, path)?).map_err(|error| {
        Fault::new(
            path,
            format!("line {}, column {}", error.line(), error.column()),
            format!("it does not say what it must: {error}"),
        )
    })
}

/// Every file below a folder of a box, with its length, in order; none where the folder is not there.
pub fn walk(root: &Path, below: &str) -> std::io::Result<Vec<(String, u64)>> {
    let mut found = Vec::new();
    let mut folders = vec![below.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(root.join(&folder)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() {
                name
            } else {
                format!("{folder}/{name}")
            };
            let metadata = entry.metadata()?;
            if metadata.is_dir() {
                folders.push(path);
            } else {
                found.push((path, metadata.len()));
            }
        }
    }
    found.sort();
    Ok(found)
}
