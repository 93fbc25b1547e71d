//! `[[next]]`: what somebody may do when the sweep has run.

use std::ops::Range;

use toml::de::DeTable;

use super::table::{as_text, entries, unknown_key};
use crate::fault::{Fault, Found};

/// Letters of each text: it is printed on a terminal.
const LONGEST: usize = 300;

/// What somebody may do when the sweep has run. `run` prints it at its end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NextStep {
    /// What for, in a few words.
    pub why: String,
    /// A command line that works when it is pasted.
    pub command: String,
}

pub(super) fn read(table: &DeTable<'_>, span: Range<usize>, faults: &mut Found) -> NextStep {
    let mut step = NextStep::default();
    for entry in entries(table) {
        let place = match entry.key {
            "why" => &mut step.why,
            "command" => &mut step.command,
            _ => {
                faults.push(unknown_key(&entry, "[[next]]", &["why", "command"]));
                continue;
            }
        };
        let text = as_text(entry.value, entry.key, faults).unwrap_or_default();
        if text.chars().count() > LONGEST || text.chars().any(char::is_control) {
            faults.push(Fault::new(
                entry.span(),
                format!("`{}` is no line of up to {LONGEST} letters", entry.key),
                "it is printed on a terminal when the sweep has run",
            ));
        }
        text.clone_into(place);
    }
    if step.command.is_empty() && !faults.is_full() {
        faults.push(Fault::new(
            span,
            "this [[next]] has no command",
            "add command = \"gcl-sweep …\"",
        ));
    }
    step
}
