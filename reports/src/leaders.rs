//! Who is ahead, for the headline: of rows that may be compared, the one with the best mean, and whether the next one is
//! surely behind.

use std::collections::BTreeSet;

use crate::pairing::{Decided, by_dataset, by_point};
use crate::results::SweepResults;
use crate::summary::{SummaryRow, one_variant};
use crate::supervision::Supervision;
use statistics::{Decision, Hypothesis, Question, Rule, decide_family};

/// The best of rows that were compared with one another: the variants at one point of the grid, or, with one variant, the
/// points of one data set. Which point is best was seen with test truth: where a parameter was swept, its mean is
/// optimistic.
#[derive(Debug, Clone, PartialEq)]
pub struct Leader {
    /// All rows of the group, by index, finished or not.
    pub rows: Vec<usize>,
    /// The row with the best mean AUC.
    pub best: usize,
    /// The row with the next best mean; `None` where no other row has a result.
    pub next: Option<usize>,
    /// What the rows are told about their training videos, where the grid has rows of several kinds: those are not compared.
    pub supervision: Option<Supervision>,
    /// Whether the best (left) is above the next (right). It is the decision of the table of comparisons where the two are
    /// compared there.
    pub decision: Option<Decision>,
    /// Whether the table of comparisons has the two. Elsewhere the decision is in a family of all pairs that could have been
    /// the best two.
    pub listed: bool,
}

/// The leader of each group, in the order of the groups' first rows; groups without a result have none.
pub fn leaders(results: &SweepResults, rows: &[SummaryRow], decided: &Decided) -> Vec<Leader> {
    let groups = by_supervision(results, rows, groups(results, rows));
    // Somebody who looks for the two best has looked at all pairs.
    let family = groups
        .iter()
        .map(|(_, group)| group.len() * group.len().saturating_sub(1) / 2)
        .sum();
    groups
        .into_iter()
        .filter_map(|(supervision, group)| {
            let mut ranked: Vec<(usize, f64)> = group
                .iter()
                .filter_map(|index| Some((*index, rows[*index].auc.mean?)))
                .collect();
            // Stable: of equal means the first row leads.
            ranked.sort_by(|left, right| right.1.total_cmp(&left.1));
            let best = ranked.first()?.0;
            let next = ranked.get(1).map(|(index, _)| *index);
            let found = next.and_then(|next| decided.between(best, next));
            let listed = found.is_some();
            let decision =
                found.or_else(|| next.map(|next| alone(results, &rows[best], &rows[next], family)));
            Some(Leader {
                rows: group,
                best,
                next,
                supervision,
                decision,
                listed,
            })
        })
        .collect()
}

fn alone(results: &SweepResults, left: &SummaryRow, right: &SummaryRow, family: usize) -> Decision {
    let hypothesis = Hypothesis {
        question: Question::Above,
        pairs: &left.pairs(right, results),
    };
    decide_family(&[hypothesis], Rule::of(family)).remove(0)
}

/// Groups split by what their rows are told, in the order of the groups: a method that knows the labels is no rival of one
/// that does not. Groups of one kind stay as they are.
fn by_supervision(
    results: &SweepResults,
    rows: &[SummaryRow],
    groups: Vec<Vec<usize>>,
) -> Vec<(Option<Supervision>, Vec<usize>)> {
    let of = |index: usize| Supervision::of_row(results, &rows[index]);
    let mut split = Vec::new();
    for group in groups {
        let kinds: BTreeSet<Option<Supervision>> = group.iter().map(|index| of(*index)).collect();
        // The share of labels may be the very thing that is swept.
        if one_variant(rows) || kinds.len() < 2 {
            split.push((None, group));
            continue;
        }
        for kind in kinds {
            let own = group.iter().copied().filter(|index| of(*index) == kind);
            split.push((kind, own.collect()));
        }
    }
    split
}

/// Rows that may be compared, in the order of the first of each group.
fn groups(results: &SweepResults, rows: &[SummaryRow]) -> Vec<Vec<usize>> {
    if one_variant(rows) {
        return by_dataset(results, rows);
    }
    let mut groups = by_point(rows);
    groups.sort_by_key(|group| group.first().copied());
    groups
}
