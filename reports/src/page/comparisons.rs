//! Which method is ahead, over the same seeds.

use super::Section;
use super::html::{Cell, Table, count, p_value, plus_minus, points, points_between};
use crate::pairing::{asked_pairs, same_jobs};
use crate::summary::SummaryRow;
use crate::video_interval::video_interval;
use statistics::{
    Decision, Interval, PairedComparison, Rule, SMALLEST_PAIRS, Verdict, compare_paired,
    probability_of_improvement,
};

/// Comparisons that are listed at most.
const MOST: usize = 60;
struct Pair<'a> {
    left: &'a SummaryRow,
    right: &'a SummaryRow,
    asked: usize,
    /// Whether both sides are the same jobs under two names.
    one_and_the_same: bool,
    comparison: Option<PairedComparison>,
    improvement: Option<f64>,
    videos: Option<Interval>,
    decision: &'a Decision,
    claimed: bool,
}

pub(super) fn paired(section: &Section<'_>) -> String {
    let (pairs, family) = (pairs(section), section.decided.family);
    if pairs.iter().all(|pair| pair.decision.pairs == 0) {
        return String::new();
    }
    let rule = Rule::of(family);
    let with_videos = pairs.iter().any(|pair| pair.videos.is_some());
    let mut columns = vec![
        "Left − right",
        "In words",
        "#Pairs",
        "#Difference in points (mean ± std)",
        "#95% interval",
        "#Left ahead",
        "#P(left > right)",
        "#Effect size d",
        "#p, Wilcoxon",
        "#p, permutation",
        "#p, Wilcoxon with Holm",
    ];
    if with_videos {
        columns.push("#95% interval over test videos");
    }
    columns.push("Why");
    let caption = format!(
        "Differences of AUC over seeds that finished on both sides: {} in the family, α = {}",
        count(family, "comparison", "comparisons"),
        rule.level
    );
    let mut table = Table::new(
        &caption,
        Some("copy"),
        &columns.into_iter().map(String::from).collect::<Vec<_>>(),
    );
    for pair in &pairs {
        table.row("", cells(pair, &section.results.columns, with_videos));
    }
    let left_out = family - pairs.len();
    if left_out > 0 {
        table.note(&format!(
            "{left_out} more comparisons are left out; each is a pair of lines of results.csv, and counts in the family."
        ));
    }
    table.finish() + &note(&pairs, rule)
}

fn cells(pair: &Pair<'_>, columns: &[String], with_videos: bool) -> Vec<Cell> {
    let name = |row: &SummaryRow| row.label(columns);
    let (left, right) = short_names(pair, columns);
    let decision = pair.decision;
    let comparison = pair.comparison.as_ref();
    let between = |interval| Cell::Number(points_between(interval), None);
    let difference = comparison.map_or_else(
        || "–".to_owned(),
        |comparison| format!("{}{}", points(comparison.mean), plus_minus(comparison.std)),
    );
    let two_digits = |value: Option<f64>| {
        Cell::Number(
            value.map_or_else(
                || "–".into(),
                |value| format!("{value:.2}").replace('-', "−"),
            ),
            value,
        )
    };
    let shortfall = if decision.pairs < pair.asked {
        format!(" of {}", pair.asked)
    } else {
        String::new()
    };
    let ties = decision.pairs - decision.ahead - decision.behind;
    let ties = if ties > 0 {
        format!(", {ties} equal")
    } else {
        String::new()
    };
    let p = |p: Option<f64>| Cell::Number(p_value(p), p);
    let mut cells = vec![
        Cell::Head(format!("{} − {}", name(pair.left), name(pair.right))),
        outcome(decision, &left, &right),
        Cell::Number(
            format!("{}{shortfall}", decision.pairs),
            Some(decision.pairs as f64),
        ),
        Cell::Number(difference, None),
        between(decision.interval),
        Cell::Wrapped(format!("{} of {}{ties}", decision.ahead, decision.pairs)),
        two_digits(pair.improvement),
        two_digits(comparison.and_then(|comparison| comparison.effect)),
        p(decision.p),
        p(comparison.and_then(|comparison| comparison.permutation)),
        p(decision.p_adjusted),
    ];
    if with_videos {
        cells.push(between(pair.videos));
    }
    cells.push(Cell::Sentence(if pair.one_and_the_same {
        "Both names stand for the same jobs.".to_owned()
    } else {
        reasons(pair, &left, &right)
    }));
    cells
}

