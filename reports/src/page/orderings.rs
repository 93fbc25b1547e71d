//! The paper's orderings that the rows of a sweep can show, one by one.

use super::Section;
use super::html::{Cell, Table, p_value, percent, plus_minus, points, points_between};
use crate::study::orderings::Ordering;
use statistics::Question;

/// Orderings that are listed at most.
const MOST: usize = 60;

/// The table; empty where the rows can show none.
pub(super) fn table(section: &Section<'_>) -> String {
    let found = &section.decided.orderings;
    if found.is_empty() || section.results.rehearsal {
        return String::new();
    }
    let columns = [
        "Claim of the paper",
        "Verdict",
        "Rows",
        "#Pairs",
        "#Difference in points (mean ± std)",
        "#95% interval",
        "#p, adjusted",
        "#Family",
        "Where the paper says so",
    ]
    .map(String::from);
    let mut table = Table::new(
        "Orderings that the paper claims, held against these rows",
        Some("copy"),
        &columns,
    );
    for ordering in found.iter().take(MOST) {
        let decision = &ordering.decision;
        let label = |index: usize| {
            let row = section.rows.get(index);
            row.map_or_else(String::new, |row| row.label(&section.results.columns))
        };
        let rows = if ordering.left == ordering.right {
            label(ordering.left)
        } else {
            format!("{} − {}", label(ordering.left), label(ordering.right))
        };
        let difference = match (decision.question, decision.spreads, decision.mean) {
            (Question::Steadier, Some((left, right)), _) => {
                format!(
                    "std {} against {}",
                    percent(Some(left)),
                    percent(Some(right))
                )
            }
            (_, _, Some(mean)) => {
                format!("{}{}", points(mean), plus_minus(decision.std))
            }
            _ => "–".to_owned(),
        };
        let interval = decision
            .interval
            .filter(|_| decision.question != Question::Steadier);
        table.row(
            "",
            [
                Cell::Head(ordering.claim.words()),
                Cell::Text(decision.verdict_words()),
                Cell::Text(rows),
                Cell::Number(decision.pairs.to_string(), None),
                Cell::Number(difference, None),
                Cell::Number(points_between(interval), None),
                Cell::Number(p_value(decision.p_adjusted), decision.p_adjusted),
                Cell::Number(decision.rule.family.to_string(), None),
                Cell::Text(ordering.claim.place.clone()),
            ],
        );
    }
    if found.len() > MOST {
        table.note(&format!("{} more are left out.", found.len() - MOST));
    }
    format!(
        "{}<p class=\"note\">Family: how many claims the adjustment is over, which is all that these rows can show, finished or not. The paired comparisons have the same verdicts for \
         the same rows.</p>\n",
        table.finish()
    )
}

/// The rows that stand for the two sides of a claim, where they bear other names: `here: ones, none`.
pub(super) fn rows_in_words(section: &Section<'_>, ordering: &Ordering) -> Option<String> {
    let variant = |index: usize| section.rows.get(index).map(|row| row.variant.as_str());
    let (left, right) = (variant(ordering.left)?, variant(ordering.right)?);
    let (one, other) = (ordering.claim.left.as_str(), ordering.claim.right.as_str());
    (left != one || right != other).then(|| {
        if left == right {
            format!("rows of {left}")
        } else {
            format!("here {left} and {right}")
        }
    })
}
