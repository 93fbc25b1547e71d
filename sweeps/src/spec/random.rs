//! `[random]`: points drawn from ranges and lists, spread as its design says.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::axis::is_numeric;
use super::counted::{Counted, MAX_POINTS};
use super::design::{Design, MOST_SOBOL, MOST_SOBOL_POINTS};
use super::settings::{Named, Vocabulary, checked, named};
use super::table::{as_count, as_table, as_text, entries, unknown_key};
use super::{Axis, Coordinate, Key};
use crate::choice::Choice;
use crate::decimal::rounded;
use crate::fault::{Fault, Found};
use crate::parameter::Parameter;
use crate::value::Value;

/// Significant digits of a drawn number: enough to tell draws apart, few enough to be read in a table and typed in a list.
const DRAWN_DIGITS: usize = 6;

/// `[random]`: `count` points drawn by a stream of its own from ranges and lists, moving together as one axis.
pub(super) fn random(
    table: &DeTable<'_>,
    span: Range<usize>,
    counted: &mut Counted,
    faults: &mut Found,
) -> Option<Axis> {
    const KNOWN: [&str; 4] = ["count", "design", "seed", "ranges"];
    let (mut count, mut seed, mut ranges) = (None, 0, None);
    let mut design = Design::default();
    let before = faults.len();
    for entry in entries(table) {
        if faults.is_full() {
            break;
        }
        match entry.key {
            "count" => count = as_count(entry.value, "random.count", 1..=MAX_POINTS, faults),
            "seed" => seed = as_count(entry.value, "random.seed", 0..=i64::MAX as u64, faults)?,
            "design" => {
                let word = as_text(entry.value, "random.design", faults)?;
                match Design::of_word(word) {
                    Some(known) => design = known,
                    None => faults.push(Fault::new(
                        entry.span(),
                        format!("there is no design `{word}`"),
                        format!("designs: {}", Design::WORDS.join(", ")),
                    )),
                }
            }
            "ranges" => ranges = as_table(entry.value, "random.ranges", faults),
            _ => faults.push(unknown_key(&entry, "[random]", &KNOWN)),
        }
    }
    let mut sources = Vec::new();
    if let Some(ranges) = ranges {
        for (name, _, value) in named(ranges, "[random.ranges]", Vocabulary::DRAWN, faults) {
            if let Named::Parameter(parameter) = name
                && let Some(draw) = draw_of(parameter, value, faults)
            {
                sources.push((parameter, value.span(), draw));
            }
        }
    }
    if faults.len() > before {
        return None;
    }
    if count.is_none() || sources.is_empty() {
        faults.push(Fault::new(
            span,
            "[random] needs `count` and at least one range",
            "write count = 20 and, under [random.ranges], learning_rate = { min = 1e-5, max = 1e-3, scale = \"log\" }",
        ));
        return None;
    }
    if design == Design::Sobol && (sources.len() > MOST_SOBOL || count? > MOST_SOBOL_POINTS) {
        faults.push(Fault::new(
            span,
            format!(
                "a Sobol sequence has at most {MOST_SOBOL_POINTS} points of {MOST_SOBOL} parameters"
            ),
            "write design = \"latin-hypercube\"",
        ));
        return None;
    }
    let values = count?.saturating_mul(sources.len() as u64);
    counted.take(values, &span, faults)?;
    sources.sort_by_key(|(parameter, _, _)| parameter.name);
    let points = design
        .points(count? as usize, sources.len(), seed)
        .into_iter()
        .map(|point| {
            sources
                .iter()
                .zip(point)
                .map(|((_, span, draw), unit)| (Coordinate::Value(draw.at(unit)), span.clone()))
                .collect()
        })
        .collect();
    Some(Axis {
        keys: sources
            .iter()
            .map(|(parameter, _, _)| Key::Parameter(parameter))
            .collect(),
        points,
    })
}

/// What a random value is drawn from.
enum Draw {
    Integer { min: i64, max: i64 },
    Uniform { min: f64, max: f64 },
    Logarithmic { min: f64, max: f64 },
    OneOf(Vec<Value>),
}

