//! Differences between rows over other test videos: which pairs are resampled, and what came of it.
//!
//! The scores that it takes are artifacts, so it is computed where those can be fetched, and kept beside the results. The
//! resampling itself is [`metrics::resampling`].

use std::collections::BTreeMap;

use metrics::Frames;
use metrics::artifact::Scores;
use metrics::resampling::{VideoPairs, compare_videos};
use sweeps::{CellResult, Value};

use crate::order::compare_points;
use crate::results::SweepResults;
use crate::summary::{SummaryRow, finished_auc};
use statistics::Interval;

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
pub fn video_pairs(results: &SweepResults) -> Vec<VideoPair> {
    let reference = results.report.reference.as_deref();
    let rows = rows(results);
    let mut first: Vec<(&Row<'_>, &Row<'_>)> = Vec::new();
    let mut others = Vec::new();
    if rows.iter().all(|row| row.variant == rows[0].variant) {
        first.extend(rows.iter().skip(1).map(|row| (row, &rows[0])));
    } else {
        for group in rows.chunk_by(|left, right| compare_points(left.point, right.point).is_eq()) {
            let named = |row: &&Row<'_>| Some(row.variant) == reference;
            let base = group.iter().find(named).unwrap_or(&group[0]);
            let rest: Vec<&Row<'_>> = group
                .iter()
                .filter(|row| row.variant != base.variant)
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
                left: left.key(),
                right: right.key(),
                cells,
            })
        })
        .take(MOST_PAIRS)
        .collect()
}

/// A row of the summary, as far as pairs need it.
struct Row<'a> {
    variant: &'a str,
    point: &'a [Option<Value>],
    /// Finished cells by seed.
    cells: BTreeMap<u64, usize>,
}

impl Row<'_> {
    fn key(&self) -> RowKey {
        RowKey {
            variant: self.variant.to_owned(),
            point: self.point.to_vec(),
        }
    }
}

/// The rows with a finished cell, points in natural order, variants in the sweep's order at each.
fn rows(results: &SweepResults) -> Vec<Row<'_>> {
    let mut order: BTreeMap<&str, usize> = BTreeMap::new();
    for result in &results.cells {
        let next = order.len();
        order.entry(&result.cell.variant).or_insert(next);
    }
    let mut all: Vec<(&[Option<Value>], &str, u64, usize)> = results
        .cells
        .iter()
        .enumerate()
        .filter(|(_, result)| finished_auc(result).is_some() && result.cell.control().is_none())
        .map(|(index, result)| {
            let cell = &result.cell;
            (&cell.point[..], &cell.variant[..], cell.job.seed, index)
        })
        .collect();
    all.sort_by(|left, right| {
        compare_points(left.0, right.0).then_with(|| order[left.1].cmp(&order[right.1]))
    });
    let same = |left: &(&[Option<Value>], &str, u64, usize), right: &(&[_], &str, u64, usize)| {
        left.1 == right.1 && compare_points(left.0, right.0).is_eq()
    };
    all.chunk_by(same)
        .map(|cells| Row {
            variant: cells[0].1,
            point: cells[0].0,
            cells: cells
                .iter()
                .map(|(.., seed, cell)| (*seed, *cell))
                .collect(),
        })
        .collect()
}

/// The cells of the seeds that finished on both sides, on the same data set.
fn paired_cells(results: &SweepResults, left: &Row<'_>, right: &Row<'_>) -> Vec<(usize, usize)> {
    let dataset = |index: usize| &results.cells[index].cell.job.dataset;
    left.cells
        .iter()
        .filter_map(|(seed, ours)| Some((*ours, *right.cells.get(seed)?)))
        .filter(|(ours, theirs)| dataset(*ours) == dataset(*theirs))
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
    /// `None` without any scores of segments.
    pub fn of(result: &CellResult, scores: Scores) -> Option<Self> {
        if scores.frame_truth.is_some() {
            return None;
        }
        let reporting = result.cell.reporting;
        let reported = reporting.score_by.of(scores.d, scores.g)?;
        // Clips change no pooled AUC, and videos are what is resampled.
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
