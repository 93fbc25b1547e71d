//! One line per variant and point: every seed a dot, the mean with its 95% interval, the published number as a diamond.

use super::Figure;
use super::axis::{Axis, percent_range};
use super::canvas::{Anchor, Canvas, Marker, TextStyle};
use super::color::{BLUE, GRID, INK, MUTED, VERMILLION, WHITE};
use super::data::cell_table;
use super::panel::{MEDIUM, SMALL, number_ticks};
use super::text::{fit, width};
use crate::results::SweepResults;
use crate::summary::SummaryRow;

/// Lines of one figure at most.
const MOST_ROWS: usize = 40;
const WIDTH: f64 = 720.0;
const ROW: f64 = 34.0;
/// The heading over the numbers.
const NUMBERS: &str = "mean ± std (n of asked)";
/// Where seeds, mean and published number lie in a line, from its middle: lanes of their own, so that none hides another.
const LANES: [f64; 3] = [9.0, 0.0, -9.0];

/// A published number beside a line, in percent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Published {
    pub(super) value: f64,
    pub(super) std: Option<f64>,
}

/// The figure over `rows`, or nothing where no job has finished.
pub(super) fn dots(
    results: &SweepResults,
    rows: &[SummaryRow],
    published: &[Option<Published>],
    name: &str,
) -> Option<Figure> {
    let values: Vec<Vec<(u64, f64)>> = rows
        .iter()
        .map(|row| {
            row.seeds_and_aucs(results)
                .map(|(seed, auc)| (seed, auc * 100.0))
                .collect()
        })
        .collect();
    if values.iter().all(Vec::is_empty) {
        return None;
    }
    let shown = rows.len().min(MOST_ROWS);
    let any_published = published.iter().take(shown).any(Option::is_some);
    let ends = published
        .iter()
        .take(shown)
        .flatten()
        .flat_map(|published| {
            let std = published.std.unwrap_or(0.0);
            [published.value - std, published.value + std]
        });
    let (low, high) = percent_range(
        values
            .iter()
            .take(shown)
            .flatten()
            .map(|(_, auc)| *auc)
            .chain(ends),
    );
    let numbers: Vec<String> = rows.iter().map(result_text).collect();
    let labels: Vec<String> = rows.iter().map(|row| row.label(&results.columns)).collect();
    let label_room = labels
        .iter()
        .take(shown)
        .map(|label| width(label, SMALL, false))
        .fold(60.0, f64::max)
        .min(230.0);
    let number_room = numbers
        .iter()
        .take(shown)
        // Bold, which is wider: lines that lack seeds are; the heading must fit too.
        .map(|text| width(text, SMALL, true))
        .fold(width(NUMBERS, SMALL, false), f64::max)
        .min(210.0);
    let (left, right) = (label_room + 18.0, WIDTH - number_room - 18.0);
    let (top, bottom) = (46.0, 46.0);
    let height = top + shown as f64 * ROW + bottom;
    let axis = Axis::linear(low, high, left, right);
    let ticks = number_ticks(&axis, 6);
    let base = height - bottom;
    let mut canvas = Canvas::new(WIDTH, height);
    canvas.layer("", |pen| {
        for (tick, _) in &ticks {
            let x = axis.place(*tick);
            pen.line(&[(x, top), (x, base)], GRID, 0.8, 1.0);
            pen.line(&[(x, base), (x, base + 4.0)], INK, 1.0, 1.0);
        }
        pen.line(&[(left, base), (right, base)], INK, 1.0, 1.0);
    });
    for (tick, label) in &ticks {
        canvas.text(
            axis.place(*tick),
            base + 12.0,
            TextStyle::new(SMALL).anchor(Anchor::Middle),
            label,
        );
    }
    let middle = f64::midpoint(left, right);
    canvas.text(
        middle,
        height - 12.0,
        TextStyle::new(MEDIUM).anchor(Anchor::Middle),
        "frame-level AUC (%)",
    );
    let head = TextStyle::new(SMALL).color(MUTED);
    canvas.text(right + 12.0, top - 8.0, head, NUMBERS);
    legend(&mut canvas, any_published);

    for index in 0..shown {
        let y = top + (index as f64 + 0.5) * ROW;
        let label = fit(&labels[index], SMALL, false, label_room);
        canvas.text(
            left - 8.0,
            y,
            TextStyle::new(SMALL).anchor(Anchor::End),
            &label,
        );
        let row = &rows[index];
        let style = TextStyle::new(SMALL);
        let short = row.n < row.expected;
        canvas.text(
            right + 12.0,
            y,
            if short { style.bold() } else { style },
            &numbers[index],
        );
        canvas.layer("", |pen| {
            // Spread over three heights by rank, so that equal ones do not hide each other.
            let mut sorted: Vec<f64> = values[index].iter().map(|(_, auc)| *auc).collect();
            sorted.sort_by(f64::total_cmp);
            let opacity = (12.0 / sorted.len() as f64).clamp(0.06, 0.5);
            for (rank, auc) in sorted.iter().enumerate() {
                let offset = [-2.5, 0.0, 2.5][rank % 3];
                pen.dot(
                    (axis.place(*auc), y + LANES[0] + offset),
                    2.2,
                    BLUE,
                    opacity,
                );
            }
            if let Some(interval) = row.auc.interval {
                let ends = [
                    (axis.place(interval.low * 100.0), y),
                    (axis.place(interval.high * 100.0), y),
                ];
                pen.line(&ends, INK, 2.4, 1.0);
            }
            if let Some(published) = published.get(index).copied().flatten() {
                let (x, y) = (axis.place(published.value), y + LANES[2]);
                if let Some(std) = published.std {
                    let ends = [
                        (axis.place(published.value - std), y),
                        (axis.place(published.value + std), y),
                    ];
                    pen.line(&ends, VERMILLION, 1.6, 1.0);
                }
                pen.marker((x, y), 3.2, Marker::Diamond, VERMILLION, WHITE);
            }
            if let Some(mean) = row.auc.mean {
                pen.marker(
                    (axis.place(mean * 100.0), y),
                    3.6,
                    Marker::Circle,
                    INK,
                    WHITE,
                );
            }
        });
    }
    let cut = if shown < rows.len() {
        format!(
            " The first {shown} of {} lines are shown; the CSV has all.",
            rows.len()
        )
    } else {
        String::new()
    };
    let diamonds = if any_published {
        " Diamonds: the published number, with its standard deviation where one is printed."
    } else {
        ""
    };
    let caption = format!(
        "Frame-level AUC after the last epoch. Dots: single seeds. Circle: mean over the finished seeds; bar: 95% bootstrap \
         interval of the mean (from three seeds on). Numbers in bold: not every seed finished.{diamonds}{cut}"
    );
    let description: Vec<String> = labels
        .iter()
        .zip(&numbers)
        .take(shown)
        .map(|(label, text)| format!("{label}: {text}."))
        .collect();
    let title = "Result per variant";
    Some(Figure {
        name: name.to_owned(),
        title: title.to_owned(),
        svg: canvas.finish(name, title, &description.join(" ")),
        csv: cell_table(results, rows, published, name),
        caption,
    })
}

