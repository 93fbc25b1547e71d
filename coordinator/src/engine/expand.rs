//! From a submission to what the scheduler takes: the file expanded, every data set's digest known, every job's id made.

use std::collections::BTreeMap;
use std::sync::Arc;

use sweeps::{DatasetSource, Digest, ExtractionSweep};

use crate::model::cells::CellTable;
use crate::model::claims::SweepClaims;
pub use crate::model::expanded::Expanded;
use crate::scheduler::Submission;
use proto::nouns::{Refusal, Requirements, Submit};

/// Text of a sweep file → its cells, or all its faults rendered for people. Arguments: the file's name, its text, the
/// most jobs it may mean. A pure function; a value here so that tests can do without the sweep language.
pub type Expand =
    Arc<dyn Fn(&str, &str, Option<usize>) -> Result<Expanded, String> + Send + Sync + 'static>;

/// Bytes from which on a sweep file is long: reading it takes a hundred times as many, whatever it says.
pub(crate) const LONG_FILE: usize = 128 << 10;

/// The sweep language of the crate `sweeps`.
pub fn sweep_language() -> Expand {
    Arc::new(|file, text, max_jobs| {
        let mut limits = sweeps::expand::Limits::default();
        if let Some(max_jobs) = max_jobs {
            limits.max_jobs = max_jobs;
        }
        if ExtractionSweep::is_meant(text) {
            let sweep = ExtractionSweep::parse(text, limits.max_jobs)
                .map_err(|error| format!("{file}: {error}"))?;
            return Ok(Expanded {
                cells: sweep.cells(),
                name: sweep.name,
                description: sweep.description,
                columns: Vec::new(),
                datasets: BTreeMap::new(),
                // Which workers have the videos and the weights is a matter of labels, which come with the submission.
                requirements: Requirements::default(),
                adaptive: None,
            });
        }
        let (spec, expansion) =
            sweeps::expand::expand_text(file, text, limits).map_err(|faults| faults.to_string())?;
        // The file states one digest: it is that of every data set folder it names.
        let datasets = spec
            .datasets
            .iter()
            .filter_map(|source| match source {
                DatasetSource::Named(name) => Some((name.clone(), spec.dataset_digest?)),
                DatasetSource::Synthetic(_) | DatasetSource::Video(_) => None,
            })
            .collect();
        Ok(Expanded {
            name: spec.name,
            description: spec.description,
            columns: expansion.columns,
            cells: expansion.cells,
            datasets,
            requirements: Requirements {
                device: spec.requirements.device,
                labels: spec.requirements.labels,
                memory_bytes: spec.requirements.memory_bytes,
            },
            adaptive: expansion.adaptive,
        })
    })
}

/// What the file asks for and what came with the submission, which goes before it; labels of both are required.
fn both(file: Requirements, submission: Requirements) -> Requirements {
    let mut labels = file.labels;
    labels.extend(submission.labels);
    labels.sort();
    labels.dedup();
    Requirements {
        device: submission.device.or(file.device),
        labels,
        memory_bytes: submission.memory_bytes.or(file.memory_bytes),
    }
}

/// From so many cells on it is worth a millisecond to give back the memory that their expansion took.
const MANY_CELLS: usize = 5_000;

/// Whether a file of so many bytes took so much memory that it should be given back to the operating system: it is long, has
/// many cells, or was refused (`None`), which may have been after a large grid was made.
pub(crate) fn takes_much(bytes: usize, cells: Option<usize>) -> bool {
    bytes >= LONG_FILE || cells.is_none_or(|cells| cells >= MANY_CELLS)
}

/// Expands the file and gives every job its id: work that is done before the engine is asked, since a large grid takes a
/// second and the engine must not stand still for it. `announced`: the digests of the copies that workers have, by name.
pub(crate) fn resolve(
    submit: Submit,
    expand: &Expand,
    announced: &BTreeMap<String, Vec<Digest>>,
    trainer_revision: u32,
) -> Result<Submission, Refusal> {
    Unidentified::read(submit, expand)?.identify(announced, trainer_revision)
}

/// A file that was expanded; its jobs have no ids yet.
pub(crate) struct Unidentified {
    submit: Submit,
    expanded: Expanded,
}

/// A file that was resolved as far as that goes without asking what workers announced.
pub(crate) enum Resolved {
    Whole(Box<Submission>),
    AsksForCopies(Box<Unidentified>),
}

/// As [`resolve`], where nobody needs to be asked.
pub(crate) fn resolve_alone(
    submit: Submit,
    expand: &Expand,
    trainer_revision: u32,
) -> Result<Resolved, Refusal> {
    let read = Unidentified::read(submit, expand)?;
    if read.asks_for_copies() {
        return Ok(Resolved::AsksForCopies(Box::new(read)));
    }
    let submission = read.identify(&BTreeMap::new(), trainer_revision)?;
    Ok(Resolved::Whole(Box::new(submission)))
}

