//! Some cells of a sweep alone, named by what they are: `variant=GCL_B,seed=3`, `seed=0..4`.
//!
//! A selection changes no job: the cells that are left have the ids that they have in the whole sweep. It stands in the sweep
//! file, as `[only]`, or is put there by `run --only`, so that what was submitted says of itself that it is a part.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::{Range, RangeInclusive};

use crate::cell::Cell;
use crate::expansion::Expansion;
use crate::fault::Fault;
use crate::parameter::nearest_hint;

/// A key and the value that a cell must show under it, as the CSV files write it.
type Term = (String, String);

/// One selection: the cells that have all its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    terms: Vec<Term>,
}

/// Why a selection selects nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectionError {
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl Selection {
    /// Reads `key=value,key=value`. A value that holds a comma followed by another key, or a quote, stands in double quotes,
    /// a quote inside with a backslash before it.
    ///
    /// # Errors
    /// A text without `=`, or a key that is none of `variant`, `seed` and `columns`.
    pub fn parse(text: &str, columns: &[String]) -> Result<Self, SelectionError> {
        let known = || {
            ["variant", "seed"]
                .into_iter()
                .chain(columns.iter().map(String::as_str))
        };
        let mut terms: Vec<Term> = Vec::new();
        let mut rest = text;
        loop {
            let Some((key, after)) = rest.split_once('=') else {
                return Err(SelectionError {
                    message: format!("`{}` is no KEY=VALUE", rest.trim()),
                    help: format!(
                        "write it as variant=NAME,seed=N; keys: {}",
                        known().collect::<Vec<_>>().join(", ")
                    ),
                });
            };
            let key = key.trim();
            if !known().any(|name| name == key) {
                return Err(SelectionError {
                    message: format!("`{key}` is no axis of this sweep"),
                    help: format!(
                        "{}keys: {}",
                        nearest_hint(key, known()),
                        known().collect::<Vec<_>>().join(", ")
                    ),
                });
            }
            if terms.iter().any(|(other, _)| other == key) {
                return Err(SelectionError {
                    message: format!("`{key}` stands twice in one selection"),
                    help: "a cell has one value of each; for several cells give several selections"
                        .into(),
                });
            }
            let (value, next) = value(after, &|piece| {
                piece
                    .split_once('=')
                    .is_some_and(|(key, _)| known().any(|name| name == key.trim()))
            });
            terms.push((key.to_owned(), value));
            match next {
                Some(next) => rest = next,
                None => return Ok(Self { terms }),
            }
        }
    }

    /// The selection of that cell alone.
    pub fn of(cell: &Cell, columns: &[String]) -> Self {
        let mut terms = vec![("variant".to_owned(), cell.variant.clone())];
        terms.extend(columns.iter().zip(&cell.point).map(|(column, value)| {
            let value = value.as_ref().map_or_else(String::new, ToString::to_string);
            (column.clone(), value)
        }));
        terms.push(("seed".to_owned(), cell.job.seed.to_string()));
        Self { terms }
    }

    /// Notes which of the cells it selects, and answers whether it is any.
    fn mark(&self, expansion: &Expansion, kept: &mut [bool]) -> bool {
        // Read once, not for each cell.
        let wanted: Vec<Wanted<'_>> = self
            .terms
            .iter()
            .map(|(_, text)| Wanted::of(text))
            .collect();
        let mut any = false;
        for (cell, kept) in expansion.cells.iter().zip(kept) {
            let mut terms = self.terms.iter().zip(&wanted);
            if terms.all(|((key, _), wanted)| {
                if key == "seed" {
                    return wanted.has_seed(cell.job.seed);
                }
                let shown = shown(cell, &expansion.columns, key);
                wanted.is(&shown, || number(&shown))
            }) {
                (*kept, any) = (true, true);
            }
        }
        any
    }

    /// The term whose value no cell has, with the values that there are.
    fn complaint(&self, expansion: &Expansion, values: &mut Values) -> SelectionError {
        for (key, wanted) in &self.terms {
            let values = values
                .entry(key.clone())
                .or_insert_with(|| values_of(expansion, key));
            let asked = Wanted::of(wanted);
            let has = |(number, value): &(Option<f64>, String)| match key.as_str() {
                "seed" => value.parse().is_ok_and(|seed| asked.has_seed(seed)),
                _ => asked.is(value, || *number),
            };
            if values.iter().any(has) {
                continue;
            }
            let more = values.len().saturating_sub(30);
            let listed: Vec<&str> = values
                .iter()
                .take(30)
                .map(|(_, value)| value.as_str())
                .collect();
            let mut help = format!(
                "{}values of `{key}`: {}",
                nearest_hint(wanted, listed.iter().copied()),
                listed.join(", ")
            );
            if more > 0 {
                let _ = write!(help, " and {more} more");
            }
            return SelectionError {
                message: format!("no cell of this sweep has {key} = {wanted}"),
                help,
            };
        }
        SelectionError {
            message: format!("no cell of this sweep has all of {self}"),
            help: "each of these values is there, but not together: `gcl-sweep plan SWEEP --jobs` lists the cells".into(),
        }
    }
}

/// As [`Selection::parse`] reads it.
impl std::fmt::Display for Selection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (key, value)) in self.terms.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let bare = !value.contains([',', '"']) && value.trim() == value;
            if bare {
                write!(formatter, "{comma}{key}={value}")?;
            } else {
                let value = value.replace('\\', "\\\\").replace('"', "\\\"");
                write!(formatter, "{comma}{key}=\"{value}\"")?;
            }
        }
        Ok(())
    }
}

