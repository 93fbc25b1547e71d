//! A sweep file with the data sets it names, as far as this machine has them: what `run`, `plan` and `submit` begin with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use datasets::Dataset;
use sweeps::{Cell, DatasetSource, Digest, Expansion, JobId, Limits, SweepSpec, expand_text};

use crate::arguments::Selection;
use crate::data_folders::Folders;
use crate::error::CommandError;
use crate::output::say;

/// Sweep files are written by people; a larger one is something else.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// Numbers of a synthetic data set that is made to be looked at: it takes memory.
const MOST_MADE: u64 = 50_000_000;

/// A sweep file, expanded.
#[derive(Debug)]
pub struct SweepFile {
    /// The path as it was typed.
    pub path: String,
    /// The file, parsed.
    pub spec: SweepSpec,
    /// Its cells.
    pub expansion: Expansion,
    /// The named data sets that this machine has.
    pub datasets: BTreeMap<String, Dataset>,
    /// Their folders.
    pub folders: BTreeMap<String, PathBuf>,
}

/// What tells a cell's job from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobKey {
    /// Its id.
    Id(JobId),
    /// The id that it would have if its data set's digest were that of its name.
    StandIn(JobId),
}

impl JobKey {
    /// The job's id, where it is known.
    pub fn id(self) -> Option<JobId> {
        match self {
            Self::Id(id) => Some(id),
            Self::StandIn(_) => None,
        }
    }
}

impl SweepFile {
    /// Reads the file and leaves the selected cells.
    ///
    /// # Errors
    /// Those of [`Self::read`] and [`Self::keep_only`].
    pub fn select(selection: &Selection) -> Result<Self, CommandError> {
        let mut file = Self::read(&selection.sweep, selection.max_jobs)?;
        file.keep_only(&selection.only, selection.max_jobs)?;
        Ok(file)
    }

    /// Reads and expands the file; its oddities are said on stderr.
    ///
    /// # Errors
    /// A file that cannot be read, or all its faults.
    pub fn read(path: &Path, max_jobs: usize) -> Result<Self, CommandError> {
        let shown = path.display().to_string();
        let length = std::fs::metadata(path)
            .map_err(|error| {
                CommandError::Input(format!("cannot read the sweep file {shown}: {error}"))
            })?
            .len();
        if length > MAX_FILE_BYTES {
            return Err(CommandError::Input(format!(
                "{shown} has {length} bytes: a sweep file has at most {MAX_FILE_BYTES}"
            )));
        }
        let text = std::fs::read_to_string(path).map_err(|error| {
            CommandError::Input(format!("cannot read the sweep file {shown}: {error}"))
        })?;
        let (spec, expansion) = expand_text(&shown, &text, Limits { max_jobs })?;
        for warning in &spec.warnings {
            say(&sweeps::fault::render_warning(&shown, &text, warning));
        }
        Ok(Self {
            path: shown,
            spec,
            expansion,
            datasets: BTreeMap::new(),
            folders: BTreeMap::new(),
        })
    }

    /// Leaves only the cells that one of the selections has, each the job that it is in the whole sweep. The file's text says
    /// so from now on, as its end.
    ///
    /// # Errors
    /// A selection that has no cell, with what there is.
    fn keep_only(&mut self, selections: &[String], max_jobs: usize) -> Result<(), CommandError> {
        if selections.is_empty() {
            return Ok(());
        }
        if self.spec.selections().next().is_some() {
            return Err(CommandError::Usage(format!(
                "{} has an [only] section already, and --only would be a second one\n\nhint: remove one of the two",
                self.path
            )));
        }
        let section = sweeps::only_section(&self.expansion, selections).map_err(|error| {
            CommandError::Usage(format!("--only {}\n\nhint: {}", error.message, error.help))
        })?;
        let text = format!("{}{section}", self.spec.text);
        (self.spec, self.expansion) = expand_text(&self.path, &text, Limits { max_jobs })?;
        Ok(())
    }