/// The verdict in words, a winner in bold.
fn outcome(decision: &Decision, left: &str, right: &str) -> Cell {
    let words = decision.outcome(left, right);
    match decision.verdict {
        Verdict::Holds | Verdict::Fails => {
            Cell::Html(format!("<strong>{}</strong>", super::html::escape(&words)))
        }
        _ => Cell::Text(words),
    }
}

/// Why the verdict is what it is, and whether it hangs on these test videos.
fn reasons(pair: &Pair<'_>, left: &str, right: &str) -> String {
    let why = pair.decision.why(left, right);
    let over_videos = pair.videos.is_some_and(Interval::has_zero);
    if pair.decision.sure_direction().is_some() && over_videos {
        let gap = if why.is_empty() { "" } else { " " };
        return format!("{why}{gap}Other test videos of this kind might not show it.");
    }
    why
}

/// What tells the two sides apart: variants at the same point, or points of the same variant.
fn short_names(pair: &Pair<'_>, columns: &[String]) -> (String, String) {
    if pair.left.variant == pair.right.variant {
        (
            pair.left.point_label(columns),
            pair.right.point_label(columns),
        )
    } else {
        (pair.left.variant.clone(), pair.right.variant.clone())
    }
}

fn note(pairs: &[Pair<'_>], rule: Rule) -> String {
    let mut single: Vec<&str> = pairs
        .iter()
        .flat_map(|pair| [pair.left, pair.right])
        .filter(|row| row.deterministic)
        .map(|row| row.variant.as_str())
        .collect();
    single.sort_unstable();
    single.dedup();
    let single = if single.is_empty() {
        String::new()
    } else {
        format!(
            " {} without random numbers: one run, whose value stands beside every seed of the other side.",
            super::html::escape(&match single.as_slice() {
                [one] => format!("{one} works"),
                many => format!("{} work", many.join(", ")),
            })
        )
    };
    let claims = pairs.iter().find(|pair| pair.claimed).map_or_else(
        String::new,
        |pair| {
            format!(
                " Pairs of which the paper claims an order are decided among the {} of it that these rows can show, a family of their own: the table of its orderings has them too.",
                count(pair.decision.rule.family, "claim", "claims")
            )
        },
    );
    let videos = if pairs.iter().any(|pair| pair.videos.is_some()) {
        " The interval over test videos is of the same runs on other videos of the same kind: a bootstrap of the test videos, those with and those without \
         anomalies apart. The interval over seeds is of other runs on the same videos."
    } else {
        ""
    };
    format!(
        "<p class=\"note\">Runs are paired by their seed. What a seed fixes on both sides (initial weights, order of the data) is shared only where both methods \
         draw it alike. Better: p after Holm&#39;s adjustment is below {} and the whole interval of the mean lies on the same side. The adjustment is over the {} \
         that this sweep was set out to make, finished or not. Equal: the means lie within ± {}, by two one-sided t tests at {}. Below {SMALLEST_PAIRS} pairs \
         no two-sided test can reach 0.05, whatever the differences, and no p is given. P(left &gt; right): the probability that a run of the left beats a run of the \
         right, whichever seeds they have.{claims}{videos}{single}</p>\n",
        rule.level,
        count(rule.family, "comparison", "comparisons"),
        rule.margin_words(),
        rule.level_words()
    )
}

/// The comparisons that are listed.
fn pairs<'a>(section: &'a Section<'_>) -> Vec<Pair<'a>> {
    let (results, rows) = (section.results, &section.rows);
    let compared = section.decided.compared.iter();
    compared
        .take(MOST)
        .map(|compared| {
            let (left, right) = (&rows[compared.left], &rows[compared.right]);
            let values = left.pairs(right, results);
            let differences: Vec<f64> = values.iter().map(|(left, right)| left - right).collect();
            Pair {
                left,
                right,
                asked: asked_pairs(results, left, right),
                one_and_the_same: same_jobs(results, left, right),
                comparison: compare_paired(&differences),
                improvement: probability_of_improvement(&left.aucs(results), &right.aucs(results)),
                videos: video_interval(results, left, right).map(|found| found.interval),
                decision: &compared.decision,
                claimed: compared.claimed,
            }
        })
        .collect()
}
