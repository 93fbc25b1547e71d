//! `sweep.json` beside `results.csv`: what a report says of a sweep and no line of a table holds. A report made from the CSV
//! files reads it where it is there, and knows data sets, published numbers and the sweep file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use looks::ClaimsView;
use metrics::data_card::DataCard;
use serde::{Deserialize, Serialize};
use sweeps::{DatasetSource, Digest};

use super::looks::{read_looks, without_looks};
use super::resampled::{Resampled, resampled, video_interval};
use super::warned::{Warned, restore, restore_taken_over, resumed, taken_over, warned};
use crate::claims::taken_again;
use crate::error::ReportError;
use crate::results::{DatasetInfo, SplitCounts, SweepResults};

/// Bytes that are read at most.
const LARGEST: u64 = 16 << 20;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct About {
    sweep: String,
    /// The swept parameters: the columns of the tables beyond the fixed ones.
    columns: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    rehearsal: bool,
    description: String,
    source_path: String,
    source_text: String,
    command: String,
    version: String,
    notes: Vec<String>,
    facts: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost_s: Option<f64>,
    figures: Vec<String>,
    tables: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    datasets: Vec<Dataset>,
    /// Cells of each variant: a table with fewer of them has lost lines.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    cells: BTreeMap<String, usize>,
    /// The data set of each variant, where it has one alone.
    dataset_of: BTreeMap<String, String>,
    /// What jobs recorded as warnings; absent where nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    warnings: Option<Vec<Warned>>,
    /// How often each job was taken up again from a checkpoint, for those that were.
    resumed: BTreeMap<String, u32>,
    /// Jobs whose results the user's cache of finished results had from another folder: since when, in milliseconds since 1970.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    taken_over: BTreeMap<String, u64>,
    /// What kind of data the data sets are, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    cards: BTreeMap<String, DataCard>,
    /// Differences over resampled test videos.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    video_intervals: Vec<Resampled>,
    /// What was set out to be decided; the looks are in `looks.csv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<ClaimsView>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Dataset {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    own_name: Option<String>,
    digest: Option<String>,
    synthetic: bool,
    feature_dim: Option<u64>,
    licence: Option<String>,
    source: Option<String>,
    extractor: Option<String>,
    train: Option<Counts>,
    test: Option<Counts>,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
struct Counts {
    videos: u64,
    segments: u64,
    frames: u64,
    anomalous_frames: Option<u64>,
}

/// The text of `sweep.json`.
pub fn write_about(results: &SweepResults) -> String {
    let mut dataset_of: BTreeMap<&str, Option<String>> = BTreeMap::new();
    for result in &results.cells {
        let name = result.cell.job.dataset.to_string();
        dataset_of
            .entry(&result.cell.variant)
            .and_modify(|known| {
                if known.as_ref() != Some(&name) {
                    *known = None;
                }
            })
            .or_insert(Some(name));
    }
    let mut cells: BTreeMap<String, usize> = BTreeMap::new();
    for result in &results.cells {
        *cells.entry(result.cell.variant.clone()).or_default() += 1;
    }
    let about = About {
        sweep: results.name.clone(),
        columns: results.columns.clone(),
        rehearsal: results.rehearsal,
        description: results.description.clone(),
        source_path: results.source_path.clone(),
        source_text: results.source_text.clone(),
        command: results.command.clone(),
        version: results.version.clone(),
        notes: results.notes.clone(),
        facts: results.facts.clone(),
        lost_s: results.lost_s,
        figures: results.report.figures.clone(),
        tables: results.report.tables.clone(),
        reference: results.report.reference.clone(),
        datasets: results
            .datasets_in_use()
            .into_iter()
            .map(|info| dataset(results, info))
            .collect(),
        cells,
        dataset_of: dataset_of
            .into_iter()
            .filter_map(|(variant, name)| Some((variant.to_owned(), name?)))
            .filter(|(_, name)| !name.is_empty())
            .collect(),
        warnings: (!results.warnings_lost).then(|| warned(results)),
        resumed: resumed(results),
        taken_over: taken_over(results),
        cards: results.cards.clone(),
        video_intervals: results.video_intervals.iter().map(resampled).collect(),
        claims: results.claims.as_deref().map(without_looks),
    };
    // Texts, numbers and maps with texts as keys: there is nothing that JSON could not say.
    serde_json::to_string_pretty(&about).unwrap_or_default() + "\n"
}

fn dataset(results: &SweepResults, info: DatasetInfo) -> Dataset {
    // What workers trained on is the truth; what the submitter knew is a claim.
    let trained = results
        .cells
        .iter()
        .filter(|result| result.cell.job.dataset.to_string() == info.name)
        .filter_map(|result| Some(result.record.as_ref()?.provenance.dataset_digest))
        .find(|digest| digest.0 != [0; 32]);
    let counts = |counts: SplitCounts| Counts {
        videos: counts.videos,
        segments: counts.segments,
        frames: counts.frames,
        anomalous_frames: counts.anomalous_frames,
    };
    Dataset {
        digest: trained.or(info.digest).map(|digest| digest.to_string()),
        name: info.name,
        own_name: info.own_name,
        synthetic: info.synthetic,
        feature_dim: info.feature_dim,
        licence: info.licence,
        source: info.source,
        extractor: info.extractor,
        train: info.train.map(counts),
        test: info.test.map(counts),
    }
}

impl About {
    /// What `sweep.json` in `folder` says, where it is there.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, ReportError> {
        use std::io::Read;
        let path = folder.join("sweep.json");
        if !path.exists() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        std::fs::File::open(&path)
            .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
            .map_err(ReportError::read(&path))?;
        if bytes.len() as u64 > LARGEST {
            return Err(fault(
                folder,
                "it is larger than any sweep's: delete it to read the CSV files alone".into(),
            ));
        }
        serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            fault(
                folder,
                format!("{error}: delete it to read the CSV files alone"),
            )
        })
    }

    /// The swept parameters.
    pub(super) fn columns(&self) -> BTreeSet<String> {
        self.columns.iter().cloned().collect()
    }

    /// Tells the sweep that it is about. Answers whether it is there.
    pub(super) fn tell(
        self,
        folder: &Path,
        sweeps: &mut [SweepResults],
    ) -> Result<bool, ReportError> {
        tell(self, folder, sweeps)
    }
}

