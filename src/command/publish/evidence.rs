//! What is gathered of sweeps from a state folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use coordinator::state::StateReader;
use datasets::Dataset;
use proto::nouns::{Refusal, SweepInfo};
use publication::content::DataFacts;
use publication::{Aliases, AuditFacts, JobFacts, Manifest, SweepEvidence, layout};
use reports::{DatasetInfo, SweepResults};
use sweeps::{CellResult, DatasetSource, Digest, JobId, RunRecord, Synthetic};

use crate::command::published::{pretty, put};
use crate::command::report;
use crate::command::source::refused;
use crate::data_folders::Folders;
use crate::error::CommandError;
use crate::output::say;

/// Numbers of a synthetic data set that is made to count its splits: it takes memory.
const MOST_MADE: u64 = 50_000_000;
/// A larger artifact than this is none of a record.
const MOST_BYTES: u64 = 4 << 30;

/// What is gathered.
pub struct Gathered {
    sweeps: Vec<(SweepEvidence, String)>,
    records: BTreeMap<JobId, Arc<RunRecord>>,
    /// The data sets of all of them.
    pub datasets: Vec<DataFacts>,
    /// Those that this machine has, of the same digest.
    pub here: BTreeMap<String, Dataset>,
}

impl Gathered {
    /// Reads the sweeps of those names.
    pub fn of(
        reader: &StateReader,
        names: &[String],
        folders: &Folders,
    ) -> Result<Self, CommandError> {
        let mut gathered = Self {
            sweeps: Vec::new(),
            records: BTreeMap::new(),
            datasets: Vec::new(),
            here: BTreeMap::new(),
        };
        for name in names {
            let info = reader.sweep_info(name).map_err(refused)?;
            let mut cells = Vec::new();
            reader
                .each_cell(name, &mut |cell| cells.push(cell))
                .map_err(refused)?;
            if cells
                .iter()
                .any(|cell| cell.cell.job.extraction().is_some())
            {
                return Err(CommandError::Usage(format!(
                    "`{name}` extracts features and trains nothing: it has no results to publish"
                )));
            }
            gathered.open(&info, folders)?;
            gathered.add(info, cells)?;
        }
        Ok(gathered)
    }

    /// Opens the data sets of a sweep, as far as their folders are named.
    fn open(&mut self, info: &SweepInfo, folders: &Folders) -> Result<(), CommandError> {
        for name in info.datasets.keys() {
            if let Some(folder) = folders.0.get(name)
                && !self.here.contains_key(name)
            {
                let dataset = datasets::open(folder)
                    .map_err(|error| CommandError::Input(error.to_string()))?;
                self.here.insert(name.clone(), dataset);
            }
        }
        Ok(())
    }

    fn add(&mut self, info: SweepInfo, cells: Vec<CellResult>) -> Result<(), CommandError> {
        let audit = info.audit;
        let jobs = cells
            .iter()
            .map(|cell| JobFacts {
                job: cell.job_id,
                status: cell.status,
                attempts: cell.attempts,
                error: cell.error.clone(),
            })
            .collect();
        let datasets = report::datasets_of(&info, &cells, &self.here);
        // Claims add cells behind those of the file.
        let limits = publication::expansion_limits(cells.len());
        let of_file = sweeps::expand_text(&info.file, &info.text, limits)
            .map_or(cells.len(), |(_, expansion)| expansion.cells.len());
        let added = cells
            .iter()
            .skip(of_file)
            .map(|cell| cell.cell.clone())
            .collect();
        let evidence = SweepEvidence {
            claims: info.claims.as_deref().cloned(),
            added,
            name: info.summary.name.clone(),
            file: info.file.clone(),
            submitted_ms: info.summary.submitted_at.0,
            trainer_revision: info.trainer_revision,
            datasets: info.datasets.clone(),
            discrepancies: info.discrepancies,
            lost_ms: info.lost_ms,
            audit: AuditFacts {
                waiting: audit.waiting,
                equal: audit.equal,
                within: audit.within,
                different: audit.different,
                failed: audit.failed,
                tolerance: audit.tolerance,
            },
            jobs,
        };
        for cell in &cells {
            if let Some(record) = &cell.record {
                self.records.insert(cell.job_id, Arc::clone(record));
            }
        }
        let used = SweepResults {
            cells,
            datasets,
            ..SweepResults::default()
        };
        let made: BTreeMap<String, &Synthetic> = used
            .cells
            .iter()
            .filter_map(|cell| match &cell.cell.job.dataset {
                source @ DatasetSource::Synthetic(synthetic) => {
                    Some((source.to_string(), synthetic))
                }
                _ => None,
            })
            .collect();
        for mut info in used.datasets_in_use() {
            if self.datasets.iter().any(|known| known.name == info.name) {
                continue;
            }
            if let Some(synthetic) = made.get(&info.name) {
                count(synthetic, &mut info)?;
            }
            self.datasets.push((&info).into());
        }
        self.sweeps.push((evidence, info.text));
        Ok(())
    }

