//! The one place that says better, the same, undecided or too few.
//!
//! A decision is a function of the differences per seed and of the size of the family that they were set out to be tested
//! in. The page, the study and the headline all ask here, so that they cannot say different things of the same runs.

use looks::holm;
use looks::statistics::{Interval, mean, mean_interval_at, sample_std};

use crate::equivalence::{beyond_margin_test, equivalence_test};
use crate::paired::{SMALLEST_PAIRS, signed_ranks, smallest_p};
use crate::spread::compare_spreads;

/// What decisions are held to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// How many comparisons were set out to be made, whatever has finished: Holm's m.
    pub family: usize,
    /// α: the probability of any false verdict in the family is at most this.
    pub level: f64,
    /// δ: differences of means below it count as the same.
    pub margin: f64,
}

impl Rule {
    /// A family of so many comparisons at 5%, in which one point of AUC is the same.
    pub fn of(family: usize) -> Self {
        Self {
            family,
            level: 0.05,
            margin: 0.01,
        }
    }
}

/// What is asked of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Is the left side above the right one?
    Above,
    /// Are the means of both the same, within the margin?
    Same,
    /// Does the left side vary less?
    Steadier,
}

/// A question with what was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hypothesis<'a> {
    /// The question.
    pub question: Question,
    /// Left and right value of each seed that finished on both sides.
    pub pairs: &'a [(f64, f64)],
}

/// Which side a statistic is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The left side is above, or varies less.
    Left,
    /// The right side is above, or varies less.
    Right,
    /// Neither.
    Neither,
}

/// The outcome of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The answer is yes.
    Holds,
    /// The opposite is so.
    Fails,
    /// Asked for a difference: the means are the same within the margin.
    Equal,
    /// More seeds might decide.
    Undecided,
    /// So few runs that no result of theirs could have decided.
    TooFew,
}

/// An answer with everything that it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What was asked.
    pub question: Question,
    /// What it was held to.
    pub rule: Rule,
    /// Seeds that finished on both sides.
    pub pairs: usize,
    /// Seeds in which left is ahead.
    pub ahead: usize,
    /// Seeds in which right is ahead.
    pub behind: usize,
    /// Mean difference, left − right.
    pub mean: Option<f64>,
    /// Sample standard deviation of the differences.
    pub std: Option<f64>,
    /// Student's interval of the mean difference, of level 1 − α; no adjustment for the family.
    pub interval: Option<Interval>,
    /// The side that the statistic is for from which `p` comes: Wilcoxon's signed ranks, not the mean, where a difference
    /// was asked for.
    pub direction: Direction,
    /// Two-sided p of the question's test. Above: Wilcoxon's signed ranks. Same: the two one-sided tests where the mean
    /// lies within the margin, the test for a difference beyond it elsewhere. Steadier: distances from the median.
    pub p: Option<f64>,
    /// `p` after Holm's adjustment in the family.
    pub p_adjusted: Option<f64>,
    /// Above: p of the two one-sided tests that the means are the same, times the size of the family.
    pub p_equal: Option<f64>,
    /// The largest difference in favour of the other side than `direction`, as a positive number.
    pub against: Option<f64>,
    /// Standard deviations of both sides.
    pub spreads: Option<(f64, f64)>,
    /// Too few: so many pairs are the fewest that could decide.
    pub needed: Option<usize>,
    /// The outcome.
    pub verdict: Verdict,
}

/// Decides whether left is above right, by the differences per seed (left − right). Alone: of a family, it is as cautious
/// as if no other comparison had shown anything.
pub fn decide(differences: &[f64], rule: Rule) -> Decision {
    let pairs: Vec<(f64, f64)> = differences
        .iter()
        .map(|difference| (*difference, 0.0))
        .collect();
    let mut decision = measured(
        Hypothesis {
            question: Question::Above,
            pairs: &pairs,
        },
        rule,
    );
    decision.p_adjusted = holm(&[decision.p], rule.family).pop().flatten();
    judge(&mut decision, 0);
    decision
}

