//! The values of a job by name, before they are typed.

use super::choices::{Threshold, ThresholdWord};
use super::distil::{LabelRule, LabelRuleWord};
use crate::choice::Choice;
use crate::parameters::Parameters;
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
    /// The choice that the job or else the registry names. A word that neither the code nor the registry knows was refused when
    /// the job was made; where one arrives in spite of that, it is the first choice.
    pub(super) fn choice<C: Choice>(&self, name: &str) -> C {
        let default = || crate::registry::find(name).and_then(|parameter| (parameter.default)());
        self.0
            .choice(name)
            .or_else(|| C::of_word(default()?.as_text()?))
            .unwrap_or(C::ALL[0])
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
        let rule = entries
            .get("rule")
            .and_then(Value::as_text)
            .and_then(ThresholdWord::of_word);
        match rule.unwrap_or(ThresholdWord::Otsu) {
            ThresholdWord::MeanStd => Threshold::MeanStd { k: number("k") },
            ThresholdWord::TopPercent => Threshold::TopPercent {
                percent: number("percent"),
            },
            ThresholdWord::Fixed => Threshold::Fixed {
                value: number("value"),
            },
            ThresholdWord::Valley => Threshold::Valley,
            ThresholdWord::Otsu => Threshold::Otsu,
        }
    }
    pub(super) fn label_rule(&self, name: &str) -> LabelRule {
        let value = self.value(name);
        let entry = |key: &str| match &value {
            Some(Value::Table(entries)) => entries.get(key),
            _ => None,
        };
        let number = |key: &str| entry(key).and_then(Value::as_float).unwrap_or_default();
        let rule = entry("rule").and_then(Value::as_text);
        match rule.and_then(LabelRuleWord::of_word) {
            Some(LabelRuleWord::TopPercent) => LabelRule::TopPercent {
                percent: number("percent"),
            },
            Some(LabelRuleWord::SoftRank) => LabelRule::SoftRank {
                exponent: number("exponent"),
            },
            Some(LabelRuleWord::MeanStd) | None => LabelRule::MeanStd { k: number("k") },
        }
    }
}
