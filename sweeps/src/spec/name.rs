//! Names: of a sweep, a variant, a data set.

use std::ops::Range;

use super::table::{Entry, as_text};
use crate::fault::{Fault, Found};

/// Characters of a name: a text that a person writes is bounded, since a coordinator keeps it.
const MAX_NAME: usize = 128;

/// A name: of a sweep, a variant, a data set.
pub(super) fn name(entry: &Entry<'_>, what: &str, faults: &mut Found) -> String {
    let Some(name) = as_text(entry.value, entry.key, faults) else {
        return String::from("?");
    };
    check_name(name, what, &entry.span(), faults);
    name.to_owned()
}

/// A name is shown in tables and logs: it is short and on one line.
pub(super) fn check_name(name: &str, what: &str, span: &Range<usize>, faults: &mut Found) {
    let wrong = if name.trim().is_empty() {
        "is empty"
    } else if name.chars().count() > MAX_NAME {
        "is longer than 128 characters"
    } else if name.chars().any(char::is_control) {
        "holds a line break or a control character"
    } else {
        return;
    };
    faults.push(Fault::new(
        span.clone(),
        format!("{what} {wrong}"),
        "a name is one line of at most 128 characters",
    ));
}
