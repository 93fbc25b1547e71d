//! What a job's parameter is: its kind, range, unit, default and meaning, and the check of a value against them.

use std::collections::BTreeMap;
use std::fmt;

use crate::choice::Choice;
use crate::parameters::Parameters;
use crate::training::choices::ThresholdWord;
use crate::training::distil::LabelRuleWord;
use crate::value::Value;

/// One parameter of a job. The table of all of them is [`crate::registry::PARAMETERS`].
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// The dotted name: `negative_learning.sigma`.
    pub name: &'static str,
    /// Type and range.
    pub kind: Kind,
    /// Unit, empty where there is none.
    pub unit: &'static str,
    /// The default; `None` means "unset", for parameters that replace another when given.
    pub default: fn() -> Option<Value>,
    /// Section of the paper.
    pub section: &'static str,
    /// One sentence for `gcl-sweep params`.
    pub doc: &'static str,
    /// Whether it decides the training or only the reporting.
    pub role: Role,
    /// When it means anything, in words; empty for always.
    pub condition: &'static str,
    /// When it means anything, given all parameters of the job.
    pub applies: fn(&Parameters) -> bool,
}

/// What a parameter decides: the training (and is hashed into the job's id), only the reporting, or the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Part of the job's id.
    Training,
    /// Decided when reporting.
    Reporting,
    /// A setting of generated data: part of the data's digest, and by it of the job's id.
    Data,
}

/// Type and range of a parameter.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A whole number between both, inclusive.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// A finite number.
    Float(Range),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Widths of hidden layers, input to output: 1 to 16 whole numbers between 1 and 65,536.
    Widths,
    /// A threshold's rule and its number.
    Threshold {
        /// The default of `k` in `mean-std`.
        k: f64,
    },
    /// A rule by which errors of a whole training split become labels, and its number.
    LabelRule,
}

/// A range of numbers; an open end is not in it.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// Lower end.
    pub min: f64,
    /// Upper end.
    pub max: f64,
    /// Whether `min` itself is left out.
    pub open_min: bool,
    /// Whether `max` itself is left out.
    pub open_max: bool,
}

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueFault {
    /// The key inside a table value, or the index inside a list, that is at fault; `None` for the value as a whole.
    pub at: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl Range {
    /// `[min, max]`.
    pub const fn closed(min: f64, max: f64) -> Self {
        Self {
            min,
            max,
            open_min: false,
            open_max: false,
        }
    }
    /// `(min, max]`.
    pub const fn above(min: f64, max: f64) -> Self {
        Self {
            min,
            max,
            open_min: true,
            open_max: false,
        }
    }
    /// `[min, max)`.
    pub const fn below(min: f64, max: f64) -> Self {
        Self {
            min,
            max,
            open_min: false,
            open_max: true,
        }
    }
    fn contains(&self, value: f64) -> bool {
        let low = if self.open_min {
            value > self.min
        } else {
            value >= self.min
        };
        let high = if self.open_max {
            value < self.max
        } else {
            value <= self.max
        };
        low && high
    }
}

impl fmt::Display for Range {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (left, right) = (
            if self.open_min { '(' } else { '[' },
            if self.open_max { ')' } else { ']' },
        );
        write!(
            formatter,
            "{left}{}, {}{right}",
            Value::Float(self.min),
            Value::Float(self.max)
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer { min, max } => write!(formatter, "whole number in [{min}, {max}]"),
            Self::Float(range) => write!(formatter, "number in {range}"),
            Self::Choice(words) => formatter.write_str(&words.join(" | ")),
            Self::Widths => formatter.write_str("list of 1 to 16 widths"),
            Self::Threshold { .. } => formatter.write_str(
                "{ rule, … }: mean-std (k), top-percent (percent), fixed (value), otsu, valley",
            ),
            Self::LabelRule => formatter.write_str(
                "{ rule, … }: mean-std (k), top-percent (percent), soft-rank (exponent)",
            ),
        }
    }
}

