//! Which method is ahead, over the same seeds; and what each swept parameter does.

use std::collections::BTreeMap;

use sweeps::Value;

use super::Section;
use super::html::{Cell, Table, escape, interval, p_value, percent, points};
use crate::order::{compare_points, compare_values};
use crate::statistics::{
    PairedComparison, SMALLEST_PAIRS, bootstrap_interval, compare_paired, holm, interquartile_mean,
    probability_of_improvement,
};
use crate::summary::SummaryRow;

/// Comparisons that are listed at most.
const MOST: usize = 60;
/// Values of one setting up to which its interquartile mean gets an interval: the work grows with their number.
const MOST_RESAMPLED: usize = 200;
/// Values of a parameter up to which their lines get intervals, for the same reason.
const MOST_VALUES: usize = 50;

struct Pair<'a> {
    left: &'a SummaryRow,
    right: &'a SummaryRow,
    comparison: PairedComparison,
    improvement: Option<f64>,
}

pub(super) fn paired(section: &Section<'_>) -> String {
    let (pairs, left_out) = pairs(section);
    if pairs.is_empty() {
        return String::new();
    }
    let adjusted = holm(
        &pairs
            .iter()
            .map(|pair| pair.comparison.wilcoxon)
            .collect::<Vec<_>>(),
    );
    let columns = [
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
    ]
    .map(String::from);
    let mut table = Table::new(
        "Differences of AUC over seeds that finished on both sides",
        Some("copy"),
        &columns,
    );
    for (pair, adjusted) in pairs.iter().zip(&adjusted) {
        let comparison = &pair.comparison;
        let name = |row: &SummaryRow| row.label(&section.results.columns);
        let interval = comparison.interval.map_or_else(
            || "–".to_owned(),
            |interval| format!("{} to {}", points(interval.low), points(interval.high)),
        );
        let std = comparison
            .std
            .map_or_else(String::new, |std| format!(" ± {}", percent(Some(std))));
        let ties = if comparison.ties > 0 {
            format!(", {} equal", comparison.ties)
        } else {
            String::new()
        };
        let two_digits = |value: Option<f64>| {
            Cell::Number(
                value.map_or_else(
                    || "–".into(),
                    |value| format!("{value:.2}").replace('-', "−"),
                ),
                value,
            )
        };
        table.row(
            "",
            [
                Cell::Head(format!("{} − {}", name(pair.left), name(pair.right))),
                Cell::Text(words(
                    pair,
                    adjusted.as_ref().copied(),
                    &section.results.columns,
                )),
                Cell::Number(comparison.pairs.to_string(), None),
                Cell::Number(format!("{}{std}", points(comparison.mean)), None),
                Cell::Number(interval, None),
                Cell::Wrapped(format!("{} of {}{ties}", comparison.wins, comparison.pairs)),
                two_digits(pair.improvement),
                two_digits(comparison.effect),
                Cell::Number(p_value(comparison.wilcoxon), comparison.wilcoxon),
                Cell::Number(p_value(comparison.permutation), comparison.permutation),
                Cell::Number(p_value(*adjusted), *adjusted),
            ],
        );
    }
    if left_out > 0 {
        table.note(&format!(
            "{left_out} more comparisons are left out; each is a pair of lines of results.csv."
        ));
    }
    format!(
        "{}<p class=\"note\">Seeds pair runs: the two sides share data order and initial weights. The Holm correction is over the {} tests of this \
         table. Below {SMALLEST_PAIRS} pairs no two-sided test can reach 0.05, whatever the differences: then n is too small to say, and no p is given. \
         P(left &gt; right): the probability that a run of the left beats a run of the right, whichever seeds they have.</p>\n",
        table.finish(),
        adjusted.iter().flatten().count()
    )
}

/// Pairs of rows that differ in one thing, and how many more there would be: variants at the same point; with one variant,
/// its points against the first.
fn pairs<'a>(section: &'a Section<'_>) -> (Vec<Pair<'a>>, usize) {
    let rows = &section.rows;
    let one_variant = rows.iter().all(|row| row.variant == rows[0].variant);
    let mut candidates: Vec<(&SummaryRow, &SummaryRow)> = Vec::new();
    if one_variant {
        candidates.extend(rows.iter().skip(1).map(|row| (row, &rows[0])));
    } else {
        let mut by_point: Vec<Vec<&SummaryRow>> = Vec::new();
        let mut sorted: Vec<&SummaryRow> = rows.iter().collect();
        // Stable: variants keep the sweep's order within a point.
        sorted.sort_by(|left, right| compare_points(&left.point, &right.point));
        for row in sorted {
            match by_point.last_mut() {
                Some(group) if compare_points(&group[0].point, &row.point).is_eq() => {
                    group.push(row);
                }
                _ => by_point.push(vec![row]),
            }
        }
        for group in by_point {
            for (index, left) in group.iter().enumerate().skip(1) {
                candidates.extend(group[..index].iter().map(|right| (*left, *right)));
            }
        }
    }
    let total = candidates.len();
    let pairs = candidates
        .into_iter()
        .take(MOST)
        .filter_map(|(left, right)| {
            let results = section.results;
            let (ours, theirs): (BTreeMap<u64, f64>, BTreeMap<u64, f64>) = (
                left.seeds_and_aucs(results).collect(),
                right.seeds_and_aucs(results).collect(),
            );
            let differences: Vec<f64> = ours
                .iter()
                .filter_map(|(seed, auc)| Some(auc - theirs.get(seed)?))
                .collect();
            Some(Pair {
                left,
                right,
                comparison: compare_paired(&differences)?,
                improvement: probability_of_improvement(
                    &ours.into_values().collect::<Vec<_>>(),
                    &theirs.into_values().collect::<Vec<_>>(),
                ),
            })
        })
        .collect();
    (pairs, total.saturating_sub(MOST))
}

