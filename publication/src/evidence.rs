//! What is known of a sweep where it ran, beyond its file, its records and the journal.

use std::collections::BTreeMap;

use looks::ClaimsView;
use serde::{Deserialize, Serialize};
use sweeps::{Cell, DatasetSource, Digest, Expansion, JobId, JobStatus, Limits, SweepSpec};

/// A sweep's cells are its file's, and those that its claims added: only where each job stands is kept, in their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepEvidence {
    /// The sweep's name.
    pub name: String,
    /// The file's name as it was submitted.
    pub file: String,
    /// When it was submitted, in milliseconds since 1970.
    pub submitted_ms: u64,
    /// The trainer's revision in its jobs' ids.
    pub trainer_revision: u32,
    /// Its data sets as people call them, with the digests that its jobs have.
    pub datasets: BTreeMap<String, Digest>,
    /// Records of its jobs that differed though they must not.
    pub discrepancies: u64,
    /// Milliseconds of attempts that ended without a result.
    pub lost_ms: u64,
    /// What audits found.
    pub audit: AuditFacts,
    /// Where its claims stand, where it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<ClaimsView>,
    /// The cells that its claims added behind those of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<Cell>,
    /// Where the job of each cell stands: of the file's cells in their order, then of those that were added.
    pub jobs: Vec<JobFacts>,
}

/// What audits of a sweep's jobs found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct AuditFacts {
    /// Jobs that wait for theirs.
    pub waiting: u64,
    /// Equal to the bit.
    pub equal: u64,
    /// Near, on another kind of device.
    pub within: u64,
    /// Different.
    pub different: u64,
    /// Not run again.
    pub failed: u64,
    /// What near means: a difference of AUC.
    pub tolerance: f64,
}

/// Where a cell's job stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFacts {
    /// Its id.
    pub job: JobId,
    /// Where it stands.
    pub status: JobStatus,
    /// Attempts so far.
    pub attempts: u32,
    /// The last failure of a job without a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Why a sweep file and what is known of its jobs do not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// The file is not valid.
    #[error("the sweep file is not valid: {0}")]
    File(String),
    /// There are other cells than jobs.
    #[error(
        "the sweep file means {cells} cells, the evidence has {jobs}: one of the two was changed"
    )]
    Count {
        /// Of the file.
        cells: usize,
        /// Of the evidence.
        jobs: usize,
    },
    /// A cell's job is another one.
    #[error(
        "cell {cell} ({variant}, seed {seed}) of the sweep file is job {file}, in the evidence it is {evidence}: the file, a data set's digest or the job was changed"
    )]
    Job {
        /// Its position, from 1.
        cell: usize,
        /// Its variant.
        variant: String,
        /// Its seed.
        seed: u64,
        /// By the file.
        file: String,
        /// By the evidence.
        evidence: String,
    },
    /// A data set has no digest.
    #[error("the evidence has no digest of the data set `{0}`")]
    NoDigest(String),
}

/// How many jobs the sweep file of so many may mean: one with claims means more than were ever needed.
pub fn expansion_limits(jobs: usize) -> Limits {
    let usual = Limits::default();
    Limits {
        max_jobs: usual.max_jobs.max(jobs),
    }
}

impl SweepEvidence {
    /// The cells of the sweep file, each checked to be the job that the evidence names.
    ///
    /// # Errors
    /// [`Misfit`].
    pub fn cells(&self, text: &str) -> Result<(SweepSpec, Expansion), Misfit> {
        let limits = expansion_limits(self.jobs.len());
        let (spec, mut expansion) = sweeps::expand_text(&self.file, text, limits)
            .map_err(|faults| Misfit::File(faults.to_string()))?;
        expansion.cells.extend(self.added.iter().cloned());
        if expansion.cells.len() != self.jobs.len() {
            return Err(Misfit::Count {
                cells: expansion.cells.len(),
                jobs: self.jobs.len(),
            });
        }
        for (position, (cell, known)) in expansion.cells.iter().zip(&self.jobs).enumerate() {
            let digest = self.digest_of(cell)?;
            let job = cell.job.id_of_revision(digest, self.trainer_revision);
            if job != known.job {
                return Err(Misfit::Job {
                    cell: position + 1,
                    variant: cell.variant.clone(),
                    seed: cell.job.seed,
                    file: job.short(),
                    evidence: known.job.short(),
                });
            }
        }
        Ok((spec, expansion))
    }

    /// The jobs of its cells, in their order.
    pub fn job_ids(&self) -> impl Iterator<Item = JobId> + '_ {
        self.jobs.iter().map(|job| job.job)
    }

    /// The digest of the data that a cell's job reads.
    fn digest_of(&self, cell: &Cell) -> Result<Digest, Misfit> {
        match &cell.job.dataset {
            DatasetSource::Synthetic(synthetic) => Ok(synthetic.digest()),
            DatasetSource::Video(extraction) => Ok(extraction.digest),
            DatasetSource::Named(name) => self
                .datasets
                .get(name)
                .copied()
                .ok_or_else(|| Misfit::NoDigest(name.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Claims may ask for more seeds than were ever needed: that is no fault of the file's.
    #[test]
    fn a_file_with_claims_may_mean_more_jobs_than_there_are() {
        let text = "name = \"t\"\n[dataset]\nname = \"d\"\n[[variant]]\nname = \"a\"\njob = { method = \"autoencoder\" }\n[[variant]]\nname = \"b\"\n\
                    [adaptive]\nclaims = [\"b > a\"]\nmin = 5\nmax = 60\n";
        let evidence = SweepEvidence {
            name: "t".into(),
            file: "t.toml".into(),
            submitted_ms: 0,
            trainer_revision: 2,
            datasets: BTreeMap::new(),
            discrepancies: 0,
            lost_ms: 0,
            audit: AuditFacts::default(),
            claims: None,
            added: Vec::new(),
            jobs: Vec::new(),
        };
        // Ten cells and no jobs: only that is said.
        let misfit = evidence.cells(text).unwrap_err();
        assert!(
            matches!(misfit, Misfit::Count { cells: 10, jobs: 0 }),
            "{misfit}"
        );
    }
}
