//! Whether a claim holds on one data set: by differences per seed, never by means of different seeds.

use std::collections::BTreeMap;

use super::claim::{Claim, Relation};
use super::evidence::Evidence;
use crate::statistics::{
    Interval, PairedComparison, bootstrap_interval, compare_paired, holm, mean, sample_std,
};

/// Differences within this many AUC (one point) count as the same.
pub(super) const SAME: f64 = 0.01;
/// The level at which an ordering counts, after Holm's adjustment over the claims of a data set.
pub(super) const LEVEL: f64 = 0.05;

/// The outcome of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It holds.
    Holds,
    /// The opposite is so.
    Fails,
    /// More seeds would decide.
    Undecided,
    /// A side has too few runs.
    TooFew,
}

impl Verdict {
    /// The words in tables.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "does not hold",
            Self::Undecided => "undecided",
            Self::TooFew => "too few runs",
        }
    }
}

/// A claim with what the runs say.
#[derive(Debug, Clone)]
pub(super) struct Judged<'a> {
    /// The claim.
    pub claim: &'a Claim,
    /// What became of it.
    pub verdict: Verdict,
    /// The differences, left − right.
    pub comparison: Option<PairedComparison>,
    /// For [`Relation::Steadier`]: std of the left side, of the right side, and the interval of their difference.
    pub spread: Option<(f64, f64, Option<Interval>)>,
    /// Wilcoxon's p after Holm's adjustment.
    pub p: Option<f64>,
    /// Mean AUCs of both sides over the common seeds.
    pub means: Option<(f64, f64)>,
}

/// Judges all claims on one data set.
pub(super) fn judge<'a>(
    claims: &'a [Claim],
    evidence: &BTreeMap<String, Evidence>,
) -> Vec<Judged<'a>> {
    let nothing = BTreeMap::new();
    let sides = |(variant, score)| {
        evidence
            .get(variant)
            .map_or(&nothing, |found| found.of(score))
    };
    let mut judged: Vec<Judged<'a>> = claims
        .iter()
        .map(|claim| {
            let right = sides(claim.right);
            let pairs: Vec<(f64, f64)> = sides(claim.left)
                .iter()
                .filter_map(|(seed, left)| Some((*left, *right.get(seed)?)))
                .collect();
            let differences: Vec<f64> = pairs.iter().map(|(left, right)| left - right).collect();
            let (lefts, rights): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
            Judged {
                claim,
                verdict: Verdict::TooFew,
                comparison: compare_paired(&differences),
                spread: (claim.relation == Relation::Steadier)
                    .then(|| spread(&pairs))
                    .flatten(),
                p: None,
                means: mean(&lefts).zip(mean(&rights)),
            }
        })
        .collect();
    // Only orderings are tested; the other claims are decided by their intervals.
    let tested = |judged: &Judged<'_>| judged.claim.relation == Relation::Above;
    let p_values: Vec<Option<f64>> = judged
        .iter()
        .map(|judged| {
            let comparison = judged.comparison.as_ref().filter(|_| tested(judged))?;
            comparison.wilcoxon
        })
        .collect();
    for (judged, p) in judged.iter_mut().zip(holm(&p_values)) {
        judged.p = p;
        judged.verdict = verdict(judged);
    }
    judged
}

fn verdict(judged: &Judged<'_>) -> Verdict {
    let Some(comparison) = &judged.comparison else {
        return Verdict::TooFew;
    };
    match judged.claim.relation {
        Relation::Above => match (judged.p, comparison.interval) {
            (Some(p), Some(interval)) if p < LEVEL && interval.low > 0.0 => Verdict::Holds,
            (Some(p), Some(interval)) if p < LEVEL && interval.high < 0.0 => Verdict::Fails,
            // Ten pairs without any difference have no p, and no difference either.
            (Some(_), _) => Verdict::Undecided,
            (None, _) if comparison.ties == comparison.pairs && comparison.pairs > 5 => {
                Verdict::Fails
            }
            (None, _) => Verdict::TooFew,
        },
        Relation::Same => match comparison.interval {
            None => Verdict::TooFew,
            Some(interval) if interval.low >= -SAME && interval.high <= SAME => Verdict::Holds,
            Some(interval) if interval.low > SAME || interval.high < -SAME => Verdict::Fails,
            Some(_) => Verdict::Undecided,
        },
        Relation::Steadier => match judged.spread.and_then(|(_, _, interval)| interval) {
            None => Verdict::TooFew,
            Some(interval) if interval.high < 0.0 => Verdict::Holds,
            Some(interval) if interval.low > 0.0 => Verdict::Fails,
            Some(_) => Verdict::Undecided,
        },
    }
}

/// Standard deviations of both sides and the bootstrap interval of their difference; seeds are resampled in pairs.
fn spread(pairs: &[(f64, f64)]) -> Option<(f64, f64, Option<Interval>)> {
    let both = |chosen: &[f64]| {
        let (left, right): (Vec<f64>, Vec<f64>) = chosen
            .iter()
            .filter_map(|index| pairs.get(*index as usize).copied())
            .unzip();
        sample_std(&left).zip(sample_std(&right))
    };
    let indices: Vec<f64> = (0..pairs.len()).map(|index| index as f64).collect();
    let (left, right) = both(&indices)?;
    let interval = bootstrap_interval(&[&indices], |strata| {
        let (left, right) = both(strata.first()?)?;
        Some(left - right)
    });
    Some((left, right, interval))
}
