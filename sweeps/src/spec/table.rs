//! A table of the file: its keys are taken one by one, and what is left over is unknown.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::fault::{Fault, Found};
use crate::parameter::nearest_hint;
use crate::value::Value;

/// An entry of a table with the spans of key and value.
pub(super) struct Entry<'a> {
    pub key: &'a str,
    pub key_span: Range<usize>,
    pub value: &'a Spanned<DeValue<'a>>,
}

impl Entry<'_> {
    pub(super) fn span(&self) -> Range<usize> {
        self.value.span()
    }
}

/// The entries of `table`, in the order of the file.
pub(super) fn entries<'a>(table: &'a DeTable<'a>) -> Vec<Entry<'a>> {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().as_ref(),
            key_span: key.span(),
            value,
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    entries
}

/// The value as a table, or a fault.
pub(super) fn as_table<'a>(
    value: &'a Spanned<DeValue<'a>>,
    name: &str,
    faults: &mut Found,
) -> Option<&'a DeTable<'a>> {
    let table = value.get_ref().as_table();
    if table.is_none() {
        faults.push(wrong_kind(value, name, "a table"));
    }
    table
}

/// The value as a list, or a fault.
pub(super) fn as_list<'a>(
    value: &'a Spanned<DeValue<'a>>,
    name: &str,
    faults: &mut Found,
) -> Option<&'a [Spanned<DeValue<'a>>]> {
    let list = value.get_ref().as_array();
    if list.is_none() {
        faults.push(wrong_kind(value, name, "a list"));
    }
    list.map(|list| &**list)
}

/// The value as a text, or a fault.
pub(super) fn as_text<'a>(
    value: &'a Spanned<DeValue<'a>>,
    name: &str,
    faults: &mut Found,
) -> Option<&'a str> {
    let text = value.get_ref().as_str();
    if text.is_none() {
        faults.push(wrong_kind(value, name, "a text"));
    }
    text
}

/// The value as a boolean, or a fault.
pub(super) fn as_boolean(
    value: &Spanned<DeValue<'_>>,
    name: &str,
    faults: &mut Found,
) -> Option<bool> {
    let boolean = value.get_ref().as_bool();
    if boolean.is_none() {
        faults.push(wrong_kind(value, name, "true or false"));
    }
    boolean
}

/// The value as a whole number of at least `min`, or a fault.
pub(super) fn as_count(
    value: &Spanned<DeValue<'_>>,
    name: &str,
    range: std::ops::RangeInclusive<u64>,
    faults: &mut Found,
) -> Option<u64> {
    match plain(value, faults)? {
        Value::Integer(number)
            if u64::try_from(number).is_ok_and(|number| range.contains(&number)) =>
        {
            Some(number as u64)
        }
        other => {
            faults.push(Fault::new(
                value.span(),
                format!("`{name}` cannot be {other}"),
                format!(
                    "a whole number from {} to {} is expected",
                    range.start(),
                    range.end()
                ),
            ));
            None
        }
    }
}

pub(super) fn wrong_kind(value: &Spanned<DeValue<'_>>, name: &str, expected: &str) -> Fault {
    Fault::new(
        value.span(),
        format!("`{name}` must be {expected}, not {}", kind(value.get_ref())),
        String::new(),
    )
}

pub(super) fn unknown_key(entry: &Entry<'_>, place: &str, known: &[&str]) -> Fault {
    Fault::new(
        entry.key_span.clone(),
        format!("unknown key `{}` in {place}", entry.key),
        format!(
            "{}known keys: {}",
            nearest_hint(entry.key, known.iter().copied()),
            known.join(", ")
        ),
    )
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The value without its spans; dates and numbers that no computer holds are faults.
pub(super) fn plain(value: &Spanned<DeValue<'_>>, faults: &mut Found) -> Option<Value> {
    Some(match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Integer(number) => {
            if let Ok(number) = i64::from_str_radix(number.as_str(), number.radix()) {
                Value::Integer(number)
            } else {
                faults.push(Fault::new(
                    value.span(),
                    format!("{} is too large a whole number", number.as_str()),
                    "64 bits with a sign are what a number can have",
                ));
                return None;
            }
        }
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => Value::Float(number),
            _ => {
                faults.push(Fault::new(
                    value.span(),
                    format!("{} is not a finite number", number.as_str()),
                    String::new(),
                ));
                return None;
            }
        },
        DeValue::Datetime(date) => {
            faults.push(Fault::new(
                value.span(),
                format!("{date} is a date; nothing here is one"),
                "put quotes around a text",
            ));
            return None;
        }
        DeValue::Array(values) => Value::List(
            values
                .iter()
                .map(|value| plain(value, faults))
                .collect::<Option<_>>()?,
        ),
        DeValue::Table(table) => {
            let mut entries = BTreeMap::new();
            for (key, value) in table {
                entries.insert(key.get_ref().to_string(), plain(value, faults)?);
            }
            Value::Table(entries)
        }
    })
}
