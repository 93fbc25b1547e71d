//! Faults of a sweep file, shown the way a compiler shows them: line, caret, what to do.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// Faults that are found and shown: who has more begins with the first.
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

/// The faults of one sweep file, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.render(&Renderer::plain()))]
pub struct Faults {
    /// The file's name, as the user gave it.
    pub path: String,
    /// Its text.
    pub text: String,
    /// The faults: at least one, and at most a hundred.
    pub faults: Vec<Fault>,
    /// Whether the file has more than these.
    pub more: bool,
}

/// Faults while a file is read. Nobody reads thousands, and a short text can have a million: so many are kept as are shown,
/// and whoever reads on asks [`Found::is_full`] first.
#[derive(Debug, Default)]
pub(crate) struct Found {
    kept: Vec<Fault>,
    dropped: usize,
}

impl Found {
    /// Keeps the fault, or only counts it.
    pub(crate) fn push(&mut self, fault: Fault) {
        if self.kept.len() < MOST_SHOWN {
            self.kept.push(fault);
        } else {
            self.dropped += 1;
        }
    }

    /// Faults so far, with those that are only counted.
    pub(crate) fn len(&self) -> usize {
        self.kept.len() + self.dropped
    }

    /// Whether there are more than are shown, so that looking for others is in vain.
    pub(crate) fn is_full(&self) -> bool {
        self.dropped > 0
    }

    /// Drops the kept faults for which `keep` does not hold.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&Fault) -> bool) {
        self.kept.retain(keep);
    }

    /// Takes those of another search.
    pub(crate) fn extend(&mut self, other: Self) {
        self.dropped += other.dropped;
        for fault in other.kept {
            self.push(fault);
        }
    }
}

impl From<Vec<Fault>> for Found {
    fn from(faults: Vec<Fault>) -> Self {
        let mut found = Self::default();
        for fault in faults {
            found.push(fault);
        }
        found
    }
}

/// Where the lines of a text begin: found once, not for each fault.
pub(crate) struct Lines {
    breaks: Vec<usize>,
}

impl Lines {
    /// Looks through the text.
    pub(crate) fn of(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self {
            breaks: breaks.map(|(at, _)| at).collect(),
        }
    }

    /// Line breaks before that byte.
    pub(crate) fn before(&self, at: usize) -> usize {
        self.breaks.partition_point(|line_break| *line_break < at)
    }
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
    pub(crate) fn new(path: &str, text: &str, found: Found) -> Self {
        let mut faults = found.kept;
        faults.sort_by(|left, right| {
            (left.span.start, &left.message).cmp(&(right.span.start, &right.message))
        });
        faults.dedup();
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            faults,
            more: found.dropped > 0,
        }
    }

    /// With colours, for a terminal.
    pub fn styled(&self) -> impl fmt::Display {
        self.render(&Renderer::styled())
    }

    fn render(&self, renderer: &Renderer) -> String {
        let mut out = String::new();
        let count = self.faults.len();
        let lines = Lines::of(&self.text);
        for fault in &self.faults {
            out.push_str(&render(
                &self.path,
                &self.text,
                &lines,
                fault,
                Level::ERROR,
                renderer,
            ));
            out.push_str("\n\n");
        }
        let plural = if count == 1 { "" } else { "s" };
        let more = if self.more { ", and more" } else { "" };
        out + &format!("{}: {count} fault{plural}{more}", self.path)
    }
}

/// A fault that does not keep the sweep from running, shown as a warning.
pub fn render_warning(path: &str, text: &str, fault: &Fault) -> String {
    let lines = Lines::of(text);
    render(
        path,
        text,
        &lines,
        fault,
        Level::WARNING,
        &Renderer::plain(),
    )
}

fn render(
    path: &str,
    text: &str,
    lines: &Lines,
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
    let number = 1 + lines.before(begin);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_behind_the_line_breaks_before_it() {
        let lines = Lines::of("a\n\nb\n");
        let counted: Vec<_> = [0, 1, 2, 3, 4, 5, 99].map(|at| lines.before(at)).into();
        assert_eq!(counted, [0, 0, 1, 2, 2, 3, 3]);
    }

    #[test]
    fn what_is_not_kept_is_counted() {
        let mut found = Found::default();
        for at in 0..MOST_SHOWN {
            found.push(Fault::new(at..at, "wrong", ""));
        }
        assert!(!found.is_full());
        let mut both = Found::default();
        both.push(Fault::new(0..0, "first", ""));
        both.extend(found);
        assert!(both.is_full());
        assert_eq!((both.kept.len(), both.len()), (MOST_SHOWN, MOST_SHOWN + 1));
    }
}
