//! The data of figures that are drawn from epochs: the curves of some seeds of each group, and what all of its finished
//! seeds have in common at each epoch.
//!
//! A picture cannot show a thousand lines: of each group so many seeds are kept as can be told apart, evenly chosen, and of
//! so many epochs. Means and spreads are of all finished seeds.

use sweeps::{CellResult, EpochPoint, JobStatus, Phase, ScoreBy};

use super::key::Key;
use super::network::Network;
use super::source::Source;
use crate::files::curve;
use crate::results::SweepResults;
use crate::summary::SummaryRow;
use statistics::{mean, quantile, sample_std};

/// Seeds of a group whose curves are kept, at most.
pub(super) const MOST_SEEDS: usize = 24;
/// Epochs of a curve that are kept, at most: half a pixel each.
pub(super) const MOST_EPOCHS: u32 = 400;

/// AUCs of the reported score, of D and of G.
pub(super) type Triple = [Option<f64>; 3];

/// The curves of a figure. AUCs are fractions, as in every file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Curves {
    pub(super) source: Source,
    pub(super) groups: Vec<CurveGroup>,
}

/// The curves of one variant at one point.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct CurveGroup {
    pub(super) key: Key,
    /// Finished runs.
    pub(super) n: usize,
    /// Runs that were asked for.
    pub(super) asked: usize,
    /// Whether all of its cells are one job.
    pub(super) deterministic: bool,
    pub(super) seeds: Vec<SeedCurve>,
    pub(super) epochs: Vec<Common>,
}

/// One seed's AUCs over the epochs of the main phase.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SeedCurve {
    pub(super) seed: u64,
    pub(super) job: String,
    pub(super) status: JobStatus,
    pub(super) points: Vec<(u32, Triple)>,
}

/// What the finished seeds have in common at one epoch. An epoch that one of them lacks has nothing: a mean over whoever is
/// left would bend where a seed ends.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Common {
    pub(super) epoch: u32,
    pub(super) mean: Triple,
    pub(super) std: Triple,
    /// The 5% and the 95% quantile over the seeds, where not all of them are drawn.
    pub(super) low: Triple,
    pub(super) high: Triple,
}

/// Where a score stands in a [`Triple`].
pub(super) fn slot(network: Option<Network>) -> usize {
    match network {
        None => 0,
        Some(Network::Discriminator) => 1,
        Some(Network::Generator) => 2,
    }
}

impl Curves {
    /// Of `rows`. `of_groups` says how many there are, where these are not all.
    pub(super) fn of(
        results: &SweepResults,
        source: &Source,
        rows: &[&SummaryRow],
        of_groups: Option<usize>,
    ) -> Self {
        let mut source = source.clone();
        source.about.of_groups = of_groups;
        let last = rows
            .iter()
            .flat_map(|row| &row.cells)
            .map(|index| last_epoch(&results.cells[*index]))
            .max()
            .unwrap_or(0);
        let every = last.div_ceil(MOST_EPOCHS).max(1);
        source.about.every = (every > 1).then_some(every);
        let groups = rows
            .iter()
            .map(|row| CurveGroup::of(results, row, every))
            .filter(|group| !group.seeds.is_empty() || rows.len() == 1)
            .collect();
        Self { source, groups }
    }

    /// The groups that have a curve.
    pub(super) fn drawn(&self) -> impl Iterator<Item = &CurveGroup> + Clone {
        let groups = self.groups.iter();
        groups.filter(|group| group.seeds.iter().any(|seed| !seed.points.is_empty()))
    }
}

/// Whether a row has an epoch to draw.
pub(super) fn has_curve(results: &SweepResults, row: &SummaryRow) -> bool {
    let mut cells = row.cells.iter().map(|index| &results.cells[*index]);
    cells.any(|cell| points(cell).any(|(_, triple)| triple != [None; 3]))
}

/// The epoch of the last point of a row's longest curve.
pub(super) fn length(results: &SweepResults, row: &SummaryRow) -> u32 {
    let cells = row.cells.iter().map(|index| &results.cells[*index]);
    cells.map(last_epoch).max().unwrap_or(0)
}

/// The last epoch of the main phase; 0 where there is none.
fn last_epoch(result: &CellResult) -> u32 {
    let mut points = curve(result).iter().rev();
    points
        .find(|point| point.phase == Phase::Train)
        .map_or(0, |point| point.epoch)
}

fn points(result: &CellResult) -> impl Iterator<Item = (u32, Triple)> + '_ {
    let by = result.cell.reporting.score_by;
    curve(result)
        .iter()
        .filter(|point| point.phase == Phase::Train)
        .map(move |point| (point.epoch, triple(by, point)))
}

fn triple(by: ScoreBy, point: &EpochPoint) -> Triple {
    let finite = |auc: Option<f64>| auc.filter(|auc| auc.is_finite());
    let (d, g) = (finite(point.auc_d), finite(point.auc_g));
    [by.of(d, g), d, g]
}

