//! Which of the paper's orderings a sweep shows: the claims whose two sides are both among its rows.

use sweeps::{CellResult, JobStatus};

use super::claim::{Alias, Arm, Claim, Score, paper_claims};
use crate::results::SweepResults;
use crate::summary::{SummaryRow, finished_auc};
use statistics::{Decision, Hypothesis, Question, Rule, decide_family};

/// A claim of the paper at one point of a sweep's grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Ordering {
    /// The claim.
    pub claim: &'static Claim,
    /// The row of its left side, by index.
    pub left: usize,
    /// The row of its right side; the same one where D and G of one method are compared.
    pub right: usize,
    /// What became of it, in a family of all claims that the sweep's rows can make.
    pub decision: Decision,
}

/// The paper's claims that a sweep was set out to show, in the paper's order and then in that of the rows. Both sides stand
/// at the same point of the grid: orderings across data sets are none. A side is found by its variant's name, or by a name
/// and settings that `claims.toml` lists.
pub fn orderings(results: &SweepResults, rows: &[SummaryRow]) -> Vec<Ordering> {
    let claims = paper_claims();
    let mut found: Vec<(&'static Claim, usize, usize)> = Vec::new();
    for claim in &claims.claims {
        let side = |name: &str| {
            claims
                .arm(name)
                .map_or_else(Vec::new, |arm| matches(results, rows, arm))
        };
        let (lefts, rights) = (side(&claim.left), side(&claim.right));
        for left in &lefts {
            for right in &rights {
                let same = claim.left == claim.right;
                if same && left.row != right.row {
                    continue;
                }
                if same_point(&rows[left.row], &rows[right.row], left, right) {
                    found.push((claim, left.row, right.row));
                }
            }
        }
    }
    let pairs: Vec<Vec<(f64, f64)>> = found
        .iter()
        .map(|(claim, left, right)| {
            let (left_score, right_score) = (claim.left_score, claim.right_score);
            rows[*left].pairs_of_each(
                &rows[*right],
                results,
                |result| auc(result, left_score),
                |result| auc(result, right_score),
            )
        })
        .collect();
    let hypotheses: Vec<Hypothesis<'_>> = found
        .iter()
        .zip(&pairs)
        .map(|((claim, ..), pairs)| Hypothesis {
            question: claim.relation.question(),
            pairs,
        })
        .collect();
    let decisions = decide_family(&hypotheses, Rule::of(found.len()));
    found
        .into_iter()
        .zip(decisions)
        .map(|((claim, left, right), decision)| Ordering {
            claim,
            left,
            right,
            decision,
        })
        .collect()
}

impl Ordering {
    /// Whether it is a question that the table of comparisons asks too: is the reported AUC of one row above another's?
    pub fn is_paired(&self) -> bool {
        self.left != self.right
            && self.claim.left_score == Score::Reported
            && self.claim.right_score == Score::Reported
            && self.claim.relation.question() == Question::Above
    }
}

/// A row that is an arm, and the columns by which it is.
struct Match {
    row: usize,
    columns: Vec<usize>,
}

/// The rows that are an arm. Where its own name is among the variants, other names do not count.
fn matches(results: &SweepResults, rows: &[SummaryRow], arm: &Arm) -> Vec<Match> {
    let by_name: Vec<Match> = (0..rows.len())
        .filter(|row| rows[*row].variant == arm.name)
        .map(|row| Match {
            row,
            columns: Vec::new(),
        })
        .collect();
    if !by_name.is_empty() {
        return by_name;
    }
    (0..rows.len())
        .filter_map(|row| {
            let alias = arm
                .also
                .iter()
                .find(|alias| fits(results, &rows[row], alias))?;
            let swept = |name: &String| results.columns.iter().position(|column| column == name);
            Some(Match {
                row,
                columns: alias.settings.keys().filter_map(swept).collect(),
            })
        })
        .collect()
}

/// Whether a row is of the alias' variant and has its settings, as swept or as its jobs have them.
fn fits(results: &SweepResults, row: &SummaryRow, alias: &Alias) -> bool {
    let Some(first) = row.first(results) else {
        return false;
    };
    let parameters = &first.cell.job.parameters;
    // Jobs name every parameter that applies to them; a report from CSV files knows none.
    let known = parameters.iter().next().is_some();
    row.variant == alias.variant
        && alias.settings.keys().all(|name| {
            let column = results.columns.iter().position(|column| column == name);
            match column {
                Some(column) => {
                    let value = row.point.get(column).and_then(Option::as_ref);
                    value.is_some() && alias.fits(name, value)
                }
                None => match parameters.get(name) {
                    None if known => false,
                    value => alias.fits(name, value),
                },
            }
        })
}

/// Whether two rows differ at most in the columns that make them the two sides.
fn same_point(left: &SummaryRow, right: &SummaryRow, one: &Match, other: &Match) -> bool {
    let sides = |column: &usize| one.columns.contains(column) || other.columns.contains(column);
    (0..left.point.len().max(right.point.len()))
        .filter(|column| !sides(column))
        .all(|column| left.point.get(column) == right.point.get(column))
}

/// The AUC of a score of a finished cell.
fn auc(result: &CellResult, score: Score) -> Option<f64> {
    if score == Score::Reported {
        return finished_auc(result);
    }
    let record = result.record.as_ref()?;
    let metrics = &record.outcome.metrics;
    let score = match score {
        Score::Generator => metrics.g,
        _ => metrics.d,
    };
    (result.status == JobStatus::Done).then_some(score?.auc?)
}