impl Unidentified {
    fn read(submit: Submit, expand: &Expand) -> Result<Self, Refusal> {
        let expanded = expand(&submit.file, &submit.text, submit.max_jobs)
            .map_err(|rendered| Refusal::InvalidSweep { rendered })?;
        Ok(Self { submit, expanded })
    }

    /// Whether it names data of which neither it nor the submission states the digest.
    fn asks_for_copies(&self) -> bool {
        self.expanded
            .cells
            .iter()
            .any(|cell| match &cell.job.dataset {
                DatasetSource::Named(name) => self.stated(name).is_none(),
                DatasetSource::Synthetic(_) | DatasetSource::Video(_) => false,
            })
    }

    /// The file is the science: what it states goes before what a folder happens to hold.
    fn stated(&self, name: &str) -> Option<&Digest> {
        let stated = self.expanded.datasets.get(name);
        stated.or_else(|| self.submit.datasets.get(name))
    }

    /// Gives every job its id.
    pub(crate) fn identify(
        self,
        announced: &BTreeMap<String, Vec<Digest>>,
        trainer_revision: u32,
    ) -> Result<Submission, Refusal> {
        let mut digests: BTreeMap<DatasetSource, Digest> = BTreeMap::new();
        let mut ids = Vec::with_capacity(self.expanded.cells.len());
        for cell in &self.expanded.cells {
            let source = &cell.job.dataset;
            let digest = if let Some(digest) = digests.get(source) {
                *digest
            } else {
                let digest = match source {
                    DatasetSource::Synthetic(synthetic) => synthetic.digest(),
                    DatasetSource::Video(extraction) => extraction.digest,
                    DatasetSource::Named(name) => {
                        match (self.stated(name), announced.get(name).map(Vec::as_slice)) {
                            (Some(digest), _) | (None, Some([digest])) => *digest,
                            (None, None | Some([])) => {
                                return Err(Refusal::UnknownDataset(name.clone()));
                            }
                            (None, Some(several)) => {
                                return Err(Refusal::DatasetConflict {
                                    name: name.clone(),
                                    digests: several.to_vec(),
                                });
                            }
                        }
                    }
                };
                digests.insert(source.clone(), digest);
                digest
            };
            ids.push(cell.job.id_of_revision(digest, trainer_revision));
        }
        let Self { submit, expanded } = self;
        let table = CellTable::new(expanded.columns, &expanded.cells, &digests)?;
        Ok(Submission {
            name: expanded.name,
            description: expanded.description,
            file: submit.file,
            text: submit.text,
            priority: submit.priority,
            requirements: both(expanded.requirements, submit.requirements),
            dry_run: submit.dry_run,
            claims: expanded
                .adaptive
                .map(|adaptive| Box::new(SweepClaims::new(adaptive, !submit.fixed_seeds))),
            trainer_revision,
            table: Arc::new(table),
            ids,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_after_long_large_and_refused_files() {
        assert!(!takes_much(1000, Some(MANY_CELLS - 1)));
        assert!(takes_much(1000, Some(MANY_CELLS)));
        assert!(takes_much(LONG_FILE, Some(1)));
        assert!(takes_much(1000, None));
    }

    #[test]
    fn requirements_of_the_file_reach_the_jobs_and_change_no_id() {
        let text = "name = \"s\"\n[dataset.synthetic]\nvideos = 8\nmean_length = 9\ndimension = 8\nseed = 1\n\
                    [job]\nepochs = 1\nbatch_size = 4\n[axes]\nseed = [1, 2]\n";
        let resolved = |text: String, requirements| {
            let submit = Submit {
                file: "s.toml".into(),
                text,
                requirements,
                ..Submit::default()
            };
            resolve(
                submit,
                &sweep_language(),
                &BTreeMap::new(),
                sweeps::TRAINER_REVISION,
            )
            .unwrap()
        };
        let plain = resolved(text.into(), Requirements::default());
        assert_eq!(plain.requirements, Requirements::default());
        let file = format!(
            "{text}[requirements]\ndevice = \"cuda\"\nlabels = [\"big\"]\nmemory_bytes = 7\n"
        );
        let asked = Requirements {
            device: Some("cpu".into()),
            labels: vec!["ours".into()],
            memory_bytes: None,
        };
        let both = resolved(file, asked);
        assert_eq!(both.ids, plain.ids);
        let expected = Requirements {
            device: Some("cpu".into()),
            labels: vec!["big".into(), "ours".into()],
            memory_bytes: Some(7),
        };
        assert_eq!(both.requirements, expected);
    }
}
