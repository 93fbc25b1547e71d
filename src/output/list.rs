//! A JSON object whose last member is a list too long to hold.

use std::io::{self, BufWriter, StdoutLock, Write};

use super::escape;
use crate::error::CommandError;

/// Prints an object as it grows: the items of its last member as they come.
pub struct JsonList {
    out: BufWriter<StdoutLock<'static>>,
    is_empty: bool,
}

impl JsonList {
    /// Prints the members of `head`, which is an object and not empty, and begins the list of that name.
    pub fn begin(head: &serde_json::Value, name: &str) -> Result<Self, CommandError> {
        let text =
            serde_json::to_string_pretty(head).map_err(|error| CommandError::other(&error))?;
        let members = text.trim_end_matches(['}', '\n']);
        let mut list = Self {
            out: BufWriter::new(io::stdout().lock()),
            is_empty: true,
        };
        list.write(&format!("{},\n  \"{name}\": [", escape::json(members)))?;
        Ok(list)
    }

    /// Prints an item.
    pub fn item<T: serde::Serialize + ?Sized>(&mut self, item: &T) -> Result<(), CommandError> {
        let text = serde_json::to_string(item).map_err(|error| CommandError::other(&error))?;
        let comma = if std::mem::take(&mut self.is_empty) {
            ""
        } else {
            ","
        };
        self.write(&format!("{comma}\n    {}", escape::json(&text)))
    }

    /// Ends list and object.
    pub fn end(mut self) -> Result<(), CommandError> {
        let line = if self.is_empty { "" } else { "\n  " };
        self.write(&format!("{line}]\n}}\n"))?;
        self.out
            .flush()
            .map_err(|error| CommandError::stdout(&error))
    }

    fn write(&mut self, text: &str) -> Result<(), CommandError> {
        let written = self.out.write_all(text.as_bytes());
        written.map_err(|error| CommandError::stdout(&error))
    }
}
