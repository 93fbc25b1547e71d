//! A sheet of paper measured in CSS pixels, written as SVG in eighths of them.
//!
//! Coordinates are whole numbers of units; the `viewBox` shows the sheet at its size. Layers are `<g>` elements, which is
//! where dashes and clips come from. Invariant: the same calls write the same bytes.

use std::cell::{Cell, RefCell};
use std::fmt::Write;

use super::about::About;
use super::color::{Color, INK, WARNING, WHITE, hexadecimal};
use super::heading::Heading;
use super::mark::Mark;
use super::source::Source;
use super::text;
use crate::results::SweepResults;

/// How many units a CSS pixel has.
const SCALE: f64 = 8.0;
/// Marks of one figure that say which seed they are, at most: each takes 150 bytes.
const MOST_MARKS: usize = 400;
/// Height of the band that a rehearsal's figures carry.
const BAND: f64 = 24.0;

/// A figure in the making.
pub(super) struct Canvas {
    width: f64,
    height: f64,
    body: String,
    clips: usize,
    marks: Cell<usize>,
    command: String,
    rehearsal: bool,
    /// Notes of the heading that the sheet gets when it is finished, where the figure draws none itself.
    notes: Option<[String; 2]>,
}

/// Draws shapes into one layer.
pub(super) struct Pen<'a> {
    out: RefCell<&'a mut String>,
    marks: &'a Cell<usize>,
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
    pub(super) color: Color,
    pub(super) anchor: Anchor,
    /// Turned a quarter to the left, for the label of a vertical axis.
    pub(super) upward: bool,
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
    pub(super) const fn color(self, color: Color) -> Self {
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
    /// An empty sheet of that many CSS pixels, for a figure of what `about` describes.
    pub(super) fn new(about: &About, width: f64, height: f64) -> Self {
        Self {
            width,
            height: height.ceil(),
            body: String::new(),
            clips: 0,
            marks: Cell::new(MOST_MARKS),
            command: about.command.clone(),
            rehearsal: about.rehearsal,
            notes: None,
        }
    }

    /// An empty sheet for a figure of scores, which gets a heading above it in the end: its title, what it is drawn from, and
    /// `note`.
    pub(super) fn titled(results: &SweepResults, note: &str, width: f64, height: f64) -> Self {
        let source = Source {
            sweep: results.name.clone(),
            about: About::brief(results),
            ..Source::default()
        };
        Self {
            notes: Some([source.note(), note.to_owned()]),
            ..Self::new(&source.about, width, height)
        }
    }

    /// Draws shapes into a `<g>` with `attributes`.
    pub(super) fn layer(&mut self, attributes: &str, draw: impl FnOnce(&Pen<'_>)) {
        let before = self.body.len();
        let space = if attributes.is_empty() { "" } else { " " };
        let _ = write!(self.body, "<g{space}{attributes}>");
        let opened = self.body.len();
        draw(&Pen {
            out: RefCell::new(&mut self.body),
            marks: &self.marks,
        });
        if self.body.len() == opened {
            self.body.truncate(before);
        } else {
            self.body.push_str("</g>\n");
        }
    }

    /// Draws what belongs to one variant: readers of a page may hide it.
    pub(super) fn variant(&mut self, name: &str, draw: impl FnOnce(&mut Self)) {
        let _ = write!(self.body, "<g data-variant=\"{}\">", escape(name));
        draw(self);
        self.body.push_str("</g>\n");
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
        let space = if attributes.is_empty() { "" } else { " " };
        self.layer(
            &format!("clip-path=\"url(#{id})\"{space}{attributes}"),
            draw,
        );
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
    pub(super) fn finish(mut self, name: &str, title: &str, description: &str) -> String {
        if let Some(notes) = self.notes.take() {
            let heading = Heading::of_notes(title, notes.iter().map(String::as_str), self.width);
            let body = std::mem::take(&mut self.body);
            heading.draw(&mut self);
            let tall = heading.height().ceil();
            let _ = write!(
                self.body,
                "<g transform=\"translate(0 {})\">\n{body}</g>\n",
                unit(tall)
            );
            self.height += tall;
        }
        let rehearsal = self.rehearsal;
        let (mut title, mut description) = (escape(title), escape(description));
        if rehearsal {
            title.insert_str(0, "Rehearsal: ");
            description.insert_str(0, "A rehearsal on stand-ins: no number of it is a result. ");
        }
        if !self.command.is_empty() {
            let _ = write!(description, " Made by: {}", escape(&self.command));
        }
        let mut height = self.height;
        if rehearsal {
            height += BAND;
            self.stamp();
        }
        let (width, tall) = (unit(self.width), unit(height));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{height}\" viewBox=\"0 0 {width} {tall}\" role=\"img\" \
             aria-labelledby=\"{name}-title {name}-desc\" font-family=\"{}\" fill=\"{}\" stroke-linejoin=\"round\" \
             stroke-linecap=\"round\">\n<title id=\"{name}-title\">{title}</title>\n<desc id=\"{name}-desc\">{description}</desc>\n\
             <rect width=\"{width}\" height=\"{tall}\" fill=\"{}\"/>\n{}</svg>\n",
            self.width,
            text::FAMILY,
            hexadecimal(INK),
            hexadecimal(WHITE),
            self.body
        )
    }

    /// Moves the picture down for a band that says what it is, and says it across the picture too.
    fn stamp(&mut self) {
        let body = std::mem::take(&mut self.body);
        let (width, height) = (self.width, self.height);
        self.layer("", |pen| {
            pen.rectangle((0.0, 0.0), (width, BAND), WARNING, 1.0);
        });
        let style = TextStyle::new(12.0).bold().color(WHITE);
        self.text(
            width / 2.0,
            BAND / 2.0,
            style.anchor(Anchor::Middle),
            "REHEARSAL on stand-ins: not a result",
        );
        let _ = write!(
            self.body,
            "<g transform=\"translate(0 {})\">\n{body}</g>\n",
            unit(BAND)
        );
        let word = "REHEARSAL";
        let across = text::width(word, 1.0, true);
        let tilt = libm::atan2(height, width).min(0.6);
        let size = (0.8 * width / libm::cos(tilt) / across).min(0.8 * height);
        let (x, y) = (unit(width / 2.0), unit(BAND + height / 2.0));
        let _ = writeln!(
            self.body,
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\" font-weight=\"bold\" text-anchor=\"middle\" fill=\"{}\" fill-opacity=\"0.16\" \
             pointer-events=\"none\" transform=\"rotate({} {x} {y})\">{word}</text>",
            unit(size),
            hexadecimal(WARNING),
            -(tilt.to_degrees().round() as i64)
        );
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
        let mut out = self.out.borrow_mut();
        let start = out.len();
        out.push_str("<path d=\"");
        let opened = out.len();
        for piece in points.split(|(x, y)| !x.is_finite() || !y.is_finite()) {
            if piece.len() > 1 {
                trace(&mut out, piece);
            }
        }
        if out.len() == opened {
            out.truncate(start);
            return;
        }
        let _ = write!(
            out,
            "\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"",
            hexadecimal(color),
            unit(width)
        );
        paint(&mut out, "stroke-opacity", opacity);
        self.close(&mut out, "path", mark);
    }

    /// A filled polygon.
    pub(super) fn polygon(&self, points: &[(f64, f64)], color: Color, opacity: f64) {
        if points.len() < 2 || !points.iter().all(|(x, y)| x.is_finite() && y.is_finite()) {
            return;
        }
        let mut out = self.out.borrow_mut();
        out.push_str("<path d=\"");
        trace(&mut out, points);
        let _ = write!(out, "z\" fill=\"{}\"", hexadecimal(color));
        paint(&mut out, "fill-opacity", opacity);
        out.push_str("/>");
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
        if !at.0.is_finite() || !at.1.is_finite() {
            return;
        }
        let mut out = self.out.borrow_mut();
        let _ = write!(
            out,
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{}\"",
            unit(at.0),
            unit(at.1),
            unit(radius),
            hexadecimal(color)
        );
        paint(&mut out, "fill-opacity", opacity);
        self.close(&mut out, "circle", mark);
    }

    /// Ends an element, with what its mark says while there is room for it.
    fn close(&self, out: &mut String, element: &str, mark: Option<&Mark<'_>>) {
        let left = self.marks.get();
        match mark {
            Some(mark) if left > 0 => {
                self.marks.set(left - 1);
                mark.write(out, element);
            }
            _ => out.push_str("/>"),
        }
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

/// The path through `points`: the first absolute, the others relative, which is half as long.
fn trace(out: &mut String, points: &[(f64, f64)]) {
    let mut before: Option<(i64, i64)> = None;
    for (x, y) in points {
        let (x, y) = (unit(*x), unit(*y));
        match before {
            None => {
                out.push('M');
                number(out, x);
                out.push(' ');
                number(out, y);
                out.push('l');
            }
            Some((left, top)) => {
                let (across, down) = (x.saturating_sub(left), y.saturating_sub(top));
                if !out.ends_with('l') && across >= 0 {
                    out.push(' ');
                }
                number(out, across);
                if down >= 0 {
                    out.push(' ');
                }
                number(out, down);
            }
        }
        before = Some((x, y));
    }
}

/// A whole number; `write!` takes three times as long.
fn number(out: &mut String, value: i64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push('-');
    }
    out.extend(digits[at..].iter().map(|digit| char::from(*digit)));
}

/// The opacity of a shape's paint, which asks a renderer for no sheet of its own; none where it is opaque.
fn paint(out: &mut String, attribute: &str, opacity: f64) {
    if opacity < 1.0 {
        let _ = write!(
            out,
            " {attribute}=\"{}\"",
            (opacity * 1000.0).round() / 1000.0
        );
    }
}

/// CSS pixels in units, whole: half a pixel is four of them. Far outside the sheet at most.
fn unit(pixels: f64) -> i64 {
    (pixels * SCALE).round().clamp(-1e7, 1e7) as i64
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_and_break_where_a_point_is_missing() {
        let mut canvas = Canvas::new(&About::default(), 10.0, 10.0);
        canvas.layer("", |pen| {
            pen.line(&[(0.0, 0.0), (1.0, 2.0), (0.5, 1.0)], INK, 1.0, 1.0);
            pen.line(&[(0.0, f64::NAN), (1.0, 2.0)], INK, 1.0, 1.0);
        });
        assert!(
            canvas.body.contains("d=\"M0 0l8 16-4-8\""),
            "{}",
            canvas.body
        );
        assert_eq!(
            canvas.body.matches("<path").count(),
            1,
            "no line of one point"
        );
    }

    #[test]
    fn a_rehearsal_is_stamped_and_the_command_is_told() {
        let about = About {
            command: "gcl-sweep run a<b".into(),
            rehearsal: true,
            ..About::default()
        };
        let svg = Canvas::new(&about, 100.0, 50.0).finish("x", "Title", "Text.");
        assert!(svg.contains("height=\"74\"") && svg.contains("viewBox=\"0 0 800 592\""));
        assert!(svg.contains("not a result") && svg.contains(">Rehearsal: Title<"));
        assert!(svg.contains("Made by: gcl-sweep run a&lt;b</desc>"));
    }
}
