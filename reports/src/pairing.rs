//! Which rows of a sweep are compared with which, and what comes of it. The comparisons are set by what was asked for,
//! never by what has finished.

use std::collections::{BTreeMap, BTreeSet};

use sweeps::Value;

use crate::generated::is_data;
use crate::order::compare_points;
use crate::results::SweepResults;
use crate::study::orderings::{Ordering, orderings};
use crate::summary::{SummaryRow, one_variant};
use statistics::{Decision, Hypothesis, Question, Rule, decide_family};

/// Comparisons up to which all are decided. Beyond, only the first are; the family keeps its size.
const MOST_DECIDED: usize = 5_000;
/// How many are decided of more.
const FIRST: usize = 60;

/// A comparison that was decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The left row, by index.
    pub left: usize,
    /// The right row.
    pub right: usize,
    /// Whether left is above right.
    pub decision: Decision,
    /// Whether the paper claims an order of the two, so that they are decided among its claims.
    pub claimed: bool,
}

/// Every comparison of AUCs that the rows of a sweep make, left against right, as indices of rows. Their number is the
/// size of the family that a test's level is shared by.
///
/// Variants are compared at the same point of the grid: all pairs of them, or each with the reference of the sweep file's
/// `[report]`. With one variant, every level of a factor is compared with the first row of the same data set, where the two
/// differ in that factor alone. Results on different data sets are never subtracted.
pub fn comparisons(results: &SweepResults, rows: &[SummaryRow]) -> Vec<(usize, usize)> {
    if one_variant(rows) {
        return against_first(results, rows);
    }
    let reference = results
        .report
        .reference
        .as_deref()
        .filter(|name| rows.iter().any(|row| row.variant == *name));
    let mut found = Vec::new();
    for group in by_point(rows) {
        if let Some(name) = reference {
            let (standard, others): (Vec<usize>, Vec<usize>) = group
                .iter()
                .partition(|index| rows[**index].variant == name);
            for right in standard {
                found.extend(others.iter().map(|left| (*left, right)));
            }
        } else {
            for (place, left) in group.iter().enumerate() {
                found.extend(group[..place].iter().map(|right| (*left, *right)));
            }
        }
    }
    found
}

/// What the rows of a sweep say of one another.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decided {
    /// Every comparison with its decision, in the order of [`comparisons`].
    pub compared: Vec<Compared>,
    /// The size of their family, which is larger than the list where there are thousands.
    pub family: usize,
    /// The paper's claims that the rows can show.
    pub orderings: Vec<Ordering>,
}

impl Decided {
    /// The decision of the comparison of two rows, from the side of `left`.
    pub fn between(&self, left: usize, right: usize) -> Option<Decision> {
        self.compared.iter().find_map(|found| {
            if (found.left, found.right) == (left, right) {
                Some(found.decision.clone())
            } else {
                ((found.left, found.right) == (right, left)).then(|| found.decision.reversed())
            }
        })
    }
}

/// Decides every comparison of a sweep's rows, and every claim of the paper about them. Pairs that the paper claims an order of are decided among its claims, which stand in data
/// before any run; all others in the family of all pairs. One question has one answer.
pub fn decided(results: &SweepResults, rows: &[SummaryRow]) -> Decided {
    let mut candidates = comparisons(results, rows);
    let family = candidates.len();
    if family > MOST_DECIDED {
        candidates.truncate(FIRST);
    }
    let values: Vec<Vec<(f64, f64)>> = candidates
        .iter()
        .map(|(left, right)| rows[*left].pairs(&rows[*right], results))
        .collect();
    let hypotheses: Vec<Hypothesis<'_>> = values
        .iter()
        .map(|pairs| Hypothesis {
            question: Question::Above,
            pairs,
        })
        .collect();
    let decisions = decide_family(&hypotheses, Rule::of(family));
    let mut claims: BTreeMap<(usize, usize), Decision> = BTreeMap::new();
    let orderings = orderings(results, rows);
    for ordering in orderings.iter().filter(|ordering| ordering.is_paired()) {
        let (left, right) = (ordering.left, ordering.right);
        claims.insert((right, left), ordering.decision.reversed());
        claims.insert((left, right), ordering.decision.clone());
    }
    let compared = candidates
        .into_iter()
        .zip(decisions)
        .map(|((left, right), decision)| {
            let claim = claims.remove(&(left, right));
            Compared {
                left,
                right,
                claimed: claim.is_some(),
                decision: claim.unwrap_or(decision),
            }
        })
        .collect();
    Decided {
        compared,
        family,
        orderings,
    }
}