    /// Opens and checks the named data sets for which a folder is known.
    ///
    /// # Errors
    /// A data set that fails its checks, or whose digest is not the one that the file demands.
    pub fn open_datasets(&mut self, folders: &Folders) -> Result<(), CommandError> {
        for source in &self.spec.datasets {
            let DatasetSource::Named(name) = source else {
                continue;
            };
            let Some(folder) = folders.0.get(name) else {
                continue;
            };
            let dataset =
                datasets::open(folder).map_err(|error| CommandError::Input(error.to_string()))?;
            if let Some(demanded) = self.spec.dataset_digest
                && demanded != dataset.digest
            {
                return Err(CommandError::Input(format!(
                    "{} is not the data set that {} demands:\n  demanded digest {demanded}\n  this folder has {}",
                    folder.display(),
                    self.path,
                    dataset.digest
                )));
            }
            self.datasets.insert(name.clone(), dataset);
            self.folders.insert(name.clone(), folder.clone());
        }
        Ok(())
    }

    /// The digest of a data set, if this machine or the file knows it.
    pub fn digest_of(&self, source: &DatasetSource) -> Option<Digest> {
        match source {
            DatasetSource::Synthetic(synthetic) => Some(synthetic.digest()),
            DatasetSource::Video(extraction) => Some(extraction.digest),
            DatasetSource::Named(name) => self
                .datasets
                .get(name)
                .map(|dataset| dataset.digest)
                .or(self.spec.dataset_digest),
        }
    }

    /// Digests of the named data sets, to be sent with a submission.
    pub fn digests(&self) -> BTreeMap<String, Digest> {
        self.spec
            .datasets
            .iter()
            .filter_map(|source| match source {
                DatasetSource::Named(name) => Some((name.clone(), self.digest_of(source)?)),
                DatasetSource::Synthetic(_) | DatasetSource::Video(_) => None,
            })
            .collect()
    }

    /// The job of each cell, in the order of the cells. Where the data set's digest is not known, a stand-in for it tells jobs
    /// apart as the digest would.
    pub fn job_keys(&self) -> Vec<JobKey> {
        let key = |cell: &Cell| match self.digest_of(&cell.job.dataset) {
            Some(digest) => JobKey::Id(cell.job.id(digest)),
            None => JobKey::StandIn(
                cell.job
                    .id(Digest::of(cell.job.dataset.to_string().as_bytes())),
            ),
        };
        self.expansion.cells.iter().map(key).collect()
    }

    /// Demands that every named data set has a folder: a machine that runs all of a sweep needs all its data.
    ///
    /// # Errors
    /// The names that lack a folder, and how to give one.
    pub fn demand_datasets(&self) -> Result<(), CommandError> {
        let missing: Vec<&str> = self
            .spec
            .datasets
            .iter()
            .filter_map(|source| match source {
                DatasetSource::Named(name) if !self.datasets.contains_key(name) => {
                    Some(name.as_str())
                }
                _ => None,
            })
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let flags: Vec<String> = missing
            .iter()
            .map(|name| format!("--data {name}=DIR"))
            .collect();
        Err(CommandError::Input(format!(
            "{} names the data set{} `{}`, and this machine was not told where to find {}\n\nhint: add {}, or set GCL_DATA",
            self.path,
            if missing.len() == 1 { "" } else { "s" },
            missing.join("`, `"),
            if missing.len() == 1 { "it" } else { "them" },
            flags.join(" ")
        )))
    }

    /// The data set as far as it is known without training; a large synthetic one is left to the workers.
    pub fn with_dataset<T>(
        &self,
        source: &DatasetSource,
        take: impl FnOnce(&Dataset) -> T,
    ) -> Option<T> {
        match source {
            DatasetSource::Named(name) => self.datasets.get(name).map(take),
            DatasetSource::Video(_) => None,
            DatasetSource::Synthetic(synthetic) => {
                let numbers = u64::from(synthetic.videos)
                    * u64::from(synthetic.mean_length)
                    * u64::from(synthetic.dimension);
                (numbers < MOST_MADE)
                    .then(|| datasets::outline(synthetic).ok())
                    .flatten()
                    .as_ref()
                    .map(take)
            }
        }
    }
}