impl CurveGroup {
    fn of(results: &SweepResults, row: &SummaryRow, every: u32) -> Self {
        let cells: Vec<&CellResult> = row
            .cells
            .iter()
            .map(|index| &results.cells[*index])
            .filter(|cell| points(cell).any(|(_, triple)| triple != [None; 3]))
            .collect();
        let first = row.cells.first().map(|index| results.cells[*index].job_id);
        let one_job = |index: &usize| Some(results.cells[*index].job_id) == first;
        let count = cells.len().min(MOST_SEEDS);
        let seeds = (0..count).map(|index| {
            let cell = cells[evenly(index, count, cells.len())];
            let last = last_epoch(cell);
            SeedCurve {
                seed: cell.cell.job.seed,
                job: cell.job_id.short(),
                status: cell.status,
                points: points(cell)
                    .filter(|(epoch, _)| last.abs_diff(*epoch) % every == 0)
                    .collect(),
            }
        });
        let seeds: Vec<SeedCurve> = seeds.collect();
        let done: Vec<&CellResult> = cells
            .iter()
            .copied()
            .filter(|cell| cell.status == JobStatus::Done)
            .collect();
        Self {
            key: Key {
                variant: row.variant.clone(),
                point: row.point.clone(),
            },
            n: row.n,
            asked: row.expected,
            deterministic: row.cells.len() > 1 && row.cells.iter().all(one_job),
            epochs: common(&done, every, cells.len() > count),
            seeds,
        }
    }

    /// The mean of the finished seeds in percent, with its standard deviation, at each epoch.
    pub(super) fn means(
        &self,
        network: Option<Network>,
    ) -> impl DoubleEndedIterator<Item = (u32, f64, Option<f64>)> + Clone {
        let slot = slot(network);
        self.epochs.iter().filter_map(move |common| {
            let std = common.std[slot].map(|std| std * 100.0);
            Some((common.epoch, common.mean[slot]? * 100.0, std))
        })
    }

    /// Where most of the seeds are in percent, at each epoch: only where not all of them are drawn.
    pub(super) fn range(&self, network: Option<Network>) -> Vec<(u32, f64, f64)> {
        let slot = slot(network);
        let ends = |common: &Common| {
            Some((
                common.epoch,
                common.low[slot]? * 100.0,
                common.high[slot]? * 100.0,
            ))
        };
        self.epochs.iter().filter_map(ends).collect()
    }

    /// All AUCs that are drawn, in percent.
    pub(super) fn values(&self, network: Option<Network>) -> impl Iterator<Item = f64> + '_ {
        let slot = slot(network);
        let seeds = self.seeds.iter().flat_map(|seed| &seed.points);
        let seeds = seeds.filter_map(move |(_, triple)| triple[slot]);
        let means = self.epochs.iter().flat_map(move |common| {
            let spread = |sign: f64| Some(common.mean[slot]? + sign * common.std[slot]?);
            [
                common.mean[slot],
                common.low[slot],
                common.high[slot],
                // A band alone does not widen the axis beyond the seeds, where all of them are drawn.
                common.low[slot].and_then(|_| spread(-1.0)),
                common.low[slot].and_then(|_| spread(1.0)),
            ]
        });
        seeds.chain(means.flatten()).map(|auc| auc * 100.0)
    }

    /// The last epoch that is drawn.
    pub(super) fn last(&self) -> u32 {
        let seeds = self.seeds.iter().filter_map(|seed| seed.points.last());
        seeds.map(|(epoch, _)| *epoch).max().unwrap_or(1)
    }

    /// How thick its mean is drawn: one that lacks seeds is thin, so that nobody takes it for the others' equal.
    pub(super) fn thickness(&self) -> f64 {
        if self.n < self.asked { 0.9 } else { 2.0 }
    }

    /// `n = 4 of 5`.
    pub(super) fn count(&self) -> String {
        if self.deterministic {
            "deterministic, one run".into()
        } else {
            format!("n = {} of {}", self.n, self.asked)
        }
    }

    /// Whose the reported AUC is at the end.
    pub(super) fn reported(&self) -> Option<Network> {
        let seeds = self.seeds.iter().filter_map(|seed| seed.points.last());
        let mut networks = seeds.map(|(_, [auc, d, g])| Network::of(*auc, *d, *g));
        let first = networks.next()??;
        networks.all(|other| other == Some(first)).then_some(first)
    }
}

/// The index of the `index`th of `count` evenly chosen ones of `all`, the first and the last among them.
pub(super) fn evenly(index: usize, count: usize, all: usize) -> usize {
    if count > 1 {
        index * (all - 1) / (count - 1)
    } else {
        0
    }
}

/// Mean and spread per epoch over finished seeds.
fn common(done: &[&CellResult], every: u32, with_range: bool) -> Vec<Common> {
    let mut values: std::collections::BTreeMap<u32, [Vec<f64>; 3]> =
        std::collections::BTreeMap::new();
    // How many of the seeds have each score at all.
    let mut having = [0; 3];
    for cell in done {
        let mut has = [false; 3];
        let last = last_epoch(cell);
        for (epoch, triple) in points(cell) {
            has = std::array::from_fn(|slot| has[slot] || triple[slot].is_some());
            if last.abs_diff(epoch) % every != 0 {
                continue;
            }
            let at = values
                .entry(epoch)
                .or_insert_with(|| std::array::from_fn(|_| Vec::with_capacity(done.len())));
            for (slot, auc) in triple.into_iter().enumerate() {
                at[slot].extend(auc);
            }
        }
        for (count, has) in having.iter_mut().zip(has) {
            *count += usize::from(has);
        }
    }
    let summarized = values.into_iter().map(|(epoch, mut values)| {
        let mut common = Common {
            epoch,
            ..Common::default()
        };
        for (slot, values) in values.iter_mut().enumerate() {
            if values.is_empty() || values.len() != having[slot] {
                continue;
            }
            common.mean[slot] = mean(values);
            common.std[slot] = sample_std(values);
            if with_range {
                values.sort_unstable_by(f64::total_cmp);
                common.low[slot] = quantile(values, 0.05);
                common.high[slot] = quantile(values, 0.95);
            }
        }
        common
    });
    summarized
        .filter(|common| common.mean != [None; 3])
        .collect()
}
