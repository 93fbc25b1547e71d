//! One line per variant and swept point: what was asked for, what finished, and the mean with its spread.

use std::collections::{BTreeMap, HashMap};

use sweeps::{CellResult, FinalMetrics, JobStatus, Phase, RunRecord, ScoreMetrics, Value};

use crate::factor::factors;
use crate::order::compare_points;
use crate::results::SweepResults;
use statistics::{
    Interval, MeanIntervals, interquartile_mean, mean, mean_interval, mean_intervals, sample_std,
};

/// One variant at one point of the grid, over its seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct SummaryRow {
    /// The variant.
    pub variant: String,
    /// The swept values, in the order of [`SweepResults::columns`].
    pub point: Vec<Option<Value>>,
    /// The columns that tell this row from the others: one a [`Factor`](crate::factor::Factor).
    pub shown: Vec<usize>,
    /// Indices of its cells in [`SweepResults::cells`], by seed.
    pub cells: Vec<usize>,
    /// Whether it is one run, whatever the seed: its method draws nothing, so that all its cells are one job. Then `n` and
    /// `expected` count that job once, and no estimate has a spread or an interval.
    pub deterministic: bool,
    /// Cells that finished: the n of every mean, unless an estimate says less.
    pub n: usize,
    /// Cells that were asked for.
    pub expected: usize,
    /// Cells that failed or were quarantined.
    pub failed: usize,
    /// Cells without a result for another reason: pending, running, cancelled.
    pub missing: usize,
    /// The AUC of `score_by`.
    pub auc: Estimate,
    /// Of the same score the mean AUC within the videos that have both classes.
    pub within: Estimate,
    /// Of the same score the AUC over the anomalous videos alone.
    pub anomalous: Estimate,
    /// Best AUC over the epochs. Optimistic, since chosen with test truth: never the result.
    pub best_epoch_auc: Estimate,
    /// Metrics of D's score, in the order of [`METRICS`].
    pub d: [Estimate; 6],
    /// Metrics of G's score, in the order of [`METRICS`].
    pub g: [Estimate; 6],
}

/// A mean over seeds with its spread.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Estimate {
    /// Values that it is made of.
    pub n: usize,
    /// Their mean.
    pub mean: Option<f64>,
    /// Sample standard deviation; `None` below two values.
    pub std: Option<f64>,
    /// Student's 95% interval of the mean; `None` below three values, and for metrics other than AUCs.
    pub interval: Option<Interval>,
    /// Interquartile mean.
    pub iqm: Option<f64>,
}

/// Whether all rows are of one variant, so that its name says nothing.
pub(crate) fn one_variant(rows: &[SummaryRow]) -> bool {
    rows.iter().all(|row| row.variant == rows[0].variant)
}

/// Picks a metric of a score.
pub type Metric = fn(&ScoreMetrics) -> Option<f64>;

/// The metrics of a score: the name in CSV files, and where it stands in a record.
pub const METRICS: [(&str, Metric); 6] = [
    ("auc", |metrics| metrics.auc),
    ("ap", |metrics| metrics.ap),
    ("ano_auc", |metrics| metrics.ano_auc),
    ("macro_auc", |metrics| metrics.macro_auc),
    ("far", |metrics| metrics.far),
    ("recall_at_fpr10", |metrics| metrics.recall_at_fpr10),
];

/// The lines of a sweep, variants in the order of their first cell, points in natural order within each.
pub fn summary(results: &SweepResults) -> Vec<SummaryRow> {
    // A data set stands for what moves with it; of other columns that move together, draws above all, none says what the others are.
    let mut shown: Vec<usize> = factors(results)
        .into_iter()
        .flat_map(|factor| {
            let alone = factor.name(&results.columns) == "dataset";
            let derived = if alone { Vec::new() } else { factor.derived };
            std::iter::once(factor.column).chain(derived)
        })
        .collect();
    shown.sort_unstable();
    groups(results)
        .into_iter()
        .map(|group| summarize(results, group, &shown))
        .collect()
}

impl SummaryRow {
    /// The variant's name with the swept values: `GCL_PT · supervision_percent = 33`.
    pub fn label(&self, columns: &[String]) -> String {
        let point = self.point_label(columns);
        if point.is_empty() {
            self.variant.clone()
        } else {
            format!("{} · {point}", self.variant)
        }
    }

    /// The swept values alone: `supervision_percent = 33, epochs = 15`; empty without axes. The data set stands for
    /// columns that move with it.
    pub fn point_label(&self, columns: &[String]) -> String {
        self.values_where(columns, |_| true)
    }

    /// The same without the data set, which stands elsewhere.
    pub(crate) fn settings_label(&self, columns: &[String]) -> String {
        self.values_where(columns, |column| column != "dataset")
    }

