//! A sheet of paper measured in CSS pixels, written as SVG in eighths of them. Shapes are drawn by plotters through a
//! backend of our own ([`super::sheet`]).
//!
//! Coordinates are whole numbers of units; the `viewBox` shows the sheet at its size. Layers are `<g>` elements, which is
//! where dashes and clips come from. Invariant: the same calls write the same bytes.

use std::cell::Cell;
use std::fmt::Write;

use super::about::About;
use super::color::{Color, INK, WARNING, WHITE, hexadecimal};
use super::heading::Heading;
use super::panel::MEDIUM;
use super::pen::Pen;
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
    /// Marks that may still say which seed they are, in all and for one variant.
    marks: Cell<usize>,
    marks_each: usize,
    command: String,
    rehearsal: bool,
    /// Notes of the heading that the sheet gets when it is finished, where the figure draws none itself.
    notes: Option<[String; 2]>,
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
            marks_each: MOST_MARKS,
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
        draw(&Pen::new(&mut self.body, &self.marks));
        if self.body.len() == opened {
            self.body.truncate(before);
        } else {
            self.body.push_str("</g>\n");
        }
    }

    /// Shares the marks that say which seed they are between so many groups, so that the first does not take all of them.
    pub(super) fn share_marks(&mut self, groups: usize) {
        self.marks_each = MOST_MARKS / groups.max(1);
    }

    /// Draws what belongs to one variant: readers of a page may hide it.
    pub(super) fn variant(&mut self, name: &str, draw: impl FnOnce(&mut Self)) {
        let _ = write!(self.body, "<g data-variant=\"{}\">", escape(name));
        let left = self.marks.get();
        let share = left.min(self.marks_each);
        self.marks.set(share);
        draw(self);
        self.marks.set(left - (share - self.marks.get()));
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

    /// The heading of a panel that begins at `top`, as long as the room allows; nothing where it is empty.
    pub(super) fn panel_heading(&mut self, left: f64, top: f64, heading: &str, room: f64) {
        if !heading.is_empty() {
            let style = TextStyle::new(MEDIUM).bold();
            self.text(
                left,
                top + 12.0,
                style,
                &text::fit(heading, MEDIUM, true, room),
            );
        }
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

/// CSS pixels in units, whole: half a pixel is four of them. Far outside the sheet at most.
pub(super) fn unit(pixels: f64) -> i64 {
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
    use super::super::mark::Mark;
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
    fn marks_are_shared_between_groups() {
        let mut canvas = Canvas::new(&About::default(), 10.0, 10.0);
        canvas.share_marks(2);
        let mark = Mark {
            seed: 1,
            job: "ab",
            value: "70%",
        };
        for name in ["a", "b", "c"] {
            canvas.variant(name, |canvas| {
                canvas.layer("", |pen| {
                    for _ in 0..300 {
                        pen.seed_dot((1.0, 1.0), 1.0, INK, 1.0, &mark);
                    }
                });
            });
        }
        let told: Vec<usize> = canvas
            .body
            .split("data-variant")
            .skip(1)
            .map(|group| group.matches("data-seed").count())
            .collect();
        assert_eq!(told, [200, 200, 0]);
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
