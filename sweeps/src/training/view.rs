//! The values of a job by name, before they are typed.

use super::Threshold;
use crate::job::Parameters;
use crate::value::Value;

/// Values by name, with the registry's default where the job has none (parameters that do not apply).
pub(super) struct View<'a>(pub(super) &'a Parameters);

impl View<'_> {
    pub(super) fn value(&self, name: &str) -> Option<Value> {
        self.0
            .get(name)
            .cloned()
            .or_else(|| crate::registry::find(name).and_then(|parameter| (parameter.default)()))
    }
    /// The word, or an empty one: each match on it falls through to the default.
    pub(super) fn word(&self, name: &str) -> &str {
        self.0
            .get(name)
            .and_then(Value::as_text)
            .unwrap_or_default()
    }
    pub(super) fn integer(&self, name: &str) -> i64 {
        self.value(name)
            .and_then(|value| value.as_integer())
            .unwrap_or_default()
    }
    pub(super) fn count(&self, name: &str) -> usize {
        self.integer(name) as usize
    }
    pub(super) fn float(&self, name: &str) -> f64 {
        self.value(name)
            .and_then(|value| value.as_float())
            .unwrap_or_default()
    }
    pub(super) fn widths(&self, name: &str) -> Option<Vec<usize>> {
        match self.value(name)? {
            Value::List(widths) => Some(
                widths
                    .iter()
                    .filter_map(Value::as_integer)
                    .map(|width| width as usize)
                    .collect(),
            ),
            _ => None,
        }
    }
    pub(super) fn threshold(&self, name: &str) -> Threshold {
        let Some(Value::Table(entries)) = self.value(name) else {
            return Threshold::Otsu;
        };
        let number = |key: &str| {
            entries
                .get(key)
                .and_then(Value::as_float)
                .unwrap_or_default()
        };
        match entries
            .get("rule")
            .and_then(Value::as_text)
            .unwrap_or_default()
        {
            "mean-std" => Threshold::MeanStd { k: number("k") },
            "top-percent" => Threshold::TopPercent {
                percent: number("percent"),
            },
            "fixed" => Threshold::Fixed {
                value: number("value"),
            },
            "valley" => Threshold::Valley,
            _ => Threshold::Otsu,
        }
    }
}
