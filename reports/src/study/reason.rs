//! A plain word on why: what the decision rests on, and what the runs recorded; silent where they show nothing.

use std::collections::BTreeMap;

use super::claim::{Relation, Score};
use super::evidence::Evidence;
use super::judgement::Judged;
use crate::page::html::percent;
use statistics::{Verdict, mean};

/// Labels that agree on more than this confirm one another: the share from which a run warns too.
const LOCKED: f64 = 0.98;
/// A fall or a gap that is worth a word: one point.
const POINT: f64 = 0.01;
/// What the paper's AE_AllData reaches on UCF-Crime.
const PUBLISHED_AUTOENCODER: f64 = 0.5632;

/// What the evidence shows about an outcome.
///
/// Nothing is said about the quality of labels: runs record how often labels agree with the training truth, which is plain
/// accuracy. Where 5% of the segments are anomalous, labels that call nothing anomalous agree on 95% of them. Balanced
/// accuracy would need the share of anomalous segments, which no record has.
pub(super) fn reason(judged: &Judged<'_>, evidence: &BTreeMap<String, Evidence>) -> String {
    let claim = judged.claim;
    let (left_words, right_words) = claim.sides();
    let mut words = vec![judged.decision.why(&left_words, &right_words)];
    let verdict = judged.decision.verdict;
    if verdict == Verdict::Fails
        && claim.right == "AE_AllData"
        && let Some((_, auc)) = judged.means
        && auc > PUBLISHED_AUTOENCODER + 10.0 * POINT
    {
        words.push(format!(
            "Reconstruction error alone stands at {}% here, far above the paper's {}%: it leaves less to gain.",
            percent(Some(auc)),
            percent(Some(PUBLISHED_AUTOENCODER)),
        ));
    }
    if claim.relation == Relation::Above
        && let Some(left) = evidence.get(&claim.left)
    {
        if claim.left == claim.right
            && let Some(agreement) = left.agreement.filter(|share| *share >= LOCKED)
        {
            words.push(format!(
                "The labels of G and D agree on {}% of the segments: D has little of its own to say.",
                percent(Some(agreement))
            ));
        } else if verdict == Verdict::Fails && claim.left_score != Score::Generator {
            // The first epoch is known of the reported score alone.
            let values: Vec<f64> = left.of(claim.left_score).values().copied().collect();
            if let (Some(start), Some(end)) = (left.first_epoch, mean(&values))
                && start - end >= POINT
            {
                words.push(format!(
                    "{} falls from {}% after its first epoch to {}% after its last.",
                    claim.left,
                    percent(Some(start)),
                    percent(Some(end))
                ));
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words.join(" ")
}
