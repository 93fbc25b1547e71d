//! Faults of a sweep file, shown the way a compiler shows them: line, caret, what to do.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// Faults that are shown: who has more begins with the first.
const MOST_SHOWN: usize = 100;
/// Bytes of a line that are shown.
const MOST_OF_LINE: usize = 2_000;

/// One fault of a sweep file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Bytes of the file that are at fault.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it; empty where the message says it all.
    pub help: String,
}

/// All faults of one sweep file, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.render(&Renderer::plain()))]
pub struct Faults {
    /// The file's name, as the user gave it.
    pub path: String,
    /// Its text.
    pub text: String,
    /// The faults, at least one.
    pub faults: Vec<Fault>,
}

impl Fault {
    pub(crate) fn new(
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            span,
            message: message.into(),
            help: help.into(),
        }
    }
}

impl Faults {
    /// The faults in the order of the file, each once.
    pub(crate) fn new(path: &str, text: &str, mut faults: Vec<Fault>) -> Self {
        faults.sort_by(|left, right| {
            (left.span.start, &left.message).cmp(&(right.span.start, &right.message))
        });
        faults.dedup();
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            faults,
        }
    }

    /// With colours, for a terminal.
    pub fn styled(&self) -> impl fmt::Display {
        self.render(&Renderer::styled())
    }

    fn render(&self, renderer: &Renderer) -> String {
        let mut out = String::new();
        let count = self.faults.len();
        for fault in self.faults.iter().take(MOST_SHOWN) {
            out.push_str(&render(
                &self.path,
                &self.text,
                fault,
                Level::ERROR,
                renderer,
            ));
            out.push_str("\n\n");
        }
        let plural = if count == 1 { "" } else { "s" };
        let first = if count > MOST_SHOWN {
            format!(", of which the first {MOST_SHOWN} are shown")
        } else {
            String::new()
        };
        out + &format!("{}: {count} fault{plural}{first}", self.path)
    }
}

/// A fault that does not keep the sweep from running, shown as a warning.
pub fn render_warning(path: &str, text: &str, fault: &Fault) -> String {
    render(path, text, fault, Level::WARNING, &Renderer::plain())
}

fn render(
    path: &str,
    text: &str,
    fault: &Fault,
    level: Level<'static>,
    renderer: &Renderer,
) -> String {
    let span = visible(text, &fault.span);
    // The line alone: the rest of a long file is not looked through for each fault.
    let begin = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[span.start..]
        .find('\n')
        .map_or(text.len(), |length| span.start + length);
    let number = 1 + text[..begin].matches('\n').count();
    let (begin, end) = if end - begin > MOST_OF_LINE {
        let from = text.floor_char_boundary(span.start.saturating_sub(MOST_OF_LINE / 4));
        let to = text.floor_char_boundary(span.start + MOST_OF_LINE / 2);
        (from.max(begin), to.min(end))
    } else {
        (begin, end)
    };
    let span = span.start - begin..span.end.min(end) - begin;
    let title = level.primary_title(fault.message.as_str()).element(
        Snippet::source(&text[begin..end])
            .line_start(number)
            .path(path)
            .annotation(AnnotationKind::Primary.span(span)),
    );
    let mut groups = vec![title];
    if !fault.help.is_empty() {
        groups.push(Group::with_title(
            Level::HELP.secondary_title(fault.help.as_str()),
        ));
    }
    renderer.render(&groups)
}

/// The span on character boundaries and on its first line: a caret under one line says more than a bracket over ten.
fn visible(text: &str, span: &Range<usize>) -> Range<usize> {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(span.start);
    let end = floor(span.end.max(start));
    let line_end = text[start..]
        .find('\n')
        .map_or(text.len(), |length| start + length);
    start..end.min(line_end)
}
