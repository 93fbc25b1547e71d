//! AUC over two parameters: a field per combination, with its mean and n written into it.

use std::cmp::Ordering;

use sweeps::Value;

use super::Figure;
use super::canvas::{Anchor, Canvas, TextStyle};
use super::color::{GRID, INK, MUTED, WHITE, readable_on, sequential};
use super::data::cell_table;
use super::panel::{MEDIUM, SMALL};
use super::text::{fit, width};
use crate::order::compare_values;
use crate::results::SweepResults;
use crate::summary::SummaryRow;

const WIDTH: f64 = 720.0;
/// Values of a parameter up to which its fields can be told apart.
const MOST_VALUES: usize = 40;
/// Variants of one figure at most.
const MOST_PANELS: usize = 6;

/// The figure over the parameters of indices `across` and `down`, a panel per variant; nothing where it does not apply.
pub(super) fn heatmap(
    results: &SweepResults,
    rows: &[SummaryRow],
    (across, down): (usize, usize),
    name: &str,
) -> Option<Figure> {
    let (xs, ys) = (values(rows, across), values(rows, down));
    if xs.len() < 2 || ys.len() < 2 || xs.len() > MOST_VALUES || ys.len() > MOST_VALUES {
        return None;
    }
    let mut variants: Vec<&str> = Vec::new();
    for row in rows {
        if !variants.contains(&row.variant.as_str()) {
            variants.push(&row.variant);
        }
    }
    let hidden = variants.len().saturating_sub(MOST_PANELS);
    variants.truncate(MOST_PANELS);
    let means = || rows.iter().filter_map(|row| row.auc.mean);
    let (low, high) = (
        means().reduce(f64::min)? * 100.0,
        means().reduce(f64::max)? * 100.0,
    );

    let label_room = ys
        .iter()
        .map(|value| width(&value.to_string(), SMALL, false))
        .fold(0.0, f64::max)
        .min(150.0);
    let (left, right) = (label_room + 40.0, WIDTH - 76.0);
    let field_width = (right - left) / xs.len() as f64;
    let field_height = (0.62 * field_width).clamp(16.0, 40.0);
    let heading = if variants.len() > 1 { 24.0 } else { 6.0 };
    let turned = xs
        .iter()
        .any(|value| width(&value.to_string(), SMALL, false) > field_width - 4.0);
    let x_room = if turned {
        xs.iter()
            .map(|value| width(&value.to_string(), SMALL, false))
            .fold(0.0, f64::max)
            .min(150.0)
            + 10.0
    } else {
        18.0
    };
    let panel_height = ys.len() as f64 * field_height;
    let height = 10.0 + variants.len() as f64 * (heading + panel_height + 12.0) + x_room + 14.0;
    let mut canvas = Canvas::new(WIDTH, height);
    let mut bottom = 10.0;
    for variant in &variants {
        let top = bottom + heading;
        if variants.len() > 1 {
            canvas.text(
                left,
                top - 12.0,
                TextStyle::new(MEDIUM).bold(),
                &fit(variant, MEDIUM, true, right - left),
            );
        }
        for (line, y) in ys.iter().enumerate() {
            let field_top = top + line as f64 * field_height;
            let style = TextStyle::new(SMALL).anchor(Anchor::End);
            canvas.text(
                left - 8.0,
                field_top + field_height / 2.0,
                style,
                &fit(&y.to_string(), SMALL, false, label_room),
            );
            for (column, x) in xs.iter().enumerate() {
                let field_left = left + column as f64 * field_width;
                let row = find(rows, variant, (across, x), (down, y));
                field(
                    &mut canvas,
                    row,
                    (field_left, field_top, field_width, field_height),
                    (low, high),
                );
            }
        }
        bottom = top + panel_height + 12.0;
    }
    for (column, x) in xs.iter().enumerate() {
        let at = left + (column as f64 + 0.5) * field_width;
        let text = x.to_string();
        if turned {
            let style = TextStyle::new(SMALL).anchor(Anchor::End).upward();
            canvas.text(at, bottom - 6.0, style, &fit(&text, SMALL, false, 150.0));
        } else {
            canvas.text(
                at,
                bottom,
                TextStyle::new(SMALL).anchor(Anchor::Middle),
                &text,
            );
        }
    }
    let (x_name, y_name) = (&results.columns[across], &results.columns[down]);
    let axis_label = TextStyle::new(MEDIUM).anchor(Anchor::Middle);
    canvas.text(
        f64::midpoint(left, right),
        height - 10.0,
        axis_label,
        x_name,
    );
    let span = height - x_room - 30.0;
    canvas.text(
        12.0,
        10.0 + span / 2.0,
        axis_label.upward(),
        &fit(y_name, MEDIUM, false, span.max(60.0)),
    );
    scale(
        &mut canvas,
        (right + 16.0, 10.0 + heading, span.min(150.0)),
        (low, high),
    );

    let title = format!("AUC over {x_name} and {y_name}");
    let description: Vec<String> = rows
        .iter()
        .map(|row| {
            let mean = row.auc.mean.map_or_else(
                || "no result".into(),
                |mean| format!("{:.2}%", mean * 100.0),
            );
            format!(
                "{}: {mean} ({} of {}).",
                row.label(&results.columns),
                row.n,
                row.expected
            )
        })
        .collect();
    let more = if hidden > 0 {
        format!(" {hidden} more variants are in the CSV.")
    } else {
        String::new()
    };
    Some(Figure {
        name: name.to_owned(),
        svg: canvas.finish(name, &title, &description.join(" ")),
        caption: format!(
            "Mean frame-level AUC in percent over the finished seeds, darker is higher; below it, n, wherever it is less than the number \
             asked for. A crossed field has no finished seed, an empty one was not asked for. The largest standard deviation over seeds is {} points.{more}",
            rows.iter()
                .filter_map(|row| row.auc.std)
                .reduce(f64::max)
                .map_or_else(|| "unknown".into(), |std| format!("{:.2}", std * 100.0))
        ),
        title,
        csv: cell_table(results, rows, &[], name),
    })
}

