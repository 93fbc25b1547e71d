//! What makes a row of results doubtful, whatever its mean: AUCs below chance, seeds in two groups, jobs that finished
//! without an AUC.

use crate::results::SweepResults;
use crate::summary::{SummaryRow, finished_auc};
use sweeps::JobStatus;

/// Seeds are in two groups where the gap between them is at least this, as a fraction of AUC.
const SMALLEST_GAP: f64 = 0.05;
/// And this many times what lies on either side of it together: five seeds of one normal distribution are rarely so.
const GAP_TO_RANGE: f64 = 2.5;
/// Seeds below which two groups cannot be told from two values.
const FEWEST_SEEDS: usize = 5;

/// A reason to doubt a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Doubt {
    /// The mean AUC of a score is below one half.
    BelowChance {
        /// `D` or `G`.
        score: &'static str,
        /// Its mean AUC.
        auc: f64,
        /// The mean AUC of the other score, where there is one.
        other: Option<f64>,
        /// Whether the row is reported by this score.
        reported: bool,
    },
    /// The seeds lie in two groups.
    TwoGroups {
        /// AUCs of the lower group, ascending.
        low: Vec<f64>,
        /// AUCs of the upper group, ascending.
        high: Vec<f64>,
    },
    /// Some jobs finished without an AUC.
    SomeWithoutAuc {
        /// Jobs without one.
        without: usize,
        /// Finished jobs.
        jobs: usize,
    },
    /// Jobs finished and none has an AUC: the test split has no frame-level truth, or of one class alone.
    NoAuc {
        /// Finished jobs.
        jobs: usize,
    },
}

/// The doubts about a row, the gravest first.
pub fn doubts(results: &SweepResults, row: &SummaryRow) -> Vec<Doubt> {
    let mut found = Vec::new();
    let done = row
        .cells
        .iter()
        .filter(|index| results.cells[**index].status == JobStatus::Done)
        .count();
    if done > 0 && row.auc.n == 0 {
        found.push(Doubt::NoAuc { jobs: done });
        return found;
    }
    if row.auc.n < row.n {
        found.push(Doubt::SomeWithoutAuc {
            without: row.n - row.auc.n,
            jobs: row.n,
        });
    }
    let (d, g) = (row.d[0].mean, row.g[0].mean);
    let scores = [("D", d, g), ("G", g, d)];
    for (score, auc, other) in scores {
        if let Some(auc) = auc.filter(|auc| *auc < 0.5) {
            found.push(Doubt::BelowChance {
                score,
                auc,
                other,
                reported: row.auc.mean == Some(auc),
            });
        }
    }
    let mut aucs: Vec<f64> = row
        .cells
        .iter()
        .filter_map(|index| finished_auc(&results.cells[*index]))
        .collect();
    aucs.sort_by(f64::total_cmp);
    if let Some(at) = two_groups(&aucs) {
        let (low, high) = aucs.split_at(at);
        found.push(Doubt::TwoGroups {
            low: low.to_vec(),
            high: high.to_vec(),
        });
    }
    found
}

/// Where the upper of two groups begins in ascending values: at their widest gap, if it is far wider than what lies on
/// either side of it together, and not small.
fn two_groups(sorted: &[f64]) -> Option<usize> {
    if sorted.len() < FEWEST_SEEDS {
        return None;
    }
    let at = (1..sorted.len()).max_by(|left, right| {
        let gap = |at: usize| sorted[at] - sorted[at - 1];
        gap(*left).total_cmp(&gap(*right))
    })?;
    let gap = sorted[at] - sorted[at - 1];
    let (low, high) = sorted.split_at(at);
    let range = |part: &[f64]| {
        part.last()
            .zip(part.first())
            .map_or(0.0, |(last, first)| last - first)
    };
    (gap >= SMALLEST_GAP && gap > GAP_TO_RANGE * (range(low) + range(high))).then_some(at)
}

impl Doubt {
    /// The doubt in words; `label` names the row.
    pub fn words(&self, label: &str) -> String {
        let percent = |auc: f64| format!("{:.1}%", auc * 100.0);
        match self {
            Self::NoAuc { jobs } => format!(
                "{label}: {jobs} finished and none has an AUC. The test split has no frame-level truth, or of one class alone."
            ),
            Self::SomeWithoutAuc { without, jobs } => {
                format!(
                    "{label}: {without} of {jobs} finished jobs have no AUC; the mean is of the others."
                )
            }
            Self::BelowChance {
                score,
                auc,
                other,
                reported,
            } => {
                let beside = other.map_or_else(String::new, |other| {
                    let name = if *score == "D" { "G" } else { "D" };
                    format!(", while that of {name} is {}", percent(other))
                });
                let judged = if *reported {
                    " The reported AUC is this one."
                } else {
                    ""
                };
                format!(
                    "{label}: the mean AUC of {score} is {}, below chance{beside}. A score below chance ranks normal frames above anomalous ones.{judged}",
                    percent(*auc)
                )
            }
            Self::TwoGroups { low, high } => {
                let shown = |part: &[f64]| match part {
                    [one] => percent(*one),
                    [first, .., last] => {
                        format!(
                            "{} seeds from {} to {}",
                            part.len(),
                            percent(*first),
                            percent(*last)
                        )
                    }
                    [] => String::new(),
                };
                format!(
                    "{label}: its seeds lie in two groups ({}; {}). A mean and a standard deviation describe neither.",
                    shown(low),
                    shown(high)
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_that_collapsed_is_a_group_of_its_own() {
        assert_eq!(two_groups(&[0.24, 0.73, 0.86, 0.90, 0.91]), Some(1));
        assert_eq!(two_groups(&[0.50, 0.52, 0.70, 0.71, 0.72]), Some(2));
        // Evenly spread, near one another, too few.
        assert_eq!(two_groups(&[0.60, 0.65, 0.70, 0.75, 0.80]), None);
        assert_eq!(two_groups(&[0.700, 0.701, 0.740, 0.741, 0.742]), None);
        assert_eq!(two_groups(&[0.2, 0.8, 0.81, 0.82]), None);
        assert_eq!(two_groups(&[]), None);
    }

    /// Twenty seeds of one normal distribution are rarely said to be two groups.
    #[test]
    fn normal_seeds_are_one_group() {
        use rand_chacha::ChaCha8Rng;
        use rand_core::{Rng, SeedableRng};
        let mut random = ChaCha8Rng::from_seed([7; 32]);
        let mut uniform = || (f64::from(random.next_u32()) + 0.5) / 4_294_967_296.0;
        for (n, most) in [(5, 0.10), (10, 0.005), (20, 0.001)] {
            let mut said = 0;
            for _ in 0..2_000 {
                let mut values: Vec<f64> = (0..n)
                    .map(|_| 0.7 + 0.1 * statistics::normal_quantile(uniform()))
                    .collect();
                values.sort_by(f64::total_cmp);
                said += usize::from(two_groups(&values).is_some());
            }
            assert!(
                f64::from(said as u32) / 2_000.0 <= most,
                "{said} at n = {n}"
            );
        }
    }
}