/// How a note on lost lines begins.
pub(super) const LOST: &str = "results.csv lacks cells";

/// What a table has lost of a sweep that had so many cells of each variant.
fn lost_lines(cells: &BTreeMap<String, usize>, results: &SweepResults) -> Option<String> {
    let lost: Vec<String> = cells
        .iter()
        .filter_map(|(variant, asked)| {
            let cells = results.cells.iter();
            let found = cells.filter(|result| result.cell.variant == *variant);
            let lost = asked.checked_sub(found.count())?;
            (lost > 0).then(|| format!("{lost} of {asked} of {variant}"))
        })
        .collect();
    (!lost.is_empty()).then(|| {
        format!(
            "{LOST} that the sweep had: {}. They are in no n and in no number of this page.",
            lost.join(", ")
        )
    })
}

fn fault(folder: &Path, message: String) -> ReportError {
    ReportError::Csv {
        path: folder.join("sweep.json"),
        line: None,
        message,
    }
}

fn tell(about: About, folder: &Path, sweeps: &mut [SweepResults]) -> Result<bool, ReportError> {
    let named = SweepResults {
        name: about.sweep,
        rehearsal: about.rehearsal,
        ..SweepResults::default()
    };
    let Some(results) = sweeps
        .iter_mut()
        .find(|results| results.name_in_tables() == named.name_in_tables())
    else {
        return Ok(false);
    };
    // Of a name that ends as a rehearsal's does, this file knows which it is.
    (results.name, results.rehearsal) = (named.name, named.rehearsal);
    results.description = about.description;
    results.source_path = about.source_path;
    results.source_text = about.source_text;
    results.command = about.command;
    results.version = about.version;
    results.facts = about.facts;
    results.lost_s = about.lost_s.filter(|seconds| *seconds >= 0.0);
    results.report.figures = about.figures;
    results.report.tables = about.tables;
    results.report.reference = about.reference;
    results.notes = about.notes;
    results.notes.extend(lost_lines(&about.cells, results));
    results.datasets = Vec::new();
    for info in about.datasets {
        let digest: Option<Digest> =
            match &info.digest {
                None => None,
                Some(text) => Some(text.parse().map_err(|error| {
                    fault(folder, format!("digest of `{}`: {error}", info.name))
                })?),
            };
        let counts = |counts: Counts| SplitCounts {
            videos: counts.videos,
            segments: counts.segments,
            frames: counts.frames,
            anomalous_frames: counts.anomalous_frames,
        };
        results.datasets.push(DatasetInfo {
            name: info.name,
            own_name: info.own_name,
            digest,
            synthetic: info.synthetic,
            feature_dim: info.feature_dim,
            licence: info.licence,
            source: info.source,
            extractor: info.extractor,
            train: info.train.map(counts),
            test: info.test.map(counts),
        });
    }
    for result in &mut results.cells {
        if let Some(name) = about.dataset_of.get(&result.cell.variant)
            && result.cell.job.dataset == DatasetSource::Named(String::new())
        {
            result.cell.job.dataset = DatasetSource::Named(name.clone());
        }
    }
    results.cards = about.cards;
    results.warnings_lost = about.warnings.is_none();
    restore(results, about.warnings.unwrap_or_default(), &about.resumed);
    restore_taken_over(results, &about.taken_over);
    results.video_intervals = about
        .video_intervals
        .into_iter()
        .map(|found| video_interval(found, &about.columns, &results.columns))
        .collect();
    super::settle::settle_jobs(results);
    if let Some(mut kept) = about.claims {
        kept.looks = read_looks(folder, &results.name_in_tables())?;
        let (view, sentences) = taken_again(&kept, results);
        for sentence in sentences {
            if !results.notes.contains(&sentence) {
                results.notes.push(sentence);
            }
        }
        results.claims = Some(Box::new(view));
    }
    Ok(true)
}