fn words(pair: &Pair<'_>, adjusted: Option<f64>, columns: &[String]) -> String {
    let comparison = &pair.comparison;
    match adjusted {
        None if comparison.pairs < SMALLEST_PAIRS => "n too small to say".to_owned(),
        None => "equal on every seed".to_owned(),
        Some(p) if p < 0.05 => {
            let better = if comparison.mean > 0.0 {
                pair.left
            } else {
                pair.right
            };
            format!("{} is better", better.label(columns))
        }
        Some(_) => "no difference shown".to_owned(),
    }
}

/// What each swept parameter does: all runs with one of its values, whatever the other settings.
pub(super) fn ablations(section: &Section<'_>) -> String {
    let results = section.results;
    let mut html = String::new();
    for (column, name) in results.columns.iter().enumerate() {
        let mut values: Vec<(&Value, Vec<&SummaryRow>)> = Vec::new();
        let mut rows: Vec<&SummaryRow> = section
            .rows
            .iter()
            .filter(|row| row.point.get(column).is_some_and(Option::is_some))
            .collect();
        let value_of = |row: &SummaryRow| row.point[column].clone();
        rows.sort_by(|left, right| compare_points(&[value_of(left)], &[value_of(right)]));
        for row in rows {
            let Some(value) = row.point[column].as_ref() else {
                continue;
            };
            match values.last_mut() {
                Some((last, group)) if compare_values(last, value).is_eq() => group.push(row),
                _ => values.push((value, vec![row])),
            }
        }
        if values.len() < 2 {
            continue;
        }
        let columns = [
            "Value",
            "#AUC %, interquartile mean",
            "#95% interval",
            "#Worst seed",
            "#Best seed",
            "#n",
            "Not finished",
        ];
        let caption = format!("{name}: over all variants and other settings together");
        let mut table = Table::new(&caption, Some("copy"), &columns.map(String::from));
        let few = values.len() <= MOST_VALUES;
        for (value, rows) in values {
            let strata: Vec<Vec<f64>> = rows
                .iter()
                .map(|row| {
                    row.seeds_and_aucs(results)
                        .map(|(_, auc)| auc)
                        .collect::<Vec<f64>>()
                })
                .filter(|aucs| !aucs.is_empty())
                .collect();
            let pooled = strata.concat();
            let resampled = if few && pooled.len() <= MOST_RESAMPLED {
                let strata: Vec<&[f64]> = strata.iter().map(Vec::as_slice).collect();
                bootstrap_interval(&strata, |drawn| interquartile_mean(&drawn.concat()))
            } else {
                None
            };
            let sum =
                |count: fn(&SummaryRow) -> usize| rows.iter().map(|row| count(row)).sum::<usize>();
            let (expected, failed, missing) = (
                sum(|row| row.expected),
                sum(|row| row.failed),
                sum(|row| row.missing),
            );
            let iqm = interquartile_mean(&pooled);
            let shortfall = [(failed, "failed"), (missing, "missing")]
                .iter()
                .filter(|(number, _)| *number > 0)
                .map(|(number, word)| format!("{number} {word}"))
                .collect::<Vec<_>>()
                .join(", ");
            table.row(
                if failed + missing > 0 { "short" } else { "" },
                [
                    Cell::Head(value.to_string()),
                    Cell::Number(percent(iqm), iqm.map(|iqm| iqm * 100.0)),
                    Cell::Number(interval(resampled), None),
                    Cell::Number(percent(pooled.iter().copied().reduce(f64::min)), None),
                    Cell::Number(percent(pooled.iter().copied().reduce(f64::max)), None),
                    Cell::Number(
                        format!("{} of {expected}", pooled.len()),
                        Some(pooled.len() as f64),
                    ),
                    Cell::Text(shortfall),
                ],
            );
        }
        html.push_str(&format!("<h3>{}</h3>\n{}", escape(name), table.finish()));
    }
    if !html.is_empty() {
        html.push_str(&format!(
            "<p class=\"note\">The interquartile mean is the mean of the middle half of the runs. Its interval resamples seeds within each \
             combination of the other settings, and is given for up to {MOST_RESAMPLED} runs and {MOST_VALUES} values.</p>\n"
        ));
    }
    html
}
