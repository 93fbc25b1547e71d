//! Whether the claims hold on one data set: by differences per seed, never by means of different seeds.

use std::collections::BTreeMap;

use super::claim::{Claim, Claims};
use super::evidence::Evidence;
use statistics::{Decision, Hypothesis, decide_family, mean};

/// A claim with what the runs say.
#[derive(Debug, Clone)]
pub(super) struct Judged<'a> {
    /// The claim.
    pub claim: &'a Claim,
    /// What became of it.
    pub decision: Decision,
    /// Mean AUCs of both sides over the common seeds.
    pub means: Option<(f64, f64)>,
}

/// Judges all claims on one data set.
pub(super) fn judge<'a>(
    claims: &'a Claims,
    evidence: &BTreeMap<String, Evidence>,
) -> Vec<Judged<'a>> {
    let nothing = BTreeMap::new();
    let values = |arm: &str, score| evidence.get(arm).map_or(&nothing, |found| found.of(score));
    let pairs: Vec<Vec<(f64, f64)>> = claims
        .claims
        .iter()
        .map(|claim| {
            let right = values(&claim.right, claim.right_score);
            values(&claim.left, claim.left_score)
                .iter()
                .filter_map(|(seed, left)| Some((*left, *right.get(seed)?)))
                .collect()
        })
        .collect();
    let hypotheses: Vec<Hypothesis<'_>> = claims
        .claims
        .iter()
        .zip(&pairs)
        .map(|(claim, pairs)| Hypothesis {
            question: claim.relation.question(),
            pairs,
        })
        .collect();
    claims
        .claims
        .iter()
        .zip(decide_family(&hypotheses, claims.rule()))
        .zip(&pairs)
        .map(|((claim, decision), pairs)| {
            let (left, right): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
            Judged {
                claim,
                decision,
                means: mean(&left).zip(mean(&right)),
            }
        })
        .collect()
}
