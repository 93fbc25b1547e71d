//! What tells one group of runs from the others: its variant and its point of the grid.

use std::cmp::Ordering;

use sweeps::Value;

use super::source::Source;
use crate::order::compare_values;

/// A variant at a point of the grid.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Key {
    pub(super) variant: String,
    /// The swept values, in the order of [`Source::columns`].
    pub(super) point: Vec<Option<Value>>,
}

impl Key {
    pub(super) fn value(&self, column: usize) -> Option<&Value> {
        self.point.get(column)?.as_ref()
    }

    /// The value as text; a dash where there is none.
    pub(super) fn text(&self, column: usize) -> String {
        self.value(column)
            .map_or_else(|| "–".to_owned(), ToString::to_string)
    }

    pub(super) fn has(&self, column: usize, wanted: &Value) -> bool {
        self.value(column)
            .is_some_and(|value| compare_values(value, wanted).is_eq())
    }

    /// Variant and the values of `columns`: `GCL_WS · supervision_percent = 33, epochs = 15`.
    pub(super) fn label(&self, columns: &[usize], source: &Source) -> String {
        let point: Vec<String> = columns
            .iter()
            .filter_map(|column| {
                let (name, value) = (source.columns.get(*column)?, self.value(*column)?);
                Some(format!("{name} = {value}"))
            })
            .collect();
        if point.is_empty() {
            self.variant.clone()
        } else {
            format!("{} · {}", self.variant, point.join(", "))
        }
    }
}

/// The values of a column in natural order, each once.
pub(super) fn values<'a>(keys: impl Iterator<Item = &'a Key>, column: usize) -> Vec<Value> {
    let mut values: Vec<Value> = keys.filter_map(|key| key.value(column).cloned()).collect();
    values.sort_by(compare_values);
    values.dedup_by(|left, right| compare_values(left, right) == Ordering::Equal);
    values
}

/// Short labels of `keys`: the variant where there are several, and the values of those of `columns` that differ; and what
/// these parts are, empty where labels are variants' names alone.
pub(super) fn distinct(keys: &[&Key], columns: &[usize], source: &Source) -> (Vec<String>, String) {
    let differ = |part: &dyn Fn(&Key) -> String| {
        keys.first()
            .is_some_and(|first| keys.iter().any(|key| part(key) != part(first)))
    };
    let swept: Vec<usize> = columns
        .iter()
        .copied()
        .filter(|column| differ(&|key| key.text(*column)))
        .collect();
    if swept.is_empty() {
        let names = keys.iter().map(|key| key.variant.clone()).collect();
        return (names, String::new());
    }
    let variants = differ(&|key| key.variant.clone());
    let labels = keys
        .iter()
        .map(|key| {
            let values = swept.iter().map(|column| key.text(*column));
            let variant = variants.then(|| key.variant.clone());
            variant
                .into_iter()
                .chain(values)
                .collect::<Vec<_>>()
                .join(" · ")
        })
        .collect();
    let names = swept.iter().map(|column| source.columns[*column].clone());
    let variant = variants.then(|| "variant".to_owned());
    let names: Vec<String> = variant.into_iter().chain(names).collect();
    (labels, names.join(" · "))
}