/// The value that a text begins with, and what follows the comma after it.
fn value<'a>(text: &'a str, begins_term: &dyn Fn(&str) -> bool) -> (String, Option<&'a str>) {
    if let Some(quoted) = text.strip_prefix('"') {
        let mut value = String::new();
        let mut letters = quoted.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
                '"' => {
                    let after = &quoted[at + 1..];
                    return (value, after.trim_start().strip_prefix(','));
                }
                _ => value.push(letter),
            }
        }
        return (value, None);
    }
    // A comma that no key follows belongs to the value: names may hold one.
    let end = text
        .match_indices(',')
        .find(|(at, _)| begins_term(&text[at + 1..]));
    match end {
        Some((at, _)) => (text[..at].trim().to_owned(), Some(&text[at + 1..])),
        None => (text.trim().to_owned(), None),
    }
}

/// What a cell shows under a key, as the CSV files write it.
fn shown(cell: &Cell, columns: &[String], key: &str) -> String {
    match key {
        "variant" => cell.variant.clone(),
        "seed" => cell.job.seed.to_string(),
        _ => columns
            .iter()
            .position(|column| column == key)
            .and_then(|index| cell.point.get(index)?.as_ref())
            .map_or_else(String::new, ToString::to_string),
    }
}

/// The value of a term, read.
struct Wanted<'a> {
    text: &'a str,
    number: Option<f64>,
    /// `1..5` is 1, 2, 3, 4 and 5, as in shells.
    seeds: Option<RangeInclusive<u64>>,
}

impl<'a> Wanted<'a> {
    fn of(text: &'a str) -> Self {
        let range = text.split_once("..").and_then(|(first, last)| {
            let first: u64 = first.trim().parse().ok()?;
            let last: u64 = last.trim().parse().ok()?;
            Some(first..=last)
        });
        Self {
            text,
            number: number(text),
            seeds: range,
        }
    }

    /// Whether a seed is the one that is wanted, or in the range.
    fn has_seed(&self, seed: u64) -> bool {
        match &self.seeds {
            Some(range) => range.contains(&seed),
            None => self.number == Some(seed as f64),
        }
    }

    /// Equal texts, or numbers of the same size: `2e-5` is `0.00002`. `number` is what the value is as one.
    fn is(&self, value: &str, number: impl FnOnce() -> Option<f64>) -> bool {
        value == self.text || (self.number.is_some() && number() == self.number)
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// What the cells show under keys that somebody asked for in vain, gathered once for all who did.
type Values = BTreeMap<String, Vec<(Option<f64>, String)>>;

/// What the cells show under a key, each once, in the order that people know: numbers by size.
fn values_of(expansion: &Expansion, key: &str) -> Vec<(Option<f64>, String)> {
    let values: BTreeSet<String> = expansion
        .cells
        .iter()
        .map(|cell| shown(cell, &expansion.columns, key))
        .collect();
    let mut values: Vec<_> = values
        .into_iter()
        .map(|value| (number(&value), value))
        .collect();
    // Numbers before words: an order of both among each other would be none.
    values.sort_by(|(left, a), (right, b)| match (left, right) {
        (Some(left), Some(right)) => left.total_cmp(right),
        (None, None) => a.cmp(b),
        _ => left.is_none().cmp(&right.is_none()),
    });
    values
}

/// Leaves the cells that one of the selections has. `[only]` of a sweep file.
pub(crate) fn keep(
    expansion: &mut Expansion,
    selections: &[(String, Range<usize>)],
) -> Result<(), Vec<Fault>> {
    let mut kept = vec![false; expansion.cells.len()];
    let (mut faults, mut values) = (Vec::new(), Values::new());
    for (text, span) in selections {
        if let Err(SelectionError { message, help }) = mark(expansion, text, &mut kept, &mut values)
        {
            faults.push(Fault::new(span.clone(), message, help));
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    if !selections.is_empty() {
        let mut kept = kept.into_iter();
        expansion.cells.retain(|_| kept.next().unwrap_or_default());
    }
    Ok(())
}

fn mark(
    expansion: &Expansion,
    text: &str,
    kept: &mut [bool],
    values: &mut Values,
) -> Result<(), SelectionError> {
    let selection = Selection::parse(text, &expansion.columns)?;
    if selection.mark(expansion, kept) {
        Ok(())
    } else {
        Err(selection.complaint(expansion, values))
    }
}

/// Checks that each selection has a cell, and gives what makes a sweep file mean these cells alone when it is put at its end.
///
/// # Errors
/// The first selection that has none, with what there is.
pub fn only_section(
    expansion: &Expansion,
    selections: &[String],
) -> Result<String, SelectionError> {
    let mut kept = vec![false; expansion.cells.len()];
    let mut quoted = Vec::new();
    for text in selections {
        mark(expansion, text, &mut kept, &mut Values::new()).map_err(|error| SelectionError {
            message: format!("{text}: {}", error.message),
            ..error
        })?;
        quoted.push(toml::Value::String(text.clone()).to_string());
    }
    Ok(format!(
        "\n# By the command line: these cells alone.\n[only]\ncells = [{}]\n",
        quoted.join(", ")
    ))
}
