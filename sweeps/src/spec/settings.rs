//! Parameters by their dotted names, however they are nested: `threshold.generator = …`, `[job.threshold]`,
//! `"threshold.generator" = …` mean the same.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::table::{as_table, entries, plain};
use super::{Setting, Settings};
use crate::fault::{Fault, Found};
use crate::parameter::{Parameter, nearest_hint};
use crate::registry::{self, PARAMETERS};
use crate::value::Value;

/// A parameter that the file names, or one of the words that stand beside parameters.
pub(super) enum Named {
    Parameter(&'static Parameter),
    Word(&'static str),
}

/// Every parameter that `table` names, with its value, in the order of the file. `words` are names that may stand beside
/// parameters (`seed`, `dataset`, `variant`). Unknown names are faults.
pub(super) fn named<'a>(
    table: &'a DeTable<'a>,
    place: &str,
    words: &[&'static str],
    faults: &mut Found,
) -> Vec<(Named, Range<usize>, &'a Spanned<DeValue<'a>>)> {
    let mut found = Vec::new();
    walk(table, "", place, words, faults, &mut found);
    found
}

fn walk<'a>(
    table: &'a DeTable<'a>,
    prefix: &str,
    place: &str,
    words: &[&'static str],
    faults: &mut Found,
    found: &mut Vec<(Named, Range<usize>, &'a Spanned<DeValue<'a>>)>,
) {
    for entry in entries(table) {
        if faults.is_full() {
            break;
        }
        let name = format!("{prefix}{}", entry.key);
        if let Some(parameter) = registry::find(&name) {
            found.push((Named::Parameter(parameter), entry.key_span, entry.value));
        } else if let Some(word) = words.iter().find(|word| **word == name) {
            found.push((Named::Word(word), entry.key_span, entry.value));
        } else if PARAMETERS.iter().any(|parameter| {
            parameter
                .name
                .strip_prefix(&name)
                .is_some_and(|rest| rest.starts_with('.'))
        }) {
            if let Some(table) = as_table(entry.value, &name, faults) {
                walk(table, &format!("{name}."), place, words, faults, found);
            }
        } else {
            let known = PARAMETERS
                .iter()
                .map(|parameter| parameter.name)
                .chain(words.iter().copied());
            let mut help = nearest_hint(&name, known);
            if name == "seed" {
                help = String::from("seeds are an axis: write them under [axes]. ");
            }
            faults.push(Fault::new(
                entry.key_span,
                format!("unknown parameter `{name}` in {place}"),
                format!("{help}`gcl-sweep params` lists them all"),
            ));
        }
    }
}

/// The parameters that `table` sets, checked.
pub(super) fn settings(table: &DeTable<'_>, place: &str, faults: &mut Found) -> Settings {
    let mut settings = Settings::new();
    for (name, key_span, value) in named(table, place, &[], faults) {
        let Named::Parameter(parameter) = name else {
            continue;
        };
        let Some(checked) = checked(parameter, value, faults) else {
            continue;
        };
        let setting = Setting {
            parameter,
            value: checked,
            span: value.span(),
        };
        if settings.insert(parameter.name, setting).is_some() {
            faults.push(twice(parameter.name, key_span, place));
        }
    }
    settings
}

pub(super) fn twice(name: &str, span: Range<usize>, place: &str) -> Fault {
    Fault::new(
        span,
        format!("`{name}` is set twice in {place}"),
        "a nested key and a quoted dotted name mean the same parameter",
    )
}

/// The value in normal form, or faults at the very key that is wrong.
pub(super) fn checked(
    parameter: &Parameter,
    value: &Spanned<DeValue<'_>>,
    faults: &mut Found,
) -> Option<Value> {
    let plain = plain(value, faults)?;
    match parameter.check(&plain) {
        Ok(value) => Some(value),
        Err(wrong) => {
            for fault in wrong {
                let span = fault.at.and_then(|at| inner_span(value, &at));
                let span = span.unwrap_or_else(|| value.span());
                faults.push(Fault::new(span, fault.message, fault.help));
            }
            None
        }
    }
}

fn inner_span(value: &Spanned<DeValue<'_>>, at: &str) -> Option<Range<usize>> {
    match value.get_ref() {
        DeValue::Table(table) => table.get(at).map(Spanned::span),
        DeValue::Array(values) => values.get(at.parse::<usize>().ok()?).map(Spanned::span),
        _ => None,
    }
}
