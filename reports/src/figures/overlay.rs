//! All variants on one pair of axes over the epochs: every seed thin, means thick, bands of ± one standard deviation (the
//! paper's Fig. 10).

use sweeps::{EpochPoint, ScoreBy};

use super::Figure;
use super::axis::{Axis, percent_range};
use super::canvas::{Anchor, Canvas, MARKERS, TextStyle};
use super::color::{SERIES, WHITE};
use super::data::epoch_table;
use super::labels::distinct;
use super::panel::{DASHES, MEDIUM, Panel, SMALL, end_labels, whole_ticks};
use super::series::{Band, SeedCurve, bands, seed_curves};
use super::text::{fit, width};
use crate::results::SweepResults;
use crate::summary::SummaryRow;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;

/// The figure over `rows`, as many as there are colours at most; nothing where fewer than two have a curve.
pub(super) fn overlay(results: &SweepResults, rows: &[SummaryRow], name: &str) -> Option<Figure> {
    let series: Vec<(&SummaryRow, Vec<SeedCurve>, Vec<Band>)> = rows
        .iter()
        .map(|row| {
            let curves = seed_curves(results, row, |index, point| reported(results, index, point));
            let bands = bands(&curves);
            (row, curves, bands)
        })
        .filter(|(_, curves, _)| !curves.is_empty())
        .collect();
    if series.len() < 2 || series.len() > SERIES.len() {
        return None;
    }
    let points = || {
        series
            .iter()
            .flat_map(|(_, curves, _)| curves)
            .flat_map(|curve| curve.points.iter())
    };
    let (low, high) = percent_range(points().map(|(_, auc)| *auc));
    let last = points().map(|(epoch, _)| *epoch).max()?.max(2);
    let drawn: Vec<&SummaryRow> = series.iter().map(|(row, ..)| *row).collect();
    let (labels, key) = distinct(&drawn, &results.columns);
    let labels: Vec<String> = labels
        .iter()
        .map(|label| fit(label, SMALL, true, 160.0))
        .collect();
    let counts: Vec<String> = series
        .iter()
        .map(|(row, ..)| format!("n = {} of {}", row.n, row.expected))
        .collect();
    let room = labels
        .iter()
        .map(|label| width(label, SMALL, true))
        .chain(counts.iter().map(|count| width(count, SMALL, false)))
        .fold(0.0, f64::max);
    let top = if key.is_empty() { 16.0 } else { 30.0 };
    let y_axis = Axis::linear(low, high, HEIGHT - 48.0, top);
    let x_axis = Axis::linear(1.0, f64::from(last), 62.0, WIDTH - room - 24.0);
    let panel = Panel {
        x_ticks: whole_ticks(&Axis::linear(1.0, f64::from(last), 0.0, 1.0), 8),
        y_ticks: y_axis.ticks(7),
        x: x_axis,
        y: y_axis,
        label_x: true,
        label_y: true,
    };
    let mut canvas = Canvas::new(WIDTH, HEIGHT);
    panel.draw(&mut canvas);
    panel.draw_chance(&mut canvas);
    for (index, (_, curves, bands)) in series.iter().enumerate() {
        let color = SERIES[index];
        let opacity = (6.0 / curves.len() as f64).clamp(0.025, 0.4);
        canvas.clipped(panel.rectangle(), name, "", |pen| {
            for curve in curves {
                let points: Vec<_> = curve
                    .points
                    .iter()
                    .map(|(epoch, auc)| panel.place(f64::from(*epoch), *auc))
                    .collect();
                pen.line(&points, color, 0.7, opacity);
            }
            let end = |sign: f64| {
                bands
                    .iter()
                    .filter_map(move |band| Some((band.epoch, band.mean + sign * band.std?)))
            };
            let mut outline: Vec<_> = end(1.0).collect();
            outline.extend(end(-1.0).collect::<Vec<_>>().into_iter().rev());
            if outline.len() > 2 {
                let outline: Vec<_> = outline
                    .into_iter()
                    .map(|(epoch, auc)| panel.place(f64::from(epoch), auc))
                    .collect();
                pen.polygon(&outline, color, 0.15);
            }
        });
    }
    let mut ends = Vec::new();
    for (index, (_, curves, bands)) in series.iter().enumerate() {
        let color = SERIES[index];
        let mean: Vec<_> = bands
            .iter()
            .map(|band| panel.place(f64::from(band.epoch), band.mean))
            .collect();
        canvas.layer(DASHES[index % DASHES.len()], |pen| {
            pen.line(&mean, color, 2.0, 1.0);
        });
        canvas.layer("", |pen| {
            for point in mean.iter().rev().step_by(mean.len().div_ceil(8).max(1)) {
                pen.marker(*point, 2.8, MARKERS[index % MARKERS.len()], color, WHITE);
            }
        });
        // Where no seed has finished there is no mean: the label stands beside the first seed's last point.
        let first = curves.first().and_then(|curve| curve.points.last());
        let end = mean
            .last()
            .copied()
            .or_else(|| first.map(|(epoch, auc)| panel.place(f64::from(*epoch), *auc)));
        ends.push(end.map_or(panel.y.start, |(_, y)| y));
    }
    if !key.is_empty() {
        let style = TextStyle::new(SMALL)
            .color(super::color::MUTED)
            .anchor(Anchor::End);
        let text = fit(&format!("lines: {key}"), SMALL, false, WIDTH - 24.0);
        canvas.text(WIDTH - 12.0, 12.0, style, &text);
    }
    let (_, top, right, bottom) = panel.rectangle();
    for (index, y) in end_labels(&ends, 30.0, top + 8.0, bottom - 8.0)
        .into_iter()
        .enumerate()
    {
        let style = TextStyle::new(SMALL);
        canvas.text(
            right + 12.0,
            y - 7.0,
            style.bold().color(super::color::text_of(SERIES[index])),
            &labels[index],
        );
        canvas.text(
            right + 12.0,
            y + 7.0,
            style.color(super::color::MUTED),
            &counts[index],
        );
    }
    let axis_label = TextStyle::new(MEDIUM).anchor(Anchor::Middle);
    canvas.text(
        f64::midpoint(62.0, right),
        HEIGHT - 12.0,
        axis_label,
        "epoch",
    );
    canvas.text(
        13.0,
        f64::midpoint(top, bottom),
        axis_label.upward(),
        "frame-level AUC (%)",
    );
    let title = "All variants over the epochs";
    let description: Vec<String> = series
        .iter()
        .filter_map(|(row, _, bands)| {
            let last = bands.last()?;
            let std = last
                .std
                .map_or_else(String::new, |std| format!(" ± {std:.2}"));
            Some(format!(
                "{}: {:.2}{std}% in epoch {}.",
                row.label(&results.columns),
                last.mean,
                last.epoch
            ))
        })
        .collect();
    Some(Figure {
        name: name.to_owned(),
        title: title.to_owned(),
        caption: "Frame-level AUC of the reported score after each epoch. Thin lines: single seeds. Thick lines: means over the \
                  finished seeds; bands: ± one sample standard deviation."
            .to_owned(),
        svg: canvas.finish(name, title, &description.join(" ")),
        csv: epoch_table(results, rows, name),
    })
}

/// The AUC of the score that the cell reports.
pub(super) fn reported(results: &SweepResults, index: usize, point: &EpochPoint) -> Option<f64> {
    match results.cells[index].cell.reporting.score_by {
        ScoreBy::Discriminator => point.auc_d.or(point.auc_g),
        ScoreBy::Generator => point.auc_g.or(point.auc_d),
    }
}