fn values(rows: &[SummaryRow], column: usize) -> Vec<Value> {
    let mut values: Vec<Value> = rows
        .iter()
        .filter_map(|row| row.point.get(column).cloned().flatten())
        .collect();
    values.sort_by(compare_values);
    values.dedup_by(|left, right| compare_values(left, right) == Ordering::Equal);
    values
}

fn find<'a>(
    rows: &'a [SummaryRow],
    variant: &str,
    (across, x): (usize, &Value),
    (down, y): (usize, &Value),
) -> Option<&'a SummaryRow> {
    let is = |row: &SummaryRow, column: usize, wanted: &Value| {
        row.point[column]
            .as_ref()
            .is_some_and(|value| compare_values(value, wanted).is_eq())
    };
    rows.iter()
        .find(|row| row.variant == variant && is(row, across, x) && is(row, down, y))
}

fn field(
    canvas: &mut Canvas,
    row: Option<&SummaryRow>,
    (left, top, width, height): (f64, f64, f64, f64),
    (low, high): (f64, f64),
) {
    let (right, bottom) = (left + width, top + height);
    let Some(row) = row else {
        canvas.layer("", |pen| {
            pen.line(
                &[
                    (left, top),
                    (right, top),
                    (right, bottom),
                    (left, bottom),
                    (left, top),
                ],
                GRID,
                0.6,
                1.0,
            );
        });
        return;
    };
    let Some(mean) = row.auc.mean else {
        canvas.layer("", |pen| {
            pen.line(
                &[(left + 3.0, top + 3.0), (right - 3.0, bottom - 3.0)],
                MUTED,
                0.8,
                1.0,
            );
            pen.line(
                &[(left + 3.0, bottom - 3.0), (right - 3.0, top + 3.0)],
                MUTED,
                0.8,
                1.0,
            );
        });
        return;
    };
    let mean = mean * 100.0;
    let share = if high > low {
        (mean - low) / (high - low)
    } else {
        0.5
    };
    let color = sequential(0.08 + 0.87 * share);
    canvas.layer("", |pen| {
        pen.rectangle(
            (left + 0.5, top + 0.5),
            (right - 0.5, bottom - 0.5),
            color,
            1.0,
        );
    });
    if width < 30.0 {
        return;
    }
    let style = TextStyle::new(if width < 44.0 { 9.5 } else { SMALL })
        .color(readable_on(color))
        .anchor(Anchor::Middle);
    let (x, y) = (f64::midpoint(left, right), f64::midpoint(top, bottom));
    let short = row.n < row.expected && height > 26.0;
    canvas.text(
        x,
        if short { y - 6.5 } else { y },
        style,
        &format!("{mean:.1}"),
    );
    if short {
        let style = TextStyle { size: 9.0, ..style };
        canvas.text(x, y + 7.0, style, &format!("{} of {}", row.n, row.expected));
    }
}

/// The colours' legend, beside the fields.
fn scale(canvas: &mut Canvas, (left, top, height): (f64, f64, f64), (low, high): (f64, f64)) {
    const STEPS: usize = 32;
    let step = height / STEPS as f64;
    canvas.layer("", |pen| {
        for index in 0..STEPS {
            let share = 1.0 - index as f64 / (STEPS - 1) as f64;
            let y = top + index as f64 * step;
            // Overlapping a little: no seams.
            pen.rectangle(
                (left, y),
                (left + 12.0, y + step + 0.4),
                sequential(0.08 + 0.87 * share),
                1.0,
            );
        }
        pen.rectangle(
            (left, top + height),
            (left + 12.0, top + height + 0.6),
            WHITE,
            1.0,
        );
    });
    let style = TextStyle::new(SMALL).color(INK);
    canvas.text(left + 18.0, top + 5.0, style, &format!("{high:.1}"));
    canvas.text(left + 18.0, top + height - 5.0, style, &format!("{low:.1}"));
}