impl Parameter {
    /// Checks `value` and gives its normal form: a number as a float where one is asked, a threshold with all its keys.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn check(&self, value: &Value) -> Result<Value, Vec<ValueFault>> {
        match self.kind {
            Kind::Integer { min, max } => match value {
                Value::Integer(number) if (min..=max).contains(number) => Ok(value.clone()),
                Value::Integer(number) => fault(
                    format!("`{}` = {number} is out of range", self.name),
                    format!(
                        "a whole number from {min} to {max} is expected{}",
                        self.unit_hint()
                    ),
                ),
                other => fault(
                    format!(
                        "`{}` must be a whole number, not {}",
                        self.name,
                        other.kind()
                    ),
                    format!(
                        "write a whole number from {min} to {max}{}",
                        self.unit_hint()
                    ),
                ),
            },
            Kind::Float(range) => {
                check_float(self.name, self.unit, range, value).map_err(|fault| vec![fault])
            }
            Kind::Choice(words) => match value {
                Value::Text(word) if words.contains(&word.as_str()) => Ok(value.clone()),
                Value::Text(word) => fault(
                    format!("`{}` cannot be `{word}`", self.name),
                    format!(
                        "{}one of: {}",
                        nearest_hint(word, words.iter().copied()),
                        words.join(", ")
                    ),
                ),
                other => fault(
                    format!("`{}` must be a text, not {}", self.name, other.kind()),
                    format!("one of: {}", words.join(", ")),
                ),
            },
            Kind::Widths => self.check_widths(value),
            Kind::Threshold { k } => check_rule(self.name, ThresholdWord::WORDS, value, |rule| {
                ThresholdWord::of_word(rule).map(|word| rule_number(word, k))
            }),
            Kind::LabelRule => check_rule(self.name, LabelRuleWord::WORDS, value, |rule| {
                LabelRuleWord::of_word(rule).map(|word| Some(label_rule_number(word)))
            }),
        }
    }

    fn unit_hint(&self) -> String {
        if self.unit.is_empty() {
            String::new()
        } else {
            format!(" ({})", self.unit)
        }
    }

    fn check_widths(&self, value: &Value) -> Result<Value, Vec<ValueFault>> {
        let help = "a list of the hidden layers' widths, input to output, such as [1024, 512, 256, 512, 1024]";
        let Value::List(widths) = value else {
            return fault(
                format!("`{}` must be a list, not {}", self.name, value.kind()),
                help.to_owned(),
            );
        };
        if widths.is_empty() || widths.len() > 16 {
            return fault(
                format!(
                    "`{}` has {} widths; 1 to 16 are possible",
                    self.name,
                    widths.len()
                ),
                help.to_owned(),
            );
        }
        let faults: Vec<_> = widths
            .iter()
            .enumerate()
            .filter(|(_, width)| !matches!(width, Value::Integer(1..=65_536)))
            .map(|(index, width)| ValueFault {
                at: Some(index.to_string()),
                message: format!("`{width}` is no width in `{}`", self.name),
                help: "a whole number from 1 to 65536 is expected".to_owned(),
            })
            .collect();
        if faults.is_empty() {
            Ok(value.clone())
        } else {
            Err(faults)
        }
    }
}

/// Bytes of a word that is compared with others: comparing takes their product, and no name is as long.
const LONGEST_COMPARED: usize = 256;

/// The nearest of `candidates`, if any is near enough to be what was meant.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST_COMPARED {
        return None;
    }
    candidates
        .filter(|candidate| candidate.len() <= LONGEST_COMPARED)
        .map(|candidate| {
            // A name's last part is what people remember: `sigma` means `negative_learning.sigma`.
            let tail = candidate.rsplit('.').next().unwrap_or(candidate);
            let score =
                strsim::jaro_winkler(word, candidate).max(strsim::jaro_winkler(word, tail) * 0.97);
            (candidate, score)
        })
        .filter(|(_, score)| *score >= 0.75)
        .max_by(|left, right| left.1.total_cmp(&right.1))
        .map(|(candidate, _)| candidate)
}

pub(crate) fn nearest_hint<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    nearest(word, candidates)
        .map(|candidate| format!("did you mean `{candidate}`? "))
        .unwrap_or_default()
}

fn fault<T>(message: String, help: String) -> Result<T, Vec<ValueFault>> {
    Err(vec![ValueFault {
        at: None,
        message,
        help,
    }])
}

fn check_float(name: &str, unit: &str, range: Range, value: &Value) -> Result<Value, ValueFault> {
    let unit = if unit.is_empty() {
        String::new()
    } else {
        format!(" ({unit})")
    };
    let help = format!("a number in {range} is expected{unit}");
    match value.as_float() {
        // −0 becomes 0: they are the same setting, and a table shows one of them.
        Some(number) if number.is_finite() && range.contains(number) => {
            Ok(Value::Float(number + 0.0))
        }
        Some(number) => Err(ValueFault {
            at: None,
            message: format!("`{name}` = {} is out of range", Value::Float(number)),
            help,
        }),
        None => Err(ValueFault {
            at: None,
            message: format!("`{name}` must be a number, not {}", value.kind()),
            help,
        }),
    }
}

