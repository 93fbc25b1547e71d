//! The first answers of a page: who is ahead, by how much and in how many seeds; which orderings of the paper hold.

use super::Section;
use super::html::{count, p_value, percent, plus_minus, points, points_between};
use crate::controls::Split;
use crate::leaders::leaders;
use crate::published::Comparison;
use crate::results::SweepResults;
use crate::study::orderings::Ordering;
use crate::summary::{SummaryRow, one_variant};
use crate::supervision::Supervision;
use crate::video_interval::video_interval;
use statistics::{Decision, Verdict};

/// Groups of rows whose leader is named; of more the page's table of comparisons says the rest.
const MOST_LEADERS: usize = 4;
/// Orderings that are named one by one.
const MOST_NAMED: usize = 6;

/// What came out of a sweep, a sentence or two each, as its page begins; nothing where nothing can be said.
pub fn headline(results: &SweepResults) -> Vec<String> {
    sentences(&Section::new(&Split::of(results), String::new()))
}

/// The answers, a sentence or two each.
pub(super) fn sentences(section: &Section<'_>) -> Vec<String> {
    // Who leads a rehearsal is nobody's business.
    if section.results.rehearsal {
        return Vec::new();
    }
    // Tests of a fixed number of seeds say nothing where the results decided how many there are.
    if let Some(mut sentences) = super::claims::sentences(section) {
        sentences.extend(super::controls::sentences(section));
        return sentences;
    }
    let mut sentences = who_is_ahead(section);
    sentences.extend(super::controls::sentences(section));
    sentences.extend(papers_orderings(section));
    sentences
}

fn who_is_ahead(section: &Section<'_>) -> Vec<String> {
    let rows = &section.rows;
    let found = leaders(section.results, rows, &section.decided);
    let more = found.len().saturating_sub(MOST_LEADERS);
    let one_variant = one_variant(rows);
    let mut sentences: Vec<String> = found
        .iter()
        .take(MOST_LEADERS)
        .filter_map(|leader| {
            let best = rows.get(leader.best)?;
            let next = leader.next.and_then(|index| rows.get(index))?;
            let decision = leader.decision.as_ref()?;
            let (place, name) = names(section, best, next, one_variant, leader.supervision);
            let mut text = format!(
                "{place}{}",
                ahead(&name, best, next, decision, leader.listed)
            );
            if decision.sure_direction().is_some()
                && let Some(found) = video_interval(section.results, best, next)
                && found.interval.has_zero()
            {
                text.push_str(&format!(
                    " Other test videos of this kind might not show it: the 95% interval over them is {}.",
                    points_between(Some(found.interval))
                ));
            }
            Some(text)
        })
        .collect();
    if one_variant && !sentences.is_empty() {
        sentences.push(
            "Which setting is best was seen with test truth, so its mean is optimistic.".to_owned(),
        );
    }
    if more > 0 && !sentences.is_empty() {
        sentences.push(format!(
            "{} more: see the table below.",
            count(more, "point of the grid", "points of the grid")
        ));
    }
    sentences
}

/// Where two rows both stand: `on ucf-crime`, `at epochs = 15`.
fn shared_places(section: &Section<'_>, left: &SummaryRow, right: &SummaryRow) -> Vec<String> {
    let columns = &section.results.columns;
    let places = left.shown.iter().filter_map(|index| {
        let (column, value) = (columns.get(*index)?, left.point.get(*index)?);
        let other = right.point.get(*index).cloned().flatten();
        let value = value
            .as_ref()
            .filter(|value| Some(*value) == other.as_ref())?;
        Some(if column == "dataset" {
            format!("on {value}")
        } else {
            format!("at {column} = {value}")
        })
    });
    places.collect()
}