/// Indices of rows at one point of the grid, each point in turn; within it the sweep's order.
pub(crate) fn by_point(rows: &[SummaryRow]) -> Vec<Vec<usize>> {
    let mut sorted: Vec<usize> = (0..rows.len()).collect();
    // Stable: variants keep their order.
    sorted.sort_by(|left, right| compare_points(&rows[*left].point, &rows[*right].point));
    sorted
        .chunk_by(|left, right| compare_points(&rows[*left].point, &rows[*right].point).is_eq())
        .map(<[usize]>::to_vec)
        .collect()
}

/// Rows of one variant against the first of their data set.
fn against_first(results: &SweepResults, rows: &[SummaryRow]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for group in by_dataset(results, rows) {
        let Some((first, others)) = group.split_first() else {
            continue;
        };
        for other in others {
            let differs = |column: &&usize| {
                let value = |row: usize| rows[row].point.get(**column);
                value(*first) != value(*other)
            };
            if rows[*other].shown.iter().filter(differs).count() == 1 {
                found.push((*other, *first));
            }
        }
    }
    found
}

/// Indices of rows, those of one data set together, in the order of their first row.
pub(crate) fn by_dataset(results: &SweepResults, rows: &[SummaryRow]) -> Vec<Vec<usize>> {
    let mut groups: Vec<(Vec<&Option<Value>>, Vec<usize>)> = Vec::new();
    let columns = data_columns(results);
    for (index, row) in rows.iter().enumerate() {
        let dataset = columns
            .iter()
            .map(|column| row.point.get(*column).unwrap_or(&None))
            .collect();
        match groups.iter_mut().find(|(known, _)| *known == dataset) {
            Some((_, group)) => group.push(index),
            None => groups.push((dataset, vec![index])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// The columns that say which data a row is of.
fn data_columns(results: &SweepResults) -> Vec<usize> {
    let columns = results.columns.iter().enumerate();
    columns
        .filter(|(_, name)| is_data(name))
        .map(|(column, _)| column)
        .collect()
}

/// The data set of a row where the sweep has several: its name, or the settings of generated data that are swept.
pub(crate) fn dataset(results: &SweepResults, row: &SummaryRow) -> Option<String> {
    let columns = data_columns(results);
    let parts: Vec<String> = columns
        .into_iter()
        .filter_map(|column| {
            let value = row.point.get(column)?.as_ref()?;
            let name = &results.columns[column];
            let key = name.strip_prefix("dataset.synthetic.");
            Some(key.map_or_else(|| value.to_string(), |key| format!("{key} = {value}")))
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// How many pairs two rows would have if everything had finished.
pub(crate) fn asked_pairs(results: &SweepResults, left: &SummaryRow, right: &SummaryRow) -> usize {
    let seeds = |row: &SummaryRow| -> BTreeSet<u64> {
        row.cells
            .iter()
            .filter_map(|index| results.cells.get(*index))
            .map(|result| result.cell.job.seed)
            .collect()
    };
    let (ours, theirs) = (seeds(left), seeds(right));
    match (left.deterministic, right.deterministic) {
        (true, true) => 1,
        (true, false) => theirs.len(),
        (false, true) => ours.len(),
        (false, false) => ours.intersection(&theirs).count(),
    }
}

/// Whether two rows are the same jobs, seed by seed, and report the same score: a variant under two names.
pub(crate) fn same_jobs(results: &SweepResults, left: &SummaryRow, right: &SummaryRow) -> bool {
    let jobs = |row: &SummaryRow| -> Vec<(u64, sweeps::JobId, sweeps::Reporting)> {
        row.cells
            .iter()
            .filter_map(|index| results.cells.get(*index))
            .map(|result| {
                let cell = &result.cell;
                (cell.job.seed, result.job_id, cell.reporting)
            })
            .collect()
    };
    left.cells.len() == right.cells.len() && jobs(left) == jobs(right)
}
