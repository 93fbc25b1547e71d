//! `[only]`: which cells of the grid are meant. What the selections say is read when the grid is known ([`crate::only`]).

use std::ops::Range;

use super::table::{Entry, as_list, as_table, as_text, entries, unknown_key};
use crate::fault::{Fault, Found};

/// Every selection is compared with every cell, and a coordinator does so for whoever may submit.
const MOST: usize = 100;

/// The selections with their spans.
pub(super) fn read(entry: &Entry<'_>, faults: &mut Found) -> Vec<(String, Range<usize>)> {
    let mut selections = Vec::new();
    let Some(table) = as_table(entry.value, "only", faults) else {
        return selections;
    };
    let mut said = false;
    for entry in entries(table) {
        if faults.is_full() {
            break;
        }
        if entry.key != "cells" {
            faults.push(unknown_key(&entry, "[only]", &["cells"]));
            continue;
        }
        said = true;
        let list = as_list(entry.value, "cells", faults).unwrap_or_default();
        if list.len() > MOST {
            let message = format!("[only] has {} selections; {MOST} are allowed", list.len());
            faults.push(Fault::new(
                entry.span(),
                message,
                "leave out keys: `variant=GCL_B` selects all its cells",
            ));
            continue;
        }
        if list.is_empty() {
            faults.push(Fault::new(
                entry.span(),
                "[only] selects nothing",
                "remove it, or write cells = [\"variant=…,seed=…\"]",
            ));
        }
        for value in list {
            if let Some(text) = as_text(value, "cells", faults) {
                selections.push((text.to_owned(), value.span()));
            }
        }
    }
    if !said {
        let help = "write cells = [\"variant=…,seed=…\"]";
        faults.push(Fault::new(
            entry.key_span.clone(),
            "[only] selects nothing",
            help,
        ));
    }
    selections
}
