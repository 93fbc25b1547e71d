//! ROC curves of the scores, on one pair of axes.

use super::Figure;
use super::about::{ABOUT, About};
use super::axis::{Axis, tick_label};
use super::canvas::{Anchor, Canvas, TextStyle};
use super::color::{MUTED, SERIES, text_of};
use super::panel::{DASHES, MEDIUM, Panel, SMALL};
use super::scores::{Origin, Scored};
use super::text::fit;
use crate::files::Table;
use crate::results::SweepResults;

const WIDTH: f64 = 720.0;

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

/// ROC curves on one pair of axes; nothing without scores of both classes.
pub(super) fn roc(results: &SweepResults, all: &[Curve], name: &str) -> Option<Figure> {
    let curves = &all[..all.len().min(SERIES.len())];
    if curves.is_empty() {
        return None;
    }
    let (left, top, side) = (58.0, 16.0, 380.0);
    let height = top + side + 46.0;
    let mut canvas = Canvas::titled(
        results,
        "Over all frames of all test videos pooled; one seed of each.",
        WIDTH,
        height,
    );
    let (x, y) = (
        Axis::linear(0.0, 1.0, left, left + side),
        Axis::linear(0.0, 1.0, top + side, top),
    );
    let ticks: Vec<(f64, String)> = x
        .ticks(5)
        .into_iter()
        .map(|tick| (tick, tick_label(tick, 0.2)))
        .collect();
    let panel = Panel {
        x_ticks: ticks,
        y_ticks: y.ticks(5),
        x,
        y,
        label_x: true,
        label_y: true,
    };
    panel.draw(&mut canvas);
    canvas.layer("stroke-dasharray=\"16 24\"", |pen| {
        pen.line(
            &[panel.place(0.0, 0.0), panel.place(1.0, 1.0)],
            MUTED,
            1.0,
            1.0,
        );
    });
    let legend = left + side + 20.0;
    for (index, curve) in curves.iter().enumerate() {
        let color = SERIES[index];
        let line: Vec<_> = curve
            .points
            .iter()
            .map(|(x, y)| panel.place(*x, *y))
            .collect();
        let at = top + 14.0 + index as f64 * 34.0;
        canvas.layer(DASHES[index % DASHES.len()], |pen| {
            pen.line(&line, color, 1.8, 1.0);
            pen.line(&[(legend, at), (legend + 30.0, at)], color, 1.8, 1.0);
        });
        let style = TextStyle::new(SMALL);
        let label = fit(&curve.origin.label(), SMALL, true, WIDTH - legend - 44.0);
        canvas.text(
            legend + 36.0,
            at,
            style.bold().color(text_of(color)),
            &label,
        );
        let note = format!("AUC {:.2}, seed {}", curve.auc * 100.0, curve.origin.seed);
        canvas.text(legend + 36.0, at + 14.0, style.color(MUTED), &note);
    }
    let axis_label = TextStyle::new(MEDIUM).anchor(Anchor::Middle);
    canvas.text(
        left + side / 2.0,
        height - 10.0,
        axis_label,
        "false positive rate (frames)",
    );
    canvas.text(
        13.0,
        top + side / 2.0,
        axis_label.upward(),
        "recall (frames)",
    );
    let description: Vec<String> = curves
        .iter()
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
    let more = if all.len() > curves.len() {
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
