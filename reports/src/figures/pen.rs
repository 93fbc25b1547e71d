//! Draws shapes into one layer of a figure: elements of plotters on a [`Sheet`].

use std::cell::{Cell, RefCell};

use plotters::drawing::IntoDrawingArea;
use plotters::element::{Circle, Drawable, PathElement, PointCollection, Polygon};
use plotters::style::{Color as _, RGBAColor, RGBColor};

use super::canvas::unit;
use super::color::Color;
use super::mark::Mark;
use super::sheet::Sheet;

/// Draws shapes into one layer.
pub(super) struct Pen<'a> {
    out: RefCell<&'a mut String>,
    marks: &'a Cell<usize>,
}

/// The shape of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
}

/// The shapes that go with the colours of the same index; the fifth colour, whose dashes are the first's, gets another shape
/// than the first.
pub(super) const MARKERS: [Marker; 7] = [
    Marker::Circle,
    Marker::Square,
    Marker::Triangle,
    Marker::Diamond,
    Marker::Triangle,
    Marker::Diamond,
    Marker::Circle,
];

impl<'a> Pen<'a> {
    /// A pen that writes to `out` and may name the seeds of so many marks.
    pub(super) fn new(out: &'a mut String, marks: &'a Cell<usize>) -> Self {
        Self {
            out: RefCell::new(out),
            marks,
        }
    }
}

impl Pen<'_> {
    /// A line through `points`. Points that are not finite break it.
    pub(super) fn line(&self, points: &[(f64, f64)], color: Color, width: f64, opacity: f64) {
        self.path(points, color, width, opacity, None);
    }

    /// The line of one seed.
    pub(super) fn seed_line(
        &self,
        points: &[(f64, f64)],
        color: Color,
        width: f64,
        opacity: f64,
        mark: &Mark<'_>,
    ) {
        self.path(points, color, width, opacity, Some(mark));
    }

    fn path(
        &self,
        points: &[(f64, f64)],
        color: Color,
        width: f64,
        opacity: f64,
        mark: Option<&Mark<'_>>,
    ) {
        let style = paint(color, opacity).stroke_width(unit(width) as u32);
        for piece in points.split(|(x, y)| !x.is_finite() || !y.is_finite()) {
            if piece.len() > 1 {
                self.draw(&PathElement::new(places(piece), style), mark);
            }
        }
    }

    /// A filled polygon.
    pub(super) fn polygon(&self, points: &[(f64, f64)], color: Color, opacity: f64) {
        if points.len() < 2 || !points.iter().all(|(x, y)| x.is_finite() && y.is_finite()) {
            return;
        }
        self.draw(
            &Polygon::new(places(points), paint(color, opacity).filled()),
            None,
        );
    }

    /// A filled rectangle.
    pub(super) fn rectangle(&self, from: (f64, f64), to: (f64, f64), color: Color, opacity: f64) {
        self.polygon(&[from, (to.0, from.1), to, (from.0, to.1)], color, opacity);
    }

    /// A filled dot.
    pub(super) fn dot(&self, at: (f64, f64), radius: f64, color: Color, opacity: f64) {
        self.circle(at, radius, color, opacity, None);
    }

    /// The dot of one seed.
    pub(super) fn seed_dot(
        &self,
        at: (f64, f64),
        radius: f64,
        color: Color,
        opacity: f64,
        mark: &Mark<'_>,
    ) {
        self.circle(at, radius, color, opacity, Some(mark));
    }

    fn circle(
        &self,
        at: (f64, f64),
        radius: f64,
        color: Color,
        opacity: f64,
        mark: Option<&Mark<'_>>,
    ) {
        if at.0.is_finite() && at.1.is_finite() {
            let style = paint(color, opacity).filled();
            self.draw(&Circle::new(place(&at), unit(radius) as u32, style), mark);
        }
    }

    /// Draws an element; it says what its mark says while there is room for that.
    fn draw<'e, E>(&self, element: &'e E, mark: Option<&Mark<'_>>)
    where
        &'e E: PointCollection<'e, (i32, i32)>,
        for<'s> E: Drawable<Sheet<'s>>,
    {
        let left = self.marks.get();
        let mark = mark.filter(|_| left > 0);
        if mark.is_some() {
            self.marks.set(left - 1);
        }
        let mut out = self.out.borrow_mut();
        let area = Sheet::new(&mut out, mark).into_drawing_area();
        // A sheet in memory takes everything.
        let _ = area.draw(element);
    }

    /// A mark, `fill` inside and `color` around.
    pub(super) fn marker(
        &self,
        at: (f64, f64),
        radius: f64,
        marker: Marker,
        color: Color,
        fill: Color,
    ) {
        if !at.0.is_finite() || !at.1.is_finite() {
            return;
        }
        let outline = 1.4;
        if marker == Marker::Circle {
            self.dot(at, radius + outline / 2.0, color, 1.0);
            if fill != color {
                self.dot(at, radius - outline / 2.0, fill, 1.0);
            }
            return;
        }
        let corners: &[(f64, f64)] = match marker {
            Marker::Circle => &[],
            Marker::Square => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            Marker::Triangle => &[(0.0, -1.15), (1.05, 0.75), (-1.05, 0.75)],
            Marker::Diamond => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
        };
        let mut points: Vec<(f64, f64)> = corners
            .iter()
            .map(|(x, y)| (at.0 + x * radius, at.1 + y * radius))
            .collect();
        self.polygon(&points, fill, 1.0);
        points.push(points[0]);
        self.line(&points, color, outline, 1.0);
    }
}

/// A colour with its opacity, to the thousandth.
fn paint(color: Color, opacity: f64) -> RGBAColor {
    RGBColor(color.0, color.1, color.2).mix((opacity * 1000.0).round() / 1000.0)
}

/// A place in units.
fn place((x, y): &(f64, f64)) -> (i32, i32) {
    (unit(*x) as i32, unit(*y) as i32)
}

fn places(points: &[(f64, f64)]) -> Vec<(i32, i32)> {
    points.iter().map(place).collect()
}
