//! Differences between rows over other test videos: which pairs are resampled, and what came of it.
//!
//! The scores that it takes are artifacts, so it is computed where those can be fetched, and kept beside the results. The
//! resampling itself is [`metrics::resampling`].

use std::collections::BTreeMap;

use metrics::Frames;
use metrics::artifact::Scores;
use metrics::resampling::{VideoPairs, compare_videos};
use sweeps::{CellResult, ScoreBy, Value};

use crate::order::compare_points;
use crate::results::SweepResults;
use crate::statistics::Interval;
use crate::summary::{SummaryRow, finished_auc};

/// Pairs of rows that are resampled at most.
pub const MOST_PAIRS: usize = 12;
/// Seeds of a pair that are taken at most, the first ones.
pub const MOST_SEEDS: usize = 20;

/// A row by what tells it from the others.
#[derive(Debug, Clone, PartialEq)]
pub struct RowKey {
    /// Its variant.
    pub variant: String,
    /// Its swept values, in the order of [`SweepResults::columns`].
    pub point: Vec<Option<Value>>,
}

impl RowKey {
    fn of(row: &SummaryRow) -> Self {
        Self {
            variant: row.variant.clone(),
            point: row.point.clone(),
        }
    }

    fn is(&self, row: &SummaryRow) -> bool {
        self.variant == row.variant && compare_points(&self.point, &row.point).is_eq()
    }
}

/// How the difference of AUC between two rows would move with other test videos of the same kind, with the runs as they are.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoInterval {
    /// The row from which is subtracted.
    pub left: RowKey,
    /// The row that is subtracted.
    pub right: RowKey,
    /// Seeds whose scores were kept on both sides; the AUC of a side is the mean over them.
    pub seeds: usize,
    /// Test videos that were resampled.
    pub videos: usize,
    /// Those of them with anomalous frames.
    pub anomalous_videos: usize,
    /// Left − right on the test videos as they are, as a fraction.
    pub difference: f64,
    /// Its 95% interval over test videos.
    pub interval: Interval,
}

impl VideoInterval {
    /// The same for right − left.
    fn turned(&self) -> Self {
        Self {
            left: self.right.clone(),
            right: self.left.clone(),
            difference: 0.0 - self.difference,
            interval: Interval {
                low: 0.0 - self.interval.high,
                high: 0.0 - self.interval.low,
            },
            ..self.clone()
        }
    }
}

/// The interval of left − right over test videos, where it was computed.
pub fn video_interval(
    results: &SweepResults,
    left: &SummaryRow,
    right: &SummaryRow,
) -> Option<VideoInterval> {
    results.video_intervals.iter().find_map(|found| {
        if found.left.is(left) && found.right.is(right) {
            Some(found.clone())
        } else {
            (found.left.is(right) && found.right.is(left)).then(|| found.turned())
        }
    })
}

/// Two rows whose difference is to be resampled.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoPair {
    /// The row from which is subtracted.
    pub left: RowKey,
    /// The row that is subtracted.
    pub right: RowKey,
    /// For each seed that finished on both sides its cell of the left and of the right, by index in
    /// [`SweepResults::cells`].
    pub cells: Vec<(usize, usize)>,
}

/// The pairs that are resampled, at most [`MOST_PAIRS`]: of variants at the same point, each minus the reference of the
/// report or else minus the first; then, without a reference, the other pairs. With one variant, its points minus the first.
pub fn video_pairs(results: &SweepResults, rows: &[SummaryRow]) -> Vec<VideoPair> {
    let reference = results.report.reference.as_deref();
    let mut first = Vec::new();
    let mut others = Vec::new();
    if rows.iter().all(|row| row.variant == rows[0].variant) {
        first.extend(rows.iter().skip(1).map(|row| (row, &rows[0])));
    } else {
        let mut sorted: Vec<&SummaryRow> = rows.iter().collect();
        // Stable: variants keep the sweep's order within a point.
        sorted.sort_by(|left, right| compare_points(&left.point, &right.point));
        for group in
            sorted.chunk_by(|left, right| compare_points(&left.point, &right.point).is_eq())
        {
            let named = |row: &&&SummaryRow| Some(row.variant.as_str()) == reference;
            let base = *group.iter().find(named).unwrap_or(&group[0]);
            let rest: Vec<&SummaryRow> = group
                .iter()
                .copied()
                .filter(|row| !std::ptr::eq(*row, base))
                .collect();
            first.extend(rest.iter().map(|row| (*row, base)));
            if reference.is_none() {
                for (index, left) in rest.iter().enumerate().skip(1) {
                    others.extend(rest[..index].iter().map(|right| (*left, *right)));
                }
            }
        }
    }
    first
        .into_iter()
        .chain(others)
        .filter_map(|(left, right)| {
            let cells = paired_cells(results, left, right);
            (!cells.is_empty()).then(|| VideoPair {
                left: RowKey::of(left),
                right: RowKey::of(right),
                cells,
            })
        })
        .take(MOST_PAIRS)
        .collect()
}

