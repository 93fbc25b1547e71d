//! A sheet of paper measured in CSS pixels, drawn by plotters at eight times the size.
//!
//! plotters' coordinates are whole numbers, which make stairs at the size of a page: so everything is drawn eight times as
//! large and shown small by the `viewBox`. Layers become `<g>` elements, which is where dashes, clips and round joins come
//! from; texts are written by ourselves, so that their baseline is where it was asked for.

use std::fmt::Write;

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon};
use plotters::style::{Color, RGBColor, ShapeStyle};

use super::color::{INK, WHITE, hexadecimal};
use super::text;

/// How many units a CSS pixel has.
const SCALE: f64 = 8.0;

/// A figure in the making.
pub(super) struct Canvas {
    width: f64,
    height: f64,
    body: String,
    clips: usize,
}

/// Draws shapes into one layer.
pub(super) struct Pen<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

/// Which point of a text its position means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextStyle {
    pub(super) size: f64,
    pub(super) bold: bool,
    pub(super) color: RGBColor,
    pub(super) anchor: Anchor,
    /// Turned a quarter to the left, for the label of a vertical axis.
    pub(super) upward: bool,
}

/// The shape of a mark. Filled with white and outlined, so that lines show behind.
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

impl TextStyle {
    pub(super) const fn new(size: f64) -> Self {
        Self {
            size,
            bold: false,
            color: INK,
            anchor: Anchor::Start,
            upward: false,
        }
    }
    pub(super) const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }
    pub(super) const fn color(self, color: RGBColor) -> Self {
        Self { color, ..self }
    }
    pub(super) const fn anchor(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }
    pub(super) const fn upward(self) -> Self {
        Self {
            upward: true,
            ..self
        }
    }
}

impl Canvas {
    /// An empty sheet of that many CSS pixels.
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            body: String::new(),
            clips: 0,
        }
    }

    /// Draws shapes into a `<g>` with `attributes`.
    pub(super) fn layer(&mut self, attributes: &str, draw: impl FnOnce(&Pen<'_>)) {
        let mut document = String::new();
        {
            let size = ((self.width * SCALE) as u32, (self.height * SCALE) as u32);
            let pen = Pen {
                area: SVGBackend::with_string(&mut document, size).into_drawing_area(),
            };
            draw(&pen);
            let _ = pen.area.present();
        }
        // What is between plotters' own root tags.
        let start = document.find('>').map_or(0, |end| end + 1);
        let end = document.rfind("</svg>").unwrap_or(document.len());
        let shapes = document.get(start..end).unwrap_or_default().trim();
        if !shapes.is_empty() {
            let space = if attributes.is_empty() { "" } else { " " };
            let _ = write!(self.body, "<g{space}{attributes}>");
            for line in shapes.lines() {
                // The opacity of a shape as a whole asks a renderer for a sheet of its own; that of its paint does not. And
                // an opacity of one and the space after the last point are a tenth of the file.
                let paint = if line.starts_with("<polyline") {
                    " stroke-opacity="
                } else {
                    " fill-opacity="
                };
                let line = line
                    .replace(" opacity=\"1\"", "")
                    .replace(" opacity=", paint);
                self.body.push_str(&line.replace(" \"/>", "\"/>"));
            }
            self.body.push_str("</g>\n");
        }
    }

    /// Draws shapes that are cut off at a rectangle.
    pub(super) fn clipped(
        &mut self,
        (left, top, right, bottom): (f64, f64, f64, f64),
        figure: &str,
        attributes: &str,
        draw: impl FnOnce(&Pen<'_>),
    ) {
        self.clips += 1;
        // Identifiers are of the whole page when figures stand in one: the figure's name makes them its own.
        let id = format!("clip-{figure}-{}", self.clips);
        let _ = write!(
            self.body,
            "<clipPath id=\"{id}\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/></clipPath>",
            unit(left),
            unit(top),
            unit(right - left),
            unit(bottom - top)
        );
        self.layer(&format!("clip-path=\"url(#{id})\" {attributes}"), draw);
    }

    /// Writes `text`; `y` is the height of its middle (of capital letters).
    pub(super) fn text(&mut self, x: f64, y: f64, style: TextStyle, text: &str) {
        let anchor = match style.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = if style.bold {
            " font-weight=\"bold\""
        } else {
            ""
        };
        let color = if style.color == INK {
            String::new()
        } else {
            format!(" fill=\"{}\"", hexadecimal(style.color))
        };
        // Capital letters of DejaVu are 0.73 em high.
        let shift = 0.365 * style.size;
        let (x, y, turn) = if style.upward {
            let (x, y) = (unit(x + shift), unit(y));
            (x, y, format!(" transform=\"rotate(-90 {x} {y})\""))
        } else {
            (unit(x), unit(y + shift), String::new())
        };
        let _ = writeln!(
            self.body,
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\"{anchor}{weight}{color}{turn}>{}</text>",
            unit(style.size),
            escape(text)
        );
    }

    /// The document. `name` is the figure's, for identifiers; `title` and `description` are for those who cannot see it.
    pub(super) fn finish(self, name: &str, title: &str, description: &str) -> String {
        let (title, description) = (escape(title), escape(description));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {}\" role=\"img\" \
             aria-labelledby=\"{name}-title {name}-desc\" font-family=\"{}\" fill=\"{}\" stroke-linejoin=\"round\" \
             stroke-linecap=\"round\">\n<title id=\"{name}-title\">{title}</title>\n<desc id=\"{name}-desc\">{description}</desc>\n\
             <rect width=\"{}\" height=\"{}\" fill=\"{}\"/>\n{}</svg>\n",
            self.width,
            self.height,
            self.width * SCALE,
            self.height * SCALE,
            text::FAMILY,
            hexadecimal(INK),
            self.width * SCALE,
            self.height * SCALE,
            hexadecimal(WHITE),
            self.body
        )
    }
}

