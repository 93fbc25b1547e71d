//! One line per variant and swept point: what was asked for, what finished, and the mean with its spread.

use std::collections::HashMap;

use sweeps::{CellResult, JobStatus, Phase, RunRecord, ScoreMetrics, Value};

use crate::factor::factors;
use crate::order::compare_points;
use crate::results::SweepResults;
use crate::statistics::{Interval, bootstrap_means, interquartile_mean, mean, sample_std};

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
    /// 95% bootstrap interval of the mean; `None` below three values, and for metrics other than AUCs.
    pub interval: Option<Interval>,
    /// Interquartile mean.
    pub iqm: Option<f64>,
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
    let shown: Vec<usize> = factors(results)
        .into_iter()
        .map(|factor| factor.column)
        .collect();
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

    /// The swept values alone: `supervision_percent = 33, epochs = 15`; empty without axes. Of columns that move together
    /// one stands for all.
    pub fn point_label(&self, columns: &[String]) -> String {
        self.shown
            .iter()
            .filter_map(|index| {
                let (column, value) = (columns.get(*index)?, self.point.get(*index)?.as_ref()?);
                Some(format!("{column} = {value}"))
            })
            .collect::<Vec<_>>()
            .join(", ")
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
    let group: Vec<&CellResult> = cells.iter().map(|index| &results.cells[*index]).collect();
    let done: Vec<(&CellResult, &RunRecord)> = group
        .iter()
        .filter(|result| result.status == JobStatus::Done)
        .filter_map(|result| Some((*result, result.record.as_deref()?)))
        .collect();
    let failed = group
        .iter()
        .filter(|result| matches!(result.status, JobStatus::Failed | JobStatus::Quarantined))
        .count();
    let collect = |value: &dyn Fn(&CellResult, &RunRecord) -> Option<f64>| -> Vec<f64> {
        done.iter()
            .filter_map(|(result, record)| value(result, record))
            .filter(|value| value.is_finite())
            .collect()
    };
    let metric_values = |discriminator: bool| {
        METRICS.map(|(_, metric)| {
            collect(&|_, record| {
                let metrics = &record.outcome.metrics;
                metric((if discriminator { metrics.d } else { metrics.g }).as_ref()?)
            })
        })
    };
    let (values_d, values_g) = (metric_values(true), metric_values(false));
    let aucs = collect(&|result, _| finished_auc(result));
    let best: Vec<f64> = cells
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

    // Columns of equal length are resampled together; `auc` repeats one of the other two almost always.
    let mut intervals: Vec<(&[f64], Option<Interval>)> = Vec::new();
    let mut columns: Vec<&[f64]> = vec![&values_d[0], &values_g[0], &aucs];
    columns.sort_by_key(|column| column.len());
    columns.dedup();
    for chunk in columns.chunk_by(|left, right| left.len() == right.len()) {
        intervals.extend(chunk.iter().copied().zip(bootstrap_means(chunk)));
    }
    let with_interval = |values: &[f64]| Estimate {
        interval: intervals
            .iter()
            .find(|(column, _)| *column == values)
            .and_then(|(_, interval)| *interval),
        ..estimate(values)
    };
    let (mut d, mut g) = (
        values_d.each_ref().map(|values| estimate(values)),
        values_g.each_ref().map(|values| estimate(values)),
    );
    d[0] = with_interval(&values_d[0]);
    g[0] = with_interval(&values_g[0]);
    let first = group[0];
    SummaryRow {
        variant: first.cell.variant.clone(),
        point: first.cell.point.clone(),
        shown: shown.to_vec(),
        n: done.len(),
        expected: group.len(),
        failed,
        missing: group.len() - done.len() - failed,
        auc: with_interval(&aucs),
        best_epoch_auc: estimate(&best),
        d,
        g,
        cells,
    }
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