/// What the two rows share, as the start of a sentence, and what tells them apart.
fn names(
    section: &Section<'_>,
    best: &SummaryRow,
    next: &SummaryRow,
    one_variant: bool,
    supervision: Option<Supervision>,
) -> (String, [String; 2]) {
    let columns = &section.results.columns;
    let (mut shared, mut own) = (Vec::new(), [Vec::new(), Vec::new()]);
    shared.extend(supervision.map(|kind| match kind {
        Supervision::Unsupervised => "unsupervised".to_owned(),
        Supervision::OneClass => "told which videos are normal".to_owned(),
        Supervision::Weak => "weakly supervised".to_owned(),
    }));
    shared.extend(shared_places(section, best, next));
    for index in &best.shown {
        let value = |row: &SummaryRow| row.point.get(*index).cloned().flatten();
        let Some(column) = columns.get(*index) else {
            continue;
        };
        let (left, right) = (value(best), value(next));
        if left == right {
            continue;
        }
        for (side, value) in own.iter_mut().zip([left, right]) {
            side.push(value.map_or_else(
                || format!("without {column}"),
                |value| format!("{column} = {value}"),
            ));
        }
    }
    // Where the grid has one point, nothing is shared that a reader would ask for.
    let place = shared.join(", ");
    let mut letters = place.chars();
    let place = match letters.next() {
        Some(first) => format!("{}{}: ", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    };
    let name = |row: &SummaryRow, own: &[String]| match (own, one_variant) {
        ([], _) => quoted(&row.variant),
        (own, true) => format!("{} at {}", quoted(&row.variant), own.join(", ")),
        (own, false) => format!("{} ({})", quoted(&row.variant), own.join(", ")),
    };
    (place, [name(best, &own[0]), name(next, &own[1])])
}

/// A name that could be read as a word of the sentence stands in quotes: “none”.
fn quoted(name: &str) -> String {
    if name.contains(|letter: char| letter.is_uppercase() || letter == '_') {
        name.to_owned()
    } else {
        format!("“{name}”")
    }
}

/// Who has the highest mean, by how much, in how many seeds, and whether that is more than chance.
fn ahead(
    [best_name, next_name]: &[String; 2],
    best: &SummaryRow,
    next: &SummaryRow,
    decision: &Decision,
    listed: bool,
) -> String {
    let spread =
        |row: &SummaryRow| format!("{}{}%", percent(row.auc.mean), plus_minus(row.auc.std));
    let of = |row: &SummaryRow| {
        if row.auc.n < row.expected {
            format!(" (of {} of {} seeds)", row.auc.n, row.expected)
        } else {
            String::new()
        }
    };
    let mut text = if best.auc.mean == next.auc.mean {
        format!(
            "{best_name} and {next_name} have the same, highest mean AUC, {}.",
            spread(best)
        )
    } else {
        format!(
            "{best_name} has the highest mean AUC, {}{}; {next_name} follows with {}{}.",
            spread(best),
            of(best),
            spread(next),
            of(next)
        )
    };
    if decision.pairs > 0
        && let Some(mean) = decision.mean
    {
        text.push_str(&format!(
            " {} the difference is {} points, with {best_name} ahead in {} of {}.",
            if decision.pairs < best.auc.n.max(next.auc.n) {
                "Over the seeds that both have"
            } else {
                "Seed by seed"
            },
            points(mean),
            decision.ahead,
            decision.pairs
        ));
    }
    let why = decision.why(best_name, next_name);
    let outcome = match decision.verdict {
        Verdict::Holds => {
            let family = if listed {
                String::new()
            } else {
                format!(
                    " over all {} that could have been the best two",
                    count(decision.rule.family, "pair", "pairs")
                )
            };
            let p = decision.p_adjusted.map_or_else(String::new, |p| {
                format!(" (p adjusted{family}: {})", p_value(Some(p)))
            });
            format!(" Over seeds that is more than chance: {best_name} is better on these data{p}.")
        }
        Verdict::Fails => format!(
            " By ranks and mean over the common seeds it is the other way round: {next_name} is better."
        ),
        Verdict::Equal => " The two are equal within a point.".to_owned(),
        Verdict::Undecided => {
            " These seeds do not decide between the two: it may be chance.".to_owned()
        }
        Verdict::TooFew => " These are too few seeds to tell it from chance.".to_owned(),
    };
    text.push_str(&outcome);
    if !why.is_empty() && matches!(decision.verdict, Verdict::Undecided | Verdict::TooFew) {
        text.push(' ');
        text.push_str(&why);
    }
    text
}

fn papers_orderings(section: &Section<'_>) -> Option<String> {
    let found = &section.decided.orderings;
    if found.is_empty() {
        return None;
    }
    let listed = |wanted: Verdict| -> (usize, String) {
        let of: Vec<&Ordering> = found
            .iter()
            .filter(|ordering| ordering.decision.verdict == wanted)
            .collect();
        let mut names: Vec<String> = of
            .iter()
            .take(MOST_NAMED)
            .map(|ordering| {
                let rows = (
                    section.rows.get(ordering.left),
                    section.rows.get(ordering.right),
                );
                let mut beside = match rows {
                    (Some(left), Some(right)) => shared_places(section, left, right),
                    _ => Vec::new(),
                };
                beside.extend(super::orderings::rows_in_words(section, ordering));
                if beside.is_empty() {
                    ordering.claim.words()
                } else {
                    format!("{} ({})", ordering.claim.words(), beside.join("; "))
                }
            })
            .collect();
        if of.len() > names.len() {
            names.push(format!("and {} more", of.len() - names.len()));
        }
        (of.len(), names.join("; "))
    };
    let mut parts = Vec::new();
    for (verdict, one, many) in [
        (Verdict::Holds, "holds", "hold"),
        (Verdict::Fails, "does not hold", "do not hold"),
        (Verdict::Equal, "shows no difference", "show no difference"),
        (Verdict::Undecided, "is undecided", "are undecided"),
        (Verdict::TooFew, "has too few runs", "have too few runs"),
    ] {
        let (number, names) = listed(verdict);
        if number > 0 {
            let words = if number == 1 { one } else { many };
            parts.push(format!("{number} {words} ({names})"));
        }
    }
    let elsewhere = !section
        .comparisons
        .iter()
        .flatten()
        .any(Comparison::is_judged);
    let data = if elsewhere {
        ", asked of data or settings that are not the paper's"
    } else {
        ""
    };
    Some(format!(
        "Of the paper's orderings that these rows can show{data}: {}. The table of orderings has each.",
        parts.join(", ")
    ))
}