fn draw_of(
    parameter: &'static Parameter,
    value: &Spanned<DeValue<'_>>,
    faults: &mut Found,
) -> Option<Draw> {
    if let DeValue::Array(values) = value.get_ref() {
        let values: Vec<_> = values
            .iter()
            .map_while(|value| (!faults.is_full()).then(|| checked(parameter, value, faults)))
            .flatten()
            .collect();
        if values.is_empty() {
            faults.push(Fault::new(
                value.span(),
                format!("`{}` has nothing to draw from", parameter.name),
                "",
            ));
        }
        return Some(Draw::OneOf(values));
    }
    let table = as_table(value, parameter.name, faults)?;
    if !is_numeric(Key::Parameter(parameter)) {
        faults.push(Fault::new(
            value.span(),
            format!("`{}` is no number: it has no range", parameter.name),
            "write a list of the values to draw from",
        ));
        return None;
    }
    let (mut min, mut max, mut logarithmic) = (None, None, false);
    for entry in entries(table) {
        if faults.is_full() {
            break;
        }
        match entry.key {
            "min" => min = checked(parameter, entry.value, faults),
            "max" => max = checked(parameter, entry.value, faults),
            "scale" => match as_text(entry.value, "scale", faults)? {
                "log" => logarithmic = true,
                "linear" => {}
                other => faults.push(Fault::new(
                    entry.span(),
                    format!("there is no scale `{other}`"),
                    "scales: linear, log",
                )),
            },
            _ => faults.push(unknown_key(
                &entry,
                &format!("the range of `{}`", parameter.name),
                &["min", "max", "scale"],
            )),
        }
    }
    let (Some(min), Some(max)) = (min, max) else {
        faults.push(Fault::new(
            value.span(),
            format!("the range of `{}` lacks its `min` or `max`", parameter.name),
            "write { min = …, max = …, scale = \"linear\" | \"log\" }",
        ));
        return None;
    };
    let (low, high) = (min.as_float()?, max.as_float()?);
    if low > high || (logarithmic && low <= 0.0) {
        let message = if low > high {
            "ends before it begins"
        } else {
            "is logarithmic and must begin above 0"
        };
        faults.push(Fault::new(
            value.span(),
            format!("the range of `{}` {message}", parameter.name),
            "",
        ));
        return None;
    }
    Some(match (min, max) {
        (Value::Integer(min), Value::Integer(max)) if !logarithmic => Draw::Integer { min, max },
        (Value::Integer(_), Value::Integer(_)) => {
            faults.push(Fault::new(
                value.span(),
                format!(
                    "`{}` is a whole number: a logarithmic range cannot be drawn from",
                    parameter.name
                ),
                "write a list of the values to draw from",
            ));
            return None;
        }
        _ if logarithmic => Draw::Logarithmic {
            min: low,
            max: high,
        },
        _ => Draw::Uniform {
            min: low,
            max: high,
        },
    })
}

impl Draw {
    /// The value at that place of the range, from 0 to below 1.
    fn at(&self, unit: f64) -> Value {
        match self {
            // The product is below the number of values, so the bias of truncation is below 2⁻⁵³.
            Self::Integer { min, max } => {
                let width = max.abs_diff(*min) as f64 + 1.0;
                Value::Integer(min.saturating_add((unit * width) as i64).min(*max))
            }
            Self::Uniform { min, max } => {
                Value::Float(rounded(min + unit * (max - min), DRAWN_DIGITS).clamp(*min, *max))
            }
            Self::Logarithmic { min, max } => {
                let (low, high) = (libm::log(*min), libm::log(*max));
                let drawn = libm::exp(low + unit * (high - low));
                Value::Float(rounded(drawn, DRAWN_DIGITS).clamp(*min, *max))
            }
            Self::OneOf(values) => {
                values[((unit * values.len() as f64) as usize).min(values.len() - 1)].clone()
            }
        }
    }
}
