//! The head of a figure: what it shows, in words that stand in the picture, so that it says so wherever it is pasted.

use super::canvas::{Canvas, TextStyle};
use super::color::MUTED;
use super::panel::SMALL;
use super::source::Source;
use super::text::wrap;

/// Size of the title.
const TITLE: f64 = 13.0;
const LEFT: f64 = 12.0;
const LINE: f64 = 15.0;

/// A title with notes below it.
#[derive(Debug, Clone)]
pub(super) struct Heading {
    title: Vec<String>,
    notes: Vec<String>,
}

impl Heading {
    /// Of a figure of `width`; `notes` say what it shows besides the data set and the sweep, and empty ones are left out.
    pub(super) fn new(source: &Source, title: &str, notes: &[&str], width: f64) -> Self {
        let origin = source.note();
        let notes = std::iter::once(origin.as_str()).chain(notes.iter().copied());
        Self::of_notes(title, notes, width)
    }

    /// A title and notes.
    pub(super) fn of_notes<'a>(
        title: &str,
        notes: impl Iterator<Item = &'a str>,
        width: f64,
    ) -> Self {
        let room = width - 2.0 * LEFT;
        let notes = notes.filter(|note| !note.is_empty());
        Self {
            title: wrap(title, TITLE, true, room),
            notes: notes
                .flat_map(|note| wrap(note, SMALL, false, room))
                .collect(),
        }
    }

    /// What it takes of the sheet's top.
    pub(super) fn height(&self) -> f64 {
        14.0 + LINE * (self.title.len() + self.notes.len()) as f64
    }

    pub(super) fn draw(&self, canvas: &mut Canvas) {
        let mut y = 14.0;
        for line in &self.title {
            canvas.text(LEFT, y, TextStyle::new(TITLE).bold(), line);
            y += LINE + 1.0;
        }
        for line in &self.notes {
            canvas.text(LEFT, y, TextStyle::new(SMALL).color(MUTED), line);
            y += LINE;
        }
    }
}
