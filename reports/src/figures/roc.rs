//! ROC curves of the scores, on one pair of axes per data set.

use super::Figure;
use super::about::{ABOUT, About};
use super::axis::{Axis, tick_label};
use super::canvas::{Anchor, Canvas, TextStyle};
use super::color::{MUTED, SERIES};
use super::legend::{self, Entry, Look};
use super::panel::{MEDIUM, Panel};
use super::scores::{Origin, Scored};
use super::text::fit;
use crate::files::Table;
use crate::results::SweepResults;

const WIDTH: f64 = 480.0;
const LEFT: f64 = 58.0;
const SIDE: f64 = 390.0;
/// Data sets of one figure at most.
const MOST_PANELS: usize = 6;

/// The ROC curve of one score: what the figure is drawn from, and what its CSV holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Curve {
    pub(super) origin: Origin,
    /// The area under all of its points.
    pub(super) auc: f64,
    /// False positive rate and recall, thinned to what the eye can tell apart.
    pub(super) points: Vec<(f64, f64)>,
}

impl Curve {
    /// `None` with one class.
    pub(super) fn of(scored: &Scored) -> Option<Self> {
        let roc = scored.roc();
        Some(Self {
            origin: scored.origin.clone(),
            auc: roc.auc()?,
            points: thinned(&roc.points()?),
        })
    }
}

/// ROC curves, a pair of axes per data set; nothing without scores of both classes.
pub(super) fn roc(results: &SweepResults, all: &[Curve], name: &str) -> Option<Figure> {
    if all.is_empty() {
        return None;
    }
    let dataset = results.columns.iter().position(|name| name == "dataset");
    let mut panels: Vec<(String, Vec<&Curve>)> = Vec::new();
    for curve in all {
        let value = dataset.and_then(|column| curve.origin.point.get(column)?.as_ref());
        let heading = value.map_or_else(String::new, ToString::to_string);
        match panels.iter_mut().find(|(other, _)| *other == heading) {
            Some((_, curves)) => curves.push(curve),
            None => panels.push((heading, vec![curve])),
        }
    }
    panels.truncate(MOST_PANELS);
    for (_, curves) in &mut panels {
        curves.truncate(SERIES.len());
    }
    let heights: Vec<f64> = panels
        .iter()
        .map(|(heading, curves)| head(heading) + 17.0 * curves.len() as f64 + SIDE + 56.0)
        .collect();
    let mut canvas = Canvas::titled(
        results,
        "Over all frames of all test videos pooled; one seed of each.",
        WIDTH,
        heights.iter().sum(),
    );
    let mut top = 0.0;
    for ((heading, curves), height) in panels.iter().zip(&heights) {
        draw_panel(&mut canvas, dataset, heading, curves, top);
        top += height;
    }
    let shown = || panels.iter().flat_map(|(_, curves)| curves);
    let description: Vec<String> = shown()
        .map(|curve| {
            let origin = &curve.origin;
            format!(
                "{}, seed {}: AUC {:.2}%.",
                origin.label(),
                origin.seed,
                curve.auc * 100.0
            )
        })
        .collect();
    let title = "ROC curves";
    let more = if all.len() > shown().count() {
        " Not all variants are shown; the CSV has all."
    } else {
        ""
    };
    Some(Figure {
        name: name.to_owned(),
        title: title.to_owned(),
        caption: format!(
            "Over all frames of all test videos pooled, one seed of each variant. Dotted: a score without information.{more}"
        ),
        svg: canvas.finish(name, title, &description.join(" ")),
        csv: table(results, all, name),
    })
}

/// The height of a panel's name.
fn head(name: &str) -> f64 {
    if name.is_empty() { 4.0 } else { 24.0 }
}

fn draw_panel(
    canvas: &mut Canvas,
    dataset: Option<usize>,
    heading: &str,
    curves: &[&Curve],
    top: f64,
) {
    if !heading.is_empty() {
        let style = TextStyle::new(MEDIUM).bold();
        let text = fit(heading, MEDIUM, true, WIDTH - 24.0);
        canvas.text(12.0, top + 12.0, style, &text);
    }
    let entries: Vec<Entry> = curves
        .iter()
        .enumerate()
        .map(|(index, curve)| Entry {
            look: Look(index),
            variant: curve.origin.variant.clone(),
            label: curve.origin.label_without(dataset),
            note: format!("AUC {:.2}, seed {}", curve.auc * 100.0, curve.origin.seed),
        })
        .collect();
    let top = top + head(heading);
    legend::draw(canvas, &entries, (12.0, top), WIDTH - 24.0, None);
    let top = top + legend::height(&entries) + 10.0;
    let (x, y) = (
        Axis::linear(0.0, 1.0, LEFT, LEFT + SIDE),
        Axis::linear(0.0, 1.0, top + SIDE, top),
    );
    let ticks = x.ticks(5).into_iter();
    let panel = Panel {
        x_ticks: ticks.map(|tick| (tick, tick_label(tick, 0.2))).collect(),
        y_ticks: y.ticks(5),
        x,
        y,
        label_x: true,
        label_y: true,
    };
    panel.draw(canvas);
    canvas.layer("stroke-dasharray=\"16 24\"", |pen| {
        let diagonal = [panel.place(0.0, 0.0), panel.place(1.0, 1.0)];
        pen.line(&diagonal, MUTED, 1.0, 1.0);
    });
    for (index, curve) in curves.iter().enumerate() {
        let look = Look(index);
        let points = curve.points.iter();
        let line: Vec<_> = points.map(|(x, y)| panel.place(*x, *y)).collect();
        canvas.variant(&curve.origin.variant, |canvas| {
            canvas.layer(look.dash(), |pen| pen.line(&line, look.color(), 1.8, 1.0));
        });
    }
    let axis_label = TextStyle::new(MEDIUM).anchor(Anchor::Middle);
    let (middle, below) = (LEFT + SIDE / 2.0, top + SIDE + 32.0);
    canvas.text(middle, below, axis_label, "false positive rate (frames)");
    let middle = top + SIDE / 2.0;
    canvas.text(13.0, middle, axis_label.upward(), "recall (frames)");
}

/// At most about 400 points: those that move the curve by half a pixel.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for (index, point) in points.iter().enumerate() {
        let far = kept
            .last()
            .is_none_or(|last| (point.0 - last.0).abs() + (point.1 - last.1).abs() >= 0.005);
        if far || index + 1 == points.len() {
            kept.push(*point);
        }
    }
    kept
}

fn table(results: &SweepResults, all: &[Curve], name: &str) -> String {
    let header = [
        "figure",
        "sweep",
        "variant",
        "seed",
        "network",
        "auc",
        "false_positive_rate",
        "recall",
    ];
    let columns = results.columns.iter().map(String::as_str);
    let mut table = Table::new(header.into_iter().chain(columns).chain([ABOUT]));
    let mut about = About::brief(results).to_json();
    for curve in all {
        for (false_alarms, recall) in &curve.points {
            table.text(name);
            table.text(&results.name);
            table.text(&curve.origin.variant);
            table.text(&curve.origin.seed.to_string());
            table.text(curve.origin.network.name());
            table.number(Some(curve.auc));
            table.number(Some(*false_alarms));
            table.number(Some(*recall));
            table.point(&curve.origin.point, results.columns.len());
            table.text(&std::mem::take(&mut about));
            table.end_line();
        }
    }
    table.into_text()
}