    fn values_where(&self, columns: &[String], wanted: impl Fn(&str) -> bool) -> String {
        self.shown
            .iter()
            .filter_map(|index| {
                let (column, value) = (columns.get(*index)?, self.point.get(*index)?.as_ref()?);
                wanted(column).then(|| format!("{column} = {value}"))
            })
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// The first of its cells, whose job has the settings of all.
    pub(crate) fn first<'a>(&self, results: &'a SweepResults) -> Option<&'a CellResult> {
        results.cells.get(*self.cells.first()?)
    }

    /// The swept values without their names: `33 · 15`; the names stand beside it once.
    pub fn short_point(&self) -> String {
        let values: Vec<String> = self
            .shown
            .iter()
            .filter_map(|index| Some(self.point.get(*index)?.as_ref()?.to_string()))
            .collect();
        values.join(" · ")
    }

    /// What became of the cells without a result: `1 failed, 2 missing`; empty when all finished.
    pub fn shortfall(&self) -> String {
        [(self.failed, "failed"), (self.missing, "missing")]
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Values of both rows under each seed that finished on both sides, by seed. The value of a deterministic row stands
    /// beside every seed of the other.
    pub fn pairs(&self, other: &SummaryRow, results: &SweepResults) -> Vec<(f64, f64)> {
        self.pairs_of(other, results, finished_auc)
    }

    /// As [`pairs`](Self::pairs), of another value than the reported AUC.
    pub fn pairs_of(
        &self,
        other: &SummaryRow,
        results: &SweepResults,
        value: impl Fn(&CellResult) -> Option<f64>,
    ) -> Vec<(f64, f64)> {
        self.pairs_of_each(other, results, &value, &value)
    }

    /// As [`pairs_of`](Self::pairs_of), with a value for each side: D of the left, G of the right.
    pub fn pairs_of_each(
        &self,
        other: &SummaryRow,
        results: &SweepResults,
        left: impl Fn(&CellResult) -> Option<f64>,
        right: impl Fn(&CellResult) -> Option<f64>,
    ) -> Vec<(f64, f64)> {
        let by_seed = |row: &SummaryRow, value: &dyn Fn(&CellResult) -> Option<f64>| {
            row.cells
                .iter()
                .filter_map(|index| results.cells.get(*index))
                .filter(|result| result.status == JobStatus::Done)
                .filter_map(|result| Some((result.cell.job.seed, value(result)?)))
                .filter(|(_, value)| value.is_finite())
                .collect::<BTreeMap<u64, f64>>()
        };
        let (ours, theirs) = (by_seed(self, &left), by_seed(other, &right));
        let single = |row: &SummaryRow, values: &BTreeMap<u64, f64>| {
            let value = values.values().next().copied();
            value.filter(|_| row.deterministic)
        };
        match (single(self, &ours), single(other, &theirs)) {
            (Some(left), Some(right)) => vec![(left, right)],
            (Some(left), None) => theirs.values().map(|right| (left, *right)).collect(),
            (None, Some(right)) => ours.values().map(|left| (*left, right)).collect(),
            (None, None) => ours
                .iter()
                .filter_map(|(seed, left)| Some((*left, *theirs.get(seed)?)))
                .collect(),
        }
    }

    /// The AUCs of its finished runs; one of a deterministic row.
    pub fn aucs(&self, results: &SweepResults) -> Vec<f64> {
        let runs = if self.deterministic { 1 } else { usize::MAX };
        self.seeds_and_aucs(results)
            .map(|(_, auc)| auc)
            .take(runs)
            .collect()
    }

    /// The finished cells, with their seeds and AUCs.
    pub fn seeds_and_aucs<'a>(
        &'a self,
        results: &'a SweepResults,
    ) -> impl Iterator<Item = (u64, f64)> + 'a {
        self.cells.iter().filter_map(|index| {
            let result = results.cells.get(*index)?;
            Some((result.cell.job.seed, finished_auc(result)?))
        })
    }
}

impl Estimate {
    /// The intervals that say whether the mean is a published one, in units of `1 / scale`; `None` below three values.
    pub fn mean_intervals(&self, scale: f64) -> Option<MeanIntervals> {
        mean_intervals(self.n, scale * self.mean?, scale * self.std?)
    }
}

/// The AUC of a cell that is done.
pub fn finished_auc(result: &CellResult) -> Option<f64> {
    (result.status == JobStatus::Done)
        .then(|| result.auc())
        .flatten()
        .filter(|auc| auc.is_finite())
}

/// Cells by variant and point; the indices of each group by seed.
fn groups(results: &SweepResults) -> Vec<Vec<usize>> {
    let mut variants: HashMap<&str, usize> = HashMap::new();
    for result in &results.cells {
        let next = variants.len();
        variants.entry(&result.cell.variant).or_insert(next);
    }
    let mut order: Vec<(usize, usize)> = results
        .cells
        .iter()
        .enumerate()
        .map(|(index, result)| (variants[result.cell.variant.as_str()], index))
        .collect();
    let point = |index: usize| &results.cells[index].cell.point;
    order.sort_by(|left, right| {
        left.0
            .cmp(&right.0)
            .then_with(|| compare_points(point(left.1), point(right.1)))
            .then_with(|| {
                let seed = |index: usize| results.cells[index].cell.job.seed;
                seed(left.1).cmp(&seed(right.1))
            })
    });
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut previous: Option<(usize, usize)> = None;
    for (variant, index) in order {
        let same = previous.is_some_and(|(before, other)| {
            before == variant && compare_points(point(other), point(index)).is_eq()
        });
        match groups.last_mut() {
            Some(group) if same => group.push(index),
            _ => groups.push(vec![index]),
        }
        previous = Some((variant, index));
    }
    groups
}

