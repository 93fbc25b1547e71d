//! All that reaches stdout and stderr goes through here: tables for people, JSON for programs, talk, log lines.
//!
//! What a terminal would obey is escaped on the way out ([`escape`]), whoever put it into the text.

mod escape;
mod list;
mod log;
mod table;

use std::io::{self, IsTerminal, Write};

pub use escape::{line, log_line};
pub use list::JsonList;
pub use log::install as install_log;
pub use table::{Table, table};

use crate::error::{self, CommandError};

/// Prints a text and a line break.
///
/// # Errors
/// [`CommandError::PipeClosed`] where nobody reads on: `gcl-sweep params | head` has what it wanted.
pub fn print(text: &str) -> Result<(), CommandError> {
    write_out(format!("{}\n", escape::text(text)).as_bytes())
}

/// Writes bytes as they are: a file for a pipe. On a terminal they are a text.
pub fn bytes(bytes: &[u8]) -> Result<(), CommandError> {
    if io::stdout().is_terminal() {
        return write_out(escape::text(&String::from_utf8_lossy(bytes)).as_bytes());
    }
    write_out(bytes)
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

fn write_out(bytes: &[u8]) -> Result<(), CommandError> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .map_err(|error| CommandError::stdout(&error))
}

/// Talk on stderr. Nobody has to listen.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", escape::text(text));
}

/// Says how a command failed, in colours where a terminal shows them.
pub fn say_error(error: &CommandError) {
    let plain = error::show(error, false);
    // Colours are what is escaped elsewhere: they are for texts in which there is nothing to escape.
    let is_harmless = matches!(escape::text(&plain), std::borrow::Cow::Borrowed(_));
    if is_harmless && io::stderr().is_terminal() {
        let _ = writeln!(io::stderr().lock(), "{}", error::show(error, true));
    } else {
        say(&plain);
    }
}
