//! All that reaches stdout and stderr goes through here: tables for people, JSON for programs, talk, log lines.
//!
//! On a terminal lines are broken between words ([`wrap`](fn@wrap::wrap)). What a terminal would obey is escaped on the way out ([`escape`]), whoever put it into the text.

mod counted;
mod escape;
mod list;
mod log;
mod size;
mod table;
pub mod terminal;
mod wrap;

use std::io::{self, IsTerminal, Write};

pub use counted::counted;
pub use escape::{line, log_line};
pub use list::JsonList;
pub use log::install as install_log;
pub use size::size;
pub use table::{Table, table};

use crate::error::{self, CommandError};

/// Prints a text and a line break.
///
/// # Errors
/// [`CommandError::PipeClosed`] where nobody reads on: `gcl-sweep params | head` has what it wanted.
pub fn print(text: &str) -> Result<(), CommandError> {
    write_out(format!("{}\n", escape::text(text)).as_bytes())
}

/// Prints sentences and short lists: on a terminal they are broken between words.
pub fn prose(text: &str) -> Result<(), CommandError> {
    if io::stdout().is_terminal() {
        let width = terminal::size().0;
        // What is escaped grows: it is broken as it will stand there.
        return print(&wrap::prose(&escape::text(text), width));
    }
    print(text)
}

/// Writes bytes as they are: a file for a pipe. On a terminal they are a text.
pub fn bytes(bytes: &[u8]) -> Result<(), CommandError> {
    if io::stdout().is_terminal() {
        return write_out(escape::text(&String::from_utf8_lossy(bytes)).as_bytes());
    }
    write_out(bytes)
}

/// Prints a text that is JSON already.
pub fn json_text(text: &str) -> Result<(), CommandError> {
    write_out(escape::json(text).as_bytes())
}

/// Prints a value as indented JSON.
pub fn json<T: serde::Serialize + ?Sized>(value: &T) -> Result<(), CommandError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| CommandError::other(&error))?;
    write_out(format!("{}\n", escape::json(&text)).as_bytes())
}

/// Prints a value as one line of JSON.
pub fn json_line<T: serde::Serialize + ?Sized>(value: &T) -> Result<(), CommandError> {
    let text = serde_json::to_string(value).map_err(|error| CommandError::other(&error))?;
    write_out(format!("{}\n", escape::json(&text)).as_bytes())
}

/// Where a command writes lines of JSON, many of them.
pub fn json_lines() -> impl Write {
    EscapedLines(io::BufWriter::new(io::stdout().lock()), Vec::new())
}

/// Escapes line by line: a character may come in two writes.
struct EscapedLines<W: Write>(W, Vec<u8>);

impl<W: Write> Write for EscapedLines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A long line comes in very many writes: what came before has no line break.
        let before = self.1.len();
        self.1.extend_from_slice(bytes);
        if let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') {
            let lines: Vec<u8> = self.1.drain(..=before + end).collect();
            let text = String::from_utf8_lossy(&lines);
            self.0.write_all(escape::json(&text).as_bytes())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn write_out(bytes: &[u8]) -> Result<(), CommandError> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .map_err(|error| CommandError::stdout(&error))
}

/// Talk on stderr. Nobody has to listen.
pub fn say(text: &str) {
    let text = escape::text(text);
    if io::stderr().is_terminal() {
        let _ = writeln!(
            io::stderr().lock(),
            "{}",
            wrap::prose(&text, terminal::size().0)
        );
    } else {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

/// Says how a command failed, in colours where a terminal shows them.
pub fn say_error(error: &CommandError) {
    let plain = error::show(error, false);
    // Colours are what is escaped elsewhere: they are for texts in which there is nothing to escape.
    let is_harmless = matches!(escape::text(&plain), std::borrow::Cow::Borrowed(_));
    // A picture of a file is as wide as its lines; everything else is sentences.
    let is_picture = matches!(error, CommandError::Sweep(_));
    if is_picture && is_harmless && io::stderr().is_terminal() {
        let _ = writeln!(io::stderr().lock(), "{}", error::show(error, true));
    } else {
        say(&plain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line that comes in so many writes took hours where each looked at the whole line again.
    #[test]
    fn a_long_line_costs_what_it_is_long() {
        let mut lines = EscapedLines(io::sink(), Vec::new());
        for _ in 0..2_000_000 {
            lines.write_all(b"1,").unwrap();
        }
        lines.write_all(b"\n").unwrap();
        assert!(lines.1.is_empty());
    }

    #[test]
    fn lines_are_escaped_though_their_characters_come_in_halves() {
        let mut lines = EscapedLines(Vec::new(), Vec::new());
        for byte in "{\"é\":\"\u{9b}2J\"}\n{}\n".as_bytes() {
            lines.write_all(&[*byte]).unwrap();
        }
        let text = String::from_utf8(lines.0).unwrap();
        assert_eq!(text, "{\"é\":\"\\u009b2J\"}\n{}\n");
    }
}
