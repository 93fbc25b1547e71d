//! What the runs of one variant show: AUCs by seed, and the labels that they trained on.

use std::collections::BTreeMap;

use sweeps::{EpochPoint, Phase};

use super::claim::Score;
use crate::results::SweepResults;
use statistics::mean;

/// The finished runs of one variant.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    /// Runs that were asked for.
    pub expected: usize,
    /// AUC of the reported score by seed.
    pub reported: BTreeMap<u64, f64>,
    /// AUC of D by seed.
    pub discriminator: BTreeMap<u64, f64>,
    /// AUC of G by seed.
    pub generator: BTreeMap<u64, f64>,
    /// Mean AUC within videos of the reported score, by seed.
    pub within: BTreeMap<u64, f64>,
    /// Mean AUC of the reported score after the first epoch of the main phase.
    pub first_epoch: Option<f64>,
    /// Share of positives among G's labels, mean over the last epochs.
    pub positives_g: Option<f64>,
    /// Share of positives among D's labels.
    pub positives_d: Option<f64>,
    /// Agreement of the two label sets.
    pub agreement: Option<f64>,
}

impl Evidence {
    /// The AUCs of a score by seed.
    pub(super) fn of(&self, score: Score) -> &BTreeMap<u64, f64> {
        match score {
            Score::Reported => &self.reported,
            Score::Discriminator => &self.discriminator,
            Score::Generator => &self.generator,
        }
    }

    /// Whether a D was trained.
    pub(super) fn has_d(&self) -> bool {
        !self.discriminator.is_empty()
    }
}

/// The variants of a sweep in the order of its file, each with its evidence.
pub(super) fn gather(results: &SweepResults, variants: &[String]) -> BTreeMap<String, Evidence> {
    let mut gathered = BTreeMap::new();
    for variant in variants {
        let mut evidence = Evidence::default();
        let mut first = Vec::new();
        let mut last: Vec<&EpochPoint> = Vec::new();
        let cells = results.cells.iter();
        for result in cells.filter(|result| &result.cell.variant == variant) {
            evidence.expected += 1;
            let Some(record) = &result.record else {
                continue;
            };
            let seed = result.cell.job.seed;
            let metrics = &record.outcome.metrics;
            let keep = |into: &mut BTreeMap<u64, f64>, auc: Option<f64>| {
                if let Some(auc) = auc.filter(|auc| auc.is_finite()) {
                    into.insert(seed, auc);
                }
            };
            keep(&mut evidence.reported, result.auc());
            keep(
                &mut evidence.discriminator,
                metrics.d.and_then(|score| score.auc),
            );
            keep(
                &mut evidence.generator,
                metrics.g.and_then(|score| score.auc),
            );
            let within =
                |score: Option<sweeps::ScoreMetrics>| score.and_then(|score| score.macro_auc);
            let score_by = result.cell.reporting.score_by;
            keep(
                &mut evidence.within,
                score_by.of(within(metrics.d), within(metrics.g)),
            );
            let train: Vec<&EpochPoint> = record
                .outcome
                .curve
                .iter()
                .filter(|point| point.phase == Phase::Train)
                .collect();
            if let (Some(start), Some(end)) = (train.first(), train.last()) {
                first.extend(start.auc_d.or(start.auc_g));
                last.push(*end);
            }
        }
        let share = |pick: fn(&EpochPoint) -> Option<f64>| {
            mean(
                &last
                    .iter()
                    .filter_map(|point| pick(point))
                    .collect::<Vec<_>>(),
            )
        };
        evidence.first_epoch = mean(&first);
        evidence.positives_g = share(|point| point.positive_share_g);
        evidence.positives_d = share(|point| point.positive_share_d);
        evidence.agreement = share(|point| point.agreement_gd);
        gathered.insert(variant.clone(), evidence);
    }
    gathered
}
