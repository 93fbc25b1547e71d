//! The text of a CSV table.

use std::io::Write;

use sweeps::Value;

use crate::summary::Estimate;

/// A CSV table in memory. Written by hand rather than by the crate `csv`, whose writer is fallible for targets that can
/// fail; this one cannot.
pub(crate) struct Table {
    bytes: Vec<u8>,
    at_start: bool,
}

impl Table {
    pub(crate) fn new<'a>(header: impl Iterator<Item = &'a str>) -> Self {
        let mut table = Self {
            bytes: Vec::new(),
            at_start: true,
        };
        header.for_each(|name| table.text(name));
        table.end_line();
        table
    }

    /// A field, quoted where RFC 4180 asks for it. An empty only field would read as an empty line: quoted too.
    pub(crate) fn text(&mut self, text: &str) {
        if !self.at_start {
            self.bytes.push(b',');
        }
        self.at_start = false;
        if must_be_quoted(text.as_bytes()) {
            self.bytes.push(b'"');
            self.bytes
                .extend_from_slice(text.replace('"', "\"\"").as_bytes());
            self.bytes.push(b'"');
        } else {
            self.bytes.extend_from_slice(text.as_bytes());
        }
    }

    /// A number in the shortest form that reads back the same; empty for none.
    pub(crate) fn number(&mut self, value: Option<f64>) {
        self.text("");
        if let Some(value) = value {
            // Writing to a vector cannot fail.
            let _ = write!(self.bytes, "{value:?}");
        }
    }

    pub(super) fn mean_and_std(&mut self, estimate: &Estimate) {
        self.number(estimate.mean);
        self.number(estimate.std);
    }

    pub(crate) fn point(&mut self, point: &[Option<Value>], width: usize) {
        for index in 0..width {
            match point.get(index) {
                Some(Some(value)) => self.text(&value.to_string()),
                _ => self.text(""),
            }
        }
    }

    /// Ends the line. RFC 4180 says CRLF; every reader takes LF, and `diff` and `git` like it better.
    pub(crate) fn end_line(&mut self) {
        self.bytes.push(b'\n');
        self.at_start = true;
    }

    pub(crate) fn into_text(self) -> String {
        // Only texts were put in: nothing is lost, and nothing copied.
        String::from_utf8(self.bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

fn must_be_quoted(text: &[u8]) -> bool {
    memchr::memchr3(b',', b'"', b'\n', text).is_some()
        || memchr::memchr(b'\r', text).is_some()
        || text.first() == Some(&b' ')
        || text.last() == Some(&b' ')
}
