//! What a report is made from.

use std::borrow::Cow;
use std::collections::BTreeMap;

use looks::ClaimsView;
use metrics::data_card::DataCard;
use sweeps::{CellResult, DatasetSource, Digest};

pub use crate::video_interval::{RowKey, VideoInterval};
pub use crate::video_scores::{SegmentFrames, VideoScores};

/// Everything that is known of one sweep: what was asked, what came of it, and what made it.
#[derive(Debug, Clone, Default)]
pub struct SweepResults {
    /// The sweep's name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// The sweep file as it was submitted; empty where it is not known (a report made from CSV files).
    pub source_text: String,
    /// Where that file was.
    pub source_path: String,
    /// The data sets that its jobs read.
    pub datasets: Vec<DatasetInfo>,
    /// Names of the swept parameters but `seed`; each cell's `point` has their values in this order.
    pub columns: Vec<String>,
    /// Every cell of the grid, finished or not.
    pub cells: Vec<CellResult>,
    /// What the sweep file's `[report]` asks for.
    pub report: ReportRequest,
    /// The command that makes these results again.
    pub command: String,
    /// Version of the program that writes the report, with its commit where known.
    pub version: String,
    /// Anything else that a reader must know, one sentence each: discrepancies, the stamp of an audit.
    pub notes: Vec<String>,
    /// Scores per segment of some of the cells, where they were asked for and fetched: what Fig. 4, 6, 7, 8 and ROC curves
    /// are drawn from.
    pub scores: Vec<CellScores>,
    /// How differences between rows would move with other test videos, where the scores of the runs could be had.
    pub video_intervals: Vec<VideoInterval>,
    /// What is known of curves that are not there, by index in [`SweepResults::cells`]: `results.csv` was read without its
    /// `epochs.csv`.
    pub lost_curves: BTreeMap<usize, LostCurve>,
    /// Seconds of attempts that ended without a result, over all its jobs; `None` where nobody counted.
    pub lost_s: Option<f64>,
    /// Further facts for "how to reproduce", as label and value: digest of the lock file, Rust version.
    pub facts: Vec<(String, String)>,
    /// What kind of data its data sets are, by their names in [`SweepResults::datasets_in_use`], where a control's job said it.
    pub cards: BTreeMap<String, DataCard>,
    /// Whether it is not known which warnings jobs recorded: the tables of results have no column for them.
    pub warnings_lost: bool,
    /// What was decided while seeds arrived, where the sweep has claims.
    pub claims: Option<Box<ClaimsView>>,
    /// Made by `rehearse` on stand-ins: no number of it is a result, and every page and figure says so.
    pub rehearsal: bool,
}

/// What `results.csv` says of a curve.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LostCurve {
    /// Epochs of the main phase.
    pub epochs: usize,
    /// Best AUC of D over them.
    pub best_auc_d: Option<f64>,
    /// Best AUC of G over them.
    pub best_auc_g: Option<f64>,
}

/// Scores per segment of one cell on the test split.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CellScores {
    /// Its index in [`SweepResults::cells`].
    pub cell: usize,
    /// The test videos.
    pub videos: Vec<VideoScores>,
    /// Reconstructions of test segments in two dimensions (t-SNE).
    pub embedding: Vec<EmbeddedSegment>,
}

/// A test segment's reconstruction in two dimensions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EmbeddedSegment {
    /// First coordinate.
    pub x: f32,
    /// Second coordinate.
    pub y: f32,
    /// Whether the segment is anomalous.
    pub anomalous: bool,
}

/// What is known of a data set. A report says what it knows and leaves out the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatasetInfo {
    /// Its name, as sweep files use it.
    pub name: String,
    /// What its own dataset.toml calls it, where that is known: another name than the sweep's may mean other data.
    pub own_name: Option<String>,
    /// Digest of its files.
    pub digest: Option<Digest>,
    /// Whether it was made by a generator; always said loudly.
    pub synthetic: bool,
    /// Width of a feature row.
    pub feature_dim: Option<u64>,
    /// Its licence.
    pub licence: Option<String>,
    /// Where it comes from.
    pub source: Option<String>,
    /// What made the features.
    pub extractor: Option<String>,
    /// Counts of the training split.
    pub train: Option<SplitCounts>,
    /// Counts of the test split.
    pub test: Option<SplitCounts>,
}

/// Counts of a split.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SplitCounts {
    /// Videos.
    pub videos: u64,
    /// Segments.
    pub segments: u64,
    /// Frames.
    pub frames: u64,
    /// Frames marked anomalous, where there is frame-level truth.
    pub anomalous_frames: Option<u64>,
}

/// What a sweep file's `[report]` asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportRequest {
    /// Figures by name: `fig5`, `fig9`, `fig10`, …; empty: the defaults that fit the axes.
    pub figures: Vec<String>,
    /// Tables by name.
    pub tables: Vec<String>,
    /// The variant that every other one is compared with; `None` compares all pairs.
    pub reference: Option<String>,
    /// Whether the sweep has the controls of its data sets.
    pub controls: bool,
}

/// Stands after the name of a sweep in the tables of a rehearsal, which may be read alone.
const REHEARSAL: &str = " (rehearsal)";

impl SweepResults {
    /// The name in tables: a rehearsal's says that it is one.
    pub fn name_in_tables(&self) -> Cow<'_, str> {
        if self.rehearsal {
            Cow::Owned(format!("{}{REHEARSAL}", self.name))
        } else {
            Cow::Borrowed(&self.name)
        }
    }

    /// The sweep of that name in a table, which knows nothing yet but its name and whether it is a rehearsal.
    pub fn of_name_in_tables(name: &str) -> Self {
        let plain = name.strip_suffix(REHEARSAL);
        Self {
            name: plain.unwrap_or(name).to_owned(),
            rehearsal: plain.is_some(),
            ..Self::default()
        }
    }

    /// The data sets of the cells, with what is known of each, in the order of first use.
    pub fn datasets_in_use(&self) -> Vec<DatasetInfo> {
        let mut known: BTreeMap<&str, &DatasetInfo> = BTreeMap::new();
        for info in &self.datasets {
            known.insert(&info.name, info);
        }
        let mut seen: Vec<&DatasetSource> = Vec::new();
        let mut used: Vec<DatasetInfo> = Vec::new();
        for result in &self.cells {
            let source = &result.cell.job.dataset;
            if seen.last() == Some(&source) || seen.contains(&source) {
                continue;
            }
            seen.push(source);
            let name = source.to_string();
            if name.is_empty() {
                continue;
            }
            let mut info = known.remove(name.as_str()).cloned().unwrap_or(DatasetInfo {
                name,
                ..DatasetInfo::default()
            });
            if let DatasetSource::Synthetic(synthetic) = source {
                info.synthetic = true;
                info.feature_dim
                    .get_or_insert(u64::from(synthetic.dimension));
                info.digest.get_or_insert_with(|| synthetic.digest());
            }
            used.push(info);
        }
        // Data sets that were described but no cell names: reports made from CSV files know them only so.
        used.extend(
            self.datasets
                .iter()
                .filter(|info| known.contains_key(info.name.as_str()))
                .cloned(),
        );
        used
    }
}