fn summarize(results: &SweepResults, cells: Vec<usize>, shown: &[usize]) -> SummaryRow {
    let first = &results.cells[cells[0]];
    let deterministic = is_deterministic(results, &cells);
    // It is one run, however many cells show it: a finished one where there is any.
    let runs: Vec<usize> = if deterministic {
        let done = |index: &&usize| results.cells[**index].status == JobStatus::Done;
        let run = cells.iter().find(done).unwrap_or(&cells[0]);
        vec![*run]
    } else {
        cells.clone()
    };
    let group: Vec<&CellResult> = runs.iter().map(|index| &results.cells[*index]).collect();
    let done: Vec<(&CellResult, &RunRecord)> = group
        .iter()
        .filter(|result| result.status == JobStatus::Done)
        .filter_map(|result| Some((*result, result.record.as_deref()?)))
        .collect();
    let failed = group
        .iter()
        .filter(|result| result.status.is_failure())
        .count();
    let collect = |value: &dyn Fn(&CellResult, &RunRecord) -> Option<f64>| -> Vec<f64> {
        done.iter()
            .filter_map(|(result, record)| value(result, record))
            .filter(|value| value.is_finite())
            .collect()
    };
    let metrics = |discriminator: bool| {
        METRICS.map(|(_, metric)| {
            estimate(&collect(&|_, record| {
                let metrics = &record.outcome.metrics;
                metric((if discriminator { metrics.d } else { metrics.g }).as_ref()?)
            }))
        })
    };
    let auc_interval = |discriminator: bool| {
        mean_interval(&collect(&|_, record| {
            let metrics = &record.outcome.metrics;
            (if discriminator { metrics.d } else { metrics.g })?.auc
        }))
    };
    let (mut d, mut g) = (metrics(true), metrics(false));
    d[0].interval = auc_interval(true);
    g[0].interval = auc_interval(false);
    let aucs = collect(&|result, _| finished_auc(result));
    let reported = |metric: Metric| {
        estimate(&collect(&|result, record| {
            let FinalMetrics { d, g } = record.outcome.metrics;
            metric(&result.cell.reporting.score_by.of(d, g)?)
        }))
    };
    let best: Vec<f64> = runs
        .iter()
        .filter_map(|index| {
            let record = results.cells[*index].record.as_deref()?;
            match results.lost_curves.get(index) {
                Some(lost) => [lost.best_auc_d, lost.best_auc_g]
                    .into_iter()
                    .flatten()
                    .reduce(f64::max),
                None => best_epoch(record),
            }
        })
        .filter(|best| best.is_finite())
        .collect();
    SummaryRow {
        variant: first.cell.variant.clone(),
        point: first.cell.point.clone(),
        shown: shown.to_vec(),
        deterministic,
        n: done.len(),
        expected: group.len(),
        failed,
        missing: group.len() - done.len() - failed,
        auc: Estimate {
            interval: mean_interval(&aucs),
            ..estimate(&aucs)
        },
        within: reported(|metrics| metrics.macro_auc),
        anomalous: reported(|metrics| metrics.ano_auc),
        best_epoch_auc: estimate(&best),
        d,
        g,
        cells,
    }
}

/// Whether these cells, which differ in their seed alone, are one run: their method draws nothing and reads the same data, or they
/// share one job.
fn is_deterministic(results: &SweepResults, cells: &[usize]) -> bool {
    let first = &results.cells[cells[0]];
    let one_job = |index: &usize| results.cells[*index].job_id == first.job_id;
    // Each seed may have generated data of its own.
    let same_data =
        |index: &usize| results.cells[*index].cell.job.dataset == first.cell.job.dataset;
    (first.cell.job.is_deterministic() && cells.iter().all(same_data))
        || (cells.len() > 1 && cells.iter().all(one_job))
}

fn estimate(values: &[f64]) -> Estimate {
    Estimate {
        n: values.len(),
        mean: mean(values),
        std: sample_std(values),
        interval: None,
        iqm: interquartile_mean(values),
    }
}

/// The best AUC over the epochs, of whichever score is best.
fn best_epoch(record: &RunRecord) -> Option<f64> {
    record
        .outcome
        .curve
        .iter()
        .filter(|point| point.phase == Phase::Train)
        .flat_map(|point| [point.auc_d, point.auc_g])
        .flatten()
        .reduce(f64::max)
}