/// The cells of the seeds that finished on both sides, on the same data set.
fn paired_cells(
    results: &SweepResults,
    left: &SummaryRow,
    right: &SummaryRow,
) -> Vec<(usize, usize)> {
    let finished = |row: &SummaryRow| -> BTreeMap<u64, usize> {
        let cells = row.cells.iter().copied();
        cells
            .filter_map(|index| {
                let result = results.cells.get(index)?;
                finished_auc(result)?;
                Some((result.cell.job.seed, index))
            })
            .collect()
    };
    let (ours, theirs) = (finished(left), finished(right));
    let dataset = |index: &usize| &results.cells[*index].cell.job.dataset;
    ours.iter()
        .filter_map(|(seed, ours)| Some((*ours, *theirs.get(seed)?)))
        .filter(|(ours, theirs)| dataset(ours) == dataset(theirs))
        .take(MOST_SEEDS)
        .collect()
}

/// The scores that a cell reports, of its artifact: of `score_by`, smoothed where the sweep asks for it. Their AUC is the
/// record's.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportedScores {
    /// Names of the test videos.
    pub names: Vec<String>,
    /// Their frames.
    pub frames: Frames,
    /// The reported score per segment.
    pub scores: Vec<f32>,
}

impl ReportedScores {
    /// `None` without any scores.
    pub fn of(result: &CellResult, scores: Scores) -> Option<Self> {
        let reporting = result.cell.reporting;
        let reported = match reporting.score_by {
            ScoreBy::Discriminator => scores.d.or(scores.g),
            ScoreBy::Generator => scores.g.or(scores.d),
        }?;
        Some(Self {
            scores: metrics::smooth(&reported, scores.frames.videos(), reporting.score_smoothing),
            names: scores.names,
            frames: scores.frames,
        })
    }
}

/// The intervals of those pairs whose scores are all of the same test videos. `scores` has what was kept, by index in
/// [`SweepResults::cells`]; a seed without scores on both sides is left out.
pub fn video_intervals(
    pairs: &[VideoPair],
    scores: &BTreeMap<usize, ReportedScores>,
) -> Vec<VideoInterval> {
    // Rows are compared over the same cells again and again.
    let mut counted: BTreeMap<Vec<usize>, Option<VideoPairs>> = BTreeMap::new();
    let mut found = Vec::new();
    for pair in pairs {
        let (left, right): (Vec<usize>, Vec<usize>) = pair
            .cells
            .iter()
            .filter(|(left, right)| scores.contains_key(left) && scores.contains_key(right))
            .copied()
            .unzip();
        let Some(first) = left.first().map(|cell| &scores[cell]) else {
            continue;
        };
        let mut cells = left.iter().chain(&right).map(|cell| &scores[cell]);
        if !cells.all(|own| own.names == first.names && own.frames == first.frames) {
            continue;
        }
        for side in [&left, &right] {
            if !counted.contains_key(side) {
                let runs = side.iter().map(|cell| &scores[cell].scores[..]);
                counted.insert(side.clone(), VideoPairs::count(&first.frames, runs));
            }
        }
        let (Some(Some(ours)), Some(Some(theirs))) = (counted.get(&left), counted.get(&right))
        else {
            continue;
        };
        let Some(difference) = compare_videos(ours, theirs) else {
            continue;
        };
        found.push(VideoInterval {
            left: pair.left.clone(),
            right: pair.right.clone(),
            seeds: left.len(),
            videos: difference.videos,
            anomalous_videos: difference.anomalous,
            difference: difference.difference,
            interval: Interval {
                low: difference.low,
                high: difference.high,
            },
        });
    }
    found
}