    /// Every job of the sweeps.
    pub fn jobs(&self) -> BTreeSet<JobId> {
        let sweeps = self.sweeps.iter();
        sweeps
            .flat_map(|(evidence, _)| evidence.job_ids())
            .collect()
    }

    /// Takes names out of it.
    pub fn hide(&mut self, aliases: &Aliases) -> Result<(), CommandError> {
        for (evidence, _) in &mut self.sweeps {
            let file = aliases.text(&evidence.file);
            file.trim_start_matches("…/").clone_into(&mut evidence.file);
            for job in &mut evidence.jobs {
                job.error = job.error.as_deref().map(|error| aliases.text(error));
            }
        }
        for record in self.records.values_mut() {
            let mut value =
                serde_json::to_value(&**record).map_err(|error| CommandError::other(&error))?;
            aliases.value(&mut value);
            *record = Arc::new(
                serde_json::from_value(value).map_err(|error| CommandError::other(&error))?,
            );
        }
        Ok(())
    }

    /// Writes it into the box.
    pub fn write(
        &self,
        out: &Path,
        manifest: &Manifest,
        reader: &StateReader,
    ) -> Result<(), CommandError> {
        for ((evidence, text), named) in self.sweeps.iter().zip(&manifest.sweeps) {
            put(out, &layout::sweep_file(&named.files), text.as_bytes())?;
            let evidence_path = layout::sweep_evidence(&named.files);
            put(out, &evidence_path, pretty(evidence)?.as_bytes())?;
        }
        for (facts, named) in self.datasets.iter().zip(&manifest.datasets) {
            let path = layout::dataset_facts(&named.files);
            put(out, &path, pretty(facts)?.as_bytes())?;
        }
        let mut artifacts: BTreeSet<Digest> = BTreeSet::new();
        for (job, record) in &self.records {
            put(out, &layout::record(*job), pretty(&**record)?.as_bytes())?;
            artifacts.extend(
                record
                    .outcome
                    .artifacts
                    .iter()
                    .map(|artifact| artifact.digest),
            );
        }
        for digest in artifacts {
            match reader.artifact(digest, MOST_BYTES) {
                Ok(bytes) => put(out, &layout::artifact(digest), &bytes)?,
                // A figure is lost by it, and no result: the report says so.
                Err(Refusal::Storage(what)) => {
                    say(&format!("warning: {what}; the box goes without it"));
                }
                Err(refusal) => return Err(refused(refusal)),
            }
        }
        Ok(())
    }
}

/// Counts the splits of a synthetic data set.
fn count(synthetic: &Synthetic, info: &mut DatasetInfo) -> Result<(), CommandError> {
    let numbers = [synthetic.videos, synthetic.mean_length, synthetic.dimension];
    if numbers.into_iter().map(u64::from).product::<u64>() > MOST_MADE {
        return Ok(());
    }
    let made =
        datasets::synthesize(synthetic).map_err(|error| CommandError::Input(error.to_string()))?;
    let splits = made.facts();
    info.train = Some(report::counts(splits.train, false));
    info.test = Some(report::counts(splits.test, true));
    Ok(())
}