impl Pen<'_> {
    /// A line through `points`. Points that are not finite break it.
    pub(super) fn line(&self, points: &[(f64, f64)], color: RGBColor, width: f64, opacity: f64) {
        let style = stroke(color, width, opacity);
        for piece in points.split(|(x, y)| !x.is_finite() || !y.is_finite()) {
            if piece.len() > 1 {
                let _ = self.area.draw(&PathElement::new(
                    piece.iter().map(place).collect::<Vec<_>>(),
                    style,
                ));
            }
        }
    }

    /// A filled polygon.
    pub(super) fn polygon(&self, points: &[(f64, f64)], color: RGBColor, opacity: f64) {
        if points.iter().all(|(x, y)| x.is_finite() && y.is_finite()) {
            let points: Vec<_> = points.iter().map(place).collect();
            let _ = self
                .area
                .draw(&Polygon::new(points, color.mix(opacity).filled()));
        }
    }

    /// A filled rectangle.
    pub(super) fn rectangle(
        &self,
        from: (f64, f64),
        to: (f64, f64),
        color: RGBColor,
        opacity: f64,
    ) {
        self.polygon(&[from, (to.0, from.1), to, (from.0, to.1)], color, opacity);
    }

    /// A filled dot.
    pub(super) fn dot(&self, at: (f64, f64), radius: f64, color: RGBColor, opacity: f64) {
        if at.0.is_finite() && at.1.is_finite() {
            let _ = self.area.draw(&Circle::new(
                place(&at),
                (radius * SCALE) as u32,
                color.mix(opacity).filled(),
            ));
        }
    }

    /// A mark, `fill` inside and `color` around.
    pub(super) fn marker(
        &self,
        at: (f64, f64),
        radius: f64,
        marker: Marker,
        color: RGBColor,
        fill: RGBColor,
    ) {
        if !at.0.is_finite() || !at.1.is_finite() {
            return;
        }
        let outline = 1.4;
        if marker == Marker::Circle {
            self.dot(at, radius + outline / 2.0, color, 1.0);
            self.dot(at, radius - outline / 2.0, fill, 1.0);
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

/// A place in units, far outside the sheet at most.
fn place((x, y): &(f64, f64)) -> (i32, i32) {
    ((x * SCALE).round() as i32, (y * SCALE).round() as i32)
}

fn stroke(color: RGBColor, width: f64, opacity: f64) -> ShapeStyle {
    color
        .mix(opacity)
        .stroke_width((width * SCALE).round() as u32)
}

/// CSS pixels in units, whole: half a pixel is four of them.
fn unit(pixels: f64) -> i64 {
    (pixels * SCALE).round() as i64
}

/// Escapes a text for XML; characters that XML 1.0 forbids become a replacement character.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(character),
            '\u{0}'..='\u{1f}' | '\u{7f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
