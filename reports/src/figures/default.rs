//! Which figures a sweep gets: those that fit its axes, and those that its file asks for.

use super::Figure;
use super::against::against;
use super::convergence::convergence;
use super::dots::{Published, dots};
use super::embedding::embeddings;
use super::heatmap::heatmap;
use super::histograms::{Histogram, histograms};
use super::overlay::overlay;
use super::profile::profile;
use super::roc::{Curve, roc};
use super::scores::scored;
use super::timeline::{evolution, videos};
use crate::results::SweepResults;
use crate::summary::SummaryRow;

/// Lines up to which a figure with a line per row reads better than one with an axis.
const FEW_ROWS: usize = 16;

/// The figures of a sweep, those that say most first. `published` has a number (in percent, with its standard deviation)
/// for each of `rows` that the literature has one for; `prefix` keeps the names of several sweeps apart.
pub fn figures_of(
    results: &SweepResults,
    rows: &[SummaryRow],
    published: &[Option<(f64, Option<f64>)>],
    prefix: &str,
) -> Vec<Figure> {
    let asked = |figure: &str| results.report.figures.iter().any(|name| name == figure);
    // A figure of the paper that was asked for is called by its number.
    let name = |own: &str, papers: &str| {
        format!(
            "{prefix}{}",
            if !papers.is_empty() && asked(papers) {
                papers
            } else {
                own
            }
        )
    };
    let published: Vec<Option<Published>> = published
        .iter()
        .map(|published| published.map(|(value, std)| Published { value, std }))
        .collect();
    let mut figures = Vec::new();
    let swept = swept_columns(results, rows);
    let numeric: Vec<usize> = swept
        .iter()
        .copied()
        .filter(|column| {
            rows.iter()
                .filter_map(|row| row.point.get(*column)?.as_ref())
                .all(|value| value.as_float().is_some())
        })
        .collect();
    if let [across, down] = swept.as_slice() {
        // The numeric parameter, if there is one, runs to the right.
        let pair = if numeric.as_slice() == [*down] {
            (*down, *across)
        } else {
            (*across, *down)
        };
        figures.extend(heatmap(results, rows, pair, &name("heatmap", "")));
    }
    if let [column] = numeric.as_slice() {
        figures.extend(against(results, rows, *column, &name("against", "fig9")));
    }
    if figures.is_empty() || rows.len() <= FEW_ROWS {
        let at = if swept.is_empty() { 0 } else { figures.len() };
        figures.splice(at..at, dots(results, rows, &published, &name("auc", "")));
    }
    figures.extend(profile(results, rows, &name("profile", "")));
    figures.extend(overlay(results, rows, &name("epochs", "fig10")));
    // With one variant its name says nothing, and panels are narrow.
    let one_variant = rows.iter().all(|row| row.variant == rows[0].variant);
    figures.extend(convergence(
        results,
        rows,
        &name("convergence", "fig5"),
        "Convergence",
        |row| match (one_variant, row.short_point()) {
            (_, point) if point.is_empty() => row.variant.clone(),
            (true, point) => point,
            (false, point) => format!("{} · {point}", row.variant),
        },
    ));
    if !results.scores.is_empty() {
        let scored = scored(results);
        let binned: Vec<Histogram> = scored.iter().map(Histogram::of).collect();
        figures.extend(histograms(results, &binned, &name("histograms", "fig4")));
        let curves: Vec<Curve> = scored.iter().filter_map(Curve::of).collect();
        figures.extend(roc(results, &curves, &name("roc", "")));
        figures.extend(embeddings(results, &name("embedding", "fig6")));
        figures.extend(evolution(results, &name("evolution", "fig7")));
        figures.extend(videos(results, &name("videos", "fig8")));
    }
    figures
}

/// Columns with at least two values.
fn swept_columns(results: &SweepResults, rows: &[SummaryRow]) -> Vec<usize> {
    (0..results.columns.len())
        .filter(|column| {
            let mut values = rows
                .iter()
                .filter_map(|row| row.point.get(*column)?.as_ref());
            values
                .next()
                .is_some_and(|first| values.any(|other| other != first))
        })
        .collect()
}