/// Decides all questions of a family together: Holm's adjustment multiplies the smallest p by the size of the family, the
/// next by one less, whatever has finished.
pub fn decide_family(hypotheses: &[Hypothesis<'_>], rule: Rule) -> Vec<Decision> {
    let mut decisions: Vec<Decision> = hypotheses
        .iter()
        .map(|hypothesis| measured(*hypothesis, rule))
        .collect();
    let p_values: Vec<Option<f64>> = decisions.iter().map(|decision| decision.p).collect();
    for (decision, adjusted) in decisions.iter_mut().zip(holm(&p_values, rule.family)) {
        decision.p_adjusted = adjusted;
    }
    // What the others leave of the family for a comparison that is not decided yet.
    let mut rejected: Vec<f64> = decisions
        .iter()
        .filter(|decision| decision.significant())
        .filter_map(|decision| decision.p)
        .collect();
    rejected.sort_by(f64::total_cmp);
    for decision in &mut decisions {
        let best = smallest_p(decision.pairs);
        judge(decision, rejected.partition_point(|p| *p < best));
    }
    decisions
}

/// Everything but what depends on the rest of the family.
fn measured(hypothesis: Hypothesis<'_>, rule: Rule) -> Decision {
    let Hypothesis { question, pairs } = hypothesis;
    // To the twelfth decimal: what is equal in decimals is equal.
    let differences: Vec<f64> = pairs
        .iter()
        .map(|(left, right)| ((left - right) * 1e12).round() / 1e12)
        .collect();
    let enough = pairs.len() >= SMALLEST_PAIRS;
    let center = mean(&differences);
    let (direction, p) = match question {
        Question::Above => match signed_ranks(&differences) {
            Some(ranks) => (side(ranks.positive - ranks.negative), Some(ranks.p)),
            None => (Direction::Neither, None),
        },
        Question::Same => {
            let inside = center.is_some_and(|center| center.abs() < rule.margin);
            let p = if inside {
                equivalence_test(&differences, rule.margin)
            } else {
                beyond_margin_test(&differences, rule.margin)
            };
            (side(center.unwrap_or(0.0)), p)
        }
        Question::Steadier => match compare_spreads(pairs) {
            Some(spreads) => (side(-spreads.difference), spreads.p),
            None => (Direction::Neither, None),
        },
    };
    let count =
        |wanted: fn(f64) -> bool| differences.iter().filter(|value| wanted(**value)).count();
    let (left, right): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let against = match direction {
        Direction::Left => differences.iter().copied().reduce(f64::min).map(|low| -low),
        Direction::Right => differences.iter().copied().reduce(f64::max),
        Direction::Neither => None,
    };
    Decision {
        question,
        rule,
        pairs: pairs.len(),
        ahead: count(|difference| difference > 0.0),
        behind: count(|difference| difference < 0.0),
        mean: center,
        std: sample_std(&differences),
        interval: mean_interval_at(&differences, 1.0 - rule.level),
        direction,
        p: p.filter(|_| enough),
        p_adjusted: None,
        p_equal: (question == Question::Above && enough)
            .then(|| equivalence_test(&differences, rule.margin))
            .flatten()
            .map(|p| (p * rule.family.max(1) as f64).min(1.0)),
        against: against.filter(|against| *against > 0.0),
        spreads: sample_std(&left).zip(sample_std(&right)),
        needed: None,
        verdict: Verdict::Undecided,
    }
}

fn side(value: f64) -> Direction {
    if value > 0.0 {
        Direction::Left
    } else if value < 0.0 {
        Direction::Right
    } else {
        Direction::Neither
    }
}

/// Sets the verdict. `rejected`: comparisons of the family that are significant with a p below any that this one could
/// reach.
fn judge(decision: &mut Decision, rejected: usize) {
    let rule = decision.rule;
    let significant = decision.significant();
    let possible = |pairs: usize| match decision.question {
        Question::Above => {
            let tests = rule.family.saturating_sub(rejected).max(1) as f64;
            pairs >= SMALLEST_PAIRS && smallest_p(pairs) * tests < rule.level
        }
        // Student's tests can reach any p with the fewest pairs that are looked at.
        Question::Same | Question::Steadier => pairs >= SMALLEST_PAIRS,
    };
    let verdict = match decision.question {
        Question::Above => match decision.sure_direction() {
            Some(Direction::Left) => Verdict::Holds,
            Some(_) => Verdict::Fails,
            None if decision.equal() => Verdict::Equal,
            None => Verdict::Undecided,
        },
        Question::Same => match decision.mean {
            Some(mean) if significant && mean.abs() < rule.margin => Verdict::Holds,
            Some(_) if significant => Verdict::Fails,
            _ => Verdict::Undecided,
        },
        Question::Steadier => match decision.direction {
            Direction::Left if significant => Verdict::Holds,
            Direction::Right if significant => Verdict::Fails,
            _ => Verdict::Undecided,
        },
    };
    let few = verdict == Verdict::Undecided && !significant && !possible(decision.pairs);
    decision.needed = few
        .then(|| (decision.pairs + 1..decision.pairs + 1000).find(|pairs| possible(*pairs)))
        .flatten();
    decision.verdict = if few { Verdict::TooFew } else { verdict };
}

impl Decision {
    /// The same decision seen from the other side: right − left.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self {
            ahead: self.behind,
            behind: self.ahead,
            mean: self.mean.map(|mean| -mean),
            interval: self.interval.map(|interval| Interval {
                low: -interval.high,
                high: -interval.low,
            }),
            direction: match self.direction {
                Direction::Left => Direction::Right,
                Direction::Right => Direction::Left,
                Direction::Neither => Direction::Neither,
            },
            spreads: self.spreads.map(|(left, right)| (right, left)),
            verdict: match (self.question, self.verdict) {
                (Question::Same, verdict) => verdict,
                (_, Verdict::Holds) => Verdict::Fails,
                (_, Verdict::Fails) => Verdict::Holds,
                (_, verdict) => verdict,
            },
            ..self.clone()
        }
    }

    /// Whether the adjusted p is below the level.
    pub fn significant(&self) -> bool {
        self.p_adjusted.is_some_and(|p| p < self.rule.level)
    }

    /// Whether the means are shown to be the same within the margin.
    pub fn equal(&self) -> bool {
        match self.question {
            Question::Above => self.p_equal.is_some_and(|p| p < self.rule.level),
            Question::Same => self.verdict == Verdict::Holds,
            Question::Steadier => false,
        }
    }

    /// Whether no seed shows any difference.
    pub fn identical(&self) -> bool {
        self.pairs > 0 && self.ahead == 0 && self.behind == 0
    }

    /// The side that is better: its ranks are (p after adjustment), and its mean is (the whole interval).
    pub fn sure_direction(&self) -> Option<Direction> {
        let interval = self.interval.filter(|_| self.significant())?;
        let agrees = match self.direction {
            Direction::Left => interval.low > 0.0,
            Direction::Right => interval.high < 0.0,
            Direction::Neither => false,
        };
        agrees.then_some(self.direction)
    }

    /// Whether the ranks are for one side and the mean does not follow.
    pub fn mean_disagrees(&self) -> bool {
        self.question == Question::Above && self.significant() && self.sure_direction().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(differences: &[&[f64]], rule: Rule) -> Vec<Decision> {
        let pairs: Vec<Vec<(f64, f64)>> = differences
            .iter()
            .map(|values| values.iter().map(|value| (*value, 0.0)).collect())
            .collect();
        let hypotheses: Vec<Hypothesis<'_>> = pairs
            .iter()
            .map(|pairs| Hypothesis {
                question: Question::Above,
                pairs,
            })
            .collect();
        decide_family(&hypotheses, rule)
    }

    /// Eighteen seeds a little ahead, two that collapse: the ranks are for left, the mean is for right. Nobody is better.
    #[test]
    fn nobody_is_better_where_ranks_and_mean_disagree() {
        let mut differences: Vec<f64> = (1..=18)
            .map(|seed| 0.01 + 0.001 * f64::from(seed))
            .collect();
        differences.extend([-0.4, -0.5]);
        let decision = decide(&differences, Rule::of(1));
        assert!(decision.p.unwrap() < 0.05 && decision.mean.unwrap() < 0.0);
        assert_eq!(decision.direction, Direction::Left);
        assert_eq!(decision.verdict, Verdict::Undecided);
        assert!(decision.mean_disagrees());
        let reversed = decision.reversed();
        assert_eq!(reversed.outcome("b", "a"), decision.outcome("a", "b"));
        assert_eq!(reversed.why("b", "a"), decision.why("a", "b"));
        assert_eq!(reversed.reversed(), decision);
        assert_eq!((decision.ahead, decision.behind), (18, 2));
        assert_eq!(decision.against, Some(0.5));
        let mirrored: Vec<f64> = differences.iter().map(|value| -value).collect();
        let decision = decide(&mirrored, Rule::of(1));
        assert_eq!(decision.direction, Direction::Right);
        assert_eq!(decision.verdict, Verdict::Undecided);
    }

    #[test]
    fn what_no_data_could_decide_is_too_few() {
        let clear: Vec<f64> = (0..20).map(|seed| 0.05 + 0.001 * f64::from(seed)).collect();
        for (pairs, size, needed) in [
            (0, 1, Some(6)),
            (2, 1, Some(6)),
            (5, 1, Some(6)),
            (6, 1, None),
            (6, 2, Some(7)),
            (9, 20, Some(10)),
            (10, 20, None),
            (10, 45, Some(11)),
        ] {
            let decision = decide(&clear[..pairs], Rule::of(size));
            let expected = if needed.is_some() {
                Verdict::TooFew
            } else {
                Verdict::Holds
            };
            assert_eq!(decision.verdict, expected, "{pairs} pairs of {size}");
            assert_eq!(decision.needed, needed, "{pairs} pairs of {size}");
        }
    }

    /// Holm leaves a comparison more room once others are decided: six pairs are enough beside one of twenty.
    #[test]
    fn decided_comparisons_leave_the_family() {
        let clear: Vec<f64> = (0..20).map(|seed| 0.05 + 0.001 * f64::from(seed)).collect();
        let found = family(&[&clear, &clear[..6]], Rule::of(2));
        assert_eq!(found[1].verdict, Verdict::Holds);
        let mut mixed = clear[..6].to_vec();
        mixed[0] = -0.3;
        let found = family(&[&clear, &mixed], Rule::of(2));
        assert_eq!(
            (found[1].verdict, found[1].needed),
            (Verdict::Undecided, None)
        );
        // A family is what was set out to be tested, not what has finished.
        let found = family(&[&clear[..10]], Rule::of(45));
        assert_eq!(found[0].verdict, Verdict::TooFew);
    }

    #[test]
    fn the_same_is_a_verdict() {
        let tiny: Vec<f64> = (0..10)
            .map(|seed| 0.0005 * (f64::from(seed) - 4.4))
            .collect();
        let decision = decide(&tiny, Rule::of(3));
        assert_eq!(decision.verdict, Verdict::Equal);
        assert!(!decision.identical());
        let none = decide(&[0.0; 8], Rule::of(3));
        assert_eq!((none.verdict, none.p), (Verdict::Equal, None));
        assert!(none.identical());
        assert_eq!(decide(&[0.0; 4], Rule::of(1)).verdict, Verdict::TooFew);
        // Certain and small: a difference all the same.
        let small: Vec<f64> = (0..10)
            .map(|seed| 0.001 + 0.0001 * f64::from(seed))
            .collect();
        let decision = decide(&small, Rule::of(3));
        assert_eq!(decision.verdict, Verdict::Holds);
        assert!(decision.equal());
    }

    #[test]
    fn claims_of_equality_and_steadiness() {
        let ask = |question, pairs: &[(f64, f64)]| {
            decide_family(&[Hypothesis { question, pairs }], Rule::of(1)).remove(0)
        };
        let near: Vec<(f64, f64)> = (0..10)
            .map(|seed| (0.7 + 0.0005 * f64::from(seed % 3), 0.7))
            .collect();
        assert_eq!(ask(Question::Same, &near).verdict, Verdict::Holds);
        let far: Vec<(f64, f64)> = near
            .iter()
            .map(|(left, right)| (left + 0.1, *right))
            .collect();
        assert_eq!(ask(Question::Same, &far).verdict, Verdict::Fails);
        assert_eq!(ask(Question::Same, &far[..4]).verdict, Verdict::TooFew);
        let steady: Vec<(f64, f64)> = (0..10)
            .map(|seed| (0.7 + 0.001 * f64::from(seed), 0.7 + 0.01 * f64::from(seed)))
            .collect();
        let decision = ask(Question::Steadier, &steady);
        assert_eq!(decision.verdict, Verdict::Holds);
        assert_eq!(decision.direction, Direction::Left);
        let mirrored: Vec<(f64, f64)> =
            steady.iter().map(|(left, right)| (*right, *left)).collect();
        assert_eq!(ask(Question::Steadier, &mirrored).verdict, Verdict::Fails);
    }
}
