//! A plain word on why, from what the runs recorded; silent where they show nothing.

use std::collections::BTreeMap;

use super::claim::Relation;
use super::evidence::Evidence;
use super::judgement::{Judged, Verdict};
use crate::page::html::percent;

/// Labels that agree on more than this confirm one another: the share from which a run warns too.
const LOCKED: f64 = 0.98;
/// A fall or a gap that is worth a word: one point.
const POINT: f64 = 0.01;
/// What the paper's AE_AllData reaches on UCF-Crime.
const PUBLISHED_AUTOENCODER: f64 = 0.5632;

/// What the evidence shows about an outcome.
pub(super) fn reason(judged: &Judged<'_>, evidence: &BTreeMap<String, Evidence>) -> String {
    let (Some(left), Some(right), Some(comparison)) = (
        evidence.get(judged.claim.left.0),
        evidence.get(judged.claim.right.0),
        judged.comparison.as_ref(),
    ) else {
        return String::new();
    };
    let (left_name, right_name) = (judged.claim.left.0, judged.claim.right.0);
    let mut words = Vec::new();
    if judged.verdict == Verdict::Undecided && judged.claim.relation == Relation::Above {
        words.push(
            match comparison.std {
                Some(std) if comparison.mean.abs() < std => {
                    "The difference is smaller than its own spread over seeds."
                }
                _ => "Too few seeds agree for so many comparisons.",
            }
            .to_owned(),
        );
    }
    if judged.verdict == Verdict::Fails
        && right_name == "AE_AllData"
        && let Some((_, auc)) = judged.means
        && auc > PUBLISHED_AUTOENCODER + 10.0 * POINT
    {
        words.push(format!(
            "Reconstruction error alone stands at {}% here, far above the paper's {}%: it leaves less to gain.",
            percent(Some(auc)),
            percent(Some(PUBLISHED_AUTOENCODER)),
        ));
    }
    if judged.claim.relation == Relation::Above && left_name == right_name {
        if let Some(agreement) = left.agreement.filter(|share| *share >= LOCKED) {
            words.push(format!(
                "The labels of G and D agree on {}% of the segments: D has little of its own to say.",
                percent(Some(agreement))
            ));
        }
        return words.join(" ");
    }
    if judged.claim.relation == Relation::Above
        && let (Some(a), Some(b)) = (left.truth, right.truth)
        && (a - b).abs() >= POINT
    {
        let better = if (a > b) == (comparison.mean > 0.0) {
            "the better labels give the better scores"
        } else {
            "better labels do not give better scores here"
        };
        words.push(format!(
            "Labels agree with the training truth on {}% of the segments for {left_name}, on {}% for {right_name}: {better}.",
            percent(Some(a)),
            percent(Some(b))
        ));
    }
    if judged.verdict == Verdict::Fails && judged.claim.relation == Relation::Above {
        {
            let (name, side, score) = (left_name, left, judged.claim.left.1);
            let end =
                crate::statistics::mean(&side.of(score).values().copied().collect::<Vec<_>>());
            if let (Some(start), Some(end)) = (side.first_epoch, end)
                && start - end >= POINT
            {
                words.push(format!(
                    "{name} falls from {}% after its first epoch to {}% after its last.",
                    percent(Some(start)),
                    percent(Some(end))
                ));
            }
        }
    }
    words.join(" ")
}