/// A rule's number: its key, its default and its range; `mean-std` has a default per network.
type RuleNumber = (&'static str, Option<f64>, Range);

/// The number that a rule needs: key, default, range.
fn rule_number(rule: ThresholdWord, k: f64) -> Option<RuleNumber> {
    match rule {
        ThresholdWord::MeanStd => Some(("k", Some(k), Range::closed(-100.0, 100.0))),
        ThresholdWord::TopPercent => Some(("percent", Some(10.0), Range::above(0.0, 100.0))),
        ThresholdWord::Fixed => Some(("value", None, Range::closed(-1e30, 1e30))),
        ThresholdWord::Otsu | ThresholdWord::Valley => None,
    }
}

/// The number that a rule of labels needs.
fn label_rule_number(rule: LabelRuleWord) -> RuleNumber {
    match rule {
        LabelRuleWord::MeanStd => ("k", Some(1.0), Range::closed(-100.0, 100.0)),
        LabelRuleWord::TopPercent => ("percent", Some(10.0), Range::above(0.0, 100.0)),
        LabelRuleWord::SoftRank => ("exponent", Some(4.0), Range::above(0.0, 100.0)),
    }
}

/// A rule and its number; `number_of` gives the number that a rule needs, if there is such a rule.
fn check_rule(
    name: &str,
    words: &[&'static str],
    value: &Value,
    number_of: impl Fn(&str) -> Option<Option<RuleNumber>>,
) -> Result<Value, Vec<ValueFault>> {
    let names = || words.iter().copied();
    let help = || format!("rules: {}", words.join(", "));
    let empty = BTreeMap::new();
    // `threshold.generator = "otsu"` is short for `{ rule = "otsu" }`.
    let (rule, entries) = match value {
        Value::Text(rule) => (rule.as_str(), &empty),
        Value::Table(entries) => match entries.get("rule") {
            Some(Value::Text(rule)) => (rule.as_str(), entries),
            Some(other) => {
                return Err(vec![ValueFault {
                    at: Some("rule".into()),
                    message: format!("`rule` must be a text, not {}", other.kind()),
                    help: help(),
                }]);
            }
            None => return fault(format!("`{name}` lacks its `rule`"), help()),
        },
        other => {
            return fault(
                format!(
                    "`{name}` must be a table with a `rule`, not {}",
                    other.kind()
                ),
                help(),
            );
        }
    };
    let Some(setting) = number_of(rule) else {
        let at = matches!(value, Value::Table(_)).then(|| "rule".to_owned());
        return Err(vec![ValueFault {
            at,
            message: format!("`{name}` has no rule `{rule}`"),
            help: format!("{}{}", nearest_hint(rule, names()), help()),
        }]);
    };
    let mut faults = Vec::new();
    let mut normal = BTreeMap::from([("rule".to_owned(), Value::from(rule))]);
    if let Some((key, default, range)) = setting {
        let given = entries.get(key).cloned();
        match given.or(default.map(Value::Float)) {
            Some(number) => match check_float(&format!("{name}.{key}"), "", range, &number) {
                Ok(number) => {
                    normal.insert(key.to_owned(), number);
                }
                Err(fault) => faults.push(ValueFault {
                    at: Some(key.to_owned()),
                    ..fault
                }),
            },
            None => faults.push(ValueFault {
                at: None,
                message: format!("`{name}` with rule `{rule}` lacks its `{key}`"),
                help: format!("write {{ rule = \"{rule}\", {key} = … }}, a number in {range}"),
            }),
        }
    }
    for key in entries
        .keys()
        .filter(|key| *key != "rule" && setting.is_none_or(|(known, _, _)| known != key.as_str()))
    {
        faults.push(ValueFault {
            at: Some(key.clone()),
            message: format!("rule `{rule}` of `{name}` has no `{key}`"),
            help: setting.map_or_else(
                || "this rule has no number".to_owned(),
                |(known, _, _)| format!("its number is `{known}`"),
            ),
        });
    }
    if faults.is_empty() {
        Ok(Value::Table(normal))
    } else {
        Err(faults)
    }
}
