//! A pair of axes: frame, horizontal grid, ticks and labels.

use super::axis::{Axis, tick_label};
use super::canvas::{Anchor, Canvas, TextStyle};
use super::color::{GRID, INK, MUTED};

/// Size of tick labels, legends and notes.
pub(super) const SMALL: f64 = 11.0;
/// Size of axis labels and panel titles.
pub(super) const MEDIUM: f64 = 12.0;

/// A pair of axes on a rectangle of the sheet.
#[derive(Debug, Clone)]
pub(super) struct Panel {
    pub(super) x: Axis,
    pub(super) y: Axis,
    /// Ticks with their labels.
    pub(super) x_ticks: Vec<(f64, String)>,
    pub(super) y_ticks: Vec<f64>,
    /// Whether the axes' tick labels are written; the inner ones of small multiples are not.
    pub(super) label_x: bool,
    pub(super) label_y: bool,
}

impl Panel {
    /// Left, top, right, bottom in pixels.
    pub(super) fn rectangle(&self) -> (f64, f64, f64, f64) {
        (self.x.start, self.y.end, self.x.end, self.y.start)
    }

    /// A data point in pixels.
    pub(super) fn place(&self, x: f64, y: f64) -> (f64, f64) {
        (self.x.place(x), self.y.place(y))
    }

    /// Draws grid, axis line, ticks and tick labels.
    pub(super) fn draw(&self, canvas: &mut Canvas) {
        let (left, top, right, bottom) = self.rectangle();
        canvas.layer("", |pen| {
            for tick in &self.y_ticks {
                let y = self.y.place(*tick);
                pen.line(&[(left, y), (right, y)], GRID, 0.8, 1.0);
            }
            pen.line(&[(left, bottom), (right, bottom)], INK, 1.0, 1.0);
            for (tick, _) in &self.x_ticks {
                let x = self.x.place(*tick);
                pen.line(&[(x, bottom), (x, bottom + 4.0)], INK, 1.0, 1.0);
            }
        });
        if self.label_x {
            for (tick, label) in &self.x_ticks {
                let style = TextStyle::new(SMALL).anchor(Anchor::Middle);
                canvas.text(self.x.place(*tick), bottom + 12.0, style, label);
            }
        }
        if self.label_y {
            let step = match self.y_ticks.as_slice() {
                [first, second, ..] => second - first,
                // One tick alone has the digits that it needs.
                [only] => smallest_digit(*only),
                [] => 1.0,
            };
            for tick in &self.y_ticks {
                let style = TextStyle::new(SMALL).anchor(Anchor::End);
                canvas.text(
                    left - 6.0,
                    self.y.place(*tick),
                    style,
                    &tick_label(*tick, step),
                );
            }
        }
        let _ = top;
    }

    /// Draws the line that a score without any information would reach, where it is in sight.
    pub(super) fn draw_chance(&self, canvas: &mut Canvas) {
        if self.y.low > 50.0 || self.y.high < 50.0 {
            return;
        }
        let (left, _, right, _) = self.rectangle();
        let y = self.y.place(50.0);
        canvas.layer("stroke-dasharray=\"16 24\"", |pen| {
            pen.line(&[(left, y), (right, y)], MUTED, 1.0, 1.0);
        });
        let style = TextStyle::new(9.5).color(MUTED).anchor(Anchor::End);
        canvas.text(right - 2.0, y - 7.0, style, "chance");
    }
}

/// The power of ten of a number's last digit, of five at most.
fn smallest_digit(value: f64) -> f64 {
    let digits = [1.0, 0.1, 0.01, 0.001, 1e-4];
    digits
        .into_iter()
        .find(|digit| ((value / digit).round() * digit - value).abs() < 1e-9)
        .unwrap_or(1e-5)
}

/// Ticks of whole numbers with their labels.
pub(super) fn whole_ticks(axis: &Axis, wanted: usize) -> Vec<(f64, String)> {
    axis.whole_ticks(wanted)
        .into_iter()
        .map(|tick| (tick, format!("{tick:.0}")))
        .collect()
}

/// Ticks of any numbers with their labels.
pub(super) fn number_ticks(axis: &Axis, wanted: usize) -> Vec<(f64, String)> {
    let ticks = axis.ticks(wanted);
    let step = match ticks.as_slice() {
        [first, second, ..] => second - first,
        // One tick alone has the digits that it needs.
        [only] => smallest_digit(*only),
        [] => 1.0,
    };
    ticks
        .into_iter()
        .map(|tick| {
            (
                tick,
                tick_label(tick, if axis.logarithmic { tick } else { step }),
            )
        })
        .collect()
}

/// Dashes that go with the colour of the same index, in units of an eighth pixel.
pub(super) const DASHES: [&str; 4] = [
    "",
    "stroke-dasharray=\"40 28\"",
    "stroke-dasharray=\"12 24\"",
    "stroke-dasharray=\"56 24 12 24\"",
];
