//! What the derived half of a box is made from.

use std::collections::BTreeMap;

use reports::{DatasetInfo, SplitCounts, SweepResults};
use serde::{Deserialize, Serialize};
use sweeps::{Cell, Digest, JobId, RunRecord};

use crate::evidence::SweepEvidence;
use crate::ledger::Ledger;
use crate::manifest::{Manifest, Named};

/// Everything that a box says, read.
#[derive(Debug, Clone, Copy)]
pub struct Content<'a> {
    /// What it is.
    pub manifest: &'a Manifest,
    /// Its sweeps.
    pub sweeps: &'a [SweepContent<'a>],
    /// What the journal says of their jobs.
    pub ledger: &'a Ledger,
    /// Its data sets.
    pub datasets: &'a [DataContent],
}

/// A sweep.
#[derive(Debug, Clone, Copy)]
pub struct SweepContent<'a> {
    /// Its name, and that of its files.
    pub named: &'a Named,
    /// Where its jobs stand.
    pub evidence: &'a SweepEvidence,
    /// Its results, as the report has them.
    pub results: &'a SweepResults,
}

/// A data set.
#[derive(Debug, Clone)]
pub struct DataContent {
    /// Its name, and that of its files.
    pub named: Named,
    /// What is known of it.
    pub facts: DataFacts,
    /// Its files in the box, with their lengths; none where only its digest is there.
    pub files: Vec<(String, u64)>,
}

/// What is known of a data set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataFacts {
    /// Its name, as sweep files use it.
    pub name: String,
    /// What its own dataset.toml calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_name: Option<String>,
    /// Digest of its files, or of the settings that it is made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Whether a generator makes it.
    pub synthetic: bool,
    /// Width of a feature row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature_dim: Option<u64>,
    /// Its licence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Where it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What made the features.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extractor: Option<String>,
    /// Counts of the training split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train: Option<Counts>,
    /// Counts of the test split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<Counts>,
}

/// Counts of a split.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Videos.
    pub videos: u64,
    /// Segments.
    pub segments: u64,
    /// Frames.
    pub frames: u64,
    /// Anomalous frames, where there is truth of frames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anomalous_frames: Option<u64>,
}

impl From<&DatasetInfo> for DataFacts {
    fn from(info: &DatasetInfo) -> Self {
        let counts = |counts: SplitCounts| Counts {
            videos: counts.videos,
            segments: counts.segments,
            frames: counts.frames,
            anomalous_frames: counts.anomalous_frames,
        };
        Self {
            name: info.name.clone(),
            own_name: info.own_name.clone(),
            digest: info.digest,
            synthetic: info.synthetic,
            feature_dim: info.feature_dim,
            licence: info.licence.clone(),
            source: info.source.clone(),
            extractor: info.extractor.clone(),
            train: info.train.map(counts),
            test: info.test.map(counts),
        }
    }
}

impl From<&DataFacts> for DatasetInfo {
    fn from(facts: &DataFacts) -> Self {
        let counts = |counts: Counts| SplitCounts {
            videos: counts.videos,
            segments: counts.segments,
            frames: counts.frames,
            anomalous_frames: counts.anomalous_frames,
        };
        Self {
            name: facts.name.clone(),
            own_name: facts.own_name.clone(),
            digest: facts.digest,
            synthetic: facts.synthetic,
            feature_dim: facts.feature_dim,
            licence: facts.licence.clone(),
            source: facts.source.clone(),
            extractor: facts.extractor.clone(),
            train: facts.train.map(counts),
            test: facts.test.map(counts),
        }
    }
}

impl<'a> SweepContent<'a> {
    /// The records of its jobs, each once however many cells share it.
    pub fn records(&self) -> BTreeMap<JobId, &'a RunRecord> {
        self.results
            .cells
            .iter()
            .filter_map(|cell| Some((cell.job_id, cell.record.as_deref()?)))
            .collect()
    }

    /// Seconds in the trainer of the jobs that have a result.
    pub fn trained_seconds(&self) -> f64 {
        let records = self.records();
        records
            .values()
            .map(|record| record.provenance.duration_s)
            .sum()
    }

    /// Seconds of attempts without a result.
    pub fn lost_seconds(&self) -> f64 {
        self.evidence.lost_ms as f64 / 1000.0
    }
}

/// A cell for people: `GCL_PT, supervision_percent = 33, seed 4`.
pub fn cell_label(columns: &[String], cell: &Cell) -> String {
    let mut label = cell.variant.clone();
    for (column, value) in columns.iter().zip(&cell.point) {
        if let Some(value) = value {
            label += &format!(", {column} = {value}");
        }
    }
    label + &format!(", seed {}", cell.job.seed)
}

/// A time as people say it: `48 s`, `12.5 min`, `3.2 h`.
pub fn duration(seconds: f64) -> String {
    if seconds < 120.0 {
        format!("{seconds:.0} s")
    } else if seconds < 7200.0 {
        format!("{:.1} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}

/// A number of bytes as people say it.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..100_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        100_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