fn legend(canvas: &mut Canvas, published: bool) {
    let (mut x, y) = (14.0, 16.0);
    let style = TextStyle::new(SMALL);
    let mut entry =
        |canvas: &mut Canvas, text: &str, draw: &dyn Fn(&super::canvas::Pen<'_>, f64)| {
            canvas.layer("", |pen| draw(pen, x));
            canvas.text(x + 34.0, y, style, text);
            x += 34.0 + width(text, SMALL, false) + 24.0;
        };
    entry(canvas, "mean, 95% interval", &|pen, x| {
        pen.line(&[(x, y), (x + 28.0, y)], INK, 2.4, 1.0);
        pen.marker((x + 14.0, y), 3.6, Marker::Circle, INK, WHITE);
    });
    entry(canvas, "single seeds", &|pen, x| {
        for (step, offset) in [-2.5, 0.0, 2.5].into_iter().enumerate() {
            pen.dot((x + 8.0 + 6.0 * step as f64, y + offset), 2.2, BLUE, 0.5);
        }
    });
    if published {
        entry(canvas, "published (± std where printed)", &|pen, x| {
            pen.line(&[(x, y), (x + 28.0, y)], VERMILLION, 1.6, 1.0);
            pen.marker((x + 14.0, y), 3.2, Marker::Diamond, VERMILLION, WHITE);
        });
    }
}

/// `73.26 ± 0.26 (5 of 5)`.
fn result_text(row: &SummaryRow) -> String {
    let counts = format!("({} of {})", row.n, row.expected);
    match (row.auc.mean, row.auc.std) {
        (Some(mean), Some(std)) => format!("{:.2} ± {:.2} {counts}", mean * 100.0, std * 100.0),
        (Some(mean), None) => format!("{:.2} {counts}", mean * 100.0),
        _ => format!("no result {counts}"),
    }
}
