//! The lines of a figure, named above the plot: there they are whole and in sight on a narrow screen too.

use super::canvas::{Canvas, TextStyle};
use super::color::{Color, MUTED, SERIES, WHITE, text_of};
use super::panel::{DASHES, SMALL};
use super::pen::MARKERS;
use super::text::{fit, width};

const LINE: f64 = 17.0;

/// How a line looks: colour, dashes and mark of the same index.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look(pub(super) usize);

impl Look {
    pub(super) fn color(self) -> Color {
        SERIES[self.0 % SERIES.len()]
    }
    pub(super) fn dash(self) -> &'static str {
        DASHES[self.0 % DASHES.len()]
    }
    pub(super) fn marker(self) -> super::pen::Marker {
        MARKERS[self.0 % MARKERS.len()]
    }
}

/// What a line's marks are filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    Full,
    Hollow,
}

/// One entry.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) look: Look,
    /// The variant that it belongs to, which readers may hide.
    pub(super) variant: String,
    pub(super) label: String,
    pub(super) note: String,
}

/// What `entries` take of a sheet's height.
pub(super) fn height(entries: &[Entry]) -> f64 {
    LINE * entries.len() as f64
}

/// Draws them from `(left, top)` on, a line each.
pub(super) fn draw(
    canvas: &mut Canvas,
    entries: &[Entry],
    (left, top): (f64, f64),
    room: f64,
    marker: Option<Fill>,
) {
    for (index, entry) in entries.iter().enumerate() {
        let y = top + LINE * (index as f64 + 0.5);
        let color = entry.look.color();
        canvas.variant(&entry.variant, |canvas| {
            canvas.layer(entry.look.dash(), |pen| {
                pen.line(&[(left, y), (left + 32.0, y)], color, 2.0, 1.0);
            });
            if let Some(fill) = marker {
                let fill = if fill == Fill::Full { color } else { WHITE };
                canvas.layer("", |pen| {
                    pen.marker((left + 16.0, y), 2.8, entry.look.marker(), color, fill);
                });
            }
            let style = TextStyle::new(SMALL);
            let note = width(&entry.note, SMALL, false);
            let label = fit(&entry.label, SMALL, true, room - 40.0 - note - 10.0);
            canvas.text(left + 40.0, y, style.bold().color(text_of(color)), &label);
            let end = left + 40.0 + width(&label, SMALL, true) + 10.0;
            canvas.text(end, y, style.color(MUTED), &entry.note);
        });
    }
}
