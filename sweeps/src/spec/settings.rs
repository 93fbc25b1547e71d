//! Parameters by their dotted names, however they are nested: `threshold.generator = …`, `[job.threshold]`,
//! `"threshold.generator" = …` mean the same.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::table::{as_table, entries, plain};
use super::{Setting, Settings};
use crate::fault::{Fault, Found};
use crate::parameter::{Parameter, nearest_hint};
use crate::registry::{self, PARAMETERS, SETTINGS};
use crate::value::Value;

/// A parameter that the file names, or one of the words that stand beside parameters.
pub(super) enum Named {
    Parameter(&'static Parameter),
    Word(&'static str),
}

/// What a table may name.
#[derive(Clone, Copy)]
pub(super) struct Vocabulary {
    /// Words beside parameters.
    words: &'static [&'static str],
    /// Whether settings of generated data are among them.
    data: bool,
}

impl Vocabulary {
    /// Parameters of a job alone.
    pub(super) const JOB: Self = Self {
        words: &[],
        data: false,
    };
    /// What is drawn: parameters and settings of generated data.
    pub(super) const DRAWN: Self = Self {
        words: &[],
        data: true,
    };
    /// What an axis moves.
    pub(super) const AXIS: Self = Self {
        words: &["seed", "dataset"],
        data: true,
    };
    /// What a row of cells names.
    pub(super) const ROW: Self = Self {
        words: &["variant", "seed", "dataset"],
        data: true,
    };

    fn find(self, name: &str) -> Option<&'static Parameter> {
        let setting = || registry::find_setting(name).filter(|_| self.data);
        registry::find(name).or_else(setting)
    }

    /// The names of all parameters and settings.
    fn names(self) -> impl Iterator<Item = &'static str> {
        let settings = if self.data { SETTINGS } else { &[] };
        let all = PARAMETERS.iter().chain(settings);
        all.map(|parameter| parameter.name)
    }
}

/// Every parameter that `table` names, with its value, in the order of the file. Unknown names are faults.
pub(super) fn named<'a>(
    table: &'a DeTable<'a>,
    place: &str,
    known: Vocabulary,
    faults: &mut Found,
) -> Vec<(Named, Range<usize>, &'a Spanned<DeValue<'a>>)> {
    let mut found = Vec::new();
    walk(table, "", place, known, faults, &mut found);
    found
}

fn walk<'a>(
    table: &'a DeTable<'a>,
    prefix: &str,
    place: &str,
    known: Vocabulary,
    faults: &mut Found,
    found: &mut Vec<(Named, Range<usize>, &'a Spanned<DeValue<'a>>)>,
) {
    for entry in entries(table) {
        if faults.is_full() {
            break;
        }
        let name = format!("{prefix}{}", entry.key);
        let is_prefix = || {
            let mut rests = known.names().filter_map(|full| full.strip_prefix(&name));
            rests.any(|rest| rest.starts_with('.'))
        };
        let word = known.words.iter().find(|word| **word == name);
        // `dataset.synthetic.seed = …` stands nested under the word `dataset`.
        let word = word.filter(|_| !holds_settings(&name, entry.value));
        if let Some(parameter) = known.find(&name) {
            found.push((Named::Parameter(parameter), entry.key_span, entry.value));
        } else if let Some(word) = word {
            found.push((Named::Word(word), entry.key_span, entry.value));
        } else if is_prefix() {
            if let Some(table) = as_table(entry.value, &name, faults) {
                walk(table, &format!("{name}."), place, known, faults, found);
            }
        } else {
            let mut help = nearest_hint(&name, known.names().chain(known.words.iter().copied()));
            if name == "seed" {
                help = String::from("seeds are an axis: write them under [axes]. ");
            } else if name.split('.').next() == Some("dataset") && !known.data {
                help = String::from("settings of the data stand under [dataset] or on an axis. ");
            }
            faults.push(Fault::new(
                entry.key_span,
                format!("unknown parameter `{name}` in {place}"),
                format!("{help}`gcl-sweep params` lists them all"),
            ));
        }
    }
}

/// Whether this is the table of settings of generated data, nested.
fn holds_settings(name: &str, value: &Spanned<DeValue<'_>>) -> bool {
    let table = value.get_ref().as_table();
    name == "dataset" && table.is_some_and(|table| table.get("synthetic").is_some())
}

/// The parameters that `table` sets, checked.
pub(super) fn settings(table: &DeTable<'_>, place: &str, faults: &mut Found) -> Settings {
    let mut settings = Settings::new();
    for (name, key_span, value) in named(table, place, Vocabulary::JOB, faults) {
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
